//! A consortium whose agency has signed what it gives away, for tests.

use althing_crds::v1alpha1::{Attestation, ExternalAgency, ExternalNode, GenesisAttestation};
use althing_operator::controller::attestation::Statement;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::pki::{PrivateKey, signature};
use althing_operator::plan::KeyPurpose;

use crate::kubernetes::testing::whole;

/// A giver: what it has, and the key that signs.
pub(super) struct Signed {
    pub(super) manifests: NamespaceManifests,
    pub(super) certificate: String,
    key: rcgen::KeyPair,
}

/// The agency has signed itself, its nodes and its group.
pub(super) fn certified() -> Signed {
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem().replace("\r\n", "\n");
    let mut manifests = whole().0.manifests;
    for agency in manifests.agencies.values_mut() {
        let status = agency.status.as_mut().unwrap();
        status.certificate = Some(certificate.clone());
        status.governance_account = Some(format!("0x{}", "Ab".repeat(20)));
    }
    for (name, node) in &mut manifests.nodes {
        node.status.as_mut().unwrap().address = Some(format!("{name}-p2p.trade.svc:30300"));
    }
    let mut signed = Signed {
        manifests,
        certificate,
        key,
    };
    signed.sign(1);
    signed
}

impl Signed {
    /// Signs everything as it is, with this sequence.
    pub(super) fn sign(&mut self, sequence: i64) {
        let signer = PrivateKey::from_pem(KeyPurpose::Identity, &self.key.serialize_pem()).unwrap();
        let sign = |statement: &Statement<'_>| {
            let message = statement.unsigned(sequence).message;
            let signature = signature::sign(&signer, &message).unwrap();
            Attestation {
                sequence,
                signature: alloy_primitives::hex::encode(signature),
            }
        };
        for (name, agency) in &mut self.manifests.agencies {
            let status = agency.status.as_mut().unwrap();
            let external = ExternalAgency {
                certificate: status.certificate.clone(),
                certificate_signing_request: None,
                governance_account: status.governance_account.clone(),
                attestation: None,
                trust: None,
                genesis: vec![],
                wishes: vec![],
            };
            let statement = Statement::agency(name.as_str(), &agency.spec.consortium, &external);
            status.attestation = Some(sign(&statement));
        }
        for (name, node) in &mut self.manifests.nodes {
            let status = node.status.as_mut().unwrap();
            let external = ExternalNode {
                node_id: status.node_id.clone(),
                address: status.address.clone(),
                certificate: None,
                attestation: None,
            };
            status.attestation = Some(sign(&Statement::node(name.as_str(), &node.spec.agency, &external)));
        }
        for (name, group) in &mut self.manifests.groups {
            let status = group.status.as_mut().unwrap();
            let statement = Statement::genesis(name.as_str(), status.genesis_hash.as_deref().unwrap());
            status.attestations = vec![GenesisAttestation {
                agency: "agency-a".to_owned(),
                attestation: sign(&statement),
            }];
        }
    }
}
