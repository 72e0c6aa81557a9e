//! The second half of a run: the network heals, everybody comes back, and progress must follow.

use crate::abstention::PERSON_MS;
use crate::cluster::{Cluster, Event};
use crate::invariants::Progress;
use crate::network::Weather;
use crate::oracle::Violation;

/// How long after healing every honest node must have made progress: a few rounds of the longest length.
const HEALED_MS: u64 = 300_000;
/// How often work comes then.
const WORK_MS: u64 = 400;
/// Events a run may have; no run comes near.
const EVENTS_MAX: u64 = 1_000_000;

impl Cluster {
    /// Runs the chaos and then the calm.
    pub(crate) fn run(&mut self) {
        self.begin();
        self.bring_work();
        self.run_until(self.plan.chaos_ms, |_| false);
        if self.oracle.violation.is_some() {
            return;
        }
        self.heal_everything();
        let progress = Progress::new(self.honest_heights().map(|(_, height)| height));
        let end_ms = self.clock.now_ms() + HEALED_MS;
        while self.clock.now_ms() < end_ms && self.oracle.violation.is_none() {
            self.submit();
            let until_ms = (self.clock.now_ms() + WORK_MS).min(end_ms);
            if self.run_until(until_ms, |cluster| {
                cluster.honest_heights().all(|(_, height)| height >= progress.goal())
            }) {
                return;
            }
        }
        let verdict = progress.judge(self.honest_heights(), HEALED_MS);
        if let Err(violation) = verdict {
            self.oracle.violation.get_or_insert(violation);
        }
    }

    /// Runs until that moment; says whether the goal was reached before.
    fn run_until(&mut self, until_ms: u64, reached: impl Fn(&Self) -> bool) -> bool {
        while let Some(event) = self.clock.next(until_ms) {
            self.happen(event);
            if self.trace.events() > EVENTS_MAX {
                let what = format!("more than {EVENTS_MAX} events: messages beget messages");
                self.oracle.violation.get_or_insert(Violation {
                    invariant: "progress",
                    what,
                });
            }
            if self.oracle.violation.is_some() {
                return false;
            }
        }
        reached(self)
    }

    fn heal_everything(&mut self) {
        self.calm = true;
        self.network.heal();
        self.network.weather = Weather::fair();
        for node in 0..self.nodes.len() {
            self.happen(Event::Restart { node });
        }
        self.links();
        self.clock.after(PERSON_MS, Event::Person);
    }
}
