//! The timers: when each runs, and how long.

use std::collections::BTreeSet;

use althing_types::NodeId;

use super::Pbft;
use crate::{Message, Now, Output, PersistId, Phase, Settings, Timer, To};

/// One timer, with the moment it was set to. A wake that comes early (rounding) or late (overtaken) is known as such.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    due_ms: Option<u64>,
}

impl Alarm {
    pub(super) fn set(&mut self, now: Now, after_ms: u64, timer: Timer, out: &mut Vec<Output>) {
        self.due_ms = Some(now.monotonic_ms.saturating_add(after_ms));
        out.push(Output::Timer { timer, after_ms });
    }

    pub(super) fn set_if_idle(&mut self, now: Now, after_ms: u64, timer: Timer, out: &mut Vec<Output>) {
        if self.due_ms.is_none() {
            self.set(now, after_ms, timer, out);
        }
    }

    pub(super) fn cancel(&mut self, timer: Timer, out: &mut Vec<Output>) {
        if self.due_ms.take().is_some() {
            out.push(Output::Cancel { timer });
        }
    }

    /// Whether its moment has come; it is idle then. Woken early it is set to what is left.
    pub(super) fn is_due(&mut self, now: Now, timer: Timer, out: &mut Vec<Output>) -> bool {
        match self.due_ms {
            None => false,
            Some(due) if now.monotonic_ms >= due => {
                self.due_ms = None;
                true
            }
            Some(due) => {
                out.push(Output::Timer {
                    timer,
                    after_ms: due - now.monotonic_ms,
                });
                false
            }
        }
    }

    /// A wake whose only purpose is that the rules look again.
    pub(super) fn wake(&mut self, now: Now, timer: Timer, out: &mut Vec<Output>) {
        self.is_due(now, timer, out);
    }
}

/// All timers.
#[derive(Debug, Default)]
pub(super) struct Timers {
    pub(super) round: Alarm,
    pub(super) seal: Alarm,
    pub(super) resend: Alarm,
    pub(super) behind: Alarm,
}

impl Timers {
    pub(super) fn running(&self) -> Vec<Timer> {
        let all = [
            (&self.round, Timer::Round),
            (&self.seal, Timer::Seal),
            (&self.resend, Timer::Resend),
            (&self.behind, Timer::Behind),
        ];
        all.into_iter()
            .filter(|(alarm, _)| alarm.due_ms.is_some())
            .map(|(_, timer)| timer)
            .collect()
    }

    pub(super) fn end_round(&mut self, out: &mut Vec<Output>) {
        self.round.cancel(Timer::Round, out);
        self.seal.cancel(Timer::Seal, out);
        self.resend.cancel(Timer::Resend, out);
    }

    pub(super) fn end_height(&mut self, out: &mut Vec<Output>) {
        self.end_round(out);
        self.behind.cancel(Timer::Behind, out);
    }
}

impl Pbft {
    /// Brings the timers in line with the state, after the rules.
    pub(super) fn keep_timers(&mut self) {
        if self.round_timer_runs() {
            let after_ms = self.round_ms();
            self.timers
                .round
                .set_if_idle(self.now, after_ms, Timer::Round, &mut self.out);
        } else {
            self.timers.round.cancel(Timer::Round, &mut self.out);
        }
        if self.resend_timer_runs() {
            let after_ms = self.settings.resend_ms;
            self.timers
                .resend
                .set_if_idle(self.now, after_ms, Timer::Resend, &mut self.out);
        } else {
            self.timers.resend.cancel(Timer::Resend, &mut self.out);
        }
        self.keep_behind_timer();
    }

    /// The round timer runs only when a valid proposal was seen at this height, or an executable transaction forwarded to
    /// the leader waits, or f + 1 round changes arrived. In a view entered by a round change also a quorum must have got
    /// there (PBFT 4.5.2): a node that cannot reach the others does not run away from them, view after view.
    fn round_timer_runs(&self) -> bool {
        let view = self.round.slot.view;
        let changed = self.round.round_changes.count_from(view.max(1)) >= self.one_honest();
        let reason = self.round.proposal_seen || self.reasons.wait_for_leader() || changed;
        let together = view == 0 || self.round.accepted.is_some() || self.present_from(view) >= self.quorum();
        self.may_vote() && reason && together
    }

