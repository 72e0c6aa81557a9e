//! Findings → statuses: what every object came to, said once.

use althing_types::sealers::faults_tolerable;

use crate::controller::agency::AgencyFacts;
use crate::controller::certificate::Certificate;
use crate::controller::consortium::ChainFacts;
use crate::controller::group::GroupFacts;
use crate::controller::node::{NodeFacts, NodeForm};
use crate::controller::{Context, Hold, Outcome, progress};
use crate::name::{AgencyName, ConsortiumName, GroupName, NodeName};
use crate::namespace::{Findings, Runs};
use crate::pki::request;
use crate::plan::{Disruption, Identity, ProcessState, Step, Verdict};
use crate::status::{
    ConditionType, Facts, Finding, ObjectRef, ObjectStatus, Obstacle, Progress, Reason, Truth, conditions,
    progress_findings,
};

/// The statuses of all objects of the namespace.
pub(crate) fn statuses(
    ctx: &Context<'_>,
    findings: &Findings,
    runs: &Runs,
    disruptions: &[Disruption],
    steps: &[Step],
) -> Vec<ObjectStatus> {
    let report = Report {
        ctx,
        findings,
        runs,
        disruptions,
        steps,
    };
    let consortiums = findings
        .chains
        .iter()
        .map(|(name, chain)| report.consortium(name, chain));
    let agencies = findings
        .agencies
        .iter()
        .map(|(name, agency)| report.agency(name, agency));
    let groups = findings.groups.iter().map(|(name, group)| report.group(name, group));
    let nodes = findings.nodes.iter().map(|(name, node)| report.node(name, node));
    consortiums.chain(agencies).chain(groups).chain(nodes).collect()
}

struct Report<'a> {
    ctx: &'a Context<'a>,
    findings: &'a Findings,
    runs: &'a Runs,
    disruptions: &'a [Disruption],
    steps: &'a [Step],
}

