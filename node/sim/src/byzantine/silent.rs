//! Says nothing: to anybody, or to some.

use alloy_primitives::Bytes;
use althing_consensus::Message;

use super::{Liar, Said, Whom, World};
use crate::dice::Dice;

/// Speaks to a fixed part of the others, perhaps to nobody.
#[derive(Debug)]
pub struct Silent {
    spoken_to: Vec<bool>,
}

impl Silent {
    /// Among so many identities.
    pub fn new(dice: &mut Dice, identities: usize) -> Self {
        let nobody = dice.per_mille(500);
        Self {
            spoken_to: if nobody {
                vec![false; identities]
            } else {
                dice.subset(identities)
            },
        }
    }
}

impl Liar for Silent {
    fn outgoing(&mut self, _: &mut World<'_>, to: Whom, _: &Message, bytes: Bytes) -> Said {
        let speaks = |n: usize| self.spoken_to.get(n) == Some(&true);
        let heard: Vec<usize> = match to {
            Whom::All => (0..self.spoken_to.len()).filter(|n| speaks(*n)).collect(),
            Whom::One(one) => Some(one).filter(|n| speaks(*n)).into_iter().collect(),
        };
        heard.into_iter().map(|n| (Whom::One(n), bytes.clone())).collect()
    }
}
