//! What is ordered in each edition, and what of one edition is refused in the other. The controllers are called with the values
//! themselves.

use std::collections::BTreeMap;

use althing_operator::controller::agency::{self, AgencyFacts, Orders};
use althing_operator::controller::consortium::{self, ChainFacts, ValidatedConsortium};
use althing_operator::controller::node::{self, NodeFacts};
use althing_operator::controller::{Context, Hold, Outcome};
use althing_operator::manifest::{NamespaceManifests, SourceFile, read};
use althing_operator::name::{AgencyName, ConsortiumName, Namespace};
use althing_operator::node_files::node_files;
use althing_operator::pki::{IssuerMaterial, PrivateKey, inspect, issue};
use althing_operator::plan::{
    Endpoint, FileContent, Identity, IdentityKind, KeyKind, KeyState, Observed, Placement, Ports,
};
use althing_operator::status::Reason;
use althing_types::config::parse_node_config;
use althing_types::genesis::Cryptography;

use crate::support::{node as node_named, now};

const EDITIONS: [Cryptography; 2] = [Cryptography::Standard, Cryptography::Sm];

fn manifests(edition: Cryptography) -> NamespaceManifests {
    let text = format!(
        "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {{name: trade}}\n\
         spec: {{chainId: 20260, cryptography: {edition}, registrar: {{managed: {{validity: 87600h}}}}}}\n---\n\
         apiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: agency-a}}\nspec: {{consortium: trade}}\n---\n\
         apiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {{name: node-0}}\nspec: {{agency: agency-a}}\n"
    );
    let file = SourceFile {
        name: "editions.yaml".into(),
        text,
    };
    let all = read(&[file], &Namespace::new("trade").unwrap()).unwrap();
    all.namespaces.into_values().next().unwrap()
}

/// One agency and one node, and the keys that were made for them.
struct Scene {
    manifests: NamespaceManifests,
    observed: Observed,
    placement: Placement,
    keys: BTreeMap<Identity, PrivateKey>,
}

/// What the controllers come to in one round.
struct Round {
    chain: Outcome<ChainFacts>,
    agency: Outcome<AgencyFacts>,
    node: Outcome<NodeFacts>,
    orders: Orders,
}

impl Scene {
    fn new(edition: Cryptography) -> Self {
        let endpoint = Endpoint::on_machine("127.0.0.1", Ports::FIRST);
        Self {
            manifests: manifests(edition),
            observed: Observed::default(),
            placement: Placement::from([(node_named("node-0"), endpoint)]),
            keys: BTreeMap::new(),
        }
    }

    fn valid(&self) -> ValidatedConsortium {
        let (name, object) = self.manifests.consortiums.iter().next().unwrap();
        consortium::validate(name, object).unwrap()
    }

    fn round(&self) -> Round {
        let ctx = Context {
            manifests: &self.manifests,
            observed: &self.observed,
            placement: &self.placement,
            now: now(),
        };
        let mut orders = Orders::default();
        let chain = consortium::plan(&ctx, self.valid(), &mut orders.keys, &mut orders.certificates);
        let chains = BTreeMap::from([(ConsortiumName::new("trade").unwrap(), chain.clone())]);
        let (name, object) = self.manifests.agencies.iter().next().unwrap();
        let valid = agency::validate(name, object).unwrap();
        let agency = agency::plan(&ctx, &valid, &chains, &mut BTreeMap::new(), &mut orders);
        let agencies = BTreeMap::from([(name.clone(), agency.clone())]);
        let (name, object) = self.manifests.nodes.iter().next().unwrap();
        let valid = node::validate(name, object).unwrap();
        let node = node::identity(&ctx, &valid, &mut orders)
            .and_then(|id| node::plan(&ctx, &valid, id, &agencies, &mut orders));
        Round {
            chain,
            agency,
            node,
            orders,
        }
    }

    fn carry_out(&mut self, orders: &Orders) {
        for order in &orders.keys {
            let mut seed = u8::try_from(self.keys.len()).unwrap() + 1;
            let key = PrivateKey::generate(order.kind, &mut |bytes| {
                bytes.fill(seed);
                seed += 100;
            });
            let key = key.unwrap();
            let found = self.observed.identities.entry(order.identity.clone()).or_default();
            found.key = KeyState::Present(key.public());
            assert!(
                self.keys.insert(order.identity.clone(), key).is_none(),
                "a key is made once"
            );
        }
        for order in &orders.certificates {
            let above = self.observed.identities.get(&order.issuer);
            let above = above.and_then(|found| found.certificate.clone());
            let issuer = IssuerMaterial {
                key: &self.keys[&order.issuer],
                certificate: above.as_deref().filter(|_| order.issuer != order.subject),
            };
            let subject = self.keys[&order.subject].public();
            let made = issue(order, &subject, &issuer, &mut |bytes| bytes.fill(0x55)).unwrap();
            self.observed.identities.get_mut(&order.subject).unwrap().certificate = Some(made);
        }
    }

