//! Certificates as an operator issues them: chain, agency, node.

use althing_network::PemText;
use althing_types::NodeId;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// An authority: a chain certificate, or an agency's under it.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    /// What a certificate issued here is followed by in its file.
    above: String,
}

/// The files of one node.
#[derive(Clone)]
pub(crate) struct NodeFiles {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) node_id: NodeId,
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

pub(crate) fn node_id(key: &KeyPair) -> NodeId {
    NodeId::new(key.public_key_raw()[1..].try_into().unwrap())
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn node_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// A chain certificate.
pub(crate) fn chain(name: &str) -> Authority {
    let (params, key) = (authority_params(name), key());
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
        above: String::new(),
    }
}

impl Authority {
    pub(crate) fn agency(&self, name: &str) -> Self {
        self.agency_with(name, |_| {})
    }

    pub(crate) fn agency_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params(name);
        change(&mut params);
        let key = key();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            above: format!("{pem}{}", self.above),
            pem,
        }
    }

    pub(crate) fn node(&self, name: &str) -> NodeFiles {
        self.node_with(name, |_| {})
    }

    pub(crate) fn node_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> NodeFiles {
        self.issue(name, &key(), change)
    }

    /// A certificate for this key.
    pub(crate) fn issue(&self, name: &str, key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> NodeFiles {
        let mut params = node_params(name);
        change(&mut params);
        let leaf = params.signed_by(key, &self.issuer).unwrap().pem();
        let node_id = if key.public_key_raw().len() == 65 {
            node_id(key)
        } else {
            NodeId::new([0; 64])
        };
        NodeFiles {
            certificate: format!("{leaf}{}", self.above),
            key: key.serialize_pem(),
            node_id,
        }
    }

    /// A chain certificate once more, over the same key and under its name.
    pub(crate) fn renewed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> PemText {
        let mut params = authority_params(name);
        change(&mut params);
        PemText::new("ca.crt", params.self_signed(self.issuer.key()).unwrap().pem())
    }

    pub(crate) fn root(&self) -> PemText {
        PemText::new("ca.crt", self.pem.clone())
    }
}

pub(crate) fn serial(bytes: &[u8]) -> Option<SerialNumber> {
    Some(SerialNumber::from_slice(bytes))
}

pub(crate) fn days(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(days)
}
