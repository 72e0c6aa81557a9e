//! What children look like, and what leaves them as they are.

mod hostile;
mod pods;

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::{
    AgreedMember, DeletionPolicy, ExternalNode, MemberRole, NodeP2p, NodeStorage, ServiceType,
};
use althing_operator::controller::attestation::Statement;
use althing_operator::name::AgencyName;
use althing_operator::plan::{Identity, Process};
use althing_types::genesis::Cryptography;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::testing::{Town, applied, node};
use super::{LiveFacts, leaf, lower};
use crate::child::{Child, ChildKind};

const EDITIONS: [Cryptography; 2] = [Cryptography::Standard, Cryptography::Sm];

/// The children of one kind as YAML. Certificates are counted and not shown, because signatures differ from run to run.
fn yaml(children: &[Child], kind: ChildKind) -> String {
    let mut text = String::new();
    for child in children.iter().filter(|child| child.kind == kind) {
        let mut body = child.body.clone();
        if kind == ChildKind::Secret {
            for (_, value) in body["data"].as_object_mut().unwrap() {
                let pem = STANDARD.decode(value.as_str().unwrap()).unwrap();
                let pem = String::from_utf8(pem).unwrap();
                *value = json!(format!("({} certificates)", pem.matches("BEGIN CERTIFICATE-").count()));
            }
        }
        if let Some(process) = body.pointer_mut("/spec/template/metadata/annotations/althing.dev~1process") {
            // What goes into the digest is the text of config.ini, which is shown whole elsewhere.
            let mut read: Value = serde_json::from_str(process.as_str().unwrap()).unwrap();
            read["restartDigest"] = json!("0x…");
            *process = json!(read.to_string());
        }
        text.push_str("---\n");
        text.push_str(&serde_yaml::to_string(&body).unwrap());
    }
    text
}

/// A file of a Secret.
fn text_of(town: &Town, secret: &str, file: &str) -> String {
    let child = town.child(ChildKind::Secret, secret);
    String::from_utf8(STANDARD.decode(child.body["data"][file].as_str().unwrap()).unwrap()).unwrap()
}

/// Whether a child belongs to one of these.
fn is_of(child: &Child, owners: [&str; 2]) -> bool {
    owners.contains(&child.owner.object.name())
}

#[test]
fn the_sample_lowers_to_these_objects() {
    let children = Town::four_agencies().children();
    let names: Vec<String> = children
        .iter()
        .map(|child| format!("{} {}", child.kind, child.name))
        .collect();
    insta::assert_snapshot!("all", names.join("\n"));
    for kind in ChildKind::ALL {
        insta::assert_snapshot!(kind.kind(), yaml(&children, kind));
    }
}

#[test]
fn no_two_children_share_a_name_and_all_are_owned_and_labelled() {
    let towns = EDITIONS.map(Town::in_edition);
    for children in towns.map(|town| town.children()) {
        let names: BTreeSet<_> = children.iter().map(Child::at).collect();
        assert_eq!(names.len(), children.len());
        children.iter().for_each(is_owned_and_labelled);
    }
}

fn is_owned_and_labelled(child: &Child) {
    let metadata = &child.body["metadata"];
    for (label, expected) in [("managed-by", "althing"), ("part-of", "trade")] {
        let found = &metadata["labels"][format!("app.kubernetes.io/{label}")];
        assert_eq!(found, expected, "{}", child.name);
    }
    assert_eq!(metadata["namespace"], "trade");
    if let Some(references) = metadata.get("ownerReferences") {
        assert_eq!(references[0]["uid"], child.owner.uid.as_str());
        assert_eq!(
            (&references[0]["controller"], &references[0]["blockOwnerDeletion"]),
            (&json!(true), &json!(false))
        );
    }
}

#[test]
fn rule_2_data_and_records_have_no_owner_unless_the_manifest_says_delete() {
    let mut town = Town::four_agencies();
    let is_owned = |child: &Child| child.body["metadata"].get("ownerReferences").is_some();
    let claim = |town: &Town| town.child(ChildKind::PersistentVolumeClaim, "node-0-data");
    assert!(!is_owned(&claim(&town)));
    assert!(!is_owned(&town.child(ChildKind::ConfigMap, "group-1-genesis")));
    assert!(!is_owned(&town.child(ChildKind::Secret, "trade-chain")));
    let spec = &mut town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec;
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    assert!(is_owned(&claim(&town)));
}

