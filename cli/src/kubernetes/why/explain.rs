//! State, what nodes say and what was found around → an explanation. Pure.

use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::NodeName;
use althing_operator::status::ObjectRef;
use jiff::Timestamp;
use serde::Serialize;

use super::advice::{Next, advice};
use super::evidence::Around;
use super::subject::{Subject, state_of};
use crate::kubernetes::heard::Heard;
use crate::kubernetes::seen::{Presence, Seen};
use crate::kubernetes::state::{Blocked, State, Word, blocked};
use crate::kubernetes::tree::at_risk;

/// Whether something is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    /// Nothing is.
    Fine,
    /// It goes on by itself when its cause does.
    Waits,
    /// A person is needed.
    Stuck,
}

/// The answer about one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    pub namespace: String,
    /// `Kind/name`.
    pub object: String,
    pub verdict: Verdict,
    pub state: Word,
    /// The reason of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is in the way; of what is well, that nothing is.
    pub what: String,
    /// The disruption rule that blocks, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What was found.
    pub evidence: Vec<String>,
    /// What would take it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unblock: Option<String>,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Explains one object of the namespace.
pub(crate) fn explain(seen: &Seen, heard: &Heard, around: &Around, subject: &Subject) -> Explanation {
    let state = state_of(&seen.manifests, subject).unwrap_or_else(|| State::missing("it is not there".to_owned()));
    let mut explanation = Explanation {
        namespace: seen.manifests.namespace.to_string(),
        object: subject.to_string(),
        verdict: verdict(&state),
        state: state.state,
        reason: state.reason.clone(),
        what: String::new(),
        rule: None,
        evidence: vec![],
        unblock: None,
        next: None,
        since: state.since,
    };
    if state.is_well() {
        explanation.what = well(&seen.manifests, subject);
        return explanation;
    }
    say(&mut explanation, &state);
    let found = Found { seen, heard, around };
    explanation.evidence.extend(found.of(subject, &state));
    explanation
}

fn verdict(state: &State) -> Verdict {
    match state.state {
        Word::Ready if state.is_well() => Verdict::Fine,
        Word::Stalled | Word::Missing => Verdict::Stuck,
        _ => Verdict::Waits,
    }
}

/// One line for what is well. A group that tolerates no fault is well, and that is worth knowing.
fn well(manifests: &NamespaceManifests, subject: &Subject) -> String {
    match subject {
        ObjectRef::Node(name) => match manifests.nodes.get(name) {
            Some(node) if node.spec.external.is_some() => "somebody else's node; its facts are in use".to_owned(),
            _ => "ready and in sync; nothing is in its way".to_owned(),
        },
        ObjectRef::Group(name) => {
            let group = manifests.groups.get(name);
            if let Some(risk) = group.and_then(at_risk) {
                return format!("ready, and its quorum is at risk: {risk}");
            }
            match group.and_then(|group| group.status.as_ref()?.faults_tolerable) {
                Some(0) => "ready; it tolerates no fault: blocks wait while one sealer is away, and its sealers are \
                    restarted only in a pause that spec.local.pauseUntil announces"
                    .to_owned(),
                _ => "ready and in sync; nothing is in its way".to_owned(),
            }
        }
        ObjectRef::Consortium(_) | ObjectRef::Agency(_) => "ready; nothing is in its way".to_owned(),
    }
}

/// What the conditions say, taken apart.
fn say(explanation: &mut Explanation, state: &State) {
    let message = state.message.clone().unwrap_or_default();
    if let Some(Blocked {
        what,
        rule,
        found,
        unblock,
    }) = blocked(&message)
    {
        explanation.what = what;
        explanation.rule = Some(rule.to_string());
        explanation.evidence.push(found);
        explanation.unblock = unblock;
        explanation.next = Some(Next::Alone.as_str().to_owned());
        return;
    }
    match (&state.reason, state.state) {
        (_, Word::NotSeen) => {
            explanation.unblock = Some(
                "see that an operator runs and watches this namespace: kubectl get pods -A -l app.kubernetes.io/name=althing-operator"
                    .to_owned(),
            );
        }
        (Some(reason), _) => {
            let advice = advice(reason);
            explanation.next = Some(advice.next.as_str().to_owned());
            // What the plan says to do is said as that.
            if let Some((what, unblock)) = message.rsplit_once("; ").filter(|_| advice.is_in_message) {
                explanation.unblock = Some(unblock.to_owned());
                explanation.what = what.to_owned();
                return;
            }
            explanation.unblock = Some(advice.unblock.to_owned());
        }
        (None, _) => {}
    }
    explanation.what = message;
}

