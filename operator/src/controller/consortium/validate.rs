//! Spec → [`ValidatedConsortium`].

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::{Consortium, ManagedRegistrar, Registrar, Revocations};
use althing_types::NodeId;
use althing_types::genesis::Cryptography;
use jiff::{SignedDuration, Timestamp};

use crate::controller::certificate::Certificate;
use crate::controller::{Hold, Outcome, duration, edition};
use crate::name::{AgencyName, ChainKeyName, ConsortiumName};
use crate::pki::signature;
use crate::plan::Identity;

/// The shortest and the longest life of a managed chain certificate.
const VALIDITY: (SignedDuration, SignedDuration) = (
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(100 * 365 * 24),
);
/// Separates the registrar's signatures over revocations from every other signature.
const REVOCATIONS_TAG: &[u8] = b"althing/revocations/v1";

/// A Consortium that is known to be right.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedConsortium {
    /// Its name.
    pub name: ConsortiumName,
    /// The chain id.
    pub chain_id: u64,
    /// The edition of its keys, certificates and hashes.
    pub cryptography: Cryptography,
    /// Who keeps the chain key, when it is kept here.
    pub registrar: Option<RegistrarMode>,
    /// The external agencies whose requests are signed: the fingerprint of each one's request.
    pub admitted: BTreeMap<AgencyName, String>,
    /// The chain certificates the spec trusts, in its order.
    pub trusted: Vec<Certificate>,
    /// The fingerprint of the one that signs now.
    pub issuing: Option<String>,
    /// The agencies that a rollover does not wait for, and until when.
    pub waivers: BTreeMap<AgencyName, Timestamp>,
    /// What is no longer trusted.
    pub revocations: RevocationList,
    /// Whether sealers on the list are cut off before a vote has removed them.
    pub revokes_by_force: bool,
}

/// Who keeps the chain key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarMode {
    /// The operator makes it, once.
    Managed {
        /// How long a chain certificate holds.
        validity: SignedDuration,
        /// The numbers of its keys, ascending.
        keys: Vec<u16>,
    },
    /// It was put there from outside.
    Provided {
        /// The Secret it is in.
        secret_name: String,
    },
}

/// What is no longer trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    /// NodeIDs.
    pub node_ids: BTreeSet<NodeId>,
    /// Agencies by the common name of their certificate.
    pub agencies: BTreeSet<String>,
    /// Serial numbers, lower-case hex without leading zeros.
    pub serials: BTreeSet<String>,
}

/// Checks a Consortium.
pub fn validate(name: &ConsortiumName, object: &Consortium) -> Outcome<ValidatedConsortium> {
    let spec = &object.spec;
    let chain_id = u64::try_from(spec.chain_id)
        .ok()
        .filter(|id| (1..=althing_crds::CHAIN_ID_MAX).contains(id));
    let chain_id = chain_id.ok_or_else(|| Hold::field("spec.chainId", spec.chain_id, "1 to 274877906942"))?;
    if spec.registrar.is_none() && spec.trust.is_none() {
        return Err(Hold::field(
            "spec.registrar",
            "nothing",
            "spec.registrar, or spec.trust where the chain key is elsewhere",
        ));
    }
    let trusted = spec.trust.iter().flat_map(|trust| &trust.certificates).enumerate();
    let trusted = trusted
        .map(|(index, pem)| trusted_certificate(index, pem, edition::declared(object)))
        .collect::<Outcome<Vec<_>>>()?;
    let issuing = spec.trust.as_ref().and_then(|trust| trust.issuing.clone());
    if spec.registrar.is_none() && issuing.is_none() && trusted.len() > 1 {
        return Err(Hold::field(
            "spec.trust.issuing",
            "nothing",
            "the fingerprint of the certificate that signs now, because several are trusted",
        ));
    }
    let registrar = spec.registrar.as_ref().map(registrar_mode).transpose()?;
    let revocations = match &spec.revocations {
        Some(list) => revocation_list(list, registrar.is_some(), &trusted)?,
        None => RevocationList::default(),
    };
    let admitted = spec.registrar.iter().flat_map(|registrar| &registrar.admit);
    let admitted = admitted.map(|admission| match AgencyName::new(admission.agency.clone()) {
        Ok(agency) => Ok((agency, admission.csr_fingerprint.to_ascii_lowercase())),
        Err(error) => Err(Hold::field(
            "spec.registrar.admit",
            format!("{:?}", error.found),
            "the name of an Agency",
        )),
    });
    let waivers = spec.trust.iter().flat_map(|trust| &trust.waivers);
    let waivers = waivers.map(|waiver| match AgencyName::new(waiver.agency.clone()) {
        Ok(agency) => Ok((agency, waiver.until.0)),
        Err(error) => Err(Hold::field(
            "spec.trust.waivers",
            format!("{:?}", error.found),
            "the name of an Agency",
        )),
    });
    Ok(ValidatedConsortium {
        name: name.clone(),
        chain_id,
        cryptography: edition::declared(object),
        registrar,
        admitted: admitted.collect::<Outcome<_>>()?,
        trusted,
        issuing,
        waivers: waivers.collect::<Outcome<_>>()?,
        revocations,
        revokes_by_force: spec.revocations.as_ref().is_some_and(|list| list.force),
    })
}

