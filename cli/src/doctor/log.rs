//! The end of a node's log, for findings.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of a log's end that are searched.
const TAIL_BYTES: u64 = 256 * 1024;

/// What a node begins the one line with that says why it did not start.
const START_ERROR: &str = "althing-node: ";

/// The last lines a node said, on its output or in its newest log, whichever was written last: at most `count`, and of a start
/// that failed the one line that says why.
pub(super) fn last_lines(folder: &Path, output: &Path, count: usize) -> String {
    let written = |file: &PathBuf| fs::metadata(file).and_then(|found| found.modified()).ok();
    let files = [newest(&folder.join("log"), output), Some(output.to_owned())];
    let last = files.into_iter().flatten().max_by_key(written);
    let text = last.map(|file| tail(&file)).unwrap_or_default();
    match text.lines().next_back() {
        Some(line) if line.starts_with(START_ERROR) => line.to_owned(),
        _ => end(&text, count),
    }
}

/// The last lines of a node's newest log that hold all of these words.
pub(super) fn last_lines_with(folder: &Path, output: &Path, words: &[&str], count: usize) -> String {
    let text = newest(&folder.join("log"), output)
        .map(|file| tail(&file))
        .unwrap_or_default()
        + &tail(output);
    let found: Vec<&str> = text
        .lines()
        .filter(|line| words.iter().all(|word| line.contains(word)))
        .collect();
    end(&found.join("\n"), count)
}

fn newest(folder: &Path, except: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files
        .filter(|file| file.is_file() && file != except)
        .max_by_key(|file| fs::metadata(file).and_then(|m| m.modified()).ok())
}

fn tail(file: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(file)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}

fn end(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines
        .get(lines.len().saturating_sub(count)..)
        .unwrap_or_default()
        .join("\n")
}
