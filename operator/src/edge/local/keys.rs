//! Keys, made from the system's randomness.

use zeroize::Zeroizing;

use super::LocalError;
use crate::edge::entropy;
use crate::pki::PrivateKey;
use crate::plan::{KeyKind, KeyPurpose, PublicKey};

/// [`entropy::with_entropy`] for `what`.
pub(super) fn with_entropy<T>(what: &str, make: impl FnOnce(&mut dyn FnMut(&mut [u8])) -> T) -> Result<T, LocalError> {
    entropy::with_entropy(make).map_err(|error| LocalError::Certificate {
        what: what.to_owned(),
        why: error.to_string(),
    })
}

/// A new private key in PEM.
pub(super) fn make(what: &str, kind: KeyKind) -> Result<Zeroizing<String>, LocalError> {
    let key = with_entropy(what, |entropy| PrivateKey::generate(kind, entropy))?;
    let key = key.map_err(|error| LocalError::Certificate {
        what: what.to_owned(),
        why: error.to_string(),
    })?;
    Ok(key.to_pem())
}

/// The public half of a key file; the error never holds any of it.
pub(super) fn public_half(purpose: KeyPurpose, bytes: &[u8]) -> Result<PublicKey, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    PrivateKey::from_pem(purpose, text)
        .map(|key| key.public())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_are_equal() {
        for kind in [KeyKind::P256, KeyKind::Secp256k1, KeyKind::Sm2, KeyKind::Sm2Account] {
            let (one, other) = (make("a key", kind).unwrap(), make("a key", kind).unwrap());
            let half = |pem: &str| public_half(kind.purpose(), pem.as_bytes()).unwrap();
            assert_eq!(half(&one).kind(), kind);
            assert_ne!(half(&one), half(&other));
        }
    }
}
