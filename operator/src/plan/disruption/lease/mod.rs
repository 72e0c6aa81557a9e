//! Leases between agencies (GOVERNANCE.md 2): what each operator's own budget cannot know, the chain decides.
//!
//! ```text
//! Budget ─ refuses ─▶ its rule
//!   └ grants ─▶ each group shared with other agencies, ascending ─┬─ own lease, granted, long enough ─▶ the next group
//!                                                                 └─ else: an act that asks, or who is waited for
//! leases that nothing needs any more ─▶ marked ─▶ returned, while their node is in sync
//! ```
//!
//! Invariants. A node that votes in a group with other agencies' sealers is disturbed only under an own lease there. Leases are
//! taken in ascending order of the groups, and who lacks a lower one keeps no higher one, so that no circle of nodes waits for
//! each other. A lease is given back in two steps, marked first, and never while its node is away: a transaction that is still on
//! its way when the wish comes back takes no lease from under a node (ADR 0015). The same view of the chain gives the same acts.

mod give_back;
mod terms;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use althing_governance::{Lease, LeaseWish, Outcome};
use althing_types::NodeId;
use jiff::Timestamp;

use self::terms::Terms;
use super::{Answer, Budget, DisruptionReason, GroupScene, Leases, Rule, Scene};
use crate::governance::{Act, Call, ChainView, GIVEN_BACK, Names, Voice};
use crate::name::{AgencyName, GroupName, NodeName};
use crate::transaction::Chain;

/// What leases are decided on, beside the clock.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// Where everything stands.
    pub scene: &'a Scene,
    /// The groups of which an own node told what holds.
    pub chains: BTreeMap<GroupName, GroupChain<'a>>,
    /// The own nodes that run or ran.
    pub nodes: BTreeMap<NodeName, OwnNode>,
    /// The own agencies whose keys are here.
    pub voices: &'a [Voice],
    /// What this namespace calls nodes and accounts.
    pub names: Names<'a>,
}

/// One group's chain.
#[derive(Clone, Copy, Debug)]
pub struct GroupChain<'a> {
    /// What its transactions need.
    pub chain: Chain,
    /// What holds on it.
    pub view: &'a ChainView,
}

/// One own node, as a chain knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnNode {
    /// Its identity.
    pub id: NodeId,
    /// Whose it is: that agency asks for it.
    pub agency: AgencyName,
}

/// A lease that an own agency has, or waits for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct HeldLease {
    /// In which group.
    pub group: GroupName,
    /// For which node.
    pub node: NodeName,
    /// Whether it is granted.
    pub granted: bool,
}

/// What came of a plan's questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// What own agencies are to do; of one group at most one.
    pub acts: Vec<Act>,
    /// What own agencies have on the chains, or wait for.
    pub held: Vec<HeldLease>,
}

/// The own budget, and the chains of the groups that are shared.
#[derive(Debug)]
pub struct ChainLeases<'a> {
    ground: &'a Ground<'a>,
    acts: BTreeMap<GroupName, Act>,
    /// Leases that nodes of this plan go by, or wait for.
    needed: BTreeSet<(GroupName, NodeName)>,
}