#[test]
fn rule_3_no_private_key_is_in_any_child() {
    for town in EDITIONS.map(Town::in_edition) {
        let keys = town.private_keys();
        for child in town.children() {
            let mut text = child.body.to_string();
            for (_, value) in child.body["data"].as_object().into_iter().flatten() {
                let decoded = value.as_str().and_then(|value| STANDARD.decode(value).ok());
                text.push_str(&String::from_utf8_lossy(&decoded.unwrap_or_default()));
            }
            assert!(!text.contains("PRIVATE KEY"), "{} {}", child.kind, child.name);
            for key in &keys {
                let middle = key.lines().nth(1).unwrap();
                assert!(!text.contains(middle), "{} {}", child.kind, child.name);
            }
        }
    }
}

#[test]
fn rendering_again_or_by_another_version_of_the_operator_gives_the_same() {
    let mut town = Town::four_agencies();
    let first = town.children();
    assert_eq!(first, town.children());
    town.facts = LiveFacts::of(&applied(&first));
    town.settings.node_image = "localhost/althing/node:0.2.0".to_owned();
    assert_eq!(first, town.children(), "an operator upgrade restarts no pod");
    assert_eq!(
        serde_json::to_string(&first.iter().map(|c| &c.body).collect::<Vec<_>>()).unwrap(),
        serde_json::to_string(&town.children().iter().map(|c| &c.body).collect::<Vec<_>>()).unwrap()
    );
}

#[test]
fn joining_a_group_leaves_the_stateful_set_as_it_is() {
    let mut town = Town::four_agencies();
    let before = town.child(ChildKind::StatefulSet, "node-5");
    let group = town
        .manifests
        .groups
        .values_mut()
        .find(|group| group.spec.group_id == 2)
        .unwrap();
    group.spec.agreed.get_or_insert_default().members.push(AgreedMember {
        node: "node-5".to_owned(),
        role: MemberRole::Sealer,
        change: 1,
        force: false,
    });
    town.converge();
    let config = town.child(ChildKind::ConfigMap, "node-5-config");
    assert!(config.body["data"].get("group.2.genesis").is_some(), "it has joined");
    assert_eq!(town.child(ChildKind::StatefulSet, "node-5"), before);
}

#[test]
fn a_renewed_certificate_touches_its_secret_and_nothing_else() {
    let secret = |name| (ChildKind::Secret, name);
    // A node's certificate is a fact that its agency signs for others; what its listener shows clients is nobody else's business.
    let signed = (ChildKind::ConfigMap, "agency-a-attestations");
    let (own, listener) = (Identity::Node(node("node-0")), Identity::Listener(node("node-0")));
    for (edition, identity, expected) in [
        (Cryptography::Standard, &own, vec![secret("node-0-certificate"), signed]),
        (Cryptography::Sm, &own, vec![secret("node-0-certificate"), signed]),
        (Cryptography::Sm, &listener, vec![secret("node-0-tls")]),
    ] {
        let mut town = Town::in_edition(edition);
        let before = town.children();
        town.observed.identities.get_mut(identity).unwrap().certificate = None;
        town.converge();
        let after = town.children();
        let pairs = before.iter().zip(&after).filter(|(old, new)| old != new);
        let differing: Vec<_> = pairs.map(|(old, _)| old.at()).collect();
        assert_eq!(differing, expected, "{identity}");
    }
}

#[test]
fn a_certificate_as_it_is_issued_and_as_it_is_lowered_is_the_same_object() {
    for (edition, expected) in [
        (Cryptography::Standard, 1 + 4 * 3 + 6),
        (Cryptography::Sm, 1 + 4 * 4 + 6 * 2),
    ] {
        let town = Town::in_edition(edition);
        let lowering = town.lowering();
        let mut compared = 0;
        for (identity, observed) in &town.observed.identities {
            let made = lowering.certificate(identity, observed.certificate.as_deref(), observed.request.as_deref());
            let Some(made) = made else {
                assert!(matches!(identity, Identity::Governance(_)), "{identity}");
                continue;
            };
            let lowered = town.child(ChildKind::Secret, &made.name);
            assert_eq!(made, lowered, "{identity}");
            compared += 1;
        }
        assert_eq!(compared, expected);
    }
}

