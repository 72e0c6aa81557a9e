//! Attestations: an agency's signature over the public facts it gives to others, checked whenever an object is read, so that
//! whoever writes to a Git repository cannot swap an account or an address (GOVERNANCE.md 3).
//!
//! ```text
//! own facts ─▶ Statement ─▶ order ─▶ (an edge signs) ─▶ record ─▶ status ─▶ bundle ─▶ spec.external ─▶ check
//! ```

use alloy_primitives::{Bytes, keccak256};
use althing_crds::v1alpha1::{
    AgencyTrust, AgreedMember, Attestation, ExternalAgency, ExternalNode, SignedGenesis, SignedWishes, WishedSeat,
};
use althing_types::B256;

use super::{Hold, Outcome};
use crate::genesis::hash_of;
use crate::pki::signature;
use crate::plan::{AttestationOrder, Attestations, Attested, Identity, PublicKey, Unsigned};
use crate::status::Reason;

/// Separates attestations from everything else an agency's key signs.
const TAG: &str = "althing/attestation/v1";
/// Where an external object carries its attestation.
pub const FIELD: &str = "spec.external.attestation";

/// What is signed: the tag, the kind and name of the object, the sequence, and every fact by its field, absent ones as such.
/// White space around a fact is not part of it: an editor may add a line's end to a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The kind of the object.
    pub kind: &'static str,
    /// Its name.
    pub name: &'a str,
    /// The facts: field and value.
    pub facts: Vec<(&'static str, Option<&'a str>)>,
    /// Which of them are what an agency's nodes say.
    pub trust: Option<&'a AgencyTrust>,
}

impl<'a> Statement<'a> {
    /// An agency's facts about itself.
    pub fn agency(name: &'a str, consortium: &'a str, external: &'a ExternalAgency) -> Self {
        let mut facts = vec![
            ("consortium", Some(consortium)),
            ("certificate", external.certificate.as_deref()),
            (
                "certificateSigningRequest",
                external.certificate_signing_request.as_deref(),
            ),
            ("governanceAccount", external.governance_account.as_deref()),
        ];
        if let Some(trust) = &external.trust {
            facts.push(("trust.certificates", Some(&trust.certificates)));
            facts.push(("trust.issuer", Some(&trust.issuer)));
        }
        Self {
            kind: "Agency",
            name,
            facts,
            trust: external.trust.as_ref(),
        }
    }

    /// An agency's facts about one of its nodes.
    pub fn node(name: &'a str, agency: &'a str, external: &'a ExternalNode) -> Self {
        Self {
            kind: "Node",
            name,
            facts: vec![
                ("agency", Some(agency)),
                ("nodeId", external.node_id.as_deref()),
                ("address", external.address.as_deref()),
                ("certificate", external.certificate.as_deref()),
            ],
            trust: None,
        }
    }

    /// The genesis an agency computed for a group. The hash covers chain, number and everything else of the group.
    pub fn genesis(group: &'a str, hash: &'a str) -> Self {
        Self {
            kind: "Group",
            name: group,
            facts: vec![("genesisHash", Some(hash))],
            trust: None,
        }
    }

    /// What an agency asks for in a group; `text` is [`wishes_text`].
    pub fn wishes(group: &'a str, text: &'a str) -> Self {
        Self {
            kind: "Wishes",
            name: group,
            facts: vec![("wishes", Some(text))],
            trust: None,
        }
    }

    /// `Kind/name`, the entry of a record.
    pub fn object(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// What a key is to sign for it under this number.
    pub fn unsigned(&self, sequence: i64) -> Unsigned {
        Unsigned {
            object: self.object(),
            sequence,
            facts: self.fingerprint(),
            message: self.message(&sequence.to_string()),
            trust: self.trust.cloned(),
        }
    }

    /// Stands for the facts, whatever the sequence. It is a name inside this program and never signed: no sequence is a word.
    pub fn fingerprint(&self) -> B256 {
        keccak256(self.message("facts"))
    }

    /// What an agency's key signs.
    fn message(&self, sequence: &str) -> Bytes {
        let mut message = Vec::new();
        let mut put = |text: &str| {
            message.extend((text.len() as u64).to_be_bytes());
            message.extend(text.as_bytes());
        };
        for text in [TAG, self.kind, self.name, sequence] {
            put(text);
        }
        for (field, value) in &self.facts {
            put(field);
            put(if value.is_some() { "given" } else { "absent" });
            put(value.unwrap_or_default().trim());
        }
        message.into()
    }
}

/// Wishes as they are signed: JSON with the fields in the order in which a manifest's schema has them.
pub fn wishes_text(members: &[AgreedMember], seat: Option<WishedSeat>) -> String {
    // Names, numbers and words only: there is nothing that JSON could not hold.
    serde_json::to_string(&(members, seat)).unwrap_or_default()
}

/// The newest attestation of an object that is known, and the agency key that has to have made it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'a> {
    /// The key, when there is a certificate of it.
    pub key: Option<PublicKey>,
    /// The newest attestation that was accepted.
    pub newest: Option<&'a Attestation>,
}

