//! Where the state directory is, and which namespace of it is meant.

use std::path::PathBuf;

use althing_operator::edge::local::LocalView;
use althing_operator::name::Namespace;
use anyhow::{Context, bail};

use crate::Common;

/// `--state`, else the XDG base directory for state, else the one it defaults to.
pub(crate) fn directory(common: &Common) -> anyhow::Result<PathBuf> {
    let path = common
        .state
        .clone()
        .or_else(|| base().map(|base| base.join("althing")))
        .context("neither --state nor HOME is set")?;
    std::path::absolute(&path).with_context(|| format!("find {}", path.display()))
}

/// The XDG base directory for state; none when neither it nor HOME is set.
pub(crate) fn base() -> Option<PathBuf> {
    let is_set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    // The specification has relative paths ignored.
    let xdg = is_set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    xdg.or_else(|| is_set("HOME").map(|home| home.join(".local/state")))
}

/// The namespace of this machine that is asked for, else the only one.
pub(crate) fn namespace(local: &LocalView, wanted: Option<&str>) -> anyhow::Result<Namespace> {
    let known = local.namespaces()?;
    let names = || known.iter().map(Namespace::as_str).collect::<Vec<_>>().join(", ");
    match (wanted, known.as_slice()) {
        (Some(wanted), _) => {
            let found = known.iter().find(|known| known.as_str() == wanted);
            found
                .cloned()
                .with_context(|| format!("no namespace {wanted} is here; there are: {}", names()))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => bail!("nothing runs here; start something with althing up -f DIR"),
        (None, _) => bail!("which namespace? -n one of {}", names()),
    }
}
