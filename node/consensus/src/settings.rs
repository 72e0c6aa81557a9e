//! What genesis, votes and the node's configuration say to the consensus.

/// The numbers of a group's consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long round 0 may last, in milliseconds (genesis `timeout`, or what was voted on since). Each later view of a height lasts half as long
    /// again, up to `timeout_ms_max`.
    pub timeout_ms: u64,
    /// The longest round, in milliseconds.
    pub timeout_ms_max: u64,
    /// How long a round may last while its leader is disconnected or missed its last turn, until a proposal is seen.
    pub timeout_ms_absent: u64,
    /// The least time between the parent's commit and the next block, in milliseconds.
    pub seal_pause_ms: u64,
    /// How often an unanswered round change, or a vote of a later view, is sent again, in milliseconds.
    pub resend_ms: u64,
    /// How far ahead of this node's clock a proposal's time may be, in milliseconds.
    pub ahead_ms_max: u64,
}

impl Default for Settings {
    /// LEDGER.md 2 and 3.
    fn default() -> Self {
        Self {
            timeout_ms: 3_000,
            timeout_ms_max: 60_000,
            timeout_ms_absent: 300,
            seal_pause_ms: 100,
            resend_ms: 1_000,
            ahead_ms_max: 15_000,
        }
    }
}

impl Settings {
    /// The defaults with genesis' timeout of round 0.
    pub fn with_timeout_ms(timeout_ms: u64) -> Self {
        let base = Self::default();
        Self {
            timeout_ms: timeout_ms.clamp(1, base.timeout_ms_max),
            ..base
        }
    }

    /// How long a round of this view may last: `timeout × 1.5^view`, at most `timeout_ms_max`.
    pub fn round_ms(&self, view: u64) -> u64 {
        let mut ms = self.timeout_ms.min(self.timeout_ms_max);
        for _ in 0..view {
            if ms >= self.timeout_ms_max {
                break;
            }
            ms = (ms + ms.div_ceil(2)).min(self.timeout_ms_max);
        }
        ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_lasts_three_seconds_times_one_and_a_half_to_the_view_and_at_most_sixty_seconds() {
        let settings = Settings::default();
        let rounds: Vec<u64> = (0..5).map(|view| settings.round_ms(view)).collect();
        assert_eq!(rounds, [3_000, 4_500, 6_750, 10_125, 15_188]);
        assert_eq!(settings.round_ms(8), 60_000);
        assert_eq!(
            settings.round_ms(u64::MAX),
            60_000,
            "a huge view costs no more than a small one"
        );
        assert_eq!(Settings::with_timeout_ms(0).round_ms(0), 1);
    }
}
