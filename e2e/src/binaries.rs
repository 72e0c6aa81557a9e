//! Where the programs under test and the repository are.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// A program of this workspace: in the folder `ALTHING_BIN` names, else where this very program was built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let named = std::env::var_os("ALTHING_BIN").map(PathBuf::from);
    let folders = named
        .into_iter()
        .chain(own.ancestors().skip(1).take(3).map(Path::to_owned));
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "{name} is not built beside {}; run cargo build --workspace --bins",
                own.display()
            )
        })
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// The project's cache, where `scripts/setup.sh` puts what it builds: `ALTHING_CACHE`, else `~/.cache/althing`.
pub fn cache() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("ALTHING_CACHE") {
        return std::path::absolute(named).context("ALTHING_CACHE");
    }
    let home = std::env::var_os("HOME").context("HOME is not set; name the cache's folder in ALTHING_CACHE")?;
    Ok(PathBuf::from(home).join(".cache/althing"))
}
