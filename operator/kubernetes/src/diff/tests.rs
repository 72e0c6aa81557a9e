//! Drifts, conflicts, foreign names and what is pruned, as pure cases.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{LiveChild, LiveChildren, Writes, shape, writes};
use crate::child::{Child, ChildKind};
use crate::lower::testing::{Town, applied, merge};

use ChildKind::{
    ConfigMap, NetworkPolicy, PersistentVolumeClaim, PodDisruptionBudget, Secret, Service, ServiceAccount, StatefulSet,
};

/// The sample's children, and the same as an API server holds them.
struct Case {
    children: Vec<Child>,
    live: LiveChildren,
}

impl Case {
    fn new() -> Self {
        let children = Town::four_agencies().children();
        let live = applied(&children);
        Self { children, live }
    }

    fn edit(&mut self, kind: ChildKind, name: &str, edit: impl FnOnce(&mut Value)) {
        let key = (kind, name.to_owned());
        let mut body = self.live[&key].body().clone();
        edit(&mut body);
        self.live.insert(key, LiveChild::new(kind, name, body));
    }

    fn child(&self, kind: ChildKind, name: &str) -> &Child {
        self.children.iter().find(|child| child.at() == (kind, name)).unwrap()
    }

    fn writes(&self) -> Writes {
        writes(&self.children, &self.live)
    }

