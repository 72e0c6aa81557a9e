//! `recover` of 0x1100: who reads it in a block, who makes it, and when it counts.
//!
//! A block whose first transaction calls it is decided by the sealers that the document names, so the call has to be understood before
//! the block is executed, and alike by everybody: contract, leader, voters and who syncs later ask the functions here.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_sol_types::SolCall;
use althing_crypto::{AccountSignature, Suite};
use althing_governance::abi::recoverCall;
use althing_governance::{Governance, RecoveryFault};
use althing_types::recovery::AccountSignatureBytes;
use althing_types::{Address, B256, Bytes, Recovery, Transaction};

use super::GOVERNANCE;
use crate::selectors::{canonical, canonical_selector};

/// The call that records a recovery.
pub fn recover_call(recovery: &Recovery) -> Bytes {
    let document = recovery.encode().into();
    recoverCall { document }.abi_encode().into()
}

/// Whether a transaction calls `recover` directly. Only the leader of a recovered height makes one, so it leads nowhere in a pool.
pub fn calls_recover(transaction: &Transaction) -> bool {
    transaction.to() == Some(GOVERNANCE) && canonical_selector(transaction.input()) == Some(recoverCall::SELECTOR)
}

/// The recovery that a block carries that begins with this transaction: none when it calls something else.
///
/// # Errors
/// A call whose document is none.
pub fn carried_recovery(first: Option<&Arc<Transaction>>) -> Result<Option<Recovery>, RecoveryFault> {
    let first = first.filter(|first| calls_recover(first));
    first.map(|first| recovery_in(first.input())).transpose()
}

/// The recovery in the input of a call.
pub(super) fn recovery_in(input: &[u8]) -> Result<Recovery, RecoveryFault> {
    let call =
        recoverCall::abi_decode(&canonical(input)).map_err(|error| RecoveryFault::Document(error.to_string()))?;
    Recovery::decode(&call.document).map_err(|error| RecoveryFault::Document(error.to_string()))
}

/// Who signed a recovery.
///
/// # Errors
/// A signature that no account can have made.
pub fn recovery_signers(recovery: &Recovery, suite: &dyn Suite) -> Result<BTreeSet<Address>, RecoveryFault> {
    let digest = recovery.digest(suite.hash_fn());
    let signer = |(index, bytes): (usize, &AccountSignatureBytes)| {
        let signature = AccountSignature::from_bytes(bytes);
        let signer = signature.and_then(|signature| suite.recover_account(&digest, &signature));
        signer.map_err(|_| RecoveryFault::Signature(index))
    };
    recovery.signatures.iter().enumerate().map(signer).collect()
}

/// Whether a recovery counts on the newest block, whose height and hash are given and after which this is the governance.
///
/// # Errors
/// What it lacks, in a sentence.
pub fn check_recovery(
    governance: &Governance,
    recovery: &Recovery,
    newest: (u64, B256),
    suite: &dyn Suite,
) -> Result<(), RecoveryFault> {
    governance.check_recovery(recovery, newest, &recovery_signers(recovery, suite)?)
}
