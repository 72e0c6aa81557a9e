//! Clients' TLS in both editions: whose certificates, where they lie, and that no key of them is made twice.

use althing_operator::manifest::{Manifests, SourceFile};
use althing_operator::name::AgencyName;
use althing_operator::pki::{CertificateFacts, inspect};
use althing_operator::plan::{FileContent, Identity, KeyState, NamespacePlan, PublicKey, Step};
use althing_operator::status::{ConditionType, ObjectRef, ObjectStatus, Reason};
use althing_types::NodeId;
use althing_types::config::{RpcTls, parse_node_config};
use althing_types::genesis::Cryptography;
use jiff::{SignedDuration, Timestamp};

use crate::support::{MemoryEdge, manifests, namespace_of, node, now};

const EDITIONS: [Cryptography; 2] = [Cryptography::Standard, Cryptography::Sm];

fn objects(consortium: &str) -> Manifests {
    let text = format!(
        "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {{name: trade, namespace: trade}}\n\
         spec:\n  chainId: 20260\n{consortium}---\n\
         apiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: agency-a, namespace: trade}}\nspec: {{consortium: trade}}\n---\n\
         apiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {{name: node-0, namespace: trade}}\nspec: {{agency: agency-a}}\n"
    );
    manifests(&[SourceFile {
        name: "clients.yaml".to_owned(),
        text,
    }])
}

/// One agency with one node, running.
struct Scene {
    all: Manifests,
    edge: MemoryEdge,
    plan: NamespacePlan,
}

impl Scene {
    fn running(edition: Cryptography, in_cluster: bool) -> Self {
        let registrar = format!("  cryptography: {edition}\n  registrar: {{managed: {{validity: 87600h}}}}\n");
        let all = objects(&registrar);
        let mut edge = MemoryEdge {
            in_cluster,
            ..MemoryEdge::default()
        };
        let (_, plan) = edge.converge(&all, "trade", now());
        Self { all, edge, plan }
    }

    fn plan(&mut self) -> NamespacePlan {
        self.edge.plan(&self.all, "trade", now())
    }

    fn certificate(&self, identity: &Identity) -> String {
        let found = self.edge.observed.identities.get(identity);
        let found = found.and_then(|found| found.certificate.clone());
        found.unwrap_or_else(|| panic!("{identity} has no certificate"))
    }

    fn facts(&self, identity: &Identity) -> CertificateFacts {
        inspect::first(&self.certificate(identity)).unwrap()
    }

    /// A file of the node, the private key in words.
    fn file(&self, path: &str) -> String {
        let mut files = self.plan.desired.files.iter();
        let file = files.find(|file| file.at.path == path);
        match &file.unwrap_or_else(|| panic!("there is no {path}")).content {
            FileContent::Text(text) => text.clone(),
            FileContent::PrivateKey(identity) => format!("the key of {identity}"),
        }
    }

    fn tls(&self) -> Option<RpcTls> {
        let config = parse_node_config("config.ini", &self.file("config.ini")).unwrap();
        config.rpc.tls
    }
}

fn agency() -> AgencyName {
    AgencyName::new("agency-a").unwrap()
}

fn authority() -> Identity {
    Identity::ClientAuthority(agency())
}

fn listener() -> Identity {
    Identity::Listener(node("node-0"))
}

fn status(plan: &NamespacePlan, object: &ObjectRef) -> ObjectStatus {
    plan.statuses
        .iter()
        .find(|status| status.object == *object)
        .unwrap()
        .clone()
}

fn of_agency(plan: &NamespacePlan) -> ObjectStatus {
    status(plan, &ObjectRef::Agency(agency()))
}

/// Why an object is stalled.
fn stalled(plan: &NamespacePlan, object: &ObjectRef) -> (Reason, String) {
    let status = status(plan, object);
    assert!(status.is(ConditionType::Stalled), "{:#?}", status.conditions);
    let condition = status.condition(ConditionType::Stalled).unwrap();
    (condition.reason, condition.message.clone())
}

fn makes_key(plan: &NamespacePlan, identity: &Identity) -> bool {
    let mut steps = plan.steps.iter();
    steps.any(|step| matches!(step, Step::MakeKey(order) if order.identity == *identity))
}

fn years(count: i64) -> Timestamp {
    now() + SignedDuration::from_hours(count * 365 * 24)
}

