//! Who signed a transaction. Recovering costs twelve times the EVM's work of a token transfer: it is done once per node,
//! in parallel, off the consensus path.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use althing_crypto::{AccountSignature, SignatureError, Signer, Suite};
use althing_types::transaction::Envelope;
use althing_types::{FiscoSignature, Recovered, Transaction};

/// Why a transaction has no sender here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    /// The signature does not recover to an account, or its s is in the upper half (EIP-2).
    #[error("invalid sender: {0}")]
    Signature(#[from] SignatureError),
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {found} want {expected}")]
    ChainId {
        /// The chain id that was signed.
        found: u64,
        /// This group's EVM chain id.
        expected: u64,
    },
}

/// Recovers the sender of one transaction, after its chain id (EIP-155) was found to be this group's. A FISCO transaction's chain and group
/// are asked where a block or a pool takes it.
///
/// A legacy transaction without a chain id is valid in a block: keyless deployments need it and whoever signs one says
/// "any chain". A pool that takes transactions from outside refuses it unless told otherwise: [`is_replay_protected`].
pub fn recover(suite: &dyn Suite, evm_chain_id: u64, transaction: Arc<Transaction>) -> Result<Recovered, SenderError> {
    let sender = match transaction.envelope() {
        Envelope::Ethereum(envelope) => {
            match envelope.chain_id() {
                Some(found) if found != evm_chain_id => {
                    return Err(SenderError::ChainId {
                        found,
                        expected: evm_chain_id,
                    });
                }
                _ => {}
            }
            let signature = envelope.signature();
            let signature = AccountSignature {
                r: signature.r(),
                s: signature.s(),
                signer: Signer::OddY(signature.v()),
            };
            suite.recover_account(&envelope.signature_hash(), &signature)?
        }
        Envelope::Fisco(fisco) => {
            let digest = fisco.request.signing_hash(suite.hash_fn());
            suite.recover_account(&digest, &of_fisco(&fisco.signature))?
        }
    };
    Ok(Recovered { transaction, sender })
}

/// An account's signature as the last three items of a FISCO transaction.
pub fn fisco_signature(signature: &AccountSignature) -> FiscoSignature {
    let AccountSignature { r, s, signer } = *signature;
    match signer {
        Signer::OddY(odd) => FiscoSignature::recoverable(r, s, odd),
        Signer::PublicKey(key) => FiscoSignature::with_key(r, s, &key),
    }
}

/// The last three items of a FISCO transaction as a suite takes them.
fn of_fisco(signature: &FiscoSignature) -> AccountSignature {
    let signer = match signature.public_key() {
        Some(key) => Signer::PublicKey(key),
        None => Signer::OddY(signature.odd_y().unwrap_or_default()),
    };
    AccountSignature {
        r: signature.r,
        s: signature.s,
        signer,
    }
}

/// Whether a transaction was signed for one chain only. One that was not can be replayed in every group where its sender
/// has the same nonce.
pub fn is_replay_protected(transaction: &Transaction) -> bool {
    match transaction.envelope() {
        Envelope::Ethereum(envelope) => envelope.is_replay_protected(),
        Envelope::Fisco(_) => true,
    }
}
