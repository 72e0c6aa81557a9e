//! SM2 keys that sign digests, for accounts and nodes alike.

use alloy_primitives::{B256, U256};
use sm2::dsa::signature::Signer;
use sm2::dsa::{Signature, SigningKey};
use sm2::elliptic_curve::sec1::ToSec1Point;

use super::IDENTITY;
use crate::curve::{SM2_ORDER, coordinates};

/// An SM2 private key.
pub(super) struct Sm2Key(SigningKey);

impl Sm2Key {
    /// None for a number that is no private key: SM2 has none for the order less 1, which could never sign.
    pub(super) fn new(secret: &[u8; 32]) -> Option<Self> {
        let number = U256::from_be_bytes(*secret);
        if number >= SM2_ORDER - U256::ONE {
            return None;
        }
        SigningKey::from_slice(IDENTITY, secret).ok().map(Self)
    }

    pub(super) fn public_key(&self) -> [u8; 64] {
        let point = self.0.verifying_key().to_sec1_point(false);
        coordinates(point.as_bytes()).unwrap_or([0; 64])
    }

    /// Signs deterministically, with the k of RFC 6979 over SM3.
    pub(super) fn sign(&self, digest: &B256) -> [u8; 64] {
        let signature: Option<Signature> = self.0.try_sign(digest.as_slice()).ok();
        // It fails where k gives no signature, once in 2²⁵⁶ digests. Zeros hold for nobody, so nothing is ever given away.
        signature.map_or([0; 64], |signature| signature.to_bytes().into())
    }
}

impl std::fmt::Debug for Sm2Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sm2Key(…)")
    }
}
