//! Which namespace is looked at next: each at most once at a time, a short pause gathers what changes together.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long changes of one namespace are gathered before it is looked at.
const GATHER: Duration = Duration::from_millis(100);

/// Namespaces that wait for a reconciliation.
#[derive(Debug, Default)]
pub struct Queue {
    inner: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    due: HashMap<String, Instant>,
    running: HashSet<String>,
}

impl Queue {
    fn inner(&self) -> MutexGuard<'_, Waiting> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something in the namespace changed.
    pub fn push(&self, namespace: &str) {
        self.push_after(namespace, GATHER);
    }

    /// The namespace is to be looked at after this long, or sooner.
    pub fn push_after(&self, namespace: &str, delay: Duration) {
        let due = Instant::now() + delay;
        let mut inner = self.inner();
        let known = inner.due.entry(namespace.to_owned()).or_insert(due);
        *known = due.min(*known);
        drop(inner);
        self.changed.notify_one();
    }

    /// Lets [`Queue::next`] look again.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// The next namespace that is due and not being worked on. Whoever takes it calls [`Queue::done`].
    pub async fn next(&self) -> String {
        loop {
            let until = {
                let mut inner = self.inner();
                let waiting = inner.due.iter().filter(|(name, _)| !inner.running.contains(*name));
                let first = waiting
                    .min_by_key(|(_, due)| **due)
                    .map(|(name, due)| (name.clone(), *due));
                match first {
                    Some((name, due)) if due <= Instant::now() => {
                        inner.due.remove(&name);
                        inner.running.insert(name.clone());
                        return name;
                    }
                    Some((_, due)) => Some(due),
                    None => None,
                }
            };
            match until {
                Some(due) => {
                    let _ = tokio::time::timeout_at(due, self.changed.notified()).await;
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// The work on a namespace has ended.
    pub fn done(&self, namespace: &str) {
        self.inner().running.remove(namespace);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changes_that_come_together_are_one_reconciliation() {
        let queue = Queue::default();
        for _ in 0..100 {
            queue.push("a");
        }
        assert_eq!(queue.next().await, "a");
        queue.done("a");
        let again = tokio::time::timeout(Duration::from_secs(60), queue.next()).await;
        assert!(again.is_err(), "nothing else changed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_is_worked_on_once_at_a_time_and_no_change_is_lost() {
        let queue = Queue::default();
        queue.push("a");
        assert_eq!(queue.next().await, "a");
        queue.push("a");
        queue.push("b");
        assert_eq!(queue.next().await, "b", "a is being worked on");
        queue.done("a");
        assert_eq!(queue.next().await, "a", "what changed meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sooner_moment_replaces_a_later_one() {
        let queue = Queue::default();
        queue.push_after("a", Duration::from_secs(600));
        queue.push("a");
        let started = Instant::now();
        assert_eq!(queue.next().await, "a");
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}
