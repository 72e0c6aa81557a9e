//! The rules of LEDGER.md 3 that concern the consensus, on the true core with the standard suite. The simulator looks for
//! what these tests do not think of.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod certificates;
mod durability;
mod following;
mod hostile;
mod house;
mod rounds;
mod sealing;
mod timers;
