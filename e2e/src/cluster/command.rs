//! Programs of the system, run to their end.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

/// No program run here takes that long, unless the system hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it; what it said, or an error with what it complained of.
pub(super) async fn run(program: &str, args: &[&str]) -> anyhow::Result<String> {
    crate::run(Command::new(program).args(args), PATIENCE).await
}

/// Whether it ends well; what it says is nobody's business.
pub(super) async fn succeeds(program: &str, args: &[&str]) -> anyhow::Result<bool> {
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(status.await.with_context(|| format!("start {program}"))?.success())
}