    /// Rounds until the node can run.
    fn settled(edition: Cryptography) -> (Self, Round) {
        let mut scene = Self::new(edition);
        for _ in 0..8 {
            let round = scene.round();
            if round.node.is_ok() {
                assert_eq!(round.orders, Orders::default(), "nothing is left to do");
                return (scene, round);
            }
            scene.carry_out(&round.orders);
        }
        panic!("the node never runs: {:?}", scene.round().node);
    }
}

fn refusal<T: std::fmt::Debug>(outcome: Outcome<T>) -> (Reason, String) {
    match outcome.unwrap_err() {
        Hold::Wrong(obstacle) => (obstacle.reason, obstacle.message),
        Hold::Pending(obstacle) => panic!("it waits: {obstacle:?}"),
    }
}

#[test]
fn every_key_is_ordered_on_the_curve_of_its_edition_and_those_for_clients_on_p_256() {
    for (edition, identity, account, count) in [
        (Cryptography::Standard, KeyKind::P256, KeyKind::Secp256k1, 6),
        (Cryptography::Sm, KeyKind::Sm2, KeyKind::Sm2Account, 7),
    ] {
        let orders = Scene::new(edition).round().orders;
        assert_eq!(orders.keys.len(), count);
        for order in orders.keys {
            let expected = match order.identity {
                Identity::Governance(_) => account,
                Identity::Sdk(_) | Identity::Admin(_) | Identity::ClientAuthority(_) => KeyKind::P256,
                _ => identity,
            };
            assert_eq!(order.kind, expected, "{}", order.identity);
        }
    }
}

#[test]
fn a_node_is_certified_under_its_chain_in_either_edition_and_planning_again_finds_nothing_to_do() {
    for edition in EDITIONS {
        let (scene, round) = Scene::settled(edition);
        for kind in [IdentityKind::ChainCa, IdentityKind::AgencyCa, IdentityKind::Node] {
            let mut found = scene
                .observed
                .identities
                .iter()
                .filter(|(identity, _)| identity.kind() == kind);
            let (_, found) = found.next().unwrap();
            let certificate = inspect::first(found.certificate.as_ref().unwrap()).unwrap();
            assert_eq!(certificate.cryptography, Some(edition), "{kind:?}");
        }
        let own = round.node.unwrap().own.unwrap();
        inspect::verify_issued_by(&own.certificate.pem, &own.agency_certificate.pem).unwrap();
        inspect::verify_issued_by(&own.agency_certificate.pem, &round.chain.unwrap().issuing.pem).unwrap();
    }
}

#[test]
fn a_node_s_folder_has_the_file_names_of_its_edition_and_config_ini_names_them() {
    for (edition, names) in [
        (
            Cryptography::Standard,
            ["ca.crt", "node.crt", "node.key", "node.nodeid"],
        ),
        (
            Cryptography::Sm,
            ["gmca.crt", "gmnode.crt", "gmnode.key", "gmnode.nodeid"],
        ),
    ] {
        let (_, round) = Scene::settled(edition);
        let (node, chain) = (round.node.unwrap(), round.chain.unwrap());
        let own = node.own.clone().unwrap();
        let made = node_files(&node, &own, (&chain, &Default::default()), &[], &[]).unwrap();
        let mut paths: Vec<_> = made.files.iter().map(|file| file.at.path.as_str()).collect();
        paths.retain(|path| path.starts_with("conf/"));
        assert_eq!(paths, names.map(|name| format!("conf/{name}")));
        let config = made.files.iter().find(|file| file.at.path == "config.ini").unwrap();
        let FileContent::Text(text) = &config.content else {
            panic!("config.ini is a text")
        };
        let config = parse_node_config("config.ini", text).unwrap();
        assert_eq!(config.chain.cryptography, edition);
        let security = config.security;
        assert_eq!(
            [&*security.chain_certificates, &*security.certificate, &*security.key],
            names[..3]
        );
        let key = made.files.iter().find(|file| file.at.path.ends_with(names[2])).unwrap();
        assert_eq!(
            key.content,
            FileContent::PrivateKey(Identity::Node(node_named("node-0")))
        );
    }
}

