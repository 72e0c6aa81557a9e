//! Liveness is proved, not guessed (LEDGER.md 4).

use std::collections::BTreeSet;

use althing_types::NodeId;

use crate::{Governance, Moment, Outcome, Refusal, Role};

/// A proof may be about one of so many blocks before the one that is made.
pub const PROOF_BLOCKS: u64 = 256;
/// For so long, milliseconds of block time, a proof shows that its node lives.
pub const FRESH_MS: u64 = 60_000;

/// That a node held a block of this group. Whoever makes one has verified the node's signature over the genesis hash, the height
/// and the hash, and that the hash is the chain's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whose it is.
    pub node: NodeId,
    /// The height of the block.
    pub height: u64,
    /// The time of the block, milliseconds since 1970.
    pub unix_ms: u64,
}

impl Governance {
    /// A node has shown that it lives; what waited for that is looked at again. Anybody may bring the proof.
    ///
    /// # Errors
    /// A node in no list of the group, and a block that is too old or not there yet.
    pub fn alive(&mut self, now: Moment, proof: &Proof) -> Result<Outcome, Refusal> {
        self.expire(now);
        if self.role(&proof.node) == Role::Free {
            return Err(Refusal::NotAMember(proof.node));
        }
        if proof.height >= now.height || now.height - proof.height > PROOF_BLOCKS {
            return Err(Refusal::ProofHeight {
                found: proof.height,
                height: now.height,
                accepted: PROOF_BLOCKS,
            });
        }
        let newest = self.proofs.entry(proof.node).or_default();
        *newest = proof.unix_ms.max(*newest);
        self.look(now);
        self.look_at_lease(now);
        Ok(Outcome::Passed)
    }

    /// Who has proved lately to live. Who may be disturbed by a lease does not count, whatever it proved before.
    pub fn live(&self, now: Moment) -> BTreeSet<NodeId> {
        let leased = self
            .lease
            .as_ref()
            .filter(|lease| lease.granted)
            .map(|lease| lease.node);
        let proven = self.proofs.keys().filter(|node| self.is_proven(node, now));
        proven.copied().filter(|node| Some(*node) != leased).collect()
    }

    /// Whether the newest proof of this node still holds.
    pub fn is_proven(&self, node: &NodeId, now: Moment) -> bool {
        let oldest = now.unix_ms.saturating_sub(FRESH_MS);
        self.proofs.get(node).is_some_and(|at| *at >= oldest)
    }
}
