//! The status of a Node.

use std::iter;

use althing_types::GroupId;

use super::Report;
use crate::controller::node::NodeFacts;
use crate::controller::{Outcome, progress};
use crate::name::NodeName;
use crate::plan::{
    Disruption, DisruptionReason, GroupReport, NodeReport, ProcessState, Step, Trouble, TroubleKind, Verdict,
};
use crate::status::{
    ConditionType, Facts, Finding, ObjectRef, ObjectStatus, Obstacle, Progress, Reason, Truth, progress_findings,
};

impl Report<'_> {
    pub(super) fn node(&self, name: &NodeName, node: &Outcome<NodeFacts>) -> ObjectStatus {
        let object = ObjectRef::Node(name.clone());
        let mut facts = self.known(&object);
        if let Some(id) = self.findings.node_ids.get(name) {
            facts.node_id = Some(*id);
        }
        facts.groups = self.findings.groups_of(self.ctx, name).into_iter().collect();
        let mut found = self.progress_of(name, node);
        match node {
            Ok(NodeFacts { own: Some(own), .. }) => {
                let listener = own.listener.as_ref().map(|listener| &listener.certificate);
                let all: Vec<_> = iter::once(&own.certificate).chain(listener).collect();
                let (valid, end) = self.certificates(&all);
                found.push(valid);
                facts.certificate_not_after = end;
            }
            _ => found.push(Self::no_certificate()),
        }
        self.public_facts(name, node, &mut facts);
        found.push(self.node_in_sync(name));
        let generation = self
            .ctx
            .manifests
            .nodes
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    /// What others may know of it: of an own node as it is, of somebody else's as it was accepted.
    fn public_facts(&self, name: &NodeName, node: &Outcome<NodeFacts>, facts: &mut Facts) {
        let signed = &self.findings.signed;
        let object = self.ctx.manifests.nodes.get(name);
        let external = object.and_then(|object| object.spec.external.as_ref());
        match (node, external) {
            (Ok(NodeFacts { own: Some(own), .. }), _) => {
                facts.certificate = Some(own.certificate.pem.clone());
                facts.address = signed.addresses.get(name).cloned();
                let attestation = signed.nodes.get(name).cloned();
                // What is not signed yet leaves the one before, and with it the sequence, in sight.
                facts.attestation = attestation.or_else(|| facts.attestation.take());
            }
            (Ok(NodeFacts { own: None, .. }), Some(external)) => {
                facts.certificate = external.certificate.clone();
                facts.address = external.address.clone();
                facts.attestation = external.attestation.clone();
            }
            _ => {}
        }
    }

    /// Its progress; a drain that waits is said beside it, because the node itself is as it should be.
    fn progress_of(&self, name: &NodeName, node: &Outcome<NodeFacts>) -> Vec<Finding> {
        let mut found = progress_findings(&self.node_progress(name, node)).to_vec();
        let is_drain = |it: &&Disruption| it.node == *name && it.reason == DisruptionReason::MachineDrained;
        let drain = self.disruptions.iter().find(is_drain).and_then(waiting);
        if let (Some(text), Some(ready)) = (drain, found.first_mut()) {
            ready.message = format!("{}; {text}", ready.message);
        }
        found
    }

    /// The first of: what its manifest lacks, what stands around its process, a group that has halted, a rule that makes it
    /// wait, a step under way.
    fn node_progress(&self, name: &NodeName, node: &Outcome<NodeFacts>) -> Progress {
        if node.is_err() {
            return progress(node);
        }
        if let Some(Err(hold)) = self.runs.get(name) {
            return hold.clone().progress();
        }
        if let Some(trouble) = self.ctx.observed.troubles.get(name) {
            return troubled(trouble);
        }
        if let Some((group, why)) = self.report(name).and_then(halted) {
            let text = format!(
                "group {group} has halted on this node: {why}; the node's log and kubectl althing why say what to do"
            );
            return Progress::Reconciling(Obstacle::new(Reason::Halted, text));
        }
        if let Some(obstacle) = self.disruptions.iter().find_map(|disruption| blocked(disruption, name)) {
            return Progress::Reconciling(obstacle);
        }
        let mine = |step: &&Step| match step {
            Step::WriteFile(file) => file.at.node == *name,
            Step::StartProcess(process) | Step::RestartProcess(process) | Step::AmendProcess(process) => {
                process.node == *name
            }
            _ => false,
        };
        match self.steps.iter().find(mine) {
            Some(step) => Progress::Reconciling(Obstacle::new(Reason::Progressing, step.to_string())),
            None => progress(node),
        }
    }

    /// What the node says, as long as it runs.
    fn report(&self, name: &NodeName) -> Option<&NodeReport> {
        let state = self.scene.nodes.get(name).map(|node| node.state);
        let runs = matches!(state, Some(ProcessState::Running | ProcessState::Ready));
        self.ctx.observed.reports.get(name).filter(|_| runs)
    }

    fn node_in_sync(&self, name: &NodeName) -> Finding {
        let in_sync = |truth, reason, text: &str| Finding::new(ConditionType::InSync, truth, reason, text);
        let object = self.ctx.manifests.nodes.get(name);
        if object.is_some_and(|object| object.spec.external.is_some()) {
            return in_sync(Truth::Unknown, Reason::NotObserved, "somebody else's node");
        }
        let report = self.report(name);
        if let Some((group, why)) = report.and_then(halted) {
            let text = format!("group {group} has halted: {why}");
            return in_sync(Truth::False, Reason::Halted, &text);
        }
        if let Some((group, late)) = report.and_then(late) {
            let why = late.not_ready.as_deref().unwrap_or("it is not in sync yet");
            return in_sync(Truth::False, Reason::NotInSync, &format!("group {group}: {why}"));
        }
        match self.scene.nodes.get(name).map(|node| node.state) {
            Some(ProcessState::Ready) => in_sync(Truth::True, Reason::InSync, "in sync and connected"),
            Some(ProcessState::Running) => in_sync(Truth::False, Reason::NotInSync, "it runs and is not in sync yet"),
            Some(ProcessState::Stopped) => in_sync(Truth::False, Reason::NotRunning, "it has stopped"),
            None => in_sync(Truth::False, Reason::NotRunning, "it has not been started yet"),
        }
    }
}

