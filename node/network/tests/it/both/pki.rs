//! Certificates as an operator issues them, in either edition: chain, agency, node; and as nobody should.
//!
//! They are put together in DER here, since what a test has to break, no issuer would write.

#![allow(dead_code, reason = "not every test that issues certificates needs all of it")]

use std::sync::Arc;

use althing_crypto::{Curve, SM2_ID, SmSuite, StandardSuite, Suite};
use althing_network::{PemText, TlsEdition};
use althing_types::NodeId;
use althing_types::genesis::Cryptography;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use rustls::crypto::CryptoProvider;
use time::{Duration, OffsetDateTime};

use super::edition;

/// An edition, as tests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    Standard,
    Sm,
}

impl Edition {
    /// The edition that the last part of a path names.
    pub(crate) fn named(path: &str) -> Self {
        match path.rsplit("::").next() {
            Some("standard") => Self::Standard,
            Some("sm") => Self::Sm,
            other => panic!("{other:?} is no edition"),
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Standard => Self::Sm,
            Self::Sm => Self::Standard,
        }
    }

    pub(crate) const fn curve(self) -> Curve {
        match self {
            Self::Standard => Curve::P256,
            Self::Sm => Curve::Sm2,
        }
    }

    pub(crate) fn tls(self) -> TlsEdition {
        match self {
            Self::Standard => TlsEdition::standard(),
            Self::Sm => TlsEdition::sm(),
        }
    }

    pub(crate) fn provider(self) -> CryptoProvider {
        match self {
            Self::Standard => rustls::crypto::ring::default_provider(),
            Self::Sm => althing_sm_tls::provider(),
        }
    }

    pub(crate) const fn cryptography(self) -> Cryptography {
        match self {
            Self::Standard => Cryptography::Standard,
            Self::Sm => Cryptography::Sm,
        }
    }

    pub(crate) fn suite(self) -> Arc<dyn Suite> {
        match self {
            Self::Standard => Arc::new(StandardSuite),
            Self::Sm => Arc::new(SmSuite),
        }
    }
}

/// An identity's private key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    curve: Curve,
    secret: [u8; 32],
}

/// A new key of the edition under test.
pub(crate) fn key() -> Key {
    Key::on(edition().curve())
}

pub(crate) fn node_id(key: &Key) -> NodeId {
    NodeId::new(key.point()[1..].try_into().unwrap())
}

impl Key {
    /// A new key.
    pub(crate) fn on(curve: Curve) -> Self {
        let mut secret = rand::random::<[u8; 32]>();
        // Below the order of either curve.
        secret[0] >>= 1;
        Self { curve, secret }
    }

    /// 04 and X‖Y.
    pub(crate) fn point(&self) -> Vec<u8> {
        match self.curve {
            Curve::P256 => self.p256().public_key().to_sec1_bytes().to_vec(),
            Curve::Sm2 => self.sm2().public_key().to_sec1_bytes().to_vec(),
        }
    }

    pub(crate) fn serialize_pem(&self) -> String {
        let pem = match self.curve {
            Curve::P256 => self.p256().to_pkcs8_pem(LineEnding::LF).unwrap(),
            Curve::Sm2 => self.sm2().to_pkcs8_pem(LineEnding::LF).unwrap(),
        };
        pem.to_string()
    }

    /// A signature as certificates have it.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_under(SM2_ID, message)
    }

    /// A signature under an identifier, where the curve has one.
    pub(crate) fn sign_under(&self, identifier: &str, message: &[u8]) -> Vec<u8> {
        match self.curve {
            Curve::P256 => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(self.p256()).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Curve::Sm2 => {
                let key = sm2::dsa::SigningKey::new(identifier, &self.sm2()).unwrap();
                let signature: sm2::dsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
        }
    }

    fn p256(&self) -> p256::SecretKey {
        p256::SecretKey::from_slice(&self.secret).unwrap()
    }

    fn sm2(&self) -> sm2::SecretKey {
        sm2::SecretKey::from_slice(&self.secret).unwrap()
    }

    const fn curve_oid(&self) -> &'static [u8] {
        match self.curve {
            Curve::P256 => P256_CURVE,
            Curve::Sm2 => SM2_CURVE,
        }
    }

    /// SubjectPublicKeyInfo, in the form of both editions.
    pub(crate) fn spki(&self) -> Vec<u8> {
        spki(&[EC_KEY, self.curve_oid()], &self.point())
    }

    const fn algorithm(&self) -> &'static [u8] {
        match self.curve {
            Curve::P256 => ECDSA_WITH_SHA256,
            Curve::Sm2 => SM2_WITH_SM3,
        }
    }
}

