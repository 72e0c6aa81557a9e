//! What was seen → what a plan is made from. Pure: the watches, Secrets and nodes have been asked before.

mod files;
mod live;
mod manifests;
mod pods;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{GroupName, NodeName};
use althing_operator::plan::report::Shown;
use althing_operator::plan::{Identity, KeyState, Observed, ObservedIdentity};
use althing_types::GroupId;
use althing_types::genesis::parse_canonical;
use serde_json::Value;

pub use live::live_children;
pub use manifests::{Gathered, Unreadable, gather};

use crate::ask::Heard;
use crate::child::ChildKind;
use crate::lower::leaf;
use crate::names;
use crate::secrets::Contents;
use crate::status;
use crate::world::{Item, Kind, Shelf};

/// Everything that was seen of one namespace.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The watched objects.
    pub shelf: &'a Shelf,
    /// The manifests among them.
    pub manifests: &'a NamespaceManifests,
    /// What its Secrets hold.
    pub contents: &'a Contents,
    /// What its nodes said.
    pub heard: &'a Heard,
    /// Machines that are to be drained.
    pub cordoned: &'a BTreeSet<String>,
}

/// The observation.
pub fn observe(seen: &Seen<'_>) -> Observed {
    let genesis = genesis(seen.shelf);
    let groups = group_names(seen.manifests, &genesis);
    let pods = pods::Pods { seen, groups: &groups };
    Observed {
        identities: identities(seen),
        files: files::files(seen),
        data: data(seen.shelf),
        processes: pods.processes(),
        reports: seen.heard.reports.clone(),
        shown: shown(seen),
        chains: seen.heard.chains.clone(),
        wishes: pods.wishes(),
        opened: opened(seen.shelf),
        troubles: pods.troubles(),
        statuses: statuses(seen.manifests),
        genesis,
    }
}

fn shown(seen: &Seen<'_>) -> BTreeMap<NodeName, Shown> {
    let reports = seen.heard.reports.iter();
    reports
        .map(|(node, report)| (node.clone(), report.shown.clone()))
        .collect()
}

/// The parsed JSON of a child.
fn child(shelf: &Shelf, kind: ChildKind, name: &str) -> Option<Value> {
    match &shelf.get(&(Kind::Child(kind), name.to_owned()))?.item {
        Item::Child(_, text, _) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn children(shelf: &Shelf, kind: ChildKind) -> impl Iterator<Item = &str> {
    shelf
        .keys()
        .filter_map(move |(of, name)| (*of == Kind::Child(kind)).then_some(name.as_str()))
}

fn identities(seen: &Seen<'_>) -> BTreeMap<Identity, ObservedIdentity> {
    let mut found: BTreeMap<Identity, ObservedIdentity> = BTreeMap::new();
    for (identity, key) in &seen.contents.keys {
        found.entry(identity.clone()).or_default().key = key.clone();
    }
    let own = crate::secrets::key_places(seen.manifests).into_keys();
    // What a registrar answered to other agencies' requests is kept here too, beside no key.
    let agencies = seen.manifests.agencies.iter();
    let answered = agencies.filter(|(_, object)| object.spec.external.is_some());
    let answered = answered.map(|(name, _)| Identity::AgencyCa(name.clone()));
    for identity in &own.chain(answered).collect::<BTreeSet<_>>() {
        let files = names::certificate_secret(identity).and_then(|name| seen.contents.public.get(&name));
        let file = |name: &str| files.and_then(|files| files.get(name)).cloned();
        let certificate = seen.contents.bought.get(identity).cloned();
        let certificate =
            certificate.or_else(|| file(names::certificate_file(identity)).map(|pem| leaf(&pem).to_owned()));
        let request = file(names::REQUEST_FILE);
        if certificate.is_some() || request.is_some() {
            let entry = found.entry(identity.clone()).or_default();
            (entry.certificate, entry.request) = (certificate, request);
            entry.trusted = file(names::TRUST_FILE);
        }
        if let Some(entry) = found.get_mut(identity) {
            entry.attestations = attestations(seen.shelf, identity);
        }
    }
    found.retain(|_, identity| {
        identity.key != KeyState::Missing || identity.certificate.is_some() || identity.request.is_some()
    });
    found
}

/// What the key of an identity signed for others.
fn attestations(shelf: &Shelf, signer: &Identity) -> Option<String> {
    let object = child(shelf, ChildKind::ConfigMap, &names::attestations(signer)?)?;
    let text = object.pointer("/data")?.get(names::ATTESTATIONS_FILE)?.as_str()?;
    Some(text.to_owned())
}

/// The recorded documents.
fn genesis(shelf: &Shelf) -> BTreeMap<GroupName, String> {
    let record = |name: &str| {
        let group = GroupName::new(name.strip_suffix("-genesis")?).ok()?;
        let object = child(shelf, ChildKind::ConfigMap, name)?;
        let document = object.pointer("/data")?.get(names::GENESIS_FILE)?.as_str()?;
        Some((group, document.to_owned()))
    };
    children(shelf, ChildKind::ConfigMap).filter_map(record).collect()
}

/// What the groups are called, also those no manifest names any more.
fn group_names(manifests: &NamespaceManifests, genesis: &BTreeMap<GroupName, String>) -> BTreeMap<GroupId, GroupName> {
    let recorded = genesis.iter().filter_map(|(name, document)| {
        let genesis = parse_canonical(document.as_bytes()).ok()?;
        Some((genesis.group_id, name.clone()))
    });
    let declared = manifests.groups.iter().filter_map(|(name, group)| {
        let id = u32::try_from(group.spec.group_id).ok()?;
        Some((GroupId::try_from(id).ok()?, name.clone()))
    });
    recorded.chain(declared).collect()
}

fn data(shelf: &Shelf) -> BTreeSet<NodeName> {
    let node = |name: &str| NodeName::new(name.strip_suffix("-data")?).ok();
    children(shelf, ChildKind::PersistentVolumeClaim)
        .filter_map(node)
        .collect()
}

/// Nodes whose eviction is allowed at present.
fn opened(shelf: &Shelf) -> BTreeSet<NodeName> {
    let open = |name: &str| {
        let budget = child(shelf, ChildKind::PodDisruptionBudget, name)?;
        let allowed = budget.pointer("/spec/maxUnavailable").and_then(Value::as_i64)?;
        (allowed > 0).then(|| NodeName::new(name).ok()).flatten()
    };
    children(shelf, ChildKind::PodDisruptionBudget)
        .filter_map(open)
        .collect()
}

fn statuses(manifests: &NamespaceManifests) -> Vec<althing_operator::status::ObjectStatus> {
    let consortiums = manifests.consortiums.values().filter_map(status::read_consortium);
    let agencies = manifests.agencies.values().filter_map(status::read_agency);
    let groups = manifests.groups.values().filter_map(status::read_group);
    let nodes = manifests.nodes.values().filter_map(status::read_node);
    consortiums.chain(agencies).chain(groups).chain(nodes).collect()
}
