//! What is measured only when somebody asks `/metrics`: how groups fare, when certificates end, how full the disk is.

use std::path::PathBuf;
use std::sync::Arc;

use althing_network::NetworkHandle;

use crate::groups::Groups;
use crate::metrics::NodeMetrics;
use crate::rpc_tls::RpcListenerTls;

/// Measures into the metrics.
#[derive(Debug)]
pub struct Sampler {
    pub(crate) metrics: NodeMetrics,
    pub(crate) groups: Arc<Groups>,
    pub(crate) network: NetworkHandle,
    pub(crate) rpc_tls: Option<Arc<RpcListenerTls>>,
    /// The folder of the groups' data.
    pub(crate) data: PathBuf,
}

impl Sampler {
    /// Measures.
    pub fn sample(&self) {
        for group in self.groups.running() {
            let (status, head) = (group.status(), group.ledger().head());
            let highest = group.sync().highest().map_or(0, |highest| highest.height);
            group.metrics().status(&status, head.unix_ms());
            group.metrics().behind(highest.saturating_sub(head.height));
        }
        // A group that a person stopped is not ready, and says nothing more.
        for id in self.groups.resting().into_keys() {
            self.metrics.group(id).resting();
        }
        self.metrics.certificate_end("p2p", self.network.identity().not_after);
        if let Some(tls) = &self.rpc_tls {
            self.metrics.certificate_end("rpc", tls.not_after());
        }
        // Without a data folder there is nothing to say; its groups have halted and told why.
        if let Ok(disk) = rustix::fs::statvfs(&self.data) {
            self.metrics.data(
                disk.f_bavail.saturating_mul(disk.f_frsize),
                disk.f_blocks.saturating_mul(disk.f_frsize),
            );
        }
    }
}
