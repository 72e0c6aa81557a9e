//! How long an object that failed is left alone: doubling from a second to five minutes, forgotten on success.

use std::collections::BTreeMap;
use std::time::Duration;

use althing_operator::status::{ObjectRef, Progress};
use jiff::Timestamp;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// The failures of the objects of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Backoff(BTreeMap<String, Failures>);

#[derive(Clone, Debug)]
struct Failures {
    count: u32,
    until: Timestamp,
    told: Option<(ObjectRef, Progress)>,
}

impl Backoff {
    /// Whether the object may be tried now.
    pub fn is_open(&self, object: &str, now: Timestamp) -> bool {
        self.0.get(object).is_none_or(|failures| now >= failures.until)
    }

    /// It failed; and what people are told of it, on which object, until it succeeds.
    pub fn failed(&mut self, object: &str, now: Timestamp, told: Option<(ObjectRef, Progress)>) {
        let count = self.0.get(object).map_or(0, |failures| failures.count);
        let pause = FIRST.saturating_mul(1 << count.min(16)).min(LONGEST);
        let failures = Failures {
            count: count.saturating_add(1),
            until: now + pause,
            told,
        };
        self.0.insert(object.to_owned(), failures);
    }

    /// It succeeded, or is not wanted any more.
    pub fn succeeded(&mut self, object: &str) {
        self.0.remove(object);
    }

    /// What people are told of everything that failed, by object.
    pub fn told(&self) -> impl Iterator<Item = &(ObjectRef, Progress)> {
        self.0.values().filter_map(|failures| failures.told.as_ref())
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
    use althing_operator::name::NodeName;
    use althing_operator::status::{Obstacle, Reason};

    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_success_forgets_them() {
        let now = Timestamp::UNIX_EPOCH;
        let mut backoff = Backoff::default();
        let mut pauses = vec![];
        for _ in 0..11 {
            backoff.failed("x", now, None);
            pauses.push(backoff.next(now).unwrap().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(!backoff.is_open("x", now) && backoff.is_open("y", now));
        backoff.succeeded("x");
        assert!(backoff.is_open("x", now) && backoff.next(now).is_none());
    }
    #[test]
    fn the_reason_of_a_failure_is_told_until_it_is_over() {
        let told = |text: &str| {
            let progress = Progress::Reconciling(Obstacle::new(Reason::ApplyRefused, text));
            (ObjectRef::Node(NodeName::new("n").unwrap()), progress)
        };
        let mut backoff = Backoff::default();
        backoff.failed("x", Timestamp::UNIX_EPOCH, Some(told("first")));
        backoff.failed("x", Timestamp::UNIX_EPOCH, Some(told("second")));
        assert_eq!(backoff.told().collect::<Vec<_>>(), [&told("second")]);
        backoff.retain(|object| object != "x");
        assert_eq!(backoff.told().count(), 0);
    }
}
