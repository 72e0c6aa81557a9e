//! What failed on the way, as people see it: on the object whose child or step it was.

use std::collections::BTreeMap;

use althing_operator::status::{
    ConditionType, Finding, ObjectRef, ObjectStatus, Obstacle, Progress, Reason, conditions, progress_findings,
};
use jiff::Timestamp;

use super::Backoff;
use crate::apply::WriteError;

/// The first thing that failed for each object.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(BTreeMap<ObjectRef, Progress>);

impl Failures {
    /// What failed and has not succeeded since. While it is left alone, its reason stays to be seen.
    pub(super) fn remember(&mut self, backoff: &Backoff) {
        for (object, progress) in backoff.told() {
            self.0.entry(object.clone()).or_insert_with(|| progress.clone());
        }
    }

    /// Something needs a person.
    pub(super) fn stalled(&mut self, object: &ObjectRef, reason: Reason, message: String) {
        self.0
            .insert(object.clone(), Progress::Stalled(Obstacle::new(reason, message)));
    }

    /// The statuses with what failed: never Ready while something of the object is not written. A plan that has found a
    /// fault of the spec already says more than a failed write.
    pub(super) fn onto(
        &self,
        statuses: Vec<ObjectStatus>,
        before: &[ObjectStatus],
        now: Timestamp,
    ) -> Vec<ObjectStatus> {
        let with = |status: ObjectStatus| match self.0.get(&status.object) {
            Some(progress) if !status.is(ConditionType::Stalled) => overlaid(status, progress, before, now),
            _ => status,
        };
        statuses.into_iter().map(with).collect()
    }
}

/// What people are told of a write that failed; nothing of one that is over with the next look.
pub(super) fn told(object: &ObjectRef, error: &WriteError) -> Option<(ObjectRef, Progress)> {
    let progress = match error {
        _ if !error.is_for_people() => return None,
        WriteError::NameTaken { .. } => Progress::Stalled(Obstacle::new(Reason::NameTaken, error.to_string())),
        _ => Progress::Reconciling(Obstacle::new(Reason::ApplyRefused, error.to_string())),
    };
    Some((object.clone(), progress))
}

fn overlaid(status: ObjectStatus, progress: &Progress, before: &[ObjectStatus], now: Timestamp) -> ObjectStatus {
    let replaced = progress_findings(progress);
    let kept = status
        .conditions
        .iter()
        .filter(|condition| replaced.iter().all(|new| new.kind != condition.kind));
    let kept = kept.map(|condition| {
        Finding::new(
            condition.kind,
            condition.status,
            condition.reason,
            condition.message.clone(),
        )
    });
    let findings: Vec<Finding> = kept.chain(replaced.iter().cloned()).collect();
    let generation = status
        .conditions
        .iter()
        .find_map(|condition| condition.observed_generation);
    let old = before.iter().find(|old| old.object == status.object);
    let old = old.map(|old| old.conditions.as_slice()).unwrap_or_default();
    ObjectStatus {
        conditions: conditions(&findings, old, generation, now),
        ..status
    }
}
