//! GOVERNANCE.md 3: public facts carry their agency's signature, and are checked whenever they are read.

use althing_crds::v1alpha1::{Agency, Group, Node};
use althing_operator::manifest::{ManifestError, Manifests, SourceFile, read};
use althing_operator::name::{AgencyName, GroupName, Namespace};
use althing_operator::plan::{Identity, NamespacePlan};
use althing_operator::status::{ConditionType, Facts, ObjectRef, ObjectStatus, Reason};
use serde_json::{Value, json};

use crate::support::{EDITION, MemoryEdge, changed, node, now, running, sample};

fn agency() -> ObjectRef {
    ObjectRef::Agency(AgencyName::new("agency-a").unwrap())
}

fn node_0() -> ObjectRef {
    ObjectRef::Node(node("node-0"))
}

fn group_1() -> ObjectRef {
    ObjectRef::Group(GroupName::new("group-1").unwrap())
}

fn status(plan: &NamespacePlan, object: &ObjectRef) -> ObjectStatus {
    plan.statuses
        .iter()
        .find(|status| status.object == *object)
        .unwrap()
        .clone()
}

fn facts(plan: &NamespacePlan, object: &ObjectRef) -> Facts {
    status(plan, object).facts
}

fn document(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "althing.dev/v1alpha1", "kind": kind,
        "metadata": {"name": name, "namespace": "reader"}, "spec": spec,
    })
}

/// What agency-a gives away: itself with node-0 and its hash of group-1.
fn bundle(plan: &NamespacePlan) -> Vec<Value> {
    let (of_agency, of_node, of_group) = (facts(plan, &agency()), facts(plan, &node_0()), facts(plan, &group_1()));
    let signed = &of_group.attestations[&AgencyName::new("agency-a").unwrap()];
    let genesis = plan
        .desired
        .genesis
        .iter()
        .find(|record| record.group.as_str() == "group-1")
        .unwrap();
    let external = json!({
        "certificate": of_agency.certificate,
        "governanceAccount": of_agency.governance_account.unwrap().to_string(),
        "trust": of_agency.trust,
        "attestation": of_agency.attestation,
        "genesis": [{
            "group": "group-1", "hash": genesis.hash.to_string(), "document": genesis.document, "attestation": signed,
        }],
    });
    let node = json!({
        "nodeId": of_node.node_id.unwrap().to_string(), "address": of_node.address,
        "certificate": of_node.certificate, "attestation": of_node.attestation,
    });
    vec![
        document(
            "Agency",
            "agency-a",
            &json!({"consortium": "trade", "external": external}),
        ),
        document("Node", "node-0", &json!({"agency": "agency-a", "external": node})),
    ]
}