#[test]
fn a_listener_shows_the_node_s_certificate_or_one_of_a_second_set_and_clients_have_theirs_from_the_same_key() {
    for (edition, issuer, shown, files) in [
        (
            Cryptography::Standard,
            Identity::AgencyCa(agency()),
            Identity::Node(node("node-0")),
            ["node.crt", "node.key", "ca.crt"],
        ),
        (
            Cryptography::Sm,
            authority(),
            listener(),
            ["origin_cert/node.crt", "origin_cert/node.key", "origin_cert/ca.crt"],
        ),
    ] {
        let scene = Scene::running(edition, true);
        assert!(of_agency(&scene.plan).is(ConditionType::Ready));
        let tls = scene.tls().unwrap();
        assert_eq!([&*tls.certificate, &*tls.key, tls.client_ca.as_deref().unwrap()], files);
        let namespace = namespace_of(&scene.all, "trade");
        assert_eq!(
            namespace.shown_to_clients(&node("node-0")),
            shown,
            "who asks it is told so"
        );
        let [certificate, key, trust] = files.map(|file| scene.file(file));
        assert_eq!(key, format!("the key of {shown}"));
        assert!(certificate.starts_with(scene.certificate(&shown).trim()));
        for leaf in [Identity::Sdk(agency()), Identity::Admin(agency()), shown] {
            inspect::verify_issued_by(&scene.certificate(&leaf), &scene.certificate(&issuer)).unwrap();
            assert_eq!(scene.facts(&leaf).cryptography, Some(Cryptography::Standard), "{leaf}");
        }
        // What clients trust is a root, and their issuer is under it or is it.
        let root = inspect::first(&trust).unwrap();
        assert!(root.is_ca && root.issuer_common_name == root.common_name);
        inspect::verify_issued_by(&scene.certificate(&issuer), &trust).unwrap();
        let names = scene.facts(&Identity::Node(node("node-0"))).dns_names;
        let served = inspect::first(&certificate).unwrap();
        assert_eq!((served.dns_names, &*served.common_name), (names, "node-0"));
    }
}

#[test]
fn there_is_no_second_set_in_the_standard_edition_and_no_listener_s_where_clients_are_served_in_plain() {
    for (edition, in_cluster, expected) in [
        (Cryptography::Standard, true, vec![]),
        (Cryptography::Standard, false, vec![]),
        (Cryptography::Sm, false, vec![authority()]),
        (Cryptography::Sm, true, vec![authority(), listener()]),
    ] {
        let scene = Scene::running(edition, in_cluster);
        assert_eq!(scene.tls().is_some(), in_cluster);
        let is_second = |it: &&Identity| matches!(it, Identity::ClientAuthority(_) | Identity::Listener(_));
        let found: Vec<_> = scene
            .edge
            .observed
            .identities
            .keys()
            .filter(is_second)
            .cloned()
            .collect();
        let desired: Vec<_> = scene
            .plan
            .desired
            .identities
            .iter()
            .filter(is_second)
            .cloned()
            .collect();
        assert_eq!(
            (&found, &desired),
            (&expected, &expected),
            "{edition}, in a cluster: {in_cluster}"
        );
        let files = scene.plan.desired.files.iter();
        let second = files.filter(|file| file.at.path.contains("origin_cert")).count();
        assert_eq!(second, if expected.contains(&listener()) { 3 } else { 0 });
        let told = of_agency(&scene.plan).facts.client_authority;
        assert_eq!(told.is_some(), !expected.is_empty());
    }
}

