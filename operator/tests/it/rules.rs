//! The safety rules of DESIGN.md 5 that this layer answers for, each by its number.

use althing_crds::v1alpha1::ExternalNode;
use althing_operator::controller::attestation::Statement;
use althing_operator::name::{AgencyName, ConsortiumName, GroupName, Namespace};
use althing_operator::plan::{Identity, KeyState, NamespacePlan, PublicKey, Step};
use althing_operator::status::{Condition, ConditionType, ObjectRef, Reason};
use althing_types::NodeId;

use crate::support::{EDITION, MemoryEdge, changed, node, now, running, sample};

fn stalled(plan: &NamespacePlan, object: &ObjectRef) -> Condition {
    let status = plan.statuses.iter().find(|status| status.object == *object).unwrap();
    assert!(status.is(ConditionType::Stalled), "{object}: {:#?}", status.conditions);
    status.condition(ConditionType::Stalled).unwrap().clone()
}

fn makes_key(plan: &NamespacePlan, identity: &Identity) -> bool {
    plan.steps
        .iter()
        .any(|step| matches!(step, Step::MakeKey(order) if order.identity == *identity))
}

fn lose_key(edge: &mut MemoryEdge, identity: &Identity) {
    edge.keys.remove(identity);
    edge.observed.identities.get_mut(identity).unwrap().key = KeyState::Missing;
}

fn agency(name: &str) -> AgencyName {
    AgencyName::new(name).unwrap()
}

#[test]
fn rule_1_a_missing_node_key_stalls_the_node_and_is_never_made_again() {
    let (all, mut edge) = running();
    let identity = Identity::Node(node("node-0"));
    lose_key(&mut edge, &identity);
    let plan = edge.plan(&all, "trade", now());
    assert!(!makes_key(&plan, &identity), "{:#?}", plan.steps);
    let condition = stalled(&plan, &ObjectRef::Node(node("node-0")));
    assert_eq!(condition.reason, Reason::KeyMissing);
    assert!(condition.message.contains("put it back"), "{}", condition.message);
    assert!(
        !plan
            .steps
            .iter()
            .any(|step| matches!(step, Step::StopProcess(_) | Step::RestartProcess(_)))
    );
}

#[test]
fn rule_1_each_single_trace_of_a_node_is_enough_not_to_make_its_key_again() {
    let identity = Identity::Node(node("node-0"));
    type Keep = fn(&MemoryEdge, &mut MemoryEdge);
    let traces: [(&str, Keep); 5] = [
        ("data", |from, to| to.observed.data = from.observed.data.clone()),
        ("genesis", |from, to| {
            to.observed.genesis = from.observed.genesis.clone()
        }),
        ("status", |from, to| {
            to.observed.statuses = from.observed.statuses.clone()
        }),
        ("process", |from, to| {
            to.observed.processes = from.observed.processes.clone()
        }),
        ("certificate", |from, to| {
            let identity = Identity::Node(node("node-0"));
            let mut found = from.observed.identities[&identity].clone();
            found.key = KeyState::Missing;
            to.observed.identities.insert(identity, found);
        }),
    ];
    let (all, full) = running();
    assert!(
        makes_key(&MemoryEdge::default().plan(&all, "trade", now()), &identity),
        "without a trace it is made"
    );
    for (name, keep) in traces {
        let mut edge = MemoryEdge::default();
        keep(&full, &mut edge);
        assert!(!makes_key(&edge.plan(&all, "trade", now()), &identity), "{name}");
    }
}

#[test]
fn rule_1_a_missing_agency_key_stalls_the_agency() {
    let (all, mut edge) = running();
    lose_key(&mut edge, &Identity::AgencyCa(agency("agency-a")));
    let plan = edge.plan(&all, "trade", now());
    assert!(!makes_key(&plan, &Identity::AgencyCa(agency("agency-a"))));
    assert_eq!(
        stalled(&plan, &ObjectRef::Agency(agency("agency-a"))).reason,
        Reason::KeyMissing
    );
}

#[test]
fn rule_1_a_missing_governance_key_stalls_the_agency() {
    let (all, mut edge) = running();
    edge.observed.statuses.clear();
    lose_key(&mut edge, &Identity::Governance(agency("agency-b")));
    let plan = edge.plan(&all, "trade", now());
    assert!(
        !makes_key(&plan, &Identity::Governance(agency("agency-b"))),
        "the genesis names its account"
    );
    assert_eq!(
        stalled(&plan, &ObjectRef::Agency(agency("agency-b"))).reason,
        Reason::KeyMissing
    );
}

