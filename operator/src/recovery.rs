//! What a committee signs when a group has lost its quorum for ever (GOVERNANCE.md 5), from the side of those who sign.

use std::collections::BTreeSet;

use althing_crypto::AccountSignature;
use althing_governance::RecoveryFault;
use althing_types::genesis::Cryptography;
use althing_types::recovery::AccountSignatureBytes;
use althing_types::{Address, B256, Recovery};

use crate::pki::PrivateKey;
use crate::suite;
use crate::transaction::SignError;

/// What is signed in a group of this edition, and what tells one recovery from another.
pub fn digest(recovery: &Recovery, cryptography: Cryptography) -> B256 {
    recovery.digest(suite::of(cryptography).hash_fn())
}

/// Adds the signature of an account. It is deterministic (RFC 6979): signing again adds nothing.
///
/// # Errors
/// A key that is no account's.
pub fn sign(key: &PrivateKey, recovery: &mut Recovery) -> Result<(), SignError> {
    let wrong = || SignError::WrongKey(key.kind());
    let signature = key.sign_account(&digest(recovery, key.kind().cryptography()));
    let bytes = signature.ok_or_else(wrong)?.to_bytes();
    let signature = AccountSignatureBytes::try_from(bytes.as_slice()).map_err(|_| wrong())?;
    recovery.add_signatures([signature]);
    Ok(())
}

/// Who signed, in a group of this edition.
///
/// # Errors
/// A signature that no account can have made.
pub fn signers(recovery: &Recovery, cryptography: Cryptography) -> Result<BTreeSet<Address>, RecoveryFault> {
    let (suite, digest) = (suite::of(cryptography), digest(recovery, cryptography));
    let signer = |(index, bytes): (usize, &AccountSignatureBytes)| {
        let signature = AccountSignature::from_bytes(bytes);
        let signer = signature.and_then(|signature| suite.recover_account(&digest, &signature));
        signer.map_err(|_| RecoveryFault::Signature(index))
    };
    recovery.signatures.iter().enumerate().map(signer).collect()
}

#[cfg(test)]
mod tests {
    use althing_types::{GroupId, NodeId, SealerSet};

    use super::*;
    use crate::pki::testing::entropy;
    use crate::plan::{KeyKind, KeyPurpose};

    const EDITIONS: [Cryptography; 2] = [Cryptography::Standard, Cryptography::Sm];

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

    fn key(edition: Cryptography, seed: u64) -> PrivateKey {
        PrivateKey::generate(KeyKind::new(KeyPurpose::Account, edition), &mut entropy(seed)).unwrap()
    }

    #[test]
    fn who_signed_is_read_from_the_signatures_and_signing_twice_adds_nothing() {
        for edition in EDITIONS {
            let account = |key: &PrivateKey| key.public().account().unwrap();
            let (one, other) = (key(edition, 1), key(edition, 2));
            let mut recovery = recovery();
            for key in [&one, &other, &one] {
                sign(key, &mut recovery).unwrap();
            }
            assert_eq!(signers(&recovery, edition), Ok([account(&one), account(&other)].into()));
            let mut bytes = recovery.signatures[0].to_vec();
            bytes.fill(7);
            recovery.signatures[0] = bytes.as_slice().try_into().unwrap();
            assert!(matches!(signers(&recovery, edition), Err(RecoveryFault::Signature(_))));
        }
    }

    #[test]
    fn a_signature_of_the_other_edition_counts_for_nobody() {
        for (edition, other) in [(EDITIONS[0], EDITIONS[1]), (EDITIONS[1], EDITIONS[0])] {
            let mut recovery = recovery();
            sign(&key(other, 1), &mut recovery).unwrap();
            assert_eq!(signers(&recovery, edition), Err(RecoveryFault::Signature(0)));
        }
    }

    #[test]
    fn a_node_s_key_signs_no_recovery() {
        for kind in [KeyKind::P256, KeyKind::Sm2] {
            let key = PrivateKey::generate(kind, &mut entropy(3)).unwrap();
            assert_eq!(sign(&key, &mut recovery()), Err(SignError::WrongKey(kind)));
        }
    }
}
