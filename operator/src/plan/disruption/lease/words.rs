//! What a lease waits for: what was found, and after the semicolon what would change it. No figure in it changes by itself, so that
//! a status that says it is written once.

use althing_governance::{FRESH_MS, Lease};
use althing_types::NodeId;
use jiff::Timestamp;

use super::{Ground, Shared};
use crate::name::{AgencyName, GroupName, NodeName};

/// No own node tells what holds on the chain.
pub(super) fn untold(group: &GroupName, node: &NodeName) -> String {
    format!(
        "other agencies seal in group {group} as well, and no own node that is in sync there tells whether {node} has its lease; \
         bring an own node of the group back in sync and let the operator reach it"
    )
}

/// Nobody here may ask.
pub(super) fn no_seat(group: &GroupName, node: &NodeName, agency: Option<&AgencyName>) -> String {
    let agency = agency.map_or("its agency", AgencyName::as_str);
    format!(
        "other agencies seal in group {group} as well, and neither {agency} nor another agency whose key is here has a seat there, which \
         the lease for {node} needs; have the committee give {agency} a seat (spec.agreed.committee), or make {node} an observer for the time"
    )
}

/// It is asked for now.
pub(super) fn asks(group: &GroupName, node: &NodeName, agency: &AgencyName) -> String {
    format!(
        "{agency} asks for the lease of group {group}, in which other agencies seal as well; {node} follows when the chain has granted it"
    )
}

/// The operator asks for another node's at this moment.
pub(super) fn asked_for_another(group: &GroupName, node: &NodeName, other: &str) -> String {
    format!(
        "group {group} lets one node be disturbed at a time, and its lease is asked for {other}; {node} follows when it is given back"
    )
}

/// The chain would refuse.
pub(super) fn refused(group: &GroupName, refusal: &str) -> String {
    format!("the chain of group {group} grants no lease at present: {refusal}; it is asked again when that changes")
}

/// Somebody else's turn.
pub(super) fn held(ground: &Ground<'_>, group: &GroupName, node: &NodeName, lease: &Lease) -> String {
    let other = name_of(ground, &lease.node);
    let holder = ground.names.agency(&lease.holder);
    let until = instant(lease.until_ms);
    let what = match lease.granted {
        true => "has",
        false => "waits for",
    };
    format!(
        "group {group} lets one node be disturbed at a time, and {other} {what} its lease ({holder}, until {until} at most, {:?}); \
         {node} follows when it is given back or ends",
        lease.reason
    )
}

/// It is asked for, and the chain waits for proofs of life. Who is missing is said once everybody had the time to prove it.
pub(super) fn not_granted(ground: &Ground<'_>, shared: Shared<'_>, node: &NodeName, lease: &Lease) -> String {
    let view = shared.chain.view;
    let sealers = view.governance.sealers();
    let live = view.governance.live(view.now);
    let others = sealers.as_slice().iter().filter(|id| **id != lease.node || lease.pause);
    let missing = others.filter(|id| !live.contains(*id));
    let missing: Vec<_> = missing.map(|id| name_of(ground, id)).collect();
    let had_time = view.now.unix_ms.saturating_sub(lease.asked.unix_ms) >= FRESH_MS;
    let what_helps = match had_time && !missing.is_empty() {
        true => format!(
            "bring back {}, of whom no proof came within a minute",
            missing.join(", ")
        ),
        false => "their nodes do so by themselves every ten seconds".to_owned(),
    };
    let others = match lease.pause {
        true => "of its sealers",
        false => "other sealers of it",
    };
    format!(
        "the lease of group {} is asked for {node}, and the chain grants it when {} {others} have proved to live; {what_helps}",
        shared.name,
        sealers.quorum()
    )
}

fn name_of(ground: &Ground<'_>, id: &NodeId) -> String {
    let own = ground.nodes.iter().find(|(_, own)| own.id == *id).map(|(name, _)| name);
    let known = ground.names.nodes.iter().find(|(_, known)| *known == id);
    let name = own.or_else(|| known.map(|(name, _)| name));
    name.map_or_else(|| format!("{}…", id.short()), ToString::to_string)
}

fn instant(unix_ms: u64) -> String {
    let at = i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| format!("{unix_ms} ms"), |at| at.to_string())
}
