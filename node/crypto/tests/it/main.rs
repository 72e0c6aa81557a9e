//! The promises of the editions: those of both, run on both, and what was published about each.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod both;
mod cases;
mod hostile;
mod key_files;
mod oracle;
mod refusals;
mod roots;
mod support;
mod vectors;
