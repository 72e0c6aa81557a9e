//! What every signature of a sealer is made over.

use alloy_primitives::B256;
use alloy_rlp::{Encodable, RlpEncodable};
use althing_crypto::HashFn;

/// The domain of PBFT's signatures: no signature made for another purpose is a vote, nor the other way round.
pub(crate) const DOMAIN: &str = "althing/pbft/v1";

/// What a sealer signs in a round. Each at most once per height and view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// The leader proposes a block (PRE-PREPARE of the PBFT paper).
    Propose = 0,
    /// A sealer has executed the proposal to what its header says.
    Prepare = 1,
    /// A sealer has seen a quorum of PREPAREs.
    Commit = 2,
    /// A sealer gives up the views below this one (VIEW-CHANGE of the PBFT paper).
    RoundChange = 3,
}

impl Phase {
    /// The phase of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Propose),
            1 => Some(Self::Prepare),
            2 => Some(Self::Commit),
            3 => Some(Self::RoundChange),
            _ => None,
        }
    }
}

/// A tag: {domain, genesis hash, height, view, phase, block hash} (LEDGER.md 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Which ledger: its genesis hash, or [`crate::Domains::at`] of the height.
    pub genesis: B256,
    /// The height.
    pub height: u64,
    /// The view.
    pub view: u64,
    /// The phase.
    pub phase: Phase,
    /// The block's hash; for a round change [`crate::RoundChange::subject`].
    pub subject: B256,
}

#[derive(RlpEncodable)]
struct Signed<'a> {
    domain: &'a str,
    genesis: B256,
    height: u64,
    view: u64,
    phase: u8,
    subject: B256,
}

impl Tag {
    /// The digest that is signed.
    pub fn digest(&self, hash: HashFn) -> B256 {
        let Self {
            genesis,
            height,
            view,
            phase,
            subject,
        } = *self;
        let signed = Signed {
            domain: DOMAIN,
            genesis,
            height,
            view,
            phase: phase as u8,
            subject,
        };
        let mut bytes = Vec::with_capacity(128);
        signed.encode(&mut bytes);
        hash(&bytes)
    }
}
