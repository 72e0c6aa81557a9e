//! The timers of a consensus as deadlines: what [`althing_consensus::Output::Timer`] asked for, kept until due.

use std::collections::BTreeMap;

use althing_consensus::Timer;

/// The deadlines by timer, monotonic milliseconds.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeMap<Timer, u64>);

impl Timers {
    /// Sets or moves a timer.
    pub(super) fn set(&mut self, timer: Timer, at_ms: u64) {
        self.0.insert(timer, at_ms);
    }

    /// Forgets a timer.
    pub(super) fn cancel(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<u64> {
        self.0.values().min().copied()
    }

    /// Takes one timer that is due.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<Timer> {
        let timer = self
            .0
            .iter()
            .filter(|(_, at)| **at <= now_ms)
            .min_by_key(|(_, at)| **at)
            .map(|(timer, _)| *timer)?;
        self.0.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_wakes_once_and_in_the_order_of_deadlines() {
        let mut timers = Timers::default();
        timers.set(Timer::Round, 30);
        timers.set(Timer::Seal, 10);
        timers.set(Timer::Round, 20);
        assert_eq!(timers.next(), Some(10));
        assert_eq!(timers.due(9), None);
        assert_eq!(timers.due(25), Some(Timer::Seal));
        assert_eq!(timers.due(25), Some(Timer::Round));
        assert_eq!(timers.due(25), None);
    }
}
