//! The budget of one operator: the leases of a namespace whose nodes it sees all by itself.

use jiff::Timestamp;

use super::{Answer, DisruptionReason, GroupScene, Leases, Rule, Scene};
use crate::name::{GroupName, NodeName};
use crate::plan::ProcessState;

/// One shared budget for every reason.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    scene: &'a Scene,
}

/// One question.
#[derive(Clone, Copy)]
struct Request<'a> {
    node: &'a NodeName,
    reason: DisruptionReason,
    now: Timestamp,
}

impl<'a> Budget<'a> {
    /// A budget over what was seen.
    pub const fn new(scene: &'a Scene) -> Self {
        Self { scene }
    }

    /// The groups the node takes part in.
    fn groups_of(&self, node: &'a NodeName) -> impl Iterator<Item = (&'a GroupName, &'a GroupScene)> + use<'a> {
        let groups = self.scene.groups.iter();
        groups.filter(move |(_, group)| group.members.contains(node) || group.seals(node))
    }

    /// A group that tolerates no fault stands still while one of its sealers is away: only when its owner said so.
    fn announced_pause_only(&self, request: Request<'a>) -> Option<(Rule, String)> {
        let Request { node, now, .. } = request;
        let tolerates_nothing = |group: &GroupScene| group.sealers.len() == group.quorum();
        let mut groups = self.groups_of(node);
        let (name, group) =
            groups.find(|(_, group)| group.seals(node) && tolerates_nothing(group) && !group.is_paused(now))?;
        let count = group.sealers.len();
        let why = match group.pause_until {
            None => format!(
                "group {name} of {count} sealers tolerates no fault; set spec.local.pauseUntil on it to let it stand still until then"
            ),
            Some(until) => format!(
                "group {name} of {count} sealers tolerates no fault and its announced pause ended at {until}; set a later spec.local.pauseUntil on it"
            ),
        };
        Some((Rule::AnnouncedPauseOnly, why))
    }

    /// Who was disturbed or has just started is in sync, and ready, before the next of its groups follows. Those that stand still and
    /// run as something else than they should do not wait for each other.
    fn in_sync_first(&self, request: Request<'a>) -> Option<(Rule, String)> {
        let Request { node, now, .. } = request;
        self.groups_of(node).find_map(|(name, group)| {
            let stands_still = !group.in_sync.contains(node);
            if stands_still && group.is_paused(now) {
                return None;
            }
            let others = group.members.iter().filter(|other| *other != node);
            let mut late = others.filter(|other| !group.in_sync.contains(*other) || self.is_coming_up(other));
            let other = late.find(|other| self.holds_up(other, stands_still, request.reason))?;
            let lacks = match group.in_sync.contains(other) {
                true => "ready",
                false => "in sync",
            };
            let why = format!(
                "{other} is not {lacks} in group {name} yet; {node} follows when it is (kubectl althing why {other} says what it lacks)"
            );
            Some((Rule::InSyncFirst, why))
        })
    }

    /// Whether it takes part in all its groups again and only has not been seen ready yet: it votes, but nobody who goes by
    /// readiness (clients behind a Service, a drain) counts on it, and two such nodes at once are one too many for them. A
    /// node that lacks something in one group is that group's business, and holds up no other.
    fn is_coming_up(&self, node: &'a NodeName) -> bool {
        let found = self.scene.nodes.get(node);
        let runs = found.is_some_and(|found| found.state == ProcessState::Running);
        runs && self.groups_of(node).all(|(_, group)| group.in_sync.contains(node))
    }

    /// Whether this node, which is not in sync or not ready, makes another of its groups wait.
    fn holds_up(&self, other: &NodeName, candidate_stands_still: bool, reason: DisruptionReason) -> bool {
        let Some(found) = self.scene.nodes.get(other) else {
            return false;
        };
        match found.state {
            // It is being brought back, perhaps as what the candidate is about to become.
            ProcessState::Stopped => reason.is_change() && found.wanted.is_some(),
            ProcessState::Running | ProcessState::Ready => !(candidate_stands_still && found.is_outdated()),
        }
    }

    /// A container nobody runs well yet goes to one node first, whatever its groups. A node that stands still loses nothing.
    fn new_image_proven_first(&self, request: Request<'a>) -> Option<(Rule, String)> {
        let node = request.node;
        let found = self.scene.nodes.get(node)?;
        if request.reason != DisruptionReason::ContainerChanged || found.state != ProcessState::Ready {
            return None;
        }
        let wanted = found.wanted.as_ref()?.container.as_ref()?;
        let others = self.scene.nodes.iter().filter(|(other, _)| *other != node);
        let mut first = others
            .filter(|(_, found)| found.container.as_ref() == Some(wanted))
            .peekable();
        let (other, _) = *first.peek()?;
        let is_proven = first.any(|(_, found)| found.state == ProcessState::Ready);
        (!is_proven).then(|| {
            let image = wanted.image.as_deref().unwrap_or("the new image");
            let why = format!(
                "{other} is the first to run {image} with these resources and is not ready; {node} follows when one node runs it well"
            );
            (Rule::NewImageProvenFirst, why)
        })
    }

    /// The live, in-sync sealers that remain reach quorum in every group of the node. Whoever is not known to be live counts
    /// as down; the candidate itself is never counted.
    fn quorum_first(&self, request: Request<'a>) -> Option<(Rule, String)> {
        let Request { node, now, .. } = request;
        let mut groups = self
            .groups_of(node)
            .filter(|(_, group)| group.seals(node) && !group.is_paused(now));
        let (name, group) = groups.find(|(_, group)| group.live_without(node) < group.quorum())?;
        let others = group
            .sealers
            .iter()
            .filter(|sealer| !sealer.is_live && sealer.node.as_ref() != Some(node));
        let down: Vec<_> = others
            .map(|sealer| match (&sealer.node, &sealer.id) {
                (Some(name), _) => name.to_string(),
                (None, Some(id)) => format!("{}…", id.short()),
                (None, None) => "one that is not known yet".to_owned(),
            })
            .collect();
        let why = format!(
            "group {name} needs {} live sealers and would have {} without {node}; bring back {}, or set spec.local.pauseUntil on the group to let it stand still",
            group.quorum(),
            group.live_without(node),
            down.join(", ")
        );
        Some((Rule::QuorumFirst, why))
    }
}

impl Leases for Budget<'_> {
    fn ask(&mut self, node: &NodeName, reason: DisruptionReason, now: Timestamp) -> Answer {
        let budget = Budget { scene: self.scene };
        budget.answer(Request { node, reason, now })
    }
}

impl<'a> Budget<'a> {
    /// What needs a person is said before what passes by itself.
    fn answer(self, request: Request<'a>) -> Answer {
        let refusal = self
            .announced_pause_only(request)
            .or_else(|| self.in_sync_first(request))
            .or_else(|| self.new_image_proven_first(request))
            .or_else(|| self.quorum_first(request));
        match refusal {
            None => Answer::Granted,
            Some((rule, why)) => Answer::Refused { rule, why },
        }
    }
}
