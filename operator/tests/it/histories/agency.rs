//! One agency: its manifest, what it sees, and why it may do what it does.

use std::collections::BTreeMap;

use althing_governance::{Governance, Subject, Value};
use althing_operator::governance::{Act, Agreement, Call, ChainView, Entry, Names, Opinion, Voice, agree};
use althing_operator::name::GroupName;
use althing_operator::transaction::Chain;
use althing_types::{Address, GroupId};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::{Checked, Seated, Sight};

/// What somebody wants of a subject: with which number, what, and whether by force.
pub(super) type Word = (u64, Value, bool);

/// What passed: of which subject, under which number, and whether by force.
pub(super) type Passed = BTreeMap<(Subject, u64), (Value, bool)>;

/// What an entry wants where this holds. What passed as often as it was declared and is not so lapsed each time: it is wanted as the
/// next change.
pub(super) fn word(entry: &Entry, passed: &Passed, holds: &Governance) -> Word {
    let (subject, wanted) = (entry.wish.subject(), (entry.wish.to(), entry.force));
    let next = holds.next_number(&subject);
    let has_passed = |number| passed.get(&(subject.clone(), number)) == Some(&wanted);
    let has_lapsed = entry.number < next && holds.decided(&subject) != wanted.0 && (entry.number..next).all(has_passed);
    (if has_lapsed { next } else { entry.number }, wanted.0, wanted.1)
}

pub(super) struct Agency {
    pub(super) seat: Seated,
    pub(super) account: Address,
    pub(super) voice: Voice,
    pub(super) manifest: Vec<Entry>,
    /// The manifests before.
    pub(super) commits: Vec<Vec<Entry>>,
    pub(super) sight: Sight,
    /// What it saw last.
    pub(super) seen: ChainView,
    /// The votes that the chain took from it.
    pub(super) voted: BTreeMap<Subject, Word>,
    /// What its manifest asked of the next changes when it acted last and saw the newest block.
    pub(super) means: BTreeMap<Subject, Word>,
}

impl Agency {
    pub(super) fn entry(&self, subject: &Subject) -> Option<&Entry> {
        self.manifest.iter().find(|entry| entry.wish.subject() == *subject)
    }

    pub(super) fn needs_person(&self, entry: &Entry) -> bool {
        self.seat.is_manual || entry.is_for_people()
    }

    pub(super) fn commit(&mut self, manifest: Vec<Entry>) {
        let before = std::mem::replace(&mut self.manifest, manifest);
        self.commits.push(before);
    }

    pub(super) fn agreement(&self) -> Agreement {
        let opinion = Opinion {
            group: &GroupName::new("group-1").unwrap(),
            chain: Chain {
                chain_id: 20_260,
                group: GroupId::try_from(1).unwrap(),
                height: self.seen.now.height,
            },
            entries: &self.manifest,
            asks: &[],
            voices: std::slice::from_ref(&self.voice),
            names: Names {
                nodes: &BTreeMap::new(),
                accounts: &BTreeMap::new(),
            },
        };
        agree(&opinion, &self.seen)
    }

    /// What it does; each act has its reason in the manifest, and none is refused by the chain that was seen.
    pub(super) fn acts(&self, passed: &Passed) -> Checked<Vec<Act>> {
        let acts = self.agreement().acts;
        let (holds, now) = (&self.seen.governance, self.seen.now);
        let mut played = holds.clone();
        for act in &acts {
            let subject = match &act.call {
                Call::Vote { ballot, .. } => ballot.wish.subject(),
                Call::Withdraw { subject, .. } => subject.clone(),
                Call::Advance(id) => {
                    let pending = holds.pending(now).into_iter().find(|found| found.id == *id);
                    Subject::Node(pending.ok_or_else(|| TestCaseError::fail(format!("{act}")))?.node)
                }
                Call::AskLease { .. } | Call::ReturnLease { .. } => {
                    return Err(TestCaseError::fail(format!("{act}: nobody disturbs anything")));
                }
            };
            let entry = self.entry(&subject);
            let entry = entry.ok_or_else(|| TestCaseError::fail(format!("{act}: nothing says so")))?;
            let word = word(entry, passed, holds);
            let is_next = word.0 == holds.next_number(&subject);
            match &act.call {
                Call::Vote { ballot, .. } => {
                    let voted = (ballot.number, ballot.wish.to(), ballot.force);
                    prop_assert_eq!(voted, word, "{}", act);
                    prop_assert!(is_next && !self.needs_person(entry), "{act}: {entry:?}");
                }
                Call::Withdraw { .. } => {
                    let vote = holds.vote_of(&subject, &self.account).cloned().unwrap();
                    prop_assert!(is_next, "{act}: {entry:?}");
                    prop_assert!(
                        (vote.to, vote.force) != (entry.wish.to(), entry.force),
                        "{act}: {entry:?}"
                    );
                }
                Call::Advance(_) => prop_assert_eq!(holds.decided(&subject), entry.wish.to(), "{}", act),
                Call::AskLease { .. } | Call::ReturnLease { .. } => {}
            }
            let outcome = act.call.play(&mut played, now, self.account);
            prop_assert!(outcome.is_ok(), "{act}: {outcome:?}");
        }
        Ok(acts)
    }

    /// It has acted on the newest block: what its manifest asks is on the chain now, but for what the chain refused meanwhile.
    pub(super) fn has_acted(&mut self, refused: &[Subject], passed: &Passed) {
        let holds = &self.seen.governance;
        let is_said = |entry: &&Entry| {
            let subject = entry.wish.subject();
            let is_next = word(entry, passed, holds).0 == holds.next_number(&subject);
            // What a person voted for by hand, a manifest only takes back when it wants what is so.
            let is_its_own = !self.seat.is_manual || holds.decided(&subject) == entry.wish.to();
            is_next && is_its_own && !refused.contains(&subject)
        };
        let said = self.manifest.iter().filter(is_said);
        self.means = said
            .map(|entry| (entry.wish.subject(), word(entry, passed, holds)))
            .collect();
    }
}
