//! A whole chain of certificates, issued and read back, in both editions.

mod bought;
mod editions;
mod lists;
mod unchanged;

use althing_types::genesis::Cryptography;
use jiff::{SignedDuration, Timestamp};

use super::testing::entropy;
use super::{CertificateFacts, IssuerMaterial, PrivateKey, Profile, Role, inspect, issue, renewal, request};
use crate::name::{AgencyName, ConsortiumName, NodeName};
use crate::plan::{CertificateOrder, Identity, IssueReason, KeyKind, KeyPurpose, RequestOrder};

/// Every promise below holds in each of them.
const EDITIONS: [Cryptography; 2] = [Cryptography::Standard, Cryptography::Sm];

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn order(subject: Identity, issuer: Identity, role: Role) -> CertificateOrder {
    CertificateOrder {
        common_name: subject.owner().to_owned(),
        profile: Profile {
            role,
            organization: "trade".into(),
            governance_account: None,
        },
        not_before: now(),
        not_after: now() + role.validity(),
        dns_names: if role == Role::Node {
            vec![subject.owner().to_owned()]
        } else {
            vec![]
        },
        request: None,
        reason: IssueReason::First,
        subject,
        issuer,
    }
}

fn key(edition: Cryptography, seed: u64) -> PrivateKey {
    let kind = KeyKind::new(KeyPurpose::Identity, edition);
    PrivateKey::generate(kind, &mut entropy(seed)).unwrap()
}

struct Chain {
    edition: Cryptography,
    chain_key: PrivateKey,
    chain: String,
    agency_key: PrivateKey,
    agency: String,
}

fn chain_of(edition: Cryptography, seed: u64) -> Chain {
    let (chain_key, agency_key) = (key(edition, seed), key(edition, seed + 1));
    let chain_id = Identity::first_chain_ca(ConsortiumName::new("trade").unwrap());
    let agency_id = Identity::AgencyCa(AgencyName::new("agency-a").unwrap());
    let own = IssuerMaterial {
        key: &chain_key,
        certificate: None,
    };
    let order_of_chain = order(chain_id.clone(), chain_id.clone(), Role::Chain);
    let chain = issue(&order_of_chain, &chain_key.public(), &own, &mut entropy(seed + 2)).unwrap();
    let by_chain = IssuerMaterial {
        key: &chain_key,
        certificate: Some(&chain),
    };
    let order_of_agency = order(agency_id, chain_id, Role::Agency);
    let agency = issue(
        &order_of_agency,
        &agency_key.public(),
        &by_chain,
        &mut entropy(seed + 3),
    )
    .unwrap();
    Chain {
        edition,
        chain_key,
        chain,
        agency_key,
        agency,
    }
}

fn leaf(chain: &Chain, role: Role, seed: u64) -> (PrivateKey, String) {
    let agency = AgencyName::new("agency-a").unwrap();
    let subject = match role {
        Role::Sdk => Identity::Sdk(agency.clone()),
        Role::Admin => Identity::Admin(agency.clone()),
        _ => Identity::Node(NodeName::new("node-0").unwrap()),
    };
    let key = key(chain.edition, seed);
    let issuer = IssuerMaterial {
        key: &chain.agency_key,
        certificate: Some(&chain.agency),
    };
    let order = order(subject, Identity::AgencyCa(agency), role);
    let certificate = issue(&order, &key.public(), &issuer, &mut entropy(seed + 1)).unwrap();
    (key, certificate)
}

#[test]
fn a_chain_is_issued_and_read_back() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 10);
        let (key, node) = leaf(&chain, Role::Node, 20);
        inspect::verify_issued_by(&chain.chain, &chain.chain).unwrap();
        inspect::verify_issued_by(&chain.agency, &chain.chain).unwrap();
        inspect::verify_issued_by(&node, &chain.agency).unwrap();
        let facts = inspect::first(&node).unwrap();
        assert_eq!(facts.role, Some(Role::Node));
        assert_eq!(facts.key(), Some(key.public()));
        assert_eq!(
            (facts.common_name.as_str(), facts.issuer_common_name.as_str()),
            ("node-0", "agency-a")
        );
        assert_eq!(
            (facts.not_before, facts.not_after),
            (now(), now() + Role::Node.validity())
        );
        assert_eq!(facts.dns_names, ["node-0"]);
        assert!(
            !facts.is_ca && facts.holds_at(now()) && !facts.holds_at(facts.not_after + SignedDuration::from_secs(1))
        );
        assert_eq!(facts.fingerprint.len(), 64);
    }
}

