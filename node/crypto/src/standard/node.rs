//! Node identities on P-256.

use alloy_primitives::B256;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::ObjectIdentifier;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use crate::curve::{Curve, P256_ORDER, P256_PRIME, coordinates, uncompressed};
use crate::{NodeKey, SignatureError};

/// The curve of nodes.
pub(crate) const P256: Curve = Curve {
    name: "P-256",
    oid: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
    order: P256_ORDER,
    prime: P256_PRIME,
    public_key: |secret| StandardNodeKey::new(secret).map(|key| key.public_key()),
    is_point: |key| p256::PublicKey::from_sec1_bytes(&uncompressed(key)).is_ok(),
};

/// Whether a node signed a digest.
pub(super) fn verify(public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, uncompressed(public_key))
        .verify(digest.as_slice(), signature)
        .map_err(|_| P256.fault(public_key, signature))
}

/// A P-256 private key.
pub(super) struct StandardNodeKey(SigningKey);

impl StandardNodeKey {
    /// None for a number that is no private key.
    pub(super) fn new(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(Self)
    }
}

impl std::fmt::Debug for StandardNodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandardNodeKey(…)")
    }
}

impl NodeKey for StandardNodeKey {
    fn public_key(&self) -> [u8; 64] {
        let point = self.0.verifying_key().to_sec1_point(false);
        coordinates(point.as_bytes()).unwrap_or([0; 64])
    }

    fn sign(&self, digest: &B256) -> [u8; 64] {
        let signature: Signature = self.0.sign(digest.as_slice());
        signature.to_bytes().into()
    }
}