#[test]
fn rule_1_a_missing_client_authority_key_stalls_the_agency_and_each_single_trace_of_it_is_enough() {
    type Keep = fn(&MemoryEdge, &mut MemoryEdge);
    fn keep(from: &MemoryEdge, to: &mut MemoryEdge, identity: Identity) {
        let mut found = from.observed.identities[&identity].clone();
        if identity == authority() {
            found.key = KeyState::Missing;
        }
        to.observed.identities.insert(identity, found);
    }
    let traces: [(&str, Keep); 5] = [
        ("its certificate", |from, to| keep(from, to, authority())),
        ("the sdk's", |from, to| keep(from, to, Identity::Sdk(agency()))),
        ("the administrator's", |from, to| {
            keep(from, to, Identity::Admin(agency()))
        }),
        ("a listener's", |from, to| keep(from, to, listener())),
        ("the status", |from, to| {
            to.observed.statuses = from.observed.statuses.clone()
        }),
    ];
    let mut full = Scene::running(Cryptography::Sm, true);
    let mut fresh = MemoryEdge::default();
    assert!(
        makes_key(&fresh.plan(&full.all, "trade", now()), &authority()),
        "without a trace it is made"
    );
    for (name, keep) in traces {
        let mut edge = MemoryEdge::default();
        keep(&full.edge, &mut edge);
        let plan = edge.plan(&full.all, "trade", now());
        assert!(!makes_key(&plan, &authority()), "{name}: {:#?}", plan.steps);
    }
    full.edge.keys.remove(&authority());
    full.edge.observed.identities.get_mut(&authority()).unwrap().key = KeyState::Missing;
    let plan = full.plan();
    assert!(plan.is_at_rest(), "what runs goes on: {:#?}", plan.steps);
    let (reason, message) = stalled(&plan, &ObjectRef::Agency(agency()));
    assert_eq!(reason, Reason::KeyMissing);
    for part in [
        "client-authority/agency-a",
        "never made again",
        "put it back from a backup",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn rule_1_another_client_authority_key_is_refused_as_is_one_of_the_other_edition() {
    for (edition, reason, words) in [
        (Cryptography::Standard, Reason::KeyMismatch, "put the first key back"),
        (
            Cryptography::Sm,
            Reason::KeyUnreadable,
            "found an SM2 key; accepted: a P-256 key, because clients' TLS is standard",
        ),
    ] {
        let mut scene = Scene::running(Cryptography::Sm, true);
        let other = PublicKey::Identity(edition, NodeId::new([7; 64]));
        scene.edge.observed.identities.get_mut(&authority()).unwrap().key = KeyState::Present(other);
        let plan = scene.plan();
        assert!(plan.is_at_rest(), "{:#?}", plan.steps);
        let (found, message) = stalled(&plan, &ObjectRef::Agency(agency()));
        assert_eq!(found, reason);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn rule_1_a_missing_listener_key_stalls_its_node_and_is_never_made_again() {
    let mut scene = Scene::running(Cryptography::Sm, true);
    scene.edge.observed.identities.get_mut(&listener()).unwrap().key = KeyState::Missing;
    let plan = scene.plan();
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
    let (reason, message) = stalled(&plan, &ObjectRef::Node(node("node-0")));
    assert_eq!(reason, Reason::KeyMissing);
    assert!(message.contains("listener/node-0"), "{message}");
    assert!(of_agency(&plan).is(ConditionType::Ready), "the agency has lost nothing");
}

#[test]
fn what_clients_are_served_with_is_renewed_over_its_keys_and_restarts_nobody() {
    for edition in EDITIONS {
        let mut scene = Scene::running(edition, true);
        let before: Vec<_> = [Identity::Sdk(agency()), Identity::Admin(agency())]
            .into_iter()
            .chain((edition == Cryptography::Sm).then(listener))
            .map(|identity| (identity.clone(), scene.facts(&identity)))
            .collect();
        let (steps, _) = scene
            .edge
            .converge(&scene.all, "trade", now() + SignedDuration::from_hours(300 * 24));
        assert!(
            !steps
                .iter()
                .any(|step| step.starts_with("restart") || step.starts_with("make key")),
            "{steps:#?}"
        );
        for (identity, old) in before {
            let new = scene.facts(&identity);
            assert!(new.not_after > old.not_after && new.serial != old.serial, "{identity}");
            assert_eq!(new.public_key, old.public_key, "{identity}");
        }
    }
}

#[test]
fn a_renewed_client_authority_issues_nothing_anew_and_clients_that_trust_the_one_before_trust_the_new_listener() {
    let mut scene = Scene::running(Cryptography::Sm, true);
    let old = scene.certificate(&authority());
    let (steps, plan) = scene.edge.converge(&scene.all, "trade", years(3));
    assert!(steps.contains(&"issue certificate of client-authority/agency-a by client-authority/agency-a".to_owned()));
    assert!(!steps.iter().any(|step| step.starts_with("restart")), "{steps:#?}");
    let new = scene.certificate(&authority());
    assert_ne!(old, new);
    for trust in [&old, &new] {
        inspect::verify_issued_by(&scene.certificate(&listener()), trust).unwrap();
    }
    assert_eq!(of_agency(&plan).facts.client_authority, Some(new));
}

#[test]
fn a_node_s_status_tells_the_first_end_of_its_certificates() {
    let mut scene = Scene::running(Cryptography::Sm, true);
    let own = Identity::Node(node("node-0"));
    scene.edge.observed.identities.get_mut(&own).unwrap().certificate = None;
    let later = now() + SignedDuration::from_hours(24);
    let (_, plan) = scene.edge.converge(&scene.all, "trade", later);
    let (first, second) = (scene.facts(&listener()).not_after, scene.facts(&own).not_after);
    assert!(first < second, "the node's was issued a day later");
    let told = status(&plan, &ObjectRef::Node(node("node-0")));
    assert_eq!(told.facts.certificate_not_after, Some(first));
    let valid = told.condition(ConditionType::CertificatesValid).unwrap();
    assert!(valid.message.contains(&first.to_string()), "{}", valid.message);
}

#[test]
fn an_agency_whose_chain_key_is_elsewhere_has_its_client_authority_before_the_registrar_answers() {
    let registrar = Scene::running(Cryptography::Sm, true);
    let chain = Identity::first_chain_ca("trade".to_owned().try_into().unwrap());
    let chain = registrar.certificate(&chain);
    let lines: String = chain.lines().map(|line| format!("      {line}\n")).collect();
    let trust = format!("  cryptography: SM\n  trust:\n    certificates:\n    - |\n{lines}");
    let all = objects(&trust);
    let mut edge = MemoryEdge {
        draws: 1000,
        ..MemoryEdge::default()
    };
    let (_, plan) = edge.converge(&all, "trade", now());
    let ready = of_agency(&plan).condition(ConditionType::Ready).unwrap().reason;
    assert_eq!(ready, Reason::AwaitingCertificate);
    let found = &edge.observed.identities[&authority()];
    let facts = inspect::first(found.certificate.as_deref().unwrap()).unwrap();
    assert_eq!(facts.key().as_ref(), found.key.public());
}
