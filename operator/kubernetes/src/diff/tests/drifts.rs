//! Whatever somebody changes by hand is found and repaired.

use serde_json::json;

use super::{Case, Edit, container};
use crate::child::ChildKind;
use crate::diff::Writes;
use crate::lower::testing::{Town, applied};

use ChildKind::{
    ConfigMap, NetworkPolicy, PersistentVolumeClaim, PodDisruptionBudget, Secret, Service, ServiceAccount, StatefulSet,
};

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
            // The API server fills in what only this strategy may have.
            body["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
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
            container(body)["args"] = json!(["-c", "/elsewhere/config.ini"]);
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
fn what_only_another_strategy_may_have_goes_together_with_it() {
    let mut case = Case::new();
    case.edit(StatefulSet, "node-0", |body| {
        body["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
    });
    let writes = case.writes();
    // Apart from each other the API server refuses the one and makes the other again.
    let removal = writes.apply[0].removal.as_ref().unwrap();
    assert_eq!(
        removal["spec"]["updateStrategy"],
        json!({"type": "OnDelete", "rollingUpdate": null})
    );
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
