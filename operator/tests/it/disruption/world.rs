//! Nodes and groups as they really are, what an operator sees of them, and what comes of its plans.

use std::collections::BTreeSet;

use althing_operator::name::{AgencyName, GroupName, Namespace, NodeName};
use althing_operator::plan::disruption::{Budget, Candidate, DeclaredGroup, Scene, WantedScene, decide, survey};
use althing_operator::plan::{
    Container, Disruption, DisruptionReason, GroupReport, NodeReport, Observed, ObservedProcess, Ports, Process,
    ProcessState, Verdict,
};
use althing_types::{B256, GroupId, NodeId, quorum};
use jiff::{SignedDuration, Timestamp};

use crate::support::now;

/// How one node of a world is.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Whether this operator runs it.
    pub(super) own: bool,
    /// Whether it runs.
    pub(super) up: bool,
    /// Whether it is in sync while it runs.
    pub(super) in_sync: bool,
    /// Whether it answers the operator.
    pub(super) answers: bool,
    /// What it runs in, and what is wanted.
    pub(super) image: u8,
    pub(super) wanted: u8,
    /// Why it is disturbed, besides what it runs in.
    pub(super) drained: bool,
}

impl Member {
    pub(super) fn is_live(&self) -> bool {
        self.up && self.in_sync
    }

    pub(super) fn is_candidate(&self) -> bool {
        self.own && (self.drained || (self.up && self.image != self.wanted))
    }
}

/// Nodes and groups as they really are.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) members: Vec<Member>,
    pub(super) groups: Vec<Ledger>,
    /// Drains that an earlier plan let go.
    pub(super) opened: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pub(super) sealers: Vec<usize>,
    pub(super) observers: Vec<usize>,
    pub(super) leader: usize,
    pub(super) paused: bool,
}

pub(super) fn name(i: usize) -> NodeName {
    NodeName::new(format!("node-{i}")).unwrap()
}

pub(super) fn id(i: usize) -> NodeId {
    NodeId::new([u8::try_from(i).unwrap() + 1; 64])
}

pub(super) fn index(node: &NodeName) -> usize {
    node.as_str().strip_prefix("node-").unwrap().parse().unwrap()
}

pub(super) fn group_id(i: usize) -> GroupId {
    GroupId::try_from(u32::try_from(i).unwrap() + 1).unwrap()
}

pub(super) fn container(image: u8) -> Option<Container> {
    Some(Container {
        image: Some(format!("node:{image}")),
        resources: None,
    })
}

pub(super) fn healthy() -> Member {
    Member {
        own: true,
        up: true,
        in_sync: true,
        answers: true,
        image: 1,
        wanted: 1,
        drained: false,
    }
}

impl World {
    /// One group of so many healthy own sealers, all to be replaced, led by the first.
    pub(super) fn rolling(sealers: usize) -> Self {
        let outdated = Member { wanted: 2, ..healthy() };
        Self {
            members: vec![outdated; sealers],
            groups: vec![Ledger {
                sealers: (0..sealers).collect(),
                observers: vec![],
                leader: 0,
                paused: false,
            }],
            opened: BTreeSet::new(),
        }
    }

    pub(super) fn live(&self, ledger: &Ledger) -> usize {
        ledger.sealers.iter().filter(|i| self.members[**i].is_live()).count()
    }

    pub(super) fn takes_part(ledger: &Ledger, i: usize) -> bool {
        ledger.sealers.contains(&i) || ledger.observers.contains(&i)
    }

    /// Whether everybody who shares a group with the node is in sync.
    pub(super) fn is_back_in_sync_around(&self, i: usize) -> bool {
        let shared = self.groups.iter().filter(|ledger| Self::takes_part(ledger, i));
        let mut others = shared.flat_map(|ledger| ledger.sealers.iter().chain(&ledger.observers));
        others.all(|i| self.members[*i].in_sync)
    }

    pub(super) fn has_quorum(&self, ledger: &Ledger) -> bool {
        self.live(ledger) >= quorum(ledger.sealers.len())
    }

