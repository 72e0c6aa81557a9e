//! What the store holds, asked of etcd itself: the API server shows it only through what it thinks of it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::namespaces::{self, HOLDER};
use super::running::Cluster;

/// Records a question: the answer is text in memory.
const PAGE: usize = 500;
/// How long one answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Behind every key of the API server, which all begin with a slash.
const END: &[u8] = b"0";
/// One question to etcd's JSON gateway, by what every machine has: etcd listens inside the cluster only.
const ASK: &str = "exec 3<>/dev/tcp/127.0.0.1/2379
printf 'POST /v3/kv/range HTTP/1.0\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \
     \"${#1}\" \"$1\" >&3
cat <&3";

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    kvs: Vec<Record>,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Record {
    key: String,
    #[serde(default)]
    value: String,
}

impl Cluster {
    /// Every record, by its key (`/registry/secrets/NAMESPACE/NAME`), with its bytes as they are stored.
    pub async fn stored(&self) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut from = b"/".to_vec();
        loop {
            let answer = self.page(&from).await?;
            for record in answer.kvs {
                let key = STANDARD.decode(&record.key)?;
                let value = STANDARD.decode(&record.value)?;
                // The next key there can be.
                from = [&key[..], &[0]].concat();
                found.insert(String::from_utf8_lossy(&key).into_owned(), value);
            }
            if !answer.more {
                return Ok(found);
            }
        }
    }

    async fn page(&self, from: &[u8]) -> anyhow::Result<Answer> {
        let holder = namespaces::noted(self.layout(), HOLDER)?;
        let question =
            json!({"key": STANDARD.encode(from), "range_end": STANDARD.encode(END), "limit": PAGE.to_string()});
        let mut command = namespaces::enter(self.layout(), holder);
        command.args(["bash", "-eu", "-c", ASK, "ask", &question.to_string()]);
        let said = crate::run(&mut command, PATIENCE).await.context("ask etcd")?;
        let (head, body) = said.split_once("\r\n\r\n").context("etcd gave no answer")?;
        let status = head.lines().next().unwrap_or_default();
        ensure!(status.contains(" 200 "), "etcd said {status}: {body}");
        serde_json::from_str(body).context("read etcd's answer")
    }
}
