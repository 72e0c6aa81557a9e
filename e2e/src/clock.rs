//! A clock that a case moves: whatever `althing` starts reads the time through it (libfaketime). Only the calendar moves; timeouts run
//! by the monotonic clock, which stays.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;

/// Where Debian's package faketime puts its library, below the folder of the architecture's libraries.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one consortium.
#[derive(Debug)]
pub(crate) struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// One that goes right, kept in a folder.
    pub(crate) fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        let library = Path::new("/usr/lib")
            .join(format!("{}-linux-gnu", std::env::consts::ARCH))
            .join(LIBRARY);
        ensure!(
            library.is_file(),
            "{} is not there: scripts/setup.sh clients installs it",
            library.display()
        );
        let clock = Self {
            library,
            file: folder.join("clock"),
        };
        clock.set_ahead(0)?;
        Ok(clock)
    }

    /// Puts it so many days ahead, for all processes in the same moment.
    pub(crate) fn set_ahead(&self, days: u32) -> anyhow::Result<()> {
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("+{}\n", u64::from(days) * 86_400))?;
        std::fs::rename(&next, &self.file).context("set the clock")
    }

    /// Has a command and all its children read it.
    pub(crate) fn give_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            // Everybody looks at the file at every question: nobody lags.
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
    }
}
