//! What holds on a chain, as an own node that is in sync told it.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use althing_governance::{DecodeError, Governance, Moment, abi};
use althing_types::GroupId;

use crate::name::NodeName;
use crate::plan::NodeReport;

/// A group's governance after its newest block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainView {
    /// That block.
    pub now: Moment,
    /// What holds; votes that are too old are not in it.
    pub governance: Governance,
}

/// Why an answer of a node is no [`ChainView`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Answer {
    /// The contract does not answer as it should.
    #[error("the contract at {} answered {found} bytes that are no state", abi::ADDRESS)]
    NoState {
        /// How many bytes.
        found: usize,
    },
    /// It refused.
    #[error("the node refused: {message}")]
    Refused {
        /// In its words.
        message: String,
    },
    /// Something else than an answer.
    #[error("the node answered {found}")]
    Other {
        /// What, at most its beginning.
        found: String,
    },
    /// A newer node's state, or a spoilt one.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl ChainView {
    /// From the answer to [`abi::state`] after the block of this height and time (milliseconds since 1970).
    pub fn read(now: Moment, answer: &Bytes) -> Result<Self, Answer> {
        let state = abi::state_in(answer).ok_or(Answer::NoState { found: answer.len() })?;
        let governance = Governance::decode(&state)?.as_of(now);
        Ok(Self { now, governance })
    }
}

/// Who is asked about a group: the own node with the most blocks of those that are in sync.
pub fn teller(reports: &BTreeMap<NodeName, NodeReport>, group: GroupId) -> Option<&NodeName> {
    let told = reports.iter().filter_map(|(node, report)| {
        let word = report.groups.get(&group)?;
        (word.in_sync && word.halted.is_none()).then_some((word.height, node))
    });
    told.max_by_key(|(height, _)| *height).map(|(_, node)| node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::GroupReport;

    #[test]
    fn the_highest_node_in_sync_is_asked_and_none_that_has_halted_or_is_behind() {
        let group = GroupId::try_from(1).unwrap();
        let report = |height, in_sync, halted: Option<&str>| NodeReport {
            groups: BTreeMap::from([(
                group,
                GroupReport {
                    height,
                    in_sync,
                    halted: halted.map(str::to_owned),
                    ..GroupReport::default()
                },
            )]),
            ..NodeReport::default()
        };
        let name = |name: &str| NodeName::new(name).unwrap();
        let mut reports = BTreeMap::from([
            (name("behind"), report(9, false, None)),
            (name("halted"), report(9, true, Some("the disk is full"))),
        ]);
        assert_eq!(teller(&reports, group), None);
        reports.insert(name("a"), report(7, true, None));
        reports.insert(name("b"), report(8, true, None));
        assert_eq!(teller(&reports, group), Some(&name("b")));
        assert_eq!(teller(&reports, GroupId::try_from(2).unwrap()), None);
    }
}
