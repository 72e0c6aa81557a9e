//! Volumes of played pods: names without a disk. The controller manager binds them, as it binds a driver's.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::report;

/// The storage class, which is the default one.
const CLASS: &str = "played";
/// Volumes made at the same time.
const SIDE_BY_SIDE: usize = 8;

/// Puts the storage class in the place of the cluster's own.
pub(super) async fn class(client: &Client) -> anyhow::Result<()> {
    let classes: Api<StorageClass> = Api::all(client.clone());
    classes.delete("standard", &DeleteParams::default()).await?;
    let class = serde_json::from_value(json!({
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "althing.dev/bench",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": true,
    }))?;
    classes.create(&PostParams::default(), &class).await?;
    Ok(())
}

/// Makes a volume for every claim that has none, until the task is ended.
pub(super) async fn provide(client: Client) {
    loop {
        if let Err(error) = watch(&client).await {
            let _ = report::line(&format!("    volumes: {error:#}"));
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

async fn watch(client: &Client) -> anyhow::Result<()> {
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    let seen = claims.watch(&WatchParams::default(), "0").await?.boxed();
    seen.map_err(anyhow::Error::from)
        .try_for_each_concurrent(SIDE_BY_SIDE, |event| async move {
            match event {
                WatchEvent::Added(claim) | WatchEvent::Modified(claim) => volume(client, &claim).await,
                _ => Ok(()),
            }
        })
        .await
}

async fn volume(client: &Client, claim: &PersistentVolumeClaim) -> anyhow::Result<()> {
    let Some(spec) = claim.spec.as_ref().filter(|spec| spec.volume_name.is_none()) else {
        return Ok(());
    };
    let metadata = &claim.metadata;
    let name = format!("pvc-{}", metadata.uid.as_deref().unwrap_or_default());
    let wanted = spec.resources.as_ref().and_then(|wanted| wanted.requests.as_ref());
    let volume = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": spec.access_modes,
            "capacity": wanted,
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": metadata.namespace, "name": metadata.name, "uid": metadata.uid,
            },
            "hostPath": {"path": format!("/nowhere/{name}")},
            "storageClassName": CLASS,
        },
    }))?;
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    match volumes.create(&PostParams::default(), &volume).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        made => Ok(made.map(drop)?),
    }
}
