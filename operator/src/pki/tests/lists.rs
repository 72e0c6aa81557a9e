//! Revocation lists, read by another library than the one that wrote them.

use althing_crypto::verify_signed;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::*;
use crate::pki::issue::IssueError;
use crate::pki::{RevocationOrder, Revoked, revoke};

fn order_of(revoked: Vec<Revoked>) -> RevocationOrder {
    RevocationOrder {
        issuer: Identity::AgencyCa(AgencyName::new("agency-a").unwrap()),
        number: 300,
        this_update: now(),
        next_update: now() + SignedDuration::from_hours(24 * 30),
        revoked,
    }
}

fn revoked(serial: &str, hours: i64) -> Revoked {
    Revoked {
        serial: serial.to_owned(),
        at: now() - SignedDuration::from_hours(hours),
    }
}

fn list(chain: &Chain, revoked: Vec<Revoked>) -> Result<Vec<u8>, IssueError> {
    let issuer = IssuerMaterial {
        key: &chain.agency_key,
        certificate: Some(&chain.agency),
    };
    let pem = revoke(&order_of(revoked), &issuer)?;
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    assert_eq!(block.label, "X509 CRL");
    Ok(block.contents)
}

fn key_of(pem: &str) -> Vec<u8> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    block.parse_x509().unwrap().public_key().raw.to_vec()
}

fn authority_of(list: &CertificateRevocationList<'_>) -> Vec<u8> {
    let found = list.extensions().iter().find_map(|it| match it.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(it) => it.key_identifier.clone(),
        _ => None,
    });
    found.unwrap().0.to_vec()
}

fn subject_key(pem: &str) -> Vec<u8> {
    inspect::authority(pem).unwrap().key_identifier.unwrap()
}

#[test]
fn a_list_names_its_issuer_number_moments_and_serials_and_holds_under_its_issuer_only() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 400);
        let serial = inspect::first(&leaf(&chain, Role::Node, 401).1).unwrap().serial;
        let entries = vec![revoked(&serial, 5), revoked("0A", 3), revoked("a", 4)];
        let der = list(&chain, entries.clone()).unwrap();
        assert_eq!(der, list(&chain, entries).unwrap(), "the same order is the same list");
        verify_signed(&der, &key_of(&chain.agency)).unwrap();
        assert!(verify_signed(&der, &key_of(&chain.chain)).is_err());
        let (_, read) = CertificateRevocationList::from_der(&der).unwrap();
        let agency = x509_parser::pem::parse_x509_pem(chain.agency.as_bytes()).unwrap().1;
        assert_eq!(read.issuer().as_raw(), agency.parse_x509().unwrap().subject().as_raw());
        assert_eq!(
            authority_of(&read),
            subject_key(&chain.agency),
            "readers look for it by its issuer's key"
        );
        assert_eq!(read.crl_number().map(ToString::to_string), Some("300".to_owned()));
        assert_eq!(read.last_update().timestamp(), now().as_second());
        assert_eq!(
            read.next_update().map(|at| at.timestamp()),
            Some(now().as_second() + 30 * 24 * 3600)
        );
        let found: Vec<_> = read
            .iter_revoked_certificates()
            .map(|entry| (entry.serial().to_str_radix(16), entry.revocation_date.timestamp()))
            .collect();
        let at = |hours: i64| now().as_second() - hours * 3600;
        assert_eq!(found.len(), 2, "a serial that is named twice stands once");
        assert!(found.contains(&(serial.clone(), at(5))));
        assert!(
            found.contains(&("a".to_owned(), at(4))),
            "with its earlier moment: {found:?}"
        );
    }
}

#[test]
fn a_list_that_revokes_nothing_is_a_list() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 410);
        let der = list(&chain, vec![]).unwrap();
        verify_signed(&der, &key_of(&chain.agency)).unwrap();
        let (_, read) = CertificateRevocationList::from_der(&der).unwrap();
        assert_eq!(read.iter_revoked_certificates().count(), 0);
    }
}

#[test]
fn a_list_over_what_is_no_serial_or_by_another_key_is_refused() {
    for edition in EDITIONS {
        let chain = chain_of(edition, 420);
        for serial in ["", "0", "no hex", "0x10", "-1", &"7f".repeat(21)] {
            let error = list(&chain, vec![revoked(serial, 1)]).unwrap_err();
            assert!(matches!(error, IssueError::Encoding { .. }), "{serial:?}: {error}");
        }
        let issuer = IssuerMaterial {
            key: &chain.chain_key,
            certificate: Some(&chain.agency),
        };
        let error = revoke(&order_of(vec![]), &issuer).unwrap_err();
        assert_eq!(error, IssueError::IssuerKey("agency-ca/agency-a".into()));
        let mut backwards = order_of(vec![]);
        backwards.next_update = backwards.this_update;
        let issuer = IssuerMaterial {
            key: &chain.agency_key,
            certificate: Some(&chain.agency),
        };
        assert!(matches!(revoke(&backwards, &issuer), Err(IssueError::Validity { .. })));
    }
}
