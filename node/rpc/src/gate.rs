//! Back-pressure on one connection: while too much of what it sent is still being answered, or its answers are not
//! taken, nothing more is read from it. What a WebSocket client can make this node hold is thereby bounded. A gate can also
//! be shut for good: the connection then ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of one connection is on its way.
#[derive(Debug)]
pub(crate) struct Gate {
    requests: AtomicUsize,
    requests_limit: usize,
    /// Bytes read since nothing was on its way.
    bytes: AtomicUsize,
    bytes_limit: usize,
    /// The client does not take what is written.
    stalled: AtomicBool,
    /// Nothing goes through any more.
    shut: AtomicBool,
    reader: AtomicWaker,
}

impl Gate {
    /// A gate that closes at so many requests, or at so many bytes of them.
    pub(crate) fn new(requests_limit: usize, bytes_limit: usize) -> Self {
        Self {
            requests: AtomicUsize::new(0),
            requests_limit: requests_limit.max(1),
            bytes: AtomicUsize::new(0),
            bytes_limit,
            stalled: AtomicBool::new(false),
            shut: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        }
    }

    /// Counts a request until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Passage {
        self.requests.fetch_add(1, Ordering::AcqRel);
        Passage(Arc::clone(self))
    }

    /// Ends the connection: whoever reads or writes next is told that it is aborted.
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::Release);
        self.reader.wake();
    }

    fn check(&self) -> io::Result<()> {
        match self.shut.load(Ordering::Acquire) {
            true => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            false => Ok(()),
        }
    }

    fn is_closed(&self) -> bool {
        let requests = self.requests.load(Ordering::Acquire);
        self.stalled.load(Ordering::Acquire)
            || requests >= self.requests_limit
            || (requests > 0 && self.bytes.load(Ordering::Acquire) > self.bytes_limit)
    }

    fn set_stalled(&self, stalled: bool) {
        if self.stalled.swap(stalled, Ordering::AcqRel) && !stalled {
            self.reader.wake();
        }
    }
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Passage(Arc<Gate>);

impl Drop for Passage {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.bytes.store(0, Ordering::Release);
        }
        self.0.reader.wake();
    }
}

/// A stream that is read only while its gate is open.
pub(crate) struct Gated<S> {
    stream: S,
    gate: Arc<Gate>,
}

impl<S> Gated<S> {
    /// Puts a gate before a stream.
    pub(crate) fn new(stream: S, gate: Arc<Gate>) -> Self {
        Self { stream, gate }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Registered before the look, so that an opening in between is not lost.
        self.gate.reader.register(cx.waker());
        self.gate.check()?;
        if self.gate.is_closed() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.gate
            .bytes
            .fetch_add(buffer.filled().len().saturating_sub(before), Ordering::AcqRel);
        result
    }
}

impl<S: AsyncWrite + Unpin> Gated<S> {
    fn watch<T>(&mut self, written: Poll<T>) -> Poll<T> {
        self.gate.set_stalled(written.is_pending());
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.gate.check()?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.gate.check()?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn is_readable(stream: &mut Gated<tokio::io::DuplexStream>) -> bool {
        let mut byte = [0];
        let read = stream.read_exact(&mut byte);
        futures::future::poll_immediate(read).await.is_some()
    }

    #[tokio::test]
    async fn nothing_is_read_while_as_many_requests_as_accepted_are_on_their_way() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"abc").await.unwrap();
        let gate = Arc::new(Gate::new(2, 1000));
        let mut stream = Gated::new(server, Arc::clone(&gate));
        let first = gate.enter();
        assert!(is_readable(&mut stream).await);
        let _second = gate.enter();
        assert!(!is_readable(&mut stream).await);
        drop(first);
        assert!(is_readable(&mut stream).await);
    }

    #[tokio::test]
    async fn nothing_is_read_while_as_many_bytes_as_accepted_are_on_their_way() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"abcd").await.unwrap();
        let gate = Arc::new(Gate::new(9, 1));
        let mut stream = Gated::new(server, Arc::clone(&gate));
        let request = gate.enter();
        assert!(is_readable(&mut stream).await);
        assert!(is_readable(&mut stream).await);
        assert!(!is_readable(&mut stream).await);
        drop(request);
        assert!(is_readable(&mut stream).await);
    }

    #[tokio::test]
    async fn a_shut_gate_ends_a_read_that_waits() {
        let (_client, server) = tokio::io::duplex(4);
        let gate = Arc::new(Gate::new(9, 1000));
        let mut stream = Gated::new(server, Arc::clone(&gate));
        let waiting = tokio::spawn(async move { stream.read_u8().await.map_err(|e| e.kind()) });
        tokio::task::yield_now().await;
        gate.shut();
        assert_eq!(waiting.await.unwrap(), Err(io::ErrorKind::ConnectionAborted));
    }

    #[tokio::test]
    async fn nothing_is_read_from_a_client_that_takes_no_answers() {
        let (mut client, server) = tokio::io::duplex(4);
        client.write_all(b"ab").await.unwrap();
        let mut stream = Gated::new(server, Arc::new(Gate::new(9, 1000)));
        let stuck = futures::future::poll_immediate(stream.write_all(b"12345678")).await;
        assert!(stuck.is_none());
        assert!(!is_readable(&mut stream).await);
        let mut taken = [0; 4];
        client.read_exact(&mut taken).await.unwrap();
        stream.write_all(b"5678").await.unwrap();
        assert!(is_readable(&mut stream).await);
    }
}
