//! How a change stands, as people are told.

use std::fmt;

use althing_governance::{Role, Value};
use serde::{Deserialize, Serialize};

/// A change that is voted on, carried out, or declared and not possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its identity on the chain, `0x` and 64 hex digits.
    pub id: String,
    /// The Node or Agency as this namespace names it, else the nodeID or account; or the key.
    pub subject: String,
    /// What holds now.
    pub from: String,
    /// What would hold.
    pub to: String,
    /// The weight that voted for it.
    pub votes: u64,
    /// The weight it needs.
    pub needed: u64,
    /// Where it stands.
    pub stage: Stage,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
}

/// Where a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// It has not all the votes that it needs.
    Voting,
    /// An agency without a seat asks for it, and no manifest here declares it.
    Asked,
    /// An agency of this namespace votes for it only when a person says so.
    AwaitingApproval,
    /// It has its votes, and is carried out step by step.
    Approved,
    /// It has its votes, and gave way to others because a step lacked something for too long.
    GaveWay,
    /// The manifest's number was used up by another change.
    StaleManifest,
    /// The manifest's number comes after the next one.
    TooEarly,
    /// The chain would refuse it.
    Refused,
}

impl Stage {
    /// Its name in statuses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voting => "Voting",
            Self::Asked => "Asked",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::Approved => "Approved",
            Self::GaveWay => "GaveWay",
            Self::StaleManifest => "StaleManifest",
            Self::TooEarly => "TooEarly",
            Self::Refused => "Refused",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value as manifests write it.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Role(Role::Sealer) => "Sealer".to_owned(),
        Value::Role(Role::Observer) => "Observer".to_owned(),
        Value::Role(Role::Free) => "Free".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Is(true) => "Yes".to_owned(),
        Value::Is(false) => "No".to_owned(),
    }
}
