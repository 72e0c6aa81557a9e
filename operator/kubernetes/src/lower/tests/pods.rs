//! Pods: which image, what makes another one, and Pod Security.

use althing_crds::v1alpha1::{NodeListener, NodeP2p, NodeSpec};
use serde_json::{Value, json};

use crate::child::ChildKind;
use crate::diff::LiveChild;
use crate::lower::testing::{Town, applied, node};
use crate::lower::{LiveFacts, PodProcess};
use crate::names::annotation;

#[test]
fn the_image_is_the_manifests_then_the_one_it_has_then_the_default() {
    let mut town = Town::four_agencies();
    let image = |town: &Town| {
        let set = town.child(ChildKind::StatefulSet, "node-0");
        let annotated = set.body["metadata"]["annotations"][annotation::IMAGE].clone();
        let image = set.body["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        (annotated, image)
    };
    let chosen = |image: &str| (json!(image), json!(image));
    assert_eq!(image(&town), chosen("localhost/althing/node:0.1.0"));
    town.facts.images.insert(node("node-0"), "kept:1".to_owned());
    assert_eq!(image(&town), chosen("kept:1"));
    town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec.image = Some("mine:1".to_owned());
    assert_eq!(image(&town), (Value::Null, json!("mine:1")));
}

#[test]
fn an_image_that_a_manifest_no_longer_names_is_not_kept() {
    let mut town = Town::four_agencies();
    let name = |town: &mut Town, image: Option<&str>| {
        town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec.image = image.map(str::to_owned);
        town.facts = LiveFacts::of(&applied(&town.children()));
        let set = town.child(ChildKind::StatefulSet, "node-0");
        set.body["spec"]["template"]["spec"]["containers"][0]["image"].clone()
    };
    assert_eq!(name(&mut town, Some("broken:1")), json!("broken:1"));
    assert_eq!(name(&mut town, None), json!("localhost/althing/node:0.1.0"));
}

#[test]
fn an_edited_template_does_not_pass_for_a_choice_of_image() {
    let town = Town::four_agencies();
    let mut live = applied(&town.children());
    let key = (ChildKind::StatefulSet, "node-0".to_owned());
    let mut body = live[&key].body().clone();
    body["spec"]["template"]["spec"]["containers"][0]["image"] = json!("evil:1");
    live.insert(key, LiveChild::new(ChildKind::StatefulSet, "node-0", body));
    assert_eq!(
        LiveFacts::of(&live).images[&node("node-0")],
        "localhost/althing/node:0.1.0"
    );
}

#[test]
fn what_a_pod_runs_with_is_read_back_from_its_annotation() {
    let town = Town::four_agencies();
    for process in &town.plan.as_ref().unwrap().desired.processes {
        let set = town.child(ChildKind::StatefulSet, process.node.as_str());
        let text = set.body["spec"]["template"]["metadata"]["annotations"][annotation::PROCESS]
            .as_str()
            .unwrap();
        assert!(!text.contains("group"), "{text}");
        let read = PodProcess::read(text).unwrap();
        assert_eq!(read.to_annotation(), text);
        assert_eq!(read.with_groups(process.groups.clone()), *process);
    }
}

#[test]
fn what_makes_another_pod_shows_in_the_template() {
    let town = Town::four_agencies();
    let before = town.child(ChildKind::StatefulSet, "node-0");
    let change = |change: fn(&mut NodeSpec)| {
        let mut town = Town::four_agencies();
        change(&mut town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec);
        town.converge();
        town.child(ChildKind::StatefulSet, "node-0").body["spec"]["template"].clone()
    };
    let changes: [fn(&mut NodeSpec); 3] = [
        |spec| spec.image = Some("mine:1".to_owned()),
        |spec| spec.rpc = Some(NodeListener { port: Some(9000) }),
        |spec| spec.resources = Some(serde_json::from_value(json!({"limits": {"cpu": "4"}})).unwrap()),
    ];
    for alter in changes {
        assert_ne!(change(alter), before.body["spec"]["template"]);
    }
    let lists = change(|spec| {
        let deny = vec!["07".repeat(64)];
        spec.p2p = Some(NodeP2p {
            deny,
            ..NodeP2p::default()
        });
    });
    assert_eq!(
        lists, before.body["spec"]["template"],
        "lists are read again by a running node"
    );
}

/// The rules of Pod Security `restricted` that apply to what is rendered (kubernetes.io/docs/concepts/security/
/// pod-security-standards), and limits, which this project asks for as well.
fn breaches_of_restricted(pod: &Value) -> Vec<String> {
    let mut found = vec![];
    let mut rule = |holds: bool, text: &str| {
        if !holds {
            found.push(text.to_owned());
        }
    };
    for field in [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "initContainers",
        "ephemeralContainers",
    ] {
        rule(pod.get(field).is_none(), field);
    }
    let security = &pod["securityContext"];
    rule(security["runAsNonRoot"] == true, "runAsNonRoot");
    rule(security["runAsUser"].as_i64().is_some_and(|user| user > 0), "runAsUser");
    rule(security["seccompProfile"]["type"] == "RuntimeDefault", "seccompProfile");
    rule(security.get("sysctls").is_none(), "sysctls");
    for volume in pod["volumes"].as_array().unwrap() {
        let allowed = [
            "projected",
            "persistentVolumeClaim",
            "configMap",
            "secret",
            "emptyDir",
            "downwardAPI",
        ];
        let sources = volume.as_object().unwrap().keys().filter(|key| *key != "name");
        rule(
            sources.into_iter().all(|source| allowed.contains(&source.as_str())),
            "volume type",
        );
    }
    for container in pod["containers"].as_array().unwrap() {
        let security = &container["securityContext"];
        rule(
            security["allowPrivilegeEscalation"] == false,
            "allowPrivilegeEscalation",
        );
        rule(security["capabilities"] == json!({"drop": ["ALL"]}), "capabilities");
        rule(security["readOnlyRootFilesystem"] == true, "readOnlyRootFilesystem");
        for field in ["privileged", "procMount", "runAsUser", "runAsNonRoot", "seccompProfile"] {
            rule(security.get(field).is_none(), field);
        }
        let ports = container["ports"].as_array().unwrap();
        rule(ports.iter().all(|port| port.get("hostPort").is_none()), "hostPort");
        for kind in ["limits", "requests"] {
            let resources = &container["resources"][kind];
            rule(
                resources.get("cpu").is_some() && resources.get("memory").is_some(),
                kind,
            );
        }
    }
    found
}

#[test]
fn every_pod_passes_pod_security_restricted() {
    let children = Town::four_agencies().children();
    let sets: Vec<_> = children
        .iter()
        .filter(|child| child.kind == ChildKind::StatefulSet)
        .collect();
    assert_eq!(sets.len(), 6);
    for set in sets {
        let mut pod = set.body["spec"]["template"]["spec"].clone();
        assert_eq!(breaches_of_restricted(&pod), Vec::<String>::new(), "{}", set.name);
        assert_eq!(pod["automountServiceAccountToken"], false);
        pod["hostNetwork"] = json!(true);
        pod["containers"][0]["securityContext"]["privileged"] = json!(true);
        assert_eq!(
            breaches_of_restricted(&pod),
            ["hostNetwork", "privileged"],
            "the rules see something"
        );
    }
}
