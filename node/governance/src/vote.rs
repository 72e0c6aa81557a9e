//! Votes and their tally (GOVERNANCE.md 1).

use althing_types::{Address, BLOCK_LIMIT_BLOCKS};

use crate::membership::Approved;
use crate::{
    Change, ChangeId, Event, Governance, Lapse, Limits, Moment, Outcome, Refusal, Role, Setting, Subject, Value, Wish,
};

/// Blocks after which a vote, or an approval that is not carried out, is too old.
pub const VOTE_BLOCKS: u64 = 10_000;
/// Block time after which it is, milliseconds: seven days.
pub const VOTE_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// The percentages above which a change may pass.
const THRESHOLDS: std::ops::RangeInclusive<u32> = 50..=99;
/// The weights of a seat.
const WEIGHTS: std::ops::RangeInclusive<u32> = 1..=1_000_000;

/// What somebody puts in the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// What is wanted.
    pub wish: Wish,
    /// The number of the change. FISCO's interfaces know none: for them it is the next one.
    pub number: u64,
    /// Whether it is to be carried out without proofs of life, for emergencies.
    pub force: bool,
}

/// A vote that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// What the subject is to be.
    pub to: Value,
    /// Whether without proofs of life.
    pub force: bool,
    /// When it was given.
    pub at: Moment,
}

impl Vote {
    pub(crate) const fn holds(&self, now: Moment) -> bool {
        holds(self.at, now)
    }
}

/// Whether something of then is not too old now.
pub(crate) const fn holds(at: Moment, now: Moment) -> bool {
    now.height.saturating_sub(at.height) < VOTE_BLOCKS && now.unix_ms.saturating_sub(at.unix_ms) < VOTE_MS
}

impl Governance {
    /// A seat votes for a change; the newest vote of a seat on a subject is the one that counts. `seen` is the height of the newest block
    /// that it knew when it decided: a copy of a vote that was signed before the account said something else is no vote (ADR 0030).
    ///
    /// # Errors
    /// Who has no seat, a number that is not the next one, what came too late, what is so already, and what nobody may want.
    pub fn vote(&mut self, now: Moment, account: Address, ballot: &Ballot, seen: u64) -> Result<Outcome, Refusal> {
        self.admit(&account)?;
        self.expire(now);
        let subject = ballot.wish.subject();
        let next = self.next_number(&subject);
        if ballot.number != next {
            return Err(Refusal::Number {
                found: ballot.number,
                next,
            });
        }
        self.is_in_time(now, &account, &subject, seen)?;
        self.check(&ballot.wish)?;
        self.has_room(&account, &subject)?;
        self.has_number(&subject)?;
        let vote = Vote {
            to: ballot.wish.to(),
            force: ballot.force,
            at: now,
        };
        let change = self.change(&ballot.wish, ballot.force);
        let id = change.id(self.genesis, self.epoch);
        self.ended.remove(&(subject.clone(), account));
        self.votes.entry(subject.clone()).or_default().insert(account, vote);
        self.events.push(Event::Voted { account, id });
        if !self.has_passed(&subject, &ballot.wish.to(), ballot.force) {
            return Ok(Outcome::Recorded);
        }
        self.pass(now, change, id);
        Ok(Outcome::Passed)
    }

    /// A seat takes its vote on a subject back: that of the block of this height, and none that it gave since.
    ///
    /// # Errors
    /// Who has no vote there, or another one.
    pub fn withdraw(
        &mut self,
        now: Moment,
        account: Address,
        subject: &Subject,
        voted_in: u64,
    ) -> Result<Outcome, Refusal> {
        self.admit(&account)?;
        self.expire(now);
        let votes = self.votes.get_mut(subject).ok_or(Refusal::Unknown("vote"))?;
        let found = votes.get(&account).ok_or(Refusal::Unknown("vote"))?.at.height;
        if found != voted_in {
            return Err(Refusal::Changed {
                what: "vote",
                seen: voted_in,
                found,
            });
        }
        votes.remove(&account);
        if votes.is_empty() {
            self.votes.remove(subject);
        }
        self.ended.insert((subject.clone(), account), now.height);
        self.events.push(Event::Withdrawn {
            account,
            subject: subject.clone(),
        });
        Ok(Outcome::Recorded)
    }

