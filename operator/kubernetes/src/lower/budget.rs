//! PodDisruptionBudget of a node: closed, and opened for one node at a time by the plan.
//!
//! While it is closed, a pod that is not ready is not evicted either (`IfHealthyBudget`): "not ready" means not in sync or
//! not connected, and such a sealer may be the one a group still needs; when a network is cut every sealer is not ready, and
//! a drain would take them all. A node proven stopped is replaced by the plan, not through evictions. While it is open, the
//! pod goes whatever its state (`AlwaysAllow`): with one pod, `IfHealthyBudget` would hold one that is not ready for ever.

use k8s_openapi::api::policy::v1::PodDisruptionBudgetSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::node::{NodeParts, spec};
use crate::child::{Child, ChildKind, Fate};
use crate::names;

/// The budget of the node's one pod.
pub(super) fn budget(node: &NodeParts<'_>) -> Child {
    let (evictable, unhealthy) = match node.lowering.open_budgets.contains(&node.process.node) {
        true => (1, "AlwaysAllow"),
        false => (0, "IfHealthyBudget"),
    };
    let budget = PodDisruptionBudgetSpec {
        max_unavailable: Some(IntOrString::Int(evictable)),
        unhealthy_pod_eviction_policy: Some(unhealthy.to_owned()),
        selector: Some(LabelSelector {
            match_labels: Some(names::pod_selector(&node.process.node)),
            match_expressions: None,
        }),
        ..PodDisruptionBudgetSpec::default()
    };
    node.family.child(
        ChildKind::PodDisruptionBudget,
        names::node(&node.process.node),
        Fate::Goes,
        spec(&budget),
    )
}