#[test]
fn a_key_of_the_other_edition_stops_its_object_with_a_sentence() {
    let (mut scene, _) = Scene::settled(Cryptography::Sm);
    let (standard, _) = Scene::settled(Cryptography::Standard);
    let identity = Identity::Node(node_named("node-0"));
    let other = standard.observed.identities[&identity].key.clone();
    scene.observed.identities.get_mut(&identity).unwrap().key = other;
    let (reason, text) = refusal(scene.round().node);
    assert_eq!(reason, Reason::KeyUnreadable);
    assert_eq!(
        text,
        "the key of node/node-0: found a P-256 key; accepted: an SM2 key, because the consortium's cryptography is SM; \
         put the key of this edition in its place"
    );
    let agency = AgencyName::new("agency-a").unwrap();
    let governance = Identity::Governance(agency);
    let other = standard.observed.identities[&governance].key.clone();
    scene.observed.identities.get_mut(&governance).unwrap().key = other;
    let (_, text) = refusal(scene.round().agency);
    assert!(text.contains("found a secp256k1 key; accepted: an SM2 key"), "{text}");
}

#[test]
fn a_certificate_of_the_other_edition_is_never_taken_for_the_node_s() {
    let (mut scene, _) = Scene::settled(Cryptography::Sm);
    let (standard, _) = Scene::settled(Cryptography::Standard);
    let identity = Identity::Node(node_named("node-0"));
    let other = standard.observed.identities[&identity].certificate.clone();
    scene.observed.identities.get_mut(&identity).unwrap().certificate = other;
    let (reason, _) = refusal(scene.round().node);
    assert_eq!(reason, Reason::KeyMismatch);
}

#[test]
fn a_chain_key_bought_in_the_other_edition_is_refused_by_file() {
    let (standard, _) = Scene::settled(Cryptography::Standard);
    let mut scene = Scene::new(Cryptography::Sm);
    let chain = Identity::first_chain_ca(ConsortiumName::new("trade").unwrap());
    let found = standard.observed.identities[&chain].clone();
    scene.observed.identities.insert(chain, found);
    let ctx = Context {
        manifests: &scene.manifests,
        observed: &scene.observed,
        placement: &scene.placement,
        now: now(),
    };
    let bought = ValidatedConsortium {
        registrar: Some(consortium::RegistrarMode::Provided {
            secret_name: "bought".into(),
        }),
        ..scene.valid()
    };
    let (_, text) = refusal(consortium::plan(&ctx, bought, &mut vec![], &mut vec![]));
    assert!(
        text.starts_with("Secret bought, tls.key: found a P-256 key; accepted: an SM2 key, because"),
        "{text}"
    );
}

#[test]
fn no_key_is_made_before_its_edition_is_known_and_one_that_is_there_counts() {
    for edition in EDITIONS {
        let (mut scene, round) = Scene::settled(edition);
        let id = round.node.unwrap().node_id;
        scene.manifests.agencies.clear();
        let valid = scene.manifests.nodes.iter().next().unwrap();
        let valid = node::validate(valid.0, valid.1).unwrap();
        let ask = |scene: &Scene, orders: &mut Orders| {
            let ctx = Context {
                manifests: &scene.manifests,
                observed: &scene.observed,
                placement: &scene.placement,
                now: now(),
            };
            node::identity(&ctx, &valid, orders)
        };
        let mut orders = Orders::default();
        assert_eq!(ask(&scene, &mut orders), Ok(id));
        scene.observed.identities.clear();
        assert!(matches!(ask(&scene, &mut orders), Err(Hold::Pending(_))));
        assert_eq!(orders, Orders::default());
    }
}

#[test]
fn a_bundle_of_the_other_edition_is_refused_by_the_field_of_its_certificate() {
    let (home, _) = Scene::settled(Cryptography::Sm);
    let (other, _) = Scene::settled(Cryptography::Standard);
    let agency = AgencyName::new("agency-a").unwrap();
    let foreign = &other.observed.identities[&Identity::AgencyCa(agency)];
    let external = serde_json::json!({
        "certificate": foreign.certificate,
        "governanceAccount": format!("0x{}", "07".repeat(20)),
    });
    let mut scene = Scene::new(Cryptography::Sm);
    scene.observed = home.observed;
    let spec = serde_json::json!({"consortium": "trade", "external": external});
    let object = scene.manifests.agencies.values_mut().next().unwrap();
    object.spec = serde_json::from_value(spec).unwrap();
    let (reason, text) = refusal(scene.round().agency);
    assert_eq!(reason, Reason::CertificateInvalid);
    assert_eq!(
        text,
        "spec.external.certificate: found a certificate over a P-256 key; accepted: one over an SM2 key, because the consortium's \
         cryptography is SM; have one issued over such a key"
    );
}
