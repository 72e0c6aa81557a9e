//! Deciding a height: by commits, by a relayed certificate, or by what sync imported.

use std::sync::Arc;

use alloy_primitives::B256;
use althing_types::{CommitCertificate, NodeId, SealerSet};

use super::Pbft;
use super::candidates::State;
use crate::{Head, Output, Phase, Recovered, Slot, VoteCertificate};

impl Pbft {
    /// A certificate of the height in flight, relayed because this node showed that it is behind. One that proves nothing
    /// is dropped: it names its signers, not who relayed it.
    pub(super) fn on_committed(&mut self, certificate: Arc<VoteCertificate>) {
        if self.is_quorum_certificate(&certificate, Phase::Commit) {
            self.round.decided.get_or_insert(certificate);
        }
    }

    /// A quorum of COMMITs decides the height, in whatever view. The block must be at hand and have executed; certified
    /// but executing to something else it halts the group here; certified and unknown it is fetched.
    pub(super) fn rule_decide(&mut self) -> bool {
        if self.round.decided.is_none() {
            let Some((view, block)) = self.round.commits.quorum(self.quorum()) else {
                return false;
            };
            let slot = Slot {
                height: self.round.slot.height,
                view,
            };
            self.round.decided = Some(Arc::new(self.round.commits.certificate(slot, Phase::Commit, block)));
        }
        let Some(certificate) = self.round.decided.clone() else {
            return false;
        };
        match self.round.candidates.state(&certificate.block).cloned() {
            Some(State::Valid(next_sealers)) => self.commit(certificate, next_sealers),
            Some(State::Invalid(reason)) => self.halt(&certificate, reason),
            Some(State::Held) => {
                self.execute(certificate.block);
                false
            }
            Some(State::Executing) => false,
            None => {
                self.fetch_decided(&certificate);
                false
            }
        }
    }

    fn fetch_decided(&mut self, certificate: &VoteCertificate) {
        if !self.round.fetched {
            self.round.fetched = true;
            let height = certificate.slot.height;
            self.out.push(Output::Fetch {
                height,
                hash: Some(certificate.block),
                from: self.holders(certificate),
            });
        }
    }

    /// Who should have a certified block: those who committed it.
    pub(super) fn holders(&self, certificate: &VoteCertificate) -> Vec<NodeId> {
        certificate
            .votes
            .iter()
            .map(|vote| vote.sealer)
            .filter(|sealer| *sealer != self.me)
            .collect()
    }

    fn halt(&mut self, certificate: &VoteCertificate, reason: String) -> bool {
        let (height, hash) = (certificate.slot.height, certificate.block);
        self.halted = true;
        self.timers.end_height(&mut self.out);
        self.out.push(Output::Halt { height, hash, reason });
        false
    }

    fn commit(&mut self, certificate: Arc<VoteCertificate>, next_sealers: SealerSet) -> bool {
        let hash = certificate.block;
        let Some(candidate) = self.round.candidates.get(&hash).cloned() else {
            return false;
        };
        let head = Head {
            height: candidate.height,
            hash,
            unix_ms: candidate.unix_ms,
        };
        self.discard_all_but(Some(hash));
        let stored = certificate.to_commit_certificate(&self.sealers);
        self.out.push(Output::Commit {
            hash,
            candidate,
            certificate: stored,
        });
        self.committed_at_ms = Some(self.now.monotonic_ms);
        self.head_certificate = Some(certificate);
        self.enter_height(head, next_sealers);
        true
    }

    fn discard_all_but(&mut self, kept: Option<B256>) {
        let useless: Vec<_> = self
            .round
            .candidates
            .hashes()
            .filter(|hash| Some(*hash) != kept)
            .collect();
        self.out.extend(useless.into_iter().map(Output::Discard));
    }

    /// What a block that sync wrote was certified under; what was thought of its height before does not count any more.
    pub(super) fn learn_recovery(&mut self, height: u64, recovery: Option<B256>) {
        let known = self.domains.recovered().filter(|known| known.height != height);
        let learnt = recovery.map(|digest| Recovered { height, digest });
        self.domains = self.domains.with(learnt.or(known));
    }

    /// Sync wrote blocks: the consensus goes on above them. An import of what was committed here changes nothing; of
    /// another block at the same height it proves a broken ledger.
    pub(super) fn on_imported(
        &mut self,
        head: Head,
        certificate: &CommitCertificate,
        sealers: &SealerSet,
        next_sealers: SealerSet,
    ) {
        let certificate = VoteCertificate::from_commit_certificate(certificate, sealers);
        if head.height == self.head.height && head.hash != self.head.hash {
            self.halt(&certificate, format!("this node has committed {}", self.head.hash));
        }
        if head.height <= self.head.height {
            return;
        }
        let other = self
            .round
            .decided
            .clone()
            .filter(|d| d.slot.height == head.height && d.block != head.hash);
        if let Some(decided) = other {
            self.halt(&decided, format!("sync imported {}", head.hash));
            return;
        }
        self.discard_all_but(None);
        self.committed_at_ms = Some(self.now.monotonic_ms);
        self.head_certificate = Some(Arc::new(certificate));
        self.enter_height(head, next_sealers);
    }
}