    /// Whether nothing was decided since that makes a vote void, as far back as that is remembered.
    fn is_in_time(&self, now: Moment, account: &Address, subject: &Subject, seen: u64) -> Result<(), Refusal> {
        if seen > now.height {
            return Err(Refusal::Range {
                what: "the newest block that was known",
                found: seen,
                accepted: "a block that is there",
            });
        }
        let voted = self.vote_of(subject, account).map(|vote| vote.at.height);
        let ended = self.ended.get(&(subject.clone(), *account)).copied();
        let since = [
            (voted, "this account voted on it"),
            (ended, "this account's vote on it ended"),
            (self.epoch_since, "the committee was changed"),
        ];
        let late = since
            .into_iter()
            .find_map(|(height, what)| Some((height.filter(|height| *height > seen)?, what)));
        if let Some((height, what)) = late {
            return Err(Refusal::Late { seen, height, what });
        }
        if now.height - seen > BLOCK_LIMIT_BLOCKS {
            return Err(Refusal::LongAgo {
                seen,
                height: now.height,
                accepted: BLOCK_LIMIT_BLOCKS,
            });
        }
        Ok(())
    }

    /// Forgets what is older than every vote that is still taken.
    pub(crate) fn forget_ended(&mut self, now: Moment) {
        self.ended
            .retain(|_, height| now.height.saturating_sub(*height) <= BLOCK_LIMIT_BLOCKS);
    }

    /// What was open is void under another committee, and so is whatever was signed under this one and comes later.
    pub(crate) fn begin_epoch(&mut self, now: Moment) {
        self.epoch += 1;
        self.epoch_since = Some(now.height);
        self.votes.clear();
        self.ended.clear();
    }

    /// The change that a wish would be now.
    pub fn change(&self, wish: &Wish, force: bool) -> Change {
        let subject = wish.subject();
        Change {
            wish: wish.clone(),
            number: self.next_number(&subject),
            from: self.decided(&subject),
            force,
        }
    }

    /// The identity of a change under the committee of now.
    pub fn id_of(&self, change: &Change) -> ChangeId {
        change.id(self.genesis, self.epoch)
    }

    /// The weight of the votes for a value, and that of all seats.
    pub fn tally(&self, subject: &Subject, to: &Value, force: bool) -> (u64, u64) {
        let votes = self.votes.get(subject).into_iter().flatten();
        let agreed = votes.filter(|(_, vote)| vote.to == *to && vote.force == force);
        let weight = |account: &Address| u64::from(self.seats.get(account).copied().unwrap_or(0));
        let all = self.seats.values().map(|weight| u64::from(*weight)).sum();
        (agreed.map(|(account, _)| weight(account)).sum(), all)
    }

    /// Strictly above the threshold of the weight; where nobody has a seat, one vote is enough.
    fn has_passed(&self, subject: &Subject, to: &Value, force: bool) -> bool {
        let (agreed, all) = self.tally(subject, to, force);
        all == 0 || agreed * 100 > u64::from(self.threshold) * all
    }

    /// What may be wanted at all.
    fn check(&self, wish: &Wish) -> Result<(), Refusal> {
        // Before anything is compared: what was never set is no value that there is already.
        if let Wish::Config(key, value) = wish {
            crate::config::check_setting(key, value)?;
        }
        if self.decided(&wish.subject()) == wish.to() {
            return Err(Refusal::NoChange);
        }
        match wish {
            Wish::Role(node, role) => self.check_role(*role, self.role(node)),
            Wish::Weight(account, weight) => self.check_weight(account, *weight),
            Wish::Threshold(_) if self.seats.is_empty() => Err(Refusal::NoCommittee),
            Wish::Threshold(percent) if THRESHOLDS.contains(percent) => Ok(()),
            Wish::Threshold(percent) => Err(Refusal::Range {
                what: "the threshold",
                found: u64::from(*percent),
                accepted: "50 to 99",
            }),
            Wish::Config(..) => Ok(()),
            Wish::Operator(account, operator) => self.check_operator(account, *operator),
            Wish::Frozen(account, true) if self.seats.contains_key(account) => Err(Refusal::SeatIsNotFrozen(*account)),
            Wish::Frozen(..) => Ok(()),
        }
    }

    fn check_operator(&self, account: &Address, operator: bool) -> Result<(), Refusal> {
        if !operator {
            return Ok(());
        }
        if self.seats.contains_key(account) {
            return Err(Refusal::SeatIsNoOperator(*account));
        }
        match self.operators.len() < Limits::OPERATORS {
            true => Ok(()),
            false => Err(Refusal::Full {
                what: "operators",
                found: self.operators.len(),
                accepted: Limits::OPERATORS,
            }),
        }
    }

    fn check_role(&self, to: Role, from: Role) -> Result<(), Refusal> {
        // A removal that was approved when there were more of them can still be voted down.
        if from == Role::Sealer && to != Role::Sealer && self.sealers().len() == 1 {
            return Err(Refusal::LastSealer);
        }
        if from == Role::Free && self.members.len() >= Limits::MEMBERS && to != Role::Free {
            return Err(Refusal::Full {
                what: "members",
                found: self.members.len(),
                accepted: Limits::MEMBERS,
            });
        }
        Ok(())
    }