/// Everything that evidence is taken from.
struct Found<'a> {
    seen: &'a Seen,
    heard: &'a Heard,
    around: &'a Around,
}

impl Found<'_> {
    fn of(&self, subject: &Subject, state: &State) -> Vec<String> {
        let mut lines = self.missing_references(subject);
        lines.extend(self.missing_secrets());
        match subject {
            ObjectRef::Node(name) => lines.extend(self.node(name)),
            ObjectRef::Group(name) => {
                let members = self
                    .seen
                    .manifests
                    .groups
                    .get(name)
                    .map(|group| group.spec.genesis.sealers.clone());
                let members = members
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|member| NodeName::new(member).ok());
                lines.extend(members.flat_map(|member| self.trouble_of(&member)));
            }
            ObjectRef::Consortium(_) | ObjectRef::Agency(_) => {}
        }
        lines.extend(self.named_nodes(subject, state));
        lines.extend(self.around.warnings.iter().cloned());
        lines.dedup();
        lines
    }

    /// What the object names and the namespace does not have.
    fn missing_references(&self, subject: &Subject) -> Vec<String> {
        let manifests = &self.seen.manifests;
        let consortium = |name: &str| (!manifests.consortiums.contains_key(name)).then(|| format!("Consortium/{name}"));
        let agency = |name: &str| (!manifests.agencies.contains_key(name)).then(|| format!("Agency/{name}"));
        let node = |name: &str| (!manifests.nodes.contains_key(name)).then(|| format!("Node/{name}"));
        let missing: Vec<String> = match subject {
            ObjectRef::Consortium(_) => vec![],
            ObjectRef::Agency(name) => manifests
                .agencies
                .get(name)
                .and_then(|it| consortium(&it.spec.consortium))
                .into_iter()
                .collect(),
            ObjectRef::Node(name) => manifests
                .nodes
                .get(name)
                .and_then(|it| agency(&it.spec.agency))
                .into_iter()
                .collect(),
            ObjectRef::Group(name) => manifests.groups.get(name).map_or_else(Vec::new, |group| {
                let spec = &group.spec;
                let seats = spec.genesis.committee.iter().flat_map(|committee| &committee.seats);
                let seats = seats.filter_map(|seat| agency(&seat.agency));
                let sealers = spec.genesis.sealers.iter().filter_map(|sealer| node(sealer));
                consortium(&spec.consortium)
                    .into_iter()
                    .chain(seats)
                    .chain(sealers)
                    .collect()
            }),
        };
        let namespace = &manifests.namespace;
        missing
            .into_iter()
            .map(|name| format!("{name} is not in namespace {namespace}"))
            .collect()
    }

    fn missing_secrets(&self) -> Vec<String> {
        let line = |(name, presence): (&String, &Presence)| match presence {
            Presence::There(_) => None,
            Presence::Missing => Some(format!("Secret/{name} is not there")),
            Presence::Unknown(why) => Some(format!("? Secret/{name}: {why}")),
        };
        self.around.secrets.iter().filter_map(line).collect()
    }

    fn node(&self, name: &NodeName) -> Vec<String> {
        let mut lines = vec![];
        match &self.around.claim {
            Some((claim, Presence::Missing)) => lines.push(format!("PersistentVolumeClaim/{claim} is not there")),
            Some((claim, Presence::There(phase))) if phase != "Bound" => {
                lines.push(format!("PersistentVolumeClaim/{claim} is {phase}"));
            }
            _ => {}
        }
        lines.extend(self.pod(name));
        lines.extend(self.groups(name));
        lines
    }

    /// What its pod lacks.
    fn pod(&self, name: &NodeName) -> Option<String> {
        let is_own = self
            .seen
            .manifests
            .nodes
            .get(name)
            .is_some_and(|node| node.spec.external.is_none());
        if !is_own {
            return None;
        }
        let Some(pod) = self.seen.pods.get(name) else {
            return Some(format!("Pod/{name}-0 is not there"));
        };
        if pod.is_ready {
            return None;
        }
        let restarts = match pod.restarts {
            0 => String::new(),
            restarts => format!(", started again {restarts} times"),
        };
        let why = pod.waits.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let phase = if pod.is_running {
            "Running, not ready"
        } else {
            pod.phase.as_str()
        };
        Some(format!("Pod/{name}-0 is {phase}{restarts}{why}"))
    }

    /// What the node itself says of groups that are not as they should be.
    fn groups(&self, name: &NodeName) -> Vec<String> {
        match self.heard.get(name) {
            None => vec![],
            // That its pod does not run is said of the pod.
            Some(Err(_)) if self.seen.pods.get(name).is_none_or(|pod| !pod.is_running) => vec![],
            Some(Err(why)) => vec![format!("? {name} could not be asked: {why}")],
            Some(Ok(heard)) => {
                let late = heard
                    .groups
                    .iter()
                    .filter(|(_, group)| !group.is_in_sync || group.is_halted);
                let line = |(id, group): (&u32, &crate::kubernetes::heard::GroupHeard)| {
                    let words = match (group.is_halted, &group.not_ready) {
                        (_, Some(words)) => words.clone(),
                        (true, None) => "halted".to_owned(),
                        (false, None) => "not ready".to_owned(),
                    };
                    let height = group.height.map_or_else(|| "?".to_owned(), |height| height.to_string());
                    let (live, of) = (
                        group.sealers_live.unwrap_or_default(),
                        group.sealers.unwrap_or_default(),
                    );
                    format!("{name} says of group {id} at height {height}: {words} ({live} of {of} sealers live)")
                };
                late.map(line).collect()
            }
        }
    }

    /// What another node lacks: its own state, or its pod.
    fn trouble_of(&self, name: &NodeName) -> Vec<String> {
        let object = ObjectRef::Node(name.clone());
        let Some(state) = state_of(&self.seen.manifests, &object).filter(|state| !state.is_well()) else {
            return vec![];
        };
        let message = state.message.unwrap_or_default();
        let mut lines = vec![format!(
            "{object} is {}: {message}",
            state.state.as_str().to_lowercase()
        )];
        lines.extend(self.pod(name));
        lines
    }

    /// What the other nodes lack that the message names.
    fn named_nodes(&self, subject: &Subject, state: &State) -> Vec<String> {
        let message = state.message.as_deref().unwrap_or_default();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let words: std::collections::BTreeSet<&str> = message.split(|c| !is_part(c)).collect();
        let named = self
            .seen
            .manifests
            .nodes
            .keys()
            .filter(|name| words.contains(name.as_str()));
        let others = named.filter(|name| *subject != ObjectRef::Node((*name).clone()));
        let of_group = matches!(subject, ObjectRef::Group(_));
        others
            .filter(|_| !of_group)
            .flat_map(|name| self.trouble_of(name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{condition, node_name, says, whole};
    use super::super::subject::subjects;
    use super::*;

    fn node(number: usize) -> Subject {
        ObjectRef::Node(node_name(number))
    }

    #[test]
    fn nothing_is_in_the_way_of_a_whole_consortium() {
        let (seen, heard) = whole();
        for subject in subjects(&seen.manifests) {
            let found = explain(&seen, &heard, &Around::default(), &subject);
            assert_eq!(found.verdict, Verdict::Fine, "{found:?}");
            assert!(
                found.what.contains("nothing is in its way") && found.evidence.is_empty(),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_rule_that_blocks_is_named_with_what_it_found_and_what_would_unblock_it() {
        let (mut seen, heard) = whole();
        let text = "a restart for its image or resources waits: quorum first: group group-1 needs 3 live sealers and would \
            have 2 without node-0; bring back node-2, or set spec.local.pauseUntil on the group to let it stand still";
        says(&mut seen, 0, condition("Ready", "False", "DisruptionBlocked", text));
        says(
            &mut seen,
            2,
            condition(
                "Ready",
                "False",
                "ImageCannotBePulled",
                "its image cannot be pulled: no such image",
            ),
        );
        seen.pods.get_mut(&node_name(2)).unwrap().is_ready = false;
        let found = explain(&seen, &heard, &Around::default(), &node(0));
        assert_eq!(found.verdict, Verdict::Waits);
        assert_eq!(found.rule.as_deref(), Some("quorum first"));
        assert_eq!(found.what, "a restart for its image or resources waits");
        assert_eq!(
            found.evidence,
            [
                "group group-1 needs 3 live sealers and would have 2 without node-0",
                "Node/node-2 is reconciling: its image cannot be pulled: no such image",
                "Pod/node-2-0 is Running, not ready",
            ]
        );
        assert!(
            found
                .unblock
                .unwrap()
                .starts_with("bring back node-2, or set spec.local.pauseUntil")
        );
        assert!(found.next.unwrap().contains("every 5 s"));
    }

    #[test]
    fn a_missing_key_names_its_secret_and_is_a_person_s_business() {
        let (mut seen, heard) = whole();
        let said = "the key of node/node-1 is missing: it is never made again; put it back from a backup";
        says(&mut seen, 1, condition("Stalled", "True", "KeyMissing", said));
        let around = Around {
            secrets: [("node-1-key".to_owned(), Presence::Missing)].into(),
            ..Around::default()
        };
        let found = explain(&seen, &heard, &around, &node(1));
        assert_eq!(found.verdict, Verdict::Stuck);
        assert_eq!(found.evidence, ["Secret/node-1-key is not there"]);
        assert_eq!(found.what, "the key of node/node-1 is missing: it is never made again");
        assert_eq!(found.unblock.as_deref(), Some("put it back from a backup"));
    }

    #[test]
    fn what_may_not_be_asked_is_marked_as_not_known() {
        let (mut seen, mut heard) = whole();
        says(
            &mut seen,
            1,
            condition("InSync", "False", "NotInSync", "group 1: it reaches 0 peers"),
        );
        heard.insert(node_name(1), Err("you may not".to_owned()));
        let around = Around {
            secrets: [("node-1-key".to_owned(), Presence::Unknown("forbidden".to_owned()))].into(),
            ..Around::default()
        };
        let found = explain(&seen, &heard, &around, &node(1));
        assert_eq!(found.state, Word::NotInSync);
        assert_eq!(
            found.evidence,
            [
                "? Secret/node-1-key: forbidden",
                "? node-1 could not be asked: you may not"
            ]
        );
    }

    #[test]
    fn references_that_are_not_there_are_found() {
        let (mut seen, heard) = whole();
        seen.manifests.agencies.clear();
        seen.manifests.nodes.remove("node-3");
        let group = seen.manifests.groups.values_mut().next().unwrap();
        let status = group.status.as_mut().unwrap();
        status.conditions = vec![condition(
            "Ready",
            "False",
            "ReferenceMissing",
            "spec: Node node-3 is not there",
        )];
        let subject = subjects(&seen.manifests)
            .into_iter()
            .find(|it| matches!(it, ObjectRef::Group(_)))
            .unwrap();
        let found = explain(&seen, &heard, &Around::default(), &subject);
        assert_eq!(
            found.evidence,
            [
                "Agency/agency-a is not in namespace trade",
                "Node/node-3 is not in namespace trade"
            ]
        );
    }

    #[test]
    fn an_object_that_no_operator_has_seen_asks_for_one() {
        let (mut seen, heard) = whole();
        seen.manifests.nodes.get_mut("node-0").unwrap().metadata.generation = Some(2);
        let found = explain(&seen, &heard, &Around::default(), &node(0));
        assert_eq!((found.verdict, found.state), (Verdict::Waits, Word::NotSeen));
        assert!(
            found
                .unblock
                .unwrap()
                .contains("an operator runs and watches this namespace")
        );
    }
}
