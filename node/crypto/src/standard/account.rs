//! Accounts on secp256k1, as Ethereum has them: the signer is computed from the signature.

use alloy_primitives::{Address, B256, U256, uint};
use p256::pkcs8::ObjectIdentifier;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey};

use crate::curve::{Curve, SECP256K1_ORDER, SECP256K1_PRIME, coordinates, uncompressed};
use crate::signature::PARITY;
use crate::{AccountKey, AccountSignature, SignatureError, Signer};

/// The curve of accounts.
pub(crate) const SECP256K1: Curve = Curve {
    name: "secp256k1",
    oid: ObjectIdentifier::new_unwrap("1.3.132.0.10"),
    order: SECP256K1_ORDER,
    prime: SECP256K1_PRIME,
    public_key: |secret| StandardAccountKey::new(secret).map(|key| key.public_key()),
    is_point: |key| PublicKey::from_slice(&uncompressed(key)).is_ok(),
};

/// Half the order of secp256k1: a larger s is malleable and refused (EIP-2).
pub(super) const HALF_ORDER: U256 = uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// The account that made a signature.
pub(super) fn recover(digest: &B256, signature: &AccountSignature) -> Result<Address, SignatureError> {
    let id = match signature.signer {
        Signer::OddY(false) => RecoveryId::Zero,
        Signer::OddY(true) => RecoveryId::One,
        Signer::PublicKey(_) => return Err(SignatureError::Form { accepted: PARITY }),
    };
    if !SECP256K1.has_scalar(&signature.r) || !SECP256K1.has_scalar(&signature.s) {
        return Err(SignatureError::OutOfRange);
    }
    if signature.s > HALF_ORDER {
        return Err(SignatureError::Malleable);
    }
    RecoverableSignature::from_compact(&signature.compact(), id)
        .and_then(|recoverable| recoverable.recover_ecdsa(Message::from_digest(digest.0)))
        .map(|key| address(&key))
        .map_err(|_| SignatureError::Mismatch)
}

fn address(key: &PublicKey) -> Address {
    let point = key.serialize_uncompressed();
    Address::from_raw_public_key(&coordinates(&point).unwrap_or([0; 64]))
}

/// A secp256k1 private key.
pub(super) struct StandardAccountKey {
    secret: SecretKey,
    public: PublicKey,
}

impl StandardAccountKey {
    /// None for a number that is no private key.
    pub(super) fn new(secret: &[u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_secret_bytes(*secret).ok()?;
        let public = PublicKey::from_secret_key(&secret);
        Some(Self { secret, public })
    }

    fn public_key(&self) -> [u8; 64] {
        coordinates(&self.public.serialize_uncompressed()).unwrap_or([0; 64])
    }
}

impl Drop for StandardAccountKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl std::fmt::Debug for StandardAccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StandardAccountKey({}, …)", self.address())
    }
}

impl AccountKey for StandardAccountKey {
    fn address(&self) -> Address {
        address(&self.public)
    }

    fn sign(&self, digest: &B256) -> AccountSignature {
        let message = Message::from_digest(digest.0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret);
        let (id, compact) = signed.serialize_compact();
        AccountSignature::from_compact(&compact, Signer::OddY(i32::from(id.to_u8()) % 2 == 1))
    }
}