fn trusted_certificate(index: usize, pem: &str, edition: Cryptography) -> Outcome<Certificate> {
    let field = format!("spec.trust.certificates[{index}]");
    let certificate =
        Certificate::read(pem).map_err(|error| Hold::field(&field, error, "a chain certificate in PEM"))?;
    edition::check_certificate(&field, &certificate.facts, edition)?;
    match certificate.facts.is_ca {
        true => Ok(certificate),
        false => Err(Hold::field(
            &field,
            format!("a certificate of {:?}", certificate.facts.common_name),
            "a certificate authority's",
        )),
    }
}

/// The numbers that can be a key's; a schema lets no others through.
fn key_numbers(managed: &ManagedRegistrar) -> Vec<u16> {
    let numbers = managed.keys.iter().filter_map(|key| u16::try_from(*key).ok());
    numbers.filter(|number| (1..=999).contains(number)).collect()
}

/// The chain keys that the spec names: made where they are missing.
pub fn chain_keys(name: &ConsortiumName, registrar: Option<&Registrar>) -> Vec<Identity> {
    let key = |number| Identity::ChainCa(ChainKeyName::new(name.clone(), number));
    match registrar {
        None => vec![],
        Some(Registrar {
            managed: Some(managed), ..
        }) => key_numbers(managed).into_iter().map(key).collect(),
        Some(_) => vec![key(1)],
    }
}

/// The same with every older one: its certificate may still be trusted, and its key is kept for ever.
pub fn known_chain_keys(name: &ConsortiumName, registrar: Option<&Registrar>) -> Vec<Identity> {
    let newest = chain_keys(name, registrar).pop();
    let newest = newest.and_then(|identity| match identity {
        Identity::ChainCa(key) => Some(key.number()),
        _ => None,
    });
    let numbers = 1..=newest.unwrap_or(0);
    numbers
        .map(|number| Identity::ChainCa(ChainKeyName::new(name.clone(), number)))
        .collect()
}

fn registrar_mode(registrar: &Registrar) -> Outcome<RegistrarMode> {
    match (&registrar.managed, &registrar.secret_name) {
        (Some(managed), None) => {
            let validity = duration::parse(
                "spec.registrar.managed.validity",
                &managed.validity,
                VALIDITY.0,
                VALIDITY.1,
            )?;
            let keys = key_numbers(managed);
            match keys.is_empty() || !keys.is_sorted_by(|one, next| one < next) {
                true => Err(Hold::field(
                    "spec.registrar.managed.keys",
                    format!("{:?}", managed.keys),
                    "numbers from 1 to 999, ascending, each once",
                )),
                false => Ok(RegistrarMode::Managed { validity, keys }),
            }
        }
        (None, Some(secret_name)) => Ok(RegistrarMode::Provided {
            secret_name: secret_name.clone(),
        }),
        _ => Err(Hold::field(
            "spec.registrar",
            "both or none of managed and secretName",
            "exactly one of them",
        )),
    }
}

/// Own lists are the registrar's word; anybody else's must carry its signature.
fn revocation_list(list: &Revocations, is_own: bool, trusted: &[Certificate]) -> Outcome<RevocationList> {
    let node_ids = list.node_ids.iter().map(|id| {
        id.parse::<NodeId>()
            .map_err(|error| Hold::field("spec.revocations.nodeIds", error, "128 hex digits each"))
    });
    let revocations = RevocationList {
        node_ids: node_ids.collect::<Outcome<_>>()?,
        agencies: list.agencies.iter().cloned().collect(),
        serials: list
            .serials
            .iter()
            .map(|serial| serial.trim_start_matches('0').to_ascii_lowercase())
            .collect(),
    };
    if is_own {
        return Ok(revocations);
    }
    let wrong = |found: &str| {
        Hold::field(
            "spec.revocations.signature",
            found,
            "the chain key's signature over the list",
        )
    };
    let given = list.signature.as_deref().ok_or_else(|| wrong("nothing"))?;
    let given = alloy_primitives::hex::decode(given).map_err(|_| wrong("no hex digits"))?;
    let message = revocations_message(list, &revocations);
    let mut keys = trusted.iter().filter_map(|certificate| certificate.facts.key());
    match keys.any(|key| signature::verify(&key, &message, &given)) {
        true => Ok(revocations),
        false => Err(wrong("a signature of another key or over another list")),
    }
}

/// The bytes a registrar signs: the tag, the sequence, whether it is by force, and every entry in order, each with its length.
pub fn revocations_message(given: &Revocations, list: &RevocationList) -> Vec<u8> {
    let node_ids = list.node_ids.iter().map(ToString::to_string);
    let groups: [Vec<String>; 3] = [
        node_ids.collect(),
        list.agencies.iter().cloned().collect(),
        list.serials.iter().cloned().collect(),
    ];
    let mut message = [REVOCATIONS_TAG, &given.sequence.to_be_bytes(), &[u8::from(given.force)]].concat();
    for group in groups {
        message.extend((group.len() as u64).to_be_bytes());
        for entry in group {
            message.extend((entry.len() as u64).to_be_bytes());
            message.extend(entry.as_bytes());
        }
    }
    message
}
