//! The status of a Group.

use althing_types::sealers::faults_tolerable;

use super::Report;
use crate::controller::group::GroupFacts;
use crate::controller::{Outcome, progress};
use crate::governance::Agreement;
use crate::name::{GroupName, NodeName};
use crate::plan::disruption::{GroupScene, Sealer};
use crate::status::{
    ConditionType, Finding, ObjectRef, ObjectStatus, Obstacle, Progress, Reason, Truth, progress_findings,
};

impl Report<'_> {
    pub(super) fn group(&self, name: &GroupName, group: &Outcome<GroupFacts>) -> ObjectStatus {
        let object = ObjectRef::Group(name.clone());
        let mut facts = self.known(&object);
        let scene = self.scene.groups.get(name);
        let agreement = self.agreements.get(name);
        let mut found = progress_findings(&group_progress(group, scene, agreement)).to_vec();
        if let (Ok(group), Some(scene)) = (group, scene) {
            facts.genesis_hash = Some(group.genesis.hash);
            let signed = self.findings.signed.groups.get(name);
            facts.attestations.extend(signed.cloned().unwrap_or_default());
            facts.wishes = self.findings.signed.wishes.get(name).cloned().unwrap_or_default();
            // Only a chain that this manifest speaks of has an agreement.
            let chain = agreement.and_then(|_| self.ctx.observed.chains.get(name));
            if let Some(chain) = chain {
                // Asked after the reports, of the node with the most blocks: what it says is the newest.
                facts.sealers = chain.governance.sealers().as_slice().to_vec();
                facts.observers = chain.governance.observers();
            } else if scene.is_reported {
                facts.sealers = scene.sealers.iter().filter_map(|sealer| sealer.id).collect();
                facts.observers = scene.observers.clone();
            } else if facts.sealers.is_empty() {
                facts.sealers = group.genesis.genesis.sealers.as_slice().to_vec();
            }
            facts.faults_tolerable = u32::try_from(faults_tolerable(facts.sealers.len())).ok();
            if let Some(agreement) = agreement {
                facts.changes = agreement.changes.clone();
            }
            found.extend([group_in_sync(group, scene, agreement), self.quorum_at_risk(scene)]);
        }
        let generation = self
            .ctx
            .manifests
            .groups
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    fn quorum_at_risk(&self, scene: &GroupScene) -> Finding {
        let (count, tolerable) = (scene.sealers.len(), faults_tolerable(scene.sealers.len()));
        // Without a node to ask, nothing is known of other agencies' sealers, and nothing is held against them.
        let is_up = |sealer: &&Sealer| sealer.is_live || (!scene.is_reported && !sealer.is_own);
        let up = scene.sealers.iter().filter(is_up).count();
        let (truth, reason) = match up > scene.quorum() {
            true => (Truth::False, Reason::FaultsTolerable),
            false => (Truth::True, Reason::NoFaultTolerable),
        };
        let mut text = format!(
            "{tolerable} of {count} sealers may fail; {} are down and {} must be live",
            count - up,
            scene.quorum()
        );
        if let Some(until) = scene.pause_until.filter(|_| scene.is_paused(self.ctx.now)) {
            text.push_str(&format!("; its owner lets it stand still until {until}"));
        }
        Finding::new(ConditionType::QuorumAtRisk, truth, reason, text)
    }
}

fn group_progress(group: &Outcome<GroupFacts>, scene: Option<&GroupScene>, agreement: Option<&Agreement>) -> Progress {
    let Ok(facts) = group else {
        return progress(group);
    };
    let stranger = scene.and_then(|scene| scene.strangers.first_key_value());
    if let Some((node, hash)) = stranger {
        let text = format!(
            "Node {node} runs group {} with the genesis {hash}, the record has {}: it is another chain under the same number. The node is left as it is; find out which of the two is the group's, and give the other one another number or folder",
            facts.group.id, facts.genesis.hash
        );
        return Progress::Stalled(Obstacle::new(Reason::GenesisRecordDiffers, text));
    }
    if let Some(unconfirmed) = &facts.unconfirmed {
        return Progress::Reconciling(unconfirmed.clone());
    }
    // This namespace's part is done when its votes are in the box; what others do is not its part.
    if let Some(act) = agreement.and_then(|agreement| agreement.acts.first()) {
        return Progress::Reconciling(Obstacle::new(Reason::Progressing, act.to_string()));
    }
    match facts.is_new {
        true => Progress::Reconciling(Obstacle::new(Reason::Progressing, "the genesis is being recorded")),
        false => Progress::Ready,
    }
}

fn group_in_sync(group: &GroupFacts, scene: &GroupScene, agreement: Option<&Agreement>) -> Finding {
    let in_sync = |truth, reason, text: String| Finding::new(ConditionType::InSync, truth, reason, text);
    if let Some(difference) = &group.difference {
        return in_sync(Truth::False, difference.reason, difference.message.clone());
    }
    let own = scene.sealers.iter().filter(|sealer| sealer.is_own && !sealer.is_live);
    let down: Vec<_> = own
        .filter_map(|sealer| sealer.node.as_ref())
        .map(NodeName::as_str)
        .collect();
    if !down.is_empty() {
        let text = format!("not in sync: {}", down.join(", "));
        return in_sync(Truth::False, Reason::NotInSync, text);
    }
    let differences = group
        .lacking
        .iter()
        .chain(agreement.into_iter().flat_map(|it| &it.differences));
    let differences: Vec<_> = differences.map(String::as_str).collect();
    if !differences.is_empty() {
        return in_sync(Truth::False, Reason::ChainDiffers, differences.join("; "));
    }
    if agreement.is_none() && !group.entries.is_empty() {
        let text = "no own node that is in sync has said yet what holds on the chain".to_owned();
        return in_sync(Truth::Unknown, Reason::NotObserved, text);
    }
    let text = match group.entries.is_empty() {
        true => "every own sealer is in sync",
        false => "every own sealer is in sync, and the chain holds what is declared",
    };
    in_sync(Truth::True, Reason::InSync, text.to_owned())
}