fn halted(report: &NodeReport) -> Option<(&GroupId, &str)> {
    let mut groups = report.groups.iter();
    groups.find_map(|(id, group)| Some((id, group.halted.as_deref()?)))
}

fn late(report: &NodeReport) -> Option<(&GroupId, &GroupReport)> {
    report.groups.iter().find(|(_, group)| !group.takes_part())
}

/// What makes a change of the node wait.
fn blocked(disruption: &Disruption, name: &NodeName) -> Option<Obstacle> {
    let is_mine = disruption.node == *name && disruption.reason != DisruptionReason::MachineDrained;
    let text = waiting(disruption).filter(|_| is_mine)?;
    Some(Obstacle::new(Reason::DisruptionBlocked, text))
}

/// What waits, for which rule, and what would unblock it.
fn waiting(disruption: &Disruption) -> Option<String> {
    match &disruption.verdict {
        Verdict::Allowed => None,
        Verdict::Blocked { rule, why } => Some(format!("{} waits: {rule}: {why}", disruption.reason.as_str())),
    }
}

/// A name that is taken, or an object that is refused, needs a person; everything else goes on by itself when its cause does.
fn troubled(trouble: &Trouble) -> Progress {
    let (reason, what, next) = match trouble.kind {
        TroubleKind::ImageCannotBePulled => (
            Reason::ImageCannotBePulled,
            "its image cannot be pulled",
            "correct spec.image, or push the image and let the cluster read it",
        ),
        TroubleKind::VolumeCannotBind => (
            Reason::VolumeCannotBind,
            "its volume finds no place",
            "look at the claim's events; make the storage class of spec.storage provide it",
        ),
        TroubleKind::PodRefused => (
            Reason::PodRefused,
            "its pod was not admitted",
            "look at the namespace's quota and admission policies",
        ),
        TroubleKind::ContainerCrashes => (
            Reason::ContainerCrashes,
            "its container ends again and again",
            "the last lines of its log say why",
        ),
        TroubleKind::Unschedulable => (
            Reason::Unschedulable,
            "no machine takes its pod",
            "make room, or lower spec.resources",
        ),
        TroubleKind::NameTaken => (
            Reason::NameTaken,
            "an object of its name is somebody else's",
            "remove that object, or give the Node another name",
        ),
        TroubleKind::ApplyRefused => (
            Reason::ApplyRefused,
            "an object of it was not accepted",
            "correct the field that is named, or the policy that refused it",
        ),
    };
    let obstacle = Obstacle::new(reason, format!("{what}: {}; {next}", trouble.message));
    match trouble.kind {
        TroubleKind::NameTaken | TroubleKind::ApplyRefused => Progress::Stalled(obstacle),
        _ => Progress::Reconciling(obstacle),
    }
}