/// Checks the attestation that an object carries: it must be there, be the agency's, and neither be older than the newest one
/// nor have its number for other facts.
pub fn check(field: &str, found: Option<&Attestation>, statement: &Statement<'_>, before: Before<'_>) -> Outcome<()> {
    let object = statement.object();
    let Some(attestation) = found else {
        let text = format!(
            "{object}: {field}: found none; accepted: the agency key's signature over these facts. Take a new bundle from the agency"
        );
        return Err(Hold::wrong(Reason::AttestationMissing, text));
    };
    let wrong = |part: &str, found: &str, accepted: &str| {
        let text = format!("{object}: {field}{part}: found {found}; accepted: {accepted}");
        Hold::wrong(Reason::AttestationInvalid, text)
    };
    let part = ".signature";
    let over = "the agency key's signature over these facts";
    let key = before
        .key
        .ok_or_else(|| wrong(part, "no agency certificate to check it with", over))?;
    let holds = |attestation: &Attestation| {
        let bytes = alloy_primitives::hex::decode(&attestation.signature).ok()?;
        let message = statement.message(&attestation.sequence.to_string());
        signature::verify(&key, &message, &bytes).then_some(())
    };
    holds(attestation).ok_or_else(|| wrong(part, "a signature of another key or over other facts", over))?;
    match before.newest {
        Some(newest) if attestation.sequence < newest.sequence => {
            let found = format!("{}, which is older than what is known", attestation.sequence);
            let accepted = format!("{} or more; take a new bundle from the agency", newest.sequence);
            Err(wrong(".sequence", &found, &accepted))
        }
        // The one that is known does not hold for these facts: the agency signed two things under one number.
        Some(newest) if attestation.sequence == newest.sequence && holds(newest).is_none() => {
            let found = format!("{}, which is known with other facts", attestation.sequence);
            let accepted = format!(
                "{} for other facts; two bundles contradict each other: ask the agency, and take a new one",
                newest.sequence.saturating_add(1)
            );
            Err(wrong(".sequence", &found, &accepted))
        }
        _ => Ok(()),
    }
}

/// Checks the genesis hashes an agency signed, and that each document has its hash.
pub fn check_genesis(signed: &[SignedGenesis], key: Option<PublicKey>) -> Outcome<()> {
    for (position, one) in signed.iter().enumerate() {
        let field = format!("spec.external.genesis[{position}]");
        let statement = Statement::genesis(&one.group, &one.hash);
        let before = Before { key, newest: None };
        check(
            &format!("{field}.attestation"),
            Some(&one.attestation),
            &statement,
            before,
        )?;
        // Without a key nothing held.
        let hash = one.document.as_deref().zip(key);
        let hash = hash.map(|(document, key)| hash_of(key.kind().cryptography(), document));
        if let Some(hash) = hash.filter(|hash| hash.to_string() != one.hash) {
            let text = format!(
                "{}: {field}.document: found a document with the hash {hash}; accepted: the one with {}",
                statement.object(),
                one.hash
            );
            return Err(Hold::wrong(Reason::AttestationInvalid, text));
        }
    }
    Ok(())
}

/// Checks what an agency asks for: signed by itself, and for nobody but itself. `owner` says whose a Node is, as far as it is known.
pub fn check_wishes<'o>(
    agency: &str,
    wishes: &[SignedWishes],
    key: Option<PublicKey>,
    owner: impl Fn(&str) -> Option<&'o str>,
) -> Outcome<()> {
    for (position, one) in wishes.iter().enumerate() {
        let field = format!("spec.external.wishes[{position}]");
        let text = wishes_text(&one.members, one.seat);
        let statement = Statement::wishes(&one.group, &text);
        let before = Before { key, newest: None };
        check(
            &format!("{field}.attestation"),
            Some(&one.attestation),
            &statement,
            before,
        )?;
        for member in &one.members {
            if let Some(other) = owner(&member.node).filter(|owner| *owner != agency) {
                let text = format!(
                    "{}: {field}.members[{}]: found a node of {other}; accepted: one of {agency}, which asks for nobody else",
                    statement.object(),
                    member.node
                );
                return Err(Hold::wrong(Reason::AttestationInvalid, text));
            }
        }
    }
    Ok(())
}