#[test]
fn an_authority_says_so_and_a_leaf_does_not_and_usages_follow_the_role() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 30);
        let usages = |pem: &str| {
            let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
            let certificate = block.parse_x509().unwrap();
            let basic = certificate.basic_constraints().unwrap().unwrap().value.clone();
            let usage = *certificate.key_usage().unwrap().unwrap().value;
            let extended = certificate
                .extended_key_usage()
                .unwrap()
                .map(|e| (e.value.server_auth, e.value.client_auth));
            (
                basic.ca,
                basic.path_len_constraint,
                usage.key_cert_sign(),
                usage.digital_signature(),
                extended,
            )
        };
        assert_eq!(usages(&chain.chain), (true, Some(1), true, false, None));
        assert_eq!(usages(&chain.agency), (true, Some(0), true, true, None));
        let (key, id) = (
            key(edition, 37),
            Identity::ClientAuthority(AgencyName::new("agency-a").unwrap()),
        );
        let own = IssuerMaterial {
            key: &key,
            certificate: None,
        };
        let order = order(id.clone(), id, Role::ClientAuthority);
        let clients = issue(&order, &key.public(), &own, &mut entropy(38)).unwrap();
        assert_eq!(usages(&clients), (true, Some(0), true, false, None));
        assert_eq!(
            usages(&leaf(&chain, Role::Node, 31).1),
            (false, None, false, true, Some((true, true)))
        );
        assert_eq!(
            usages(&leaf(&chain, Role::Sdk, 33).1),
            (false, None, false, true, Some((false, true)))
        );
        assert_eq!(
            usages(&leaf(&chain, Role::Admin, 35).1),
            (false, None, false, true, Some((false, true)))
        );
    }
}

#[test]
fn serials_come_from_entropy_and_never_repeat() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 40);
        let serial = |seed| inspect::first(&leaf(&chain, Role::Node, seed).1).unwrap().serial;
        assert_ne!(serial(41), serial(43));
        assert_eq!(serial(41), serial(41), "and nothing but entropy decides them");
        assert_eq!(serial(41).len(), 32, "16 bytes, always of full length");
    }
}

#[test]
fn a_certificate_of_another_chain_is_told_by_name_or_by_signature() {
    for edition in EDITIONS {
        let (ours, theirs) = (chain_of(edition, 50), chain_of(edition, 60));
        let error = inspect::verify_issued_by(&theirs.agency, &ours.chain).unwrap_err();
        assert!(matches!(error, super::InspectError::Signature { issuer, .. } if issuer == "trade"));
        let error = inspect::verify_issued_by(&ours.agency, &ours.agency).unwrap_err();
        assert!(matches!(error, super::InspectError::Issuer { .. }));
        let (_, node) = leaf(&ours, Role::Node, 51);
        assert!(inspect::verify_issued_by(&node, &node).is_err());
    }
}

#[test]
fn an_issuer_whose_certificate_is_of_another_key_is_refused() {
    for edition in EDITIONS {
        let (ours, theirs) = (chain_of(edition, 70), chain_of(edition, 80));
        let issuer = IssuerMaterial {
            key: &theirs.agency_key,
            certificate: Some(&ours.agency),
        };
        let node = Identity::Node(NodeName::new("node-0").unwrap());
        let order = order(
            node,
            Identity::AgencyCa(AgencyName::new("agency-a").unwrap()),
            Role::Node,
        );
        let error = issue(&order, &key(edition, 71).public(), &issuer, &mut entropy(72)).unwrap_err();
        assert_eq!(error, super::IssueError::IssuerKey("agency-ca/agency-a".into()));
    }
}

#[test]
fn rule_1_renewal_keeps_the_key_so_the_node_id_stays() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 90);
        let (key, first) = leaf(&chain, Role::Node, 91);
        let issuer = IssuerMaterial {
            key: &chain.agency_key,
            certificate: Some(&chain.agency),
        };
        let mut order = order(
            Identity::Node(NodeName::new("node-0").unwrap()),
            Identity::AgencyCa(AgencyName::new("agency-a").unwrap()),
            Role::Node,
        );
        order.not_before = now() + SignedDuration::from_hours(5000);
        order.not_after = order.not_before + Role::Node.validity();
        order.reason = IssueReason::Renewal;
        let second = issue(&order, &key.public(), &issuer, &mut entropy(99)).unwrap();
        let (first, second) = (inspect::first(&first).unwrap(), inspect::first(&second).unwrap());
        assert_eq!(first.public_key, second.public_key);
        assert_ne!(first.serial, second.serial);
    }
}

