//! `althing`: consortium ledgers on this machine. Called as `kubectl-althing`, or as `althing kubectl`: on a cluster.
//!
//! ```text
//! up      manifests ─▶ plan ─▶ keys, genesis, files, processes ─▶ first blocks ─▶ table
//! vote    a person's vote     approvals  what is voted on     recover  go on after the quorum was lost for ever
//! console ask, vote and administer by FISCO's console commands      bundle  public facts, between agencies
//! status  what nodes say      doctor  what is wrong, why, what to do      down  stop them
//! kubectl ─▶ status, why, bundle, approvals, vote, console
//! ```
//!
//! Results go to standard output, progress and errors to standard error. Exit codes: 0 all is well, 1 something is wrong,
//! 2 the command line is, or a line of the console.

mod binary;
mod bundle;
mod chain;
mod console;
mod doctor;
mod down;
mod facts;
mod first_block;
mod kubernetes;
mod output;
mod paint;
mod progress;
mod recover;
mod rpc;
mod state;
mod status;
mod table;
mod up;
mod vote;
mod wrap;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use output::Format;

/// Consortium ledgers on this machine.
#[derive(Debug, Parser)]
#[command(name = "althing", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where keys, configuration and data are kept [default: $XDG_STATE_HOME/althing or ~/.local/state/althing]
    #[arg(long, global = true, value_name = "DIR", env = "ALTHING_STATE")]
    state: Option<PathBuf>,
    /// How results are written
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make what the manifests describe run, or bring it to what they describe now
    Up(up::Options),
    /// Stop every node; keys and data stay
    Down(down::Options),
    /// Heights, views, lag, peers and certificates of the nodes
    Status,
    /// Explain what is wrong, and what to do
    Doctor,
    /// The changes that can be voted on: what is asked, who voted, what it would do
    Approvals(vote::Look),
    /// Vote for a change as an agency of this machine
    Vote(vote::Vote),
    /// Make, sign or check the document by which a group goes on that lost its quorum for ever
    Recover(recover::Recover),
    /// Ask the nodes, vote and administer groups by the commands of FISCO's console
    #[command(after_help = console::ABOUT)]
    Console(console::Here),
    /// Public facts as manifests, for other agencies: given away, inspected, compared, taken in
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// The same of a Kubernetes cluster, where this program is called kubectl-althing: status, why, approvals, vote, console, bundle
    Kubectl(kubernetes::Options),
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(&anyhow::Error::new(error).context("start the runtime")),
    };
    let outcome = match is_plugin() {
        true => {
            let plugin = kubernetes::Plugin::parse();
            runtime.block_on(kubernetes::run(&plugin.options, plugin.output))
        }
        false => runtime.block_on(run(&Cli::parse())),
    };
    match outcome {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Wrong) => ExitCode::FAILURE,
        Ok(Ended::Misused) => ExitCode::from(MISUSED),
        Err(error) => report(&error),
    }
}

/// kubectl runs the program of this name for `kubectl althing`.
fn is_plugin() -> bool {
    let name = std::env::args_os().next();
    name.is_some_and(|name| {
        Path::new(&name)
            .file_stem()
            .is_some_and(|stem| stem == kubernetes::NAME)
    })
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All is well.
    Well,
    /// Something is wrong, or was refused.
    Wrong,
    /// What was typed is no command.
    Misused,
}

/// As clap exits when the command line is wrong.
const MISUSED: u8 = 2;

impl From<bool> for Ended {
    fn from(is_well: bool) -> Self {
        if is_well { Self::Well } else { Self::Wrong }
    }
}

async fn run(cli: &Cli) -> anyhow::Result<Ended> {
    let is_well = match &cli.command {
        Command::Console(here) => return console::console(&cli.common, here).await,
        Command::Kubectl(options) => return kubernetes::run(options, cli.common.output).await,
        Command::Up(options) => up::run(&cli.common, options).await,
        Command::Down(options) => down::run(&cli.common, options),
        Command::Status => status::run(&cli.common).await,
        Command::Doctor => doctor::run(&cli.common).await,
        Command::Approvals(look) => vote::approvals(&cli.common, look).await,
        Command::Vote(wanted) => vote::vote(&cli.common, wanted).await,
        Command::Bundle(command) => bundle::run_here(&cli.common, command),
        Command::Recover(options) => recover::run(&cli.common, options).await,
    };
    is_well.map(Ended::from)
}

fn report(error: &anyhow::Error) -> ExitCode {
    output::line_to_stderr(&format!("althing: {}", sentence(error)));
    ExitCode::FAILURE
}

/// An error and its causes. A cause that its effect repeats already is left out.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    error
        .chain()
        .fold(String::new(), |text, cause| match cause.to_string() {
            cause if text.is_empty() => cause,
            cause if text.contains(&cause) => text,
            cause => format!("{text}: {cause}"),
        })
}
