//! No double vote: an honest node signs one thing per height, view and phase, whatever crashes; it never votes in a view
//! it has announced to have left; and a round change never conceals a COMMIT it has sent (DESIGN.md 5.5, LEDGER.md 3).

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use althing_consensus::{Message, Phase, PreparedClaim, Slot};

use crate::oracle::{Verdict, Violation};

#[derive(Debug, Default)]
struct Promises {
    signed: BTreeMap<(Slot, Phase), Option<(u64, B256)>>,
    /// By height: the view last announced.
    announced: BTreeMap<u64, u64>,
    /// By height: the views with a COMMIT.
    committed: BTreeMap<u64, BTreeSet<u64>>,
}

/// What each node has signed.
#[derive(Debug, Default)]
pub struct NoDoubleVote(BTreeMap<usize, Promises>);

impl NoDoubleVote {
    /// What this node signed was lost before its group began.
    pub fn begins_anew(&mut self, node: usize) {
        self.0.remove(&node);
    }

    /// A message of this honest node left it.
    pub fn sent(&mut self, node: usize, message: &Message) -> Verdict {
        let promises = self.0.entry(node).or_default();
        let broken = |what: String| {
            Err(Violation {
                invariant: "no double vote",
                what: format!("node {node}: {what}"),
            })
        };
        let slot = message.slot();
        let (phase, subject) = match message {
            Message::Proposal(proposal) => (Phase::Propose, Some((0, proposal.candidate.hash))),
            Message::Vote(vote) => (vote.phase, Some((0, vote.block))),
            Message::RoundChange(change) => (
                Phase::RoundChange,
                change.change.claim.map(|PreparedClaim { view, block }| (view, block)),
            ),
            Message::Committed(_) => return Ok(()),
        };
        match promises.signed.get(&(slot, phase)) {
            Some(first) if *first != subject => {
                return broken(format!("{phase:?} of {slot:?} for {first:?} and then {subject:?}"));
            }
            // Sent again, verbatim: that is allowed at any time.
            Some(_) => return Ok(()),
            None => promises.signed.insert((slot, phase), subject),
        };
        let announced = promises.announced.get(&slot.height).copied().unwrap_or_default();
        if slot.view < announced {
            return broken(format!("{phase:?} of {slot:?} after it had announced view {announced}"));
        }
        match phase {
            Phase::RoundChange => {
                promises.announced.insert(slot.height, slot.view);
                let views = promises.committed.get(&slot.height);
                let committed = views.and_then(|views| views.range(..slot.view).next_back().copied());
                let claimed = subject.map(|(view, _)| view);
                if claimed < committed {
                    return broken(format!(
                        "round change to {slot:?} claims {claimed:?}, it committed in {committed:?}"
                    ));
                }
            }
            Phase::Commit => {
                promises.committed.entry(slot.height).or_default().insert(slot.view);
            }
            Phase::Propose | Phase::Prepare => {}
        }
        Ok(())
    }
}
