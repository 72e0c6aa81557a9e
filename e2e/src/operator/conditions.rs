//! What objects say of themselves: conditions and events.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use serde_json::Value;

use crate::cluster::Case;

/// How long an event may come after the condition it tells of.
const EVENT: Duration = Duration::from_secs(5);

/// One object of the case's namespace, by the plural of its kind and its name.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    case: &'a Case,
    plural: &'a str,
    name: &'a str,
}

impl<'a> Object<'a> {
    /// The object; `plural` as kubectl takes it, such as `ledgernodes`.
    pub const fn of(case: &'a Case, plural: &'a str, name: &'a str) -> Self {
        Self { case, plural, name }
    }

    /// A Node.
    pub const fn node(case: &'a Case, name: &'a str) -> Self {
        Self::of(case, "ledgernodes", name)
    }

    /// A Group.
    pub const fn group(case: &'a Case, name: &'a str) -> Self {
        Self::of(case, "ledgergroups", name)
    }

    /// An Agency.
    pub const fn agency(case: &'a Case, name: &'a str) -> Self {
        Self::of(case, "agencies", name)
    }

    /// As it is now.
    pub async fn get(&self) -> anyhow::Result<Value> {
        let text = self
            .case
            .kubectl(&["get", self.plural, self.name, "--output=json"])
            .await?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Merges this into it, as `kubectl patch` does.
    pub async fn change(&self, patch: &Value) -> anyhow::Result<()> {
        let patch = patch.to_string();
        let arguments = ["patch", self.plural, self.name, "--type=merge", "--patch", &patch];
        self.case.kubectl(&arguments).await.map(drop)
    }

    /// Deletes it and waits until it is gone.
    pub async fn delete(&self) -> anyhow::Result<()> {
        let arguments = ["delete", self.plural, self.name, "--wait=true", "--timeout=50s"];
        self.case.kubectl(&arguments).await.map(drop)
    }

    /// Waits until it is Ready for its present generation, and says so as kstatus reads it.
    pub async fn is_ready(&self, patience: Duration) -> anyhow::Result<Value> {
        let what = format!("{} {} to be Ready", self.plural, self.name);
        self.case
            .eventually(&what, patience, || async {
                let object = self.get().await?;
                ensure!(is_current(&object), "status {}", object["status"]);
                for (condition, wanted) in [("Ready", "True"), ("Reconciling", "False"), ("Stalled", "False")] {
                    let found = condition_of(&object, condition)?;
                    ensure!(found["status"] == wanted, "status {}", object["status"]);
                }
                Ok(object)
            })
            .await
    }

    /// Waits until the condition is `True` for this reason and for its present generation, while it is not Ready, and an
    /// event has told so. Returns the message.
    pub async fn says(&self, condition: &str, reason: &str, patience: Duration) -> anyhow::Result<String> {
        let what = format!("{} {} to say {condition} for {reason}", self.plural, self.name);
        let message = self
            .case
            .eventually(&what, patience, || async {
                let object = self.get().await?;
                ensure!(is_current(&object), "status {}", object["status"]);
                let found = condition_of(&object, condition)?;
                let ready = condition_of(&object, "Ready")?;
                ensure!(
                    found["status"] == "True" && found["reason"] == reason && ready["status"] == "False",
                    "conditions {}",
                    object["status"]["conditions"]
                );
                found["message"].as_str().map(str::to_owned).context("a message")
            })
            .await?;
        self.is_told(reason).await?;
        Ok(message)
    }

    /// Waits for an event of this reason about it.
    pub async fn is_told(&self, reason: &str) -> anyhow::Result<()> {
        let events = self.case.api::<Event>();
        let what = format!("an event {reason} of {} {}", self.plural, self.name);
        self.case
            .eventually(&what, EVENT, || async {
                let told = events.list(&ListParams::default()).await?;
                let is_it = |event: &Event| {
                    let regarding = event.regarding.as_ref().and_then(|object| object.name.as_deref());
                    regarding == Some(self.name) && event.reason.as_deref() == Some(reason)
                };
                match told.items.iter().any(is_it) {
                    true => Ok(()),
                    false => bail!("there are {} other events", told.items.len()),
                }
            })
            .await
    }
}

fn condition_of<'a>(object: &'a Value, condition: &str) -> anyhow::Result<&'a Value> {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions
        .into_iter()
        .flatten()
        .find(|found| found["type"] == condition);
    found.with_context(|| format!("no condition {condition} yet"))
}

/// Whether the whole status is about the present generation.
fn is_current(object: &Value) -> bool {
    let generation = &object["metadata"]["generation"];
    let conditions = object["status"]["conditions"].as_array();
    object["status"]["observedGeneration"] == *generation
        && conditions.is_some_and(|conditions| conditions.iter().all(|one| one["observedGeneration"] == *generation))
}
