//! Children: the objects that are made for a manifest, as bodies ready for server-side apply.

use std::collections::BTreeMap;

use althing_operator::name::{ConsortiumName, Namespace};
use althing_operator::status::ObjectRef;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::names;

/// The kinds of children, in the order they are applied: what a pod needs comes before what makes pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum ChildKind {
    /// Who a pod is.
    ServiceAccount,
    /// A name on the network.
    Service,
    /// Certificates. Private keys are Secrets too, but never children: they are made once and not lowered.
    Secret,
    /// Public files; a genesis.
    ConfigMap,
    /// A node's volume.
    PersistentVolumeClaim,
    /// Who may reach a node.
    NetworkPolicy,
    /// Whether a node's pod may be evicted.
    PodDisruptionBudget,
    /// A node's pod.
    StatefulSet,
}

impl ChildKind {
    /// Every kind, in the order of application.
    pub const ALL: [Self; 8] = [
        Self::ServiceAccount,
        Self::Service,
        Self::Secret,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::StatefulSet,
    ];

    /// The API group; empty for the core group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "networking.k8s.io",
            Self::PodDisruptionBudget => "policy",
            Self::StatefulSet => "apps",
            _ => "",
        }
    }

    /// The API version within the group.
    pub const fn version(self) -> &'static str {
        "v1"
    }

    /// `group/version`, or the version alone in the core group.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "networking.k8s.io/v1",
            Self::PodDisruptionBudget => "policy/v1",
            Self::StatefulSet => "apps/v1",
            _ => "v1",
        }
    }

    /// The kind as manifests write it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Service => "Service",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::StatefulSet => "StatefulSet",
        }
    }

    /// The plural in URLs and roles.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::ServiceAccount => "serviceaccounts",
            Self::Service => "services",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
            Self::PersistentVolumeClaim => "persistentvolumeclaims",
            Self::NetworkPolicy => "networkpolicies",
            Self::PodDisruptionBudget => "poddisruptionbudgets",
            Self::StatefulSet => "statefulsets",
        }
    }
}

impl std::fmt::Display for ChildKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// The object a child belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Owner {
    /// Which.
    pub object: ObjectRef,
    /// Its uid: an object of the same name made later is another owner.
    pub uid: String,
}

/// A child as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Child {
    /// Its kind.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The complete body for server-side apply.
    pub body: Value,
}

impl Child {
    /// `Kind/name`.
    pub fn at(&self) -> (ChildKind, &str) {
        (self.kind, &self.name)
    }
}

/// What happens to a child when its owner is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes with its owner: the owner is referenced as controller.
    Goes,
    /// It stays: keys, data and records outlive manifests, so no owner is referenced.
    Stays,
}

/// What all children of one owner have in common.
#[derive(Clone, Debug)]
pub struct Family<'a> {
    /// The namespace.
    pub namespace: &'a Namespace,
    /// The owner.
    pub owner: Owner,
    /// The consortium that the owner's manifest names, whether it is there yet or not.
    pub consortium: Option<ConsortiumName>,
}

impl Family<'_> {
    /// `metadata` of a child of this owner.
    pub fn metadata(&self, name: &str, fate: Fate, annotations: &BTreeMap<String, String>) -> Value {
        let mut metadata = json!({
            "name": name,
            "namespace": self.namespace.as_str(),
            "labels": names::labels(&self.owner.object, self.consortium.as_ref()),
        });
        if let Value::Object(fields) = &mut metadata {
            if !annotations.is_empty() {
                fields.insert("annotations".to_owned(), json!(annotations));
            }
            if fate == Fate::Goes {
                fields.insert("ownerReferences".to_owned(), json!([self.reference()]));
            }
        }
        metadata
    }

    /// The reference to the owner. Never blocks the owner's deletion: a namespace must always be able to go.
    pub fn reference(&self) -> Value {
        let object = &self.owner.object;
        json!({
            "apiVersion": althing_crds::API_VERSION,
            "kind": object.kind(),
            "name": object.name(),
            "uid": self.owner.uid,
            "controller": true,
            "blockOwnerDeletion": false,
        })
    }

    /// A child without annotations. `content` holds the fields beside `metadata`: `spec`, `data` and the like.
    pub fn child(&self, kind: ChildKind, name: String, fate: Fate, content: Map<String, Value>) -> Child {
        self.annotated(kind, name, fate, &BTreeMap::new(), content)
    }

    /// A child with annotations.
    pub fn annotated(
        &self,
        kind: ChildKind,
        name: String,
        fate: Fate,
        annotations: &BTreeMap<String, String>,
        content: Map<String, Value>,
    ) -> Child {
        let mut body = Map::from_iter([
            ("apiVersion".to_owned(), json!(kind.api_version())),
            ("kind".to_owned(), json!(kind.kind())),
            ("metadata".to_owned(), self.metadata(&name, fate, annotations)),
        ]);
        body.extend(content);
        Child {
            kind,
            name,
            owner: self.owner.clone(),
            body: Value::Object(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_applied_in_the_written_order_and_pods_last() {
        let mut sorted = ChildKind::ALL;
        sorted.sort();
        assert_eq!(sorted, ChildKind::ALL);
        assert_eq!(sorted.last(), Some(&ChildKind::StatefulSet));
    }

    #[test]
    fn an_api_version_is_its_group_and_version() {
        for kind in ChildKind::ALL {
            let expected = match kind.group() {
                "" => kind.version().to_owned(),
                group => format!("{group}/{}", kind.version()),
            };
            assert_eq!(kind.api_version(), expected);
        }
    }
}
