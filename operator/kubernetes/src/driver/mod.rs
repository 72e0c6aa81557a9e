//! The driver: takes one namespace after the other from the queue and brings it one look closer to its manifests.

mod backoff;
mod context;
mod failures;
mod keys;
mod look;
mod pods;
mod queue;
mod rounds;
mod statuses;
mod votes;

pub use backoff::Backoff;
pub use context::{Backoffs, Context};
pub use look::look;
pub use queue::Queue;
pub use rounds::ask_in_rounds;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Works until `stop`; what is under way is finished.
pub async fn drive(context: Arc<Context>, concurrency: usize, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(concurrency.max(1)));
    let tasks = TaskTracker::new();
    loop {
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        let namespace = tokio::select! {
            () = stop.cancelled() => break,
            namespace = context.queue.next() => namespace,
        };
        let context = Arc::clone(&context);
        tasks.spawn(async move {
            let started = Instant::now();
            let next = look(&context, &namespace).await;
            context.metrics.reconciled(started.elapsed().as_secs_f64());
            context.queue.done(&namespace);
            if let Some(delay) = next {
                context.queue.push_after(&namespace, delay);
            }
            drop(permit);
        });
    }
    tasks.close();
    tasks.wait().await;
}
