//! A chain certificate gives way to the next, and no node is a stranger to another on the way (GOVERNANCE.md 4).

use std::collections::BTreeMap;

use althing_crds::v1alpha1::AgencyTrust;
use althing_operator::controller::attestation::Statement;
use althing_operator::manifest::Manifests;
use althing_operator::name::{AgencyName, ChainKeyName, ConsortiumName, NodeName};
use althing_operator::pki::{IssuerMaterial, Profile, Role, inspect, issue, trust_hash};
use althing_operator::plan::report::CertificateReport;
use althing_operator::plan::{
    CertificateOrder, FileContent, FileRef, Identity, IssueReason, KeyState, NamespacePlan, PublicKey,
};
use althing_operator::status::{ConditionType, Reason, Truth};
use althing_types::NodeId;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{MemoryEdge, changed, node, now, running_in_cluster};

/// The chain certificates a node trusts and the certificates it shows, as its files said when it read them last.
#[derive(Clone, Debug, PartialEq)]
struct TakenUp {
    trusted: Vec<String>,
    agency: String,
}

impl TakenUp {
    fn report(&self) -> CertificateReport {
        CertificateReport {
            trust: trust_hash(self.trusted.iter().map(String::as_str)),
            issuer: inspect::first(&self.agency).unwrap().fingerprint.parse().ok(),
        }
    }

    fn lets_in(&self, other: &Self) -> bool {
        let mut trusted = self.trusted.iter();
        trusted.any(|root| inspect::verify_issued_by(&other.agency, root).is_ok())
    }
}

struct Scene {
    all: Manifests,
    edge: MemoryEdge,
    taken_up: BTreeMap<NodeName, TakenUp>,
    /// How many bundles agency E gave.
    told: i64,
}

fn blocks(text: &str) -> Vec<String> {
    let end = "-----END CERTIFICATE-----";
    let ends = text.match_indices(end).map(|(at, _)| at + end.len());
    let mut from = 0;
    ends.map(|to| {
        let block = text[from..to].trim().to_owned();
        from = to;
        block
    })
    .collect()
}

impl Scene {
    /// The four agencies of the sample, all of them here.
    fn new() -> Self {
        let (all, edge) = running_in_cluster();
        let mut scene = Self {
            all,
            edge,
            taken_up: BTreeMap::new(),
            told: 0,
        };
        scene.everybody_takes_up();
        scene.converge();
        scene
    }

    fn nodes(&self) -> Vec<NodeName> {
        self.edge.observed.processes.keys().cloned().collect()
    }

    fn file(&self, node: &NodeName, end: &str) -> String {
        let mut files = self.edge.files.iter();
        let found = files.find(|(FileRef { node: of, path }, _)| of == node && path.ends_with(end));
        match &found.unwrap().1.content {
            FileContent::Text(text) => text.clone(),
            FileContent::PrivateKey(_) => panic!("{end} is no key"),
        }
    }

    /// A running node reads its files, and every other node hears what it says from now on.
    fn take_up(&mut self, node: &NodeName) {
        let taken = TakenUp {
            trusted: blocks(&self.file(node, "ca.crt")),
            agency: blocks(&self.file(node, "node.crt"))[1].clone(),
        };
        self.taken_up.insert(node.clone(), taken);
        self.tell();
        for (name, one) in &self.taken_up {
            for (other_name, other) in &self.taken_up {
                assert!(one.lets_in(other), "{other_name} is a stranger to {name}");
            }
        }
    }

    fn tell(&mut self) {
        let ids: BTreeMap<_, _> = self
            .edge
            .observed
            .processes
            .iter()
            .map(|(name, it)| (name, it.process.node_id))
            .collect();
        let mut shown = BTreeMap::new();
        for (name, taken) in &self.taken_up {
            let others = self.taken_up.iter().filter(|(other, _)| *other != name);
            let peers = others.map(|(other, taken)| (ids[other], taken.report()));
            let before = self.edge.observed.shown.get(name).cloned().unwrap_or_default();
            let strangers = before
                .peers
                .into_iter()
                .filter(|(id, _)| !ids.values().any(|own| own == id));
            let word = althing_operator::plan::report::Shown {
                certificates: Some(taken.report()),
                peers: peers.chain(strangers).collect(),
            };
            shown.insert(name.clone(), word);
        }
        self.edge.observed.shown = shown;
    }

    fn everybody_takes_up(&mut self) {
        for node in self.nodes() {
            self.take_up(&node);
        }
    }

