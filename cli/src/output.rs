//! Where results go. Colours are [`crate::paint`]'s business.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For scripts: one JSON document.
    Json,
}

/// Writes a text to standard output. A reader that went away (`althing status | head`) is no error.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Writes one JSON document to standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    text(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Writes a line to standard error.
pub(crate) fn line_to_stderr(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
