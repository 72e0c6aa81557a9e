//! Waiting for an event: looked for again and again until a deadline, never slept for.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long to wait before looking again.
const GLANCE: Duration = Duration::from_millis(25);

/// Looks until the answer is some value; after `patience` it is an error that names `what` was waited for.
pub async fn until_some<T, F>(what: &str, patience: Duration, mut look: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        anyhow::ensure!(started.elapsed() < patience, "{what}: not within {patience:?}");
        tokio::time::sleep(GLANCE).await;
    }
}

/// Looks until it is so.
pub async fn until<F>(what: &str, patience: Duration, mut look: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = bool>,
{
    until_some(what, patience, || {
        let looked = look();
        async move { looked.await.then_some(()) }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_event_that_does_not_come_is_named() {
        let error = until("the moon", Duration::from_millis(1), || async { false })
            .await
            .unwrap_err();
        assert!(error.to_string().contains("the moon"), "{error}");
        until("now", Duration::ZERO, || async { true }).await.unwrap();
    }
}
