//! A program of the cluster: what it is called and how it is started.

use std::path::Path;

use super::layout::BIN;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// What it is called: its log and its process are noted under this name.
    pub(super) name: &'static str,
    /// Where the cluster finds it.
    pub(super) path: String,
    /// Its arguments.
    pub(super) args: Vec<String>,
}

impl Program {
    /// One of those that `scripts/setup.sh cluster` built. The arguments are lines, one each.
    pub(super) fn built(name: &'static str, args: &str) -> Self {
        Self {
            path: Path::new(BIN).join(name).display().to_string(),
            ..Self::installed(name, args)
        }
    }

    /// One of the machine's packages.
    pub(super) fn installed(name: &'static str, args: &str) -> Self {
        Self {
            name,
            path: name.to_owned(),
            args: args.split_whitespace().map(str::to_owned).collect(),
        }
    }
}
