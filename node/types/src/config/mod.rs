//! The files of one node that may change: `config.ini`, `group.N.ini`, `nodes.json`.
//!
//! FISCO BCOS 2.x keeps its words; where the seeds or 3.x spell a key differently both are read. Absent keys take the
//! defaults of [`NodeConfig::default`] and [`GroupConfig::default`]. Keys of FISCO's that change nothing here are accepted
//! and not kept; anything else unknown is an error.

mod address;
mod group;
mod group_file;
mod node;
mod node_parse;
mod node_render;
mod nodes_json;

pub use address::{PeerAddress, PeerAddressError};
pub use group::{FlowControl, GroupConfig, StorageEngine, SyncConfig, TxPoolConfig};
pub use group_file::{parse_group_config, render_group_config};
pub use node::{
    Blacklist, ChainConfig, ClientAuth, GroupPaths, IdentityFiles, LogConfig, LogFormat, LogLevel, MetricsConfig,
    NetworkSecurity, NodeConfig, P2pConfig, RpcConfig, RpcTls,
};
pub use node_parse::parse_node_config;
pub use node_render::render_node_config;
pub use nodes_json::{NodesJsonError, parse_nodes_json, render_nodes_json};

/// Why a configuration file is not accepted or cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not the INI it should be, or a value is not what its key takes.
    #[error(transparent)]
    Ini(#[from] crate::ini_file::IniError),
    /// Every value is readable, but two of them do not go together.
    #[error("{file}: {what}")]
    Rule {
        /// The file.
        file: String,
        /// The rule, with the keys it is about and what is accepted.
        what: String,
    },
}
