//! One live connection: a reader that never waits for anybody but its peer, and a writer that sends what waits in one go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use althing_types::NodeId;
use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::api::Lane;
use crate::budget::Budget;
use crate::frame::{CONTROL_GROUP, CONTROL_PAYLOAD_BYTES, Frame, control, take_frame};
use crate::hello::decode_groups;
use crate::queue::OutQueue;
use crate::refusal::{Refusal, RefusalReason};
use crate::routes::Delivery;
use crate::shared::{Shared, unix_ms};
use crate::shown::Shown;
use crate::tls::VerifiedPeer;
use crate::verify::verify_peer;

/// What one read asks for; the buffer grows by this as bytes arrive, never by what a header promises.
const READ_BYTES: usize = 16 << 10;

/// Payloads from this length on are written from where they are instead of being copied into the batch.
const WRITE_DIRECT_BYTES: usize = 16 << 10;

/// What certificates shown again are charged as, frames: checking a chain costs as much as reading that many.
const SHOWN_COST_FRAMES: usize = 500;

/// How long a closing connection has to say so to its peer.
const GOODBYE: Duration = Duration::from_millis(500);

/// The stream under a connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Which process made a connection, from which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The peer's instance: another one after each restart of its process.
    pub(crate) instance: u64,
    pub(crate) dialled_by_us: bool,
}

/// A live connection, as the table of peers holds it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) lane: Lane,
    /// Whose key is at the far end; it stays for as long as the connection.
    pub(crate) node_id: NodeId,
    /// What it showed last.
    peer: ArcSwap<VerifiedPeer>,
    pub(crate) origin: Origin,
    pub(crate) address: SocketAddr,
    pub(crate) queue: OutQueue,
    /// Ends reader and writer.
    pub(crate) stop: CancellationToken,
    /// Rings on each sign of life that was asked for.
    pub(crate) pong: Notify,
    /// Milliseconds of the network's clock when bytes last came in.
    last_received: AtomicU64,
    /// Milliseconds of the network's clock when the running write began; 0 when none runs.
    writing_since: AtomicU64,
}

impl Connection {
    pub(crate) fn new(shared: &Shared, lane: Lane, peer: VerifiedPeer, origin: Origin, address: SocketAddr) -> Self {
        let limits = &shared.config.limits;
        Self {
            id: shared.next_connection(),
            lane,
            node_id: peer.identity.node_id,
            peer: ArcSwap::from_pointee(peer),
            origin,
            address,
            queue: OutQueue::new(lane, limits.queue_frames, limits.queue_bytes),
            stop: shared.stop.child_token(),
            pong: Notify::new(),
            last_received: AtomicU64::new(shared.now_ms()),
            writing_since: AtomicU64::new(0),
        }
    }

    /// The certificates that the peer showed last.
    pub(crate) fn peer(&self) -> Arc<VerifiedPeer> {
        self.peer.load_full()
    }

    /// Ends it; `why` is for the log.
    pub(crate) fn close(&self, why: &str) {
        if !self.stop.is_cancelled() {
            let (node_id, lane) = (self.node_id.short(), self.lane.as_str());
            tracing::info!(
                peer = node_id,
                agency = self.peer().identity.agency,
                lane,
                why,
                "connection closed"
            );
            self.stop.cancel();
        }
    }