    fn converge(&mut self) -> NamespacePlan {
        self.edge.converge(&self.all, "trade", now()).1
    }

    /// Rounds of planning and taking up until nothing changes.
    fn settle(&mut self) -> NamespacePlan {
        for _ in 0..12 {
            let before = self.taken_up.clone();
            self.converge();
            self.everybody_takes_up();
            if self.taken_up == before {
                return self.converge();
            }
        }
        panic!("it does not come to rest");
    }

    fn keys(&mut self, keys: &[i64]) {
        self.spec(|spec| spec.registrar.as_mut().unwrap().managed.as_mut().unwrap().keys = keys.to_vec());
    }

    fn spec(&mut self, change: impl FnOnce(&mut althing_crds::v1alpha1::ConsortiumSpec)) {
        self.all = changed(&self.all, "trade", |namespace| {
            change(&mut namespace.consortiums.values_mut().next().unwrap().spec);
        });
    }

    fn chain(&self, number: u16) -> String {
        let identity = chain_key(number);
        blocks(self.edge.observed.identities[&identity].certificate.as_deref().unwrap())[0].clone()
    }

    /// A fifth agency with its node elsewhere, certified by this chain key, as its bundle says it.
    fn agency_e(&mut self, number: u16) {
        let certificate = self.certify_e(number);
        let agency = json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": "Agency", "metadata": {"name": "agency-e", "namespace": "trade"},
            "spec": {"consortium": "trade", "external": {"certificate": certificate, "governanceAccount": format!("0x{}", "7".repeat(40))}},
        });
        let external = json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": "Node", "metadata": {"name": "node-e", "namespace": "trade"},
            "spec": {"agency": "agency-e", "external": {"nodeId": e_id().to_string(), "address": "10.9.9.9:30300"}},
        });
        self.all = changed(&self.all, "trade", |namespace| {
            let name = AgencyName::new("agency-e").unwrap();
            namespace.agencies.insert(name, serde_json::from_value(agency).unwrap());
            namespace
                .nodes
                .insert(node("node-e"), serde_json::from_value(external).unwrap());
        });
    }

    fn certify_e(&self, number: u16) -> String {
        let order = CertificateOrder {
            subject: Identity::AgencyCa(AgencyName::new("agency-e").unwrap()),
            issuer: chain_key(number),
            profile: Profile {
                role: Role::Agency,
                organization: "trade".into(),
                governance_account: None,
            },
            common_name: "agency-e".into(),
            not_before: now(),
            not_after: now() + SignedDuration::from_hours(1000),
            dns_names: vec![],
            request: None,
            reason: IssueReason::First,
        };
        let other = &self.edge.keys[&Identity::AgencyCa(AgencyName::new("agency-a").unwrap())];
        let issuer = IssuerMaterial {
            key: &self.edge.keys[&chain_key(number)],
            certificate: Some(&self.chain(number)),
        };
        issue(&order, &other.public(), &issuer, &mut |bytes| bytes.fill(9)).unwrap()
    }

    /// Agency E's bundle says this of all its nodes; its key is agency A's here.
    fn e_tells(&mut self, number: u16, trusted: &[&str], shown: &str) {
        self.agency_e(number);
        let word = TakenUp {
            trusted: trusted.iter().map(|&pem| pem.to_owned()).collect(),
            agency: shown.to_owned(),
        };
        let report = word.report();
        self.told += 1;
        let (edge, sequence) = (&self.edge, self.told);
        self.all = changed(&self.all, "trade", |namespace| {
            let agency = namespace.agencies.get_mut("agency-e").unwrap();
            let external = agency.spec.external.as_mut().unwrap();
            external.trust = Some(AgencyTrust {
                certificates: report.trust.to_string(),
                issuer: report.issuer.unwrap().to_string(),
            });
            let statement = Statement::agency("agency-e", "trade", external);
            external.attestation = Some(edge.numbered("agency-a", &statement, sequence));
        });
    }

    /// A registrar and nothing else: no own node hears anybody.
    fn without_own_nodes() -> Self {
        let mut scene = Self::new();
        scene.all = changed(&scene.all, "trade", |namespace| {
            namespace.groups.clear();
            namespace.nodes.clear();
            namespace.agencies.clear();
        });
        scene.edge.observed.processes.clear();
        scene.edge.observed.shown.clear();
        scene.edge.observed.statuses.clear();
        scene.taken_up.clear();
        scene
    }

    /// Every own node hears this from agency E's node.
    fn e_says(&mut self, trusted: &[&str], shown: &str) {
        let word = TakenUp {
            trusted: trusted.iter().map(|&pem| pem.to_owned()).collect(),
            agency: shown.to_owned(),
        };
        for shown in self.edge.observed.shown.values_mut() {
            shown.peers.insert(e_id(), word.report());
        }
    }
}

