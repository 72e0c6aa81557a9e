//! When a certificate is renewed: leaves at two thirds of their life, authorities at half, each a little later by a jitter, so
//! that a consortium's certificates do not all turn over in one minute. Renewal keeps the key.

use jiff::{SignedDuration, Timestamp};

use super::inspect::CertificateFacts;

/// The jitter is at most this part of the life.
const JITTER_PART: i64 = 24;

/// The moment from which a certificate is to be renewed. `seed` spreads certificates; the same seed gives the same moment.
pub fn moment(facts: &CertificateFacts, seed: u64) -> Timestamp {
    let life = facts
        .not_after
        .as_second()
        .saturating_sub(facts.not_before.as_second())
        .max(0);
    let wait = match facts.is_ca {
        true => life / 2,
        false => life / 3 * 2,
    };
    let jitter = i64::try_from(seed % u64::try_from(life / JITTER_PART + 1).unwrap_or(1)).unwrap_or(0);
    let wait = SignedDuration::from_secs(wait.saturating_add(jitter));
    facts.not_before.checked_add(wait).unwrap_or(facts.not_after)
}

/// The seed of a certificate: its fingerprint, which nobody chooses.
pub fn seed(facts: &CertificateFacts) -> u64 {
    facts
        .fingerprint
        .get(..16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// Whether the certificate is due for renewal.
pub fn is_due(facts: &CertificateFacts, now: Timestamp) -> bool {
    now >= moment(facts, seed(facts))
}
