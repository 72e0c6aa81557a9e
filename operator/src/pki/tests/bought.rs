//! A chain certificate that was bought from a commercial SM authority: it has an intermediate above it, names SM2 in the other form and
//! writes NULL where nothing is to be said.

use p256::ecdsa::signature::{Keypair, Signer};
use x509_cert::SubjectPublicKeyInfo;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, EncodePem};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier};
use x509_cert::time::Validity;

use super::*;
use crate::pki::signer::{CertificateSigner, DerSignature, VerifyingKey};
use crate::pki::x509::{CertificateContents, Contents, key_identifier, moment, name};

/// Made by OpenSSL 3.0: root, intermediate, and the chain certificate under it, with its key.
const ROOT: &str = include_str!("../../../../node/crypto/tests/testdata/sm-authority/root.crt");
const INTERMEDIATE: &str = include_str!("../../../../node/crypto/tests/testdata/sm-authority/intermediate.crt");
const CHAIN: &str = include_str!("../../../../node/crypto/tests/testdata/sm-authority/chain.crt");
const KEY: &str = include_str!("../../../../node/crypto/tests/testdata/sm-authority/chain.key");
const SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// Signs as an authority does that writes NULL parameters.
struct WithNull(CertificateSigner);

impl Signer<DerSignature> for WithNull {
    fn try_sign(&self, message: &[u8]) -> Result<DerSignature, p256::ecdsa::signature::Error> {
        self.0.try_sign(message)
    }
}

impl Keypair for WithNull {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying_key()
    }
}

impl DynSignatureAlgorithmIdentifier for WithNull {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        let mut algorithm = self.0.signature_algorithm_identifier()?;
        algorithm.parameters = Some(Any::null());
        Ok(algorithm)
    }
}

/// A chain certificate over `key` by `above`, which has the same name, in the forms of such an authority.
fn sold(key: &PrivateKey, above: &PrivateKey) -> String {
    let order = order(
        Identity::first_chain_ca(ConsortiumName::new("trade").unwrap()),
        Identity::first_chain_ca(ConsortiumName::new("trade").unwrap()),
        Role::Chain,
    );
    let mut over = SubjectPublicKeyInfo::from_key(&VerifyingKey::of(&key.public()).unwrap()).unwrap();
    over.algorithm.oid = SM2;
    over.algorithm.parameters = Some(Any::encode_from(&SM2).unwrap());
    let contents = CertificateContents {
        subject: name(&order.profile, &order.common_name).unwrap(),
        issuer: Some((
            name(&order.profile, &order.common_name).unwrap(),
            key_identifier(x509_cert::der::referenced::OwnedToRef::owned_to_ref(&over)).unwrap(),
        )),
        contents: Contents {
            profile: &order.profile,
            dns_names: &[],
        },
    };
    let validity = Validity::new(moment(order.not_before).unwrap(), moment(order.not_after).unwrap());
    let serial = SerialNumber::new(&[9; 16]).unwrap();
    let builder = CertificateBuilder::new(contents, serial, validity, over).unwrap();
    let made = builder
        .build::<_, DerSignature>(&WithNull(above.signer().unwrap()))
        .unwrap();
    made.to_pem(x509_cert::der::pem::LineEnding::LF).unwrap()
}

/// An agency under a chain certificate, and a node under it.
fn below(chain_key: &PrivateKey, chain: &str) -> (String, String) {
    let agency_key = key(Cryptography::Sm, 500);
    let agency = Identity::AgencyCa(AgencyName::new("agency-a").unwrap());
    let by_chain = IssuerMaterial {
        key: chain_key,
        certificate: Some(chain),
    };
    let order_of_agency = order(
        agency.clone(),
        Identity::first_chain_ca(ConsortiumName::new("trade").unwrap()),
        Role::Agency,
    );
    let certificate = issue(&order_of_agency, &agency_key.public(), &by_chain, &mut entropy(501)).unwrap();
    let by_agency = IssuerMaterial {
        key: &agency_key,
        certificate: Some(&certificate),
    };
    let order_of_node = order(Identity::Node(NodeName::new("node-0").unwrap()), agency, Role::Node);
    let subject = key(Cryptography::Sm, 502).public();
    let node = issue(&order_of_node, &subject, &by_agency, &mut entropy(503)).unwrap();
    (certificate, node)
}

#[test]
fn agencies_and_nodes_stand_under_a_chain_certificate_that_openssl_issued() {
    inspect::verify_issued_by(INTERMEDIATE, ROOT).unwrap();
    inspect::verify_issued_by(CHAIN, INTERMEDIATE).unwrap();
    let facts = inspect::first(CHAIN).unwrap();
    let chain_key = PrivateKey::from_pem(KeyPurpose::Identity, KEY).unwrap();
    assert_eq!(facts.key(), Some(chain_key.public()));
    assert!(facts.is_ca);
    let (agency, node) = below(&chain_key, CHAIN);
    inspect::verify_issued_by(&agency, CHAIN).unwrap();
    inspect::verify_issued_by(&node, &agency).unwrap();
    assert!(inspect::verify_issued_by(&agency, INTERMEDIATE).is_err());
}

#[test]
fn a_file_with_the_intermediates_behind_the_chain_certificate_is_read_by_its_first() {
    let bundle = [CHAIN, INTERMEDIATE, ROOT].concat();
    assert_eq!(inspect::first(&bundle), inspect::first(CHAIN));
    assert_eq!(inspect::all(&bundle).unwrap().len(), 3);
    let chain_key = PrivateKey::from_pem(KeyPurpose::Identity, KEY).unwrap();
    let (agency, _) = below(&chain_key, &bundle);
    inspect::verify_issued_by(&agency, &bundle).unwrap();
    inspect::verify_issued_by(&bundle, INTERMEDIATE).unwrap();
}

#[test]
fn null_parameters_and_the_other_form_of_the_key_are_no_hindrance() {
    let (above, chain_key) = (key(Cryptography::Sm, 510), key(Cryptography::Sm, 511));
    let intermediate = sold(&above, &above);
    let chain = sold(&chain_key, &above);
    let (_, block) = x509_parser::pem::parse_x509_pem(chain.as_bytes()).unwrap();
    let null = [0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75, 0x05, 0x00];
    assert!(
        block.contents.windows(null.len()).any(|bytes| bytes == null),
        "it has NULL parameters"
    );
    let facts = inspect::first(&chain).unwrap();
    assert_eq!(facts.key(), Some(chain_key.public()));
    inspect::verify_issued_by(&chain, &intermediate).unwrap();
    let (agency, node) = below(&chain_key, &chain);
    inspect::verify_issued_by(&agency, &chain).unwrap();
    inspect::verify_issued_by(&node, &agency).unwrap();
}

#[test]
fn a_key_in_the_other_form_is_read() {
    let key = PrivateKey::from_pem(KeyPurpose::Identity, KEY).unwrap();
    let (_, block) = x509_parser::pem::parse_x509_pem(KEY.as_bytes()).unwrap();
    let mut parts = Vec::<Any>::from_der(&block.contents).unwrap();
    let algorithm = AlgorithmIdentifierOwned {
        oid: SM2,
        parameters: Some(Any::encode_from(&SM2).unwrap()),
    };
    parts[1] = Any::encode_from(&algorithm).unwrap();
    let der = parts.to_der().unwrap();
    let pem = p256::pkcs8::der::pem::encode_string("PRIVATE KEY", p256::pkcs8::LineEnding::LF, &der).unwrap();
    let read = PrivateKey::from_pem(KeyPurpose::Identity, &pem).unwrap();
    assert_eq!(read.public(), key.public());
}
