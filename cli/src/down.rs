//! `althing down`: stops every node of the state directory.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::Path;

use althing_operator::edge::local::{LocalEdge, LocalSettings, LocalView};
use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use crate::output::{self, Format};
use crate::progress::Progress;
use crate::{Common, state};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Remove keys, genesis and data as well; what only this machine holds is lost
    #[arg(long)]
    delete: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Report {
    stopped: Vec<String>,
    unreaped: Vec<u32>,
    deleted: bool,
}

/// Stops, and deletes when asked to.
pub(crate) fn run(common: &Common, options: &Options) -> anyhow::Result<bool> {
    let directory = state::directory(common)?;
    if !LocalView::new(&directory).layout().format().is_file() {
        output::line_to_stderr(&format!(
            "{} holds no state of althing; nothing to stop",
            directory.display()
        ));
        return Ok(true);
    }
    if options.delete && !options.yes && !confirm(&directory)? {
        bail!("nothing was done");
    }
    let mut progress = Progress::new();
    progress.waiting("stopping nodes");
    // Stopping starts nothing, so which binary it would be does not matter.
    let mut edge = LocalEdge::open(LocalSettings::new(
        &directory,
        althing_operator::edge::local::NODE_BINARY,
    ))?;
    let stopped = edge.stop_all()?;
    if options.delete {
        std::fs::remove_dir_all(&directory).with_context(|| format!("remove {}", directory.display()))?;
    }
    progress.finish();
    let names = stopped.nodes.iter();
    let report = Report {
        stopped: names.map(|(namespace, node)| format!("{namespace}/{node}")).collect(),
        unreaped: stopped.unreaped,
        deleted: options.delete,
    };
    if !report.unreaped.is_empty() {
        output::line_to_stderr(&format!(
            "process 1 of this machine does not remove ended processes; these are still listed, as zombies: {:?}",
            report.unreaped
        ));
    }
    match common.output {
        Format::Json => output::json(&report)?,
        Format::Table => output::text(&sentence(&report, &directory))?,
    }
    Ok(true)
}

fn sentence(report: &Report, directory: &Path) -> String {
    let rest = match report.deleted {
        true => format!("{} is removed", directory.display()),
        false => format!("keys and data stay in {}", directory.display()),
    };
    format!("{} nodes stopped; {rest}\n", report.stopped.len())
}

fn confirm(directory: &Path) -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        bail!("--delete removes keys and data for ever and nobody is there to ask; add --yes");
    }
    write!(
        stderr(),
        "Remove {} with all keys and data? This cannot be undone. [y/N] ",
        directory.display()
    )?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