#[test]
fn rule_1_a_missing_chain_key_stalls_the_consortium() {
    let (all, mut edge) = running();
    edge.observed.statuses.clear();
    let identity = Identity::first_chain_ca(ConsortiumName::new("trade").unwrap());
    edge.keys.remove(&identity);
    edge.observed.identities.remove(&identity);
    let plan = edge.plan(&all, "trade", now());
    assert!(!makes_key(&plan, &identity), "agencies hold certificates under it");
    assert_eq!(
        stalled(&plan, &ObjectRef::Consortium(ConsortiumName::new("trade").unwrap())).reason,
        Reason::KeyMissing
    );
}

#[test]
fn rule_1_another_key_under_a_known_name_is_refused() {
    let (all, mut edge) = running();
    let other = PublicKey::Identity(EDITION, NodeId::new([7; 64]));
    edge.observed
        .identities
        .get_mut(&Identity::Node(node("node-0")))
        .unwrap()
        .key = KeyState::Present(other);
    let plan = edge.plan(&all, "trade", now());
    assert_eq!(
        stalled(&plan, &ObjectRef::Node(node("node-0"))).reason,
        Reason::KeyMismatch
    );
    assert!(
        !plan.steps.iter().any(|step| step.to_string().contains("node/node-0 ")),
        "{:#?}",
        plan.steps
    );
}

#[test]
fn rule_1_an_unreadable_key_is_no_reason_to_make_another() {
    let (all, mut edge) = running();
    let identity = Identity::Sdk(agency("agency-a"));
    edge.observed.identities.get_mut(&identity).unwrap().key = KeyState::Unreadable("it is empty".into());
    let plan = edge.plan(&all, "trade", now());
    assert!(!makes_key(&plan, &identity));
    assert_eq!(
        stalled(&plan, &ObjectRef::Agency(agency("agency-a"))).reason,
        Reason::KeyUnreadable
    );
}

#[test]
fn rule_1_one_identity_under_two_names_is_refused() {
    let (all, mut edge) = running();
    let stolen = edge.observed.identities[&Identity::Node(node("node-0"))].clone();
    edge.observed.statuses.clear();
    edge.observed.identities.insert(Identity::Node(node("node-5")), stolen);
    let plan = edge.plan(&all, "trade", now());
    assert_eq!(
        stalled(&plan, &ObjectRef::Node(node("node-5"))).reason,
        Reason::KeyMismatch
    );
}

#[test]
fn rule_2_deleting_manifests_deletes_no_key_no_genesis_and_no_file() {
    let (all, mut edge) = running();
    let none = changed(&all, "trade", |namespace| {
        *namespace = althing_operator::manifest::NamespaceManifests::new(namespace.namespace.clone());
    });
    let before = (
        edge.observed.identities.clone(),
        edge.observed.genesis.clone(),
        edge.observed.files.clone(),
    );
    let (steps, _) = edge.converge(&none, "trade", now());
    assert!(
        steps.iter().all(|step| step.starts_with("stop ") || step == "--"),
        "{steps:#?}"
    );
    assert_eq!(
        before,
        (edge.observed.identities, edge.observed.genesis, edge.observed.files)
    );
}

#[test]
fn rule_3_no_private_key_appears_in_a_plan_or_a_status() {
    let mut edge = MemoryEdge::default();
    let all = sample();
    let mut texts = vec![];
    for _ in 0..8 {
        let plan = edge.plan(&all, "trade", now());
        texts.push(serde_json::to_string(&plan).unwrap());
        texts.push(format!("{plan:?}"));
        for step in &plan.steps {
            althing_operator::edge::Apply::apply(&mut edge, &plan.namespace, step, now()).unwrap();
        }
    }
    assert!(edge.observed.processes.len() == 6, "the sample runs");
    let secrets: Vec<_> = edge.keys.values().map(|key| key.to_pem()).collect();
    let lines = || {
        secrets
            .iter()
            .flat_map(|pem| pem.lines())
            .filter(|line| !line.starts_with("-----"))
    };
    // The first line of a key holds its scalar; later ones hold the public point too.
    for line in lines().filter(|line| line.len() == 64) {
        assert!(!texts.iter().any(|text| text.contains(line)));
    }
    assert!(!texts.iter().any(|text| text.contains("PRIVATE KEY")));
}

