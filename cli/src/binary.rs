//! Where the node's binary is.

use std::env;
use std::path::{Path, PathBuf};

use althing_operator::edge::local::NODE_BINARY;
use anyhow::{Context, bail};

/// The named one, else the one beside this program, else the first on PATH.
pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = named {
        return match path.is_file() {
            true => std::path::absolute(path).with_context(|| format!("find {}", path.display())),
            false => bail!("--node-binary {}: there is no such file", path.display()),
        };
    }
    let own_folder = env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned));
    let on_path: Vec<PathBuf> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    let folders = own_folder.into_iter().chain(on_path);
    folders.map(|folder| folder.join(NODE_BINARY)).find(|path| path.is_file()).with_context(|| {
        format!("{NODE_BINARY} is neither beside this program nor on PATH; build it (cargo build -p althing-node) or name it with --node-binary")
    })
}
