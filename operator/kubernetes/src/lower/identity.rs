//! ServiceAccount: who a node's pod is to the API server. It has no token, so it is nobody.

use serde_json::{Map, json};

use super::node::NodeParts;
use crate::child::{Child, ChildKind, Fate};
use crate::names;

/// A ServiceAccount of the node's own. Users may add `imagePullSecrets` to it: what is not said here is left alone.
pub(super) fn service_account(node: &NodeParts<'_>) -> Child {
    let content = Map::from_iter([("automountServiceAccountToken".to_owned(), json!(false))]);
    node.family.child(
        ChildKind::ServiceAccount,
        names::node(&node.process.node),
        Fate::Goes,
        content,
    )
}
