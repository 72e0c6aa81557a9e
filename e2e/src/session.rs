//! One connection to a node's RPC port that is held on to: what a client with a session sees. It is never made again.

use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection.
#[derive(Debug)]
pub struct Session {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    path: String,
}

impl Session {
    /// Begins one over a stream, to a group of the node at its end.
    pub async fn begin(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: &str,
        group: u32,
    ) -> anyhow::Result<Self> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends when either side closes the connection; the next question then fails.
        tokio::spawn(connection);
        let mut session = Self {
            sender,
            host: host.to_owned(),
            path: format!("/group/{group}"),
        };
        session.asks().await?;
        Ok(session)
    }

    /// Asks over it; gives the height of the group.
    pub async fn asks(&mut self) -> anyhow::Result<u64> {
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []});
        let request = Request::post(&self.path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(ask.to_string())))?;
        let answer = async {
            self.sender.ready().await.context("the session was dropped")?;
            let answer = self
                .sender
                .send_request(request)
                .await
                .context("the session was dropped")?;
            ensure!(answer.status().is_success(), "it answers {}", answer.status());
            Ok::<_, anyhow::Error>(answer.into_body().collect().await?.to_bytes())
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await.context("no answer")??;
        let answer: Value = serde_json::from_slice(&answer)?;
        let height = answer["result"]
            .as_str()
            .with_context(|| format!("no height: {answer}"))?;
        Ok(u64::from_str_radix(height.trim_start_matches("0x"), 16)?)
    }
}