/// What a key of this namespace signed, against what it should have signed.
#[derive(Clone, Debug)]
pub struct Signing {
    signer: Identity,
    before: Attestations,
    unsigned: Vec<Unsigned>,
}

impl Signing {
    /// With the record that was found.
    pub fn new(signer: Identity, record: Option<&str>) -> Self {
        Self {
            signer,
            before: record.map(Attestations::read).unwrap_or_default(),
            unsigned: vec![],
        }
    }

    /// What was signed last about an object.
    pub fn last(&self, object: &str) -> Option<&Attested> {
        self.before.0.get(object)
    }

    /// The attestation of these facts; ordered when there is none. `remembered` is what the object's status says of the one
    /// before: a record that is lost does not make sequences begin again.
    pub fn attest(&mut self, statement: &Statement<'_>, remembered: Option<&Attestation>) -> Option<Attestation> {
        let before = self.last(&statement.object());
        if let Some(signed) = before.filter(|signed| signed.facts == statement.fingerprint()) {
            return Some(signed.attestation());
        }
        let newest = [
            before.map(|signed| signed.sequence),
            remembered.map(|known| known.sequence),
        ];
        let sequence = newest.into_iter().flatten().max().unwrap_or(0).max(0).saturating_add(1);
        self.unsigned.push(statement.unsigned(sequence));
        None
    }

    /// The signature over a list that has a number of its own; ordered when there is none.
    pub fn sign(&mut self, object: String, sequence: i64, message: Vec<u8>) -> Option<String> {
        let facts = keccak256(&message);
        if let Some(signed) = self.before.0.get(&object).filter(|signed| signed.facts == facts) {
            return Some(signed.signature.clone());
        }
        self.unsigned.push(Unsigned {
            object,
            sequence,
            facts,
            message: message.into(),
            trust: None,
        });
        None
    }

