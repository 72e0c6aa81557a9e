//! Networks that run, and what tests ask of them.

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::{Duration, Instant};

use althing_network::{
    Config, Lane, Lists, Network, NetworkEvent, NetworkHandle, PeerAddress, PemText, RefusalReason, ServedGroup,
    Settings,
};
use althing_types::{B256, GroupId, NodeId};
use prometheus_client::registry::Registry;
use tokio::sync::broadcast;

use super::edition;
use super::pki::{Authority, NodeFiles};

/// Within this time, or the test fails. Nothing here takes a tenth of it on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A network and the registry of its metrics.
pub(crate) struct Running {
    pub(crate) handle: NetworkHandle,
    registry: Registry,
}

impl Deref for Running {
    type Target = NetworkHandle;

    fn deref(&self) -> &NetworkHandle {
        &self.handle
    }
}

impl Running {
    /// The value of a metric, written as Prometheus sees it, e.g. `althing_network_dials_total{result="ok"}`.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        value
            .unwrap_or_else(|| panic!("no metric {name} in:\n{text}"))
            .parse()
            .unwrap()
    }

    /// Waits until exactly this reason is counted, and then checks that no other is.
    pub(crate) async fn refuses(&self, reason: RefusalReason) {
        until(&format!("{reason} is counted"), || self.refused(reason) > 0).await;
        assert!(self.metric(&format!("althing_network_refused_total{{reason=\"{reason}\"}}")) > 0);
        for other in RefusalReason::ALL.into_iter().filter(|other| *other != reason) {
            assert_eq!(self.refused(other), 0, "{:?}", self.refusals());
        }
    }

    pub(crate) async fn is_connected_to(&self, peer: &NodeId) {
        until("both lanes are up", || self.lanes_to(peer) == 2).await;
    }

    pub(crate) fn lanes_to(&self, peer: &NodeId) -> usize {
        self.peers()
            .iter()
            .find(|info| info.node_id == *peer)
            .map_or(0, |info| info.lanes.len())
    }

    /// Live connections by the metric: consensus and bulk.
    pub(crate) fn connections(&self) -> [i64; 2] {
        Lane::ALL.map(|lane| self.metric(&format!("althing_network_connections{{lane=\"{}\"}}", lane.as_str())))
    }
}

pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// Waits for an event that `wanted` takes.
pub(crate) async fn event(events: &mut broadcast::Receiver<NetworkEvent>, wanted: impl Fn(&NetworkEvent) -> bool) {
    within("event", async {
        loop {
            if wanted(&events.recv().await.unwrap()) {
                return;
            }
        }
    })
    .await;
}

pub(crate) fn config() -> Config {
    let mut config = Config::new(edition().tls(), "127.0.0.1:0".parse().unwrap(), "althing 0.1.0");
    config.timing.redial_min = Duration::from_millis(20);
    config.timing.redial_max = Duration::from_millis(200);
    config
}

pub(crate) fn settings(files: &NodeFiles, root: &Authority, peers: &[&Running]) -> Settings {
    Settings {
        certificate: PemText::new("node.crt", files.certificate.clone()),
        key: PemText::new("node.key", files.key.clone()),
        node_id: Some(files.node_id),
        roots: vec![root.root()],
        lists: Lists::default(),
        peers: peers.iter().map(|peer| at(peer.local_address())).collect(),
    }
}

pub(crate) fn at(address: SocketAddr) -> PeerAddress {
    PeerAddress {
        address: address.to_string(),
        node_id: None,
    }
}

pub(crate) async fn start(files: &NodeFiles, root: &Authority, peers: &[&Running]) -> Running {
    start_with(config(), settings(files, root, peers)).await
}

pub(crate) async fn start_with(config: Config, settings: Settings) -> Running {
    let mut registry = Registry::default();
    let handle = Network::start(config, settings, &mut registry).await.unwrap();
    Running { handle, registry }
}

pub(crate) fn group(id: u32) -> GroupId {
    GroupId::try_from(id).unwrap()
}

pub(crate) fn served(id: u32, genesis: u8) -> ServedGroup {
    ServedGroup {
        group: group(id),
        genesis_hash: B256::repeat_byte(genesis),
    }
}
