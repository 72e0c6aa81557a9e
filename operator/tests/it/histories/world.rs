//! The agencies and their chain, and what must hold whenever it changes.

use std::collections::BTreeMap;

use althing_governance::{Ballot, Governance, Moment, Proof, Subject};
use althing_operator::governance::{Call, ChainView, Entry, Voice, open};
use althing_operator::name::AgencyName;
use althing_types::genesis::{Committee, Genesis, Seat};
use althing_types::{Address, B256, GroupId, SealerSet};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::agency::{Agency, Passed};
use super::{Checked, History, Seated, Sight, Step, Want, node, subjects};

/// Sealers are the first of the nodes.
const SEALERS: u8 = 4;

pub(super) struct World {
    pub(super) agencies: Vec<Agency>,
    pub(super) chain: Governance,
    pub(super) now: Moment,
    pub(super) passed: Passed,
    /// The votes that the chain took, and whose they were.
    taken: Vec<(usize, Call)>,
}

impl World {
    pub(super) fn new(history: &History) -> Self {
        let accounts = (1_u8..).map(Address::repeat_byte);
        let seats = accounts.zip(&history.agencies);
        let committee = Committee {
            seats: seats
                .clone()
                .map(|(account, seat)| Seat {
                    account,
                    weight: seat.weight,
                })
                .collect(),
            threshold: history.threshold,
        };
        let chain = Governance::new(&genesis(committee), B256::repeat_byte(9));
        let now = Moment {
            height: 1_000,
            unix_ms: 1_000_000_000,
        };
        let agency = |(account, seat): (Address, &Seated)| Agency {
            seat: *seat,
            account,
            voice: Voice {
                agency: AgencyName::new(format!("agency-{}", account[0])).unwrap(),
                account,
                follows_manifests: !seat.is_manual,
            },
            manifest: vec![],
            commits: vec![vec![]],
            sight: Sight::Newest,
            seen: ChainView {
                now,
                governance: chain.clone(),
            },
            voted: BTreeMap::new(),
            means: BTreeMap::new(),
        };
        Self {
            agencies: seats.map(agency).collect(),
            chain,
            now,
            passed: BTreeMap::new(),
            taken: vec![],
        }
    }

    pub(super) fn step(&mut self, step: &Step) -> Checked {
        self.look();
        let count = self.agencies.len();
        match step {
            Step::Edit {
                who,
                want,
                ahead,
                force,
            } => {
                let all = self.agencies.iter_mut().enumerate();
                for (_, agency) in all.filter(|(index, _)| who.contains(index)) {
                    let wish = want.wish();
                    let number = agency.seen.governance.next_number(&wish.subject());
                    let mut manifest = agency.manifest.clone();
                    manifest.retain(|entry| entry.wish.subject() != wish.subject());
                    manifest.push(Entry {
                        field: format!("{want:?}"),
                        number: number.saturating_add_signed(*ahead).max(1),
                        force: *force && matches!(want, Want::Role(..)),
                        wish,
                    });
                    agency.commit(manifest);
                }
            }
            Step::Revert { who, commits } => {
                let agency = &mut self.agencies[who % count];
                let before = agency.commits[agency.commits.len().saturating_sub(*commits)].clone();
                agency.commit(before);
            }
            Step::Prune { who, want } => {
                let agency = &mut self.agencies[who % count];
                let subject = want.wish().subject();
                let kept = agency.manifest.iter().filter(|entry| entry.wish.subject() != subject);
                agency.commit(kept.cloned().collect());
            }
            Step::PruneAll { who } => self.agencies[who % count].commit(vec![]),
            Step::Turn { who, sight } => self.agencies[who % count].sight = *sight,
            Step::Person { who, choice } => {
                let who = who % count;
                let open = open(&self.newest(), &self.agencies[who].manifest);
                if let Some(open) = open.get(choice % open.len().max(1)) {
                    self.by_hand(who, open.ballot.clone())?;
                }
            }
            Step::Late => self.late()?,
            Step::Prove(nodes) => self.prove(nodes.iter().copied())?,
            Step::Block { first, ms } => drop(self.block(*first, *ms)?),
        }
        Ok(())
    }

    /// A person votes, on the newest block and in the next one; whether the chain takes it.
    pub(super) fn by_hand(&mut self, who: usize, ballot: Ballot) -> Checked<bool> {
        let seen = self.now.height;
        self.now.height += 1;
        self.call(who, &Call::Vote { ballot, seen })
    }

    /// A leader has kept a signed copy of every vote, and now puts them into a block: what was said once is not said again.
    fn late(&self) -> Checked {
        for (who, vote) in &self.taken {
            let taken = vote.play(&mut self.chain.clone(), self.now, self.agencies[*who].account);
            prop_assert!(taken.is_err(), "agency {who} votes a second time: {vote:?}");
        }
        Ok(())
    }

    pub(super) fn newest(&self) -> ChainView {
        ChainView {
            now: self.now,
            governance: self.chain.clone().as_of(self.now),
        }
    }

    /// Who does not see an old chain sees the newest block.
    pub(super) fn look(&mut self) {
        let newest = self.newest();
        for agency in self.agencies.iter_mut().filter(|agency| agency.sight == Sight::Newest) {
            agency.seen = newest.clone();
        }
    }

