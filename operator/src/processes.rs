//! What every own process needs: to be started, to be disturbed in its turn, or to be left alone.

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::{Group, MemberRole};
use althing_types::GroupId;

use crate::controller::{Context, Hold};
use crate::name::{GroupName, NodeName};
use crate::namespace::{Findings, Runs};
use crate::plan::disruption::{Candidate, DeclaredGroup, Rule, Scene, WantedScene, survey};
use crate::plan::{
    Disruption, DisruptionReason, FileRef, GroupReport, ObservedProcess, Process, ProcessGroup, ProcessState, Step,
    Verdict,
};
use crate::status::Reason;

/// What there is to do about the processes of a namespace.
#[derive(Debug)]
pub(crate) struct Work {
    /// Where everything stands.
    pub(crate) scene: Scene,
    /// What needs no turn: nodes that do not run, and groups a node takes up by itself.
    free: Vec<Step>,
    /// What needs one.
    disturbing: BTreeMap<NodeName, (DisruptionReason, Step)>,
    /// Nodes somebody else wants to disturb.
    wishes: BTreeMap<NodeName, DisruptionReason>,
    /// Nodes that run a group no manifest gives them any more, and the hold on them.
    undeclared: Vec<(NodeName, String)>,
}

impl Work {
    /// Compares what runs with what should.
    pub(crate) fn of(ctx: &Context<'_>, findings: &Findings, runs: &Runs, desired: &[Process]) -> Self {
        let found = |node: &NodeName| ctx.observed.processes.get(node);
        let is_met = |process: &Process| {
            let running = found(&process.node).map(|found| running(ctx, found, process));
            running.is_some_and(|running| running.needs_restart(process).is_none())
        };
        let wanted = |process: &Process| WantedScene {
            container: process.container.clone(),
            is_met: is_met(process),
        };
        let wanted = desired.iter().map(|process| (process.node.clone(), wanted(process)));
        let wanted: BTreeMap<_, _> = wanted.collect();
        let own = own_nodes(ctx);
        let groups = declared_groups(ctx, findings, &own);
        let mut work = Self {
            scene: survey(ctx.observed, &own, &findings.node_ids, &groups, wanted),
            free: vec![],
            disturbing: BTreeMap::new(),
            wishes: BTreeMap::new(),
            undeclared: vec![],
        };
        for process in desired {
            work.compare(ctx, found(&process.node), process);
        }
        for (name, run) in runs {
            if let Err(Hold::Pending(obstacle)) = run
                && obstacle.reason == Reason::GroupUndeclared
            {
                work.leave_as_it_is(found(name), name, &obstacle.message);
            }
        }
        for (name, found) in &ctx.observed.processes {
            // Only a manifest that is gone stops a node: one that is wrong, or waits, lets it run on.
            if found.state != ProcessState::Stopped && !own.contains(name) {
                let stop = Step::StopProcess(name.clone());
                work.disturbing.insert(name.clone(), (DisruptionReason::Removed, stop));
            }
        }
        let wishes = ctx.observed.wishes.iter().filter(|(name, _)| own.contains(*name));
        work.wishes = wishes.map(|(name, reason)| (name.clone(), *reason)).collect();
        work
    }

    fn compare(&mut self, ctx: &Context<'_>, found: Option<&ObservedProcess>, wanted: &Process) {
        let Some(found) = found.filter(|found| found.state != ProcessState::Stopped) else {
            self.free.push(Step::StartProcess(wanted.clone()));
            return;
        };
        let running = running(ctx, found, wanted);
        if let Some(reason) = running.needs_restart(wanted) {
            let step = Step::RestartProcess(wanted.clone());
            self.disturbing.insert(wanted.node.clone(), (reason, step));
        } else if running.groups != wanted.groups {
            self.free.push(Step::AmendProcess(wanted.clone()));
        }
    }

    /// A node that runs an undeclared group is brought back as it was, and not touched while it runs.
    fn leave_as_it_is(&mut self, found: Option<&ObservedProcess>, name: &NodeName, why: &str) {
        match found {
            Some(found) if found.state == ProcessState::Stopped => {
                self.free.push(Step::StartProcess(found.process.clone()));
            }
            Some(_) => self.undeclared.push((name.clone(), why.to_owned())),
            None => {}
        }
    }

    /// Everybody who waits for a turn.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let own = self.disturbing.iter().map(|(node, (reason, _))| (node, *reason));
        let wished = self.wishes.iter().map(|(node, reason)| (node, *reason));
        own.chain(wished)
            .map(|(node, reason)| Candidate {
                node: node.clone(),
                reason,
            })
            .collect()
    }

    /// The decided ones, and those that are held because silence is no opinion.
    pub(crate) fn with_undeclared(&self, mut decided: Vec<Disruption>) -> Vec<Disruption> {
        decided.extend(self.undeclared.iter().map(|(node, why)| Disruption {
            node: node.clone(),
            reason: DisruptionReason::ConfigurationChanged,
            verdict: Verdict::Blocked {
                rule: Rule::SilenceIsNoOpinion,
                why: why.clone(),
            },
        }));
        decided
    }

    /// The steps of what is allowed. A wish has none: whoever wished does it.
    pub(crate) fn steps(&self, disruptions: &[Disruption]) -> Vec<Step> {
        let allowed = disruptions
            .iter()
            .filter(|disruption| disruption.verdict == Verdict::Allowed);
        let disturbing = allowed.filter_map(|disruption| {
            let (reason, step) = self.disturbing.get(&disruption.node)?;
            (*reason == disruption.reason).then(|| step.clone())
        });
        self.free.iter().cloned().chain(disturbing).collect()
    }
}