// Object identifiers, as DER has them.
const EC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256_CURVE: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384_CURVE: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x22];
pub(crate) const SM2_CURVE: &[u8] = &[6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d];
const ECDSA_WITH_SHA256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SM2_WITH_SM3: &[u8] = &[6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75];
const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
const ORGANIZATIONAL_UNIT: &[u8] = &[6, 3, 0x55, 4, 11];
const BASIC_CONSTRAINTS: &[u8] = &[6, 3, 0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[6, 3, 0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[6, 3, 0x55, 0x1d, 0x25];
const ALTERNATIVE_NAME: &[u8] = &[6, 3, 0x55, 0x1d, 0x11];
const TRUE: &[u8] = &[1, 1, 0xff];
const NULL: &[u8] = &[5, 0];

/// A public key of another kind than any edition's: one on P-384.
pub(crate) fn foreign_spki() -> Vec<u8> {
    spki(&[EC_KEY, P384_CURVE], &[4; 97])
}

pub(crate) fn spki(algorithm: &[&[u8]], point: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x30, algorithm), &tlv(3, &[&[0], point])])
}

pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut head = vec![tag];
    match length {
        0..128 => head.push(length as u8),
        128..256 => head.extend([0x81, length as u8]),
        _ => head.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    [head, content].concat()
}

fn integer(magnitude: &[u8]) -> Vec<u8> {
    let significant = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    let sign: &[u8] = match magnitude.get(significant) {
        Some(0..128) => &[],
        _ => &[0],
    };
    tlv(2, &[sign, &magnitude[significant..]])
}

fn moment(at: OffsetDateTime) -> Vec<u8> {
    let (year, rest) = (
        at.year(),
        format!(
            "{:02}{:02}{:02}{:02}{:02}Z",
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        ),
    );
    match year {
        ..2050 => tlv(0x17, &[format!("{:02}{rest}", year % 100).as_bytes()]),
        _ => tlv(0x18, &[format!("{year}{rest}").as_bytes()]),
    }
}

/// What a key may be used for, as the bits of `keyUsage`.
pub(crate) mod usage {
    pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
    pub(crate) const KEY_AGREEMENT: u8 = 0x08;
    pub(crate) const CERTIFICATES: u8 = 0x04;
    pub(crate) const LISTS: u8 = 0x02;
}

/// What a key may be used for, as `extendedKeyUsage` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extended {
    ServerAuth = 1,
    ClientAuth = 2,
    EmailProtection = 4,
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    pub(crate) common_name: String,
    pub(crate) unit: Option<String>,
    pub(crate) dns_names: Vec<String>,
    pub(crate) serial_number: Vec<u8>,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) is_ca: bool,
    /// None at all, where it is 0.
    pub(crate) key_usages: u8,
    pub(crate) extended_key_usages: Vec<Extended>,
    /// The public key, where it is not that of the key it is issued for.
    pub(crate) spki: Option<Vec<u8>>,
    /// Whether the signature's algorithm has parameters that say nothing.
    pub(crate) has_null: bool,
    /// What becomes of the issuer's signature.
    pub(crate) signature: fn(&mut Vec<u8>),
}

impl Params {
    fn new(name: &str) -> Self {
        let mut serial_number = rand::random::<[u8; 16]>().to_vec();
        serial_number[0] = 0x51;
        Self {
            common_name: name.to_owned(),
            unit: None,
            dns_names: Vec::new(),
            serial_number,
            not_before: OffsetDateTime::now_utc() - Duration::hours(1),
            not_after: OffsetDateTime::now_utc() + Duration::days(30),
            is_ca: false,
            key_usages: usage::DIGITAL_SIGNATURE,
            extended_key_usages: vec![Extended::ServerAuth, Extended::ClientAuth],
            spki: None,
            has_null: false,
            signature: |_| {},
        }
    }

    fn name(&self) -> Vec<u8> {
        let part = |kind: &[u8], text: &str| tlv(0x31, &[&tlv(0x30, &[kind, &tlv(0x0c, &[text.as_bytes()])])]);
        let unit = self.unit.iter().map(|unit| part(ORGANIZATIONAL_UNIT, unit));
        let parts: Vec<u8> = unit.chain([part(COMMON_NAME, &self.common_name)]).flatten().collect();
        tlv(0x30, &[&parts])
    }

    fn extensions(&self) -> Vec<u8> {
        let extension = |kind: &[u8], is_critical: bool, value: &[u8]| {
            let critical = if is_critical { TRUE } else { &[] };
            tlv(0x30, &[kind, critical, &tlv(4, &[value])])
        };
        let constraints = if self.is_ca { TRUE } else { &[] };
        let mut all = vec![extension(BASIC_CONSTRAINTS, true, &tlv(0x30, &[constraints]))];
        if self.key_usages != 0 {
            let bits = [self.key_usages.trailing_zeros() as u8, self.key_usages];
            all.push(extension(KEY_USAGE, true, &tlv(3, &[&bits])));
        }
        if !self.extended_key_usages.is_empty() {
            let kinds = self.extended_key_usages.iter();
            let kinds: Vec<u8> = kinds
                .flat_map(|kind| [6, 8, 0x2b, 6, 1, 5, 5, 7, 3, *kind as u8])
                .collect();
            all.push(extension(EXTENDED_KEY_USAGE, false, &tlv(0x30, &[&kinds])));
        }
        if !self.dns_names.is_empty() {
            let names = self.dns_names.iter();
            let names: Vec<u8> = names.flat_map(|name| tlv(0x82, &[name.as_bytes()])).collect();
            all.push(extension(ALTERNATIVE_NAME, false, &tlv(0x30, &[&names])));
        }
        tlv(0xa3, &[&tlv(0x30, &[&all.concat()])])
    }