    /// One block with what everybody does; how much that is.
    pub(super) fn block(&mut self, first: usize, ms: u64) -> Checked<usize> {
        self.look();
        let count = self.agencies.len();
        let turns = (first..first + count).map(|who| who % count);
        let turns = turns.filter(|who| self.agencies[*who].sight != Sight::Away);
        let turns = turns.map(|who| Ok((who, self.agencies[who].acts(&self.passed)?)));
        let turns = turns.collect::<Checked<Vec<_>>>()?;
        // Before the block, as everybody who sends a transaction sees it.
        let passed = self.passed.clone();
        self.now.height += 1;
        self.now.unix_ms += ms;
        let mut made = 0;
        for (who, acts) in turns {
            let mut refused = vec![];
            for act in &acts {
                made += 1;
                let subject = match &act.call {
                    Call::Vote { ballot, .. } => ballot.wish.subject(),
                    Call::Withdraw { subject, .. } => subject.clone(),
                    Call::Advance(_) | Call::AskLease { .. } | Call::ReturnLease { .. } => Subject::Threshold,
                };
                if !self.call(who, &act.call)? {
                    refused.push(subject);
                }
            }
            let agency = &mut self.agencies[who];
            if agency.sight == Sight::Newest {
                agency.has_acted(&refused, &passed);
            }
        }
        Ok(made)
    }

    /// Whether the chain takes it.
    pub(super) fn call(&mut self, who: usize, what: &Call) -> Checked<bool> {
        let before = self.newest().governance;
        let account = self.agencies[who].account;
        let is_taken = what.play(&mut self.chain, self.now, account).is_ok();
        if let (Call::Withdraw { subject, voted_in }, true) = (what, is_taken) {
            let vote = before.vote_of(subject, &account).map(|vote| vote.at.height);
            prop_assert_eq!(vote, Some(*voted_in), "a vote that was not seen is taken back");
        }
        let ballot = match what {
            Call::Vote { ballot, .. } if is_taken => {
                self.taken.push((who, what.clone()));
                let word = (ballot.number, ballot.wish.to(), ballot.force);
                // A vote stands above what was meant before: a person's, and one of who sees an old chain.
                self.agencies[who].means.remove(&ballot.wish.subject());
                self.agencies[who].voted.insert(ballot.wish.subject(), word);
                Some(ballot)
            }
            _ => None,
        };
        self.check(&before, ballot.map(|ballot| (account, ballot)))?;
        Ok(is_taken)
    }

    pub(super) fn prove(&mut self, nodes: impl IntoIterator<Item = u8>) -> Checked {
        let before = self.newest().governance;
        for number in nodes {
            let proof = Proof {
                node: node(number),
                height: self.now.height - 1,
                unix_ms: self.now.unix_ms,
            };
            // Who is in no list of the group is refused.
            drop(self.chain.alive(self.now, &proof));
        }
        self.check(&before, None)
    }

    /// What is decided changes with its number, by one, with a vote, and with those who mean it above the threshold.
    pub(super) fn check(&mut self, before: &Governance, vote: Option<(Address, &Ballot)>) -> Checked {
        let after = self.newest().governance;
        for subject in subjects() {
            let (number, next) = (before.next_number(&subject), after.next_number(&subject));
            if number == next {
                prop_assert_eq!(before.decided(&subject), after.decided(&subject));
                continue;
            }
            let vote = vote.filter(|(_, ballot)| ballot.wish.subject() == subject);
            let (voter, ballot) = vote.ok_or_else(|| TestCaseError::fail(format!("{subject:?} moved by itself")))?;
            let word = (number, ballot.wish.to(), ballot.force);
            prop_assert_eq!((ballot.number, next), (number, number + 1));
            prop_assert_eq!(&after.decided(&subject), &word.1);
            let agrees = |agency: &&Agency| {
                let vote = before.vote_of(&subject, &agency.account);
                agency.account == voter || vote.is_some_and(|vote| (&vote.to, vote.force) == (&word.1, word.2))
            };
            let agreed: Vec<_> = self.agencies.iter().filter(agrees).collect();
            for agency in &agreed {
                let voice = &agency.voice.agency;
                prop_assert_eq!(agency.voted.get(&subject), Some(&word), "{} did not vote so", voice);
                let means = agency.means.get(&subject).filter(|means| means.0 == number);
                prop_assert!(
                    means.is_none_or(|means| *means == word),
                    "{voice} means {means:?}, not {word:?}"
                );
            }
            prop_assert!(self.is_enough(agreed.iter().map(|agency| agency.seat.weight)));
            let other = self.passed.insert((subject, number), (word.1, word.2));
            prop_assert_eq!(other, None, "once a number");
        }
        Ok(())
    }

    pub(super) fn is_enough(&self, weights: impl Iterator<Item = u32>) -> bool {
        let all: u32 = self.agencies.iter().map(|agency| agency.seat.weight).sum();
        weights.sum::<u32>() * 100 > self.chain.threshold() * all
    }
}

fn genesis(committee: Committee) -> Genesis {
    let sealers = SealerSet::new((1..=SEALERS).map(node).collect());
    let plain = Genesis::with_defaults(20_260, GroupId::try_from(1).unwrap(), sealers).unwrap();
    Genesis { committee, ..plain }
}