fn e_id() -> NodeId {
    NodeId::new([9; 64])
}

fn chain_key(number: u16) -> Identity {
    Identity::ChainCa(ChainKeyName::new(ConsortiumName::new("trade").unwrap(), number))
}

fn consortium(plan: &NamespacePlan) -> &althing_operator::status::ObjectStatus {
    let mut statuses = plan.statuses.iter();
    statuses.find(|status| status.object.kind() == "Consortium").unwrap()
}

fn waits_for(plan: &NamespacePlan) -> Option<String> {
    let condition = consortium(plan).condition(ConditionType::InSync)?;
    (condition.status == Truth::False).then(|| {
        assert_eq!(condition.reason, Reason::RolloverWaits);
        condition.message.clone()
    })
}

fn signs(plan: &NamespacePlan) -> &str {
    consortium(plan).facts.fingerprint.as_deref().unwrap()
}

fn fingerprint(pem: &str) -> String {
    inspect::first(pem).unwrap().fingerprint
}

#[test]
fn a_chain_key_rolls_over_in_two_changes() {
    let mut scene = Scene::new();
    scene.keys(&[1, 2]);
    let plan = scene.converge();
    let (old, new) = (scene.chain(1), scene.chain(2));
    assert_eq!(signs(&plan), fingerprint(&old), "the new one signs when all trust it");
    assert!(
        waits_for(&plan).unwrap().contains("node-0 has not taken it up yet"),
        "{:?}",
        waits_for(&plan)
    );
    assert_eq!(consortium(&plan).facts.trusted.len(), 2);
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    assert!(
        scene
            .taken_up
            .values()
            .all(|it| inspect::verify_issued_by(&it.agency, &new).is_ok())
    );
    scene.keys(&[2]);
    let plan = scene.settle();
    assert_eq!(consortium(&plan).facts.trusted.len(), 1);
    assert!(scene.taken_up.values().all(|it| it.trusted == [new.clone()]));
    assert!(scene.edge.keys.contains_key(&chain_key(1)), "keys outlive manifests");
}

#[test]
fn the_certificate_that_a_person_names_signs_until_the_name_is_taken_out() {
    let mut scene = Scene::new();
    let old = fingerprint(&scene.chain(1));
    scene.spec(|spec| spec.trust = Some(serde_json::from_value(json!({"issuing": old})).unwrap()));
    scene.keys(&[1, 2]);
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (old.as_str(), None));
    let both = consortium(&plan).facts.trusted.len();
    assert_eq!(both, 2, "every node, and every client, is given both");
    scene.spec(|spec| spec.trust = Some(serde_json::from_value(json!({})).unwrap()));
    assert_eq!(signs(&scene.settle()), fingerprint(&scene.chain(2)));
}

#[test]
fn both_changes_in_one_do_the_same_more_slowly() {
    let mut scene = Scene::new();
    scene.keys(&[2]);
    let plan = scene.converge();
    assert_eq!(consortium(&plan).facts.trusted.len(), 2, "the old one is still needed");
    let plan = scene.settle();
    assert_eq!((consortium(&plan).facts.trusted.len(), waits_for(&plan)), (1, None));
    assert_eq!(signs(&plan), fingerprint(&scene.chain(2)));
}

#[test]
fn who_is_silent_blocks_each_step_until_it_follows() {
    let mut scene = Scene::new();
    scene.agency_e(1);
    scene.keys(&[1, 2]);
    let plan = scene.settle();
    let (old, new) = (scene.chain(1), scene.chain(2));
    assert!(
        waits_for(&plan).unwrap().contains("node-e of agency-e is silent"),
        "{:?}",
        waits_for(&plan)
    );
    let shown = scene.certify_e(1);
    scene.e_says(&[&old], &shown);
    let plan = scene.settle();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("node-e of agency-e trusts another set")
    );
    assert_eq!(signs(&plan), fingerprint(&old));
    scene.e_says(&[&old, &new], &shown);
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    // It has no certificate under the new one yet; then it has, and its node does not show it.
    scene.keys(&[2]);
    let plan = scene.settle();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("agency-e has no certificate under a newer one")
    );
    scene.agency_e(2);
    let plan = scene.settle();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("node-e shows an older certificate of agency-e")
    );
    assert_eq!(consortium(&plan).facts.trusted.len(), 2);
    let shown = scene.certify_e(2);
    scene.e_says(&[&old, &new], &shown);
    let plan = scene.settle();
    assert_eq!((consortium(&plan).facts.trusted.len(), waits_for(&plan)), (1, None));
}

