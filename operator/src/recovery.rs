//! What a committee signs when a group has lost its quorum for ever (GOVERNANCE.md 5), from the side of those who sign.

use std::collections::BTreeSet;

use althing_crypto::{AccountSignature, StandardSuite, Suite};
use althing_governance::RecoveryFault;
use althing_types::recovery::AccountSignatureBytes;
use althing_types::{Address, B256, Recovery};

use crate::pki::PrivateKey;
use crate::transaction::SignError;

/// What is signed, and what tells one recovery from another.
pub fn digest(recovery: &Recovery) -> B256 {
    recovery.digest(StandardSuite.hash_fn())
}

/// Adds the signature of an account. It is deterministic (RFC 6979): signing again adds nothing.
///
/// # Errors
/// A key that is no account's.
pub fn sign(key: &PrivateKey, recovery: &mut Recovery) -> Result<(), SignError> {
    let (compact, is_odd) = key.sign_recoverable(&digest(recovery)).ok_or(SignError::WrongKey)?;
    let mut signature = [u8::from(is_odd); 65];
    if let Some(parts) = signature.first_chunk_mut() {
        *parts = compact;
    }
    recovery.add_signatures([signature.into()]);
    Ok(())
}

/// Who signed.
///
/// # Errors
/// A signature that no account can have made.
pub fn signers(recovery: &Recovery) -> Result<BTreeSet<Address>, RecoveryFault> {
    let digest = digest(recovery);
    let signer = |(index, bytes): (usize, &AccountSignatureBytes)| {
        let signature = AccountSignature::from_bytes(bytes);
        let signer = signature.and_then(|signature| StandardSuite.recover_account(&digest, &signature));
        signer.map_err(|_| RecoveryFault::Signature(index))
    };
    recovery.signatures.iter().enumerate().map(signer).collect()
}

#[cfg(test)]
mod tests {
    use althing_types::{GroupId, NodeId, SealerSet};

    use super::*;
    use crate::pki::testing::entropy;
    use crate::plan::KeyKind;

    fn recovery() -> Recovery {
        Recovery {
            genesis: B256::repeat_byte(1),
            group: GroupId::try_from(1).unwrap(),
            height: 7,
            block: B256::repeat_byte(2),
            replaces: None,
            sealers: SealerSet::new(vec![NodeId::new([1; 64])]),
            signatures: vec![],
        }
    }

    #[test]
    fn who_signed_is_read_from_the_signatures_and_signing_twice_adds_nothing() {
        let key = |seed| PrivateKey::generate(KeyKind::Secp256k1, &mut entropy(seed)).unwrap();
        let account = |key: &PrivateKey| key.public().account().unwrap();
        let (one, other) = (key(1), key(2));
        let mut recovery = recovery();
        for key in [&one, &other, &one] {
            sign(key, &mut recovery).unwrap();
        }
        assert_eq!(signers(&recovery), Ok([account(&one), account(&other)].into()));
        recovery.signatures[0] = [7; 65].into();
        assert!(matches!(signers(&recovery), Err(RecoveryFault::Signature(_))));
    }

    #[test]
    fn a_node_s_key_signs_no_recovery() {
        let key = PrivateKey::generate(KeyKind::P256, &mut entropy(3)).unwrap();
        assert_eq!(sign(&key, &mut recovery()), Err(SignError::WrongKey));
    }
}
