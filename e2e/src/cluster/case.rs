//! What a case knows of the cluster: a namespace of its own, a client, and a few verbs.

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Resource};
use serde_json::json;
use tokio::process::Command;

use super::down::down;
use super::given::{SECOND, Target, VARIABLE};
use super::layout::Layout;
use super::objects::{self, FIELD_MANAGER};
use super::running::Cluster;
use super::up::Say;
use crate::Desk;

/// How long to wait before asking the API server again.
const GLANCE: Duration = Duration::from_millis(200);
/// How long one call of kubectl may take.
const KUBECTL: Duration = Duration::from_secs(60);
/// The longest start of a namespace's name that is taken from the case's: a suffix still fits.
const LONGEST: usize = 44;

/// One case on a cluster.
///
/// Its namespace enforces Pod Security `restricted`, as a careful company's does, and is deleted when the case is over.
#[derive(Clone)]
pub struct Case {
    namespace: String,
    client: Client,
    target: Arc<Target>,
}

impl Case {
    /// The case of this name, with its namespace made.
    pub(super) async fn begin(name: &str, target: Arc<Target>) -> anyhow::Result<Self> {
        let client = objects::client(target.kubeconfig()).await?;
        let case = Self {
            namespace: namespace_name(name, std::process::id()),
            client,
            target,
        };
        case.make_namespace(&case.namespace).await?;
        Ok(case)
    }

    /// The namespace of the case.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same case with its verbs in a namespace that it did not make, and that does not go with it.
    #[must_use]
    pub fn within(&self, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..self.clone()
        }
    }

    /// A client with the administrator's rights.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The same case, in which all but kubectl is done with another client: with fewer rights, for instance.
    #[must_use]
    pub fn with(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    /// The cluster. Cases that stop its programs or read its audit log ask it for `cluster()`.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The objects of one kind in the case's namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// Makes one more namespace, named after the case's own; it goes with the case. Gives its name.
    pub async fn another_namespace(&self, suffix: &str) -> anyhow::Result<String> {
        let name = format!("{}-{suffix}", self.namespace);
        self.make_namespace(&name).await?;
        Ok(name)
    }

    /// Makes a namespace of this very name, which no other case uses; it goes with the case. One that is there already is somebody's.
    pub async fn own_namespace(&self, name: &str) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client());
        ensure!(
            namespaces.get_opt(name).await?.is_none(),
            "the namespace {name} is there already, and this case makes and deletes one of that name; name another cluster in {VARIABLE}, or \
             unset it to have one started"
        );
        self.make_namespace(name).await
    }

    /// Lays the administrator's kubectl on a desk, as it finds the cluster.
    pub fn lay_kubectl(&self, desk: &mut Desk) -> anyhow::Result<()> {
        for (variable, value) in self.target.environment() {
            desk.set(variable, value);
        }
        let kubectl = kubectl()?;
        // The machine's own is on the path.
        if kubectl.is_absolute() {
            desk.lay("kubectl", &kubectl)?;
        }
        Ok(())
    }

    /// Starts a second cluster of this machine, which shares nothing with the first one but the wires, and does something there as
    /// the same case. The cluster is gone when this returns.
    pub async fn on_a_second_cluster<T>(&self, work: impl AsyncFnOnce(Self) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let say = |line: &str| eprintln!("    second cluster: {line}");
        let first = self.target.cluster();
        let first = first.context("a second cluster is wired to one of this machine; unset ALTHING_E2E_KUBECONFIG")?;
        let done = self.beside(first, &say, work).await;
        down(&Layout::new(SECOND, None)?).await?;
        done
    }

    async fn beside<T>(
        &self,
        first: &Cluster,
        say: Say<'_>,
        work: impl AsyncFnOnce(Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let target = Arc::new(Target::start(SECOND, say).await?);
        let network = target.cluster().context("the second cluster")?.network();
        network.wire(SECOND, first.network(), first.name()).await?;
        let case = Self {
            client: objects::client(target.kubeconfig()).await?,
            target,
            ..self.clone()
        };
        case.make_namespace(&case.namespace).await?;
        work(case).await
    }

    /// Applies every document of the YAML by server-side apply, into the case's namespace unless a document names another.
    pub async fn apply(&self, yaml: &str) -> anyhow::Result<Vec<DynamicObject>> {
        objects::apply(&self.client, &self.namespace, yaml).await
    }

    /// As `apply`, of what the API server must refuse; gives its sentence.
    pub async fn refused(&self, yaml: &str) -> anyhow::Result<String> {
        match self.apply(yaml).await {
            Ok(_) => bail!("the API server accepted what it should refuse:\n{yaml}"),
            Err(refusal) => Ok(objects::sentence(&refusal)),
        }
    }

    /// Runs the administrator's kubectl in the case's namespace; what it printed.
    pub async fn kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(kubectl()?);
        command
            .envs(self.target.environment())
            .args(["--namespace", &self.namespace])
            .args(args);
        crate::run(&mut command, KUBECTL).await
    }

    /// Waits until a condition of an object of the case's namespace is `True` for its present generation, such as `Ready` of
    /// `v1/Pod` or `althing.dev/v1alpha1/Node`. The error has the last conditions seen.
    pub async fn condition(&self, kind: &str, name: &str, condition: &str, patience: Duration) -> anyhow::Result<()> {
        let api = objects::api(&self.client, &self.namespace, &parse_kind(kind)?).await?;
        self.eventually(&format!("{kind} {name} to be {condition}"), patience, || async {
            let object = api.get(name).await?;
            if holds(&object, condition) {
                Ok(())
            } else {
                bail!("status {}", object.data["status"])
            }
        })
        .await
    }

    /// Looks until the answer is a good one; after `patience` the last bad one is the error.
    pub async fn eventually<T, F>(
        &self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut() -> F,
    ) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            // A question that hangs is a bad answer too.
            let bad = match tokio::time::timeout_at(deadline, look()).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(bad)) => bad,
                Err(_) => anyhow::anyhow!("no answer"),
            };
            if tokio::time::Instant::now() + GLANCE > deadline {
                return Err(bad).with_context(|| format!("{what}: not within {patience:?}"));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// What a person would look at first when the case failed.
    pub async fn evidence(&self) -> String {
        let mut evidence = String::new();
        for question in [
            "get all,persistentvolumeclaims,configmaps --output=wide",
            "get events --sort-by=.lastTimestamp",
            "describe pods",
        ] {
            let said = match self.kubectl(&question.split(' ').collect::<Vec<_>>()).await {
                Ok(said) => said,
                Err(error) => format!("{error:#}"),
            };
            evidence += &format!("--- kubectl {question}\n{said}\n");
        }
        evidence
    }

    /// Deletes the case's namespaces. The cluster removes what is in them in its own time.
    pub(super) async fn end(&self) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client());
        let mine = kube::api::ListParams::default().labels(&format!("althing.dev/e2e-case={}", self.namespace));
        for namespace in namespaces.list(&mine).await.context("list the case's namespaces")? {
            let name = namespace.metadata.name.unwrap_or_default();
            let deleted = namespaces.delete(&name, &DeleteParams::default()).await;
            deleted.with_context(|| format!("delete the namespace {name}"))?;
        }
        Ok(())
    }

    async fn make_namespace(&self, name: &str) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client());
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {
                "althing.dev/e2e-case": self.namespace,
                "pod-security.kubernetes.io/enforce": "restricted",
            }},
        });
        let made = namespaces
            .patch(
                name,
                &PatchParams::apply(FIELD_MANAGER).force(),
                &Patch::Apply(namespace),
            )
            .await;
        made.with_context(|| format!("make the namespace {name}"))?;
        // A pod that comes before its account is refused.
        let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(self.client(), name);
        let what = format!("the account of the namespace {name}");
        self.eventually(&what, KUBECTL, || async {
            Ok(accounts.get("default").await.map(drop)?)
        })
        .await
    }
}

