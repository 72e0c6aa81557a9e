//! What nodes answer: JSON-RPC and metrics, with a bound on time and size.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes an answer may have.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// One node's listeners.
#[derive(Clone, Debug)]
pub(crate) struct NodeClient {
    http: reqwest::Client,
    rpc: String,
    metrics: String,
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Value>,
    error: Option<Value>,
}

impl NodeClient {
    /// A client of the node with these ports on this machine.
    pub(crate) fn new(rpc_port: u16, metrics_port: u16) -> anyhow::Result<Self> {
        Self::with_patience(rpc_port, metrics_port, PATIENCE)
    }

    /// The same, for questions that take longer.
    pub(crate) fn with_patience(rpc_port: u16, metrics_port: u16, patience: Duration) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(patience)
            .no_proxy()
            .build()
            .context("make an HTTP client")?;
        Ok(Self {
            http,
            rpc: format!("http://127.0.0.1:{rpc_port}"),
            metrics: format!("http://127.0.0.1:{metrics_port}"),
        })
    }

    /// Calls a method of FISCO's at `/`, or of Ethereum's at `/group/<id>`.
    pub(crate) async fn call<T: DeserializeOwned>(&self, path: &str, method: &str, params: Value) -> anyhow::Result<T> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer: Answer = self.post(path, &body).await.with_context(|| format!("call {method}"))?;
        if let Some(error) = answer.error {
            bail!("{method} at {}{path} answered {error}", self.rpc);
        }
        serde_json::from_value(answer.result.unwrap_or(Value::Null))
            .with_context(|| format!("read the answer of {method}"))
    }

    /// Posts a request, or a batch of them, as it is.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.rpc);
        let request = self
            .http
            .post(&url)
            .header("content-type", "application/json")
            .body(body.to_string());
        let (_, text) = read(request).await.with_context(|| format!("ask {url}"))?;
        serde_json::from_str(&text).with_context(|| format!("read the answer of {url}"))
    }

    /// Calls a method whose result is a quantity, `"0x1f"`.
    pub(crate) async fn quantity(&self, path: &str, method: &str, params: Value) -> anyhow::Result<u64> {
        let text: String = self.call(path, method, params).await?;
        let digits = text
            .strip_prefix("0x")
            .with_context(|| format!("{method} answered {text:?}, not a quantity"))?;
        u64::from_str_radix(digits, 16).with_context(|| format!("{method} answered {text:?}, not a quantity"))
    }

    /// `/readyz`, or that of a group: whether it is ready, and what it says.
    pub(crate) async fn readiness(&self) -> anyhow::Result<(bool, String)> {
        let url = format!("{}/readyz", self.metrics);
        read(self.http.get(&url)).await.with_context(|| format!("ask {url}"))
    }

    /// `/metrics`.
    pub(crate) async fn metrics(&self) -> anyhow::Result<Vec<Sample>> {
        let url = format!("{}/metrics", self.metrics);
        let (_, text) = read(self.http.get(&url)).await.with_context(|| format!("ask {url}"))?;
        Ok(text.lines().filter_map(sample).collect())
    }
}

async fn read(request: reqwest::RequestBuilder) -> anyhow::Result<(bool, String)> {
    let mut response = request.send().await?;
    let is_success = response.status().is_success();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            bail!("the answer has more than {ANSWER_MAX} bytes");
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((is_success, String::from_utf8_lossy(&bytes).into_owned()))
}

/// One line of the Prometheus text format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// A label's value, empty when it has none.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// Reads a sample; comments and what is no sample are none.
pub(crate) fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = match line.find('}') {
        Some(end) => line.split_at(end + 1),
        None => line.split_once(' ')?,
    };
    let value = value.split_ascii_whitespace().next()?.parse().ok()?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let pairs = labels
        .trim_end_matches('}')
        .split("\",")
        .filter_map(|pair| pair.split_once("=\""));
    let labels = pairs
        .map(|(key, value)| (key.trim().to_owned(), value.trim_end_matches('"').to_owned()))
        .collect();
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_with_their_labels() {
        let found = sample("althing_network_refused_total{reason=\"expired\",lane=\"bulk\"} 3").unwrap();
        assert_eq!(
            (found.name.as_str(), found.value),
            ("althing_network_refused_total", 3.0)
        );
        assert_eq!(
            (found.label("reason"), found.label("lane"), found.label("group")),
            ("expired", "bulk", "")
        );
        assert_eq!(sample("up 1").unwrap().value, 1.0);
        for other in ["# HELP up whether", "", "up", "up one"] {
            assert_eq!(sample(other), None, "{other}");
        }
    }
}
