//! How many consortia may run at the same time: each is several processes, and the machine may be small.

use std::sync::LazyLock;

use tokio::sync::{Semaphore, SemaphorePermit};

static ROOM: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((cores / 2).max(1))
});

/// Waits for a place; it is given back when dropped.
pub(crate) async fn enter() -> SemaphorePermit<'static> {
    ROOM.acquire().await.expect("the semaphore is never closed")
}
