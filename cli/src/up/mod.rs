//! `althing up`: what the manifests describe, running.

mod converge;
mod manifests;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use althing_operator::edge::local::{LocalEdge, LocalSettings, LocalView};
use althing_operator::manifest::Manifests;
use clap::Args;

pub(crate) use manifests::{files, read};

use crate::progress::Progress;
use crate::{Common, binary, facts, state, status};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A folder of manifests, or one file
    #[arg(short, long, value_name = "DIR")]
    file: PathBuf,
    /// The node's binary [default: beside this program, else on PATH]
    #[arg(long, value_name = "FILE", env = "ALTHING_NODE_BINARY")]
    node_binary: Option<PathBuf>,
    /// Moves all ports up; fixed when the first node is placed
    #[arg(long, value_name = "N", env = "ALTHING_PORT_OFFSET", default_value_t = 0)]
    port_offset: u16,
    /// How long to wait for the groups' first blocks and for each node's turn to restart, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

/// Applies, waits, shows; false when something needs a person.
pub(crate) async fn run(common: &Common, options: &Options) -> anyhow::Result<bool> {
    let manifests = manifests::read(&options.file)?;
    let mut settings = LocalSettings::new(state::directory(common)?, binary::find(options.node_binary.as_deref())?);
    settings.port_offset = options.port_offset;
    let view = LocalView::new(&settings.state);
    let timeout = Duration::from_secs(options.timeout);

    let mut progress = Progress::new();
    let mut edge = LocalEdge::open(settings.clone())?;
    let converged = converge::converge(&mut edge, &manifests, false, timeout, &mut progress).await;
    // Others may look and `down` may come while the groups are waited for.
    drop(edge);
    let mut rest = converged.inspect_err(|_| progress.finish())?;
    let waited = wait::for_first_blocks(&view, timeout, &mut progress).await;
    waited.inspect_err(|_| progress.finish())?;
    if declares_changes(&manifests) || !rest.leases.is_empty() || !rest.rollovers.is_empty() {
        let mut edge = LocalEdge::open(settings)?;
        let agreed = converge::converge(&mut edge, &manifests, true, timeout, &mut progress).await;
        rest = agreed.inspect_err(|_| progress.finish())?;
    }
    for obstacle in rest.waiting.iter().chain(&rest.undecided) {
        progress.done(&format!("waits: {obstacle}"));
    }
    for obstacle in &rest.stalled {
        progress.done(&format!("needs you: {obstacle}"));
    }
    progress.finish();
    status::show(common, &facts::gather(&view).await?)?;
    Ok(rest.stalled.is_empty())
}

/// Whether anything is to hold on a chain that its genesis does not say.
fn declares_changes(manifests: &Manifests) -> bool {
    let namespaces = manifests.namespaces.values();
    let mut groups = namespaces.flat_map(|namespace| namespace.groups.values());
    groups.any(|group| group.spec.agreed.is_some())
}
