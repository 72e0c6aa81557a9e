//! `/livez`, `/readyz`, `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// What the port shows.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Everything counted.
    pub registry: Arc<Registry>,
    /// Watches without a first list; unset while this replica waits for the Lease.
    pub outstanding: Arc<OnceCell<Arc<AtomicUsize>>>,
}

impl Admin {
    /// Serves until `stop`.
    pub async fn serve(self, address: SocketAddr, stop: CancellationToken) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listen on {address} for /livez, /readyz and /metrics"))?;
        let local = listener.local_addr()?;
        let router = Router::new()
            .route("/livez", get(|| async { "live\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self);
        tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!("the admin port ended: {error}");
            }
        });
        Ok(local)
    }
}

/// A replica that waits for the Lease is ready: it is ready to take over. One that leads is ready once every watch has had its
/// first list, which also proves that the definitions are established and the Roles suffice.
async fn ready(State(admin): State<Admin>) -> Response {
    let outstanding = admin.outstanding.get().map_or(0, |count| count.load(Ordering::Acquire));
    match outstanding {
        0 => (StatusCode::OK, "ready\n".to_owned()).into_response(),
        count => {
            let text =
                format!("{count} watches have no first list yet; are the definitions installed, and the Roles?\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &admin.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
