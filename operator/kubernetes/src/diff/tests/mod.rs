//! What is at rest, and an API server to try writes on.

mod drifts;
mod random;
mod refusals;

use serde_json::{Value, json};

use super::{LiveChild, LiveChildren, Writes, shape, writes};
use crate::child::{Child, ChildKind};
use crate::lower::testing::{Town, applied};

use ChildKind::{NetworkPolicy, PersistentVolumeClaim, Service, ServiceAccount, StatefulSet};

/// Somebody changes an object.
type Edit = fn(&mut Value);

/// The sample's children, and the same as an API server holds them.
pub(super) struct Case {
    pub children: Vec<Child>,
    pub live: LiveChildren,
}

impl Case {
    pub(super) fn new() -> Self {
        let children = Town::four_agencies().children();
        let live = applied(&children);
        Self { children, live }
    }

    pub(super) fn edit(&mut self, kind: ChildKind, name: &str, edit: impl FnOnce(&mut Value)) {
        let key = (kind, name.to_owned());
        let mut body = self.live[&key].body().clone();
        edit(&mut body);
        self.live.insert(key, LiveChild::new(kind, name, body));
    }

    pub(super) fn child(&self, kind: ChildKind, name: &str) -> &Child {
        self.children.iter().find(|child| child.at() == (kind, name)).unwrap()
    }

    pub(super) fn writes(&self) -> Writes {
        writes(&self.children, &self.live)
    }

    /// What an API server would make of the writes.
    pub(super) fn carry_out(&mut self, writes: &Writes) {
        for apply in &writes.apply {
            let child = &apply.child;
            let key = (child.kind, child.name.clone());
            let Some(live) = self.live.get(&key) else {
                self.live.extend(applied(std::slice::from_ref(child)));
                continue;
            };
            let mut body = live.body().clone();
            if let Some(patch) = &apply.removal {
                assert_eq!(patch["metadata"]["uid"], live.uid(), "a removal is for what was seen");
                assert_eq!(patch["metadata"]["resourceVersion"], live.resource_version());
                merge_patch(&mut body, patch);
            }
            server_side_apply(child.kind, "", &mut body, &child.body);
            self.live.insert(key, LiveChild::new(child.kind, &child.name, body));
        }
        for delete in &writes.delete {
            self.live.remove(&(delete.kind, delete.name.clone()));
        }
    }
}

/// RFC 7386.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().unwrap();
    for (key, value) in patch {
        match value {
            Value::Null => drop(fields.remove(key)),
            value => merge_patch(fields.entry(key.clone()).or_insert(Value::Null), value),
        }
    }
}

/// Server-side apply as far as values go: maps by key, lists by their keys or as a whole. Nothing is taken away.
fn server_side_apply(kind: ChildKind, path: &str, live: &mut Value, desired: &Value) {
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => {
            for (key, value) in desired {
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                server_side_apply(kind, &below, live.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(live), Value::Array(desired)) if shape::list_keys(kind, path).is_some() => {
            let keys = shape::list_keys(kind, path).unwrap();
            for value in desired {
                let same = |live: &&mut Value| keys.iter().all(|key| live.get(key) == value.get(key));
                match live.iter_mut().find(same) {
                    Some(live) => server_side_apply(kind, &format!("{path}[]"), live, value),
                    None => live.push(value.clone()),
                }
            }
        }
        (live, desired) => *live = desired.clone(),
    }
}

pub(super) fn container(body: &mut Value) -> &mut Value {
    body.pointer_mut("/spec/template/spec/containers/0").unwrap()
}

#[test]
fn what_was_applied_is_at_rest_whatever_the_api_server_filled_in() {
    assert_eq!(Case::new().writes(), Writes::default());
}

#[test]
fn what_is_missing_is_applied_in_the_written_order() {
    let case = Case::new();
    let writes = writes(&case.children, &LiveChildren::new());
    let kinds: Vec<ChildKind> = writes.apply.iter().map(|apply| apply.child.kind).collect();
    assert!(kinds.is_sorted());
    assert_eq!(kinds.len(), case.children.len());
    assert!(
        writes
            .apply
            .iter()
            .all(|apply| apply.differs.is_empty() && apply.removal.is_none())
    );
}

#[test]
fn an_equal_value_written_otherwise_is_no_drift() {
    let mut case = Case::new();
    case.edit(StatefulSet, "node-0", |body| {
        let resources = &mut container(body)["resources"];
        resources["requests"] = json!({"cpu": "0.1", "memory": "262144Ki"});
        resources["limits"] = json!({"cpu": "2000m", "memory": "1024Mi"});
    });
    case.edit(PersistentVolumeClaim, "node-0-data", |body| {
        body["spec"]["resources"]["requests"]["storage"] = json!("10240Mi");
    });
    case.edit(NetworkPolicy, "node-0", |body| {
        let peers = body.pointer_mut("/spec/ingress/1/from/1").unwrap();
        peers.as_object_mut().unwrap().remove("namespaceSelector");
        peers["namespaceSelector"] = json!({});
    });
    case.edit(StatefulSet, "node-0", |body| {
        let ports = container(body)["ports"].as_array_mut().unwrap();
        ports.reverse();
    });
    assert_eq!(case.writes(), Writes::default());
}

#[test]
fn what_administrators_and_controllers_add_is_left_to_them() {
    let mut case = Case::new();
    case.edit(ServiceAccount, "node-0", |body| {
        body["imagePullSecrets"] = json!([{"name": "registry"}])
    });
    case.edit(Service, "node-0", |body| {
        body["metadata"]["labels"]["team"] = json!("ledger");
        body["metadata"]["annotations"] = json!({"note": "x"});
        body["spec"]["trafficDistribution"] = json!("PreferClose");
    });
    case.edit(StatefulSet, "node-0", |body| {
        let template = &mut body["spec"]["template"];
        template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!("now");
        template["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
        template["spec"]["imagePullSecrets"] = json!([{"name": "registry"}]);
        body["metadata"]["ownerReferences"]
            .as_array_mut()
            .unwrap()
            .push(json!({"uid": "other", "controller": false}));
    });
    assert_eq!(case.writes(), Writes::default());
}