impl Report<'_> {
    fn status(&self, object: ObjectRef, generation: Option<i64>, found: Vec<Finding>, facts: Facts) -> ObjectStatus {
        let before = self.ctx.observed.statuses.iter().find(|status| status.object == object);
        let before = before.map(|status| status.conditions.as_slice()).unwrap_or_default();
        ObjectStatus {
            conditions: conditions(&found, before, generation, self.ctx.now),
            object,
            facts,
        }
    }

    /// The facts written last: what was known once is not forgotten when an object is held.
    fn known(&self, object: &ObjectRef) -> Facts {
        self.ctx.facts(object).cloned().unwrap_or_default()
    }

    fn certificate_finding(&self, certificate: &Certificate) -> Finding {
        let facts = &certificate.facts;
        let (truth, reason) = match facts.holds_at(self.ctx.now) {
            true => (Truth::True, Reason::CertificatesCurrent),
            false => (Truth::False, Reason::CertificateExpired),
        };
        let text = format!("the certificate holds from {} to {}", facts.not_before, facts.not_after);
        Finding::new(ConditionType::CertificatesValid, truth, reason, text)
    }

    fn no_certificate() -> Finding {
        let text = "there is no usable certificate yet";
        Finding::new(
            ConditionType::CertificatesValid,
            Truth::Unknown,
            Reason::NotObserved,
            text,
        )
    }

    fn consortium(&self, name: &ConsortiumName, chain: &Outcome<ChainFacts>) -> ObjectStatus {
        let object = ObjectRef::Consortium(name.clone());
        let mut found = progress_findings(&progress(chain)).to_vec();
        let mut facts = self.known(&object);
        match chain {
            Ok(chain) => {
                found.push(self.certificate_finding(&chain.issuing));
                facts.certificate = Some(chain.issuing.pem.clone());
                facts.fingerprint = Some(chain.issuing.facts.fingerprint.clone());
                facts.certificate_not_after = Some(chain.issuing.facts.not_after);
            }
            Err(_) => found.push(Self::no_certificate()),
        }
        let generation = self
            .ctx
            .manifests
            .consortiums
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    fn agency(&self, name: &AgencyName, agency: &Outcome<AgencyFacts>) -> ObjectStatus {
        let object = ObjectRef::Agency(name.clone());
        let held = agency.as_ref().ok().and_then(|agency| agency.held.clone());
        let progress = held.map_or_else(|| progress(agency), Hold::progress);
        let mut found = progress_findings(&progress).to_vec();
        let mut facts = self.known(&object);
        if let Some(account) = self.findings.accounts.get(name) {
            facts.governance_account = Some(*account);
        }
        let observed = self.ctx.identity(&Identity::AgencyCa(name.clone()));
        if let Some(pem) = observed.and_then(|observed| observed.request.as_ref()) {
            facts.csr_fingerprint = request::verify(pem).ok().map(|request| request.fingerprint);
            facts.certificate_signing_request = Some(pem.clone());
        }
        match agency {
            Ok(agency) => {
                found.push(self.certificate_finding(&agency.certificate));
                facts.certificate = Some(agency.certificate.pem.clone());
                facts.certificate_not_after = Some(agency.certificate.facts.not_after);
            }
            Err(_) => found.push(Self::no_certificate()),
        }
        let generation = self
            .ctx
            .manifests
            .agencies
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    fn group(&self, name: &GroupName, group: &Outcome<GroupFacts>) -> ObjectStatus {
        let object = ObjectRef::Group(name.clone());
        let mut facts = self.known(&object);
        let progress = match group {
            Ok(group) if group.is_new => {
                Progress::Reconciling(Obstacle::new(Reason::Progressing, "the genesis is being recorded"))
            }
            other => progress(other),
        };
        let unconfirmed = group.as_ref().ok().and_then(|group| group.unconfirmed.clone());
        let progress = unconfirmed.map_or(progress, Progress::Reconciling);
        let mut found = progress_findings(&progress).to_vec();
        if let Ok(group) = group {
            let sealers = &group.genesis.genesis.sealers;
            facts.genesis_hash = Some(group.genesis.hash);
            facts.sealers = sealers.as_slice().to_vec();
            facts.faults_tolerable = u32::try_from(sealers.faults_tolerable()).ok();
            found.extend([self.group_in_sync(group), self.quorum_at_risk(group)]);
        }
        let generation = self
            .ctx
            .manifests
            .groups
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    fn state(&self, node: &NodeName) -> Option<ProcessState> {
        self.ctx.observed.processes.get(node).map(|found| found.state)
    }

    /// The own sealers of a group that are not in sync.
    fn own_sealers_down(&self, group: &GroupFacts) -> Vec<NodeName> {
        let is_own = |name: &&NodeName| {
            self.ctx
                .manifests
                .nodes
                .get(*name)
                .is_some_and(|node| node.spec.external.is_none())
        };
        let sealers = group.group.sealers.iter().filter(is_own);
        sealers
            .filter(|name| self.state(name) != Some(ProcessState::Ready))
            .cloned()
            .collect()
    }

    fn group_in_sync(&self, group: &GroupFacts) -> Finding {
        let in_sync = |truth, reason, text: String| Finding::new(ConditionType::InSync, truth, reason, text);
        if let Some(difference) = &group.difference {
            return in_sync(Truth::False, difference.reason, difference.message.clone());
        }
        match self.own_sealers_down(group).as_slice() {
            [] => in_sync(Truth::True, Reason::InSync, "every own sealer is in sync".to_owned()),
            down => {
                let names: Vec<_> = down.iter().map(NodeName::as_str).collect();
                in_sync(
                    Truth::False,
                    Reason::NotInSync,
                    format!("not in sync: {}", names.join(", ")),
                )
            }
        }
    }

    fn quorum_at_risk(&self, group: &GroupFacts) -> Finding {
        let tolerable = faults_tolerable(group.group.sealers.len());
        let down = self.own_sealers_down(group).len();
        let (truth, reason) = match down < tolerable {
            true => (Truth::False, Reason::FaultsTolerable),
            false => (Truth::True, Reason::NoFaultTolerable),
        };
        let text = format!(
            "{tolerable} of {} sealers may fail; {down} own ones are down",
            group.group.sealers.len()
        );
        Finding::new(ConditionType::QuorumAtRisk, truth, reason, text)
    }

    fn node(&self, name: &NodeName, node: &Outcome<NodeFacts>) -> ObjectStatus {
        let object = ObjectRef::Node(name.clone());
        let mut facts = self.known(&object);
        if let Some(id) = self.findings.node_ids.get(name) {
            facts.node_id = Some(*id);
        }
        facts.groups = self.findings.groups_of(self.ctx, name).into_iter().collect();
        let mut found = progress_findings(&self.node_progress(name, node)).to_vec();
        match node {
            Ok(NodeFacts { own: Some(own), .. }) => {
                facts.certificate_not_after = Some(own.certificate.facts.not_after);
                found.push(self.certificate_finding(&own.certificate));
            }
            _ => found.push(Self::no_certificate()),
        }
        found.push(self.node_in_sync(name));
        let generation = self
            .ctx
            .manifests
            .nodes
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    fn node_progress(&self, name: &NodeName, node: &Outcome<NodeFacts>) -> Progress {
        let run = self.runs.get(name);
        if let (Ok(_), Some(Err(hold))) = (node, run) {
            return hold.clone().progress();
        }
        let blocked = self.disruptions.iter().find(|disruption| disruption.node == *name);
        if let Some(Disruption {
            verdict: Verdict::Blocked { rule, why },
            ..
        }) = blocked
        {
            let text = format!("a restart waits: {rule}: {why}");
            return Progress::Reconciling(Obstacle::new(Reason::DisruptionBlocked, text));
        }
        let mine = |step: &&Step| match step {
            Step::WriteFile(file) => file.at.node == *name,
            Step::StartProcess(process) | Step::RestartProcess(process) => process.node == *name,
            _ => false,
        };
        match (node, self.steps.iter().find(mine)) {
            (Ok(_), Some(step)) => Progress::Reconciling(Obstacle::new(Reason::Progressing, step.to_string())),
            _ => progress(node),
        }
    }

    fn node_in_sync(&self, name: &NodeName) -> Finding {
        let in_sync = |truth, reason, text: &str| Finding::new(ConditionType::InSync, truth, reason, text);
        let external = self
            .findings
            .validated_nodes
            .get(name)
            .is_some_and(|n| matches!(n.form, NodeForm::External { .. }));
        match self.state(name) {
            _ if external => in_sync(Truth::Unknown, Reason::NotObserved, "somebody else's node"),
            Some(ProcessState::Ready) => in_sync(Truth::True, Reason::InSync, "in sync and connected"),
            Some(ProcessState::Running) => in_sync(Truth::False, Reason::NotInSync, "it runs and is not in sync yet"),
            Some(ProcessState::Stopped) => in_sync(Truth::False, Reason::NotRunning, "it has stopped"),
            None => in_sync(Truth::False, Reason::NotRunning, "it has not been started yet"),
        }
    }
}
