//! The comparison: what each entry asks of the chain, and what an agency does about it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use althing_governance::{Ballot, ChangeId, Governance, Outcome, Refusal, Subject, Value, Wish};
use althing_types::Address;

use super::{Act, Call, ChainView, Change, Entry, Names, Stage, short, value_text};
use crate::name::{AgencyName, GroupName};
use crate::transaction::Chain;

/// An agency of this namespace, which may vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Its name.
    pub agency: AgencyName,
    /// Its account.
    pub account: Address,
    /// Whether it votes for what the manifests declare; else a person does.
    pub follows_manifests: bool,
}

/// What an agency asks for that has no seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who asks.
    pub agency: AgencyName,
    /// What for. Its field is where an entry that votes for it would stand.
    pub entry: Entry,
}

/// What a comparison is made of, the chain apart.
#[derive(Clone, Copy, Debug)]
pub struct Opinion<'a> {
    /// The group.
    pub group: &'a GroupName,
    /// What its transactions need.
    pub chain: Chain,
    /// What the manifest declares.
    pub entries: &'a [Entry],
    /// What other agencies ask for.
    pub asks: &'a [Ask],
    /// The own agencies, in the order in which they act.
    pub voices: &'a [Voice],
    /// What this namespace calls nodes and accounts.
    pub names: Names<'a>,
}

/// What comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// What own agencies are to do now.
    pub acts: Vec<Act>,
    /// Every change that is open on the chain, or declared and not so.
    pub changes: Vec<Change>,
    /// In what the chain differs from the manifest, and what that waits for, in words.
    pub differences: Vec<String>,
}

/// Compares what is declared with what holds.
pub fn agree(opinion: &Opinion<'_>, chain: &ChainView) -> Agreement {
    let mut comparison = Comparison {
        opinion,
        chain,
        played: chain.governance.clone(),
        acts: vec![],
        changes: BTreeMap::new(),
        differences: vec![],
    };
    comparison.note_open();
    for entry in opinion.entries {
        comparison.take(entry);
    }
    opinion.asks.iter().for_each(|ask| comparison.hear(ask));
    Agreement {
        acts: comparison.acts,
        changes: comparison.changes.into_values().collect(),
        differences: comparison.differences,
    }
}

