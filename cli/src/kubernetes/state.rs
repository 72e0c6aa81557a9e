//! What the conditions of an object amount to, in a word and a sentence. Pure.

use althing_operator::plan::disruption::Rule;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

use crate::paint::Hue;

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Word {
    /// Its part is done.
    Ready,
    /// Its part is done, and what runs is not in sync.
    NotInSync,
    /// It goes on by itself.
    Reconciling,
    /// A person is needed.
    Stalled,
    /// No operator has looked at this generation of it.
    NotSeen,
    /// Something names it, and it is not there.
    Missing,
}

impl Word {
    /// For people.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::NotInSync => "Not in sync",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::NotSeen => "Not seen",
            Self::Missing => "Missing",
        }
    }

    /// How it is painted.
    pub(crate) const fn hue(self) -> Hue {
        match self {
            Self::Ready => Hue::Good,
            Self::NotInSync | Self::Reconciling | Self::NotSeen => Hue::Waiting,
            Self::Stalled | Self::Missing => Hue::Bad,
        }
    }
}

/// A word, and the reason for it where there is something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    /// Where the object stands.
    pub state: Word,
    /// Why, for scripts: the reason of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<jiff::Timestamp>,
}

impl State {
    /// An object that something names and that is not there.
    pub(crate) fn missing(message: String) -> Self {
        Self {
            message: Some(message),
            ..Self::bare(Word::Missing)
        }
    }

    const fn bare(state: Word) -> Self {
        Self {
            state,
            reason: None,
            message: None,
            since: None,
        }
    }

    fn of(state: Word, condition: &Condition) -> Self {
        Self {
            state,
            reason: Some(condition.reason.clone()),
            message: Some(condition.message.clone()),
            since: Some(condition.last_transition_time.0),
        }
    }

    /// Whether the object is as it should be. A drain may wait beside it.
    pub(crate) fn is_ready(&self) -> bool {
        self.state == Word::Ready
    }

    /// Whether nothing is to be said.
    pub(crate) fn is_well(&self) -> bool {
        self.state == Word::Ready && self.message.is_none()
    }
}

/// What conditions say of an object whose spec is at this generation.
pub(crate) fn state(generation: Option<i64>, observed: Option<i64>, conditions: &[Condition]) -> State {
    let of_kind = |kind: &str| conditions.iter().find(|found| found.type_ == kind);
    let holding = |kind: &str| of_kind(kind).filter(|found| found.status == "True");
    let Some(ready) = of_kind("Ready").filter(|_| observed >= generation) else {
        let what = match observed {
            None => "no operator has looked at it yet".to_owned(),
            Some(seen) => format!(
                "its manifest was changed since an operator looked at it last (generation {}, seen {seen})",
                generation.unwrap_or_default()
            ),
        };
        return State {
            message: Some(what),
            ..State::bare(Word::NotSeen)
        };
    };
    if let Some(stalled) = holding("Stalled") {
        return State::of(Word::Stalled, stalled);
    }
    if ready.status != "True" {
        return State::of(Word::Reconciling, ready);
    }
    if let Some(late) = of_kind("InSync").filter(|found| found.status == "False") {
        return State::of(Word::NotInSync, late);
    }
    if let Some(expired) = of_kind("CertificatesValid").filter(|found| found.status == "False") {
        return State::of(Word::Reconciling, expired);
    }
    // A drain waits beside a node that is as it should be.
    match blocked(&ready.message) {
        Some(_) => {
            let drain = ready.message.split_once("; ").map(|(_, drain)| drain.to_owned());
            State {
                message: drain,
                ..State::of(Word::Ready, ready)
            }
        }
        None => State {
            since: Some(ready.last_transition_time.0),
            ..State::bare(Word::Ready)
        },
    }
}

/// What a disruption rule says, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// What waits.
    pub what: String,
    /// Which rule blocks it.
    pub rule: Rule,
    /// What the rule found.
    pub found: String,
    /// What would unblock it.
    pub unblock: Option<String>,
}

/// Reads `… waits: <rule>: <found>; <what would unblock it>`, which is how the plan says that a rule blocks.
pub(crate) fn blocked(message: &str) -> Option<Blocked> {
    let (what, rest) = message.split_once(" waits: ")?;
    let (rule, why) = rest.split_once(": ")?;
    let rule = Rule::ALL.into_iter().find(|known| known.as_str() == rule)?;
    // Of a node that is as it should be, the drain is said after that.
    let what = what.rsplit("; ").next().unwrap_or(what);
    let (found, unblock) = match why.split_once("; ") {
        Some((found, unblock)) => (found, Some(unblock.to_owned())),
        None => (why, None),
    };
    Some(Blocked {
        what: format!("{what} waits"),
        rule,
        found: found.to_owned(),
        unblock,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::condition;
    use super::*;

    #[test]
    fn what_the_plan_says_of_a_rule_is_read_back() {
        for rule in Rule::ALL {
            let text = format!("the drain of its machine waits: {rule}: two are down; bring back node-2");
            let found = blocked(&text).unwrap();
            assert_eq!(found.rule, rule);
            assert_eq!(found.what, "the drain of its machine waits");
            assert_eq!(
                (found.found.as_str(), found.unblock.as_deref()),
                ("two are down", Some("bring back node-2"))
            );
        }
        assert_eq!(blocked("the image waits: for whom: the bell tolls"), None);
        assert_eq!(blocked("its part is done"), None);
    }

    #[test]
    fn a_drain_that_waits_is_said_beside_a_ready_node() {
        let text = "this namespace's part is done; the drain of its machine waits: quorum first: x; y";
        let found = state(Some(1), Some(1), &[condition("Ready", "True", "Done", text)]);
        assert_eq!(found.state, Word::Ready);
        assert!(found.is_ready() && !found.is_well());
        assert_eq!(found.message.as_deref(), text.split_once("; ").map(|(_, drain)| drain));
        assert_eq!(blocked(text).unwrap().what, "the drain of its machine waits");
    }

    #[test]
    fn an_older_generation_s_word_counts_for_nothing() {
        let ready = [condition("Ready", "True", "Done", "done")];
        assert_eq!(state(Some(2), Some(1), &ready).state, Word::NotSeen);
        assert_eq!(state(Some(1), None, &[]).state, Word::NotSeen);
        assert!(state(Some(1), Some(1), &ready).is_well());
    }

    #[test]
    fn stalled_goes_before_reconciling_and_both_before_not_in_sync() {
        let mut conditions = vec![
            condition("Ready", "True", "Done", "done"),
            condition("InSync", "False", "NotInSync", "late"),
        ];
        assert_eq!(state(Some(1), Some(1), &conditions).state, Word::NotInSync);
        conditions[0] = condition("Ready", "False", "Progressing", "a step");
        assert_eq!(state(Some(1), Some(1), &conditions).state, Word::Reconciling);
        conditions.push(condition("Stalled", "True", "KeyMissing", "the key"));
        let found = state(Some(1), Some(1), &conditions);
        assert_eq!(
            (found.state, found.reason.as_deref()),
            (Word::Stalled, Some("KeyMissing"))
        );
    }
}
