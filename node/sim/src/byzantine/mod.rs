//! Nodes that lie, one file each. A liar runs the true core, so that it knows what goes on, and changes what leaves it.

mod amnesiac;
mod bad_blocks;
mod equivocator;
mod forger;
mod lying_sync;
mod silent;
mod usurper;
mod world;

pub use amnesiac::Amnesiac;
pub use bad_blocks::BadBlocks;
pub use equivocator::Equivocator;
pub use forger::Forger;
pub use lying_sync::LyingSync;
pub use silent::Silent;
pub use usurper::Usurper;
pub use world::World;

use alloy_primitives::Bytes;
use althing_consensus::Message;

use crate::abstention::Status;
use crate::dice::Dice;
use crate::disk::Stored;

/// What kind of liar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Says nothing, or nothing to some.
    Silent,
    /// Proposes different blocks to different peers, and votes for several.
    Equivocator,
    /// Two nodes run one identity, each known to a part of the others.
    Twins,
    /// Signs for others, jumps to huge views, proposes without justification, replays, sends garbage.
    Forger,
    /// Lets one node decide and forges a new view for the others.
    Usurper,
    /// Votes for whatever it hears of, and forgets its locks.
    Amnesiac,
    /// Claims heights it has not, and answers sync with forged blocks.
    LyingSync,
    /// Proposes blocks that do not execute, come from the future, or stand on another parent.
    BadBlocks,
}

impl Kind {
    /// A random kind.
    pub fn draw(dice: &mut Dice) -> Self {
        const ALL: [Kind; 11] = [
            Kind::Silent,
            Kind::Equivocator,
            Kind::Equivocator,
            Kind::Twins,
            Kind::Forger,
            Kind::Forger,
            Kind::Usurper,
            Kind::Usurper,
            Kind::Amnesiac,
            Kind::LyingSync,
            Kind::BadBlocks,
        ];
        ALL.get(dice.index(ALL.len())).copied().unwrap_or(Kind::Silent)
    }

    /// The liar of this kind; none for twins, who are two honest nodes with one key.
    pub fn liar(self, dice: &mut Dice, identities: usize) -> Option<Box<dyn Liar>> {
        match self {
            Self::Silent => Some(Box::new(Silent::new(dice, identities))),
            Self::Equivocator => Some(Box::<Equivocator>::default()),
            Self::Twins => None,
            Self::Forger => Some(Box::<Forger>::default()),
            Self::Usurper => Some(Box::<Usurper>::default()),
            Self::Amnesiac => Some(Box::<Amnesiac>::default()),
            Self::LyingSync => Some(Box::new(LyingSync)),
            Self::BadBlocks => Some(Box::new(BadBlocks)),
        }
    }
}

/// To whom a liar says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// To everybody else.
    All,
    /// To one identity.
    One(usize),
}

/// What a liar says, to whom.
pub type Said = Vec<(Whom, Bytes)>;

/// A node that lies.
pub trait Liar: std::fmt::Debug + Send {
    /// What leaves instead of this message of the true core.
    fn outgoing(&mut self, world: &mut World<'_>, to: Whom, message: &Message, bytes: Bytes) -> Said {
        let _ = (world, message);
        vec![(to, bytes)]
    }

    /// What it adds on hearing a message.
    fn incoming(&mut self, world: &mut World<'_>, message: &Message) -> Said {
        let _ = (world, message);
        Vec::new()
    }

    /// Where it claims to be.
    fn status(&mut self, world: &mut World<'_>, status: Status) -> Status {
        let _ = world;
        status
    }

    /// What it answers sync.
    fn blocks(&mut self, world: &mut World<'_>, blocks: Vec<Stored>) -> Vec<Stored> {
        let _ = world;
        blocks
    }
}
