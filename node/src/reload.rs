//! Certificates, lists and peers taken over without a restart: the files are looked at every second, a change is read,
//! checked and given to the network; what cannot be used changes nothing and is said once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use althing_network::NetworkHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::files::NodeFiles;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

type Stamps = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// Watches the files of a node until `stop`.
pub fn watch(files: NodeFiles, network: NetworkHandle, stop: CancellationToken) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        let mut seen = stamps(&files);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let now = stamps(&files);
            if now != seen {
                seen = now;
                reload(&files, &network);
            }
        }
    });
}

fn stamps(files: &NodeFiles) -> Stamps {
    let Ok(config) = files.config() else {
        return Stamps::new();
    };
    let stamp = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files
        .watched(&config)
        .into_iter()
        .map(|file| (file.clone(), stamp(&file)))
        .collect()
}

fn reload(files: &NodeFiles, network: &NetworkHandle) {
    let settings = files.config().and_then(|config| files.network_settings(&config));
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return error!(alarm = "reload_failed", "the changed files are not taken over: {error}"),
    };
    match network.reload(settings) {
        Ok(reloaded) => {
            let closed: Vec<String> = reloaded.closed.iter().map(althing_types::NodeId::short).collect();
            info!(
                ?closed,
                not_after = reloaded.identity.not_after,
                "certificates, lists and peers were reloaded"
            );
        }
        Err(error) => error!(alarm = "reload_failed", "the changed files are not taken over: {error}"),
    }
}
