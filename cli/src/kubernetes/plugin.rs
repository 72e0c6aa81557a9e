//! The command line of `kubectl althing`.

use clap::{Args, Parser, Subcommand};

use super::target::Target;
use super::why::Asked;
use crate::bundle::BundleCommand;
use crate::console::Choice;
use crate::output::Format;
use crate::vote::Decision;

/// The name under which kubectl finds the program: any `kubectl-althing` on PATH is `kubectl althing`.
pub(crate) const NAME: &str = "kubectl-althing";

/// Consortium ledgers on a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl althing",
    bin_name = "kubectl althing",
    version,
    about,
    arg_required_else_help = true
)]
pub(crate) struct Plugin {
    /// How results are written
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    #[command(flatten)]
    pub options: Options,
}

/// What `kubectl althing` and `althing kubectl` take.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub target: Target,
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Consortium, agencies, nodes and groups: heights, lag, certificates, what waits and why
    Status,
    /// What is in the way of an object, or of every object that is not as it should be
    Why(Asked),
    /// The changes that can be voted on: what is asked, who voted, what it would do
    Approvals,
    /// Vote for a change, with the governance key of an agency of this namespace
    Vote(Decision),
    /// Ask the nodes, vote and administer groups by the commands of FISCO's console
    #[command(after_help = crate::console::ABOUT)]
    Console(Choice),
    /// Public facts as manifests, for other agencies
    #[command(subcommand)]
    Bundle(BundleCommand),
}
