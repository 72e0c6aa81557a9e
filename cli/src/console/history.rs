//! The file of the lines that were typed. It is nobody else's business which chains somebody asks.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::state;

/// Beside the state of `althing up`, which is removed with it.
const FOLDER: &str = "althing-console";
const FILE: &str = "history";
const OWNER_ONLY: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The file, which is there and only its owner's.
pub(super) fn file() -> anyhow::Result<PathBuf> {
    made(&state::base().context("neither XDG_STATE_HOME nor HOME is set")?)
}

fn made(base: &Path) -> anyhow::Result<PathBuf> {
    let folder = base.join(FOLDER);
    let built = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder);
    built.with_context(|| format!("make {}", folder.display()))?;
    let file = folder.join(FILE);
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(OWNER_ONLY)
        .open(&file);
    opened.with_context(|| format!("make {}", file.display()))?;
    let narrowed = fs::set_permissions(&file, Permissions::from_mode(OWNER_ONLY));
    narrowed.with_context(|| format!("keep {} to its owner", file.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_its_owner_s_alone_also_when_it_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = made(folder.path()).unwrap();
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        fs::write(&file, "getBlockNumber\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(mode(&made(folder.path()).unwrap()), 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap(), "getBlockNumber\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("taken");
        fs::write(&base, "").unwrap();
        let told = format!("{:#}", made(&base).unwrap_err());
        assert!(told.contains("althing-console"), "{told}");
    }
}