#[test]
fn a_registrar_without_nodes_hears_an_agency_s_nodes_through_its_bundle() {
    let mut scene = Scene::without_own_nodes();
    scene.agency_e(1);
    scene.keys(&[1, 2]);
    let plan = scene.converge();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("a new bundle of agency-e can speak for it")
    );
    let (old, new) = (scene.chain(1), scene.chain(2));
    let under_old = scene.certify_e(1);
    scene.e_tells(1, &[&old], &under_old);
    assert_eq!(
        signs(&scene.converge()),
        fingerprint(&old),
        "its nodes know the old one only"
    );
    scene.e_tells(1, &[&old, &new], &under_old);
    let plan = scene.converge();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    scene.keys(&[2]);
    assert_eq!(
        consortium(&scene.converge()).facts.trusted.len(),
        2,
        "E is under the old one"
    );
    scene.e_tells(2, &[&old, &new], &under_old);
    let waiting = waits_for(&scene.converge()).unwrap();
    assert!(
        waiting.contains("node-e shows an older certificate of agency-e"),
        "{waiting}"
    );
    let under_new = scene.certify_e(2);
    scene.e_tells(2, &[&old, &new], &under_new);
    let plan = scene.converge();
    assert_eq!((consortium(&plan).facts.trusted.len(), waits_for(&plan)), (1, None));
    // Now E has it as well, and whatever old bundle is applied, the old certificate does not come back.
    scene.e_tells(2, &[&new], &under_new);
    assert_eq!(consortium(&scene.converge()).facts.trusted.len(), 1);
}

#[test]
fn a_word_about_trust_that_the_agency_did_not_sign_moves_nothing() {
    let mut scene = Scene::without_own_nodes();
    scene.keys(&[1, 2]);
    scene.agency_e(1);
    scene.converge();
    let (old, new) = (scene.chain(1), scene.chain(2));
    let shown = scene.certify_e(1);
    scene.e_tells(1, &[&old], &shown);
    scene.converge();
    let both = trust_hash([old.as_str(), new.as_str()].into_iter());
    scene.all = changed(&scene.all, "trade", |namespace| {
        let agency = namespace.agencies.get_mut("agency-e").unwrap();
        let trust = agency.spec.external.as_mut().unwrap().trust.as_mut().unwrap();
        trust.certificates = both.to_string();
    });
    assert_eq!(signs(&scene.converge()), fingerprint(&old));
}

#[test]
fn a_waiver_ends_the_waiting_until_its_deadline() {
    let waive = |scene: &mut Scene, hours: i64| {
        let until = now() + SignedDuration::from_hours(hours);
        let trust = json!({"waivers": [{"agency": "agency-e", "until": until.to_string()}]});
        scene.spec(|spec| spec.trust = Some(serde_json::from_value(trust).unwrap()));
    };
    let mut scene = Scene::new();
    scene.agency_e(1);
    scene.keys(&[1, 2]);
    waive(&mut scene, -1);
    assert!(waits_for(&scene.settle()).is_some(), "that one is over");
    waive(&mut scene, 1);
    let plan = scene.settle();
    assert_eq!(
        (signs(&plan), waits_for(&plan)),
        (fingerprint(&scene.chain(2)).as_str(), None)
    );
}

#[test]
fn an_old_chain_certificate_does_not_come_back_once_it_is_out() {
    let mut scene = Scene::new();
    scene.keys(&[1, 2]);
    scene.settle();
    scene.keys(&[2]);
    scene.settle();
    // Somebody's old bundle is applied again.
    scene.agency_e(1);
    let plan = scene.settle();
    assert_eq!(
        consortium(&plan).facts.trusted,
        [scene.edge.observed.identities[&chain_key(2)]
            .certificate
            .clone()
            .unwrap()]
    );
}

