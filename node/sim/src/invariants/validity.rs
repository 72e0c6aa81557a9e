//! Validity: what is committed extends the chain, executes to what it says, and holds submitted transactions only, each
//! once; and no empty block is committed from view 0 of an honest leader (LEDGER.md 2).

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

use crate::oracle::{Commitment, Verdict, Violation};
use crate::plan::Plan;

/// The chain so far.
#[derive(Debug)]
pub struct Validity {
    chain: BTreeMap<u64, (B256, u64)>,
    submitted: BTreeSet<u64>,
    included: BTreeMap<u64, u64>,
}

impl Validity {
    /// On top of this genesis block.
    pub fn new(genesis: B256) -> Self {
        Self {
            chain: BTreeMap::from([(0, (genesis, 0))]),
            submitted: BTreeSet::new(),
            included: BTreeMap::new(),
        }
    }

    /// A transaction came into being.
    pub fn submitted(&mut self, transaction: u64) {
        self.submitted.insert(transaction);
    }

    /// A block was written.
    pub fn committed(&mut self, commitment: &Commitment<'_>, plan: &Plan) -> Verdict {
        let Commitment {
            node,
            block,
            hash,
            certificate,
        } = *commitment;
        let height = block.height;
        let broken = |what: String| {
            Err(Violation {
                invariant: "validity",
                what: format!("node {node}, height {height}, block {hash}: {what}"),
            })
        };
        let parent = height.checked_sub(1).and_then(|parent| self.chain.get(&parent));
        match parent {
            Some((parent, _)) if *parent != block.parent => return broken(format!("its parent is {parent}")),
            None => return broken("nobody committed its parent".to_owned()),
            Some((_, time)) if *time >= block.unix_ms => return broken(format!("it is not after its parent, {time}")),
            Some(_) => {}
        }
        if block.corrupt {
            return broken("it executes to something else".to_owned());
        }
        for transaction in &block.transactions {
            if !self.submitted.contains(transaction) {
                return broken(format!("nobody submitted transaction {transaction}"));
            }
            let first = *self.included.entry(*transaction).or_insert(height);
            if first != height {
                return broken(format!("transaction {transaction} stands at height {first} already"));
            }
        }
        if certificate.view == 0 && block.transactions.is_empty() && plan.is_honest(usize::from(block.proposer)) {
            return broken("it is empty and of view 0".to_owned());
        }
        self.chain.insert(height, (hash, block.unix_ms));
        Ok(())
    }
}
