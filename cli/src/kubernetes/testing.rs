//! A small consortium for tests: agency-a's node-0 to node-3 seal group-1.

use althing_crds::v1alpha1::{Agency, Consortium, Group, Node};
use althing_operator::manifest::{NamespaceManifests, SourceFile, read};
use althing_operator::name::{Namespace, NodeName};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::heard::{GroupHeard, Heard, NodeHeard};
use super::seen::{PodSeen, Seen};

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(1),
        last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
    }
}

pub(super) fn node_name(number: usize) -> NodeName {
    NodeName::new(format!("node-{number}")).unwrap()
}

/// Everything there, ready and in sync, at height 7.
pub(crate) fn whole() -> (Seen, Heard) {
    let mut text = String::from(
        "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {name: trade}\n\
         spec: {chainId: 20260, cryptography: Standard, registrar: {managed: {validity: 87600h}}}\n---\n\
         apiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {name: agency-a}\nspec: {consortium: trade}\n---\n\
         apiVersion: althing.dev/v1alpha1\nkind: Group\nmetadata: {name: group-1}\nspec:\n  consortium: trade\n  groupId: 1\n  \
         genesis: {timestamp: \"2026-01-01T00:00:00Z\", sealers: [node-0, node-1, node-2, node-3], \
         committee: {seats: [{agency: agency-a, weight: 1}]}}\n",
    );
    for node in 0..4 {
        text += &format!(
            "---\napiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {{name: node-{node}}}\nspec: {{agency: agency-a}}\n"
        );
    }
    let namespace = Namespace::new("trade").unwrap();
    let file = SourceFile {
        name: "test".to_owned(),
        text,
    };
    let mut manifests = read(&[file], &namespace)
        .unwrap()
        .namespaces
        .remove(&namespace)
        .unwrap();
    settle(&mut manifests);
    let nodes = (0..4).map(node_name);
    let pod = PodSeen {
        phase: "Running".to_owned(),
        is_running: true,
        is_ready: true,
        ..PodSeen::default()
    };
    let seen = Seen {
        pods: nodes.clone().map(|node| (node, pod.clone())).collect(),
        manifests,
        gaps: vec![],
    };
    let group = GroupHeard {
        height: Some(7),
        behind: Some(0),
        view: Some(0),
        is_sealer: true,
        is_in_sync: true,
        sealers: Some(4),
        sealers_live: Some(4),
        peers: Some(3),
        ..GroupHeard::default()
    };
    let heard = NodeHeard {
        groups: [(1, group)].into(),
    };
    (seen, nodes.map(|node| (node, Ok(heard.clone()))).collect())
}

fn settle(manifests: &mut NamespaceManifests) {
    let conditions = || {
        vec![
            condition("Ready", "True", "Done", "this namespace's part is done"),
            condition("InSync", "True", "InSync", "in sync and connected"),
        ]
    };
    macro_rules! settle {
        ($objects:ident, $kind:ident) => {
            for object in manifests.$objects.values_mut() {
                let object: &mut $kind = object;
                object.metadata.generation = Some(1);
                let status = object.status.get_or_insert_default();
                status.observed_generation = Some(1);
                status.conditions = conditions();
            }
        };
    }
    settle!(consortiums, Consortium);
    settle!(agencies, Agency);
    settle!(groups, Group);
    settle!(nodes, Node);
    let ends = || Some(Time("2027-02-19T12:00:00Z".parse().unwrap()));
    for (number, node) in manifests.nodes.values_mut().enumerate() {
        let status = node.status.get_or_insert_default();
        status.groups = vec!["group-1".to_owned()];
        status.node_id = Some(format!("{number}").repeat(128));
        status.certificate_not_after = ends();
    }
    for group in manifests.groups.values_mut() {
        let status = group.status.get_or_insert_default();
        status.sealers = (0..4).map(|number| format!("{number}").repeat(128)).collect();
        status.faults_tolerable = Some(1);
        status.genesis_hash = Some(format!("0x{}", "ab".repeat(32)));
    }
}

/// Makes a node say this condition instead.
pub(super) fn says(seen: &mut Seen, node: usize, found: Condition) {
    let object = seen.manifests.nodes.get_mut(&node_name(node)).unwrap();
    let conditions = &mut object.status.as_mut().unwrap().conditions;
    conditions.retain(|condition| condition.type_ != found.type_);
    conditions.push(found);
}