#[test]
fn what_serves_clients_of_the_sm_edition_lies_in_secrets_of_its_own_and_in_a_folder_of_the_pod() {
    let town = Town::in_edition(Cryptography::Sm);
    let children: Vec<_> = town
        .children()
        .into_iter()
        .filter(|child| is_of(child, ["node-0", "agency-a"]))
        .collect();
    insta::assert_snapshot!("sm_secrets", yaml(&children, ChildKind::Secret));
    let set = town.child(ChildKind::StatefulSet, "node-0");
    let volumes = &set.body["spec"]["template"]["spec"]["volumes"];
    insta::assert_snapshot!("sm_volumes", serde_yaml::to_string(volumes).unwrap());
    let config = town.child(ChildKind::ConfigMap, "node-0-config");
    let names: Vec<_> = config.body["data"].as_object().unwrap().keys().collect();
    assert!(
        names.iter().all(|name| !name.contains('/')),
        "no key of a ConfigMap has a folder: {names:?}"
    );
}

#[test]
fn clients_of_the_sm_edition_trust_the_client_authority_and_send_nothing_along_that_is_under_the_chain() {
    let town = Town::in_edition(Cryptography::Sm);
    let authority = Identity::ClientAuthority(AgencyName::new("agency-a").unwrap());
    let authority = town.observed.identities[&authority].certificate.clone().unwrap();
    for (secret, file) in [
        ("agency-a-clients", "tls.crt"),
        ("agency-a-sdk", "tls.crt"),
        ("agency-a-admin", "tls.crt"),
        ("node-0-tls", "node.crt"),
    ] {
        assert_eq!(text_of(&town, secret, "ca.crt").trim(), authority.trim(), "{secret}");
        let shown = text_of(&town, secret, file);
        assert_eq!(shown.matches("BEGIN CERTIFICATE-").count(), 1, "{secret}");
    }
    let chain = text_of(&town, "trade-chain", "tls.crt");
    assert_eq!(text_of(&town, "node-0-certificate", "ca.crt"), chain);
}

#[test]
fn a_certificate_secret_leads_with_its_leaf_and_trusts_the_chain() {
    let town = Town::four_agencies();
    let file = |secret: &str, file: &str| text_of(&town, secret, file);
    let found = |identity: Identity| town.observed.identities[&identity].certificate.clone().unwrap();
    let agency = || althing_operator::name::AgencyName::new("agency-a").unwrap();
    let chain = found(Identity::first_chain_ca(
        althing_operator::name::ConsortiumName::new("trade").unwrap(),
    ));
    let sdk = file("agency-a-sdk", "tls.crt");
    assert_eq!(leaf(&sdk), found(Identity::Sdk(agency())).trim());
    assert!(sdk.contains(found(Identity::AgencyCa(agency())).trim()));
    assert_eq!(leaf(&file("agency-a-sdk", "ca.crt")), chain.trim());
    assert_eq!(leaf(&file("node-0-certificate", "ca.crt")), chain.trim());
    assert_eq!(leaf("no certificate"), "no certificate");
}

#[test]
fn a_consortium_that_is_held_takes_no_chain_certificate_from_its_clients() {
    let mut town = Town::four_agencies();
    let before = town.child(ChildKind::Secret, "agency-a-sdk");
    let trusted = STANDARD
        .decode(before.body["data"]["ca.crt"].as_str().unwrap())
        .unwrap();
    let sdk = Identity::Sdk(althing_operator::name::AgencyName::new("agency-a").unwrap());
    town.observed.identities.get_mut(&sdk).unwrap().trusted = Some(String::from_utf8(trusted).unwrap());
    town.plan.as_mut().unwrap().desired.trust.clear();
    assert_eq!(town.child(ChildKind::Secret, "agency-a-sdk"), before);
}

#[test]
fn a_chain_key_bought_elsewhere_has_no_secret_of_ours() {
    let mut town = Town::four_agencies();
    let consortium = town.manifests.consortiums.values_mut().next().unwrap();
    let registrar = consortium.spec.registrar.as_mut().unwrap();
    registrar.managed = None;
    registrar.secret_name = Some("bought".to_owned());
    assert!(town.children().iter().all(|child| child.name != "trade-chain"));
}

#[test]
fn a_node_that_is_held_keeps_what_it_has() {
    let mut town = Town::four_agencies();
    let mut plan = town.plan.take().unwrap();
    plan.desired.processes.retain(|process| process.node != node("node-0"));
    town.plan = Some(plan);
    assert!(town.children().iter().all(|child| child.name != "node-0"));
}

#[test]
fn somebody_elses_node_and_an_object_without_a_uid_have_no_children() {
    let mut town = Town::four_agencies();
    town.manifests.nodes.get_mut(&node("node-1")).unwrap().metadata.uid = None;
    let mut lowering = town.lowering();
    let mut desired = lowering.desired.clone();
    let stranger = Process {
        node: node("stranger"),
        ..desired.processes[0].clone()
    };
    desired.processes.push(stranger);
    lowering.desired = &desired;
    let children = lower(&lowering);
    assert!(
        children
            .iter()
            .all(|child| child.name != "stranger" && child.name != "node-1")
    );
}

