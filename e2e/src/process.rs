//! Running a program to its end.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

/// Runs it; its output when it ended well, else an error with the end of what it said.
pub async fn run(command: &mut Command, patience: Duration) -> anyhow::Result<String> {
    let name = format!("{:?}", command.as_std());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(patience, command.output()).await;
    let output = ended.with_context(|| format!("{name}: still running after {patience:?}"))?;
    let output = output.with_context(|| format!("start {name}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "{name}: {}\n{said}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(said)
}
