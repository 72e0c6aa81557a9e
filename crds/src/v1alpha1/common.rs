//! What several kinds share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Proof that an agency stands behind a public fact: its agency key's signature over the object, domain-separated.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Attestation {
    /// Grows with every change the agency signs; a lower number than one already seen is refused.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub sequence: i64,
    /// r and s of the agency key's signature, 128 hex digits.
    #[schemars(length(equal = 128), regex(pattern = "^[0-9a-f]{128}$"))]
    pub signature: String,
}

/// What happens to keys and data when their manifest is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// They stay.
    #[default]
    Retain,
    /// They go with it.
    Delete,
}