    /// Looks after the connection at `now` (milliseconds): asks a silent peer for a sign of life, gives up a dead one.
    pub(crate) fn tend(&self, now: u64, heartbeat: Duration, idle: Duration) {
        let silent = Duration::from_millis(now.saturating_sub(self.last_received.load(Ordering::Relaxed)));
        let writing = match self.writing_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(now.saturating_sub(since)),
        };
        if silent > idle {
            self.close("the peer is silent");
        } else if writing > idle {
            self.close("the peer does not take what we write");
        } else if silent >= heartbeat {
            self.queue.push_control(control::PING, Bytes::new());
        }
    }

    /// Whether the peer answers within `patience`. A connection that does not is closed.
    pub(crate) async fn probe(&self, patience: Duration) -> bool {
        let answered = self.pong.notified();
        tokio::pin!(answered);
        answered.as_mut().enable();
        self.queue.push_control(control::PING, Bytes::new());
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = answered => true,
            () = tokio::time::sleep(patience) => {
                self.close("a second connection arrived and this one does not answer");
                false
            }
        }
    }

    /// Reads and writes until either side ends it. `buffer` holds what came in behind the hello.
    pub(crate) async fn run<S: Stream>(&self, shared: &Shared, stream: S, buffer: BytesMut) {
        let (from_peer, to_peer) = tokio::io::split(stream);
        let reading = async {
            let end = tokio::select! {
                () = self.stop.cancelled() => return,
                end = self.read(shared, from_peer, buffer) => end,
            };
            match end {
                End::Lost(why) => self.close(&why),
                End::Offence(refusal) => {
                    shared.offend(self.node_id);
                    shared.refuse(
                        &refusal.of(self.node_id),
                        self.address.ip(),
                        shared.direction(self.origin),
                    );
                    self.close("what the peer sent is malformed");
                }
            }
        };
        tokio::join!(reading, self.write_until_stopped(shared, to_peer));
    }

    async fn read<S: Stream>(&self, shared: &Shared, mut from_peer: ReadHalf<S>, mut buffer: BytesMut) -> End {
        let limits = &shared.config.limits;
        let mut budget = Budget::new(limits.bytes_per_second, limits.frames_per_second, shared.now());
        loop {
            let taken = match self.take_frames(shared, &mut buffer) {
                Ok(taken) => taken,
                Err(refusal) => return End::Offence(refusal),
            };
            if let Some(pause) = budget.charge(taken.bytes, taken.frames + taken.surcharge, shared.now()) {
                shared.metrics.throttled.inc();
                tokio::time::sleep(pause).await;
            }
            buffer.reserve(READ_BYTES);
            match from_peer.read_buf(&mut buffer).await {
                Ok(0) => return End::Lost("the peer closed it".to_owned()),
                Ok(_) => self.last_received.store(shared.now_ms(), Ordering::Relaxed),
                Err(error) => return End::Lost(error.to_string()),
            }
        }
    }

    fn take_frames(&self, shared: &Shared, buffer: &mut BytesMut) -> Result<Taken, Refusal> {
        let limit_of = |group, module| match group {
            CONTROL_GROUP => CONTROL_PAYLOAD_BYTES,
            _ => shared.config.limits.payload_bytes_of(module),
        };
        let mut taken = Taken::default();
        while let Some(frame) =
            take_frame(buffer, limit_of).map_err(|error| Refusal::new(RefusalReason::Malformed, error.to_string()))?
        {
            taken.frames += 1;
            taken.bytes += frame.wire_bytes();
            if (frame.group, frame.module) == (CONTROL_GROUP, control::SHOWN) {
                taken.surcharge += SHOWN_COST_FRAMES;
            }
            self.receive(shared, frame)?;
        }
        if taken.frames > 0 {
            let metrics = shared.metrics.lane(self.lane);
            metrics.received_frames.inc_by(taken.frames as u64);
            metrics.received_bytes.inc_by(taken.bytes as u64);
        }
        Ok(taken)
    }

    fn receive(&self, shared: &Shared, frame: Frame) -> Result<(), Refusal> {
        if frame.group == CONTROL_GROUP {
            return self.receive_control(shared, frame);
        }
        match shared.routes.deliver(self.node_id, self.lane, frame) {
            Delivery::Delivered => {}
            Delivery::Full => drop(shared.metrics.inbound_full.inc()),
            Delivery::Unclaimed => drop(shared.metrics.inbound_unclaimed.inc()),
        }
        Ok(())
    }

    fn receive_control(&self, shared: &Shared, frame: Frame) -> Result<(), Refusal> {
        match frame.module {
            control::PING => self.queue.push_control(control::PONG, Bytes::new()),
            control::PONG => self.pong.notify_waiters(),
            // Only this lane carries announcements, so that an older one never overtakes a newer one.
            control::GROUPS if self.lane == Lane::Consensus => {
                let groups = decode_groups(frame.payload)?;
                shared.watch_genesis(&self.node_id, &groups);
                shared.table.set_groups(self, groups);
            }
            control::SHOWN => self.receive_shown(shared, Shown::decode(frame.payload)?)?,
            other => {
                let detail = format!(
                    "control frame {other} on the {} lane, which has no place there",
                    self.lane.as_str()
                );
                return Err(Refusal::new(RefusalReason::Malformed, detail));
            }
        }
        Ok(())
    }

    /// Takes what the peer shows from now on, if we would let it in with that. If not, what it showed before counts on: a chain
    /// certificate that we do not trust yet costs nobody a connection.
    fn receive_shown(&self, shared: &Shared, shown: Shown) -> Result<(), Refusal> {
        let credentials = shared.credentials.load();
        let (direction, time) = (shared.direction(self.origin), unix_ms() / 1_000);
        if shared.table.set_trust(&self.node_id, shown.trust_hash) {
            // What it did not trust before, it may trust now.
            shared.show_to(&self.node_id, &credentials);
        }
        let verified = verify_peer(&shown.chain, &credentials.trust, &credentials.lists, time, direction);
        match verified {
            Ok(identity) if identity.node_id == self.node_id => {
                self.peer.store(Arc::new(VerifiedPeer {
                    identity,
                    chain: shown.chain,
                    verified_at: time,
                }));
            }
            Ok(other) => {
                let detail = format!("certificates shown again are of {}, not of the peer", other.node_id);
                return Err(Refusal::new(RefusalReason::IdentityMismatch, detail));
            }
            Err(refusal) => shared.refuse(&refusal.of(self.node_id), self.address.ip(), direction),
        }
        Ok(())
    }

    async fn write_until_stopped<S: Stream>(&self, shared: &Shared, mut to_peer: WriteHalf<S>) {
        let failed = tokio::select! {
            () = self.stop.cancelled() => None,
            error = self.write(shared, &mut to_peer) => Some(error),
        };
        match failed {
            Some(error) => self.close(&error.to_string()),
            None => drop(tokio::time::timeout(GOODBYE, to_peer.shutdown()).await),
        }
    }

    /// Writes what waits, as one run of TLS records and one flush for each wake.
    async fn write<S: Stream>(&self, shared: &Shared, to_peer: &mut WriteHalf<S>) -> std::io::Error {
        let mut batch: Vec<Frame> = Vec::new();
        let mut bytes = BytesMut::new();
        loop {
            self.queue.take(&mut batch).await;
            self.writing_since.store(shared.now_ms().max(1), Ordering::Relaxed);
            let (frames, size) = (batch.len(), batch.iter().map(Frame::wire_bytes).sum::<usize>());
            if let Err(error) = write_batch(to_peer, &mut batch, &mut bytes).await {
                return error;
            }
            self.writing_since.store(0, Ordering::Relaxed);
            let metrics = shared.metrics.lane(self.lane);
            metrics.sent_frames.inc_by(frames as u64);
            metrics.sent_bytes.inc_by(size as u64);
        }
    }
}

async fn write_batch<W: AsyncWrite + Unpin>(
    to_peer: &mut W,
    batch: &mut Vec<Frame>,
    bytes: &mut BytesMut,
) -> std::io::Result<()> {
    for frame in batch.drain(..) {
        bytes.extend_from_slice(&frame.header());
        if frame.payload.len() < WRITE_DIRECT_BYTES {
            bytes.extend_from_slice(&frame.payload);
        } else {
            to_peer.write_all(bytes).await?;
            bytes.clear();
            to_peer.write_all(&frame.payload).await?;
        }
    }
    to_peer.write_all(bytes).await?;
    bytes.clear();
    to_peer.flush().await
}

/// How a connection ends that we did not end.
enum End {
    Lost(String),
    Offence(Refusal),
}

#[derive(Default)]
struct Taken {
    frames: usize,
    bytes: usize,
    /// Frames' worth of work beyond reading.
    surcharge: usize,
}