#[test]
fn leaves_renew_at_two_thirds_of_their_life_and_authorities_earlier() {
    for edition in EDITIONS {
        let facts = |is_ca| CertificateFacts {
            is_ca,
            ..inspect::first(&leaf(&chain_of(edition, 100), Role::Node, 101).1).unwrap()
        };
        let life = Role::Node.validity().as_secs();
        let wait = |is_ca, seed| renewal::moment(&facts(is_ca), seed).as_second() - now().as_second();
        assert_eq!(wait(false, 0), life / 3 * 2);
        assert_eq!(wait(true, 0), life / 2);
        for seed in [1, 77, u64::MAX] {
            assert!(
                (life / 3 * 2..=life / 3 * 2 + life / 24).contains(&wait(false, seed)),
                "jitter is bounded"
            );
        }
        assert!(
            !renewal::is_due(&facts(false), now()) && renewal::is_due(&facts(false), now() + Role::Node.validity())
        );
    }
}

#[test]
fn a_request_carries_the_governance_account_and_its_own_signature() {
    for edition in EDITIONS {
        let key = key(edition, 110);
        let account = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F".parse().unwrap();
        let order = RequestOrder {
            identity: Identity::AgencyCa(AgencyName::new("agency-d").unwrap()),
            common_name: "agency-d".into(),
            organization: "trade".into(),
            governance_account: account,
        };
        let pem = request::make(&order, &key).unwrap();
        let verified = request::verify(&pem).unwrap();
        assert_eq!(
            (verified.common_name.as_str(), verified.governance_account),
            ("agency-d", account)
        );
        assert_eq!(verified.key(), key.public());
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let mut der = block.contents;
        let last = der.len() - 1;
        der[last] ^= 1;
        let forged =
            p256::pkcs8::der::pem::encode_string("CERTIFICATE REQUEST", p256::pkcs8::LineEnding::LF, &der).unwrap();
        assert_eq!(request::verify(&forged), Err(super::RequestError::Signature));
        assert!(
            request::verify(&chain_of(edition, 111).chain).is_err(),
            "a certificate is no request"
        );
    }
}

#[test]
fn an_over_long_request_is_refused_before_it_is_read() {
    let long = "A".repeat(request::REQUEST_BYTES_MAX + 1);
    let refused = request::verify(&long).unwrap_err().to_string();
    assert!(refused.contains("16385 bytes, at most 16384"), "{refused}");
    for bad in [
        "",
        "x",
        "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
    ] {
        assert!(
            matches!(request::verify(bad), Err(super::RequestError::Malformed(_))),
            "{bad}"
        );
    }
}

#[test]
fn an_answered_request_becomes_an_agency_certificate_with_the_account_in_it() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 120);
        let account = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F".parse().unwrap();
        let mut order = order(
            Identity::AgencyCa(AgencyName::new("agency-d").unwrap()),
            Identity::first_chain_ca(ConsortiumName::new("trade").unwrap()),
            Role::Agency,
        );
        order.profile.governance_account = Some(account);
        let issuer = IssuerMaterial {
            key: &chain.chain_key,
            certificate: Some(&chain.chain),
        };
        let pem = issue(&order, &key(edition, 121).public(), &issuer, &mut entropy(122)).unwrap();
        assert_eq!(inspect::first(&pem).unwrap().governance_account, Some(account));
    }
}

#[test]
fn bytes_that_are_no_certificate_end_in_an_error() {
    for bad in [
        "",
        "x",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        &"a".repeat(70_000),
    ] {
        assert!(inspect::first(bad).is_err() && inspect::all(bad).is_err(), "{bad:.20}");
    }
}

#[test]
fn a_node_certificate_serves_and_dials_under_rustls_and_an_sdk_certificate_only_dials() {
    use std::sync::Arc;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::server::WebPkiClientVerifier;

    let der = |pem: &str| {
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        CertificateDer::from(block.contents)
    };
    let chain = chain_of(Cryptography::Standard, 130);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der(&chain.chain)).unwrap();
    let (roots, provider) = (Arc::new(roots), Arc::new(rustls::crypto::ring::default_provider()));
    let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .unwrap();
    let servers = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .unwrap();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now().as_second().cast_unsigned() + 60));
    let between = [der(&chain.agency)];
    let name = ServerName::try_from("node-0").unwrap();
    let (node, sdk) = (
        der(&leaf(&chain, Role::Node, 131).1),
        der(&leaf(&chain, Role::Sdk, 133).1),
    );
    clients.verify_client_cert(&node, &between, at).unwrap();
    clients.verify_client_cert(&sdk, &between, at).unwrap();
    servers.verify_server_cert(&node, &between, &name, &[], at).unwrap();
    assert!(
        servers.verify_server_cert(&sdk, &between, &name, &[], at).is_err(),
        "an sdk certificate serves nobody"
    );
    let foreign = leaf(&chain_of(Cryptography::Standard, 140), Role::Node, 141).1;
    assert!(clients.verify_client_cert(&der(&foreign), &between, at).is_err());
    assert!(
        clients.verify_client_cert(&der(&chain.agency), &[], at).is_err(),
        "an authority is no node"
    );
}
