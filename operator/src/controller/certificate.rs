//! Certificates over keys that exist: issue, renew, keep.

use althing_types::NodeId;
use jiff::{SignedDuration, Timestamp};

use super::{Context, Hold, Outcome};
use crate::pki::{CertificateFacts, Profile, inspect, renewal};
use crate::plan::{CertificateOrder, Identity, IssueReason};
use crate::status::Reason;

/// How much earlier than now a certificate begins, for clocks that lag.
const CLOCK_LAG: SignedDuration = SignedDuration::from_mins(5);

/// A certificate that should exist.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Whose.
    pub subject: Identity,
    /// The subject's public key.
    pub public_key: NodeId,
    /// Who signs.
    pub issuer: Identity,
    /// The issuer's certificate; none when the subject signs itself.
    pub issuer_certificate: Option<&'a Certificate>,
    /// What it should say.
    pub profile: Profile,
    /// The subject's common name.
    pub common_name: String,
    /// DNS names.
    pub dns_names: Vec<String>,
    /// How long it should hold.
    pub validity: SignedDuration,
    /// The subject's request, when its key is elsewhere.
    pub request: Option<String>,
}

/// Who issues, and its certificate.
#[derive(Clone, Debug)]
pub struct Issuer<'a> {
    /// Whose key signs.
    pub identity: Identity,
    /// Its certificate.
    pub certificate: &'a Certificate,
}

/// A certificate that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// As it was found.
    pub pem: String,
    /// What it says.
    pub facts: CertificateFacts,
}

impl Certificate {
    /// Reads one.
    pub fn read(pem: &str) -> Result<Self, inspect::InspectError> {
        Ok(Self {
            pem: pem.to_owned(),
            facts: inspect::first(pem)?,
        })
    }
}

/// The certificate as it is, when it is right; an order when there is none, it is due, or it says something else.
pub fn ensure(ctx: &Context<'_>, wish: &Wish<'_>, orders: &mut Vec<CertificateOrder>) -> Outcome<Certificate> {
    let found = ctx
        .identity(&wish.subject)
        .and_then(|observed| observed.certificate.as_deref());
    let found = found.and_then(|pem| Certificate::read(pem).ok());
    if let Some(certificate) = &found
        && certificate.facts.public_key != Some(wish.public_key)
    {
        let text = format!(
            "the certificate of {} is over another key than the one that is there",
            wish.subject
        );
        return Err(Hold::wrong(Reason::KeyMismatch, text));
    }
    let (not_before, not_after) = dates(ctx.now, wish)?;
    let reason = match &found {
        None => Some(IssueReason::First),
        Some(certificate) => reason_to_issue(ctx.now, wish, certificate, not_after),
    };
    if let Some(reason) = reason {
        orders.push(CertificateOrder {
            subject: wish.subject.clone(),
            issuer: wish.issuer.clone(),
            profile: wish.profile.clone(),
            common_name: wish.common_name.clone(),
            not_before,
            not_after,
            dns_names: wish.dns_names.clone(),
            request: wish.request.clone(),
            reason,
        });
    }
    match (found, reason) {
        (Some(certificate), None | Some(IssueReason::Renewal)) if certificate.facts.holds_at(ctx.now) => {
            Ok(certificate)
        }
        (Some(_), None) => {
            let text = format!("the certificate of {} is not within its dates", wish.subject);
            Err(Hold::pending(Reason::CertificateExpired, text))
        }
        _ => {
            let text = format!("the certificate of {} is being issued", wish.subject);
            Err(Hold::pending(Reason::Progressing, text))
        }
    }
}

/// From a little before now for its life, but no longer than its issuer's certificate.
fn dates(now: Timestamp, wish: &Wish<'_>) -> Outcome<(Timestamp, Timestamp)> {
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    let now = whole(now);
    let not_before = now.checked_sub(CLOCK_LAG).unwrap_or(now);
    let not_after = now.checked_add(wish.validity).unwrap_or(Timestamp::MAX);
    let Some(issuer) = wish.issuer_certificate else {
        return Ok((not_before, not_after));
    };
    if !issuer.facts.holds_at(now) {
        let text = format!(
            "the certificate of {}, which issues that of {}, is not within its dates",
            wish.issuer, wish.subject
        );
        return Err(Hold::pending(Reason::CertificateExpired, text));
    }
    Ok((
        not_before.max(issuer.facts.not_before),
        not_after.min(issuer.facts.not_after),
    ))
}

fn reason_to_issue(now: Timestamp, wish: &Wish<'_>, found: &Certificate, not_after: Timestamp) -> Option<IssueReason> {
    let issuer = wish
        .issuer_certificate
        .map_or(found.pem.as_str(), |issuer| issuer.pem.as_str());
    if inspect::verify_issued_by(&found.pem, issuer).is_err() {
        return Some(IssueReason::IssuerChanged);
    }
    let facts = &found.facts;
    let says = facts.role == Some(wish.profile.role)
        && facts.common_name == wish.common_name
        && facts.organization == wish.profile.organization
        && facts.governance_account == wish.profile.governance_account
        && facts.dns_names == wish.dns_names;
    if !says {
        return Some(IssueReason::ProfileChanged);
    }
    // A renewal that gains no time is none: the issuer must be renewed first.
    (renewal::is_due(facts, now) && not_after > facts.not_after).then_some(IssueReason::Renewal)
}
