//! Both ends in one process, connected by buffers: what is agreed on, and what is refused in which words.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

#[path = "../common/mod.rs"]
mod common;
mod pair;

mod certificates;
mod handshake;
mod keys;
mod other_edition;
mod refusals;
mod vectors;
