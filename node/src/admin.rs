//! The port of machines that look after the node: `/livez`, `/readyz`, `/metrics`. Bound to loopback unless configured.

use std::net::SocketAddr;
use std::sync::Arc;

use althing_types::GroupId;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::sampler::Sampler;

/// What the port shows.
#[derive(Clone, Debug)]
pub struct Admin {
    registry: Arc<Registry>,
    sampler: Arc<Sampler>,
}

/// The port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("config.ini [metrics]: cannot listen at {address}: {source}; stop what has this port or choose another")]
pub struct AdminError {
    /// The configured address.
    pub address: SocketAddr,
    /// What the system said.
    pub source: std::io::Error,
}

#[derive(Deserialize)]
struct ReadyQuery {
    group: Option<u32>,
}

impl Admin {
    /// Everything counted, and what is measured when somebody asks.
    pub fn new(registry: Registry, sampler: Sampler) -> Self {
        Self {
            registry: Arc::new(registry),
            sampler: Arc::new(sampler),
        }
    }

    /// Listens and serves until `stop`.
    pub async fn serve(self, address: SocketAddr, stop: CancellationToken) -> Result<SocketAddr, AdminError> {
        let failed = |source| AdminError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
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
                tracing::error!("the metrics port ended: {error}");
            }
        });
        Ok(local)
    }
}

/// `/readyz`: every group in sync and connected; `/readyz?group=N`: that one.
async fn ready(State(admin): State<Admin>, Query(query): Query<ReadyQuery>) -> Response {
    let verdict = match query.group {
        None => admin.sampler.groups.readiness(),
        Some(number) => match GroupId::try_from(number) {
            Ok(id) => admin.sampler.groups.readiness_of(id),
            Err(error) => Err(error.to_string()),
        },
    };
    match verdict {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin.sampler.sample();
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &admin.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
