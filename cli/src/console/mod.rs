//! `console`: FISCO's console commands (FISCO BCOS 2.x) about the nodes of this machine, or of a namespace of a cluster.
//!
//! ```text
//! words, pipe or prompt ─▶ parse ─▶ Session ─▶ Reply ─▶ render
//!                            table: the commands as data     place: where nodes and keys are
//! ```

mod answer;
mod codes;
mod complete;
mod contract;
mod error;
mod help;
mod history;
mod local;
mod parse;
mod place;
mod prompt;
mod quiet;
mod render;
mod run;
mod session;
mod table;

use clap::Args;

pub(crate) use local::{Here, console};
pub(crate) use place::{Access, Place, RunningNode};
pub(crate) use run::run;

/// What the console is about.
#[derive(Debug, Args)]
pub(crate) struct Choice {
    /// The node that is asked [default: any that runs the group]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// The group to begin with [default: the lowest that the nodes are in]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32_767))]
    group: Option<u32>,
    /// Which agency's governance account signs [default: the only one whose key is here]
    #[arg(long = "as", value_name = "AGENCY")]
    agency: Option<String>,
    /// One command with its parameters; without it lines are read, from a prompt or from a pipe
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

/// What is said about it under `--help`.
pub(crate) const ABOUT: &str = "\
Without COMMAND a prompt opens; its own help lists the commands. With COMMAND that one is carried out. From a pipe each line is a command, \
and what follows # is a comment; the first that is refused ends it.

Exit codes: 0 done, 1 refused or failed, 2 no such command or wrong parameters. With -o json every command answers with one JSON \
value on one line of standard output, refusals included.";
