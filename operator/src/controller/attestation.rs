//! Attestations: an agency's signature over the public facts it gives to others, checked whenever an object is read, so that
//! whoever writes to a Git repository cannot swap an account or an address (GOVERNANCE.md 3).

use alloy_primitives::keccak256;
use althing_crds::v1alpha1::Attestation;
use althing_crypto::{StandardSuite, Suite};
use althing_types::{B256, NodeId};

use super::{Hold, Outcome};
use crate::status::Reason;

/// Separates attestations from everything else an agency's key signs.
const TAG: &str = "althing/attestation/v1";

/// What is signed: the tag, the kind and name of the object, the sequence, and every fact by its field, absent ones as such.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The kind of the object.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The facts: field and value.
    pub facts: &'a [(&'a str, Option<&'a str>)],
}

impl Statement<'_> {
    /// The digest an agency's key signs.
    pub fn digest(&self, sequence: i64) -> B256 {
        let mut message = Vec::new();
        let mut put = |text: &str| {
            message.extend((text.len() as u64).to_be_bytes());
            message.extend(text.as_bytes());
        };
        for text in [TAG, self.kind, self.name, &sequence.to_string()] {
            put(text);
        }
        for (field, value) in self.facts {
            put(field);
            put(if value.is_some() { "given" } else { "absent" });
            put(value.unwrap_or_default());
        }
        keccak256(message)
    }
}

/// Checks an attestation that is given, against the agency's key.
pub fn check(attestation: Option<&Attestation>, statement: &Statement<'_>, agency: Option<&NodeId>) -> Outcome<()> {
    let Some(attestation) = attestation else { return Ok(()) };
    let wrong = |found: &str| {
        let text =
            format!("spec.external.attestation: found {found}; accepted: the agency key's signature over these facts");
        Hold::wrong(Reason::AttestationInvalid, text)
    };
    let key = agency.ok_or_else(|| wrong("no agency certificate to check it with"))?;
    let signature = alloy_primitives::hex::decode(&attestation.signature).map_err(|_| wrong("no hex digits"))?;
    StandardSuite
        .verify_node(key.as_bytes(), &statement.digest(attestation.sequence), &signature)
        .map_err(|_| wrong("a signature of another key or over other facts"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::PrivateKey;
    use crate::pki::testing::entropy;
    use crate::plan::{KeyKind, PublicKey};

    #[test]
    fn an_attestation_holds_for_its_facts_sequence_and_key_only() {
        let key = PrivateKey::generate(KeyKind::P256, &mut entropy(1)).unwrap();
        let PublicKey::P256(id) = key.public() else {
            panic!("a P-256 key")
        };
        let node_key = StandardSuite.node_key(&key.to_pem()).unwrap();
        let facts = [("governanceAccount", Some("0x01")), ("certificate", None)];
        let statement = Statement {
            kind: "Agency",
            name: "agency-d",
            facts: &facts,
        };
        let signature = alloy_primitives::hex::encode(node_key.sign(&statement.digest(3)));
        let attestation = Attestation { sequence: 3, signature };
        check(Some(&attestation), &statement, Some(&id)).unwrap();
        check(None, &statement, Some(&id)).unwrap();
        let swapped = [("governanceAccount", Some("0x02")), ("certificate", None)];
        let slipped = [("governanceAccount", Some("0x01")), ("certificate", Some(""))];
        for other in [
            Statement {
                facts: &swapped,
                ..statement
            },
            Statement {
                facts: &slipped,
                ..statement
            },
            Statement {
                name: "agency-e",
                ..statement
            },
            Statement {
                kind: "Node",
                ..statement
            },
        ] {
            assert!(check(Some(&attestation), &other, Some(&id)).is_err(), "{other:?}");
        }
        let later = Attestation {
            sequence: 4,
            ..attestation.clone()
        };
        assert!(check(Some(&later), &statement, Some(&id)).is_err());
        assert!(check(Some(&attestation), &statement, Some(&NodeId::new([1; 64]))).is_err());
        assert!(check(Some(&attestation), &statement, None).is_err());
    }
}
