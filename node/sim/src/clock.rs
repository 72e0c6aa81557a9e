//! Simulated time: a queue of events. Equal times are served in the order they were queued, so a run is a function of
//! its seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Debug)]
struct Due<E> {
    at_ms: u64,
    order: u64,
    event: E,
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.at_ms, self.order) == (other.at_ms, other.order)
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.order).cmp(&(other.at_ms, other.order))
    }
}

/// The time and what is to come.
#[derive(Debug)]
pub(crate) struct Clock<E> {
    now_ms: u64,
    order: u64,
    queue: BinaryHeap<Reverse<Due<E>>>,
}

impl<E> Default for Clock<E> {
    fn default() -> Self {
        Self {
            now_ms: 0,
            order: 0,
            queue: BinaryHeap::new(),
        }
    }
}

impl<E> Clock<E> {
    /// Milliseconds since the run began.
    pub(crate) const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Queues an event.
    pub(crate) fn after(&mut self, ms: u64, event: E) {
        self.order += 1;
        self.queue.push(Reverse(Due {
            at_ms: self.now_ms + ms,
            order: self.order,
            event,
        }));
    }

    /// The next event, if it comes no later than `until_ms`; time goes there.
    pub(crate) fn next(&mut self, until_ms: u64) -> Option<E> {
        if self.queue.peek()?.0.at_ms > until_ms {
            self.now_ms = until_ms;
            return None;
        }
        let Reverse(due) = self.queue.pop()?;
        self.now_ms = due.at_ms;
        Some(due.event)
    }
}
