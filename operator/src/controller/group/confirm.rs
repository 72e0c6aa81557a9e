//! Whether the other agencies of a group computed the same genesis. Each says so with its signature.

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::SignedGenesis;

use super::ValidatedGroup;
use crate::controller::agency::AgencyFacts;
use crate::controller::{Context, Hold, Outcome};
use crate::genesis::GenesisDocument;
use crate::name::{AgencyName, NodeName};
use crate::processes;
use crate::status::{Obstacle, Reason};

type Agencies = BTreeMap<AgencyName, Outcome<AgencyFacts>>;

/// A signed hash of another agency of the group that is not this namespace's. Before any own node runs the group it is held;
/// after that block 0 holds, and the difference is only told.
pub(super) fn contradiction(
    ctx: &Context<'_>,
    group: &ValidatedGroup,
    genesis: &GenesisDocument,
    agencies: &Agencies,
) -> Outcome<Option<Obstacle>> {
    let hash = genesis.hash.to_string();
    let others = others(ctx, group);
    let signed = others
        .iter()
        .filter_map(|agency| Some((*agency, signed(agencies, group, agency)?)));
    let Some((agency, other)) = signed.into_iter().find(|(_, signed)| signed.hash != hash) else {
        return Ok(None);
    };
    let document = other.document.as_deref().map(GenesisDocument::recorded);
    let fields = match document {
        Some(Ok(document)) => genesis.compared("here", &document.genesis, agency),
        _ => None,
    };
    let fields = fields.map_or_else(
        || "compare spec.genesis with theirs, field by field".to_owned(),
        |fields| format!("differing fields: {fields}"),
    );
    let name = &group.name;
    let text = format!(
        "the genesis of Group {name} has hash {hash} here; Agency {agency} signed {}: {fields}. Whoever of you corrects the manifest first deletes Group {name} (annotated althing.dev/allow-delete) and then the recorded genesis (ConfigMap {name}-genesis, or genesis/{name}.json of the state directory)",
        other.hash
    );
    let obstacle = Obstacle::new(Reason::GenesisHashDiffers, text);
    match runs(ctx, group) {
        true => Ok(Some(obstacle)),
        false => Err(Hold::Wrong(obstacle)),
    }
}

/// Where all sealers are this namespace's, one document is computed once. Where some are others', each agency computes its
/// own: all of them say the same with their signatures, or a person pins the hash.
pub(super) fn unconfirmed(
    ctx: &Context<'_>,
    group: &ValidatedGroup,
    genesis: &GenesisDocument,
    agencies: &Agencies,
) -> Option<Obstacle> {
    let is_external = |name: &&NodeName| {
        let node = ctx.manifests.nodes.get(*name);
        node.is_some_and(|node| node.spec.external.is_some())
    };
    let external = group.sealers.iter().find(is_external).filter(|_| group.pin.is_none())?;
    let others = others(ctx, group);
    let silent = others.iter().filter(|agency| signed(agencies, group, agency).is_none());
    let silent: Vec<_> = silent.map(|agency| agency.as_str()).collect();
    if !others.is_empty() && (silent.is_empty() || runs(ctx, group)) {
        return None;
    }
    let silent = match silent.is_empty() {
        true => "the other agencies".to_owned(),
        false => silent.join(", "),
    };
    let text = format!(
        "the genesis of Group {} has hash {}; Node {external} is another agency's: take the bundle with the signed hash of {silent}, or compare the hash with them and pin it in spec.genesis.hash",
        group.name, genesis.hash
    );
    Some(Obstacle::new(Reason::GenesisUnconfirmed, text))
}

/// The other agencies that have a seat or a sealer in the genesis.
fn others<'a>(ctx: &Context<'a>, group: &ValidatedGroup) -> BTreeSet<&'a AgencyName> {
    let object = ctx.manifests.groups.get(&group.name);
    let seats = object.and_then(|object| object.spec.genesis.committee.as_ref());
    let seats = seats.into_iter().flat_map(|committee| &committee.seats);
    let seated = seats.map(|seat| seat.agency.as_str());
    let nodes = group.sealers.iter().filter_map(|node| ctx.manifests.nodes.get(node));
    let named: BTreeSet<_> = seated.chain(nodes.map(|node| node.spec.agency.as_str())).collect();
    let external = ctx
        .manifests
        .agencies
        .iter()
        .filter(|(name, object)| object.spec.external.is_some() && named.contains(name.as_str()));
    external.map(|(name, _)| name).collect()
}

fn signed<'a>(agencies: &'a Agencies, group: &ValidatedGroup, agency: &AgencyName) -> Option<&'a SignedGenesis> {
    let facts = agencies.get(agency)?.as_ref().ok()?;
    facts.genesis.iter().find(|signed| signed.group == group.name.as_str())
}

/// Whether an own node runs the group already.
fn runs(ctx: &Context<'_>, group: &ValidatedGroup) -> bool {
    let mut nodes = ctx.manifests.nodes.keys();
    nodes.any(|node| processes::groups_run(ctx, node).contains(&group.id))
}
