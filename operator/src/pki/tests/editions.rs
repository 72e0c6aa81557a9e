//! One chain is of one edition, whatever somebody tries.

use althing_crypto::SignedError;
use x509_cert::SubjectPublicKeyInfo;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::der::{Decode, EncodePem};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

use super::*;
use crate::pki::issue::IssueError;
use crate::pki::signer::{DerSignature, VerifyingKey};
use crate::pki::x509::{CertificateContents, Contents, key_identifier, moment, name};
use crate::pki::{InspectError, RequestError};

fn other(edition: Cryptography) -> Cryptography {
    match edition {
        Cryptography::Standard => Cryptography::Sm,
        Cryptography::Sm => Cryptography::Standard,
    }
}

fn node_order() -> CertificateOrder {
    order(
        Identity::Node(NodeName::new("node-0").unwrap()),
        Identity::AgencyCa(AgencyName::new("agency-a").unwrap()),
        Role::Node,
    )
}

#[test]
fn a_certificate_says_of_which_edition_its_key_is() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 300);
        let facts = inspect::first(&chain.agency).unwrap();
        assert_eq!(facts.cryptography, Some(edition));
        assert_eq!(facts.key(), Some(chain.agency_key.public()));
    }
}

#[test]
fn a_key_of_the_other_edition_is_not_certified_and_the_refusal_says_what_would_be() {
    let chain = chain_of(Cryptography::Sm, 310);
    let issuer = IssuerMaterial {
        key: &chain.agency_key,
        certificate: Some(&chain.agency),
    };
    let subject = key(Cryptography::Standard, 311).public();
    let error = issue(&node_order(), &subject, &issuer, &mut entropy(312)).unwrap_err();
    assert!(matches!(error, IssueError::Edition { .. }));
    let text = error.to_string();
    for part in [
        "node/node-0",
        "agency-ca/agency-a",
        "a P-256 key",
        "accepted: an SM2 key",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn an_account_neither_signs_nor_is_certified() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 320);
        let kind = KeyKind::new(KeyPurpose::Account, edition);
        let account = PrivateKey::generate(kind, &mut entropy(321)).unwrap();
        let by_agency = IssuerMaterial {
            key: &chain.agency_key,
            certificate: Some(&chain.agency),
        };
        let error = issue(&node_order(), &account.public(), &by_agency, &mut entropy(322)).unwrap_err();
        assert_eq!(error, IssueError::Account("node/node-0".into()));
        let by_account = IssuerMaterial {
            key: &account,
            certificate: Some(&chain.agency),
        };
        let subject = key(edition, 323).public();
        let error = issue(&node_order(), &subject, &by_account, &mut entropy(322)).unwrap_err();
        assert_eq!(error, IssueError::Account("agency-ca/agency-a".into()));
        assert!(matches!(
            request::make(
                &RequestOrder {
                    identity: Identity::AgencyCa(AgencyName::new("agency-d").unwrap()),
                    common_name: "agency-d".into(),
                    organization: "trade".into(),
                    governance_account: althing_types::Address::ZERO,
                },
                &account
            ),
            Err(RequestError::Make(_))
        ));
    }
}

/// A leaf over any key under an agency, by the builder itself: our issuer would refuse it.
fn forged(chain: &Chain, subject: &PrivateKey) -> String {
    let order = node_order();
    let (_, agency) = x509_parser::pem::parse_x509_pem(chain.agency.as_bytes()).unwrap();
    let agency = agency.parse_x509().unwrap();
    let key = |key: &PrivateKey| SubjectPublicKeyInfo::from_key(&VerifyingKey::of(&key.public()).unwrap()).unwrap();
    let own = key(&chain.agency_key);
    let contents = CertificateContents {
        subject: name(&order.profile, &order.common_name).unwrap(),
        issuer: Some((
            Name::from_der(agency.subject().as_raw()).unwrap(),
            key_identifier(x509_cert::der::referenced::OwnedToRef::owned_to_ref(&own)).unwrap(),
        )),
        contents: Contents {
            profile: &order.profile,
            dns_names: &order.dns_names,
        },
    };
    let validity = Validity::new(moment(order.not_before).unwrap(), moment(order.not_after).unwrap());
    let serial = SerialNumber::new(&[7; 16]).unwrap();
    let builder = CertificateBuilder::new(contents, serial, validity, key(subject)).unwrap();
    let signer = chain.agency_key.signer().unwrap();
    let made = builder.build::<_, DerSignature>(&signer).unwrap();
    made.to_pem(x509_cert::der::pem::LineEnding::LF).unwrap()
}

#[test]
fn a_leaf_of_the_other_edition_is_refused_though_its_agency_signed_it() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 330);
        inspect::verify_issued_by(&forged(&chain, &key(edition, 331)), &chain.agency).unwrap();
        let strange = forged(&chain, &key(other(edition), 331));
        let error = inspect::verify_issued_by(&strange, &chain.agency).unwrap_err();
        assert!(matches!(error, InspectError::Edition { .. }), "{error}");
        let accepted = format!("accepted: {}", KeyKind::new(KeyPurpose::Identity, edition));
        assert!(error.to_string().contains(&accepted), "{error}");
    }
}

#[test]
fn a_damaged_signature_is_refused_and_named_after_its_issuer() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 340);
        let (_, block) = x509_parser::pem::parse_x509_pem(chain.agency.as_bytes()).unwrap();
        let mut der = block.contents;
        *der.last_mut().unwrap() ^= 1;
        let damaged = p256::pkcs8::der::pem::encode_string("CERTIFICATE", p256::pkcs8::LineEnding::LF, &der).unwrap();
        let error = inspect::verify_issued_by(&damaged, &chain.chain).unwrap_err();
        let expected = InspectError::Signature {
            issuer: "trade".into(),
            why: SignedError::Signature,
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn signatures_need_no_randomness_but_what_is_passed_in() {
    for edition in EDITIONS {
        let (one, other) = (chain_of(edition, 350), chain_of(edition, 350));
        assert_eq!((one.chain, one.agency), (other.chain, other.agency));
    }
}

#[test]
fn dates_that_no_certificate_can_carry_are_refused() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 360);
        let issuer = IssuerMaterial {
            key: &chain.agency_key,
            certificate: Some(&chain.agency),
        };
        let subject = key(edition, 361).public();
        for (from, to) in [
            ("2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"),
            ("2026-06-02T00:00:00Z", "2026-06-01T00:00:00Z"),
            ("1960-01-01T00:00:00Z", "2026-06-01T00:00:00Z"),
        ] {
            let mut order = node_order();
            (order.not_before, order.not_after) = (from.parse().unwrap(), to.parse().unwrap());
            let error = issue(&order, &subject, &issuer, &mut entropy(362)).unwrap_err();
            assert!(matches!(error, IssueError::Validity { .. }), "{from} {to}: {error}");
        }
    }
}

#[test]
fn a_name_that_no_certificate_can_carry_is_refused() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 370);
        let issuer = IssuerMaterial {
            key: &chain.agency_key,
            certificate: Some(&chain.agency),
        };
        let mut order = node_order();
        order.dns_names = vec!["näme".to_owned()];
        let error = issue(&order, &key(edition, 371).public(), &issuer, &mut entropy(372)).unwrap_err();
        assert!(matches!(error, IssueError::Encoding { .. }), "{error}");
    }
}
