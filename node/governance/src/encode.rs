//! The value as bytes, one way only: what the state of a block holds, and what every node hashes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use althing_types::{Address, B256, NodeId};

use crate::lease::Lease;
use crate::membership::{Approved, Blocked, Lapsed};
use crate::vote::Vote;
use crate::{Governance, Moment, Role, Setting, Subject, Value};

/// The first byte; another layout has another one.
const LAYOUT: u8 = 2;

/// Why bytes are not a [`Governance`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another program wrote them.
    #[error("the governance state has layout {found:?}, this program reads {LAYOUT}")]
    Layout {
        /// The first byte.
        found: Option<u8>,
    },
    /// They are no RLP of it.
    #[error("the governance state is spoilt: {0}")]
    Rlp(#[from] alloy_rlp::Error),
    /// A part of it has a form that nothing writes.
    #[error("the governance state is spoilt: {0}")]
    Form(&'static str),
}

#[derive(RlpEncodable, RlpDecodable)]
struct Document {
    genesis: B256,
    /// First, because it is long where it is there at all: what changes often is behind it and moves none of its words.
    accounts: Vec<AccountRow>,
    members: Vec<MemberRow>,
    seats: Vec<SeatRow>,
    threshold: u32,
    epoch: u64,
    config: Vec<ConfigRow>,
    counters: Vec<CounterRow>,
    votes: Vec<VoteRow>,
    ended: Vec<EndedRow>,
    approved: Vec<ApprovedRow>,
    lapsed: Vec<LapsedRow>,
    lease: Vec<LeaseRow>,
    /// 0 for never: block 0 has no calls.
    sealers_changed_at: u64,
    /// 0 for never.
    epoch_since: u64,
}

/// What votes on an account came to, as an operator or as a frozen one.
#[derive(RlpEncodable, RlpDecodable)]
struct AccountRow {
    kind: u8,
    account: Address,
    number: u64,
    /// The first block in which it is an operator, or 1 where it is frozen; 0 where it is neither.
    since: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct MemberRow {
    node: [u8; 64],
    role: u8,
    /// 0 for none: no block is as old.
    proof_ms: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct SeatRow {
    account: Address,
    weight: u32,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ConfigRow {
    key: String,
    value: String,
    since: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct CounterRow {
    kind: u8,
    subject: Vec<u8>,
    number: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct VoteRow {
    kind: u8,
    subject: Vec<u8>,
    account: Address,
    to_kind: u8,
    to: Vec<u8>,
    force: bool,
    height: u64,
    unix_ms: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct EndedRow {
    kind: u8,
    subject: Vec<u8>,
    account: Address,
    height: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ApprovedRow {
    id: B256,
    node: [u8; 64],
    to: u8,
    force: bool,
    first: u64,
    height: u64,
    unix_ms: u64,
    /// None or one.
    tried_ms: Vec<u64>,
    /// None, or a kind with its parts.
    blocked: Vec<u64>,
    blocked_node: Vec<u8>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct LapsedRow {
    node: [u8; 64],
    to: u8,
    force: bool,
    first: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct LeaseRow {
    node: [u8; 64],
    holder: Address,
    reason: String,
    until_ms: u64,
    pause: bool,
    granted: bool,
    height: u64,
    unix_ms: u64,
}

impl Governance {
    /// Its bytes; equal values have equal bytes. Events are not part of it.
    pub fn encode(&self) -> Vec<u8> {
        let members = self.members.iter().map(|(node, role)| MemberRow {
            node: *node.as_bytes(),
            role: *role as u8,
            proof_ms: self.proofs.get(node).copied().unwrap_or(0),
        });
        let document = Document {
            genesis: self.genesis,
            accounts: self.counters.iter().filter_map(|row| self.account_row(row)).collect(),
            members: members.collect(),
            seats: self.seats.iter().map(seat_row).collect(),
            threshold: self.threshold,
            epoch: self.epoch,
            config: self.config.iter().map(config_row).collect(),
            counters: self.counters.iter().filter_map(counter_row).collect(),
            votes: self.votes.iter().flat_map(vote_rows).collect(),
            ended: self.ended.iter().map(ended_row).collect(),
            approved: self.approved.iter().map(approved_row).collect(),
            lapsed: self.lapsed.iter().map(lapsed_row).collect(),
            lease: self.lease.iter().map(lease_row).collect(),
            sealers_changed_at: self.sealers_changed_at.unwrap_or(0),
            epoch_since: self.epoch_since.unwrap_or(0),
        };
        let mut bytes = vec![LAYOUT];
        document.encode(&mut bytes);
        bytes
    }

    fn account_row(&self, (subject, number): (&Subject, &u64)) -> Option<AccountRow> {
        let (account, since) = match subject {
            Subject::Operator(account) => (*account, self.operators.get(account).copied().unwrap_or(0)),
            Subject::Account(account) => (*account, u64::from(self.frozen.contains(account))),
            _ => return None,
        };
        Some(AccountRow {
            kind: subject.parts().0,
            account,
            number: *number,
            since,
        })
    }

    /// The value that has these bytes.
    ///
    /// # Errors
    /// What [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some((&LAYOUT, mut rest)) = bytes.split_first() else {
            return Err(DecodeError::Layout {
                found: bytes.first().copied(),
            });
        };
        let found = Document::decode(&mut rest)?.value()?;
        match rest.is_empty() && found.encode() == bytes {
            true => Ok(found),
            false => Err(DecodeError::Form("it is written in another way than by this program")),
        }
    }
}

impl Document {
    fn value(self) -> Result<Governance, DecodeError> {
        let mut members = BTreeMap::new();
        let mut proofs = BTreeMap::new();
        for row in self.members {
            let node = NodeId::new(row.node);
            members.insert(node, role(row.role)?);
            if row.proof_ms != 0 {
                proofs.insert(node, row.proof_ms);
            }
        }
        let mut votes: BTreeMap<Subject, BTreeMap<Address, Vote>> = BTreeMap::new();
        for row in self.votes {
            let subject = subject(row.kind, &row.subject)?;
            let vote = Vote {
                to: Value::from_parts(row.to_kind, &row.to).ok_or(DecodeError::Form("a vote's value"))?,
                force: row.force,
                at: Moment {
                    height: row.height,
                    unix_ms: row.unix_ms,
                },
            };
            votes.entry(subject).or_default().insert(row.account, vote);
        }
        let counters = self.counters.into_iter();
        let counters = counters.map(|row| Ok((subject(row.kind, &row.subject)?, row.number)));
        let mut counters = counters.collect::<Result<BTreeMap<_, _>, DecodeError>>()?;
        let (mut operators, mut frozen) = (BTreeMap::new(), BTreeSet::new());
        for row in self.accounts {
            let subject = subject(row.kind, row.account.as_slice())?;
            match (&subject, row.since) {
                (_, 0) => {}
                (Subject::Operator(account), since) => drop(operators.insert(*account, since)),
                (Subject::Account(account), _) => drop(frozen.insert(*account)),
                _ => return Err(DecodeError::Form("an account")),
            }
            counters.insert(subject, row.number);
        }
        Ok(Governance {
            genesis: self.genesis,
            members,
            seats: self.seats.into_iter().map(|row| (row.account, row.weight)).collect(),
            threshold: self.threshold,
            epoch: self.epoch,
            epoch_since: Some(self.epoch_since).filter(|height| *height != 0),
            config: self.config.into_iter().map(setting).collect::<Result<_, _>>()?,
            counters,
            votes,
            ended: self.ended.into_iter().map(ended).collect::<Result<_, _>>()?,
            approved: self
                .approved
                .into_iter()
                .map(approved)
                .collect::<Result<VecDeque<_>, _>>()?,
            lapsed: self.lapsed.into_iter().map(lapsed).collect::<Result<_, _>>()?,
            proofs,
            lease: self.lease.into_iter().next().map(lease),
            operators,
            frozen,
            sealers_changed_at: Some(self.sealers_changed_at).filter(|height| *height != 0),
            events: vec![],
        })
    }
}

fn role(number: u8) -> Result<Role, DecodeError> {
    Role::from_number(number).ok_or(DecodeError::Form("a role"))
}

fn subject(kind: u8, name: &[u8]) -> Result<Subject, DecodeError> {
    Subject::from_parts(kind, name).ok_or(DecodeError::Form("a subject"))
}

fn seat_row((account, weight): (&Address, &u32)) -> SeatRow {
    SeatRow {
        account: *account,
        weight: *weight,
    }
}

fn config_row((key, setting): (&String, &Setting)) -> ConfigRow {
    ConfigRow {
        key: key.clone(),
        value: setting.value.clone(),
        since: setting.since,
    }
}

/// A value that is no number would leave open what a block is held to.
fn setting(row: ConfigRow) -> Result<(String, Setting), DecodeError> {
    let number = row.value.parse::<u64>();
    number.map_err(|_| DecodeError::Form("a value of the system configuration"))?;
    let setting = Setting {
        value: row.value,
        since: row.since,
    };
    Ok((row.key, setting))
}

/// Those of accounts have rows of their own.
fn counter_row((subject, number): (&Subject, &u64)) -> Option<CounterRow> {
    if matches!(subject, Subject::Operator(_) | Subject::Account(_)) {
        return None;
    }
    let (kind, subject) = subject.parts();
    Some(CounterRow {
        kind,
        subject,
        number: *number,
    })
}

fn vote_rows<'a>((subject, votes): (&'a Subject, &'a BTreeMap<Address, Vote>)) -> impl Iterator<Item = VoteRow> + 'a {
    votes.iter().map(|(account, vote)| {
        let ((kind, subject), (to_kind, to)) = (subject.parts(), vote.to.parts());
        VoteRow {
            kind,
            subject,
            account: *account,
            to_kind,
            to,
            force: vote.force,
            height: vote.at.height,
            unix_ms: vote.at.unix_ms,
        }
    })
}

fn ended_row(((subject, account), height): (&(Subject, Address), &u64)) -> EndedRow {
    let (kind, subject) = subject.parts();
    EndedRow {
        kind,
        subject,
        account: *account,
        height: *height,
    }
}

fn ended(row: EndedRow) -> Result<((Subject, Address), u64), DecodeError> {
    Ok(((subject(row.kind, &row.subject)?, row.account), row.height))
}

fn approved_row(found: &Approved) -> ApprovedRow {
    let (blocked, blocked_node) = match found.blocked {
        None => (vec![], vec![]),
        Some(Blocked::NotLive(node)) => (vec![0], node.as_bytes().to_vec()),
        Some(Blocked::Quorum { live, needed }) => (vec![1, live as u64, needed as u64], vec![]),
        Some(Blocked::OnceABlock) => (vec![2], vec![]),
        Some(Blocked::LastSealer) => (vec![3], vec![]),
    };
    ApprovedRow {
        id: found.id,
        node: *found.node.as_bytes(),
        to: found.to as u8,
        force: found.force,
        first: found.first,
        height: found.at.height,
        unix_ms: found.at.unix_ms,
        tried_ms: found.tried_ms.into_iter().collect(),
        blocked,
        blocked_node,
    }
}

fn approved(row: ApprovedRow) -> Result<Approved, DecodeError> {
    let spoilt = DecodeError::Form("what blocks a change");
    let blocked = match (row.blocked.as_slice(), row.blocked_node.as_slice()) {
        ([], []) => None,
        ([0], node) => {
            let node = node.try_into().map_err(|_| spoilt)?;
            Some(Blocked::NotLive(NodeId::new(node)))
        }
        ([1, live, needed], []) => Some(Blocked::Quorum {
            live: usize::try_from(*live).map_err(|_| spoilt.clone())?,
            needed: usize::try_from(*needed).map_err(|_| spoilt)?,
        }),
        ([2], []) => Some(Blocked::OnceABlock),
        ([3], []) => Some(Blocked::LastSealer),
        _ => return Err(spoilt),
    };
    Ok(Approved {
        id: row.id,
        node: NodeId::new(row.node),
        to: role(row.to)?,
        force: row.force,
        first: row.first,
        at: Moment {
            height: row.height,
            unix_ms: row.unix_ms,
        },
        tried_ms: row.tried_ms.first().copied(),
        blocked,
    })
}

fn lapsed_row((node, found): (&NodeId, &Lapsed)) -> LapsedRow {
    LapsedRow {
        node: *node.as_bytes(),
        to: found.to as u8,
        force: found.force,
        first: found.first,
    }
}

fn lapsed(row: LapsedRow) -> Result<(NodeId, Lapsed), DecodeError> {
    let found = Lapsed {
        to: role(row.to)?,
        force: row.force,
        first: row.first,
    };
    Ok((NodeId::new(row.node), found))
}

fn lease_row(lease: &Lease) -> LeaseRow {
    LeaseRow {
        node: *lease.node.as_bytes(),
        holder: lease.holder,
        reason: lease.reason.clone(),
        until_ms: lease.until_ms,
        pause: lease.pause,
        granted: lease.granted,
        height: lease.asked.height,
        unix_ms: lease.asked.unix_ms,
    }
}

fn lease(row: LeaseRow) -> Lease {
    Lease {
        node: NodeId::new(row.node),
        holder: row.holder,
        reason: row.reason,
        until_ms: row.until_ms,
        pause: row.pause,
        granted: row.granted,
        asked: Moment {
            height: row.height,
            unix_ms: row.unix_ms,
        },
    }
}
