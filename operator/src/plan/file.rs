//! Files a node reads.

use std::fmt;

use alloy_primitives::keccak256;
use althing_types::B256;
use serde::{Deserialize, Serialize};

use crate::name::NodeName;
use crate::plan::Identity;

/// Which file: the owning node's folder (that of `config.ini`) and a path below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileRef {
    /// The node.
    pub node: NodeName,
    /// The path below the node's folder, such as `config.ini` or `conf/node.crt`. Made of constants and numbers only: nothing
    /// from a manifest is in it.
    pub path: String,
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.path)
    }
}

/// A file as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Where.
    pub at: FileRef,
    /// What.
    pub content: FileContent,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FileContent {
    /// Public text, rendered by a typed writer and parsed back (DESIGN.md 5.8).
    Text(String),
    /// The private key of this identity in PKCS#8 PEM. The plan never holds the key; the edge copies it, mode 0600.
    PrivateKey(Identity),
}

/// What is found where a file should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObservedFile {
    /// Text with this digest.
    Text(FileDigest),
    /// A private key file that holds the same key as this identity's.
    PrivateKey(Identity),
    /// Something that is not what the last apply wrote, or cannot be read.
    Other,
}

/// The Keccak-256 digest of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileDigest(pub B256);

impl FileDigest {
    /// The digest of a text.
    pub fn of(text: &str) -> Self {
        Self(keccak256(text))
    }
}

impl File {
    /// Whether what is observed is this file already.
    pub fn is_at_rest(&self, observed: Option<&ObservedFile>) -> bool {
        match (&self.content, observed) {
            (FileContent::Text(text), Some(ObservedFile::Text(digest))) => FileDigest::of(text) == *digest,
            (FileContent::PrivateKey(wanted), Some(ObservedFile::PrivateKey(found))) => wanted == found,
            _ => false,
        }
    }
}
