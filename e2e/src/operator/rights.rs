//! What an operator may do: the very Roles that are installed, for a ServiceAccount of the case's namespace.

use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::cluster::{Case, documents};
use crate::repository;

/// The ServiceAccount of the operator.
pub(super) const ACCOUNT: &str = "althing-operator";

/// Installs the definitions of the four kinds and the admission policies; again and again is harmless.
pub async fn definitions(case: &Case) -> anyhow::Result<()> {
    let folder = repository().join("crds/manifests");
    let folder = folder.to_string_lossy();
    case.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &folder])
        .await?;
    let kinds =
        ["consortiums", "agencies", "ledgergroups", "ledgernodes"].map(|plural| format!("crd/{plural}.althing.dev"));
    let mut wait = vec!["wait", "--for=condition=Established", "--timeout=60s"];
    wait.extend(kinds.iter().map(String::as_str));
    case.kubectl(&wait).await.map(drop)
}

/// Gives the case's ServiceAccount the operator's Role in each of these namespaces, and its Lease in its own.
pub(super) async fn grant(case: &Case, namespaces: &[String]) -> anyhow::Result<()> {
    let base = repository().join("deploy/kustomize/base");
    for file in ["serviceaccount.yaml", "lease-role.yaml"] {
        apply(case, &base.join(file), case.namespace()).await?;
    }
    let role = repository().join("deploy/kustomize/overlays/per-agency/role.yaml");
    for namespace in namespaces {
        apply(case, &role, namespace).await?;
    }
    Ok(())
}

/// Applies a file into a namespace; the subject of a binding is the case's ServiceAccount.
async fn apply(case: &Case, file: &Path, namespace: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    for mut object in documents(&text)? {
        object.metadata.namespace = Some(namespace.to_owned());
        // Several operators may watch one namespace: each has a binding of its own there.
        let is_binding = object.types.as_ref().is_some_and(|types| types.kind == "RoleBinding");
        if is_binding && namespace != case.namespace() {
            object.metadata.name = Some(format!("{ACCOUNT}-of-{}", case.namespace()));
        }
        bind(&mut object, case.namespace());
        case.apply(&serde_json::to_string(&object)?).await?;
    }
    Ok(())
}

fn bind(object: &mut DynamicObject, namespace: &str) {
    if let Some(Value::Array(subjects)) = object.data.get_mut("subjects") {
        subjects
            .iter_mut()
            .for_each(|subject| subject["namespace"] = json!(namespace));
    }
}

/// A kubeconfig with a token of that ServiceAccount and nothing else; `server` in place of the API server's own address.
pub(super) async fn kubeconfig(case: &Case, folder: &Path, server: Option<&str>) -> anyhow::Result<PathBuf> {
    let token = case.kubectl(&["create", "token", ACCOUNT, "--duration=2h"]).await?;
    let text = std::fs::read_to_string(case.target().kubeconfig())?;
    let admin: Value = serde_yaml::from_str(&text).context("the administrator's kubeconfig")?;
    let mut cluster = admin
        .pointer("/clusters/0/cluster")
        .cloned()
        .context("it names a cluster")?;
    if let Some(file) = cluster.get("certificate-authority").and_then(Value::as_str) {
        let bytes = std::fs::read(file).with_context(|| format!("read {file}"))?;
        cluster["certificate-authority-data"] = json!(STANDARD.encode(bytes));
    }
    if let Some(server) = server {
        cluster["server"] = json!(server);
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "case",
        "clusters": [{"name": "case", "cluster": cluster}],
        "users": [{"name": "case", "user": {"token": token.trim()}}],
        "contexts": [{"name": "case", "context": {"cluster": "case", "user": "case", "namespace": case.namespace()}}],
    });
    let file = folder.join("kubeconfig");
    std::fs::write(&file, config.to_string())?;
    Ok(file)
}
