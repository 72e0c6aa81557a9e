//! After the last edit: everybody comes back, and what a majority declares is so in the end.

use std::collections::BTreeMap;

use althing_governance::{Ballot, Moment, PATIENCE_MS, Refusal, Subject, Value};
use althing_operator::governance::{Stage, open};
use proptest::prelude::*;

use super::agency::word;
use super::world::World;
use super::{Checked, NODES, Sight, subjects};

/// More than the entries of all manifests, each of which makes at most a withdrawal, a vote and the steps of a role.
const ROUNDS: u64 = 60;
/// Rounds without anything new, one of them long enough for what waits to give way, after which nothing new comes.
const QUIET_ROUNDS: u32 = 9;

/// A change that agencies above the threshold declare, each of them willing.
struct Expected {
    subject: Subject,
    ballot: Ballot,
    who: Vec<usize>,
}

impl World {
    /// What agencies above the threshold declare as the next change of a subject.
    fn expected(&self) -> Vec<Expected> {
        let mut by_wish = BTreeMap::<_, Expected>::new();
        for (who, agency) in self.agencies.iter().enumerate() {
            for entry in &agency.manifest {
                let subject = entry.wish.subject();
                let word = word(entry, &self.passed, &self.chain);
                let is_next = word.0 == self.chain.next_number(&subject);
                let is_willing = agency.seat.assents || !agency.needs_person(entry);
                if !is_next || !is_willing || self.chain.decided(&subject) == entry.wish.to() {
                    continue;
                }
                let ballot = Ballot {
                    wish: entry.wish.clone(),
                    number: word.0,
                    force: entry.force,
                };
                let expected = by_wish.entry((subject.clone(), word)).or_insert(Expected {
                    subject,
                    ballot,
                    who: vec![],
                });
                expected.who.push(who);
            }
        }
        let weight = |who: &usize| self.agencies[*who].seat.weight;
        let all = by_wish.into_values();
        all.filter(|expected| self.is_enough(expected.who.iter().map(weight)))
            .collect()
    }

    /// The manifests stay as they are, and everybody is there: soon nothing happens any more, and what a majority wants is so.
    pub(super) fn settle(&mut self) -> Checked {
        for agency in &mut self.agencies {
            agency.sight = Sight::Newest;
        }
        self.chain = self.newest().governance;
        let mut expected = self.expected();
        let (mut rounds, mut quiet) = (0, 0);
        while quiet < QUIET_ROUNDS {
            rounds += 1;
            prop_assert!(
                rounds <= ROUNDS,
                "no end: {:?}",
                self.agencies
                    .iter()
                    .map(|agency| agency.acts(&self.passed))
                    .collect::<Vec<_>>()
            );
            let before = self.facts();
            let ms = if rounds % 4 == 0 { PATIENCE_MS + 1 } else { 1_000 };
            let made = self.block(0, ms)?;
            self.prove(1..=NODES)?;
            let approved = self.people()?;
            quiet = if made + approved == 0 && self.facts() == before {
                quiet + 1
            } else {
                0
            };
            if rounds == 1 {
                // Until everybody has acted on the last manifest, a change may pass that was wanted before.
                let rival = |expected: &Expected| {
                    let passed = self.passed.get(&(expected.subject.clone(), expected.ballot.number));
                    passed.is_some_and(|passed| passed.0 != expected.ballot.wish.to())
                };
                expected.retain(|expected| !rival(expected));
            }
        }
        self.look();
        for expected in &expected {
            self.is_not_lost(expected)?;
        }
        self.nothing_waits_for_an_act()
    }

    /// People vote for what their manifests declare, where that needs them and they want it; how many votes the chain took.
    fn people(&mut self) -> Checked<usize> {
        let mut taken = 0;
        for who in 0..self.agencies.len() {
            let agency = &self.agencies[who];
            if !agency.seat.assents {
                continue;
            }
            let (view, account) = (self.newest(), agency.account);
            let mine = agency.manifest.iter().filter(|entry| {
                let subject = entry.wish.subject();
                let vote = view.governance.vote_of(&subject, &account);
                let has_voted = vote.is_some_and(|vote| (&vote.to, vote.force) == (&entry.wish.to(), entry.force));
                let number = word(entry, &self.passed, &view.governance).0;
                agency.needs_person(entry) && number == view.governance.next_number(&subject) && !has_voted
            });
            let words: Vec<_> = mine.map(|entry| (entry.wish.clone(), entry.force)).collect();
            for open in open(&view, &agency.manifest) {
                if words.contains(&(open.ballot.wish.clone(), open.ballot.force)) {
                    taken += usize::from(self.by_hand(who, open.ballot.clone())?);
                }
            }
        }
        Ok(taken)
    }

    /// It passed with its number, or the chain refuses it and its agencies say so.
    fn is_not_lost(&self, expected: &Expected) -> Checked {
        let Expected { subject, ballot, who } = expected;
        let passed = self.passed.get(&(subject.clone(), ballot.number));
        if passed.is_some_and(|passed| passed.0 == ballot.wish.to()) {
            return Ok(());
        }
        let ballot = Ballot {
            number: self.chain.next_number(subject),
            ..ballot.clone()
        };
        let refusal = self
            .chain
            .clone()
            .vote(self.now, self.agencies[who[0]].account, &ballot, self.now.height);
        prop_assert!(
            matches!(refusal, Err(Refusal::LastSealer | Refusal::Config { .. })),
            "lost: {ballot:?}, {passed:?} instead: {refusal:?}"
        );
        let name = match subject {
            Subject::Config(key) => key.clone(),
            Subject::Node(node) => node.to_string(),
            other => format!("{other:?}"),
        };
        for agency in who.iter().map(|who| &self.agencies[*who]) {
            let is_asked = agency.entry(subject).is_some_and(|entry| agency.needs_person(entry));
            // Given before the chain would have refused it; it counts again when others can vote too.
            let vote = self.chain.vote_of(subject, &agency.account);
            let has_voted = vote.is_some_and(|vote| (&vote.to, vote.force) == (&ballot.wish.to(), ballot.force));
            let changes = agency.agreement().changes;
            let is_shown = changes
                .iter()
                .any(|change| change.subject == name && change.stage == Stage::Refused);
            prop_assert!(
                is_asked || has_voted || is_shown || passed.is_some(),
                "{ballot:?}: {changes:?}"
            );
        }
        Ok(())
    }

    /// What is approved, declared and not carried out lacks something that no agency can give.
    fn nothing_waits_for_an_act(&self) -> Checked {
        let next = Moment {
            height: self.now.height + 1,
            ..self.now
        };
        for pending in self.chain.pending(next) {
            let subject = Subject::Node(pending.node);
            let entries = self.agencies.iter().filter_map(|agency| agency.entry(&subject));
            let is_declared = entries.clone().any(|entry| {
                entry.number < self.chain.next_number(&subject) && entry.wish.to() == Value::Role(pending.to)
            });
            prop_assert!(!is_declared || pending.lacks.is_some(), "{pending:?}");
        }
        Ok(())
    }

    /// All that acts can change.
    fn facts(&self) -> String {
        let pending = self.chain.pending(self.now);
        let pending: Vec<_> = pending.iter().map(|found| (found.id, found.gave_way)).collect();
        let (votes, members) = (self.chain.votes(), self.chain.members());
        let values: Vec<_> = subjects().iter().map(|subject| self.chain.decided(subject)).collect();
        format!("{pending:?} {votes:?} {members:?} {values:?}")
    }
}
