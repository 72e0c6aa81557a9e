//! The genesis of a group: recorded wins, else rendered once.

use std::collections::BTreeMap;

use althing_types::{Address, NodeId};

use super::ValidatedGroup;
use super::confirm::{contradiction, unconfirmed};
use crate::controller::agency::AgencyFacts;
use crate::controller::consortium::ChainFacts;
use crate::controller::{Context, Hold, Outcome, edition};
use crate::genesis::{self, GenesisDocument, Ingredients};
use crate::governance::{Entry, entries};
use crate::name::{AgencyName, ConsortiumName, NodeName};
use crate::status::{Obstacle, Reason};

/// A group whose genesis is known.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupFacts {
    /// The group.
    pub group: ValidatedGroup,
    /// Its genesis.
    pub genesis: GenesisDocument,
    /// Whether it is still to be recorded.
    pub is_new: bool,
    /// In what the manifest differs from the record.
    pub difference: Option<Obstacle>,
    /// What this namespace wants to hold on the chain.
    pub entries: Vec<Entry>,
    /// What is declared and cannot be understood yet, in words.
    pub lacking: Vec<String>,
    /// Why nodes must not start the group yet: others may have computed another document.
    pub unconfirmed: Option<Obstacle>,
}

/// What is known of the objects a group names.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The consortiums.
    pub chains: &'a BTreeMap<ConsortiumName, Outcome<ChainFacts>>,
    /// The agencies.
    pub agencies: &'a BTreeMap<AgencyName, Outcome<AgencyFacts>>,
    /// The identities of the nodes.
    pub nodes: &'a BTreeMap<NodeName, NodeId>,
    /// The accounts of the agencies.
    pub accounts: &'a BTreeMap<AgencyName, Address>,
}

/// Plans one group's genesis.
pub fn plan(ctx: &Context<'_>, group: ValidatedGroup, known: &Known<'_>) -> Outcome<GroupFacts> {
    let rendered = render(&group, known, ctx);
    let recorded = ctx
        .observed
        .genesis
        .get(&group.name)
        .map(|document| GenesisDocument::recorded(document));
    let (genesis, is_new) = match recorded.transpose()? {
        Some(recorded) => (recorded, false),
        None => (GenesisDocument::of(rendered.clone()?)?, true),
    };
    if let Some(pin) = group.pin.filter(|pin| *pin != genesis.hash) {
        let difference = rendered.as_ref().ok().and_then(|manifest| genesis.difference(manifest));
        let difference = difference.map_or_else(
            || "the manifest and the document agree field by field, so the pinned hash is of another document: compare the documents with who gave you the hash".to_owned(),
            |difference| format!("differing fields: {difference}"),
        );
        let text = format!(
            "spec.genesis.hash: found {pin}, the genesis has {}; {difference}",
            genesis.hash
        );
        return Err(Hold::wrong(Reason::GenesisHashDiffers, text));
    }
    let contradiction = contradiction(ctx, &group, &genesis, known.agencies)?;
    let difference = match (is_new, &rendered) {
        (false, Ok(manifest)) => genesis.difference(manifest).map(|difference| {
            Obstacle::new(
                Reason::GenesisRecordDiffers,
                format!("spec.genesis: the record holds: {difference}"),
            )
        }),
        _ => None,
    };
    let difference = difference.or(contradiction);
    let unconfirmed = unconfirmed(ctx, &group, &genesis, known.agencies);
    let agreed = ctx
        .manifests
        .groups
        .get(&group.name)
        .and_then(|object| object.spec.agreed.as_ref());
    let (entries, lacking) = entries(agreed, known.nodes, known.accounts);
    Ok(GroupFacts {
        group,
        genesis,
        is_new,
        difference,
        entries,
        lacking,
        unconfirmed,
    })
}

fn render(group: &ValidatedGroup, known: &Known<'_>, ctx: &Context<'_>) -> Outcome<althing_types::Genesis> {
    let consortium = ctx.manifests.consortiums.get(&group.consortium);
    let consortium = consortium.ok_or_else(|| Hold::missing("spec.consortium", "Consortium", &group.consortium))?;
    for name in &group.members {
        if !ctx.manifests.nodes.contains_key(name) {
            return Err(Hold::missing("spec", "Node", name));
        }
    }
    if let Some(Err(_)) = known.chains.get(&group.consortium) {
        return Err(Hold::not_ready("spec.consortium", "Consortium", &group.consortium));
    }
    let chain_id = u64::try_from(consortium.spec.chain_id).unwrap_or(0);
    let ingredients = Ingredients {
        chain_id,
        cryptography: edition::declared(consortium),
        group_id: group.id,
        sealers: known.nodes,
        accounts: known.accounts,
    };
    genesis::make(&group.genesis, &ingredients)
}
