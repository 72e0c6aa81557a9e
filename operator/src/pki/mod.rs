//! Keys and certificates of both editions: chain → agency → node, sdk, admin, and client authority → listener, sdk, admin. Entropy and
//! time come in; nothing here reads a clock or a disk, and which edition it is, the keys say.
//!
//! ```text
//! entropy ─▶ key ─▶ PrivateKey ──┐            ┌─▶ inspect ─▶ CertificateFacts ─▶ renewal
//! plan::CertificateOrder ────────┴─▶ issue ───┘
//! plan::RequestOrder ─▶ request::make ─▶ (another namespace) request::verify ─▶ issue
//! what is revoked ─▶ crl ─▶ a list in PEM, for those who read no Consortium
//! ```

pub mod crl;
pub mod inspect;
pub mod issue;
pub mod key;
pub mod profile;
pub mod renewal;
pub mod request;
pub mod signature;
mod signer;
mod x509;

pub use crl::{RevocationOrder, Revoked, revoke};
pub use inspect::{CertificateFacts, InspectError, trust_hash};
pub use issue::{IssueError, IssuerMaterial, issue};
pub use key::{KeyError, PrivateKey};
pub use profile::{Profile, Role};
pub use request::{Request, RequestError};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
