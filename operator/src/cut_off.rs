//! Who is cut off the network now (GOVERNANCE.md 4): the registrar's list, without the sealers on it. They leave by vote first, or
//! a revocation would cost a group its quorum that no vote has agreed to lose.

use std::collections::BTreeMap;

use althing_types::NodeId;

use crate::controller::consortium::{ChainFacts, RevocationList};
use crate::controller::node::NodeForm;
use crate::controller::{Context, Outcome};
use crate::genesis::GenesisDocument;
use crate::name::{ConsortiumName, GroupName};
use crate::namespace::Findings;
use crate::status::ObjectRef;

/// What one consortium's nodes keep out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CutOff {
    /// Who is kept out now.
    pub(crate) list: RevocationList,
    /// Who is revoked and still a sealer, and what that waits for, in words.
    pub(crate) waiting: Vec<String>,
}

/// A sealer, as far as a revocation can mean it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sealer {
    /// As this namespace calls it.
    name: String,
    /// Its agency, by the common name of the agency's certificate.
    agency: Option<String>,
    /// The serial number of its certificate.
    serial: Option<String>,
    /// Where it seals.
    groups: Vec<GroupName>,
}

/// What each consortium of a namespace keeps out.
pub(crate) fn cut_offs(ctx: &Context<'_>, findings: &Findings) -> BTreeMap<ConsortiumName, CutOff> {
    let chains = findings
        .chains
        .iter()
        .filter_map(|(name, chain)| Some((name, chain.as_ref().ok()?)));
    chains
        .map(|(name, chain)| (name.clone(), cut_off(chain, &sealers(ctx, findings, name))))
        .collect()
}

fn cut_off(chain: &ChainFacts, sealers: &BTreeMap<NodeId, Sealer>) -> CutOff {
    let consortium = &chain.consortium;
    let mut cut = CutOff {
        list: consortium.revocations.clone(),
        waiting: vec![],
    };
    if consortium.revokes_by_force {
        return cut;
    }
    let listed = &consortium.revocations;
    for (id, sealer) in sealers {
        let mut revoked = vec![];
        if cut.list.node_ids.remove(id) {
            revoked.push(format!("nodeID {}…", id.short()));
        }
        // Of an agency that several sealers belong to, each is said.
        if let Some(agency) = sealer.agency.as_ref().filter(|it| listed.agencies.contains(*it)) {
            cut.list.agencies.remove(agency);
            revoked.push(format!("agency {agency}"));
        }
        if let Some(serial) = sealer.serial.as_ref().filter(|it| listed.serials.contains(*it)) {
            cut.list.serials.remove(serial);
            revoked.push(format!("serial {serial}"));
        }
        if !revoked.is_empty() {
            let groups: Vec<_> = sealer.groups.iter().map(GroupName::as_str).collect();
            cut.waiting.push(format!(
                "{} is revoked ({}) and still seals in {}: it is cut off when a vote has removed it there (spec.agreed.members of the Group, role Observer or Free), or at once with spec.revocations.force",
                sealer.name,
                revoked.join(", "),
                groups.join(", ")
            ));
        }
    }
    cut
}

/// The sealers of a consortium's groups, also of one whose manifest is wrong at the moment or gone: a mistake in Git costs no quorum.
fn sealers(ctx: &Context<'_>, findings: &Findings, consortium: &ConsortiumName) -> BTreeMap<NodeId, Sealer> {
    let told: BTreeMap<_, _> = findings
        .chains(ctx)
        .map(|(group, chain)| (&group.group.name, chain.view))
        .collect();
    let declared = ctx.manifests.groups.iter();
    let declared = declared.filter(|(_, group)| group.spec.consortium == consortium.as_str());
    let recorded = ctx.observed.genesis.keys();
    let undeclared = recorded.filter(|name| !ctx.manifests.groups.contains_key(*name));
    let mut found: BTreeMap<NodeId, Sealer> = BTreeMap::new();
    for name in declared.map(|(name, _)| name).chain(undeclared) {
        let ids = match told.get(name) {
            Some(view) => view.governance.sealers().as_slice().to_vec(),
            None => known(ctx, name),
        };
        for id in ids {
            let sealer = found.entry(id).or_insert_with(|| sealer(findings, id));
            sealer.groups.push(name.clone());
        }
    }
    found
}

/// Who sealed a group when that was told last, else at its beginning. Who was voted out is not let in again because nobody can say so
/// at the moment.
fn known(ctx: &Context<'_>, group: &GroupName) -> Vec<NodeId> {
    let last = ctx.facts(&ObjectRef::Group(group.clone())).map(|facts| &facts.sealers);
    let recorded = || GenesisDocument::recorded(ctx.observed.genesis.get(group)?).ok();
    match last.filter(|sealers| !sealers.is_empty()) {
        Some(sealers) => sealers.clone(),
        None => recorded().map_or_else(Vec::new, |found| found.genesis.sealers.as_slice().to_vec()),
    }
}

fn sealer(findings: &Findings, id: NodeId) -> Sealer {
    let known = findings.node_ids.iter().find(|(_, known)| **known == id);
    let node = known.and_then(|(name, _)| findings.validated_nodes.get(name));
    let agency = node.and_then(|node| findings.agencies.get(&node.agency)?.as_ref().ok());
    let own = || {
        let facts: Option<&Outcome<_>> = known.and_then(|(name, _)| findings.nodes.get(name));
        let own = facts.and_then(|facts| facts.as_ref().ok()?.own.as_ref());
        own.map(|own| own.certificate.facts.serial.clone())
    };
    let serial = match node.map(|node| &node.form) {
        Some(NodeForm::External { certificate, .. }) => certificate.as_ref().map(|it| it.facts.serial.clone()),
        Some(NodeForm::Own(_)) => own(),
        None => None,
    };
    Sealer {
        name: known.map_or_else(|| format!("{}…", id.short()), |(name, _)| format!("Node {name}")),
        agency: agency.map(|agency| agency.certificate.facts.common_name.clone()),
        serial,
        groups: vec![],
    }
}
