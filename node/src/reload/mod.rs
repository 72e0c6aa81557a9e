//! Certificates, lists, peers and groups taken over without a restart: the files are looked at every second, a change is
//! read, checked and given to those it is for; what cannot be used changes nothing and is said once.
//!
//! The files may be symbolic links that are swapped together, as Kubernetes mounts them: links are followed, and each look
//! sees what they point to by then.
//!
//! ```text
//! every second: stamps ─changed?─▶ node files ─▶ network, RPC listener
//!                                  group files ─▶ new groups start, failed ones are tried again, others are told about
//! ```

mod groups;
mod stamps;

use std::sync::Arc;
use std::time::Duration;

use althing_network::NetworkHandle;
use althing_rpc::ServerHandle;
use althing_types::config::NodeConfig;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::groups::GroupWatcher;
use self::stamps::{Stamps, stamps};
use crate::files::NodeFiles;
use crate::one_line::one_line;
use crate::rpc_tls::RpcListenerTls;
use crate::starter::Starter;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Who takes changes over.
#[derive(Debug)]
pub(crate) struct Reloaded {
    pub(crate) starter: Arc<Starter>,
    pub(crate) network: NetworkHandle,
    pub(crate) rpc: Arc<ServerHandle>,
    pub(crate) rpc_tls: Option<Arc<RpcListenerTls>>,
}

/// The files of a node as they were last seen.
#[derive(Debug)]
pub(crate) struct Watcher {
    files: NodeFiles,
    seen: Stamps,
    groups: GroupWatcher,
    /// What the node runs with of `config.ini`, less what is taken over while it runs.
    resting: NodeConfig,
}

impl Watcher {
    /// Looks at the files; what changes from now on is a change.
    pub(crate) fn new(files: &NodeFiles, config: &NodeConfig) -> Self {
        Self {
            files: files.clone(),
            seen: stamps(files.watched(config)),
            groups: GroupWatcher::new(files, config),
            resting: resting(config),
        }
    }

    /// Watches until `stop`.
    pub(crate) fn watch(mut self, reloaded: Reloaded, stop: CancellationToken) {
        let reloaded = Arc::new(reloaded);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let reloaded = Arc::clone(&reloaded);
                // Opening a group waits for the disk.
                let looked = tokio::task::spawn_blocking(move || {
                    self.look(&reloaded);
                    self
                });
                match looked.await {
                    Ok(watcher) => self = watcher,
                    Err(failed) => {
                        return error!(
                            alarm = "reload_failed",
                            "changed files are no longer taken over: {failed}; restart"
                        );
                    }
                }
            }
        });
    }

    fn look(&mut self, reloaded: &Reloaded) {
        let now = stamps(self.files.watched(&reloaded.starter.config));
        if now != self.seen {
            self.seen = now;
            if let Err(why) = self.reload(reloaded) {
                let why = one_line(&why);
                error!(alarm = "reload_failed", "the changed files are not taken over: {why}");
            }
        }
        self.groups.look(&reloaded.starter);
    }

    fn reload(&mut self, to: &Reloaded) -> anyhow::Result<()> {
        let config = self.files.config()?;
        let settings = self.files.network_settings(&config)?;
        let resting = resting(&config);
        if resting != self.resting {
            warn!("config.ini changed in what is read at the start only: that counts at the next restart");
            self.resting = resting;
        }
        // The listener keeps the files it was started with: only what is in them, and the lists, are taken over.
        if let (Some(tls), Some(names)) = (&to.rpc_tls, &to.starter.config.rpc.tls) {
            tls.reload(&self.files, &config, names)?;
        }
        let network = to.network.reload(settings)?;
        let closed: Vec<String> = network.closed.iter().map(althing_types::NodeId::short).collect();
        let clients = to.rpc.recheck_clients();
        info!(
            ?closed,
            ?clients,
            not_after = network.identity.not_after,
            "certificates, lists and peers were reloaded"
        );
        Ok(())
    }
}

fn resting(config: &NodeConfig) -> NodeConfig {
    let mut resting = config.clone();
    resting.blacklist = Default::default();
    resting.whitelist.clear();
    resting.p2p.nodes.clear();
    resting
}
