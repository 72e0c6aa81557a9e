//! ConfigMap of a node: every public file but its certificates, by name. A group more is a file more, and no other pod.

use serde_json::{Map, json};

use super::node::NodeParts;
use crate::child::{Child, ChildKind, Fate};
use crate::names;

/// `config.ini`, `nodes.json`, `node.nodeid`, and `group.N.genesis`, `group.N.ini` and, where there is one, `group.N.recovery` of every group.
pub(super) fn config_map(node: &NodeParts<'_>) -> Child {
    let mut texts = node.texts.clone();
    let elsewhere: Vec<_> = node.mounted.iter().flat_map(|mounted| mounted.public()).collect();
    texts.retain(|path, _| elsewhere.iter().all(|(_, file)| file != path));
    let content = Map::from_iter([("data".to_owned(), json!(texts))]);
    node.family.child(
        ChildKind::ConfigMap,
        names::config(&node.process.node),
        Fate::Goes,
        content,
    )
}
