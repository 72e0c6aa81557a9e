//! One run at a time on one state directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};

use rustix::fs::{FlockOperation, flock};

use super::LocalError;
use super::durable::{self, Mode};
use super::layout::{FORMAT, Layout};

/// The lock of a state directory; dropped, it is free again, also when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, making the state directory if need be, and checks its format.
    pub(super) fn take(layout: &Layout) -> Result<Self, LocalError> {
        durable::make_folder(layout.root())?;
        let path = layout.lock();
        let failed = |e| LocalError::file("lock", &path, e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = (&file).take(20).read_to_string(&mut holder);
            return Err(LocalError::Locked {
                path,
                holder: holder.trim().to_owned(),
            });
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(failed)?;
        check_format(layout)?;
        Ok(Self { _file: file })
    }
}

fn check_format(layout: &Layout) -> Result<(), LocalError> {
    let path = layout.format();
    match durable::read_text(&path)? {
        None => durable::replace(&path, format!("{FORMAT}\n").as_bytes(), Mode::Public),
        Some(text) if text.trim() == FORMAT.to_string() => Ok(()),
        Some(text) => Err(LocalError::Format {
            path: layout.root().to_owned(),
            found: text.trim().chars().take(20).collect(),
            accepted: FORMAT,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_works_there() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let lock = Lock::take(&layout).unwrap();
        let error = Lock::take(&layout).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        Lock::take(&layout).unwrap();
    }

    #[test]
    fn a_state_of_another_format_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        durable::replace(&layout.format(), b"2\n", Mode::Public).unwrap();
        assert!(
            Lock::take(&layout)
                .unwrap_err()
                .to_string()
                .contains("state format 2; this version reads 1")
        );
    }
}