#[test]
fn a_volume_grows_and_never_shrinks() {
    let mut town = Town::four_agencies();
    let size = |town: &Town| {
        let claim = town.child(ChildKind::PersistentVolumeClaim, "node-0-data");
        claim.body["spec"]["resources"]["requests"]["storage"].clone()
    };
    assert_eq!(size(&town), "10Gi");
    town.facts.volume_sizes.insert(node("node-0"), "20Gi".to_owned());
    assert_eq!(size(&town), "20Gi");
    let spec = &mut town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec;
    spec.storage = Some(NodeStorage {
        size: Some("30Gi".to_owned()),
        storage_class_name: Some("fast".to_owned()),
        engine: None,
    });
    assert_eq!(size(&town), "30Gi");
    let claim = town.child(ChildKind::PersistentVolumeClaim, "node-0-data");
    assert_eq!(claim.body["spec"]["storageClassName"], "fast");
    assert_eq!(claim.body["spec"]["accessModes"], json!(["ReadWriteOncePod"]));
}

#[test]
fn a_budget_is_open_for_the_nodes_the_plan_names_and_no_other() {
    let mut town = Town::four_agencies();
    town.open_budgets.insert(node("node-1"));
    let budget = |name: &str| town.child(ChildKind::PodDisruptionBudget, name).body["spec"].clone();
    assert_eq!(budget("node-1")["maxUnavailable"], 1);
    assert_eq!(budget("node-1")["unhealthyPodEvictionPolicy"], "AlwaysAllow");
    assert_eq!(budget("node-0")["maxUnavailable"], 0);
    assert_eq!(budget("node-0")["unhealthyPodEvictionPolicy"], "IfHealthyBudget");
}

#[test]
fn a_node_for_other_clusters_has_a_service_more() {
    let mut town = Town::four_agencies();
    for (service, kind) in [
        (ServiceType::NodePort, "NodePort"),
        (ServiceType::LoadBalancer, "LoadBalancer"),
    ] {
        let spec = &mut town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec;
        spec.p2p = Some(NodeP2p {
            service: Some(service),
            ..NodeP2p::default()
        });
        let external = town.child(ChildKind::Service, "node-0-external");
        assert_eq!(external.body["spec"]["type"], kind);
        assert_eq!(external.body["spec"]["publishNotReadyAddresses"], true);
    }
}

#[test]
fn an_external_node_is_not_lowered_and_its_peers_are_told_of_it() {
    let mut town = Town::four_agencies();
    let mut external = ExternalNode {
        node_id: Some("0b".repeat(64)),
        address: Some("d.example:30300".to_owned()),
        certificate: None,
        attestation: None,
    };
    let agency = town.manifests.nodes[&node("node-5")].spec.agency.clone();
    external.attestation = Some(town.attestation(&agency, &Statement::node("node-5", &agency, &external)));
    let object = town.manifests.nodes.get_mut(&node("node-5")).unwrap();
    object.spec.external = Some(external);
    let agency = town.manifests.agencies.values_mut().last().unwrap();
    agency.spec.approval = None;
    town.observed.processes.remove(&node("node-5"));
    town.observed.identities.remove(&Identity::Node(node("node-5")));
    town.observed.statuses.clear();
    town.converge();
    let children = town.children();
    assert!(children.iter().all(|child| !child.name.starts_with("node-5")));
    let config = town.child(ChildKind::ConfigMap, "node-0-config");
    assert!(
        config.body["data"]["nodes.json"]
            .as_str()
            .unwrap()
            .contains("d.example:30300")
    );
}

#[test]
fn children_carry_the_files_of_the_plan_and_no_others() {
    let town = Town::four_agencies();
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &town.plan.as_ref().unwrap().desired.files {
        files
            .entry(file.at.node.to_string())
            .or_default()
            .insert(file.at.path.clone());
    }
    for (name, mut wanted) in files {
        let config = town.child(ChildKind::ConfigMap, &format!("{name}-config"));
        let certificate = town.child(ChildKind::Secret, &format!("{name}-certificate"));
        let keys = |child: &Child| {
            child.body["data"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert!(wanted.remove("node.key"), "a file of the key's own Secret");
        let rendered: BTreeSet<String> = keys(&config).into_iter().chain(keys(&certificate)).collect();
        assert_eq!(rendered, wanted);
    }
}