#[test]
fn a_second_chain_key_is_made_once() {
    let mut scene = Scene::new();
    scene.keys(&[1, 2]);
    scene.settle();
    scene.edge.keys.remove(&chain_key(2));
    scene.edge.observed.identities.get_mut(&chain_key(2)).unwrap().key = KeyState::Missing;
    scene.keys(&[2]);
    let plan = scene.edge.plan(&scene.all, "trade", now());
    assert!(
        plan.steps.iter().all(|step| !step.to_string().contains("make key")),
        "{:#?}",
        plan.steps
    );
    let stalled = consortium(&plan).condition(ConditionType::Stalled).unwrap();
    assert_eq!(stalled.reason, Reason::KeyMissing, "{}", stalled.message);
}

#[test]
fn a_renewal_of_the_chain_certificate_keeps_its_key_and_waits_for_nobody() {
    let mut scene = Scene::new();
    let before = scene.chain(1);
    let later = now() + SignedDuration::from_hours(6 * 365 * 24);
    let (_, plan) = scene.edge.converge(&scene.all, "trade", later);
    let after = scene.chain(1);
    assert_ne!(before, after);
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&after).as_str(), None));
    assert_eq!(
        scene.edge.observed.identities[&chain_key(1)].key.public(),
        Some(&PublicKey::P256(inspect::first(&before).unwrap().public_key.unwrap()))
    );
    scene.everybody_takes_up();
}

#[test]
fn a_bought_chain_key_is_replaced_once_everybody_trusts_the_new_certificate() {
    let mut scene = Scene::new();
    // The registrar of this test bought its keys: what the operator made stands in for a pair from a certificate authority.
    let bought = |scene: &mut Scene, secret: &str, trust: Option<&str>| {
        scene.spec(|spec| {
            let registrar = spec.registrar.as_mut().unwrap();
            (registrar.managed, registrar.secret_name) = (None, Some(secret.to_owned()));
            spec.trust = trust.map(|pem| serde_json::from_value(json!({"certificates": [pem]})).unwrap());
        });
    };
    scene.keys(&[1, 2]);
    scene.converge();
    scene.keys(&[1]);
    let (old, new) = (scene.chain(1), scene.chain(2));
    let next = scene.edge.observed.identities.remove(&chain_key(2)).unwrap();
    let next_key = scene.edge.keys.remove(&chain_key(2)).unwrap();
    bought(&mut scene, "bought-2026", None);
    assert_eq!(waits_for(&scene.settle()), None);
    // The Secret changes without a word about the old certificate, under which everybody lives.
    let first = scene.edge.observed.identities.insert(chain_key(1), next).unwrap();
    let first_key = scene.edge.keys.insert(chain_key(1), next_key).unwrap();
    bought(&mut scene, "bought-2036", None);
    let plan = scene.converge();
    let ready = consortium(&plan).condition(ConditionType::Ready).unwrap();
    assert_eq!(ready.reason, Reason::RolloverWaits, "{}", ready.message);
    assert!(
        ready.message.contains("agency-a, agency-b, agency-c, agency-d"),
        "{}",
        ready.message
    );
    scene.everybody_takes_up();
    assert!(
        scene.taken_up.values().all(|it| it.trusted == [old.clone()]),
        "nothing changed"
    );
    // With the old one listed, everybody is given both before the new one signs.
    bought(&mut scene, "bought-2036", Some(&old));
    let plan = scene.converge();
    assert_eq!(signs(&plan), fingerprint(&old));
    assert!(waits_for(&plan).unwrap().contains("does not sign yet"));
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    bought(&mut scene, "bought-2036", None);
    let plan = scene.settle();
    assert_eq!(consortium(&plan).facts.trusted.len(), 1);
    drop((first, first_key));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nodes take their files up in any order and as late as they like, and the spec changes whenever it does: `take_up` looks at
    /// every pair of nodes after every event.
    #[test]
    fn no_node_is_ever_a_stranger_to_another(
        events in proptest::collection::vec(0_usize..12, 0..60),
        changes in (0_usize..30, 0_usize..60),
    ) {
        let mut scene = Scene::new();
        let nodes = scene.nodes();
        for (at, event) in events.into_iter().enumerate() {
            if at == changes.0 {
                scene.keys(&[1, 2]);
            }
            if at == changes.0.max(changes.1) {
                scene.keys(&[2]);
            }
            match nodes.get(event) {
                Some(node) => scene.take_up(node),
                None => drop(scene.edge.converge(&scene.all, "trade", now())),
            }
        }
        scene.keys(&[1, 2]);
        scene.settle();
        scene.keys(&[2]);
        let plan = scene.settle();
        prop_assert_eq!(waits_for(&plan), None);
        prop_assert_eq!(consortium(&plan).facts.trusted.len(), 1);
    }
}
