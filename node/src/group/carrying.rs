//! What a recovery asks of the executor: which blocks it makes, votes for and takes from peers at the recovered height.

use althing_consensus::Slot;
use althing_types::{B256, Block, Recovered};
use tracing::warn;

use super::assemble::{AssembleError, Sealed};
use super::executor::{Executor, ImportError};
use super::recovery::{Carried, Taken, recording};

impl Executor {
    /// What the next block has to carry.
    pub(super) fn to_carry(&self) -> Option<&Taken> {
        let head = self.parts.ledger.head().height;
        self.parts.taken.as_ref().filter(|taken| taken.is_next(head))
    }

    /// The transaction that records a recovery, where the next block has to.
    pub(super) fn first(&self, slot: Slot) -> Option<Recovered> {
        let parts = &self.parts;
        let made = recording(&self.to_carry()?.recovery, &parts.account, parts.suite.hash_fn());
        made.inspect_err(|why| warn!(height = slot.height, "a recovery cannot be recorded: {why}"))
            .ok()
    }

    /// A proposal carries what the sealers that are asked for their votes follow, or it is not voted for.
    pub(super) fn carries(&self, sealed: &Sealed) -> Result<(), AssembleError> {
        let (found, wanted) = (
            sealed.carried.as_ref().map(|carried| carried.digest),
            self.to_carry().map(|taken| taken.digest),
        );
        let word = |digest: Option<B256>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        match found == wanted {
            true => Ok(()),
            false => Err(AssembleError::Invalid(format!(
                "the recovery it carries is {}, this node follows {}",
                word(found),
                word(wanted)
            ))),
        }
    }

    /// The recovery that a peer's block carries. Where this node has taken one up, it has to be that one: this node may have voted for
    /// another block in it.
    pub(super) fn carried_by(&self, block: &Block) -> Result<Option<Carried>, ImportError> {
        let parts = &self.parts;
        let carried = parts.assembler.carried(&parts.ledger, &self.head(), block);
        let carried = carried.map_err(|error| match error {
            AssembleError::Invalid(why) => ImportError::Peer(format!("block {}: {why}", block.height())),
            other => ImportError::Fatal(other.to_string()),
        })?;
        let found = carried.as_ref().map(|carried| carried.digest);
        match self.to_carry().filter(|taken| Some(taken.digest) != found) {
            None => Ok(carried),
            Some(taken) => Err(ImportError::Apart(format!(
                "its block {} does not carry recovery {}; on one of the two sides the data of this group have to go",
                block.height(),
                taken.digest
            ))),
        }
    }
}
