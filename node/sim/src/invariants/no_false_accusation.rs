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
    /// Who lost its votes before the group began, and may have signed two things at height 1.
    anew: Vec<NodeId>,
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
        let anew = Vec::new();
        Self { honest, anew }
    }

    /// What this node signed was lost before its group began.
    pub fn begins_anew(&mut self, node: NodeId) {
        self.anew.push(node);
    }

    /// A node found evidence.
    pub fn evidence(&self, by: usize, evidence: &Evidence) -> Verdict {
        if evidence.slot.height == 1 && self.anew.contains(&evidence.offender) {
            return Ok(());
        }
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
