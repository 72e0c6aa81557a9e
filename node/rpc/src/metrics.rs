//! What is counted: requests by method and outcome, their time, open connections, receipts that are waited for.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The method label of what this server has no name for: a closed set, whatever clients send.
pub(crate) const OTHER: &str = "other";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: Refusal,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// With a result.
    Ok,
    /// With an error.
    Error,
    /// Not in time.
    Timeout,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
        };
        name.encode(encoder)
    }
}

/// Why a connection was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// As many are open as are accepted.
    Full,
    /// The TLS handshake failed or took too long.
    Handshake,
}

impl EncodeLabelValue for Refusal {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Full => "full",
            Self::Handshake => "handshake",
        };
        name.encode(encoder)
    }
}

/// The counters of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<MethodLabels, Histogram, fn() -> Histogram>,
    refused: Family<RefusalLabels, Counter>,
    /// Open connections.
    pub(crate) connections: Gauge<i64, AtomicI64>,
    /// Pending transactions whose receipts are waited for.
    pub(crate) receipts_waiting: Gauge<i64, AtomicI64>,
    /// Pending transactions whose receipts were not waited for, since too many were.
    pub(crate) receipts_not_waited: Counter,
}

fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 4.0, 10))
}

impl Metrics {
    /// Registers the counters under `rpc_`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("althing_rpc");
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram as fn() -> Histogram),
            refused: Family::default(),
            connections: Gauge::default(),
            receipts_waiting: Gauge::default(),
            receipts_not_waited: Counter::default(),
        };
        registry.register(
            "requests",
            "JSON-RPC requests by method and outcome",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "request",
            "Time from a parsed request to its answer, without waiting for a receipt",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections turned away",
            metrics.refused.clone(),
        );
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register(
            "receipts_waiting",
            "Pending transactions whose receipts are waited for",
            metrics.receipts_waiting.clone(),
        );
        registry.register(
            "receipts_not_waited",
            "Pending transactions whose receipts were not waited for, since too many were",
            metrics.receipts_not_waited.clone(),
        );
        metrics
    }

    /// Counts a request.
    pub(crate) fn observe(&self, method: &'static str, outcome: Outcome, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method, outcome }).inc();
        self.seconds
            .get_or_create(&MethodLabels { method })
            .observe(took.as_secs_f64());
    }

    /// Counts a connection turned away.
    pub(crate) fn refuse(&self, reason: Refusal) {
        self.refused.get_or_create(&RefusalLabels { reason }).inc();
    }
}
