//! Why a command has no answer.

use super::codes;
use super::parse::Mistake;
use crate::sentence;

/// Why.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The line is no command.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// A contract, or a rule of the console's, refuses with a code of FISCO's.
    #[error("{}", codes::meaning(*.0))]
    Code(i64),
    /// The node answered with an error.
    #[error("{message}")]
    Node {
        /// Its code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// The contract is not there, or has no such function.
    #[error(
        "{node} does not know {command}: the contract at {contract} has no such function on the chain of group {group}"
    )]
    NotKnown {
        /// Which node.
        node: String,
        /// What was asked for.
        command: &'static str,
        /// Where it was looked for.
        contract: String,
        /// On which chain.
        group: u32,
    },
    /// Everything else, in a sentence.
    #[error("{}", sentence(.0))]
    Other(#[from] anyhow::Error),
}

impl Refusal {
    /// FISCO's code for it, or the node's.
    pub(super) const fn code(&self) -> Option<i64> {
        match self {
            Self::Mistake(mistake) => mistake.code(),
            Self::Code(code) | Self::Node { code, .. } => Some(*code),
            Self::NotKnown { .. } | Self::Other(_) => None,
        }
    }
}
