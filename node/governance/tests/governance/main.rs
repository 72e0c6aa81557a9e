//! Every rule of GOVERNANCE.md 1 and 2 and of LEDGER.md 4 that concerns the chain, by its name.

mod encoding;
mod histories;
mod leases;
mod membership;
mod scene;
mod votes;