impl Debug for Case {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Case")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// The kubectl that was built beside the cluster's programs, else the machine's.
fn kubectl() -> anyhow::Result<PathBuf> {
    let layout = Layout::new("any", None)?;
    Ok(layout.program("kubectl").unwrap_or_else(|_| PathBuf::from("kubectl")))
}

/// Unlike that of any other case, and of this case in another run on the same cluster.
fn namespace_name(case: &str, run: u32) -> String {
    let (_, promise) = case.rsplit_once("::").unwrap_or(("", case));
    let mut name: String = promise.replace('_', "-").chars().take(LONGEST).collect();
    name.truncate(name.trim_end_matches('-').len());
    format!("{name}-{run:x}")
}

/// `v1/Pod` or `apps/v1/StatefulSet`.
fn parse_kind(kind: &str) -> anyhow::Result<GroupVersionKind> {
    match kind.split('/').collect::<Vec<_>>()[..] {
        [version, kind] => Ok(GroupVersionKind::gvk("", version, kind)),
        [group, version, kind] => Ok(GroupVersionKind::gvk(group, version, kind)),
        _ => bail!("kind {kind:?}: accepted are version/Kind and group/version/Kind"),
    }
}

/// Whether the condition is `True` and not about an older generation of the object.
fn holds(object: &DynamicObject, condition: &str) -> bool {
    let generation = object.metadata.generation.unwrap_or_default();
    let current = |seen: &serde_json::Value| seen.as_i64().is_none_or(|seen| seen >= generation);
    let conditions = object.data["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| {
        one["type"] == condition
            && one["status"] == "True"
            && current(&one["observedGeneration"])
            && current(&object.data["status"]["observedGeneration"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(observed: i64) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "generation": 2},
            "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": observed}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_condition_of_an_older_generation_does_not_hold() {
        assert!(!holds(&object(1), "Ready"));
        assert!(holds(&object(2), "Ready"));
        assert!(!holds(&object(2), "Stalled"));
    }

    #[test]
    fn a_namespace_s_name_is_a_label_however_long_the_case_s_is() {
        let name = namespace_name(&format!("room::{}_x", "a".repeat(43)), u32::MAX);
        assert_eq!(name, format!("{}-ffffffff", "a".repeat(43)));
        assert!(name.len() < 63);
    }

    #[test]
    fn a_kind_is_named_with_its_group_and_version() {
        assert_eq!(parse_kind("apps/v1/StatefulSet").unwrap().group, "apps");
        assert_eq!(parse_kind("v1/Pod").unwrap().api_version(), "v1");
        assert!(parse_kind("Pod").is_err());
    }
}
