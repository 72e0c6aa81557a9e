//! Entropy that repeats, for tests.

use alloy_primitives::keccak256;

/// An entropy source: Keccak-256 of a seed and a counter.
pub(crate) fn entropy(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut counter = 0_u64;
    move |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(32) {
            counter += 1;
            let digest = keccak256([seed.to_be_bytes(), counter.to_be_bytes()].concat());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}
