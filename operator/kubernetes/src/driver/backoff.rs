//! How long an object that failed is left alone: doubling from a second to five minutes, forgotten on success.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// The failures of the objects of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Backoff(BTreeMap<String, Failures>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    until: Timestamp,
}

impl Backoff {
    /// Whether the object may be tried now.
    pub fn is_open(&self, object: &str, now: Timestamp) -> bool {
        self.0.get(object).is_none_or(|failures| now >= failures.until)
    }

    /// It failed.
    pub fn failed(&mut self, object: &str, now: Timestamp) {
        let count = self.0.get(object).map_or(0, |failures| failures.count);
        let pause = FIRST.saturating_mul(1 << count.min(16)).min(LONGEST);
        let failures = Failures {
            count: count.saturating_add(1),
            until: now + pause,
        };
        self.0.insert(object.to_owned(), failures);
    }

    /// It succeeded, or is not wanted any more.
    pub fn succeeded(&mut self, object: &str) {
        self.0.remove(object);
    }

    /// Whether nothing has failed lately.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets objects that are not wanted any more.
    pub fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.0.retain(|object, _| is_wanted(object));
    }

    /// How long until the first object may be tried again.
    pub fn next(&self, now: Timestamp) -> Option<Duration> {
        let first = self.0.values().map(|failures| failures.until).min()?;
        Some(Duration::try_from(first.duration_since(now)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_success_forgets_them() {
        let now = Timestamp::UNIX_EPOCH;
        let mut backoff = Backoff::default();
        let mut pauses = vec![];
        for _ in 0..11 {
            backoff.failed("x", now);
            pauses.push(backoff.next(now).unwrap().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(!backoff.is_open("x", now) && backoff.is_open("y", now));
        backoff.succeeded("x");
        assert!(backoff.is_open("x", now) && backoff.next(now).is_none());
    }
}
