//! The files a pod sees: the ConfigMap, the certificate Secret and the key Secret of its node, in one flat folder.

use std::collections::BTreeMap;

use althing_operator::name::NodeName;
use althing_operator::plan::{FileDigest, FileRef, Identity, KeyState, ObservedFile};
use serde_json::Value;

use super::{Seen, child, children};
use crate::child::ChildKind;
use crate::names;

/// The file the key Secret is seen as.
const NODE_KEY: &str = "node.key";

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
        let identity = Identity::Node(node.clone());
        let certificates = names::certificate_secret(&identity).and_then(|name| seen.contents.public.get(&name));
        for (path, text) in certificates.iter().flat_map(|files| files.iter()) {
            files.insert(at(node, path), ObservedFile::Text(FileDigest::of(text)));
        }
        if let Some(KeyState::Present(_)) = seen.contents.keys.get(&identity) {
            files.insert(at(node, NODE_KEY), ObservedFile::PrivateKey(identity));
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
