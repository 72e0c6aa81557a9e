//! Whether the node can write.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::{Finding, Patient};

/// Below this a node is about to stop: RocksDB needs room for compactions.
const LOW_BYTES: u64 = 512 * 1024 * 1024;

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let folder = &patient.node.folder;
    let folders = ["data", "log", "conf"].map(|name| folder.join(name));
    folders
        .iter()
        .filter(|folder| folder.exists())
        .filter_map(|folder| examine_folder(patient.name(), folder))
        .collect()
}

fn examine_folder(node: &str, folder: &Path) -> Option<Finding> {
    let place = format!("{node}, {}", folder.display());
    let space = statvfs(folder).ok();
    if space
        .as_ref()
        .is_some_and(|space| space.f_flag.contains(StatVfsMountFlags::RDONLY))
    {
        return Some(Finding::problem(
            place,
            "the file system is read-only",
            "it is mounted so",
            "mount it writable",
        ));
    }
    if let Err(error) = try_to_write(folder) {
        let (what, advice) = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
                "the disk is full",
                "free space; a group that has halted on it goes on after the node's next start",
            ),
            io::ErrorKind::PermissionDenied => (
                "the folder may not be written",
                "give it back to the user who runs the nodes: chown and chmod u+rwx",
            ),
            _ => ("the folder cannot be written", "check the disk"),
        };
        return Some(Finding::problem(place, what, error.to_string(), advice));
    }
    let free = space.map(|space| space.f_bavail.saturating_mul(space.f_frsize))?;
    (free < LOW_BYTES).then(|| {
        Finding::warning(
            place,
            "the disk is almost full",
            format!("{} MiB are free", free >> 20),
            "free space before the node has to stop",
        )
    })
}

/// Writes as much as shows a full disk, and takes it away again.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".althing-doctor-{}", std::process::id()));
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(&[0; 4096])?;
        file.sync_all()
    };
    let written = write();
    let _ = fs::remove_file(&path);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writable_folder_is_fine_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let found = examine_folder("node-0", folder.path());
        assert!(found.is_none_or(|finding| finding.what == "the disk is almost full"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_read_only_file_system_is_named() {
        // sysfs refuses new files to everybody, root included.
        let found = examine_folder("node-0", Path::new("/sys/kernel")).unwrap();
        assert!(found.place.contains("/sys/kernel"));
        assert!(
            ["the file system is read-only", "the folder may not be written"].contains(&found.what.as_str()),
            "{found}"
        );
    }
}