/// Another agency's namespace with this bundle in it.
fn reader(chain: &str, bundle: &[Value]) -> Manifests {
    accepted(chain, bundle).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// The same, unless the schema refuses it.
fn accepted(chain: &str, bundle: &[Value]) -> Result<Manifests, Vec<ManifestError>> {
    let spec = json!({"chainId": 20260, "cryptography": EDITION.to_string(), "trust": {"certificates": [chain]}});
    let mut documents = vec![document("Consortium", "trade", &spec)];
    documents.extend_from_slice(bundle);
    let text: Vec<_> = documents.iter().map(Value::to_string).collect();
    let file = SourceFile {
        name: "reader.yaml".into(),
        text: text.join("\n---\n"),
    };
    read(&[file], &Namespace::new("default").unwrap())
}

struct Scene {
    giver: MemoryEdge,
    plan: NamespacePlan,
    chain: String,
    bundle: Vec<Value>,
}

fn scene() -> Scene {
    let (all, mut giver) = running();
    let (_, plan) = giver.converge(&all, "trade", now());
    giver.everybody_shows(&plan);
    let (_, plan) = giver.converge(&all, "trade", now());
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let chain = facts(&plan, &consortium).certificate.unwrap();
    let bundle = bundle(&plan);
    Scene {
        giver,
        plan,
        chain,
        bundle,
    }
}

impl Scene {
    fn read_by(&self, edge: &mut MemoryEdge, bundle: &[Value]) -> NamespacePlan {
        edge.converge(&reader(&self.chain, bundle), "reader", now()).1
    }

    /// The bundle after node-0 moved: signed anew.
    fn moved(&mut self) -> Vec<Value> {
        let all = changed(&sample(), "trade", |namespace| {
            let spec = &mut namespace.nodes.get_mut("node-0").unwrap().spec;
            spec.p2p = Some(serde_json::from_value(json!({"advertise": "moved.example:30300"})).unwrap());
        });
        self.plan = self.giver.converge(&all, "trade", now()).1;
        bundle(&self.plan)
    }
}

fn is_ready(plan: &NamespacePlan, object: &ObjectRef) -> bool {
    status(plan, object).is(ConditionType::Ready)
}

fn says(plan: &NamespacePlan, object: &ObjectRef) -> (Reason, String) {
    let found = status(plan, object);
    let ready = found.condition(ConditionType::Ready).unwrap();
    (ready.reason, ready.message.clone())
}

#[test]
fn every_own_agency_node_and_genesis_is_signed_and_the_bundle_is_accepted() {
    let scene = scene();
    let plan = scene.read_by(&mut MemoryEdge::default(), &scene.bundle);
    assert!(
        is_ready(&plan, &agency()) && is_ready(&plan, &node_0()),
        "{:#?}",
        plan.statuses
    );
    let found = facts(&plan, &node_0());
    assert_eq!(found.attestation, facts(&scene.plan, &node_0()).attestation);
    assert_eq!(found.address, facts(&scene.plan, &node_0()).address);
}

/// The paths of all texts and numbers of a value.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| leaves(field, &format!("{at}/{name}"), found)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(number, item)| leaves(item, &format!("{at}/{number}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

/// Another value of the same form.
fn tampered(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => {
            // A letter or digit in the middle becomes another one that fields of any alphabet accept.
            let middle = text.len() / 2;
            let (at, old) = text
                .char_indices()
                .skip(middle)
                .find(|(_, c)| c.is_ascii_hexdigit())
                .unwrap();
            let new = if old == 'a' { "b" } else { "a" };
            json!(format!("{}{new}{}", &text[..at], &text[at + 1..]))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_bundle_tampered_with_in_any_of_its_fields_is_not_accepted() {
    let scene = scene();
    let mut tried = 0;
    for number in 0..scene.bundle.len() {
        let mut paths = vec![];
        leaves(&scene.bundle[number]["spec"], "/spec", &mut paths);
        paths.push("/metadata/name".to_owned());
        for path in paths {
            let mut bundle = scene.bundle.clone();
            let field = bundle[number].pointer_mut(&path).unwrap();
            *field = tampered(field);
            let plan = scene.read_by(&mut MemoryEdge::default(), &bundle);
            let all_ready = plan.statuses.iter().all(|status| status.is(ConditionType::Ready));
            assert!(!all_ready, "{path} of document {number} was accepted");
            tried += 1;
        }
    }
    assert!(tried >= 15, "every field was tried: {tried}");
}

#[test]
fn a_bundle_that_lacks_any_of_its_signed_fields_is_not_accepted() {
    let scene = scene();
    for (number, fields) in [
        (
            0,
            ["certificate", "governanceAccount", "trust", "attestation"].as_slice(),
        ),
        (1, &["nodeId", "address", "certificate", "attestation"]),
    ] {
        for field in fields {
            let mut bundle = scene.bundle.clone();
            let external = bundle[number].pointer_mut("/spec/external").unwrap();
            let removed = external.as_object_mut().unwrap().remove(*field);
            assert!(removed.is_some(), "{field} is in document {number}");
            let Ok(manifests) = accepted(&scene.chain, &bundle) else {
                continue;
            };
            let plan = MemoryEdge::default().converge(&manifests, "reader", now()).1;
            let all_ready = plan.statuses.iter().all(|status| status.is(ConditionType::Ready));
            assert!(!all_ready, "document {number} without {field} was accepted");
        }
    }
}

#[test]
fn facts_without_an_attestation_are_refused_and_give_no_identity() {
    let scene = scene();
    for (number, object) in [(0, agency()), (1, node_0())] {
        let mut bundle = scene.bundle.clone();
        let external = bundle[number]
            .pointer_mut("/spec/external")
            .unwrap()
            .as_object_mut()
            .unwrap();
        external.remove("attestation");
        let plan = scene.read_by(&mut MemoryEdge::default(), &bundle);
        let (reason, message) = says(&plan, &object);
        assert_eq!(reason, Reason::AttestationMissing, "{message}");
        assert!(status(&plan, &object).is(ConditionType::Stalled));
        assert!(
            message.contains(&object.to_string()) && message.contains("spec.external.attestation: found none"),
            "{message}"
        );
        assert_eq!(facts(&plan, &node_0()).node_id, None);
    }
}

#[test]
fn an_older_bundle_is_refused_and_what_was_known_stays_in_force() {
    let mut scene = scene();
    let (old, mut edge) = (scene.bundle.clone(), MemoryEdge::default());
    let new = scene.moved();
    let plan = scene.read_by(&mut edge, &new);
    assert_eq!(facts(&plan, &node_0()).address.as_deref(), Some("moved.example:30300"));
    let plan = scene.read_by(&mut edge, &old);
    let (reason, message) = says(&plan, &node_0());
    assert_eq!(reason, Reason::AttestationInvalid, "{message}");
    assert!(
        message.contains("sequence: found 1") && message.contains("accepted: 2 or more"),
        "{message}"
    );
    let known = facts(&plan, &node_0());
    assert_eq!(known.address.as_deref(), Some("moved.example:30300"));
    assert_eq!(known.attestation.unwrap().sequence, 2);
    assert!(is_ready(&plan, &agency()), "what did not change is as good as it was");
    let plan = scene.read_by(&mut edge, &new);
    assert!(is_ready(&plan, &node_0()), "the newer one again");
}

#[test]
fn documents_of_a_bundle_may_come_in_any_order() {
    let scene = scene();
    let mut reversed = scene.bundle.clone();
    reversed.reverse();
    let plan = scene.read_by(&mut MemoryEdge::default(), &reversed);
    assert!(is_ready(&plan, &agency()) && is_ready(&plan, &node_0()));
}

#[test]
fn an_attestation_swapped_between_objects_after_import_is_refused() {
    let (scene, mut edge) = (scene(), MemoryEdge::default());
    scene.read_by(&mut edge, &scene.bundle);
    let mut swapped = scene.bundle.clone();
    let theirs = swapped[0].pointer("/spec/external/attestation").unwrap().clone();
    *swapped[1].pointer_mut("/spec/external/attestation").unwrap() = theirs;
    let plan = scene.read_by(&mut edge, &swapped);
    assert_eq!(says(&plan, &node_0()).0, Reason::AttestationInvalid);
}

#[test]
fn an_account_swapped_in_git_is_refused_and_the_known_one_stays() {
    let (scene, mut edge) = (scene(), MemoryEdge::default());
    let known = facts(&scene.read_by(&mut edge, &scene.bundle), &agency()).governance_account;
    let mut swapped = scene.bundle.clone();
    *swapped[0].pointer_mut("/spec/external/governanceAccount").unwrap() = json!(format!("0x{}", "07".repeat(20)));
    let plan = scene.read_by(&mut edge, &swapped);
    let (reason, message) = says(&plan, &agency());
    assert_eq!(reason, Reason::InvalidSpec);
    assert!(message.contains("spec.external.governanceAccount"), "{message}");
    assert_eq!(facts(&plan, &agency()).governance_account, known);
    assert!(is_ready(&plan, &node_0()), "its nodes do not suffer for it");
}

#[test]
fn an_over_long_certificate_is_refused_by_its_field() {
    let scene = scene();
    let mut long = scene.bundle[1].clone();
    *long.pointer_mut("/spec/external/certificate").unwrap() = json!("A".repeat(16_385));
    let file = SourceFile {
        name: "long.yaml".into(),
        text: long.to_string(),
    };
    let errors = read(&[file], &Namespace::new("default").unwrap()).unwrap_err();
    assert!(
        errors[0].to_string().contains("spec.external.certificate"),
        "{}",
        errors[0]
    );
}

/// The reader as an agency of group-1 beside agency-a, with its own copy of the group.
fn with_group(scene: &Scene, change: impl FnOnce(&mut Value)) -> Vec<Value> {
    let mut spec = json!({
        "consortium": "trade", "groupId": 1,
        "genesis": {"timestamp": "2026-01-01T00:00:00Z", "sealers": ["node-0"]},
    });
    change(&mut spec);
    let mut documents = scene.bundle.clone();
    documents.push(document("Group", "group-1", &spec));
    documents
}

/// A scene in which agency-a's group-1 has node-0 as its only sealer.
fn small_scene() -> Scene {
    let mut scene = scene();
    let group: Group = serde_json::from_value(with_group(&scene, |_| {}).pop().unwrap()).unwrap();
    let mut all = sample();
    let trade = all.namespaces.values_mut().next().unwrap();
    trade.groups.retain(|name, _| name.as_str() == "group-1");
    let own = trade.groups.get_mut("group-1").unwrap();
    own.spec = group.spec;
    scene.giver = MemoryEdge::default();
    scene.plan = scene.giver.converge(&all, "trade", now()).1;
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    scene.chain = facts(&scene.plan, &consortium).certificate.unwrap();
    scene.bundle = bundle(&scene.plan);
    scene
}

#[test]
fn a_group_on_whose_hash_all_agencies_agree_needs_no_pin() {
    let scene = small_scene();
    let plan = scene.read_by(&mut MemoryEdge::default(), &with_group(&scene, |_| {}));
    assert!(is_ready(&plan, &group_1()), "{:?}", says(&plan, &group_1()));
    let mut silent = with_group(&scene, |_| {});
    silent[0]
        .pointer_mut("/spec/external")
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("genesis");
    let plan = scene.read_by(&mut MemoryEdge::default(), &silent);
    let (reason, message) = says(&plan, &group_1());
    assert_eq!(reason, Reason::GenesisUnconfirmed);
    assert!(message.contains("signed hash of agency-a"), "{message}");
}

#[test]
fn a_group_whose_hash_another_agency_did_not_sign_is_held_and_the_field_is_named() {
    let scene = small_scene();
    let other = with_group(&scene, |spec| spec["genesis"]["gasLimit"] = json!(200_000_000));
    let plan = scene.read_by(&mut MemoryEdge::default(), &other);
    let (reason, message) = says(&plan, &group_1());
    assert_eq!(reason, Reason::GenesisHashDiffers, "{message}");
    assert!(
        message.contains("gas") && message.contains("200000000") && message.contains("Agency agency-a"),
        "{message}"
    );
    assert!(status(&plan, &group_1()).is(ConditionType::Stalled));
    assert!(
        plan.desired.genesis.is_empty(),
        "nothing is recorded that would have to be taken back"
    );
}

#[test]
fn two_agencies_that_claim_one_name_are_told_apart() {
    let (first, mut edge) = (scene(), MemoryEdge::default());
    first.read_by(&mut edge, &first.bundle);
    // Another agency under the same name and the same registrar: its key is another one.
    let all = sample();
    let mut giver = MemoryEdge {
        draws: 9000,
        ..MemoryEdge::default()
    };
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let plan = giver.converge(&all, "trade", now()).1;
    let chain = facts(&plan, &consortium).certificate.unwrap();
    let mut manifests = reader(&first.chain, &bundle(&plan));
    let trusted = manifests.namespaces.values_mut().next().unwrap();
    let trust = trusted
        .consortiums
        .values_mut()
        .next()
        .unwrap()
        .spec
        .trust
        .as_mut()
        .unwrap();
    trust.certificates.push(chain);
    trust.issuing = facts(&first.plan, &consortium).fingerprint;
    let claimed = edge.converge(&manifests, "reader", now()).1;
    let (reason, message) = says(&claimed, &agency());
    assert_eq!(reason, Reason::KeyMismatch, "{message}");
    assert!(message.contains("Two agencies claim one name"), "{message}");
    let known = facts(&claimed, &agency());
    assert_eq!(
        known.certificate,
        facts(&first.plan, &agency()).certificate,
        "the first one stays"
    );
}

#[test]
fn manifests_of_a_bundle_are_those_of_somebody_else() {
    let scene = scene();
    let agency: Agency = serde_json::from_value(scene.bundle[0].clone()).unwrap();
    let node: Node = serde_json::from_value(scene.bundle[1].clone()).unwrap();
    assert!(agency.spec.external.is_some() && node.spec.external.is_some());
}

fn trust_of(plan: &NamespacePlan, name: &str) -> Option<althing_crds::v1alpha1::AgencyTrust> {
    facts(plan, &ObjectRef::Agency(AgencyName::new(name).unwrap())).trust
}

#[test]
fn an_agency_says_what_its_nodes_trust_when_all_of_them_say_it() {
    let Scene { mut giver, plan, .. } = scene();
    let all = sample();
    let said = trust_of(&plan, "agency-a").unwrap();
    // A node that restarts is silent for a while, and what was said stands.
    let report = giver.observed.shown.get_mut("node-0").unwrap().certificates.take();
    let plan = giver.converge(&all, "trade", now()).1;
    assert_eq!(trust_of(&plan, "agency-a"), Some(said.clone()));
    // It comes back with another set: nothing can be said of all of them.
    let other = report.map(|mut report| {
        report.trust = althing_types::B256::repeat_byte(7);
        report
    });
    giver.observed.shown.get_mut("node-0").unwrap().certificates = other;
    let plan = giver.converge(&all, "trade", now()).1;
    assert_eq!(trust_of(&plan, "agency-a"), None);
    giver.observed.shown.get_mut("node-0").unwrap().certificates = report;
    let plan = giver.converge(&all, "trade", now()).1;
    assert_eq!(trust_of(&plan, "agency-a"), Some(said));
}

#[test]
fn who_may_write_a_record_puts_no_words_into_an_agency_s_mouth() {
    let Scene { mut giver, plan, .. } = scene();
    let said = trust_of(&plan, "agency-a").unwrap().certificates;
    giver.observed.shown.clear();
    let identity = Identity::AgencyCa(AgencyName::new("agency-a").unwrap());
    let record = giver.observed.identities.get_mut(&identity).unwrap();
    let written = record.attestations.as_mut().unwrap();
    assert!(written.contains(&said));
    *written = written.replace(&said, &format!("0x{}", "07".repeat(32)));
    let plan = giver.converge(&sample(), "trade", now()).1;
    assert_eq!(trust_of(&plan, "agency-a"), None);
}

#[test]
fn an_operator_killed_between_a_signature_and_its_status_signs_nothing_again_when_it_starts() {
    let Scene { mut giver, plan, .. } = scene();
    let said = trust_of(&plan, "agency-a").unwrap();
    let signed = facts(&plan, &agency()).attestation;
    // No node has been heard since the start, and the status was never written.
    giver.observed.shown.clear();
    for status in &mut giver.observed.statuses {
        (status.facts.attestation, status.facts.trust) = (None, None);
    }
    let (steps, plan) = giver.converge(&sample(), "trade", now());
    assert!(steps.is_empty(), "{steps:#?}");
    assert_eq!(trust_of(&plan, "agency-a"), Some(said));
    assert_eq!(facts(&plan, &agency()).attestation, signed);
}
