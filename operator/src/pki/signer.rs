//! Keys as X.509 sees them, in both editions: what signs, and what is signed over.

use althing_types::genesis::Cryptography;
use p256::ecdsa::signature::{Error, Keypair, Signer};
use x509_cert::der::oid::db::rfc5912::ECDSA_WITH_SHA_256;
use x509_cert::der::{self, Document, asn1::BitString};
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SignatureBitStringEncoding,
};

use crate::plan::PublicKey;

/// An identity's key as certificates are signed with it: deterministic (RFC 6979), so that no randomness is needed here.
pub(super) enum CertificateSigner {
    P256(p256::ecdsa::SigningKey),
    Sm2(sm2::dsa::SigningKey),
}

/// A signature as certificates carry it: SEQUENCE { r, s } in DER. The crates' own bit strings differ, that of `sm2` is r‖s.
pub(super) struct DerSignature(Vec<u8>);

impl Signer<DerSignature> for CertificateSigner {
    fn try_sign(&self, message: &[u8]) -> Result<DerSignature, Error> {
        let der = match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message)?;
                signature.to_der().as_bytes().to_vec()
            }
            Self::Sm2(key) => {
                let signature: sm2::dsa::Signature = key.try_sign(message)?;
                signature.to_der().as_bytes().to_vec()
            }
        };
        Ok(DerSignature(der))
    }
}

impl SignatureBitStringEncoding for DerSignature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}

impl DynSignatureAlgorithmIdentifier for CertificateSigner {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        match self {
            Self::P256(_) => Ok(AlgorithmIdentifierOwned {
                oid: ECDSA_WITH_SHA_256,
                parameters: None,
            }),
            Self::Sm2(key) => key.signature_algorithm_identifier(),
        }
    }
}

impl Keypair for CertificateSigner {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        match self {
            Self::P256(key) => VerifyingKey::P256(*key.verifying_key()),
            Self::Sm2(key) => VerifyingKey::Sm2(key.verifying_key().into()),
        }
    }
}

/// The public half of an identity, as certificates hold it.
#[derive(Clone)]
pub(super) enum VerifyingKey {
    P256(p256::ecdsa::VerifyingKey),
    Sm2(sm2::PublicKey),
}

impl VerifyingKey {
    /// None when the point is not on the curve, or the key is an account's.
    pub(super) fn of(key: &PublicKey) -> Option<Self> {
        let PublicKey::Identity(cryptography, id) = key else {
            return None;
        };
        let mut point = [4; 65];
        point.get_mut(1..)?.copy_from_slice(id.as_bytes());
        match cryptography {
            Cryptography::Standard => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok().map(Self::P256),
            Cryptography::Sm => sm2::PublicKey::from_sec1_bytes(&point).ok().map(Self::Sm2),
        }
    }
}

impl EncodePublicKey for VerifyingKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        match self {
            Self::P256(key) => key.to_public_key_der(),
            Self::Sm2(key) => key.to_public_key_der(),
        }
    }
}
