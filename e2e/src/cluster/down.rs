//! Stopping a cluster: nothing of it is left, whatever state it was in.

use std::fs;

use anyhow::{Context, ensure};

use super::layout::Layout;
use super::namespaces::{self, HOLDER};
use super::running::Cluster;
use super::{cgroups, network, process, up};

/// Stops the cluster and removes all of it: processes, mounts, network, control groups, state folder. Half a cluster is
/// removed as well as a whole one, and none at all is no error. Gives whether there was anything.
pub async fn down(layout: &Layout) -> anyhow::Result<bool> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "a cluster is stopped by root, as it was started"
    );
    let _lock = up::lock().await?;
    // By the name it was made with.
    let found = Cluster::find(layout)?;
    let layout = found.as_ref().map_or(layout, Cluster::layout);
    remove(layout).await
}

/// As `down`, by who holds the lock.
pub(super) async fn remove(layout: &Layout) -> anyhow::Result<bool> {
    let there = layout.record().exists() || network::namespace(layout.name()).exists();
    // With process 1 go all others of its namespace.
    if let Ok(holder) = namespaces::noted(layout, HOLDER) {
        holder.kill().await?;
    }
    process::empty(&network::namespace(layout.name())).await?;
    network::remove(layout.name()).await?;
    cgroups::remove(layout.name()).await?;
    if layout.record().exists() {
        let state = layout.state();
        // The record goes last: a removal that was cut short is taken up again by the next.
        for entry in fs::read_dir(state).with_context(|| format!("list {}", state.display()))? {
            let path = entry.with_context(|| format!("list {}", state.display()))?.path();
            if path == layout.record() {
                continue;
            }
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("remove {}", path.display()))?;
        }
        fs::remove_dir_all(state).with_context(|| format!("remove {}", state.display()))?;
    }
    Ok(there)
}
