//! Frames waiting to be written to one peer on one lane: bounded, and never a reason for a caller to wait.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::api::{Lane, SendOutcome};
use crate::frame::Frame;

/// Signs of life and announcements that wait, at most; more than a few never do.
const MAX_CONTROL: usize = 64;

/// What one wake of the writer takes at most, bytes: enough to fill a socket buffer, little enough to stay fair.
const BATCH_BYTES: usize = 256 << 10;

/// What one wake of the writer takes at most, frames.
const BATCH_FRAMES: usize = 1_024;

/// The queue.
#[derive(Debug)]
pub(crate) struct OutQueue {
    lane: Lane,
    max_frames: usize,
    max_bytes: usize,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    control: VecDeque<Frame>,
    frames: VecDeque<Frame>,
    bytes: usize,
    sequence: u32,
}

/// What became of a pushed frame, and how many frames were lost for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) outcome: SendOutcome,
    pub(crate) lost: u64,
}

impl OutQueue {
    pub(crate) fn new(lane: Lane, max_frames: usize, max_bytes: usize) -> Self {
        Self {
            lane,
            max_frames,
            max_bytes,
            waiting: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Adds a frame of a group. The sequence counts dropped frames too, so that the peer can see what it missed.
    pub(crate) fn push(&self, group: u32, module: u16, payload: Bytes) -> Pushed {
        let mut waiting = self.waiting.lock();
        waiting.sequence = waiting.sequence.wrapping_add(1);
        let frame = Frame {
            group,
            module,
            sequence: waiting.sequence,
            payload,
        };
        let size = frame.wire_bytes();
        let mut lost = 0;
        while waiting.frames.len() >= self.max_frames || waiting.bytes + size > self.max_bytes {
            let oldest = if self.lane == Lane::Consensus {
                waiting.frames.pop_front()
            } else {
                None
            };
            let Some(oldest) = oldest else {
                return Pushed {
                    outcome: SendOutcome::Full,
                    lost: lost + 1,
                };
            };
            waiting.bytes -= oldest.wire_bytes();
            lost += 1;
        }
        let first = waiting.frames.is_empty();
        waiting.bytes += size;
        waiting.frames.push_back(frame);
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
        let outcome = if lost == 0 {
            SendOutcome::Queued
        } else {
            SendOutcome::QueuedDroppingOldest
        };
        Pushed { outcome, lost }
    }

    /// Adds one of the network's own frames; these go first.
    pub(crate) fn push_control(&self, module: u16, payload: Bytes) {
        let mut waiting = self.waiting.lock();
        if waiting.control.len() < MAX_CONTROL {
            waiting.control.push_back(Frame::control(module, payload));
            drop(waiting);
            self.filled.notify_one();
        }
    }

    /// Moves what waits into `batch`, up to a fair amount; waits until there is something.
    pub(crate) async fn take(&self, batch: &mut Vec<Frame>) {
        loop {
            self.take_now(batch);
            if !batch.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self, batch: &mut Vec<Frame>) {
        let mut waiting = self.waiting.lock();
        batch.extend(waiting.control.drain(..));
        let mut bytes = 0;
        while bytes < BATCH_BYTES && batch.len() < BATCH_FRAMES {
            let Some(frame) = waiting.frames.pop_front() else { break };
            bytes += frame.wire_bytes();
            batch.push(frame);
        }
        waiting.bytes -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &OutQueue, payload: usize) -> Pushed {
        queue.push(1, 1, vec![0; payload].into())
    }

    fn sequences(queue: &OutQueue) -> Vec<u32> {
        let mut batch = Vec::new();
        queue.take_now(&mut batch);
        batch.iter().map(|frame| frame.sequence).collect()
    }

    #[test]
    fn a_full_bulk_queue_drops_the_new_frame_and_its_number_is_missed() {
        let queue = OutQueue::new(Lane::Bulk, 2, 1_000);
        assert_eq!(
            push(&queue, 1),
            Pushed {
                outcome: SendOutcome::Queued,
                lost: 0
            }
        );
        assert_eq!(push(&queue, 1).outcome, SendOutcome::Queued);
        assert_eq!(
            push(&queue, 1),
            Pushed {
                outcome: SendOutcome::Full,
                lost: 1
            }
        );
        assert_eq!(sequences(&queue), [1, 2]);
        assert_eq!(push(&queue, 1).outcome, SendOutcome::Queued);
        assert_eq!(sequences(&queue), [4]);
    }

    #[test]
    fn a_full_consensus_queue_drops_its_oldest_frames() {
        let queue = OutQueue::new(Lane::Consensus, 10, 100);
        assert_eq!(push(&queue, 30).outcome, SendOutcome::Queued);
        assert_eq!(push(&queue, 30).outcome, SendOutcome::Queued);
        assert_eq!(
            push(&queue, 80),
            Pushed {
                outcome: SendOutcome::QueuedDroppingOldest,
                lost: 2
            }
        );
        assert_eq!(sequences(&queue), [3]);
        assert_eq!(
            push(&queue, 200),
            Pushed {
                outcome: SendOutcome::Full,
                lost: 1
            }
        );
    }

    #[test]
    fn a_batch_is_bounded_and_signs_of_life_go_first() {
        let queue = OutQueue::new(Lane::Bulk, 5_000, 64 << 20);
        for _ in 0..4_000 {
            assert!(push(&queue, 10).outcome.is_queued());
        }
        queue.push_control(3, Bytes::new());
        let mut batch = Vec::new();
        queue.take_now(&mut batch);
        assert_eq!((batch[0].group, batch.len()), (0, BATCH_FRAMES));
        let mut total = batch.len();
        loop {
            batch.clear();
            queue.take_now(&mut batch);
            if batch.is_empty() {
                break;
            }
            total += batch.len();
        }
        assert_eq!(total, 4_001);
        assert_eq!(queue.waiting.lock().bytes, 0);
    }
}
