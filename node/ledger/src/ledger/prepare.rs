//! The state root of a candidate block, before anybody has decided for it.

use std::sync::Arc;

use althing_types::genesis::StateKind;
use althing_types::{B256, ChangeSet};

use super::{Head, Inner, Ledger};
use crate::LedgerError;
use crate::state::{Layer, LayeredNodes, StateAt, full_state_hash, net_changes, state_digest, trie_root};

/// A candidate block's state: its root, and all that committing it will write. Several may coexist; cloning shares.
#[derive(Clone, Debug)]
pub struct Prepared {
    layer: Arc<Layer>,
    /// Candidates between the head and this one, oldest first.
    above: Vec<Arc<Layer>>,
}

impl Prepared {
    /// The height it is for.
    pub fn height(&self) -> u64 {
        self.layer.height
    }

    /// The state root that the candidate's header must carry.
    pub fn state_root(&self) -> B256 {
        self.layer.state_root
    }

    pub(super) fn layer(&self) -> &Arc<Layer> {
        &self.layer
    }
}

impl Ledger {
    /// Computes the state root after `changes`, executed on the head, or on an uncommitted candidate `parent` (Aura).
    /// `protocol_version` is the candidate's. Nothing is written.
    ///
    /// [`LedgerError::Stale`] when another block was committed meanwhile.
    pub fn prepare(
        &self,
        parent: Option<&Prepared>,
        protocol_version: u32,
        changes: &ChangeSet,
    ) -> Result<Prepared, LedgerError> {
        let head = self.head();
        let above = unstored(&head, parent)?;
        let stored = StateAt::new(self.inner.clone(), head.height);
        let mut layer = net_changes(&stored, &above, changes)?;
        layer.height = head.height + 1 + above.len() as u64;
        layer.parent_root = above
            .last()
            .map_or_else(|| head.state_root(), |parent| parent.state_root);
        self.inner.finish(&mut layer, &above, protocol_version)?;
        match self.head().height {
            now if now == head.height => Ok(Prepared {
                layer: Arc::new(layer),
                above,
            }),
            now => Err(LedgerError::Stale {
                base: head.height,
                head: now,
            }),
        }
    }
}

impl Inner {
    /// Computes the root of a layer whose changes, height and parent are known.
    pub(super) fn finish(&self, layer: &mut Layer, above: &[Arc<Layer>], version: u32) -> Result<(), LedgerError> {
        match self.genesis.state {
            StateKind::Mpt => {
                let source = LayeredNodes {
                    storage: self.storage.as_ref(),
                    above,
                };
                (layer.state_root, layer.nodes) = trie_root(layer, &source, self.hash)?;
            }
            StateKind::Storage => {
                let due = layer.height > 0 && layer.height.is_multiple_of(self.full_state_interval);
                let full = if due {
                    Some(full_state_hash(self.storage.as_ref(), above, self.hash)?)
                } else {
                    None
                };
                layer.state_root = state_digest(self.hash, version, layer, full);
            }
        }
        Ok(())
    }
}

/// The candidates up to `parent` that are not committed yet. They must stand on the head without a gap.
fn unstored(head: &Head, parent: Option<&Prepared>) -> Result<Vec<Arc<Layer>>, LedgerError> {
    let Some(parent) = parent else { return Ok(Vec::new()) };
    let stale = || LedgerError::Stale {
        base: parent.height(),
        head: head.height,
    };
    let chain = parent.above.iter().chain([&parent.layer]);
    let above: Vec<_> = chain.filter(|layer| layer.height > head.height).cloned().collect();
    match above.first() {
        Some(first) if first.height == head.height + 1 && first.parent_root == head.state_root() => Ok(above),
        None if parent.height() == head.height && parent.state_root() == head.state_root() => Ok(above),
        _ => Err(stale()),
    }
}
