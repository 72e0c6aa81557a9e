//! No false accusation: evidence names liars only, and no honest node's message is taken for a liar's, however late,
//! early or repeated it comes (LEDGER.md 3: "never penalised").

use althing_consensus::{Evidence, Refusal};
use althing_types::NodeId;

use crate::oracle::{Verdict, Violation};
use crate::plan::Plan;

/// Who is honest.
#[derive(Debug)]
pub struct NoFalseAccusation {
    honest: Vec<NodeId>,
}

impl NoFalseAccusation {
    /// Of this plan.
    pub fn new(plan: &Plan) -> Self {
        let honest = plan
            .ids
            .iter()
            .enumerate()
            .filter(|(n, _)| plan.is_honest(*n))
            .map(|(_, id)| *id)
            .collect();
        Self { honest }
    }

    /// A node found evidence.
    pub fn evidence(&self, by: usize, evidence: &Evidence) -> Verdict {
        self.judge(
            by,
            evidence.offender,
            &format!("of having signed twice {:?} {:?}", evidence.phase, evidence.slot),
        )
    }

    /// A node refused a message.
    pub fn refused(&self, by: usize, sender: NodeId, reason: Refusal) -> Verdict {
        if reason.is_malice() {
            self.judge(by, sender, reason.name())
        } else {
            Ok(())
        }
    }

    fn judge(&self, by: usize, accused: NodeId, of: &str) -> Verdict {
        if !self.honest.contains(&accused) {
            return Ok(());
        }
        let what = format!("node {by} accuses honest {} {of}", accused.short());
        Err(Violation {
            invariant: "no false accusation",
            what,
        })
    }
}
