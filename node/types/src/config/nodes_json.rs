//! `nodes.json`: `{"nodes":["host:port", …]}`, FISCO 3.x's list of peers.

use serde::{Deserialize, Serialize};

use super::{PeerAddress, PeerAddressError};
use crate::ini_file::FILE_BYTES_MAX;

/// Peers a list may have.
const PEERS_MAX: usize = 10_000;

/// Why a `nodes.json` is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodesJsonError {
    /// Too long to be a list of peers.
    #[error("{file} has {found} {unit}; at most {accepted} are accepted")]
    TooLong {
        /// The file.
        file: String,
        /// How many there are.
        found: usize,
        /// Of what.
        unit: &'static str,
        /// The bound.
        accepted: usize,
    },
    /// Not the JSON it should be.
    #[error("{file}: {why}; accepted is {{\"nodes\":[\"host:port\", …]}}")]
    Malformed {
        /// The file.
        file: String,
        /// What the reader met, with line and column.
        why: String,
    },
    /// An entry that is no peer address.
    #[error("{file}: nodes[{index}]: {source}")]
    Peer {
        /// The file.
        file: String,
        /// The position in the list, from 0.
        index: usize,
        /// What is wrong with it.
        source: PeerAddressError,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    nodes: Vec<T>,
}

/// Reads a `nodes.json`; `file_name` is for errors only.
pub fn parse_nodes_json(file_name: &str, text: &str) -> Result<Vec<PeerAddress>, NodesJsonError> {
    let too_long = |found, unit, accepted| NodesJsonError::TooLong {
        file: file_name.to_owned(),
        found,
        unit,
        accepted,
    };
    if text.len() > FILE_BYTES_MAX {
        return Err(too_long(text.len(), "bytes", FILE_BYTES_MAX));
    }
    let document: Document<String> = serde_json::from_str(text).map_err(|e| NodesJsonError::Malformed {
        file: file_name.to_owned(),
        why: e.to_string(),
    })?;
    if document.nodes.len() > PEERS_MAX {
        return Err(too_long(document.nodes.len(), "peers", PEERS_MAX));
    }
    let read = |(index, text): (usize, &String)| {
        text.parse().map_err(|source| NodesJsonError::Peer {
            file: file_name.to_owned(),
            index,
            source,
        })
    };
    document.nodes.iter().enumerate().map(read).collect()
}

/// Writes a `nodes.json`.
pub fn render_nodes_json(nodes: &[PeerAddress]) -> String {
    let nodes = nodes.iter().map(ToString::to_string).collect();
    // Writing a list of texts into memory has no failure.
    let mut text = serde_json::to_string_pretty(&Document::<String> { nodes }).unwrap_or_default();
    text.push('\n');
    text
}
