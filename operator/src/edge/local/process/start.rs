//! Starting a node detached: its own session, no input, output into a file.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::pid::ProcessId;
use crate::edge::local::{LocalError, durable};

/// Bytes of output kept before a start; what is older goes to one file beside it.
const OUTPUT_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of the end of the output that an error repeats.
const LAST_BYTES: u64 = 2048;
/// util-linux; every Linux distribution has it. Where it is missing the node gets a process group of its own, which keeps
/// the terminal's signals away as well.
const SETSID: &str = "/usr/bin/setsid";

/// Starts `binary -c config.ini` in the node's folder.
pub(in crate::edge::local) fn start(
    binary: &Path,
    folder: &Path,
    output: &Path,
) -> Result<(Child, ProcessId), LocalError> {
    let failed = |source| LocalError::Binary {
        path: binary.to_owned(),
        source,
    };
    let binary = fs::canonicalize(binary).map_err(failed)?;
    let failed = |source| LocalError::Binary {
        path: binary.clone(),
        source,
    };
    let log = open_output(output)?;
    let errors = log.try_clone().map_err(|e| LocalError::file("open", output, e))?;
    let mut command = command(&binary);
    command.args(["-c", "config.ini"]).current_dir(folder);
    let child = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(failed)?;
    // A child that has ended already is a zombie until it is waited for, so its pid is not another's yet.
    let id = ProcessId::of(child.id()).unwrap_or_else(|| ProcessId {
        pid: child.id(),
        start_ticks: 0,
        boot: String::new(),
    });
    Ok((child, id))
}

fn command(binary: &PathBuf) -> Command {
    use std::os::unix::process::CommandExt;

    match Path::new(SETSID).exists() {
        true => {
            let mut command = Command::new(SETSID);
            command.arg(binary);
            command
        }
        false => {
            let mut command = Command::new(binary);
            command.process_group(0);
            command
        }
    }
}

fn open_output(path: &Path) -> Result<File, LocalError> {
    if let Some(folder) = path.parent() {
        durable::make_folder(folder)?;
    }
    if fs::metadata(path).is_ok_and(|found| found.len() > OUTPUT_MAX) {
        fs::rename(path, path.with_extension("log.1")).map_err(|e| LocalError::file("rotate", path, e))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|e| LocalError::file("open", path, e))
}

/// The last lines of a log, for an error.
pub(in crate::edge::local) fn last_lines(path: &Path, count: usize) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LAST_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(count)..)
        .unwrap_or_default()
        .join("\n")
}
