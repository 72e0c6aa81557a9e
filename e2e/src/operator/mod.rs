//! The operator and the ledgers it makes, as cases on a cluster see them.
//!
//! ```text
//! Case ─▶ Operator (a process with the rights of a namespaced ServiceAccount) ─▶ objects, pods
//!  │                                                                  ▲
//!  ├─▶ Ledger (JSON-RPC of a group on its pods, over TLS)             │ audit log
//!  ├─▶ Watchdog (blocks go on, nothing acknowledged is lost)          │
//!  └─▶ Audit (every write the API server saw) ────────────────────────┘
//! ```

mod audit;
mod conditions;
mod fault;
mod inventory;
mod ledger;
mod pods;
mod process;
mod proxy;
mod rights;
mod sample;
mod watchdog;

pub use audit::{Audit, Write};
pub use conditions::Object;
pub use fault::NodeProcess;
pub use inventory::Inventory;
pub use ledger::Ledger;
pub use pods::{Footprint, PodHistory, PodWatch, footprints, is_up, pods, uid};
pub use process::{Operator, Options};
pub use proxy::{Call, Fate, Proxy};
pub use rights::definitions;
pub use sample::{four_agencies, in_namespace};
pub use watchdog::{Watchdog, Watched};
