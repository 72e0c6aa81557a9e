//! Every rule of GOVERNANCE.md 1 and 2 and of LEDGER.md 4 that concerns the chain, by its name.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod accounts;
mod encoding;
mod histories;
mod leases;
mod membership;
mod recovery;
mod scene;
mod votes;
