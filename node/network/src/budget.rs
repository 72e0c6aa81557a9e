//! What a peer may cost: rates of its bulk lane, and how long it stays out after offences.

use std::time::Duration;

/// The longest single pause in reading a peer: signs of life have to get through.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// How often a penalty doubles.
const MAX_DOUBLINGS: u32 = 6;

/// A token bucket holding two seconds' worth, for bytes and for frames. Times are durations since any fixed moment.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Bucket,
    frames: Bucket,
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    level: f64,
    at: Duration,
}

impl Bucket {
    fn new(per_second: u64, now: Duration) -> Self {
        let per_second = per_second.max(1) as f64;
        Self {
            per_second,
            level: 2.0 * per_second,
            at: now,
        }
    }

    /// Takes `cost`, below zero if need be, and says how long until it is back at zero.
    fn take(&mut self, cost: usize, now: Duration) -> Duration {
        let earned = now.saturating_sub(self.at).as_secs_f64() * self.per_second;
        self.at = now;
        self.level = (self.level + earned).min(2.0 * self.per_second) - cost as f64;
        if self.level >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-self.level / self.per_second)
        }
    }
}

impl Budget {
    pub(crate) fn new(bytes_per_second: u64, frames_per_second: u64, now: Duration) -> Self {
        Self {
            bytes: Bucket::new(bytes_per_second, now),
            frames: Bucket::new(frames_per_second, now),
        }
    }

    /// Charges what was read; the answer is how long to leave the peer's further bytes unread.
    pub(crate) fn charge(&mut self, bytes: usize, frames: usize, now: Duration) -> Option<Duration> {
        let pause = self.bytes.take(bytes, now).max(self.frames.take(frames, now));
        if pause.is_zero() {
            None
        } else {
            Some(pause.min(MAX_PAUSE))
        }
    }
}

/// The offences of one identity.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offences {
    count: u32,
    out_until: Duration,
}

impl Offences {
    /// Counts an offence at `now`; the first costs `penalty`, each further one twice the last.
    pub(crate) fn add(&mut self, penalty: Duration, now: Duration) {
        self.out_until = now + penalty * 2_u32.pow(self.count.min(MAX_DOUBLINGS));
        self.count = self.count.saturating_add(1);
    }

    /// How long it stays out from `now` on.
    pub(crate) const fn remaining(&self, now: Duration) -> Duration {
        self.out_until.saturating_sub(now)
    }

    /// Whether it behaved for long enough to be forgotten.
    pub(crate) fn is_forgotten(&self, now: Duration) -> bool {
        now.saturating_sub(self.out_until) > Duration::from_secs(600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_peer_within_its_rate_is_never_paused() {
        let mut budget = Budget::new(1_000, 10, Duration::ZERO);
        for second in 1..100 {
            assert_eq!(budget.charge(1_000, 10, second * SECOND), None);
        }
    }

    #[test]
    fn a_peer_over_its_rate_is_paused_by_bytes_or_by_frames() {
        let mut budget = Budget::new(1_000, 10, Duration::ZERO);
        assert_eq!(budget.charge(2_000, 0, Duration::ZERO), None);
        assert_eq!(budget.charge(100, 0, Duration::ZERO), Some(Duration::from_millis(100)));
        assert_eq!(budget.charge(0, 23, Duration::ZERO), Some(Duration::from_millis(300)));
        assert_eq!(budget.charge(1 << 20, 0, Duration::ZERO), Some(MAX_PAUSE));
    }

    #[test]
    fn each_further_offence_doubles_the_penalty_up_to_a_bound() {
        let mut offences = Offences::default();
        for expected in [1, 2, 4, 8, 16, 32, 64, 64] {
            offences.add(SECOND, SECOND);
            assert_eq!(offences.remaining(SECOND), expected * SECOND);
        }
        assert!(!offences.is_forgotten(66 * SECOND));
        assert!(offences.is_forgotten(666 * SECOND));
    }
}