    /// What is to be signed; none when everything is.
    pub fn order(self) -> Option<AttestationOrder> {
        (!self.unsigned.is_empty()).then_some(AttestationOrder {
            signer: self.signer,
            before: self.before,
            unsigned: self.unsigned,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::AgencyName;
    use crate::pki::PrivateKey;
    use crate::pki::testing::entropy;
    use crate::plan::KeyKind;

    const HASH: &str = "0xabababababababababababababababababababababababababababababababab";

    fn key() -> (PrivateKey, PublicKey) {
        let key = PrivateKey::generate(KeyKind::P256, &mut entropy(1)).unwrap();
        let public = key.public();
        (key, public)
    }

    fn signing(record: Option<&str>) -> Signing {
        Signing::new(Identity::AgencyCa(AgencyName::new("agency-d").unwrap()), record)
    }

    fn statement<'a>(account: Option<&'a str>, certificate: Option<&'a str>) -> Statement<'a> {
        Statement {
            kind: "Agency",
            name: "agency-d",
            facts: vec![("governanceAccount", account), ("certificate", certificate)],
            trust: None,
        }
    }

    fn signed(statement: &Statement<'_>, record: Option<&str>) -> (Attestation, String) {
        let mut first = signing(record);
        assert_eq!(first.attest(statement, None), None, "not signed yet");
        let record = first.order().unwrap().carried_out(&key().0).unwrap().to_text();
        let mut second = signing(Some(&record));
        let found = second.attest(statement, None).unwrap();
        assert_eq!(second.order(), None, "what is signed is not signed again");
        (found, record)
    }

    fn reason(outcome: Outcome<()>) -> Option<Reason> {
        match outcome.err()? {
            Hold::Wrong(obstacle) | Hold::Pending(obstacle) => Some(obstacle.reason),
        }
    }

    #[test]
    fn an_attestation_holds_for_its_facts_sequence_and_key_only() {
        let stranger = PrivateKey::generate(KeyKind::P256, &mut entropy(2)).unwrap().public();
        let (_, id) = key();
        let right = statement(Some("0x01"), None);
        let (attestation, _) = signed(&right, None);
        let before = |key| Before { key, newest: None };
        let check = |found: Option<&Attestation>, statement: &Statement<'_>, key| {
            reason(check(FIELD, found, statement, before(key)))
        };
        assert_eq!(check(Some(&attestation), &right, Some(id)), None);
        assert_eq!(check(None, &right, Some(id)), Some(Reason::AttestationMissing));
        let (mut renamed, mut of_a_node) = (right.clone(), right.clone());
        (renamed.name, of_a_node.kind) = ("agency-e", "Node");
        let others = [
            statement(Some("0x02"), None),
            statement(Some("0x01"), Some("")),
            statement(None, None),
            renamed,
            of_a_node,
        ];
        for other in others {
            let found = check(Some(&attestation), &other, Some(id));
            assert_eq!(found, Some(Reason::AttestationInvalid), "{other:?}");
        }
        let later = Attestation {
            sequence: attestation.sequence + 1,
            ..attestation.clone()
        };
        assert!(check(Some(&later), &right, Some(id)).is_some());
        assert!(check(Some(&attestation), &right, Some(stranger)).is_some());
        assert!(check(Some(&attestation), &right, None).is_some());
    }

    #[test]
    fn a_sequence_grows_when_the_facts_change_and_an_older_one_is_refused() {
        let (_, id) = key();
        let (old, new) = (statement(Some("0x01"), None), statement(Some("0x01"), Some("renewed")));
        let (first, record) = signed(&old, None);
        let (second, record) = signed(&new, Some(&record));
        let (third, _) = signed(&old, Some(&record));
        assert_eq!([first.sequence, second.sequence, third.sequence], [1, 2, 3]);
        let before = Before {
            key: Some(id),
            newest: Some(&second),
        };
        assert_eq!(
            reason(check(FIELD, Some(&first), &old, before)),
            Some(Reason::AttestationInvalid)
        );
        assert_eq!(reason(check(FIELD, Some(&second), &new, before)), None);
        assert_eq!(reason(check(FIELD, Some(&third), &old, before)), None);
    }

    #[test]
    fn one_sequence_stands_for_one_set_of_facts() {
        let (_, id) = key();
        let (one, other) = (statement(Some("0x01"), None), statement(Some("0x02"), None));
        // A record that was lost with its statuses, or two operators that signed at once: both are number 1.
        let ((first, _), (second, _)) = (signed(&one, None), signed(&other, None));
        assert_eq!((first.sequence, second.sequence), (1, 1));
        let before = |newest| Before {
            key: Some(id),
            newest: Some(newest),
        };
        let Err(Hold::Wrong(obstacle)) = check(FIELD, Some(&second), &other, before(&first)) else {
            panic!("it was accepted");
        };
        assert_eq!(obstacle.reason, Reason::AttestationInvalid);
        assert!(
            obstacle
                .message
                .contains("attestation.sequence: found 1, which is known with other facts; accepted: 2"),
            "{}",
            obstacle.message
        );
        assert_eq!(reason(check(FIELD, Some(&first), &one, before(&first))), None);
    }

    #[test]
    fn a_lost_record_does_not_make_sequences_begin_again() {
        let known = Attestation {
            sequence: 7,
            signature: String::new(),
        };
        let mut again = signing(Some("not a record"));
        assert_eq!(again.attest(&statement(None, None), Some(&known)), None);
        assert_eq!(again.order().unwrap().unsigned[0].sequence, 8);
    }

    #[test]
    fn a_document_without_its_signed_hash_is_refused() {
        let (_, id) = key();
        let (attestation, _) = signed(&Statement::genesis("group-1", HASH), None);
        let mut one = SignedGenesis {
            group: "group-1".to_owned(),
            hash: HASH.to_owned(),
            document: None,
            attestation,
        };
        assert_eq!(reason(check_genesis(std::slice::from_ref(&one), Some(id))), None);
        one.document = Some("{}".to_owned());
        assert!(reason(check_genesis(&[one], Some(id))).is_some());
    }

    #[test]
    fn a_line_s_end_that_an_editor_added_is_no_other_fact() {
        let (one, other) = (statement(None, Some("pem")), statement(None, Some("pem\n")));
        assert_eq!(one.unsigned(1), other.unsigned(1));
    }
}
