//! The standard edition's certificates are byte for byte those that were made with rcgen before: same key, order and entropy, same PEM.

use super::*;

const CHAIN: &str = include_str!("../testdata/rcgen/chain.crt");
const AGENCY: &str = include_str!("../testdata/rcgen/agency.crt");
const CHAIN_KEY: &str = include_str!("../testdata/rcgen/chain.key");
const AGENCY_KEY: &str = include_str!("../testdata/rcgen/agency.key");
const ACCOUNT: &str = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F";

fn with_account() -> CertificateOrder {
    let mut order = order(
        Identity::AgencyCa(AgencyName::new("agency-d").unwrap()),
        Identity::first_chain_ca(ConsortiumName::new("trade").unwrap()),
        Role::Agency,
    );
    order.profile.governance_account = Some(ACCOUNT.parse().unwrap());
    // From 2050 on dates are written in another form.
    order.not_after = "2051-01-01T00:00:00Z".parse().unwrap();
    order
}

#[test]
fn certificates_are_what_they_were() {
    let chain = chain_of(Cryptography::Standard, 200);
    assert_eq!(chain.chain, CHAIN);
    assert_eq!(chain.agency, AGENCY);
    assert_eq!(
        (chain.chain_key.to_pem().as_str(), chain.agency_key.to_pem().as_str()),
        (CHAIN_KEY, AGENCY_KEY)
    );
    for (role, seed, before) in [
        (Role::Node, 210, include_str!("../testdata/rcgen/node.crt")),
        (Role::Sdk, 212, include_str!("../testdata/rcgen/sdk.crt")),
        (Role::Admin, 214, include_str!("../testdata/rcgen/admin.crt")),
    ] {
        assert_eq!(leaf(&chain, role, seed).1, before, "{role:?}");
    }
    let issuer = IssuerMaterial {
        key: &chain.chain_key,
        certificate: Some(&chain.chain),
    };
    let subject = key(Cryptography::Standard, 220).public();
    let made = issue(&with_account(), &subject, &issuer, &mut entropy(221)).unwrap();
    assert_eq!(made, include_str!("../testdata/rcgen/agency-with-account.crt"));
}

#[test]
fn a_request_says_what_it_said() {
    let order = RequestOrder {
        identity: Identity::AgencyCa(AgencyName::new("agency-d").unwrap()),
        common_name: "agency-d".into(),
        organization: "trade".into(),
        governance_account: ACCOUNT.parse().unwrap(),
    };
    let made = request::make(&order, &key(Cryptography::Standard, 220)).unwrap();
    assert_eq!(made, include_str!("../testdata/rcgen/agency.csr"));
}

#[test]
fn what_rcgen_issued_is_renewed_under_what_rcgen_issued() {
    let agency_key = PrivateKey::from_pem(KeyPurpose::Identity, AGENCY_KEY).unwrap();
    let old = inspect::first(include_str!("../testdata/rcgen/node.crt")).unwrap();
    let mut order = order(
        Identity::Node(NodeName::new("node-0").unwrap()),
        Identity::AgencyCa(AgencyName::new("agency-a").unwrap()),
        Role::Node,
    );
    order.not_before = now() + SignedDuration::from_hours(5000);
    order.not_after = order.not_before + Role::Node.validity();
    let issuer = IssuerMaterial {
        key: &agency_key,
        certificate: Some(AGENCY),
    };
    let renewed = issue(&order, &old.key().unwrap(), &issuer, &mut entropy(230)).unwrap();
    inspect::verify_issued_by(&renewed, AGENCY).unwrap();
    let authority = |pem: &str| {
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let certificate = block.parse_x509().unwrap();
        let found = certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
            x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(it) => it.key_identifier.clone(),
            _ => None,
        });
        found.unwrap().0.to_vec()
    };
    assert_eq!(
        authority(&renewed),
        authority(include_str!("../testdata/rcgen/node.crt"))
    );
    let new = inspect::first(&renewed).unwrap();
    assert_eq!(new.key(), old.key());
    assert_ne!(new.serial, old.serial);
}
