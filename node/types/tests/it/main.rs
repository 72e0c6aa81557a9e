//! The promises of the files a node reads and an operator writes.

mod config;
mod genesis;
