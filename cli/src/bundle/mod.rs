//! Public facts as ordinary manifests, for the namespaces of other agencies: `althing bundle` and `kubectl althing bundle`.
//!
//! ```text
//! manifests, statuses ─▶ export ─▶ FILE ─▶ read ─┬─▶ inspect   what it holds
//!   cluster | folder                             └─▶ diff ──▶ import ─▶ cluster | folder
//! ```
//!
//! Own agencies and nodes become `external` ones. No private key is read, let alone written. `cluster` and `folder` are the two places that
//! facts come from and go to; all else is pure, but for reading the bundle's file.

mod balancers;
mod cluster;
mod diff;
mod export;
mod facts;
mod folder;
mod import;
mod inspect;
mod read;
#[cfg(test)]
mod testing;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::Common;
use crate::kubernetes::target::Target;
use crate::output::Format;

/// What can be done with bundles.
#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Write the public facts of own agencies and nodes to standard output, as manifests for other agencies
    ///
    /// Every own Agency becomes an external one with its certificate and governance account, every own Node an external one
    /// with its nodeID, address and certificate. A Group is included only where --group names it, with its genesis pinned by
    /// its hash and without what is this namespace's own business: give a bundle only to agencies of those groups.
    ///
    /// The operator has signed the facts with the agency's key; what it has not signed yet is left out. With the signed hashes of
    /// all agencies of a group, nobody has to pin it. A request for a first certificate is not signed: the registrar compares
    /// its fingerprint with you, over another channel.
    Export(Export),
    /// Show and check what a bundle holds: fingerprints, nodeIDs, addresses, genesis hashes
    ///
    /// No cluster is asked. Something is wrong when a certificate and a nodeID differ, a node's certificate is not its agency's,
    /// a certificate has ended, or the bundle holds what should never leave a namespace.
    Inspect(Inspect),
    /// Show what importing a bundle would change, object by object and field by field, and what would be refused
    ///
    /// Nothing is written. Refused are private keys, objects that are your own, other kinds, attestations that do not hold or are
    /// older than what is known, another key or nodeID under a known name, and groups that you have no part in.
    Diff(Import),
    /// Apply a bundle to the namespace, after the checks of diff: all of it, or nothing
    ///
    /// Objects are applied as `kubectl apply --server-side` would. A Group that is here already is compared and stays as it is.
    Import(Import),
}

/// The same on this machine, where manifests are in a folder.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the public facts of own agencies and nodes to standard output, as manifests for other agencies
    ///
    /// As `kubectl althing bundle export`: what `althing up` has signed is given away, with --for or --group the signed genesis hashes of
    /// these groups too.
    Export {
        #[command(flatten)]
        wanted: Export,
        #[command(flatten)]
        here: Here,
    },
    /// Show and check what a bundle holds: fingerprints, nodeIDs, addresses, genesis hashes
    Inspect(Inspect),
    /// Show what importing a bundle would change, object by object and field by field, and what would be refused
    Diff {
        #[command(flatten)]
        wanted: Import,
        #[command(flatten)]
        here: Here,
    },
    /// Write a bundle into the folder of manifests, after the checks of diff: all of it, or nothing
    ///
    /// What is of one agency goes into the file from-AGENCY.yaml of the folder, a Group that is joined into group-NAME.yaml. `althing up`
    /// then takes it in.
    Import {
        #[command(flatten)]
        wanted: Import,
        #[command(flatten)]
        here: Here,
    },
}

/// Where manifests are on this machine.
#[derive(Debug, Args)]
pub(crate) struct Here {
    /// The folder of manifests that is given to `althing up`
    #[arg(short = 'f', long = "folder", value_name = "DIR")]
    folder: PathBuf,
    /// The namespace [default: the only one of the folder]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
}

/// What is exported.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Only these agencies, and their nodes [default: every own agency]
    #[arg(long = "agency", value_name = "NAME")]
    agencies: Vec<String>,
    /// This Group as well; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// The agency that is to read it: the signed genesis hashes of the groups it takes part in go along, and of no other
    #[arg(long = "for", value_name = "AGENCY")]
    reader: Option<String>,
}

/// What is inspected.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The bundle; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What is compared or imported.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The bundle; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Accept this Group, though no own agency or node is in it yet; may be given several times
    #[arg(long = "join", value_name = "GROUP")]
    joins: Vec<String>,
}

/// Carries a command out on a cluster; false when something is wrong with a bundle.
pub(crate) async fn run(target: &Target, command: &BundleCommand, output: Format) -> anyhow::Result<bool> {
    match command {
        BundleCommand::Export(wanted) => cluster::export(target, wanted, output).await,
        BundleCommand::Inspect(wanted) => inspect::run(wanted, output),
        BundleCommand::Diff(wanted) => cluster::compare(target, wanted, output).await,
        BundleCommand::Import(wanted) => cluster::import(target, wanted, output).await,
    }
}

/// The same on this machine.
pub(crate) fn run_here(common: &Common, command: &Command) -> anyhow::Result<bool> {
    match command {
        Command::Export { wanted, here } => folder::export(common, here, wanted),
        Command::Inspect(wanted) => inspect::run(wanted, common.output),
        Command::Diff { wanted, here } => folder::compare(common, here, wanted),
        Command::Import { wanted, here } => folder::import(common, here, wanted),
    }
}
