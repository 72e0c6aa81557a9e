//! What an operator sees, and what it decides on that.

use std::collections::BTreeMap;

use althing_operator::governance::{Names, Voice};
use althing_operator::name::Namespace;
use althing_operator::plan::disruption::{
    Candidate, ChainLeases, DeclaredGroup, Ground, GroupChain, OwnNode, Taken, WantedScene, decide, survey,
};
use althing_operator::plan::{
    Disruption, DisruptionReason, GroupReport, NodeReport, Observed, ObservedProcess, Ports, Process, ProcessState,
};
use althing_operator::transaction::Chain;
use althing_types::B256;

use super::{Group, Is, World, account, agency, group_id, group_name, id, instant, name};

impl World {
    fn observed(&self, operator: usize) -> Observed {
        let mut observed = Observed::default();
        let own = self
            .members
            .iter()
            .enumerate()
            .filter(|(_, it)| it.operator == operator);
        for (i, member) in own {
            let state = match member.is {
                Is::InSync => ProcessState::Ready,
                Is::Disturbed(_) | Is::Healing(_) | Is::Crashed => ProcessState::Running,
            };
            let process = process(i, operator);
            observed.processes.insert(name(i), ObservedProcess { process, state });
            if member.answers {
                observed.reports.insert(name(i), self.report(operator, i));
            }
        }
        observed.opened = self.operators[operator].opened.iter().map(|i| name(*i)).collect();
        observed
    }

    fn report(&self, operator: usize, i: usize) -> NodeReport {
        let groups = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.sealers.contains(&i));
        let word = |(g, group): (usize, &Group)| {
            let block = &group.blocks[self.operators[operator].seen[g]];
            let word = GroupReport {
                height: block.view.now.height,
                sealers: group.sealers.iter().map(|i| id(*i)).collect(),
                in_sync: self.members[i].is == Is::InSync,
                live: block.live.iter().map(|i| id(*i)).collect(),
                ..GroupReport::default()
            };
            (group_id(g), word)
        };
        NodeReport {
            version: "1".into(),
            shown: althing_operator::plan::report::Shown::default(),
            groups: groups.map(word).collect(),
        }
    }

    /// What an operator decides on what it has seen.
    pub(crate) fn plan(&self, operator: usize) -> (Vec<Disruption>, Taken) {
        let own = || {
            let all = self.members.iter().enumerate();
            all.filter(move |(_, it)| it.operator == operator)
        };
        let sees = &self.operators[operator];
        let groups = self.groups.iter().enumerate().map(|(g, group)| DeclaredGroup {
            name: group_name(g),
            id: group_id(g),
            sealers: group.sealers.iter().map(|i| name(*i)).collect(),
            members: own()
                .map(|(i, _)| i)
                .filter(|i| group.sealers.contains(i))
                .map(name)
                .collect(),
            genesis_hash: None,
            pause_until: group.pause_until,
        });
        let wanted = own().map(|(i, member)| {
            let wanted = WantedScene {
                container: None,
                is_met: !member.outdated,
            };
            (name(i), wanted)
        });
        let ids: BTreeMap<_, _> = (0..self.members.len()).map(|i| (name(i), id(i))).collect();
        let scene = survey(
            &self.observed(operator),
            &own().map(|(i, _)| name(i)).collect(),
            &ids,
            &groups.collect::<Vec<_>>(),
            wanted.collect(),
        );
        let chains = self.groups.iter().enumerate().map(|(g, group)| {
            let chain = Chain {
                chain_id: 20_260,
                group: group_id(g),
                height: group.blocks[sees.seen[g]].view.now.height,
            };
            let view = &group.blocks[sees.seen[g]].view;
            (group_name(g), GroupChain { chain, view })
        });
        let tells = !sees.deaf;
        let accounts = (0..self.operators.len()).map(|it| (agency(it), account(it))).collect();
        let ground = Ground {
            scene: &scene,
            chains: chains.filter(|_| tells).collect(),
            nodes: own()
                .map(|(i, _)| {
                    let own = OwnNode {
                        id: id(i),
                        agency: agency(operator),
                    };
                    (name(i), own)
                })
                .collect(),
            voices: &[Voice {
                agency: agency(operator),
                account: account(operator),
                follows_manifests: true,
            }],
            names: Names {
                nodes: &ids,
                accounts: &accounts,
            },
        };
        let mut candidates = vec![];
        for (i, member) in own() {
            let candidate = |reason| Candidate { node: name(i), reason };
            candidates.extend(
                member
                    .outdated
                    .then(|| candidate(DisruptionReason::ConfigurationChanged)),
            );
            candidates.extend(member.drained.then(|| candidate(DisruptionReason::MachineDrained)));
        }
        let seen = self.groups.iter().zip(&sees.seen);
        let newest = seen
            .map(|(group, seen)| group.blocks[*seen].view.now.unix_ms)
            .max()
            .unwrap();
        let mut leases = ChainLeases::new(&ground);
        let decided = decide(&scene, candidates, &mut leases, instant(newest));
        (decided, leases.finish())
    }
}

fn process(i: usize, operator: usize) -> Process {
    Process {
        namespace: Namespace::new(format!("trade-{operator}")).unwrap(),
        node: name(i),
        agency: agency(operator),
        node_id: id(i),
        ports: Ports::FIRST,
        groups: vec![],
        container: None,
        restart_digest: B256::ZERO,
    }
}
