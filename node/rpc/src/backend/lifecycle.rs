//! A group made, started, stopped, removed and recovered while the node runs (FISCO BCOS 2.x, `GroupManager` of its JSON-RPC).

use althing_types::GroupId;
use serde_json::Value;

/// What a group is on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// The node has nothing of it.
    Inexistent,
    /// It stops: its last block is written and its ledger closed.
    Stopping,
    /// It runs.
    Running,
    /// It was made or stopped by a person, and stays so until a person starts it.
    Stopped,
    /// It was removed; its data is kept until a person recovers it.
    Deleted,
    /// It should run and does not, or what is noted about it cannot be read.
    Unknown,
}

impl Lifecycle {
    /// FISCO's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inexistent => "INEXISTENT",
            Self::Stopping => "STOPPING",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Deleted => "DELETED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// FISCO's number for what became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LifecycleCode {
    /// It is done.
    Success = 0x0,
    /// This node could not; the message says why.
    Internal = 0x1,
    /// A group to be made is there.
    Exists = 0x2,
    /// It runs.
    Running = 0x3,
    /// It is stopped already.
    Stopped = 0x4,
    /// It was removed.
    Deleted = 0x5,
    /// There is no such group.
    NotFound = 0x6,
    /// A parameter is not what is accepted.
    Parameters = 0x7,
    /// A sealer is not connected.
    NotConnected = 0x8,
    /// There is a `group.N.genesis`.
    GenesisExists = 0x9,
    /// There is a `group.N.ini`.
    SettingsExist = 0xa,
    /// There is no `group.N.genesis`.
    GenesisMissing = 0xb,
    /// It is being stopped.
    Stopping = 0xd,
    /// It was not removed.
    NotDeleted = 0xe,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleAnswer {
    /// In a number.
    pub code: LifecycleCode,
    /// In words.
    pub message: String,
}

impl LifecycleAnswer {
    /// An answer.
    pub fn new(code: LifecycleCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }
}

/// Who changes what groups a node runs. Every method may wait for the disk or for a block under way, and is called on a blocking
/// thread of the runtime.
pub trait GroupLifecycle: Send + Sync {
    /// Makes a group's files, from what the client asked for: `{"timestamp": "ms", "sealers": [nodeID, ...]}`. It does not run yet.
    fn generate(&self, group: GroupId, asked: &Value) -> LifecycleAnswer;
    /// Runs a group that was made or stopped.
    fn start(&self, group: GroupId) -> LifecycleAnswer;
    /// Ends a group after the block under way; it stays stopped, after a restart of the node too.
    fn stop(&self, group: GroupId) -> LifecycleAnswer;
    /// Notes that a stopped group is gone. Files and data are kept.
    fn remove(&self, group: GroupId) -> LifecycleAnswer;
    /// Takes that back: the group is stopped.
    fn recover(&self, group: GroupId) -> LifecycleAnswer;
    /// What a group is, and why where that is not as it should be.
    fn status(&self, group: GroupId) -> (Lifecycle, Option<String>);
}
