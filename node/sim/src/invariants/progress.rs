//! Progress after healing: once the network is good and every honest node is up, every honest node commits further
//! blocks within bounded time, liars or not (Castro and Liskov 1999, section 4.5.2).

use crate::oracle::{Verdict, Violation};

/// Blocks every honest node must add after healing.
const BLOCKS: u64 = 3;

/// What must be reached.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    goal: u64,
}

impl Progress {
    /// From the heights of the honest ledgers at the moment of healing.
    pub fn new(heights: impl Iterator<Item = u64>) -> Self {
        Self {
            goal: heights.max().unwrap_or_default() + BLOCKS,
        }
    }

    /// The height every honest node must reach.
    pub const fn goal(&self) -> u64 {
        self.goal
    }

    /// When time is up.
    pub fn judge(&self, heights: impl Iterator<Item = (usize, u64)>, after_ms: u64) -> Verdict {
        let late: Vec<String> = heights
            .filter(|(_, height)| *height < self.goal)
            .map(|(n, height)| format!("node {n} at {height}"))
            .collect();
        if late.is_empty() {
            return Ok(());
        }
        let what = format!(
            "{} s after healing height {} is not reached: {}",
            after_ms / 1_000,
            self.goal,
            late.join(", ")
        );
        Err(Violation {
            invariant: "progress",
            what,
        })
    }
}
