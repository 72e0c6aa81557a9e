//! Consortia of real processes, for the end-to-end cases and the benchmarks.
//!
//! ```text
//! Manifests ──▶ althing up ──▶ Consortium ──▶ Member (pid, ports, folder): kill, start, metrics
//!                                   └──────▶ Rpc (JSON-RPC of one group on one node), Account (signs)
//! ```
//!
//! What a case knows of a node is what a person knows: the command line, the files, the ports. Nothing here links the node, but for
//! the format that accounts of the SM edition sign.

mod account;
mod binaries;
mod clock;
pub mod cluster;
mod consortium;
mod dice;
mod manifests;
mod member;
pub mod operator;
mod pace;
mod pages;
mod ports;
mod process;
mod rpc;
mod session;
pub mod token;
mod wait;

pub use account::{Account, SmChain};
pub use binaries::{binary, cache, repository};
pub use consortium::Consortium;
pub use dice::Dice;
pub use manifests::{Edition, GroupPlan, Manifests, StateKind};
pub use member::{Member, own_cpu};
pub use pace::{Intervals, Pace};
pub use pages::{Desk, Page};
pub use process::run;
pub use rpc::{Receipt, Rpc, RpcError};
pub use session::Session;
pub use wait::{until, until_some};
