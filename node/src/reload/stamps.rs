//! Whether files changed, without reading them.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::SystemTime;

/// What tells one content of a file from another: its inode, when it was written, its length.
type Stamp = (u64, Option<SystemTime>, u64);

/// The stamps of some files, none for those that are not there. Links are followed: swapped ones lead to another inode.
pub(super) type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// Looks at files.
pub(super) fn stamps(files: impl IntoIterator<Item = PathBuf>) -> Stamps {
    let stamp = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.ino(), metadata.modified().ok(), metadata.len()))
    };
    files.into_iter().map(|file| (file.clone(), stamp(&file))).collect()
}