    fn report(&self, i: usize) -> NodeReport {
        let groups = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, ledger)| Self::takes_part(ledger, i));
        let word = |ledger: &Ledger| GroupReport {
            height: 7,
            leader: Some(id(ledger.leader)),
            sealers: ledger.sealers.iter().map(|i| id(*i)).collect(),
            in_sync: self.members[i].in_sync,
            live: ledger
                .sealers
                .iter()
                .filter(|i| self.members[**i].is_live())
                .map(|i| id(*i))
                .collect(),
            ..GroupReport::default()
        };
        NodeReport {
            version: "1".into(),
            shown: althing_operator::plan::report::Shown::default(),
            groups: groups.map(|(g, ledger)| (group_id(g), word(ledger))).collect(),
        }
    }

    fn process(i: usize, image: u8) -> Process {
        Process {
            namespace: Namespace::new("trade").unwrap(),
            node: name(i),
            agency: AgencyName::new("agency-a").unwrap(),
            node_id: id(i),
            ports: Ports::FIRST,
            groups: vec![],
            container: container(image),
            restart_digest: B256::ZERO,
        }
    }

    fn scene(&self) -> Scene {
        let mut observed = Observed::default();
        for (i, member) in self.members.iter().enumerate().filter(|(_, member)| member.own) {
            let state = match (member.up, member.in_sync) {
                (false, _) => ProcessState::Stopped,
                (true, false) => ProcessState::Running,
                (true, true) => ProcessState::Ready,
            };
            let process = Self::process(i, member.image);
            observed.processes.insert(name(i), ObservedProcess { process, state });
            if member.answers {
                observed.reports.insert(name(i), self.report(i));
            }
        }
        observed.opened = self.opened.iter().map(|i| name(*i)).collect();
        let all = || (0..self.members.len()).filter(|i| self.members[*i].own);
        let groups = self.groups.iter().enumerate().map(|(g, ledger)| DeclaredGroup {
            name: GroupName::new(format!("group-{}", g + 1)).unwrap(),
            id: group_id(g),
            sealers: ledger.sealers.iter().map(|i| name(*i)).collect(),
            members: all().filter(|i| Self::takes_part(ledger, *i)).map(name).collect(),
            genesis_hash: None,
            pause_until: ledger.paused.then(|| now() + SignedDuration::from_mins(5)),
        });
        let wanted = all().map(|i| {
            let member = &self.members[i];
            let wanted = WantedScene {
                container: container(member.wanted),
                is_met: member.image == member.wanted,
            };
            (name(i), wanted)
        });
        survey(
            &observed,
            &all().map(name).collect(),
            &(0..self.members.len()).map(|i| (name(i), id(i))).collect(),
            &groups.collect::<Vec<_>>(),
            wanted.collect(),
        )
    }

    fn candidates(&self) -> Vec<Candidate> {
        let members = self
            .members
            .iter()
            .enumerate()
            .filter(|(_, member)| member.is_candidate());
        let candidate = |(i, member): (usize, &Member)| Candidate {
            node: name(i),
            reason: match member.up && member.image != member.wanted {
                true => DisruptionReason::ContainerChanged,
                false => DisruptionReason::MachineDrained,
            },
        };
        members.map(candidate).collect()
    }

    /// As `decide`, when something is seen otherwise than it is.
    pub(super) fn decide_seeing(&self, change: impl FnOnce(&mut Scene)) -> Vec<Disruption> {
        let mut scene = self.scene();
        change(&mut scene);
        decide(&scene, self.candidates(), &mut Budget::new(&scene), now())
    }

    pub(super) fn decide_at(&self, now: Timestamp) -> Vec<Disruption> {
        let scene = self.scene();
        decide(&scene, self.candidates(), &mut Budget::new(&scene), now)
    }

    pub(super) fn decide(&self) -> Vec<Disruption> {
        self.decide_at(now())
    }

    /// The allowed node that runs.
    pub(super) fn chosen(&self, decided: &[Disruption]) -> Option<usize> {
        let allowed = decided
            .iter()
            .filter(|it| it.verdict == Verdict::Allowed)
            .map(|it| index(&it.node));
        let running: Vec<_> = allowed.filter(|i| self.members[*i].up).collect();
        assert!(running.len() <= 1, "at most one node that runs: {decided:#?}");
        running.first().copied()
    }

    /// What an operator does with a plan: replaced nodes come up, at first not in sync; a drain is let go and done.
    pub(super) fn carry_out(&mut self, decided: &[Disruption]) {
        self.opened.clear();
        for i in decided
            .iter()
            .filter(|it| it.verdict == Verdict::Allowed)
            .map(|it| index(&it.node))
        {
            let member = &mut self.members[i];
            (member.up, member.in_sync, member.drained, member.image) = (true, false, false, member.wanted);
            // Leadership goes to somebody who is there.
            for g in 0..self.groups.len() {
                let live = self.groups[g]
                    .sealers
                    .iter()
                    .copied()
                    .find(|i| self.members[*i].is_live());
                if self.groups[g].leader == i
                    && let Some(live) = live
                {
                    self.groups[g].leader = live;
                }
            }
        }
        // Who is proven stopped and runs as something else is replaced without a turn.
        for member in self.members.iter_mut().filter(|member| member.own && !member.up) {
            (member.up, member.in_sync, member.image) = (true, false, member.wanted);
        }
    }
}
