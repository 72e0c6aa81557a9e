//! What own agencies and the registrar have signed for others, and what is to be signed.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use althing_crds::v1alpha1::{AgencyTrust, Attestation};
use althing_types::B256;
use serde::{Deserialize, Serialize};

use crate::pki::{PrivateKey, signature};
use crate::plan::Identity;

/// What an agency signed last about one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attested {
    /// The number of the signature.
    pub sequence: i64,
    /// The fingerprint of the facts that were signed: others need a new signature.
    pub facts: B256,
    /// r and s, 128 hex digits.
    pub signature: String,
    /// Of the facts of an agency, what its nodes had said: it is told again while they are silent. It is written with the signature, so
    /// that no fault between two writes can part them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<AgencyTrust>,
}

impl Attested {
    /// As manifests carry it.
    pub fn attestation(&self) -> Attestation {
        Attestation {
            sequence: self.sequence,
            signature: self.signature.clone(),
        }
    }
}

/// What an agency signed last, by `Kind/name`. Entries outlive their objects, so that a sequence never begins again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attestations(pub BTreeMap<String, Attested>);

impl Attestations {
    /// Read from a record. One that cannot be read is as none: everything is signed again, with the numbers statuses remember.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The record.
    pub fn to_text(&self) -> String {
        // Texts and numbers only: there is nothing that JSON could not hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// One statement to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsigned {
    /// `Kind/name` of the object.
    pub object: String,
    /// The number of the signature.
    pub sequence: i64,
    /// The fingerprint of the facts.
    pub facts: B256,
    /// What is signed, as the key's edition hashes it.
    pub message: Bytes,
    /// What an agency's nodes say, where it is among the facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<AgencyTrust>,
}

/// Statements for a key to sign, and what stays of its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationOrder {
    /// Whose key: an agency's, or the chain key.
    pub signer: Identity,
    /// What was signed before.
    pub before: Attestations,
    /// What is to be signed.
    pub unsigned: Vec<Unsigned>,
}

/// A key that attests nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is an account's; accepted: the key that the agency's certificate is over")]
pub struct CannotSign;

impl AttestationOrder {
    /// The record with everything signed. The same order gives the same record.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn carried_out(&self, key: &PrivateKey) -> Result<Attestations, CannotSign> {
        let mut all = self.before.clone();
        for wanted in &self.unsigned {
            let signature = signature::sign(key, &wanted.message).ok_or(CannotSign)?;
            let attested = Attested {
                sequence: wanted.sequence,
                facts: wanted.facts,
                signature: alloy_primitives::hex::encode(signature),
                trust: wanted.trust.clone(),
            };
            all.0.insert(wanted.object.clone(), attested);
        }
        Ok(all)
    }
}
