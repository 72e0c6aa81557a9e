//! Manifests for cases.

use std::path::Path;

use anyhow::Context;

use crate::cluster::documents;
use crate::repository;

/// The sample of four agencies, in another namespace than its own.
pub fn four_agencies(namespace: &str) -> anyhow::Result<String> {
    let folder = repository().join("deploy/samples/four-agencies");
    let mut texts = vec![];
    for entry in std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            texts.push(read(&path)?);
        }
    }
    texts.sort();
    in_namespace(&texts.join("\n---\n"), namespace)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// The same objects in this namespace; a Namespace among them is left out.
pub fn in_namespace(yaml: &str, namespace: &str) -> anyhow::Result<String> {
    let mut texts = vec![];
    for mut object in documents(yaml)? {
        if object.types.as_ref().is_some_and(|types| types.kind == "Namespace") {
            continue;
        }
        object.metadata.namespace = Some(namespace.to_owned());
        texts.push(serde_json::to_string(&object)?);
    }
    Ok(texts.join("\n---\n"))
}
