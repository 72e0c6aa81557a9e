//! What a namespace is known by: as its manifests and their statuses say.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::SignedWishes;
use althing_operator::controller::attestation::check_wishes;
use althing_operator::governance::{Ask, asked};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::pki::inspect::first;
use althing_types::{Address, NodeId};

use crate::vote::Known;

/// Its nodes, accounts, entries, and what other agencies ask for.
pub(super) fn known(manifests: &NamespaceManifests) -> Known {
    let nodes = manifests.nodes.iter().filter_map(|(name, node)| {
        let external = node.spec.external.as_ref().and_then(|facts| facts.node_id.as_ref());
        let own = || node.status.as_ref()?.node_id.as_ref();
        Some((name.clone(), external.or_else(own)?.parse::<NodeId>().ok()?))
    });
    let accounts = manifests.agencies.iter().filter_map(|(name, agency)| {
        let external = agency
            .spec
            .external
            .as_ref()
            .and_then(|facts| facts.governance_account.as_ref());
        let own = || agency.status.as_ref()?.governance_account.as_ref();
        Some((name.clone(), external.or_else(own)?.parse::<Address>().ok()?))
    });
    let own = manifests
        .agencies
        .iter()
        .filter(|(_, agency)| agency.spec.external.is_none());
    let agreed = manifests.groups.iter();
    let (nodes, accounts) = (nodes.collect(), accounts.collect());
    Known {
        namespace: manifests.namespace.clone(),
        asks: asks(manifests, &nodes, &accounts),
        nodes,
        accounts,
        own: own.map(|(name, _): (&AgencyName, _)| name.clone()).collect(),
        agreed: agreed
            .filter_map(|(name, group)| Some((name.clone(), group.spec.agreed.clone()?)))
            .collect(),
        remedy: "kubectl althing why says what its nodes lack",
    }
}

/// What agencies ask for in their bundles, as far as their keys stand behind it.
fn asks(
    manifests: &NamespaceManifests,
    nodes: &BTreeMap<NodeName, NodeId>,
    accounts: &BTreeMap<AgencyName, Address>,
) -> BTreeMap<GroupName, Vec<Ask>> {
    let mut all: BTreeMap<GroupName, Vec<Ask>> = BTreeMap::new();
    for (name, agency) in &manifests.agencies {
        let wishes = agency.spec.external.iter().flat_map(|external| &external.wishes);
        // The certificate that the operator accepted, not one that somebody wrote into the manifest.
        let key = agency
            .status
            .as_ref()
            .and_then(|status| first(status.certificate.as_deref()?).ok()?.key());
        let owner = |node: &str| Some(manifests.nodes.get(node)?.spec.agency.as_str());
        let stands =
            |wishes: &&SignedWishes| check_wishes(name.as_str(), std::slice::from_ref(*wishes), key, owner).is_ok();
        for wishes in wishes.filter(stands) {
            let Ok(group) = GroupName::new(wishes.group.as_str()) else {
                continue;
            };
            let entries = asked(name, wishes, nodes, accounts).into_iter();
            all.entry(group).or_default().extend(entries.map(|entry| Ask {
                agency: name.clone(),
                entry,
            }));
        }
    }
    all
}
