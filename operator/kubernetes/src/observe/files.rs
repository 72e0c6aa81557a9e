//! The files a pod sees, in one folder: the ConfigMap of its node, and what is mounted of certificate and key Secrets.

use std::collections::BTreeMap;

use althing_operator::name::NodeName;
use althing_operator::plan::{FileDigest, FileRef, KeyState, ObservedFile};
use serde_json::Value;

use super::{Seen, child, children};
use crate::child::ChildKind;
use crate::names::{self, Mounted};

pub(super) fn files(seen: &Seen<'_>) -> BTreeMap<FileRef, ObservedFile> {
    let mut files = BTreeMap::new();
    for name in children(seen.shelf, ChildKind::ConfigMap) {
        let node = name.strip_suffix("-config").and_then(|node| NodeName::new(node).ok());
        let (Some(node), Some(object)) = (node, child(seen.shelf, ChildKind::ConfigMap, name)) else {
            continue;
        };
        for (path, text) in object.pointer("/data").and_then(Value::as_object).into_iter().flatten() {
            let found = text
                .as_str()
                .map_or(ObservedFile::Other, |text| ObservedFile::Text(FileDigest::of(text)));
            files.insert(at(&node, path), found);
        }
    }
    for node in seen.manifests.nodes.keys() {
        for mounted in Mounted::of_node(seen.manifests, node) {
            let identity = &mounted.identity;
            let public = names::certificate_secret(identity).and_then(|name| seen.contents.public.get(&name));
            for (key, text) in public.iter().flat_map(|files| files.iter()) {
                let name = mounted
                    .public()
                    .into_iter()
                    .find_map(|(known, name)| (known == key).then_some(name));
                files.insert(at(node, name.unwrap_or(key)), ObservedFile::Text(FileDigest::of(text)));
            }
            if let Some(KeyState::Present(_)) = seen.contents.keys.get(identity) {
                files.insert(at(node, mounted.key), ObservedFile::PrivateKey(mounted.identity));
            }
        }
    }
    files
}

fn at(node: &NodeName, path: &str) -> FileRef {
    FileRef {
        node: node.clone(),
        path: path.to_owned(),
    }
}