    fn check_weight(&self, account: &Address, weight: u32) -> Result<(), Refusal> {
        // The race for the first seat is closed by genesis.
        if self.seats.is_empty() {
            return Err(Refusal::NoCommittee);
        }
        if weight == 0 && self.seats.len() == 1 {
            return Err(Refusal::LastSeat);
        }
        if weight != 0 && self.operators.contains_key(account) {
            return Err(Refusal::OperatorHasNoSeat(*account));
        }
        if weight != 0 && self.frozen.contains(account) {
            return Err(Refusal::FrozenHasNoSeat(*account));
        }
        if weight != 0 && !WEIGHTS.contains(&weight) {
            return Err(Refusal::Range {
                what: "the weight",
                found: u64::from(weight),
                accepted: "0 to 1000000",
            });
        }
        if !self.seats.contains_key(account) && self.seats.len() >= Limits::SEATS {
            return Err(Refusal::Full {
                what: "seats",
                found: self.seats.len(),
                accepted: Limits::SEATS,
            });
        }
        Ok(())
    }

    fn has_room(&self, account: &Address, subject: &Subject) -> Result<(), Refusal> {
        let of_others = self.votes.iter().filter(|(found, _)| *found != subject);
        let open = of_others.filter(|(_, votes)| votes.contains_key(account)).count();
        let ended = self.ended.keys();
        let found = open + ended.filter(|(found, of)| found != subject && of == account).count();
        if found >= Limits::VOTES_OF_AN_ACCOUNT {
            return Err(Refusal::Full {
                what: "votes of this account, open or ended within 1000 blocks",
                found,
                accepted: Limits::VOTES_OF_AN_ACCOUNT,
            });
        }
        if self.approved.len() >= Limits::APPROVED {
            return Err(Refusal::Full {
                what: "approved changes",
                found: self.approved.len(),
                accepted: Limits::APPROVED,
            });
        }
        Ok(())
    }

    /// Numbers stay for good, so that of accounts there are only so many.
    fn has_number(&self, subject: &Subject) -> Result<(), Refusal> {
        let is_account = |subject: &Subject| matches!(subject, Subject::Operator(_) | Subject::Account(_));
        if !is_account(subject) || self.counters.contains_key(subject) {
            return Ok(());
        }
        let found = self.counters.keys().filter(|subject| is_account(subject)).count();
        match found < Limits::ACCOUNTS {
            true => Ok(()),
            false => Err(Refusal::Full {
                what: "accounts that changes were about",
                found,
                accepted: Limits::ACCOUNTS,
            }),
        }
    }

    /// The counter moves and rivals die; then it is carried out, or joins those that are.
    fn pass(&mut self, now: Moment, change: Change, id: ChangeId) {
        let subject = change.wish.subject();
        self.counters.insert(subject.clone(), change.number);
        self.votes.remove(&subject);
        // Whatever was signed before has an older number now.
        self.ended.retain(|(found, _), _| *found != subject);
        self.events.push(Event::Passed { id });
        // What was approved about the same subject before is not what is wanted any more.
        self.drop_approved(&subject);
        match &change.wish {
            Wish::Role(node, role) => {
                let lapsed = self.lapsed.remove(node);
                let again = lapsed.filter(|lapsed| (lapsed.to, lapsed.force) == (*role, change.force));
                self.approved.push_back(Approved {
                    id,
                    node: *node,
                    to: *role,
                    force: change.force,
                    first: again.map_or(change.number, |lapsed| lapsed.first),
                    at: now,
                    tried_ms: None,
                    blocked: None,
                });
                self.look(now);
            }
            Wish::Weight(account, 0) => drop(self.seats.remove(account)),
            Wish::Weight(account, weight) => drop(self.seats.insert(*account, *weight)),
            Wish::Threshold(percent) => self.threshold = *percent,
            Wish::Config(key, value) => {
                let setting = Setting {
                    value: value.clone(),
                    since: now.height.saturating_add(1),
                };
                self.config.insert(key.clone(), setting);
            }
            Wish::Operator(account, true) => drop(self.operators.insert(*account, now.height.saturating_add(1))),
            Wish::Operator(account, false) => drop(self.operators.remove(account)),
            Wish::Frozen(account, true) => drop(self.frozen.insert(*account)),
            Wish::Frozen(account, false) => drop(self.frozen.remove(account)),
        }
        if subject.is_of_the_committee() {
            self.begin_epoch(now);
        }
        if !matches!(subject, Subject::Node(_)) {
            self.events.push(Event::Done { id });
        }
    }

    fn drop_approved(&mut self, subject: &Subject) {
        let Subject::Node(node) = subject else { return };
        let overtaken = self.approved.iter().filter(|found| found.node == *node);
        let overtaken = overtaken.map(|found| Event::Lapsed {
            id: found.id,
            why: Lapse::Overtaken,
        });
        self.events.extend(overtaken.collect::<Vec<_>>());
        self.approved.retain(|found| found.node != *node);
    }
}
