//! What an own agency asks for in a group in which it has no seat: it can only ask, and those with a seat vote (GOVERNANCE.md 1).

use althing_crds::v1alpha1::{Agreed, AgreedMember, SignedWishes, WishedSeat};
use althing_governance::Governance;

use super::Signed;
use crate::controller::Context;
use crate::controller::agency::AgencyFacts;
use crate::controller::attestation::{Signing, Statement, wishes_text};
use crate::controller::group::GroupFacts;
use crate::governance::Entry;
use crate::status::ObjectRef;

/// Signs what an agency asks for, where it asks for anything.
pub(super) fn sign(
    ctx: &Context<'_>,
    agency: &AgencyFacts,
    group: &GroupFacts,
    chain: Option<&Governance>,
    signing: &mut Signing,
    signed: &mut Signed,
) {
    let name = &group.group.name;
    let Some(agreed) = ctx
        .manifests
        .groups
        .get(name)
        .and_then(|object| object.spec.agreed.as_ref())
    else {
        return;
    };
    if is_seated(ctx, agency, group, chain) {
        return;
    }
    let (members, seat) = asked(ctx, agency, agreed, &group.entries, chain);
    if members.is_empty() && seat.is_none() {
        return;
    }
    let known = ctx.facts(&ObjectRef::Group(name.clone()));
    let known = known.and_then(|facts| facts.wishes.get(&agency.name));
    let text = wishes_text(&members, seat);
    let statement = Statement::wishes(name.as_str(), &text);
    if let Some(attestation) = signing.attest(&statement, known.map(|known| &known.attestation)) {
        let wishes = SignedWishes {
            group: name.to_string(),
            members,
            seat,
            attestation,
        };
        signed
            .wishes
            .entry(name.clone())
            .or_default()
            .insert(agency.name.clone(), wishes);
    }
}

/// Whether it votes itself: as the chain says, else the genesis. Without a committee anybody acts, and nobody needs to ask.
fn is_seated(ctx: &Context<'_>, agency: &AgencyFacts, group: &GroupFacts, chain: Option<&Governance>) -> bool {
    if let Some(holds) = chain {
        return holds.seats().is_empty() || holds.seats().contains_key(&agency.governance_account);
    }
    let object = ctx.manifests.groups.get(&group.group.name);
    let committee = object.and_then(|object| object.spec.genesis.committee.as_ref());
    committee.is_none_or(|committee| committee.seats.iter().any(|seat| seat.agency == agency.name.as_str()))
}

/// Its own nodes' roles and its own seat, as far as the chain is not known to have decided them.
fn asked(
    ctx: &Context<'_>,
    agency: &AgencyFacts,
    agreed: &Agreed,
    entries: &[Entry],
    chain: Option<&Governance>,
) -> (Vec<AgreedMember>, Option<WishedSeat>) {
    let is_open = |field: String| {
        let entry = entries.iter().find(|entry| entry.field == field);
        entry.is_some_and(|entry| {
            chain.is_none_or(|holds| {
                let subject = entry.wish.subject();
                entry.number_on(holds) >= holds.next_number(&subject) && holds.decided(&subject) != entry.wish.to()
            })
        })
    };
    let is_own = |node: &str| {
        let node = ctx.manifests.nodes.get(node);
        node.is_some_and(|node| node.spec.agency == agency.name.as_str())
    };
    let members = agreed.members.iter().filter(|member| is_own(&member.node));
    let members = members.filter(|member| is_open(Entry::of_member(&member.node)));
    let mut seats = agreed
        .committee
        .iter()
        .filter(|seat| seat.agency == agency.name.as_str() && seat.weight > 0);
    let seat = seats.find(|seat| is_open(Entry::of_seat(&seat.agency)));
    let seat = seat.map(|seat| WishedSeat {
        weight: seat.weight,
        change: seat.change,
    });
    (members.cloned().collect(), seat)
}
