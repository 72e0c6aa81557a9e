//! Leases that nothing needs any more.

use althing_governance::{Lease, LeaseWish};

use super::{ChainLeases, Ground, GroupChain, HeldLease, Standing, Taken};
use crate::governance::{Act, Call, GIVEN_BACK, Voice};
use crate::name::{GroupName, NodeName};
use crate::plan::ProcessState;

/// The acts that ask, and those that give back what no candidate of the plan goes by.
pub(super) fn finish(leases: ChainLeases<'_>) -> Taken {
    let ChainLeases {
        ground,
        mut acts,
        needed,
    } = leases;
    let mut held = vec![];
    for (name, chain) in &ground.chains {
        let Some(found) = own_lease(ground, *chain) else {
            continue;
        };
        held.push(HeldLease {
            group: name.clone(),
            node: found.node.clone(),
            granted: found.lease.granted,
        });
        let is_needed = needed.contains(&(name.clone(), found.node.clone()));
        if !is_needed && !acts.contains_key(name) && is_back(ground, name, found.node) {
            acts.insert(name.clone(), give_back(ground, name, *chain, &found));
        }
    }
    Taken {
        acts: acts.into_values().collect(),
        held,
    }
}

struct Found<'a> {
    node: &'a NodeName,
    lease: &'a Lease,
    holder: &'a Voice,
    is_marked: bool,
}

/// The lease of a group, when an operator took it for an own node.
fn own_lease<'a>(ground: &'a Ground<'a>, chain: GroupChain<'a>) -> Option<Found<'a>> {
    let id = chain.view.governance.lease()?.node;
    let (node, _) = ground.nodes.iter().find(|(_, own)| own.id == id)?;
    let (lease, is_marked) = match ground.standing(chain, id) {
        Standing::Own(lease) => (lease, false),
        Standing::GivenBack(lease) => (lease, true),
        Standing::Free | Standing::Other(_) => return None,
    };
    Some(Found {
        node,
        lease,
        holder: ground.holder(lease)?,
        is_marked,
    })
}

/// Whether the node is there and takes part in the group, and nobody may take it away at this moment.
fn is_back(ground: &Ground<'_>, group: &GroupName, node: &NodeName) -> bool {
    let scene = ground.scene;
    let is_ready = scene
        .nodes
        .get(node)
        .is_some_and(|found| found.state == ProcessState::Ready);
    let in_sync = |name| scene.groups.get(name).is_some_and(|group| group.in_sync.contains(node));
    is_ready && in_sync(group) && !scene.opened.contains(node)
}

fn give_back(ground: &Ground<'_>, group: &GroupName, chain: GroupChain<'_>, found: &Found<'_>) -> Act {
    let Lease {
        node,
        until_ms,
        pause,
        asked,
        ..
    } = *found.lease;
    let asked_in = asked.height;
    let call = match found.is_marked {
        true => Call::ReturnLease { node, asked_in },
        false => Call::AskLease(LeaseWish {
            node,
            reason: GIVEN_BACK.to_owned(),
            until_ms,
            pause,
            asked_in,
        }),
    };
    ground.act(group, chain, found.holder, found.node, call)
}
