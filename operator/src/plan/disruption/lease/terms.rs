//! For how long a lease is asked, in block time.

use althing_governance::{LEASE_MS_MAX, Lease};
use jiff::Timestamp;

use crate::governance::ChainView;

/// What must be left of a lease when its node is taken away: a pod's end, its image, its start and its catching up.
const LEFT_MS_MIN: u64 = 20 * 60_000;
/// A lease ends at a whole one of these, so that the act that asks stays the same transaction while it is on its way.
const STEP_MS: u64 = 10 * 60_000;
/// How many steps after the present one a lease ends: 30 to 40 minutes from now, so that it need not be asked for again for 10.
const STEPS: u64 = 4;
/// The same in an announced pause, which may last longer: 50 to 60 minutes, and never longer than the chain allows.
const STEPS_OF_A_PAUSE: u64 = LEASE_MS_MAX / STEP_MS;

/// What is asked for, and what is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// The end to ask for, milliseconds since 1970.
    pub(super) until_ms: u64,
    /// Whether the group is to stand still.
    pub(super) pause: bool,
    /// The earliest end that is enough.
    enough_ms: u64,
}

impl Terms {
    /// As the chain stands, and the pause that is announced and not over.
    pub(super) fn of(view: &ChainView, paused_until: Option<Timestamp>) -> Self {
        let now = view.now.unix_ms;
        let end = |steps: u64| (now / STEP_MS + steps) * STEP_MS;
        let enough_ms = now + LEFT_MS_MIN;
        let stands_still = view.governance.sealers().faults_tolerable() == 0;
        let pause = paused_until.filter(|_| stands_still);
        let pause_ms = pause.map(|until| u64::try_from(until.as_millisecond()).unwrap_or_default());
        match pause_ms {
            None => Self {
                until_ms: end(STEPS),
                pause: false,
                enough_ms,
            },
            Some(pause_ms) => Self {
                until_ms: end(STEPS_OF_A_PAUSE).min(pause_ms),
                pause: true,
                enough_ms: enough_ms.min(pause_ms),
            },
        }
    }

    /// Whether a granted lease is long enough and of the right kind.
    pub(super) const fn accept(&self, lease: &Lease) -> bool {
        lease.until_ms >= self.enough_ms && lease.pause == self.pause
    }
}

#[cfg(test)]
mod tests {
    use althing_governance::{Governance, Moment};
    use althing_types::{B256, Genesis, GroupId, NodeId, SealerSet};

    use super::*;

    fn view(sealers: u8, unix_ms: u64) -> ChainView {
        let sealers = SealerSet::new((0..sealers).map(|i| NodeId::new([i; 64])).collect());
        let genesis = Genesis::with_defaults(20_260, GroupId::try_from(1).unwrap(), sealers).unwrap();
        ChainView {
            now: Moment { height: 1, unix_ms },
            governance: Governance::new(&genesis, B256::ZERO),
        }
    }

    #[test]
    fn an_end_stays_the_same_for_ten_minutes_and_leaves_time_to_catch_up() {
        for minute in 0..60 {
            let at = |minute: u64| Terms::of(&view(4, minute * 60_000), None);
            let terms = at(minute);
            assert!((30..=40).contains(&(terms.until_ms / 60_000 - minute)), "{minute}");
            assert_eq!(terms.until_ms, at(minute - minute % 10).until_ms);
            assert!(terms.until_ms - minute * 60_000 <= LEASE_MS_MAX && !terms.pause);
        }
    }

    #[test]
    fn an_announced_pause_ends_the_lease_of_a_group_that_tolerates_no_fault_and_no_other() {
        let now = 7 * STEP_MS + 1;
        let pause = |minutes: i64| {
            let at = i64::try_from(now).unwrap() + minutes * 60_000;
            Some(Timestamp::from_millisecond(at).unwrap())
        };
        let short = Terms::of(&view(2, now), pause(5));
        assert_eq!(
            (short.until_ms, short.enough_ms, short.pause),
            (now + 300_000, now + 300_000, true)
        );
        let long = Terms::of(&view(2, now), pause(600));
        assert_eq!((long.until_ms, long.enough_ms), (13 * STEP_MS, now + LEFT_MS_MIN));
        assert!(long.until_ms <= now + LEASE_MS_MAX);
        assert!(!Terms::of(&view(4, now), pause(5)).pause);
    }
}