    /// How many sealers, this one included, are known to have reached this view: by a round change, or by a vote, which is
    /// all that a sealer shows that followed a justified proposal there.
    fn present_from(&self, view: u64) -> usize {
        let round = &self.round;
        let changed = round.round_changes.senders_from(view);
        let voted = round
            .prepares
            .senders_from(view)
            .chain(round.commits.senders_from(view));
        let present: BTreeSet<NodeId> = changed.chain(voted).chain([self.me]).collect();
        present.len()
    }

    /// How long this round may last. A leader who is disconnected, or missed its last turn, gets little time until it
    /// proposes, so a dead sealer does not cost every n-th height a full timeout. This node's own knowledge decides,
    /// which is safe; and only in the first circle of leaders, so that a slow network is given time in the end.
    fn round_ms(&self) -> u64 {
        let view = self.round.slot.view;
        let full = self.settings.round_ms(view);
        let first_circle = usize::try_from(view).is_ok_and(|view| view < self.sealers.len());
        let absent = self.leader().is_some_and(|leader| {
            leader != self.me && (!self.connected.contains(&leader) || self.missed.contains(&leader))
        });
        if absent && first_circle && self.round.accepted.is_none() {
            full.min(self.settings.timeout_ms_absent)
        } else {
            full
        }
    }

    /// A proposal has come: the round gets its full time from now.
    pub(super) fn extend_round_timer(&mut self) {
        if self.may_vote() {
            let after_ms = self.settings.round_ms(self.round.slot.view);
            self.timers.round.set(self.now, after_ms, Timer::Round, &mut self.out);
        }
    }

    /// Rounds may last longer, or less long, from now on; the rules set the timer of a round under way again.
    pub(super) fn on_timeout(&mut self, timeout_ms: u64) {
        let agreed = Settings::with_timeout_ms(timeout_ms).timeout_ms;
        if self.settings.timeout_ms != agreed {
            self.settings.timeout_ms = agreed;
            self.timers.round.cancel(Timer::Round, &mut self.out);
        }
    }

    /// The round took too long.
    pub(super) fn on_round_timer(&mut self) {
        if !self.timers.round.is_due(self.now, Timer::Round, &mut self.out) || !self.round_timer_runs() {
            return;
        }
        self.round.timed_out = true;
        if let Some(leader) = self.leader().filter(|leader| *leader != self.me) {
            self.missed.insert(leader);
        }
        self.give_up_view();
    }

    /// In a later view, where the network or the leader has failed before, what this node said there is repeated: a round
    /// change until the view's leader has proposed, votes until the view ends.
    fn resend_timer_runs(&self) -> bool {
        self.may_vote() && (self.repeats_change() || !self.votes_to_repeat().is_empty())
    }

    fn votes_to_repeat(&self) -> Vec<(Message, Option<PersistId>)> {
        let view = self.round.slot.view;
        [Phase::Prepare, Phase::Commit]
            .iter()
            .filter_map(|phase| self.round.own.get(phase))
            .filter(|own| view > 0 && own.view == view)
            .map(|own| (own.message.clone(), own.after))
            .collect()
    }

    fn repeats_change(&self) -> bool {
        let view = self.round.slot.view;
        let current = self
            .round
            .own_change
            .as_ref()
            .is_some_and(|own| own.change.slot.view == view);
        current && self.round.accepted.is_none() && !self.round.has_signed(Phase::Propose, view)
    }

    pub(super) fn on_resend_timer(&mut self) {
        if !self.timers.resend.is_due(self.now, Timer::Resend, &mut self.out) || !self.may_vote() {
            return;
        }
        if self.repeats_change() {
            self.send_round_change();
        }
        for (vote, after) in self.votes_to_repeat() {
            self.send(To::All, &vote, after);
        }
    }
}
