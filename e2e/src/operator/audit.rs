//! The oracle: what the API server saw the operator write.

use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::cluster::Case;

/// A place in the audit log from which writes are read.
#[derive(Clone, Debug)]
pub struct Audit {
    file: PathBuf,
    from: u64,
}

/// One answered write.
#[derive(Clone, Debug)]
pub struct Write(Value);

impl Audit {
    /// From now on. None on a cluster whose audit log cannot be read.
    pub fn begin(case: &Case) -> anyhow::Result<Option<Self>> {
        let Some(cluster) = case.target().cluster() else {
            return Ok(None);
        };
        Self::of(cluster.audit_log()).map(Some)
    }

    /// From now on, of this log.
    pub fn of(file: PathBuf) -> anyhow::Result<Self> {
        let from = std::fs::metadata(&file)
            .with_context(|| format!("read {}", file.display()))?
            .len();
        Ok(Self { file, from })
    }

    /// The answered writes of a user since then.
    pub fn writes_of(&self, user: &str) -> anyhow::Result<Vec<Write>> {
        let mut file = std::fs::File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut writes = vec![];
        for line in BufReader::new(file).lines() {
            // The last line may still be being written.
            let Ok(event) = serde_json::from_str::<Value>(&line?) else {
                continue;
            };
            if event.pointer("/user/username").and_then(Value::as_str) == Some(user)
                && event["stage"] == "ResponseComplete"
            {
                writes.push(Write(event));
            }
        }
        Ok(writes)
    }

    /// The rules that hold whatever happens: every delete names what it deletes, nothing is written elsewhere, no private key
    /// is in anything that can be read, nobody is told that an older generation is ready.
    pub fn check(&self, user: &str, namespaces: &[&str]) -> anyhow::Result<usize> {
        let writes = self.writes_of(user)?;
        for write in &writes {
            write.check(namespaces).with_context(|| write.to_string())?;
        }
        Ok(writes.len())
    }

    /// No Secret with a key was made twice, by whichever of these users; how many were made. The operator POSTs keys and
    /// nothing else that is a Secret.
    pub fn keys_made_once(&self, users: &[&str]) -> anyhow::Result<usize> {
        let mut made = std::collections::BTreeSet::new();
        for user in users {
            let creations = self
                .writes_of(user)?
                .into_iter()
                .filter(|write| write.verb() == "create" && write.is_about("secrets") && write.code() == 201);
            for write in creations {
                ensure!(!write.name().is_empty(), "a creation without a name: {write}");
                let key = (write.namespace().to_owned(), write.name().to_owned());
                ensure!(made.insert(key), "made twice: {write}");
            }
        }
        Ok(made.len())
    }

    /// Nothing is written for this long: the operator is at rest.
    pub async fn is_quiet(&self, user: &str, length: Duration) -> anyhow::Result<()> {
        let before = self.changes(user)?;
        tokio::time::sleep(length).await;
        let after = self.changes(user)?;
        ensure!(
            before.len() == after.len(),
            "after convergence the operator wrote:\n{}",
            after
                .iter()
                .skip(before.len())
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        );
        Ok(())
    }

    /// Waits until nothing has been written for `length`.
    pub async fn settled(&self, case: &Case, user: &str, length: Duration, patience: Duration) -> anyhow::Result<()> {
        case.eventually("the operator to come to rest", patience, || self.is_quiet(user, length))
            .await
    }

    fn changes(&self, user: &str) -> anyhow::Result<Vec<Write>> {
        let mut writes = self.writes_of(user)?;
        writes.retain(|write| !write.is_about("leases") && !write.is_about("events"));
        Ok(writes)
    }
}

impl Write {
    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `create`, `patch`, `delete` and so on.
    pub fn verb(&self) -> &str {
        self.text("/verb")
    }

    /// The plural of the kind.
    pub fn resource(&self) -> &str {
        self.text("/objectRef/resource")
    }

    /// `status`, or nothing.
    pub fn subresource(&self) -> &str {
        self.text("/objectRef/subresource")
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        self.text("/objectRef/name")
    }

    /// The object's namespace.
    pub fn namespace(&self) -> &str {
        self.text("/objectRef/namespace")
    }

    /// The answer's HTTP status.
    pub fn code(&self) -> u64 {
        self.0
            .pointer("/responseStatus/code")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// The body that was sent, where the log holds it.
    pub fn request(&self) -> Option<&Value> {
        self.0.get("requestObject")
    }

    fn is_about(&self, resource: &str) -> bool {
        self.resource() == resource
    }

    fn check(&self, namespaces: &[&str]) -> anyhow::Result<()> {
        let namespace = self.namespace();
        ensure!(
            namespace.is_empty() || namespaces.contains(&namespace),
            "it writes into the namespace {namespace}"
        );
        if self.verb() == "delete" {
            let of = |field: &str| {
                self.request()
                    .and_then(|options| options.pointer(&format!("/preconditions/{field}")))
            };
            ensure!(
                of("uid").is_some() && of("resourceVersion").is_some(),
                "it deletes without preconditions"
            );
        }
        ensure!(self.verb() != "deletecollection", "it deletes a whole collection");
        let body = self.request().map(ToString::to_string).unwrap_or_default();
        // "PRIVATE KEY" as it is, and in base64 at each of its three alignments.
        for sign in ["PRIVATE KEY", "UFJJVkFURSBLRVk", "BSSVZBVEUgS0VZ", "QUklWQVRFIEtFW"] {
            ensure!(!body.contains(sign), "a private key is in it");
        }
        if self.subresource() == "status" {
            self.check_status()?;
        }
        Ok(())
    }

    fn check_status(&self) -> anyhow::Result<()> {
        let generation = self
            .0
            .pointer("/responseObject/metadata/generation")
            .and_then(Value::as_i64);
        let conditions = self
            .request()
            .and_then(|body| body.pointer("/status/conditions"))
            .and_then(Value::as_array);
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Ready");
        let (Some(ready), Some(generation)) = (ready, generation) else {
            return Ok(());
        };
        let observed = ready["observedGeneration"].as_i64();
        ensure!(
            ready["status"] != "True" || observed.is_some_and(|observed| observed <= generation),
            "Ready=True for a generation that does not exist"
        );
        Ok(())
    }
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb(), self.resource())?;
        if !self.subresource().is_empty() {
            write!(f, "/{}", self.subresource())?;
        }
        write!(f, " {}/{}: {}", self.namespace(), self.name(), self.code())
    }
}
