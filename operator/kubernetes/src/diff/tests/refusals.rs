//! What is not written: what cannot be changed, and what is somebody else's. What is pruned, and what never is.

use serde_json::json;

use super::{Case, Edit};
use crate::child::ChildKind;
use crate::diff::{LiveChild, Writes};
use crate::lower::testing::merge;

use ChildKind::{ConfigMap, PersistentVolumeClaim, Secret, Service, StatefulSet};

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