    /// What an API server would make of the writes.
    fn carry_out(&mut self, writes: &Writes) {
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

fn container(body: &mut Value) -> &mut Value {
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

type Edit = fn(&mut Value);

/// Who edits what, and the field it shows in.
const DRIFTS: &[(&str, ChildKind, &str, &str, Edit)] = &[
    (
        "an edited image",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[].image",
        |body| {
            container(body)["image"] = json!("evil:1");
        },
    ),
    ("scaled to none", StatefulSet, "node-0", "spec.replicas", |body| {
        body["spec"]["replicas"] = json!(0)
    }),
    ("scaled to two", StatefulSet, "node-0", "spec.replicas", |body| {
        body["spec"]["replicas"] = json!(2)
    }),
    (
        "a rolling update",
        StatefulSet,
        "node-0",
        "spec.updateStrategy.type",
        |body| {
            body["spec"]["updateStrategy"] = json!({"type": "RollingUpdate"});
        },
    ),
    (
        "a sidecar",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[]",
        |body| {
            let containers = body
                .pointer_mut("/spec/template/spec/containers")
                .unwrap()
                .as_array_mut()
                .unwrap();
            containers.push(json!({"name": "sidecar", "image": "evil:1"}));
        },
    ),
    (
        "a privileged container",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[].securityContext.privileged",
        |body| {
            container(body)["securityContext"]["privileged"] = json!(true);
        },
    ),
    (
        "the host's network",
        StatefulSet,
        "node-0",
        "spec.template.spec.hostNetwork",
        |body| {
            body["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
        },
    ),
    (
        "another command",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[].command",
        |body| {
            container(body)["command"] = json!(["/bin/sh"]);
        },
    ),
    (
        "other arguments",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[].args[]",
        |body| {
            container(body)["args"] = json!(["-c", "/tmp/config.ini"]);
        },
    ),
    (
        "an environment",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[].env",
        |body| {
            container(body)["env"] = json!([{"name": "X", "value": "1"}]);
        },
    ),
    (
        "no limits",
        StatefulSet,
        "node-0",
        "spec.template.spec.containers[].resources.limits",
        |body| {
            drop(container(body)["resources"].as_object_mut().unwrap().remove("limits"));
        },
    ),
    (
        "a token for the pod",
        StatefulSet,
        "node-0",
        "spec.template.spec.automountServiceAccountToken",
        |body| {
            drop(
                body["spec"]["template"]["spec"]
                    .as_object_mut()
                    .unwrap()
                    .remove("automountServiceAccountToken"),
            );
        },
    ),
    (
        "a key more in the pod",
        StatefulSet,
        "node-0",
        "spec.template.spec.volumes[].projected.sources",
        |body| {
            let volume = body
                .pointer_mut("/spec/template/spec/volumes/0/projected/sources")
                .unwrap();
            volume
                .as_array_mut()
                .unwrap()
                .push(json!({"secret": {"name": "agency-a-ca-key"}}));
        },
    ),
    (
        "a changed annotation",
        StatefulSet,
        "node-0",
        "spec.template.metadata.annotations.althing.dev/process",
        |body| {
            body["spec"]["template"]["metadata"]["annotations"]["althing.dev/process"] = json!("{}");
        },
    ),
    (
        "a changed configuration",
        ConfigMap,
        "node-0-config",
        "data.config.ini",
        |body| body["data"]["config.ini"] = json!(""),
    ),
    (
        "a removed file",
        ConfigMap,
        "node-0-config",
        "data.nodes.json",
        |body| {
            drop(body["data"].as_object_mut().unwrap().remove("nodes.json"));
        },
    ),
    (
        "an added file",
        ConfigMap,
        "node-0-config",
        "data.group.9.genesis",
        |body| body["data"]["group.9.genesis"] = json!(""),
    ),
    ("another trust", Secret, "node-0-certificate", "data.ca.crt", |body| {
        body["data"]["ca.crt"] = json!("YQ==")
    }),
    (
        "an added certificate",
        Secret,
        "node-0-certificate",
        "data.extra.crt",
        |body| body["data"]["extra.crt"] = json!("YQ=="),
    ),
    (
        "a removed label",
        Service,
        "node-0",
        "metadata.labels.althing.dev/owner",
        |body| {
            drop(
                body["metadata"]["labels"]
                    .as_object_mut()
                    .unwrap()
                    .remove("althing.dev/owner"),
            );
        },
    ),
    ("every label removed", Service, "node-0", "metadata.labels", |body| {
        drop(body["metadata"].as_object_mut().unwrap().remove("labels"));
    }),
    (
        "a changed label",
        ConfigMap,
        "node-0-config",
        "metadata.labels.app.kubernetes.io/managed-by",
        |body| {
            body["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("helm");
        },
    ),
    (
        "a removed owner",
        Service,
        "node-0-p2p",
        "metadata.ownerReferences",
        |body| {
            drop(body["metadata"].as_object_mut().unwrap().remove("ownerReferences"));
        },
    ),
    (
        "an owner for a record",
        ConfigMap,
        "group-1-genesis",
        "metadata.ownerReferences",
        |body| {
            body["metadata"]["ownerReferences"] = json!([{"uid": "uid-of-groups-group-1", "controller": true}]);
        },
    ),
    (
        "an owner for the data",
        PersistentVolumeClaim,
        "node-0-data",
        "metadata.ownerReferences",
        |body| {
            body["metadata"]["ownerReferences"] = json!([{"uid": "uid-of-nodes-node-0"}, {"uid": "other"}]);
        },
    ),
    ("a changed port", Service, "node-0", "spec.ports[]", |body| {
        body["spec"]["ports"][0]["port"] = json!(80)
    }),
    ("an added port", Service, "node-0-p2p", "spec.ports[]", |body| {
        body["spec"]["ports"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "x", "port": 8545, "protocol": "TCP"}));
    }),
    ("another target", Service, "node-0", "spec.ports[].targetPort", |body| {
        body["spec"]["ports"][0]["targetPort"] = json!(9545);
    }),
    (
        "another selector",
        Service,
        "node-0",
        "spec.selector.althing.dev/node",
        |body| {
            body["spec"]["selector"]["althing.dev/node"] = json!("node-1");
        },
    ),
    ("a narrower selector", Service, "node-0", "spec.selector.x", |body| {
        body["spec"]["selector"]["x"] = json!("y")
    }),
    (
        "an address of the world",
        Service,
        "node-0",
        "spec.externalIPs",
        |body| {
            body["spec"]["externalIPs"] = json!(["203.0.113.7"]);
        },
    ),
    (
        "a Service that opens to the world",
        Service,
        "node-0",
        "spec.type",
        |body| body["spec"]["type"] = json!("NodePort"),
    ),
    (
        "unready nodes hidden from peers",
        Service,
        "node-0-p2p",
        "spec.publishNotReadyAddresses",
        |body| {
            drop(body["spec"].as_object_mut().unwrap().remove("publishNotReadyAddresses"));
        },
    ),
    (
        "unready nodes shown to clients",
        Service,
        "node-0",
        "spec.publishNotReadyAddresses",
        |body| {
            body["spec"]["publishNotReadyAddresses"] = json!(true);
        },
    ),
    (
        "an opened budget",
        PodDisruptionBudget,
        "node-0",
        "spec.maxUnavailable",
        |body| {
            body["spec"]["maxUnavailable"] = json!(1);
        },
    ),
    (
        "an opened budget for what is not ready",
        PodDisruptionBudget,
        "node-0",
        "spec.unhealthyPodEvictionPolicy",
        |body| {
            body["spec"]["unhealthyPodEvictionPolicy"] = json!("AlwaysAllow");
        },
    ),
    (
        "a policy open to all",
        NetworkPolicy,
        "node-0",
        "spec.ingress[].from",
        |body| {
            drop(body["spec"]["ingress"][1].as_object_mut().unwrap().remove("from"));
        },
    ),
    (
        "a policy with a rule more",
        NetworkPolicy,
        "node-0",
        "spec.ingress",
        |body| {
            body["spec"]["ingress"].as_array_mut().unwrap().push(json!({}));
        },
    ),
    (
        "a policy with a wider peer",
        NetworkPolicy,
        "node-0",
        "spec.ingress[].from[].namespaceSelector",
        |body| {
            body["spec"]["ingress"][1]["from"][0]["namespaceSelector"] = json!({"matchLabels": {"x": "y"}});
        },
    ),
    (
        "a policy of nobody",
        NetworkPolicy,
        "node-0",
        "spec.podSelector.matchLabels.x",
        |body| {
            body["spec"]["podSelector"]["matchLabels"]["x"] = json!("y");
        },
    ),
    (
        "a policy that keeps the node in",
        NetworkPolicy,
        "node-0",
        "spec.policyTypes",
        |body| {
            body["spec"]["policyTypes"] = json!(["Ingress", "Egress"]);
        },
    ),
    (
        "a token for the account",
        ServiceAccount,
        "node-0",
        "automountServiceAccountToken",
        |body| {
            body["automountServiceAccountToken"] = json!(true);
        },
    ),
];

#[test]
fn a_drift_is_found_in_its_field_and_repaired_by_one_round() {
    for (who, kind, name, field, edit) in DRIFTS {
        let mut case = Case::new();
        case.edit(*kind, name, edit);
        let writes = case.writes();
        assert_eq!(
            (writes.conflicts.len(), writes.taken.len(), writes.delete.len()),
            (0, 0, 0),
            "{who}: {writes:?}"
        );
        let [apply] = writes.apply.as_slice() else {
            panic!("{who}: {writes:#?}");
        };
        assert_eq!(apply.child.at(), (*kind, *name), "{who}");
        assert!(
            apply.differs.iter().any(|found| found == field),
            "{who}: {:?}",
            apply.differs
        );
        case.carry_out(&writes);
        assert_eq!(case.writes(), Writes::default(), "{who}: repaired");
        let left = serde_json::to_string(case.live[&(*kind, (*name).to_owned())].body()).unwrap();
        assert!(!left.contains("evil:1"), "{who}: {left}");
    }
}

#[test]
fn a_deleted_child_comes_back() {
    for (kind, name) in [
        (Service, "node-0"),
        (ConfigMap, "node-0-config"),
        (StatefulSet, "node-0"),
        (PodDisruptionBudget, "node-0"),
    ] {
        let mut case = Case::new();
        case.live.remove(&(kind, name.to_owned()));
        let writes = case.writes();
        assert_eq!(writes.apply.len(), 1, "{kind} {name}");
        case.carry_out(&writes);
        assert_eq!(case.writes(), Writes::default());
    }
}

#[test]
fn a_repaired_external_service_keeps_its_node_port() {
    let mut town = Town::four_agencies();
    let spec = &mut town.manifests.nodes.values_mut().next().unwrap().spec;
    spec.p2p.get_or_insert_default().service = Some(althing_crds::v1alpha1::ServiceType::NodePort);
    let children = town.children();
    let live = applied(&children);
    let mut case = Case { children, live };
    case.edit(Service, "node-0-external", |body| {
        body["spec"]["ports"][0]["nodePort"] = json!(30007);
        body["spec"]["ports"]
            .as_array_mut()
            .unwrap()
            .push(json!({"port": 1, "protocol": "TCP"}));
    });
    let writes = case.writes();
    case.carry_out(&writes);
    assert_eq!(case.writes(), Writes::default());
    let body = case.live[&(Service, "node-0-external".to_owned())].body();
    assert_eq!(body["spec"]["ports"].as_array().unwrap().len(), 1);
    assert_eq!(body["spec"]["ports"][0]["nodePort"], 30007);
}

#[test]
fn what_cannot_be_changed_is_named_and_not_written() {
    let cases: [(ChildKind, &str, &str, Edit); 10] = [
        (StatefulSet, "node-0", "spec.serviceName", |body| {
            body["spec"]["serviceName"] = json!("x")
        }),
        (StatefulSet, "node-0", "spec.podManagementPolicy", |body| {
            body["spec"]["podManagementPolicy"] = json!("OrderedReady");
        }),
        (StatefulSet, "node-0", "spec.selector", |body| {
            body["spec"]["selector"]["matchLabels"]["x"] = json!("y")
        }),
        (Service, "node-0-p2p", "spec.clusterIP", |body| {
            body["spec"]["clusterIP"] = json!("10.0.0.9")
        }),
        (Service, "node-0", "spec.clusterIP", |body| {
            body["spec"]["clusterIP"] = json!("None")
        }),
        (
            PersistentVolumeClaim,
            "node-0-data",
            "spec.resources.requests.storage",
            |body| {
                body["spec"]["resources"]["requests"]["storage"] = json!("11Gi");
            },
        ),
        (PersistentVolumeClaim, "node-0-data", "spec.accessModes", |body| {
            body["spec"]["accessModes"] = json!(["ReadWriteMany"]);
        }),
        (ConfigMap, "group-1-genesis", "data", |body| {
            body["data"]["genesis.json"] = json!("{}")
        }),
        (ConfigMap, "node-0-config", "immutable", |body| {
            body["immutable"] = json!(true)
        }),
        (Secret, "node-0-certificate", "type", |body| {
            body["type"] = json!("kubernetes.io/tls")
        }),
    ];
    for (kind, name, field, edit) in cases {
        let mut case = Case::new();
        case.edit(kind, name, edit);
        let writes = case.writes();
        let [conflict] = writes.conflicts.as_slice() else {
            panic!("{kind} {name} {field}: {writes:#?}");
        };
        assert_eq!(conflict.field, field);
        assert!(writes.apply.is_empty(), "{kind} {name}: {writes:?}");
        let text = conflict.to_string();
        assert!(text.starts_with(&format!("{kind} {name}: {field} differs")), "{text}");
    }
}

#[test]
fn somebody_elses_object_is_never_written_over_and_its_pod_is_not_made() {
    let strangers: [(&str, Edit); 5] = [
        ("not labelled", |body| {
            body["metadata"]
                .as_object_mut()
                .unwrap()
                .retain(|key, _| key != "ownerReferences" && key != "labels");
        }),
        ("labelled as Node/other's", |body| {
            drop(body["metadata"].as_object_mut().unwrap().remove("ownerReferences"));
            body["metadata"]["labels"]["althing.dev/owner"] = json!("other");
        }),
        ("controlled by Deployment/x", |body| {
            body["metadata"]["ownerReferences"] =
                json!([{"kind": "Deployment", "name": "x", "uid": "x", "controller": true}]);
        }),
        ("controlled by Node/other", |body| {
            body["metadata"]["ownerReferences"][0]["name"] = json!("other");
            body["metadata"]["ownerReferences"][0]["uid"] = json!("uid-of-nodes-other");
        }),
        ("of an earlier Node/node-0", |body| {
            body["metadata"]["ownerReferences"][0]["uid"] = json!("earlier")
        }),
    ];
    for (who, edit) in strangers {
        let mut case = Case::new();
        case.edit(Secret, "node-0-certificate", edit);
        case.live.remove(&(StatefulSet, "node-0".to_owned()));
        let writes = case.writes();
        let [taken] = writes.taken.as_slice() else {
            panic!("{who}: {writes:#?}");
        };
        assert!(taken.by.contains(who), "{who}: {}", taken.by);
        assert!(writes.apply.is_empty() && writes.delete.is_empty(), "{who}: {writes:?}");
    }
}

#[test]
fn two_owners_that_want_one_name_get_nothing_overwritten() {
    let mut case = Case::new();
    let mut second = case.child(Secret, "agency-a-ca").clone();
    second.owner = case.child(Service, "node-0").owner.clone();
    case.children.push(second);
    let writes = case.writes();
    assert!(writes.apply.is_empty());
    assert_eq!(writes.taken.len(), 1);
    assert_eq!(writes.taken[0].by, "wanted by Agency/agency-a as well");
}

#[test]
fn a_child_that_is_being_deleted_is_waited_for() {
    let mut case = Case::new();
    case.edit(PersistentVolumeClaim, "node-0-data", |body| {
        body["metadata"]["deletionTimestamp"] = json!("2026-06-01T12:00:00Z");
        body["metadata"]["labels"] = json!({});
    });
    let writes = case.writes();
    assert_eq!(writes.leaving, [(PersistentVolumeClaim, "node-0-data".to_owned())]);
    assert!(writes.apply.is_empty() && writes.taken.is_empty());
}

#[test]
fn what_is_no_longer_wanted_of_a_lowered_owner_goes_as_it_was_seen() {
    let mut case = Case::new();
    let mut body = case.live[&(Service, "node-0".to_owned())].body().clone();
    merge(
        &mut body,
        json!({"metadata": {"name": "node-0-external", "uid": "u", "resourceVersion": "9"}}),
    );
    case.live.insert(
        (Service, "node-0-external".to_owned()),
        LiveChild::new(Service, "node-0-external", body),
    );
    let writes = case.writes();
    let [delete] = writes.delete.as_slice() else {
        panic!("{writes:#?}");
    };
    assert_eq!(
        (
            delete.name.as_str(),
            delete.uid.as_str(),
            delete.resource_version.as_str()
        ),
        ("node-0-external", "u", "9")
    );
    case.carry_out(&writes);
    assert_eq!(case.writes(), Writes::default());
}

#[test]
fn rule_2_keys_data_records_and_pods_are_never_pruned_and_nothing_of_a_held_owner() {
    let mut case = Case::new();
    for (kind, from) in [
        (Secret, "node-0-certificate"),
        (PersistentVolumeClaim, "node-0-data"),
        (ConfigMap, "group-1-genesis"),
        (StatefulSet, "node-0"),
    ] {
        let body = case.live[&(kind, from.to_owned())].body().clone();
        case.live
            .insert((kind, "unwanted".to_owned()), LiveChild::new(kind, "unwanted", body));
    }
    assert_eq!(case.writes(), Writes::default());
    let held = case.child(Service, "node-0").owner.clone();
    case.children.retain(|child| child.owner != held);
    assert_eq!(
        case.writes(),
        Writes::default(),
        "a node without a process keeps what it has"
    );
    case.children.clear();
    assert_eq!(case.writes(), Writes::default());
}

#[test]
fn an_object_that_only_looks_like_ours_is_not_pruned() {
    let mut case = Case::new();
    for (name, edit) in [
        ("no-label", (|body| body["metadata"]["labels"] = json!({})) as Edit),
        ("no-owner", |body| body["metadata"]["ownerReferences"] = json!([])),
        ("other-owner", |body| {
            body["metadata"]["ownerReferences"][0]["uid"] = json!("other")
        }),
    ] {
        let mut body = case.live[&(Service, "node-0".to_owned())].body().clone();
        edit(&mut body);
        case.live
            .insert((Service, name.to_owned()), LiveChild::new(Service, name, body));
    }
    assert_eq!(case.writes(), Writes::default());
}

#[test]
fn rule_3_what_is_said_of_a_secret_names_fields_and_no_values() {
    let mut case = Case::new();
    case.edit(Secret, "node-0-certificate", |body| {
        body["data"]["node.crt"] = json!("c2VjcmV0")
    });
    let writes = case.writes();
    assert_eq!(writes.apply[0].differs, ["data.node.crt"]);
    assert!(writes.apply[0].removal.is_none());
}

/// Every path of a value, as JSON pointers.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    let key = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            all.push(key(name));
            pointers(value, &key(name), all);
        }),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(i, value)| {
            all.push(format!("{at}/{i}"));
            pointers(value, &format!("{at}/{i}"), all);
        }),
        _ => {}
    }
}

