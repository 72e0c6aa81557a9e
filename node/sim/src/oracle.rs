//! What really happened, seen from outside every node, and the invariants that watch it.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use althing_consensus::{Evidence, Message, Refusal};
use althing_types::{CommitCertificate, NodeId};

use crate::block::Block;
use crate::counts::Counts;
use crate::invariants::{Agreement, CertificateQuorum, NoDoubleVote, NoFalseAccusation, Validity};
use crate::plan::Plan;
use crate::suite::Crypto;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// What happened.
    pub what: String,
}

/// The verdict of an invariant.
pub type Verdict = Result<(), Violation>;

/// A block that an honest node wrote to its ledger.
#[derive(Clone, Copy, Debug)]
pub struct Commitment<'a> {
    /// Whose ledger.
    pub node: usize,
    /// The block.
    pub block: &'a Block,
    /// Its hash.
    pub hash: B256,
    /// The certificate stored beside it.
    pub certificate: &'a CommitCertificate,
}

/// All invariants but progress, which is judged after the network has healed.
#[derive(Debug)]
pub struct Oracle {
    agreement: Agreement,
    validity: Validity,
    no_double_vote: NoDoubleVote,
    certificate_quorum: CertificateQuorum,
    no_false_accusation: NoFalseAccusation,
    /// Which set of sealers follows each height.
    epochs: BTreeMap<u64, usize>,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// How often something out of the ordinary happened, to see that runs are rough.
    pub counts: Counts,
}

impl Oracle {
    /// An oracle for a run.
    pub fn new(plan: &Plan, crypto: &Crypto, genesis: B256) -> Self {
        Self {
            agreement: Agreement::default(),
            validity: Validity::new(genesis),
            no_double_vote: NoDoubleVote::default(),
            certificate_quorum: CertificateQuorum::new(crypto, genesis),
            no_false_accusation: NoFalseAccusation::new(plan),
            epochs: BTreeMap::from([(0, 0)]),
            violation: None,
            counts: Counts::default(),
        }
    }

    fn note(&mut self, verdict: Verdict) {
        if let Err(violation) = verdict {
            self.violation.get_or_insert(violation);
        }
    }

    /// An honest node's message left it.
    pub fn sent(&mut self, node: usize, message: &Message, plan: &Plan) {
        if plan.ids.get(node) == message.sender().as_ref() {
            let verdict = self.no_double_vote.sent(node, message);
            self.note(verdict);
        }
    }

    /// A quorum that had not begun freed a node that had lost its votes. They can have decided nothing, so at height 1 it
    /// counts as one of the faults, and what it signs from now on is held against itself only.
    pub fn begins_anew(&mut self, node: usize, plan: &Plan) {
        self.no_double_vote.begins_anew(node);
        if let Some(id) = plan.ids.get(node) {
            self.no_false_accusation.begins_anew(*id);
        }
    }

    /// A transaction was handed to the nodes.
    pub fn submitted(&mut self, transaction: u64) {
        self.validity.submitted(transaction);
    }

    /// An honest node wrote a block.
    pub fn committed(&mut self, commitment: Commitment<'_>, plan: &Plan) {
        self.counts.written += 1;
        self.counts.later_views += u64::from(commitment.certificate.view > 0);
        let height = commitment.block.height;
        let before = height
            .checked_sub(1)
            .and_then(|parent| self.epochs.get(&parent).copied());
        let before = before.unwrap_or_default();
        let after = plan.epoch_after(before, commitment.block);
        let known = self.epochs.insert(height, after).is_some();
        self.counts.membership_changes += u64::from(!known && after != before);
        let sealers = plan.sealers(before);
        for verdict in [
            self.certificate_quorum.committed(&commitment, &sealers),
            self.agreement.committed(&commitment),
            self.validity.committed(&commitment, plan),
        ] {
            self.note(verdict);
        }
    }

    /// An honest node accused another of having signed two things.
    pub fn accused(&mut self, by: usize, evidence: &Evidence) {
        self.counts.evidence += 1;
        let verdict = self.no_false_accusation.evidence(by, evidence);
        self.note(verdict);
    }

    /// An honest node refused another's message.
    pub fn refused(&mut self, by: usize, sender: NodeId, reason: Refusal) {
        self.counts.refused += 1;
        let verdict = self.no_false_accusation.refused(by, sender, reason);
        self.note(verdict);
    }

    /// An honest node's group halted: nothing in a run is a reason for that.
    pub fn halted(&mut self, node: usize, height: u64, reason: &str) {
        let what = format!("node {node} halted at height {height}: {reason}");
        self.note(Err(Violation {
            invariant: "agreement",
            what,
        }));
    }
}