struct Comparison<'a> {
    opinion: &'a Opinion<'a>,
    chain: &'a ChainView,
    /// The chain with the acts played on it: what it would refuse is not sent.
    played: Governance,
    acts: Vec<Act>,
    changes: BTreeMap<ChangeId, Change>,
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn holds(&self) -> &Governance {
        &self.chain.governance
    }

    /// Whatever is open on the chain, whoever wants it.
    fn note_open(&mut self) {
        let holds = self.holds();
        let mut open = BTreeMap::new();
        for (subject, votes) in holds.votes() {
            for vote in votes.values() {
                let Some(wish) = Wish::of(subject, &vote.to) else {
                    continue;
                };
                let id = holds.id_of(&holds.change(&wish, vote.force));
                open.insert(id, self.change(id, &wish, vote.force, Stage::Voting, None));
            }
        }
        for pending in holds.pending(self.chain.now) {
            let stage = match pending.gave_way {
                true => Stage::GaveWay,
                false => Stage::Approved,
            };
            let lacks = pending.lacks.map(|lacks| lacks.to_string());
            let wish = Wish::Role(pending.node, pending.to);
            let mut change = self.change(pending.id, &wish, false, stage, lacks);
            change.votes = change.needed;
            open.insert(pending.id, change);
        }
        self.changes = open;
    }

    fn change(&self, id: ChangeId, wish: &Wish, force: bool, stage: Stage, blocked_by: Option<String>) -> Change {
        let (subject, to) = (wish.subject(), wish.to());
        Change {
            id: id.to_string(),
            from: value_text(&self.holds().value(&subject)),
            to: value_text(&to),
            votes: self.holds().tally(&subject, &to, force).0,
            needed: self.holds().needed(),
            subject: self.opinion.names.subject(&subject),
            stage,
            blocked_by,
        }
    }

    fn take(&mut self, entry: &Entry) {
        let (subject, to) = (entry.wish.subject(), entry.wish.to());
        let next = self.holds().next_number(&subject);
        let is_decided = self.holds().decided(&subject) == to;
        match (entry.number_on(self.holds()).cmp(&next), is_decided) {
            (Ordering::Less, true) => self.carried_out(entry, &subject, &to),
            (Ordering::Less, false) => {
                let why = format!(
                    "change {} is an older one; what is wanted now has number {next}",
                    entry.number
                );
                self.inert(entry, Stage::StaleManifest, why);
            }
            (Ordering::Greater, _) => {
                let why = format!(
                    "change {} comes after change {next}, which is the next one",
                    entry.number
                );
                self.inert(entry, Stage::TooEarly, why);
            }
            // It wants what is so: a vote for something else is not wanted any more.
            (Ordering::Equal, true) => self.withdraw(&subject, &to),
            (Ordering::Equal, false) => self.vote(entry, &subject),
        }
    }

    /// It was agreed on. A role may take its steps yet.
    fn carried_out(&mut self, entry: &Entry, subject: &Subject, to: &Value) {
        let value = self.holds().value(subject);
        if value == *to {
            return;
        }
        let node = match subject {
            Subject::Node(node) => *node,
            _ => return,
        };
        let pending = self.holds().pending(self.chain.now);
        let Some(pending) = pending.into_iter().find(|pending| pending.node == node) else {
            return;
        };
        if pending.gave_way && pending.lacks.is_none() {
            let voice = self.seated().next().cloned();
            if let Some(voice) = voice {
                // What was planned before it may have taken what it needs: it is looked at again with the next block.
                drop(self.act(&voice, subject, Call::Advance(pending.id)));
            }
        }
        let why = pending.lacks.map_or_else(
            || "it takes its steps".to_owned(),
            |lacks| format!("its next step waits: {lacks}"),
        );
        self.differ(entry, &format!("it is agreed; {why}"));
    }

    fn inert(&mut self, entry: &Entry, stage: Stage, why: String) {
        let mut change = self.holds().change(&entry.wish, entry.force);
        change.number = entry.number;
        let id = self.holds().id_of(&change);
        self.differ(entry, &why);
        let mut shown = self.change(id, &entry.wish, entry.force, stage, Some(why));
        shown.votes = 0;
        self.changes.insert(id, shown);
    }

    fn withdraw(&mut self, subject: &Subject, wanted: &Value) {
        for voice in self.opinion.voices {
            let found = self.holds().vote_of(subject, &voice.account);
            if found.is_some_and(|vote| vote.to != *wanted) {
                self.take_back(voice, subject);
            }
        }
    }

    /// An agency takes its vote back, if it has one.
    fn take_back(&mut self, voice: &Voice, subject: &Subject) {
        let Some(found) = self.holds().vote_of(subject, &voice.account) else {
            return;
        };
        let call = Call::Withdraw {
            subject: subject.clone(),
            voted_in: found.at.height,
        };
        // Refused where it went with a change that passes before it: then it counts no more.
        drop(self.act(voice, subject, call));
    }

    /// Shows what is asked for, as long as the chain could do it and nobody has taken it up. It votes for nothing.
    fn hear(&mut self, ask: &Ask) {
        let entry = &ask.entry;
        let (subject, to) = (entry.wish.subject(), entry.wish.to());
        if entry.number_on(self.holds()) != self.holds().next_number(&subject) || self.holds().decided(&subject) == to {
            return;
        }
        let id = self.holds().id_of(&self.holds().change(&entry.wish, entry.force));
        let why = format!(
            "{} asks for it; an entry {} of change {} votes for it",
            ask.agency, entry.field, entry.number
        );
        let shown = self.change(id, &entry.wish, entry.force, Stage::Asked, Some(why));
        self.changes.entry(id).or_insert(shown);
    }

    /// Every own seat votes, until the change has what it needs.
    fn vote(&mut self, entry: &Entry, subject: &Subject) {
        let ballot = Ballot {
            wish: entry.wish.clone(),
            number: entry.number_on(self.holds()),
            force: entry.force,
        };
        let seated: Vec<Voice> = self.seated().cloned().collect();
        let (mut asked, mut refused) = (vec![], None);
        for voice in &seated {
            if self.chain.governance.has_voted(&voice.account, &ballot) {
                continue;
            }
            // A vote for what was declared before must not count on where a new one cannot take its place. An agency that follows
            // no manifest keeps it: a person gave it.
            if !voice.follows_manifests {
                asked.push(voice.agency.to_string());
                continue;
            }
            if entry.is_for_people() {
                self.take_back(voice, subject);
                asked.push(voice.agency.to_string());
                continue;
            }
            let vote = Call::Vote {
                ballot: ballot.clone(),
                seen: self.chain.now.height,
            };
            match self.act(voice, subject, vote) {
                Ok(Outcome::Passed) => break,
                Ok(Outcome::Recorded) => {}
                Err(refusal) => {
                    self.take_back(voice, subject);
                    refused = Some(refusal.to_string());
                }
            }
        }
        let id = self.holds().id_of(&self.holds().change(&entry.wish, entry.force));
        let (stage, why) = match (refused, asked.is_empty()) {
            (Some(refusal), _) => (Stage::Refused, refusal),
            (None, false) => (
                Stage::AwaitingApproval,
                format!(
                    "a person of {} decides (althing vote {})",
                    asked.join(" and "),
                    short(&id)
                ),
            ),
            (None, true) if seated.is_empty() => (
                Stage::Voting,
                "no agency of this namespace has a seat: those that have one decide".to_owned(),
            ),
            (None, true) => (Stage::Voting, "others have not voted for it yet".to_owned()),
        };
        let shown = self.change(id, &entry.wish, entry.force, stage, Some(why.clone()));
        self.differ(entry, &format!("{} of {} votes; {why}", shown.votes, shown.needed));
        self.changes.insert(id, shown);
    }

    /// The own agencies that may vote: those with a seat; where nobody has one, the first, as anybody may.
    fn seated(&self) -> impl Iterator<Item = &Voice> {
        let seats = self.holds().seats();
        let anybody = seats.is_empty();
        let voices = self.opinion.voices.iter();
        let seated = voices.filter(move |voice| anybody || seats.contains_key(&voice.account));
        seated.take(if anybody { 1 } else { usize::MAX })
    }

    /// Plans a call, if the chain takes it after those planned before it.
    fn act(&mut self, voice: &Voice, subject: &Subject, call: Call) -> Result<Outcome, Refusal> {
        let outcome = call.play(&mut self.played, self.chain.now, voice.account)?;
        self.acts.push(Act {
            group: self.opinion.group.clone(),
            chain: self.opinion.chain,
            agency: voice.agency.clone(),
            subject: self.opinion.names.subject(subject),
            call,
        });
        Ok(outcome)
    }

    fn differ(&mut self, entry: &Entry, why: &str) {
        let subject = entry.wish.subject();
        let (holds, to) = (self.holds().value(&subject), entry.wish.to());
        let text = format!(
            "{}: {} on the chain, {} declared; {why}",
            entry.field,
            shown(&holds),
            shown(&to)
        );
        self.differences.push(text);
    }
}

fn shown(value: &Value) -> String {
    match value_text(value) {
        empty if empty.is_empty() => "unset".to_owned(),
        text => text,
    }
}
