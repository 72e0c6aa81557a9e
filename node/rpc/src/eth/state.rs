//! Accounts, storage, proofs.

use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::backend::GroupBackend;
use crate::error::RpcError;
use crate::session::{Answer, Call};
use crate::types::{BlockSelector, Quantity, slot};

/// The height that a parameter names, the head without.
pub(super) fn height(call: &Call<'_>, index: usize, group: &dyn GroupBackend) -> Result<u64, RpcError> {
    call.arguments
        .optional::<BlockSelector>(index, "block")?
        .unwrap_or_default()
        .resolve(group)
}

/// `eth_getBalance`.
pub(super) fn balance(call: &Call<'_>) -> Answer {
    let address: Address = call.arguments.required(0, "address")?;
    let group = call.group()?;
    let account = group.account(&address, height(call, 1, &*group)?)?;
    call.answer(&account.map_or(U256::ZERO, |account| account.balance))
}

/// `eth_getTransactionCount`: `pending` counts what waits in the pool.
pub(super) fn transaction_count(call: &Call<'_>) -> Answer {
    let address: Address = call.arguments.required(0, "address")?;
    let group = call.group()?;
    let told = &call.session.shared.told_nonces;
    told.note(group.info().group, address, Instant::now());
    if call
        .arguments
        .optional::<&str>(1, "block")
        .is_ok_and(|tag| tag == Some("pending"))
    {
        return call.answer(&Quantity(group.pending_nonce(&address)?));
    }
    let account = group.account(&address, height(call, 1, &*group)?)?;
    call.answer(&Quantity(account.map_or(0, |account| account.nonce)))
}

/// `eth_getCode`.
pub(super) fn code(call: &Call<'_>) -> Answer {
    let address: Address = call.arguments.required(0, "address")?;
    let group = call.group()?;
    call.answer(&group.code(&address, height(call, 1, &*group)?)?)
}

/// `eth_getStorageAt`: 32 bytes.
pub(super) fn storage_at(call: &Call<'_>) -> Answer {
    let address: Address = call.arguments.required(0, "address")?;
    let Slot(_, slot) = call.arguments.required(1, "slot")?;
    let group = call.group()?;
    let value = group.storage(&address, &slot, height(call, 2, &*group)?)?;
    call.answer(&B256::from(value))
}

/// A slot with the text that named it.
struct Slot(String, U256);

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value =
            slot(&text).ok_or_else(|| serde::de::Error::custom("a storage slot is hex with 0x, at most 32 bytes"))?;
        Ok(Self(text, value))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofObject {
    address: Address,
    account_proof: Vec<Bytes>,
    balance: U256,
    code_hash: B256,
    nonce: Quantity,
    storage_hash: B256,
    storage_proof: Vec<SlotProofObject>,
}

#[derive(Serialize)]
struct SlotProofObject {
    key: String,
    value: U256,
    proof: Vec<Bytes>,
}

/// `eth_getProof` (EIP-1186).
pub(super) fn proof(call: &Call<'_>) -> Answer {
    let address: Address = call.arguments.required(0, "address")?;
    let slots: Vec<Slot> = call.arguments.optional(1, "slots")?.unwrap_or_default();
    let limit = call.limits().proof_slots;
    if slots.len() > limit {
        return Err(RpcError::limit(format!(
            "{} slots are asked for, at most {limit} are proved",
            slots.len()
        )));
    }
    let group = call.group()?;
    let height = height(call, 2, &*group)?;
    let keys: Vec<U256> = slots.iter().map(|slot| slot.1).collect();
    let proof = group.proof(&address, &keys, height)?;
    let storage_proof = slots.into_iter().zip(proof.slots);
    call.answer(&ProofObject {
        address,
        account_proof: proof.nodes,
        balance: proof.account.balance,
        code_hash: if proof.account.code_hash.is_zero() {
            EMPTY_CODE_HASH
        } else {
            proof.account.code_hash
        },
        nonce: Quantity(proof.account.nonce),
        storage_hash: proof.storage_root,
        storage_proof: storage_proof
            .map(|(Slot(key, _), slot)| SlotProofObject {
                key,
                value: slot.value,
                proof: slot.nodes,
            })
            .collect(),
    })
}
