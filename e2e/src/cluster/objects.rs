//! Objects of any kind, as text: applied to a cluster, one document after the other.

use std::path::Path;

use anyhow::Context;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client, Config};

/// Who the suite is to the API server: the owner of the fields it applies.
pub const FIELD_MANAGER: &str = "althing-e2e";

/// A client of the cluster that this kubeconfig names.
pub async fn client(kubeconfig: &Path) -> anyhow::Result<Client> {
    let parsed = Kubeconfig::read_from(kubeconfig).with_context(|| format!("read {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("use {}", kubeconfig.display()))?;
    Client::try_from(config).with_context(|| format!("use {}", kubeconfig.display()))
}

/// Applies every document of this YAML by server-side apply. Those of a namespaced kind that name no namespace go into
/// `namespace`. The first that is refused ends it.
pub async fn apply(client: &Client, namespace: &str, yaml: &str) -> anyhow::Result<Vec<DynamicObject>> {
    let mut applied = Vec::new();
    for object in documents(yaml)? {
        applied.push(apply_one(client, namespace, object).await?);
    }
    Ok(applied)
}

/// The interface to the objects of one kind, in this namespace when the kind has one.
pub async fn api(client: &Client, namespace: &str, kind: &GroupVersionKind) -> anyhow::Result<Api<DynamicObject>> {
    let (resource, capabilities) = pinned_kind(client, kind)
        .await
        .with_context(|| format!("ask the API server for {} {}", kind.api_version(), kind.kind))?;
    Ok(match capabilities.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    })
}

/// The objects in a text of YAML documents.
pub fn documents(yaml: &str) -> anyhow::Result<Vec<DynamicObject>> {
    let read: Result<Vec<Option<DynamicObject>>, _> = serde_yaml::from_multiple(yaml);
    Ok(read.context("read a manifest")?.into_iter().flatten().collect())
}

async fn apply_one(client: &Client, namespace: &str, object: DynamicObject) -> anyhow::Result<DynamicObject> {
    let types = object
        .types
        .as_ref()
        .context("a manifest without apiVersion and kind")?;
    let kind = GroupVersionKind::try_from(types).context("a manifest's apiVersion")?;
    let name = object
        .metadata
        .name
        .clone()
        .context("a manifest without metadata.name")?;
    let namespace = object.metadata.namespace.as_deref().unwrap_or(namespace);
    let api = api(client, namespace, &kind).await?;
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&name, &params, &Patch::Apply(&object))
        .await
        .with_context(|| format!("apply {} {name}", kind.kind))
}

/// An error as a sentence. Of what the API server refused, only its own sentence is told: the rest repeats it thrice.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut told = Vec::new();
    for cause in error.chain() {
        match cause.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => {
                told.push(status.message.clone());
                break;
            }
            _ => told.push(cause.to_string()),
        }
    }
    told.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_in_order_and_empty_ones_left_out() {
        let yaml = "apiVersion: v1\nkind: Secret\nmetadata: {name: one}\n---\n# nothing\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: two}\n";
        let names: Vec<_> = documents(yaml)
            .unwrap()
            .into_iter()
            .filter_map(|object| object.metadata.name)
            .collect();
        assert_eq!(names, ["one", "two"]);
    }

    #[test]
    fn a_refusal_is_told_once() {
        let status: kube::core::Status = serde_json::from_value(serde_json::json!({
            "status": "Failure", "message": "metadata.name: too long", "reason": "Invalid", "code": 422,
        }))
        .unwrap();
        let error = anyhow::Error::new(kube::Error::Api(Box::new(status))).context("apply Pod a");
        assert_eq!(sentence(&error), "apply Pod a: metadata.name: too long");
    }

    #[test]
    fn every_manifest_of_a_new_cluster_is_one() {
        let network = super::super::Network::new(0).unwrap();
        for yaml in [
            super::super::storage::manifests(),
            super::super::dns::manifests(network),
        ] {
            for object in documents(&yaml).unwrap() {
                assert!(object.types.is_some() && object.metadata.name.is_some(), "{object:?}");
            }
        }
    }
}
