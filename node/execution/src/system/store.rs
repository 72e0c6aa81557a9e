//! The governance value in the storage of its contract: its length, then its bytes, 32 a slot.

use alloy_primitives::keccak256;
use althing_governance::{Governance, Limits};
use althing_types::{Address, B256, ChangeSet, StateError, StateReader, U256};

use super::GOVERNANCE;

/// Where the length is. The words follow at its hash, as Solidity lays out `bytes`.
const LENGTH: U256 = U256::ZERO;

/// The slot of a word.
fn slot(index: usize) -> U256 {
    U256::from_be_bytes(keccak256(B256::ZERO).0).wrapping_add(U256::from(index))
}

/// The slots of a value with what they hold.
pub(super) fn words(governance: &Governance) -> Vec<(U256, U256)> {
    let bytes = governance.encode();
    let word = |chunk: &[u8]| {
        let mut word = [0; 32];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        U256::from_be_bytes(word)
    };
    let chunks = bytes.chunks(32).enumerate();
    let mut words = vec![(LENGTH, U256::from(bytes.len()))];
    words.extend(chunks.map(|(index, chunk)| (slot(index), word(chunk))));
    words
}

/// The value that is stored, read slot by slot; none where there never was one.
pub(super) fn load<E: From<StateError>>(
    mut read: impl FnMut(U256) -> Result<U256, E>,
) -> Result<Option<Governance>, E> {
    let length = read(LENGTH)?;
    if length.is_zero() {
        return Ok(None);
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= Limits::BYTES);
    let length = length.ok_or_else(|| StateError("the governance state has an impossible length".to_owned()))?;
    let mut bytes = Vec::with_capacity(length.next_multiple_of(32));
    for index in 0..length.div_ceil(32) {
        bytes.extend_from_slice(&read(slot(index))?.to_be_bytes::<32>());
    }
    bytes.truncate(length);
    let found = Governance::decode(&bytes).map_err(|error| StateError(error.to_string()))?;
    Ok(Some(found))
}

/// Who takes part after a block, by the state; none in a state without governance.
///
/// # Errors
/// A state that cannot be read, or that no program wrote.
pub fn governance(state: &dyn StateReader) -> Result<Option<Governance>, StateError> {
    load(|slot| state.storage(&GOVERNANCE, &slot))
}

/// As [`governance`], after the changes of a block; none when they do not touch it.
///
/// # Errors
/// As there.
pub fn changed_governance(state: &dyn StateReader, changes: &ChangeSet) -> Result<Option<Governance>, StateError> {
    let first = (GOVERNANCE, U256::ZERO);
    let is_of_it = |key: &(Address, U256)| key.0 == GOVERNANCE;
    if !changes
        .storage
        .range(first..)
        .next()
        .is_some_and(|(key, _)| is_of_it(key))
    {
        return Ok(None);
    }
    load(|slot| match changes.storage.get(&(GOVERNANCE, slot)) {
        Some(value) => Ok(*value),
        None => state.storage(&GOVERNANCE, &slot),
    })
}