/// What a group's lease is to one own node.
enum Standing<'a> {
    /// Nobody has it.
    Free,
    /// It is the node's, or will be.
    Own(&'a Lease),
    /// It is the node's, and on its way back.
    GivenBack(&'a Lease),
    /// It is another node's, another agency's, or was taken by hand.
    Other(&'a Lease),
}

/// A group the node shares with other agencies and votes in.
#[derive(Clone, Copy)]
struct Shared<'a> {
    name: &'a GroupName,
    group: &'a GroupScene,
    chain: GroupChain<'a>,
    /// Who asks there for the node.
    voice: &'a Voice,
}

impl<'a> ChainLeases<'a> {
    /// Leases on this ground.
    pub const fn new(ground: &'a Ground<'a>) -> Self {
        Self {
            ground,
            acts: BTreeMap::new(),
            needed: BTreeSet::new(),
        }
    }

    /// What is to be done on the chains, once every candidate was asked for.
    pub fn finish(self) -> Taken {
        give_back::finish(self)
    }

    /// The groups in which the node needs a lease, ascending by number; or in words why it can get none in one of them.
    fn shared(&self, node: &NodeName) -> Result<Vec<Shared<'a>>, String> {
        let groups = self.ground.scene.groups.iter();
        let mut groups: Vec<_> = groups.filter(|(_, group)| needs_lease(group, node)).collect();
        groups.sort_by_key(|(_, group)| group.id);
        let shared = groups.into_iter().map(|(name, group)| {
            let chain = self.ground.chains.get(name).copied();
            let chain = chain.ok_or_else(|| words::untold(name, node))?;
            let voice = self.voice(node, chain).ok_or_else(|| {
                let agency = self.ground.nodes.get(node).map(|own| &own.agency);
                words::no_seat(name, node, agency)
            })?;
            Ok(Shared {
                name,
                group,
                chain,
                voice,
            })
        });
        shared.collect()
    }

    /// The node's agency, when it may ask; else another own one that may.
    fn voice(&self, node: &NodeName, chain: GroupChain<'a>) -> Option<&'a Voice> {
        let agency = &self.ground.nodes.get(node)?.agency;
        let seats = chain.view.governance.seats();
        let voices = self.ground.voices.iter();
        let seated = voices.filter(|voice| seats.is_empty() || seats.contains_key(&voice.account));
        seated.min_by_key(|voice| voice.agency != *agency)
    }

    /// Whether the lease of a group is the node's; else an act that asks is planned where that helps, and what is waited for is said.
    fn take(
        &mut self,
        shared: Shared<'a>,
        node: &NodeName,
        why: DisruptionReason,
        now: Timestamp,
    ) -> Result<(), String> {
        let Some(own) = self.ground.nodes.get(node) else {
            return Err(words::untold(shared.name, node));
        };
        let view = shared.chain.view;
        let terms = Terms::of(view, shared.group.pause_until.filter(|until| now < *until));
        let (asker, found) = match self.ground.standing(shared.chain, own.id) {
            Standing::Own(lease) if !lease.granted => return Err(words::not_granted(self.ground, shared, node, lease)),
            Standing::Own(lease) if terms.accept(lease) => return Ok(()),
            Standing::Other(lease) => return Err(words::held(self.ground, shared.name, node, lease)),
            Standing::Own(lease) | Standing::GivenBack(lease) => (self.ground.holder(lease), Some(lease)),
            Standing::Free => (Some(shared.voice), None),
        };
        if let Some(act) = self.acts.get(shared.name) {
            return Err(words::asked_for_another(shared.name, node, &act.subject));
        }
        let asker = asker.unwrap_or(shared.voice);
        let wish = LeaseWish {
            node: own.id,
            reason: why.as_str().to_owned(),
            until_ms: terms.until_ms,
            pause: terms.pause,
            asked_in: found.map_or(0, |lease| lease.asked.height),
        };
        // What the chain would refuse is not sent but said.
        let mut played = view.governance.clone();
        match played.ask_lease(view.now, asker.account, &wish) {
            Err(refusal) => return Err(words::refused(shared.name, &refusal.to_string())),
            Ok(Outcome::Recorded | Outcome::Passed) => {}
        }
        let act = self
            .ground
            .act(shared.name, shared.chain, asker, node, Call::AskLease(wish));
        self.acts.insert(shared.name.clone(), act);
        Err(words::asks(shared.name, node, &asker.agency))
    }

    fn take_all(&mut self, node: &NodeName, reason: DisruptionReason, now: Timestamp) -> Result<(), String> {
        for shared in self.shared(node)? {
            self.needed.insert((shared.name.clone(), node.clone()));
            self.take(shared, node, reason, now)?;
        }
        Ok(())
    }
}

impl Leases for ChainLeases<'_> {
    fn ask(&mut self, node: &NodeName, reason: DisruptionReason, now: Timestamp) -> Answer {
        match Budget::new(self.ground.scene).ask(node, reason, now) {
            Answer::Granted => {}
            refused @ Answer::Refused { .. } => return refused,
        }
        match self.take_all(node, reason, now) {
            Ok(()) => Answer::Granted,
            Err(why) => Answer::Refused {
                rule: Rule::LeaseFirst,
                why,
            },
        }
    }
}

impl<'a> Ground<'a> {
    /// The own agency that has a lease.
    fn holder(&self, lease: &Lease) -> Option<&'a Voice> {
        self.voices.iter().find(|voice| voice.account == lease.holder)
    }

    /// What the lease of a group is to this node. What a person asked for with an own key, for a reason of their own, is theirs.
    fn standing(&self, chain: GroupChain<'a>, node: NodeId) -> Standing<'a> {
        let Some(lease) = chain.view.governance.lease() else {
            return Standing::Free;
        };
        let is_own = lease.node == node && self.holder(lease).is_some();
        let reason = lease.reason.as_str();
        match is_own {
            true if reason == GIVEN_BACK => Standing::GivenBack(lease),
            true if DisruptionReason::ALL.iter().any(|known| known.as_str() == reason) => Standing::Own(lease),
            _ => Standing::Other(lease),
        }
    }

    fn act(&self, group: &GroupName, chain: GroupChain<'_>, voice: &Voice, node: &NodeName, call: Call) -> Act {
        Act {
            group: group.clone(),
            chain: chain.chain,
            agency: voice.agency.clone(),
            call,
            subject: node.to_string(),
        }
    }
}

/// Whether the node may vote in the group, and others than this operator do. Who does not vote takes nothing from anybody.
fn needs_lease(group: &GroupScene, node: &NodeName) -> bool {
    let is_it = |sealer: &&super::Sealer| sealer.node.as_ref() == Some(node);
    let votes = group
        .sealers
        .iter()
        .find(is_it)
        .is_some_and(|sealer| sealer.may_be_live);
    votes && group.sealers.iter().any(|sealer| !sealer.is_own)
}
