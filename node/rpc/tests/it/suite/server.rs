//! A listener on a free port, and questions to it.

use std::sync::Arc;
use std::time::Duration;

use althing_rpc::{Limits, Origins, ServeConfig, ServeError, ServerHandle, serve};
use althing_types::genesis::StateKind;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::chain::{MemoryGroup, group_id};
use super::node::MemoryNode;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct TestServer {
    pub(crate) handle: ServerHandle,
    pub(crate) group: Arc<MemoryGroup>,
    pub(crate) registry: Registry,
    pub(crate) client: reqwest::Client,
    pub(crate) shutdown: CancellationToken,
    _stop: DropGuard,
}

pub(crate) fn node() -> (Arc<MemoryGroup>, MemoryNode) {
    let first = Arc::new(MemoryGroup::new(1, StateKind::Storage));
    let second = Arc::new(MemoryGroup::new(2, StateKind::Mpt));
    let groups = [(group_id(1), Arc::clone(&first)), (group_id(2), second)].into();
    (
        first,
        MemoryNode {
            groups,
            default: Some(group_id(1)),
        },
    )
}

pub(crate) fn config(limits: Limits) -> ServeConfig {
    ServeConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        origins: Origins::Any,
        limits,
    }
}

pub(crate) async fn try_start(config: ServeConfig) -> Result<TestServer, ServeError> {
    let (group, node) = node();
    start_with(config, group, node).await
}

pub(crate) async fn start_with(
    config: ServeConfig,
    group: Arc<MemoryGroup>,
    node: MemoryNode,
) -> Result<TestServer, ServeError> {
    let mut registry = Registry::default();
    let shutdown = CancellationToken::new();
    let handle = serve(config, Arc::new(node), &mut registry, shutdown.clone()).await?;
    let client = reqwest::Client::new();
    Ok(TestServer {
        handle,
        group,
        registry,
        client,
        _stop: shutdown.clone().drop_guard(),
        shutdown,
    })
}

pub(crate) async fn start(limits: Limits) -> TestServer {
    try_start(config(limits)).await.unwrap()
}

impl TestServer {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.handle.local_addr)
    }

    /// Posts a body and reads the JSON of the answer.
    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let response = self.client.post(self.url(path)).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
        )
    }

    /// Asks one question.
    pub(crate) async fn ask_at(&self, path: &str, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (status, answer) = self.post(path, body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["id"], 1, "{answer}");
        answer
    }

    /// The result of a question to the default group.
    pub(crate) async fn result(&self, method: &str, params: Value) -> Value {
        let mut answer = self.ask_at("/", method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The error of a question to the default group: code, message, data.
    pub(crate) async fn error(&self, method: &str, params: Value) -> (i64, String, Value) {
        let mut answer = self.ask_at("/", method, params).await;
        let error = answer["error"].take();
        assert!(error.is_object(), "{method}: {answer}");
        (
            error["code"].as_i64().unwrap(),
            error["message"].as_str().unwrap().to_owned(),
            error["data"].clone(),
        )
    }

    /// A counter or gauge by its name in the exposition.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in\n{text}")).parse().unwrap()
    }

    /// Returns once a gauge has this value.
    pub(crate) async fn until(&self, name: &str, value: i64) {
        let reached = async {
            while self.metric(name) != value {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let late = format!("{name} never became {value}");
        tokio::time::timeout(PATIENCE, reached).await.expect(&late);
    }
}
