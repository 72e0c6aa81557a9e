//! Manifests for `althing up`, written as a person would write them.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use crate::{Account, SmChain};

/// What signs and hashes in a consortium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Edition {
    /// secp256k1 and Keccak-256.
    Standard,
    /// SM2 and SM3.
    Sm,
}

impl Edition {
    /// As a manifest says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Sm => "SM",
        }
    }

    /// The account that `seed` names, for a chain that has so many blocks.
    pub fn account(self, seed: &str, evm_chain_id: u64, height: u64) -> anyhow::Result<Account> {
        match self {
            Self::Standard => Account::of(seed, evm_chain_id),
            Self::Sm => Account::sm_of(seed, SmChain::new(evm_chain_id, height)?),
        }
    }
}

/// What a group's state root commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    /// A digest of each block's changes.
    Storage,
    /// The Ethereum trie.
    Mpt,
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Its number.
    pub id: u32,
    /// Its sealers, by the numbers of the nodes.
    pub sealers: Vec<usize>,
    /// Its state.
    pub state: StateKind,
}

/// A consortium of one agency whose nodes are `node-0`, `node-1`, …
#[derive(Clone, Debug)]
pub struct Manifests {
    /// How many nodes there are.
    pub nodes: usize,
    /// The groups.
    pub groups: Vec<GroupPlan>,
    /// Transactions a block may have.
    pub max_transactions: u32,
    /// The edition.
    pub edition: Edition,
}

impl Manifests {
    /// Nodes `0..sealers` seal groups 1 to `groups`.
    pub fn uniform(sealers: usize, groups: u32) -> Self {
        let group = |id| GroupPlan {
            id,
            sealers: (0..sealers).collect(),
            state: StateKind::Storage,
        };
        Self {
            nodes: sealers,
            groups: (1..=groups).map(group).collect(),
            max_transactions: 1000,
            edition: Edition::Standard,
        }
    }

    /// The sample's shape (DESIGN.md 8): six nodes; group 1 is sealed by 0 to 3, group 2 by 3 and 4, node 5 is free.
    pub fn like_the_sample() -> Self {
        let group = |id, sealers, state| GroupPlan { id, sealers, state };
        let groups = vec![
            group(1, vec![0, 1, 2, 3], StateKind::Storage),
            group(2, vec![3, 4], StateKind::Mpt),
        ];
        Self {
            nodes: 6,
            groups,
            max_transactions: 1000,
            edition: Edition::Standard,
        }
    }

    /// The documents.
    pub fn render(&self) -> String {
        let mut text = HEAD.replace("EDITION", self.edition.word());
        for node in 0..self.nodes {
            let _ = write!(
                text,
                "---\n{API}\nkind: Node\nmetadata: {{name: node-{node}}}\nspec: {{agency: agency-a}}\n"
            );
        }
        for group in &self.groups {
            let sealers: Vec<String> = group.sealers.iter().map(|node| format!("node-{node}")).collect();
            let state = match group.state {
                StateKind::Storage => "Storage",
                StateKind::Mpt => "MPT",
            };
            let (id, sealers, limit) = (group.id, sealers.join(", "), self.max_transactions);
            let _ = write!(
                text,
                "---\n{API}\nkind: Group\nmetadata: {{name: group-{id}}}\nspec:\n  consortium: trade\n  groupId: {id}\n  genesis:\n    \
                 timestamp: \"2026-01-01T00:00:00Z\"\n    sealers: [{sealers}]\n    \
                 consensus: {{type: PBFT, maxTransactions: {limit}, timeout: 3s}}\n    state: {state}\n    \
                 committee: {{seats: [{{agency: agency-a, weight: 1}}], threshold: 50}}\n    predeploys: [multicall3, create2]\n"
            );
        }
        text
    }

    /// Writes them into a folder.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let file = folder.join("consortium.yaml");
        std::fs::write(&file, self.render()).with_context(|| format!("write {}", file.display()))
    }
}

const API: &str = "apiVersion: althing.dev/v1alpha1";
const HEAD: &str = "apiVersion: althing.dev/v1alpha1
kind: Consortium
metadata: {name: trade}
spec:
  chainId: 20260
  cryptography: EDITION
  registrar: {managed: {validity: 87600h}}
---
apiVersion: althing.dev/v1alpha1
kind: Agency
metadata: {name: agency-a}
spec: {consortium: trade, approval: Manifest}
";
