//! What is counted, with bounded labels: reasons, lanes and directions, never a peer's name.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::api::Lane;
use crate::refusal::RefusalReason;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ReasonLabel {
    reason: RefusalReason,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct LaneLabel {
    lane: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct FlowLabels {
    direction: &'static str,
    lane: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct CauseLabel {
    cause: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// The counters of one lane, resolved once: a family's look-up per frame would show.
#[derive(Clone, Debug)]
pub(crate) struct LaneMetrics {
    pub(crate) received_bytes: Counter,
    pub(crate) received_frames: Counter,
    pub(crate) sent_bytes: Counter,
    pub(crate) sent_frames: Counter,
    pub(crate) queue_drops: Counter,
    pub(crate) connections: Gauge,
}

/// Everything the network counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    refused: Family<ReasonLabel, Counter>,
    consensus: LaneMetrics,
    bulk: LaneMetrics,
    pub(crate) peers: Gauge,
    pub(crate) dials_ok: Counter,
    pub(crate) dials_failed: Counter,
    pub(crate) dials_refused: Counter,
    pub(crate) dials_self: Counter,
    pub(crate) inbound_full: Counter,
    pub(crate) inbound_unclaimed: Counter,
    pub(crate) throttled: Counter,
    pub(crate) genesis_differs: Counter,
}

impl Metrics {
    /// Makes the metrics and puts them into `registry`, at zero.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let refused = Family::<ReasonLabel, Counter>::default();
        for reason in RefusalReason::ALL {
            drop(refused.get_or_create(&ReasonLabel { reason }));
        }
        registry.register(
            "althing_network_refused",
            "Peers not let in, or cut off, by reason",
            refused.clone(),
        );
        let (consensus, bulk) = register_lanes(registry);
        let peers = Gauge::default();
        registry.register("althing_network_peers", "Peers with both lanes up", peers.clone());
        let dials = Family::<ResultLabel, Counter>::default();
        registry.register(
            "althing_network_dials",
            "Dials by result: ok, failed (no answer, or cut off), refused (by either side), self (a listed address is our own)",
            dials.clone(),
        );
        let dial = |result| {
            let counter = dials.get_or_create(&ResultLabel { result });
            counter.clone()
        };
        let dropped = Family::<CauseLabel, Counter>::default();
        registry.register(
            "althing_network_inbound_drops",
            "Received frames dropped: full (the module reads too slowly), unclaimed (nobody registered)",
            dropped.clone(),
        );
        let drop_of = |cause| {
            let counter = dropped.get_or_create(&CauseLabel { cause });
            counter.clone()
        };
        let throttled = Counter::default();
        registry.register(
            "althing_network_throttled",
            "Pauses in reading peers over their bulk rate",
            throttled.clone(),
        );
        let genesis_differs = Counter::default();
        registry.register(
            "althing_network_genesis_differs",
            "Announcements of a group we serve under another genesis hash",
            genesis_differs.clone(),
        );
        Self {
            refused,
            consensus,
            bulk,
            peers,
            dials_ok: dial("ok"),
            dials_failed: dial("failed"),
            dials_refused: dial("refused"),
            dials_self: dial("self"),
            inbound_full: drop_of("full"),
            inbound_unclaimed: drop_of("unclaimed"),
            throttled,
            genesis_differs,
        }
    }

    pub(crate) fn refused(&self, reason: RefusalReason) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn refused_count(&self, reason: RefusalReason) -> u64 {
        self.refused.get_or_create(&ReasonLabel { reason }).get()
    }

    pub(crate) const fn lane(&self, lane: Lane) -> &LaneMetrics {
        match lane {
            Lane::Consensus => &self.consensus,
            Lane::Bulk => &self.bulk,
        }
    }
}

fn register_lanes(registry: &mut Registry) -> (LaneMetrics, LaneMetrics) {
    let bytes = Family::<FlowLabels, Counter>::default();
    registry.register(
        "althing_network_bytes",
        "Bytes of frames, by direction and lane",
        bytes.clone(),
    );
    let frames = Family::<FlowLabels, Counter>::default();
    registry.register(
        "althing_network_frames",
        "Frames, by direction and lane",
        frames.clone(),
    );
    let drops = Family::<LaneLabel, Counter>::default();
    registry.register(
        "althing_network_queue_drops",
        "Frames lost to a full queue to a peer, by lane",
        drops.clone(),
    );
    let connections = Family::<LaneLabel, Gauge>::default();
    registry.register(
        "althing_network_connections",
        "Live connections, by lane",
        connections.clone(),
    );
    // One statement for each: the guard a family hands out blocks the next one of the same family until it is dropped.
    let flow = |family: &Family<FlowLabels, Counter>, direction, lane| {
        let counter = family.get_or_create(&FlowLabels { direction, lane });
        counter.clone()
    };
    let lane = |lane: Lane| {
        let lane = lane.as_str();
        let queue_drops = drops.get_or_create(&LaneLabel { lane }).clone();
        let connections = connections.get_or_create(&LaneLabel { lane }).clone();
        LaneMetrics {
            received_bytes: flow(&bytes, "received", lane),
            received_frames: flow(&frames, "received", lane),
            sent_bytes: flow(&bytes, "sent", lane),
            sent_frames: flow(&frames, "sent", lane),
            queue_drops,
            connections,
        }
    };
    (lane(Lane::Consensus), lane(Lane::Bulk))
}
