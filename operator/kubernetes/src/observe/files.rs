//! The files a pod sees: the ConfigMap, the certificate Secret and the key Secret of its node, in one flat folder.

use std::collections::BTreeMap;

use althing_operator::name::NodeName;
use althing_operator::plan::{FileDigest, FileRef, Identity, KeyState, ObservedFile};
use althing_types::config::IdentityFiles;
use althing_types::genesis::Cryptography;
use serde_json::Value;

use super::{Seen, child, children};
use crate::child::ChildKind;
use crate::names;

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
    for (node, manifest) in &seen.manifests.nodes {
        let edition = seen.manifests.edition_of_agency(&manifest.spec.agency);
        let identity_files = IdentityFiles::of(edition.unwrap_or(Cryptography::Standard));
        let identity = Identity::Node(node.clone());
        let certificates = names::certificate_secret(&identity).and_then(|name| seen.contents.public.get(&name));
        for (key, text) in certificates.iter().flat_map(|files| files.iter()) {
            let mut renamed = names::node_files(identity_files).into_iter();
            let name = renamed.find_map(|(known, name)| (known == key).then_some(name));
            let path = name.unwrap_or(key);
            files.insert(at(node, path), ObservedFile::Text(FileDigest::of(text)));
        }
        if let Some(KeyState::Present(_)) = seen.contents.keys.get(&identity) {
            files.insert(at(node, identity_files.key), ObservedFile::PrivateKey(identity));
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
