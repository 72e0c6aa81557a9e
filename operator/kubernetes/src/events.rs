//! Events: one for each transition of a condition that people wait for, none for anything that stays.

use std::time::Duration;

use althing_operator::status::{Condition, ConditionType, ObjectRef, ObjectStatus, Truth};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tracing::warn;

use crate::names::MANAGER;

/// Characters of an event's note; Kubernetes allows 1,024 bytes.
const NOTE_BYTES_MAX: usize = 1000;
/// How long the API server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Publishes events.
#[derive(Clone)]
pub struct Events {
    recorder: Recorder,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// Events in the name of this replica.
    pub fn new(client: Client, replica: &str) -> Self {
        let reporter = Reporter {
            controller: MANAGER.to_owned(),
            instance: Some(replica.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Tells what has changed between two statuses of an object. An event that cannot be written is logged and forgotten:
    /// the status says the same.
    pub async fn tell(&self, namespace: &str, uid: &str, before: Option<&ObjectStatus>, after: &ObjectStatus) {
        let reference = reference(namespace, uid, &after.object);
        for event in transitions(before, after) {
            self.publish(&event, &reference, &after.object).await;
        }
    }

    /// Within a bounded time: an API server that never answers holds no namespace up.
    async fn publish(&self, event: &Event, reference: &ObjectReference, object: &ObjectRef) {
        match tokio::time::timeout(PATIENCE, self.recorder.publish(event, reference)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%object, "an event is lost: {error}"),
            Err(_) => warn!(%object, "an event is lost: no answer within {} s", PATIENCE.as_secs()),
        }
    }

    /// Tells that a node is being restarted.
    pub async fn restarting(&self, namespace: &str, uid: &str, object: &ObjectRef, why: String) {
        let event = Event {
            type_: EventType::Normal,
            reason: "Restarting".to_owned(),
            note: Some(shortened(&why)),
            action: "Restart".to_owned(),
            secondary: None,
        };
        self.publish(&event, &reference(namespace, uid, object), object).await;
    }
}

fn reference(namespace: &str, uid: &str, object: &ObjectRef) -> ObjectReference {
    ObjectReference {
        api_version: Some(althing_crds::API_VERSION.to_owned()),
        kind: Some(object.kind().to_owned()),
        name: Some(object.name().to_owned()),
        namespace: Some(namespace.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}

/// The conditions whose transitions are told. Ready and Stalled tell what Reconciling would repeat.
const TOLD: [ConditionType; 5] = [
    ConditionType::Ready,
    ConditionType::Stalled,
    ConditionType::InSync,
    ConditionType::QuorumAtRisk,
    ConditionType::CertificatesValid,
];

/// The events of one change.
fn transitions(before: Option<&ObjectStatus>, after: &ObjectStatus) -> Vec<Event> {
    let changed = |condition: &&Condition| {
        let old = before.and_then(|before| before.condition(condition.kind));
        match old {
            Some(old) => old.status != condition.status || (is_bad(condition) && old.reason != condition.reason),
            // Of a new object only what is wrong with it is news, and that it is ready.
            None => is_bad(condition) || (condition.kind == ConditionType::Ready && condition.status == Truth::True),
        }
    };
    let told = after
        .conditions
        .iter()
        .filter(|condition| TOLD.contains(&condition.kind))
        .filter(changed);
    // A stalled object is told as stalled, not as unready too.
    let is_stalled = after.is(ConditionType::Stalled);
    let told = told.filter(|condition| match condition.kind {
        ConditionType::Ready => !is_stalled,
        ConditionType::Stalled => is_stalled,
        _ => true,
    });
    told.map(event).collect()
}

fn is_bad(condition: &Condition) -> bool {
    match condition.kind {
        ConditionType::Stalled | ConditionType::QuorumAtRisk => condition.status == Truth::True,
        ConditionType::Ready | ConditionType::CertificatesValid => condition.status == Truth::False,
        ConditionType::InSync | ConditionType::Reconciling => false,
    }
}

fn event(condition: &Condition) -> Event {
    let type_ = match is_bad(condition) && condition.kind != ConditionType::Ready {
        true => EventType::Warning,
        false => EventType::Normal,
    };
    Event {
        type_,
        reason: condition.reason.as_str().to_owned(),
        note: Some(shortened(&format!(
            "{:?}={:?}: {}",
            condition.kind, condition.status, condition.message
        ))),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

/// At most as many bytes of a text as an event may hold.
pub(crate) fn shortened(text: &str) -> String {
    let mut end = text.len().min(NOTE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use althing_operator::name::NodeName;
    use althing_operator::status::{Facts, Obstacle, Progress, Reason, conditions, progress_findings};
    use jiff::Timestamp;

    use super::*;

    fn status(progress: &Progress) -> ObjectStatus {
        ObjectStatus {
            object: ObjectRef::Node(NodeName::new("n").unwrap()),
            conditions: conditions(&progress_findings(progress), &[], Some(1), Timestamp::UNIX_EPOCH),
            facts: Facts::default(),
        }
    }

    fn told(before: Option<&Progress>, after: &Progress) -> Vec<String> {
        let before = before.map(status);
        transitions(before.as_ref(), &status(after))
            .into_iter()
            .map(|event| event.reason)
            .collect()
    }

    #[test]
    fn a_transition_is_told_once_and_what_stays_is_not() {
        let waiting = Progress::Reconciling(Obstacle::new(Reason::ReferenceMissing, "x"));
        let wrong = Progress::Stalled(Obstacle::new(Reason::KeyMissing, "x"));
        assert_eq!(told(None, &waiting), ["ReferenceMissing"]);
        assert!(told(Some(&waiting), &waiting).is_empty());
        assert_eq!(told(Some(&waiting), &Progress::Ready), ["Done"]);
        assert!(told(Some(&Progress::Ready), &Progress::Ready).is_empty());
        assert_eq!(told(Some(&Progress::Ready), &wrong), ["KeyMissing"]);
    }
}
