//! Block sync of one group: nodes announce where they are; who is behind asks for blocks with their certificates, and the
//! executor verifies each before it is written.

mod message;
mod peers;
mod task;

pub use message::{BLOCKS_PER_REQUEST, Request, Status, SyncMessage, SyncedBlock};
pub use peers::SyncPeers;
pub use task::SyncView;
pub(crate) use task::{SyncEvent, SyncParts, SyncTask};
