//! Agreement: no two honest nodes have different blocks at one height, and no honest ledger has a gap
//! (Castro and Liskov 1999, section 4.4; LEDGER.md 3: Commit is irrevocable and in order).

use std::collections::BTreeMap;

use alloy_primitives::B256;

use crate::oracle::{Commitment, Verdict, Violation};

/// The first block any honest node committed at each height.
#[derive(Debug, Default)]
pub struct Agreement(BTreeMap<u64, (usize, B256)>);

impl Agreement {
    /// A block was written.
    pub fn committed(&mut self, commitment: &Commitment<'_>) -> Verdict {
        let Commitment { node, block, hash, .. } = *commitment;
        let (first, agreed) = *self.0.entry(block.height).or_insert((node, hash));
        if agreed == hash {
            return Ok(());
        }
        let what = format!(
            "at height {} node {first} has {agreed} and node {node} has {hash}",
            block.height
        );
        Err(Violation {
            invariant: "agreement",
            what,
        })
    }
}