#[derive(Clone, Copy, Debug)]
enum Tamper {
    Remove,
    Replace,
    Add,
}

fn tamper(body: &mut Value, pointer: &str, how: Tamper) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match (how, body.pointer_mut(parent).unwrap()) {
        (Tamper::Remove, Value::Object(fields)) => drop(fields.remove(&key)),
        (Tamper::Remove, Value::Array(elements)) => drop(elements.remove(key.parse().unwrap())),
        (Tamper::Replace, parent) => {
            let value = match parent {
                Value::Object(fields) => &mut fields[&key],
                parent => &mut parent[key.parse::<usize>().unwrap()],
            };
            *value = match &*value {
                Value::Bool(value) => json!(!*value),
                Value::Number(_) => json!(7),
                Value::String(_) => json!("tampered"),
                _ => Value::Null,
            };
        }
        (Tamper::Add, Value::Object(fields)) => drop(fields.insert("tampered".to_owned(), json!({"x": "y"}))),
        _ => {}
    }
}

thread_local! {
    static SAMPLE: (Vec<Child>, LiveChildren) = {
        let case = Case::new();
        (case.children, case.live)
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever field of whatever child somebody removes, replaces or adds: one round makes it right, or names it.
    #[test]
    fn any_edit_is_repaired_by_one_round_or_named(
        child in any::<prop::sample::Index>(),
        field in any::<prop::sample::Index>(),
        how in prop::sample::select(&[Tamper::Remove, Tamper::Replace, Tamper::Add][..]),
    ) {
        let (children, live) = SAMPLE.with(Clone::clone);
        let mut case = Case { children, live };
        let (kind, name) = {
            let child = child.get(&case.children);
            (child.kind, child.name.clone())
        };
        let before = case.live[&(kind, name.clone())].body().clone();
        let mut all = vec![];
        pointers(&before, "", &mut all);
        let pointer = field.get(&all).clone();
        case.edit(kind, &name, |body| tamper(body, &pointer, how));
        let writes = case.writes();
        prop_assert!(writes.delete.is_empty(), "{kind} {name} {pointer}: {writes:?}");
        if !writes.conflicts.is_empty() || !writes.taken.is_empty() || !writes.leaving.is_empty() {
            return Ok(());
        }
        case.carry_out(&writes);
        prop_assert_eq!(case.writes(), Writes::default(), "{} {} {}", kind, name, pointer);
    }
}
