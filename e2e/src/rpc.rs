//! JSON-RPC of one group on one node.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a call may come to instead of its result.
#[derive(Debug)]
pub enum RpcError {
    /// Nobody answered, or not with JSON-RPC.
    Unreachable(String),
    /// The node refused, with JSON-RPC's code and message.
    Refused {
        /// The code.
        code: i64,
        /// The message.
        message: String,
    },
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "no answer: {why}"),
            Self::Refused { code, message } => write!(f, "refused with {code}: {message}"),
        }
    }
}

impl std::error::Error for RpcError {}

/// Where a transaction was included.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The transaction.
    pub transaction_hash: B256,
    /// Its block.
    pub block_hash: B256,
    /// The height of that block, as a hex quantity.
    pub block_number: String,
    /// `0x1` when it was carried out.
    pub status: String,
    /// The contract it made.
    pub contract_address: Option<Address>,
}

/// A client of one group on one node.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    http: reqwest::Client,
}

impl Rpc {
    /// A client for an endpoint such as `http://127.0.0.1:8545/group/1`.
    pub fn new(url: impl Into<String>) -> anyhow::Result<Self> {
        Ok(Self {
            url: url.into(),
            http: reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?,
        })
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One call.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, RpcError> {
        let unreachable = |e: reqwest::Error| RpcError::Unreachable(format!("{method} at {}: {e}", self.url));
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let sent = self
            .http
            .post(&self.url)
            .json(&body)
            .send()
            .await
            .map_err(unreachable)?;
        let mut answer: Value = sent.json().await.map_err(unreachable)?;
        if let Some(error) = answer.get("error") {
            let message = error["message"].as_str().unwrap_or_default().to_owned();
            return Err(RpcError::Refused {
                code: error["code"].as_i64().unwrap_or_default(),
                message,
            });
        }
        serde_json::from_value(answer["result"].take())
            .map_err(|e| RpcError::Unreachable(format!("{method}: unexpected result: {e}")))
    }

    /// Sends a body, such as a batch, and reads no more of the answer than that it came.
    pub async fn post(&self, body: &Value) -> anyhow::Result<()> {
        self.http
            .post(&self.url)
            .json(body)
            .send()
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        Ok(())
    }

    /// A call whose result is a hex quantity.
    pub async fn quantity(&self, method: &str, params: Value) -> Result<u64, RpcError> {
        let text: String = self.call(method, params).await?;
        quantity(&text).ok_or_else(|| RpcError::Unreachable(format!("{method}: {text} is no quantity")))
    }

    /// The height.
    pub async fn height(&self) -> Result<u64, RpcError> {
        self.quantity("eth_blockNumber", json!([])).await
    }

    /// The hash of a block; none when the node does not have it.
    pub async fn block_hash(&self, height: u64) -> Result<Option<B256>, RpcError> {
        let block: Value = self
            .call("eth_getBlockByNumber", json!([format!("{height:#x}"), false]))
            .await?;
        Ok(serde_json::from_value(block["hash"].clone()).ok())
    }

    /// Sends a signed transaction.
    pub async fn send_raw(&self, raw: &str) -> Result<B256, RpcError> {
        self.call("eth_sendRawTransaction", json!([raw])).await
    }

    /// The receipt; none before inclusion.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, RpcError> {
        self.call("eth_getTransactionReceipt", json!([hash])).await
    }

    /// The receipt, waited for.
    pub async fn mined(&self, hash: B256, patience: Duration) -> anyhow::Result<Receipt> {
        let what = format!("the receipt of {hash} at {}", self.url);
        crate::until_some(&what, patience, || async { self.receipt(hash).await.ok().flatten() }).await
    }
}

/// Reads a hex quantity.
pub(crate) fn quantity(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_hex_with_its_prefix() {
        assert_eq!(
            (quantity("0x1f"), quantity("1f"), quantity("0xzz")),
            (Some(31), None, None)
        );
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_no_answer() {
        let rpc = Rpc::new("http://127.0.0.1:1/group/1").unwrap();
        assert!(matches!(rpc.height().await, Err(RpcError::Unreachable(_))));
    }
}
