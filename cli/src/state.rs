//! Where the state directory is.

use std::path::PathBuf;

use anyhow::Context;

use crate::Common;

/// `--state`, else the XDG base directory for state, else the one it defaults to.
pub(crate) fn directory(common: &Common) -> anyhow::Result<PathBuf> {
    let from_environment = || {
        let is_set = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        // The specification has relative paths ignored.
        let xdg = is_set("XDG_STATE_HOME").filter(|path| path.is_absolute());
        xdg.or_else(|| is_set("HOME").map(|home| home.join(".local/state")))
            .map(|base| base.join("althing"))
    };
    let path = common
        .state
        .clone()
        .or_else(from_environment)
        .context("neither --state nor HOME is set")?;
    std::path::absolute(&path).with_context(|| format!("find {}", path.display()))
}
