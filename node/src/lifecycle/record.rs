//! What a person decided about a group of this node: one word in `data/groupN/.group_status`, as FISCO has it. Without the file
//! a group that has a genesis runs.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Decided {
    /// It runs.
    #[default]
    Running,
    /// It does not run until it is started.
    Stopped,
    /// It was removed, and may be recovered.
    Deleted,
}

impl Decided {
    const ALL: [Self; 3] = [Self::Running, Self::Stopped, Self::Deleted];

    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Deleted => "DELETED",
        }
    }
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The system said why.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing here writes that.
    #[error("{file} says {found:?}; accepted is RUNNING, STOPPED or DELETED")]
    Word {
        /// The file.
        file: PathBuf,
        /// What it says.
        found: String,
    },
}

/// The record of one group.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    file: PathBuf,
}

impl Record {
    /// Of the group whose data is in this folder.
    pub(crate) fn of(data: &Path) -> Self {
        Self {
            file: data.join(".group_status"),
        }
    }

    /// What was decided; none where nothing was.
    pub(crate) fn read(&self) -> Result<Option<Decided>, RecordError> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io(source)),
        };
        let found = Decided::ALL.into_iter().find(|decided| decided.as_str() == text.trim());
        found.map(Some).ok_or_else(|| RecordError::Word {
            file: self.file.clone(),
            found: text.trim().chars().take(32).collect(),
        })
    }

    /// Notes a decision, which is on the disk afterwards.
    pub(crate) fn write(&self, decided: Decided) -> Result<(), RecordError> {
        let write = || {
            let folder = self.file.parent().unwrap_or_else(|| Path::new("."));
            fs::create_dir_all(folder)?;
            let new = self.file.with_extension("new");
            let mut file = fs::File::create(&new)?;
            writeln!(file, "{}", decided.as_str())?;
            file.sync_all()?;
            fs::rename(&new, &self.file)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|source| self.io(source))
    }

    /// Forgets a decision about a group that never came to be, which would hold for one of the same number that comes later.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(&self.file);
        // Only while nothing else is in it.
        let _ = self.file.parent().map(fs::remove_dir);
    }

    fn io(&self, source: std::io::Error) -> RecordError {
        RecordError::Io {
            file: self.file.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_read_back_and_anything_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("group7");
        let record = Record::of(&data);
        assert_eq!(record.read().unwrap(), None);
        for decided in Decided::ALL {
            record.write(decided).unwrap();
            assert_eq!(record.read().unwrap(), Some(decided));
        }
        fs::write(data.join(".group_status"), "PAUSED\n").unwrap();
        let error = record.read().unwrap_err().to_string();
        assert!(
            error.contains("says \"PAUSED\"; accepted is RUNNING, STOPPED or DELETED"),
            "{error}"
        );
    }
}