#[test]
fn rule_11_a_group_that_is_declared_no_more_restarts_nobody_without_it() {
    let (all, mut edge) = running();
    let fewer = changed(&all, "trade", |namespace| {
        namespace.groups.remove("group-1");
    });
    let plan = edge.plan(&fewer, "trade", now());
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
    assert_eq!(plan.disruptions.len(), 4, "and each of its nodes says why it waits");
    assert!(edge.observed.genesis.contains_key("group-1"));
}

#[test]
fn rule_11_a_manifest_that_is_wrong_for_now_stops_nothing() {
    let (all, mut edge) = running();
    let wrong = changed(&all, "trade", |namespace| {
        namespace.agencies.get_mut("agency-a").unwrap().spec.certificate = Some("no certificate".into());
        namespace
            .groups
            .get_mut("group-2")
            .unwrap()
            .spec
            .genesis
            .consensus
            .timeout = "no time".into();
    });
    let plan = edge.plan(&wrong, "trade", now());
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
}

#[test]
fn a_reference_that_is_not_there_yet_waits_and_does_not_stall() {
    let all = changed(&sample(), "trade", |namespace| {
        namespace.nodes.remove("node-3");
        namespace.agencies.remove("agency-c");
    });
    let mut edge = MemoryEdge::default();
    let (_, plan) = edge.converge(&all, "trade", now());
    for object in [
        ObjectRef::Group(GroupName::new("group-1").unwrap()),
        ObjectRef::Node(node("node-4")),
    ] {
        let status = plan.statuses.iter().find(|status| status.object == object).unwrap();
        assert!(
            status.is(ConditionType::Reconciling) && !status.is(ConditionType::Stalled),
            "{status:#?}"
        );
        assert_eq!(
            status.condition(ConditionType::Ready).unwrap().reason,
            Reason::ReferenceMissing
        );
    }
    assert!(
        !plan
            .desired
            .processes
            .iter()
            .any(|process| process.node == node("node-0")),
        "a sealer waits for its genesis"
    );
    assert!(
        plan.desired
            .processes
            .iter()
            .any(|process| process.node == node("node-5")),
        "a free node does not"
    );
}

#[test]
fn a_reference_never_leaves_its_namespace() {
    let mut all = sample();
    let elsewhere = Namespace::new("elsewhere").unwrap();
    let mut moved = althing_operator::manifest::NamespaceManifests::new(elsewhere.clone());
    let trade = all.namespaces.get_mut("trade").unwrap();
    moved.consortiums = std::mem::take(&mut trade.consortiums);
    all.namespaces.insert(elsewhere, moved);
    let (_, plan) = MemoryEdge::default().converge(&all, "trade", now());
    let status = plan
        .statuses
        .iter()
        .find(|s| s.object == ObjectRef::Agency(agency("agency-a")))
        .unwrap();
    assert_eq!(
        status.condition(ConditionType::Ready).unwrap().reason,
        Reason::ReferenceMissing
    );
}

#[test]
fn a_recorded_genesis_is_never_rendered_again() {
    let (all, mut edge) = running();
    let recorded = edge.observed.genesis.clone();
    let edited = changed(&all, "trade", |namespace| {
        namespace.groups.get_mut("group-1").unwrap().spec.genesis.gas_limit = 1_000_000;
    });
    let plan = edge.plan(&edited, "trade", now());
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
    assert_eq!(recorded, edge.observed.genesis);
    let status = plan
        .statuses
        .iter()
        .find(|s| s.object == ObjectRef::Group(GroupName::new("group-1").unwrap()))
        .unwrap();
    let in_sync = status.condition(ConditionType::InSync).unwrap();
    assert_eq!(in_sync.reason, Reason::GenesisRecordDiffers);
    assert!(
        in_sync
            .message
            .contains("gasLimit: recorded 300000000, manifest 1000000"),
        "{}",
        in_sync.message
    );
}