/// What a node runs as, as far as `wanted` asks: its record, and the groups it says it has taken up since. Settings are as
/// wanted when either says so: a container that its kubelet restarted has read them without a new record.
fn running(ctx: &Context<'_>, found: &ObservedProcess, wanted: &Process) -> Process {
    let report = ctx.observed.reports.get(&wanted.node);
    let told = |group: &ProcessGroup| report.and_then(|report| report.groups.get(&group.id));
    let group = |group: &ProcessGroup| {
        let recorded = found.process.groups.iter().find(|it| it.id == group.id);
        let told_digest = |word: &GroupReport| word.settings_digest.unwrap_or(group.settings_digest);
        let settings_digest = match (recorded, told(group)) {
            (None, None) => return None,
            (Some(recorded), Some(word)) if word.settings_digest != Some(group.settings_digest) => {
                recorded.settings_digest
            }
            (Some(recorded), None) => recorded.settings_digest,
            (_, Some(word)) => told_digest(word),
        };
        Some(ProcessGroup {
            settings_digest,
            ..group.clone()
        })
    };
    Process {
        groups: wanted.groups.iter().filter_map(group).collect(),
        ..found.process.clone()
    }
}

/// The groups a node runs or would run when started: those it was started with, those it says, and those whose files it has.
pub(crate) fn groups_run(ctx: &Context<'_>, node: &NodeName) -> BTreeSet<GroupId> {
    let process = ctx.observed.processes.get(node).map(|found| &found.process);
    let recorded = process
        .into_iter()
        .flat_map(|process| &process.groups)
        .map(|group| group.id);
    let told = ctx
        .observed
        .reports
        .get(node)
        .into_iter()
        .flat_map(|report| report.groups.keys().copied());
    let prefix = ctx
        .placement
        .get(node)
        .map(|endpoint| endpoint.folders.configured("group."));
    let first = FileRef {
        node: node.clone(),
        path: String::new(),
    };
    let files = ctx
        .observed
        .files
        .range(first..)
        .map(|(at, _)| at)
        .take_while(|at| at.node == *node);
    let written = files.filter_map(|at| {
        let number = at.path.strip_prefix(prefix.as_deref()?)?.strip_suffix(".genesis")?;
        GroupId::try_from(number.parse::<u32>().ok()?).ok()
    });
    recorded.chain(told).chain(written).collect()
}

/// A group that the node runs and that is not among the declared ones (DESIGN.md 5.11), in words.
pub(crate) fn undeclared(ctx: &Context<'_>, node: &NodeName, declared: &BTreeSet<GroupId>) -> Option<String> {
    let lost = groups_run(ctx, node).into_iter().find(|id| !declared.contains(id))?;
    let process = ctx.observed.processes.get(node).map(|found| &found.process);
    let mut recorded = process.into_iter().flat_map(|process| &process.groups);
    Some(match recorded.find(|group| group.id == lost) {
        Some(group) => format!("Group {}", group.name),
        None => format!("group {lost}"),
    })
}

/// The nodes this namespace runs by its manifests.
fn own_nodes(ctx: &Context<'_>) -> BTreeSet<NodeName> {
    let own = ctx
        .manifests
        .nodes
        .iter()
        .filter(|(_, node)| node.spec.external.is_none());
    own.map(|(name, _)| name.clone()).collect()
}

/// Read from the manifests as they are: a group whose manifest is wrong at present protects its sealers all the same.
fn declared_groups(ctx: &Context<'_>, findings: &Findings, own: &BTreeSet<NodeName>) -> Vec<DeclaredGroup> {
    let declared = |(name, object): (&GroupName, &Group)| {
        let spec = &object.spec;
        let node = |text: &String| NodeName::new(text.as_str()).ok();
        let agreed = spec.agreed.iter().flat_map(|agreed| &agreed.members);
        let agreed = agreed.filter(|member| member.role != MemberRole::Free);
        let sealers: Vec<_> = spec.genesis.sealers.iter().filter_map(node).collect();
        let members = sealers
            .iter()
            .cloned()
            .chain(agreed.filter_map(|member| node(&member.node)));
        let facts = findings.groups.get(name).and_then(|facts| facts.as_ref().ok());
        let pause = spec.local.as_ref().and_then(|local| local.pause_until.as_ref());
        Some(DeclaredGroup {
            name: name.clone(),
            id: u32::try_from(spec.group_id)
                .ok()
                .and_then(|id| GroupId::try_from(id).ok())?,
            members: members.filter(|name| own.contains(name)).collect(),
            sealers,
            genesis_hash: facts.map(|facts| facts.genesis.hash),
            pause_until: pause.map(|until| until.0),
        })
    };
    ctx.manifests.groups.iter().filter_map(declared).collect()
}
