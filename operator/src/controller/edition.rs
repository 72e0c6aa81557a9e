//! What is of another edition than its consortium is refused, with one sentence wherever it came from.

use althing_crds::v1alpha1::{Consortium, Cryptography as Declared};
use althing_types::genesis::Cryptography;

use super::{Context, Hold, Outcome};
use crate::manifest::NamespaceManifests;
use crate::pki::{CertificateFacts, Request};
use crate::plan::{IdentityKind, KeyKind, KeyPurpose};
use crate::status::Reason;

/// The edition a Consortium declares. It never changes.
pub const fn declared(consortium: &Consortium) -> Cryptography {
    match consortium.spec.cryptography {
        Declared::Standard => Cryptography::Standard,
        Declared::SM => Cryptography::Sm,
    }
}

impl NamespaceManifests {
    /// The edition of a consortium, as soon as its manifest is there, whatever else is wrong with it.
    pub fn edition(&self, consortium: &str) -> Option<Cryptography> {
        self.consortiums.get(consortium).map(declared)
    }

    /// The edition of an agency's consortium, as soon as both manifests are there.
    pub fn edition_of_agency(&self, agency: &str) -> Option<Cryptography> {
        let agency = self.agencies.get(agency)?;
        self.edition(&agency.spec.consortium)
    }
}

/// The edition of the consortium that an object names; what is waited for while it is not there.
pub fn of_consortium(ctx: &Context<'_>, consortium: &str) -> Outcome<Cryptography> {
    let edition = ctx.manifests.edition(consortium);
    edition.ok_or_else(|| Hold::missing("spec.consortium", "Consortium", consortium))
}

/// The edition of the agency that an object names; what is waited for while it is not there, or its consortium is not.
pub fn of_agency(ctx: &Context<'_>, agency: &str) -> Outcome<Cryptography> {
    if !ctx.manifests.agencies.contains_key(agency) {
        return Err(Hold::missing("spec.agency", "Agency", agency));
    }
    let edition = ctx.manifests.edition_of_agency(agency);
    edition.ok_or_else(|| Hold::not_ready("spec.agency", "Agency", agency))
}

/// Refuses a certificate over a key of the other edition.
pub fn check_certificate(what: &str, facts: &CertificateFacts, edition: Cryptography) -> Outcome<()> {
    let is_sm = |cryptography| cryptography == Some(Cryptography::Sm);
    match is_sm(facts.cryptography) == is_sm(Some(edition)) {
        true => Ok(()),
        false => Err(refused(
            Reason::CertificateInvalid,
            &format!(
                "{what}: found a certificate over {}; accepted: one over",
                facts.key_in_words()
            ),
            KeyKind::new(KeyPurpose::Identity, edition),
            edition,
            "have one issued over such a key",
        )),
    }
}

/// Refuses a request over a key of the other edition.
pub fn check_request(what: &str, request: &Request, edition: Cryptography) -> Outcome<()> {
    match request.cryptography == edition {
        true => Ok(()),
        false => Err(refused(
            Reason::InvalidSpec,
            &format!(
                "{what}: found a request over {}; accepted: one over",
                request.key().kind()
            ),
            KeyKind::new(KeyPurpose::Identity, edition),
            edition,
            "the agency makes it anew with such a key",
        )),
    }
}

/// Refuses a key of the other edition, or of another purpose.
pub fn check_key(what: &str, found: KeyKind, whose: IdentityKind, edition: Cryptography) -> Outcome<()> {
    let accepted = whose.key(edition);
    match found == accepted {
        true => Ok(()),
        false => Err(refused(
            Reason::KeyUnreadable,
            &format!("{what}: found {found}; accepted:"),
            accepted,
            edition,
            "put the key of this edition in its place",
        )),
    }
}

fn refused(reason: Reason, found: &str, accepted: KeyKind, edition: Cryptography, advice: &str) -> Hold {
    let why = match accepted.cryptography() == edition {
        true => format!("the consortium's cryptography is {edition}"),
        false => format!("clients' TLS is standard, also where the consortium's cryptography is {edition}"),
    };
    Hold::wrong(reason, format!("{found} {accepted}, because {why}; {advice}"))
}