#[test]
fn a_pinned_hash_that_differs_stalls_the_group_and_names_the_fields() {
    let (all, mut edge) = running();
    let pinned = |hash: String, gas: i64| {
        changed(&all, "trade", |namespace| {
            let genesis = &mut namespace.groups.get_mut("group-1").unwrap().spec.genesis;
            genesis.hash = Some(hash);
            genesis.gas_limit = gas;
        })
    };
    let object = ObjectRef::Group(GroupName::new("group-1").unwrap());
    let plan = edge.plan(&pinned(format!("0x{}", "0".repeat(64)), 1_000_000), "trade", now());
    let condition = stalled(&plan, &object);
    assert_eq!(condition.reason, Reason::GenesisHashDiffers);
    assert!(condition.message.contains("gasLimit"), "{}", condition.message);
    let hash = edge.plan(&all, "trade", now()).desired.genesis[0].hash;
    assert!(
        edge.plan(&pinned(hash.to_string(), 300_000_000), "trade", now())
            .is_at_rest(),
        "the right pin changes nothing"
    );
    let mut fresh = MemoryEdge::default();
    let (_, plan) = fresh.converge(&pinned(format!("0x{}", "0".repeat(64)), 300_000_000), "trade", now());
    assert!(
        !fresh.observed.genesis.contains_key("group-1"),
        "what is not pinned is not recorded"
    );
    assert_eq!(stalled(&plan, &object).reason, Reason::GenesisHashDiffers);
}

#[test]
fn two_groups_with_one_number_stall_the_later_one_only() {
    let all = changed(&sample(), "trade", |namespace| {
        namespace.groups.get_mut("group-2").unwrap().spec.group_id = 1;
    });
    let (_, plan) = MemoryEdge::default().converge(&all, "trade", now());
    stalled(&plan, &ObjectRef::Group(GroupName::new("group-2").unwrap()));
    let first = plan
        .statuses
        .iter()
        .find(|s| s.object == ObjectRef::Group(GroupName::new("group-1").unwrap()))
        .unwrap();
    assert!(first.is(ConditionType::Ready));
}

#[test]
fn a_group_with_another_agencys_sealer_starts_only_with_a_pinned_hash() {
    let shared = |external: &ExternalNode, hash: Option<String>| {
        changed(&sample(), "trade", |namespace| {
            let spec = &mut namespace.nodes.get_mut("node-3").unwrap().spec;
            spec.external = Some(external.clone());
            namespace.groups.get_mut("group-1").unwrap().spec.genesis.hash = hash;
            namespace.groups.remove("group-2");
        })
    };
    let mut external = ExternalNode {
        node_id: Some("ab".repeat(64)),
        address: Some("b.example:30300".to_owned()),
        certificate: None,
        attestation: None,
    };
    let mut edge = MemoryEdge::default();
    edge.converge(&shared(&external, None), "trade", now());
    let owner = sample().namespaces[&Namespace::new("trade").unwrap()].nodes["node-3"]
        .spec
        .agency
        .clone();
    external.attestation = Some(edge.attestation(&owner, &Statement::node("node-3", &owner, &external)));
    let (_, plan) = edge.converge(&shared(&external, None), "trade", now());
    let status = plan
        .statuses
        .iter()
        .find(|s| s.object == ObjectRef::Group(GroupName::new("group-1").unwrap()))
        .unwrap();
    let ready = status.condition(ConditionType::Ready).unwrap();
    assert_eq!(ready.reason, Reason::GenesisUnconfirmed);
    let hash = status.facts.genesis_hash.unwrap().to_string();
    assert!(ready.message.contains(&hash), "{}", ready.message);
    let runs = |plan: &NamespacePlan| {
        plan.desired
            .processes
            .iter()
            .map(|p| p.node.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(runs(&plan), ["node-4", "node-5"], "only nodes outside the group run");
    let (_, plan) = edge.converge(&shared(&external, Some(hash)), "trade", now());
    assert_eq!(runs(&plan), ["node-0", "node-1", "node-2", "node-4", "node-5"]);
    let peers = &plan.desired.network[0].peers;
    assert!(
        peers.iter().any(|peer| peer.address == "b.example:30300"),
        "and dial the other agency's node"
    );
}

#[test]
fn a_forged_attestation_stalls_the_external_node() {
    let all = changed(&sample(), "trade", |namespace| {
        let spec = &mut namespace.nodes.get_mut("node-5").unwrap().spec;
        let attestation = serde_json::json!({"sequence": 1, "signature": "0".repeat(128)});
        let external = serde_json::json!({"nodeId": "ab".repeat(64), "attestation": attestation});
        spec.external = Some(serde_json::from_value(external).unwrap());
    });
    let (_, plan) = MemoryEdge::default().converge(&all, "trade", now());
    assert_eq!(
        stalled(&plan, &ObjectRef::Node(node("node-5"))).reason,
        Reason::AttestationInvalid
    );
}