    /// The certificate over this key, by an issuer of this name and key.
    fn signed(&self, key: &Key, issuer_name: &[u8], issuer: &Key) -> String {
        let parameters = if self.has_null { NULL } else { &[] };
        let algorithm = tlv(0x30, &[issuer.algorithm(), parameters]);
        let spki = self.spki.clone().unwrap_or_else(|| key.spki());
        let body = tlv(
            0x30,
            &[
                &tlv(0xa0, &[&[2, 1, 2]]),
                &integer(&self.serial_number),
                &algorithm,
                issuer_name,
                &tlv(0x30, &[&moment(self.not_before), &moment(self.not_after)]),
                &self.name(),
                &spki,
                &self.extensions(),
            ],
        );
        let mut signature = issuer.sign(&body);
        (self.signature)(&mut signature);
        let certificate = tlv(0x30, &[&body, &algorithm, &tlv(3, &[&[0], &signature])]);
        p256::pkcs8::der::pem::encode_string("CERTIFICATE", LineEnding::LF, &certificate).unwrap()
    }
}

fn authority_params(name: &str) -> Params {
    Params {
        is_ca: true,
        key_usages: usage::CERTIFICATES | usage::LISTS,
        extended_key_usages: Vec::new(),
        ..Params::new(name)
    }
}

pub(crate) fn node_params(name: &str) -> Params {
    Params::new(name)
}

pub(crate) fn self_signed(params: &Params, key: &Key) -> String {
    params.signed(key, &params.name(), key)
}

/// An authority: a chain certificate, or an agency's under it.
pub(crate) struct Authority {
    name: Vec<u8>,
    pub(crate) key: Key,
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

/// A chain certificate.
pub(crate) fn chain(name: &str) -> Authority {
    chain_of(edition(), name)
}

/// A chain certificate of an edition.
pub(crate) fn chain_of(edition: Edition, name: &str) -> Authority {
    chain_over(name, Key::on(edition.curve()))
}

/// A chain certificate over this key.
pub(crate) fn chain_over(name: &str, key: Key) -> Authority {
    let params = authority_params(name);
    Authority {
        name: params.name(),
        pem: self_signed(&params, &key),
        key,
        above: String::new(),
    }
}

impl Authority {
    pub(crate) fn agency(&self, name: &str) -> Self {
        self.agency_with(name, |_| {})
    }

    pub(crate) fn agency_with(&self, name: &str, change: impl FnOnce(&mut Params)) -> Self {
        self.agency_for(name, Key::on(self.key.curve), change)
    }

    /// An agency with this key.
    pub(crate) fn agency_for(&self, name: &str, key: Key, change: impl FnOnce(&mut Params)) -> Self {
        let mut params = authority_params(name);
        change(&mut params);
        let pem = params.signed(&key, &self.name, &self.key);
        Self {
            name: params.name(),
            key,
            above: format!("{pem}{}", self.above),
            pem,
        }
    }

    pub(crate) fn node(&self, name: &str) -> NodeFiles {
        self.node_with(name, |_| {})
    }

    pub(crate) fn node_with(&self, name: &str, change: impl FnOnce(&mut Params)) -> NodeFiles {
        self.issue(name, &Key::on(self.key.curve), change)
    }

    /// A certificate for this key.
    pub(crate) fn issue(&self, name: &str, key: &Key, change: impl FnOnce(&mut Params)) -> NodeFiles {
        let mut params = node_params(name);
        change(&mut params);
        let leaf = params.signed(key, &self.name, &self.key);
        NodeFiles {
            certificate: format!("{leaf}{}", self.above),
            key: key.serialize_pem(),
            node_id: node_id(key),
        }
    }

    /// A chain certificate once more, over the same key and under its name.
    pub(crate) fn renewed(&self, name: &str, change: impl FnOnce(&mut Params)) -> PemText {
        let mut params = authority_params(name);
        change(&mut params);
        PemText::new("ca.crt", self_signed(&params, &self.key))
    }

    pub(crate) fn root(&self) -> PemText {
        PemText::new("ca.crt", self.pem.clone())
    }
}

pub(crate) fn serial(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

pub(crate) fn days(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(days)
}
