//! Files that are there completely or not at all: written under a temporary name, synced, put in place in one step, and the
//! folder synced after it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::LocalError;

/// How temporary files begin. Whoever holds the lock of the state directory knows that those it finds are leftovers.
const TEMPORARY: &str = ".new-";
/// Bytes of a file of ours that are read.
pub(super) const READ_MAX: u64 = 4 * 1024 * 1024;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The owner only: 0600.
    Private,
    /// Everybody: 0644.
    Public,
}

impl Mode {
    const fn bits(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// Makes a folder and those above it, 0700.
pub(super) fn make_folder(path: &Path) -> Result<(), LocalError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| LocalError::file("make folder", path, e))
}

/// Writes a file, replacing what was there.
pub(super) fn replace(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), LocalError> {
    let temporary = write_temporary(path, bytes, mode)?;
    let renamed = fs::rename(&temporary, path).map_err(|e| LocalError::file("write", path, e));
    finish(path, &temporary, renamed)
}

/// Writes a file unless one is there; then it is left alone and `false` returned.
pub(super) fn create_once(path: &Path, bytes: &[u8], mode: Mode) -> Result<bool, LocalError> {
    let temporary = write_temporary(path, bytes, mode)?;
    // A hard link never replaces what is there, which a rename would.
    match fs::hard_link(&temporary, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => finish(path, &temporary, Ok(())).map(|()| false),
        linked => finish(path, &temporary, linked.map_err(|e| LocalError::file("write", path, e))).map(|()| true),
    }
}

fn write_temporary(path: &Path, bytes: &[u8], mode: Mode) -> Result<PathBuf, LocalError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    make_folder(folder)?;
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode.bits())
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    let written = write().map_err(|e| LocalError::file("write", path, e));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| temporary)
}

/// Removes the temporary name, which a rename has consumed already, and makes the folder's new state durable.
fn finish(path: &Path, temporary: &Path, outcome: Result<(), LocalError>) -> Result<(), LocalError> {
    match fs::remove_file(temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound && outcome.is_ok() => {
            return Err(LocalError::file("remove", temporary, e));
        }
        _ => outcome?,
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| LocalError::file("sync folder", folder, e))
}

/// Removes a file; that it is not there is fine.
pub(super) fn remove(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(LocalError::file("remove", path, e)),
        _ => Ok(()),
    }
}

/// Reads a file of ours; none when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, LocalError> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| LocalError::file("read", path, e))?,
    };
    let mut bytes = Vec::new();
    file.take(READ_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| LocalError::file("read", path, e))?;
    match bytes.len() as u64 > READ_MAX {
        true => Err(LocalError::Malformed {
            path: path.to_owned(),
            why: format!("it is longer than {READ_MAX} bytes"),
        }),
        false => Ok(Some(bytes)),
    }
}

/// Reads a text file of ours; none when it is not there.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, LocalError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| LocalError::Malformed {
        path: path.to_owned(),
        why: "it is not UTF-8 text".into(),
    })
}

/// Reads a JSON file of ours; none when it is not there.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, LocalError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|e| LocalError::Malformed {
        path: path.to_owned(),
        why: e.to_string(),
    })
}

/// Writes a JSON file of ours.
pub(super) fn write_json<T: serde::Serialize>(path: &Path, value: &T, mode: Mode) -> Result<(), LocalError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| LocalError::Malformed {
        path: path.to_owned(),
        why: format!("it cannot be written: {e}"),
    })?;
    bytes.push(b'\n');
    replace(path, &bytes, mode)
}

/// The entries of a folder by name, ascending; none when it is not there. Leftovers of an interrupted write are not listed.
pub(super) fn entries(folder: &Path) -> Result<Vec<String>, LocalError> {
    let listed = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(|e| LocalError::file("list", folder, e))?,
    };
    let mut names = Vec::new();
    for entry in listed {
        let entry = entry.map_err(|e| LocalError::file("list", folder, e))?;
        match entry.file_name().into_string() {
            Ok(name) if !name.starts_with(TEMPORARY) => names.push(name),
            _ => {}
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes what an interrupted run left behind below a folder. Only for who holds the lock. The nodes' own data and logs
/// are not entered.
pub(super) fn sweep(folder: &Path) -> Result<(), LocalError> {
    let listed = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(|e| LocalError::file("list", folder, e))?,
    };
    for entry in listed {
        let entry = entry.map_err(|e| LocalError::file("list", folder, e))?;
        let (name, path) = (entry.file_name(), entry.path());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && name != "data" && name != "log" {
            sweep(&path)?;
        } else if !is_folder && name.to_string_lossy().starts_with(TEMPORARY) {
            remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn rule_1_a_key_is_made_once_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/key.pem");
        assert!(create_once(&path, b"first", Mode::Private).unwrap());
        assert!(!create_once(&path, b"second", Mode::Private).unwrap());
        assert_eq!(read(&path).unwrap().unwrap(), b"first");
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(mode_of(path.parent().unwrap()), 0o700);
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.ini");
        replace(&path, b"a long first text", Mode::Public).unwrap();
        replace(&path, b"short", Mode::Private).unwrap();
        assert_eq!(
            (read(&path).unwrap().unwrap(), mode_of(&path)),
            (b"short".to_vec(), 0o600)
        );
    }

    #[test]
    fn half_written_leftovers_are_swept_and_data_is_not_entered() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["conf/.new-1-0", "conf/node.key", "data/.new-1-0"] {
            replace(&path(name), b"x", Mode::Private).unwrap();
        }
        assert_eq!(entries(&path("conf")).unwrap(), ["node.key"]);
        sweep(folder.path()).unwrap();
        assert!(!path("conf/.new-1-0").exists() && path("conf/node.key").exists() && path("data/.new-1-0").exists());
    }

    #[test]
    fn a_path_through_a_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state"), "a file").unwrap();
        let error = replace(&folder.path().join("state/x"), b"x", Mode::Public)
            .unwrap_err()
            .to_string();
        assert!(error.contains("choose another --state"), "{error}");
    }

    #[test]
    fn a_full_disk_leaves_nothing_half_written() {
        // Every write to this device fails as on a full disk.
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
            .write_all(b"x")
            .unwrap_err();
        let error = LocalError::file("write", Path::new("/state/config.ini"), full).to_string();
        assert!(error.contains("the disk is full: free space"), "{error}");
    }
}
