//! What is counted. Objects are labels only where an alert names one: certificates, conditions, blocked disruptions.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use althing_operator::plan::{Disruption, NamespacePlan, Verdict};
use althing_operator::status::{ConditionType, ObjectRef, Truth};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// An object.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ObjectLabels {
    namespace: String,
    kind: String,
    name: String,
}

/// A condition of an object.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConditionLabels {
    namespace: String,
    kind: String,
    name: String,
    r#type: String,
}

/// A group.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct GroupLabels {
    namespace: String,
    group: String,
}

/// A node that waits for its turn.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BlockedLabels {
    namespace: String,
    node: String,
    rule: String,
}

/// A failed write.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    kind: String,
    reason: String,
}

/// Everything the operator counts.
#[derive(Debug)]
pub struct Metrics {
    expiry: Family<ObjectLabels, Gauge>,
    conditions: Family<ConditionLabels, Gauge>,
    quorum: Family<GroupLabels, Gauge>,
    tolerable: Family<GroupLabels, Gauge>,
    blocked: Family<BlockedLabels, Gauge>,
    errors: Family<ErrorLabels, Counter>,
    writes: Counter,
    seconds: Histogram,
    leader: Gauge,
    shown: Mutex<HashMap<String, Shown>>,
}

/// The label sets a namespace has at present, so that those of objects that are gone are taken away.
#[derive(Debug, Default)]
struct Shown {
    expiry: Vec<ObjectLabels>,
    conditions: Vec<ConditionLabels>,
    quorum: Vec<GroupLabels>,
    blocked: Vec<BlockedLabels>,
}

impl Metrics {
    /// Registers everything.
    pub fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("althing");
        let metrics = Self {
            expiry: Family::default(),
            conditions: Family::default(),
            quorum: Family::default(),
            tolerable: Family::default(),
            blocked: Family::default(),
            errors: Family::default(),
            writes: Counter::default(),
            seconds: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            leader: Gauge::default(),
            shown: Mutex::default(),
        };
        registry.register(
            "certificate_not_after_seconds",
            "End of the certificate of an object, in seconds since 1970",
            metrics.expiry.clone(),
        );
        registry.register(
            "object_condition",
            "1 when the condition of the object is True",
            metrics.conditions.clone(),
        );
        registry.register(
            "quorum_at_risk",
            "1 when one more failure stops the group",
            metrics.quorum.clone(),
        );
        registry.register(
            "group_faults_tolerable",
            "Sealers that may fail: a group with 0 is at risk as it was made",
            metrics.tolerable.clone(),
        );
        registry.register(
            "disruption_blocked",
            "1 while a node waits for its turn to be restarted, by the rule that blocks it",
            metrics.blocked.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Writes that failed, by kind and reason",
            metrics.errors.clone(),
        );
        registry.register(
            "writes",
            "Writes to the API server that succeeded",
            metrics.writes.clone(),
        );
        registry.register(
            "reconcile_seconds",
            "Duration of one look at a namespace",
            metrics.seconds.clone(),
        );
        registry.register("leader", "1 while this replica leads", metrics.leader.clone());
        metrics
    }

    /// This replica leads, or not.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A look at a namespace has ended.
    pub fn reconciled(&self, seconds: f64) {
        self.seconds.observe(seconds);
    }

    /// A write succeeded.
    pub fn wrote(&self) {
        self.writes.inc();
    }

    /// A write failed.
    pub fn failed(&self, kind: &str, reason: &str) {
        let labels = ErrorLabels {
            kind: kind.to_owned(),
            reason: reason.to_owned(),
        };
        self.errors.get_or_create(&labels).inc();
    }

    /// Shows what a plan says of a namespace, and nothing else of it.
    pub fn show(&self, plan: &NamespacePlan) {
        let namespace = plan.namespace.as_str();
        let mut now = Shown::default();
        for status in &plan.statuses {
            let (kind, name) = (status.object.kind(), status.object.name());
            if let Some(end) = status.facts.certificate_not_after {
                let labels = ObjectLabels {
                    namespace: namespace.to_owned(),
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                };
                self.expiry.get_or_create(&labels).set(end.as_second());
                now.expiry.push(labels);
            }
            for condition in &status.conditions {
                let labels = ConditionLabels {
                    namespace: namespace.to_owned(),
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    r#type: format!("{:?}", condition.kind),
                };
                self.conditions
                    .get_or_create(&labels)
                    .set(i64::from(condition.status == Truth::True));
                now.conditions.push(labels);
            }
            if let ObjectRef::Group(group) = &status.object {
                let labels = GroupLabels {
                    namespace: namespace.to_owned(),
                    group: group.to_string(),
                };
                self.quorum
                    .get_or_create(&labels)
                    .set(i64::from(status.is(ConditionType::QuorumAtRisk)));
                if let Some(count) = status.facts.faults_tolerable {
                    self.tolerable.get_or_create(&labels).set(i64::from(count));
                }
                now.quorum.push(labels);
            }
        }
        for disruption in &plan.disruptions {
            if let Some(labels) = blocked(namespace, disruption) {
                self.blocked.get_or_create(&labels).set(1);
                now.blocked.push(labels);
            }
        }
        self.replace(namespace, Some(now));
    }

    /// A namespace is empty.
    pub fn forget(&self, namespace: &str) {
        self.replace(namespace, None);
    }

    fn replace(&self, namespace: &str, now: Option<Shown>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shown.remove(namespace).unwrap_or_default();
        let kept = now.unwrap_or_default();
        for old in before.expiry.iter().filter(|old| !kept.expiry.contains(old)) {
            self.expiry.remove(old);
        }
        for old in before.conditions.iter().filter(|old| !kept.conditions.contains(old)) {
            self.conditions.remove(old);
        }
        for old in before.quorum.iter().filter(|old| !kept.quorum.contains(old)) {
            self.quorum.remove(old);
            self.tolerable.remove(old);
        }
        for old in before.blocked.iter().filter(|old| !kept.blocked.contains(old)) {
            self.blocked.remove(old);
        }
        shown.insert(namespace.to_owned(), kept);
    }
}

fn blocked(namespace: &str, disruption: &Disruption) -> Option<BlockedLabels> {
    match &disruption.verdict {
        Verdict::Blocked { rule, .. } => Some(BlockedLabels {
            namespace: namespace.to_owned(),
            node: disruption.node.to_string(),
            rule: rule.to_string(),
        }),
        Verdict::Allowed => None,
    }
}
