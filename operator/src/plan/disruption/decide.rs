//! Who goes next.

use jiff::Timestamp;

use super::{Answer, Disruption, DisruptionReason, Leases, Rule, Scene, Verdict};
use crate::name::NodeName;
use crate::plan::ProcessState;

/// A node that has to be disturbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The node.
    pub node: NodeName,
    /// Why.
    pub reason: DisruptionReason,
}

/// Asks for the candidates in turn. At most one node that runs is allowed; nodes proven stopped are allowed besides.
pub fn decide(
    scene: &Scene,
    mut candidates: Vec<Candidate>,
    leases: &mut dyn Leases,
    now: Timestamp,
) -> Vec<Disruption> {
    candidates.sort_by_cached_key(|candidate| turn(scene, candidate));
    let mut granted: Option<NodeName> = None;
    let decided = candidates.into_iter().map(|Candidate { node, reason }| {
        let verdict = match verdict(scene, granted.as_ref(), &node, reason, leases, now) {
            Some(verdict) => verdict,
            None => {
                granted = Some(node.clone());
                Verdict::Allowed
            }
        };
        Disruption { node, reason, verdict }
    });
    decided.collect()
}

/// The verdict over one candidate; none when it is granted the turn.
fn verdict(
    scene: &Scene,
    granted: Option<&NodeName>,
    node: &NodeName,
    reason: DisruptionReason,
    leases: &mut dyn Leases,
    now: Timestamp,
) -> Option<Verdict> {
    // A node proven stopped disturbs nobody by being replaced or moved.
    let runs = scene
        .nodes
        .get(node)
        .is_some_and(|it| it.state != ProcessState::Stopped);
    if !runs || granted == Some(node) {
        return Some(Verdict::Allowed);
    }
    let blocked = |rule, why| Some(Verdict::Blocked { rule, why });
    if let Some(other) = granted {
        let why = format!("it is the turn of {other}; {node} follows when {other} is in sync again");
        return blocked(Rule::OneAtATime, why);
    }
    if let Some(other) = scene.opened.iter().find(|other| *other != node) {
        let why = format!("{other} may be evicted at this moment; {node} follows when that is over");
        return blocked(Rule::OneAtATime, why);
    }
    match leases.ask(node, reason, now) {
        Answer::Granted => None,
        Answer::Refused { rule, why } => blocked(rule, why),
    }
}

/// The place in the queue: who seals nowhere, then sealers, then leaders; among them those that stand still already, then
/// those whose turn is open already, then drains, which somebody waits for; then by name.
fn turn(scene: &Scene, candidate: &Candidate) -> (u8, bool, bool, bool, NodeName) {
    let node = &candidate.node;
    let mut groups = scene
        .groups
        .values()
        .filter(|group| group.members.contains(node) || group.seals(node));
    let leads = scene.groups.values().any(|group| group.leader.as_ref() == Some(node));
    let seals = scene.groups.values().any(|group| group.seals(node));
    let class = u8::from(seals) + u8::from(leads);
    let is_in_sync = groups.all(|group| group.in_sync.contains(node));
    let is_drain = candidate.reason == DisruptionReason::MachineDrained;
    (class, is_in_sync, !scene.opened.contains(node), !is_drain, node.clone())
}
