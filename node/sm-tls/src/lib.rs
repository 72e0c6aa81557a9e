//! TLS 1.3 with the Chinese commercial algorithms SM2, SM3 and SM4 ([RFC 8998]) for stock [rustls], as a
//! [`CryptoProvider`] and nothing else: no fork, no patched rustls, no state machine of its own.
//!
//! ```text
//!              ClientHello                                        what it is here
//!   suite      0x00C6  TLS_SM4_GCM_SM3  ──▶ suite, hash   SM4 in GCM, SM3, HKDF over HMAC-SM3
//!   group      41      curveSM2         ──▶ group         an ephemeral key on the SM2 curve
//!   scheme     0x0708  sm2sig_sm3       ──▶ sign          SM2 over "TLSv1.3+GM+Cipher+Suite"
//!                                       └─▶ verify        the same, and certificates over "1234567812345678"
//! ```
//!
//! There is exactly one suite, one group and one scheme, because RFC 8998 wants all three together or none. An SM end and
//! one of another kind have nothing in common and part in the first flight, with an alert; there is nothing to
//! downgrade to.
//!
//! # Use
//!
//! [`provider`] makes a fresh value, to be given to `builder_with_provider`. It never installs itself as the default of
//! the process and should not be installed as such: whoever asks for that default wants to talk to ordinary servers.
//!
//! ```
//! use std::sync::Arc;
//!
//! use rustls::pki_types::pem::PemObject;
//! use rustls::pki_types::{CertificateDer, PrivateKeyDer};
//! use rustls::server::WebPkiClientVerifier;
//! use rustls::{RootCertStore, ServerConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = |name| std::fs::read(format!("{}/tests/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
//! # let (ca_pem, chain_pem, key_pem) = (pem("ca.crt"), [pem("server.crt"), pem("agency.crt")].concat(), pem("server.key"));
//! let mut roots = RootCertStore::empty();
//! roots.add(CertificateDer::from_pem_slice(&ca_pem)?)?;
//! let chain = CertificateDer::pem_slice_iter(&chain_pem).collect::<Result<Vec<_>, _>>()?;
//! let key = PrivateKeyDer::from_pem_slice(&key_pem)?;
//!
//! let provider = Arc::new(althing_sm_tls::provider());
//! let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
//! let mut config = ServerConfig::builder_with_provider(provider)
//!     .with_protocol_versions(&[&rustls::version::TLS13])?
//!     .with_client_cert_verifier(clients)
//!     .with_single_cert(chain, key)?;
//! // A resumed session is not asked for its certificate again, so a revoked one would come back.
//! config.send_tls13_tickets = 0;
//! # Ok(())
//! # }
//! ```
//!
//! # Two identifiers
//!
//! SM2 hashes an identifier of the signer into every signature. Certificates and revocation lists are signed over
//! [`CERTIFICATE_IDENTIFIER`], handshakes over [`HANDSHAKE_IDENTIFIER`] (RFC 8998, section 3.2.1). rustls asks for the
//! algorithms of the two separately, so that each has its own place in [`SUPPORTED_ALGORITHMS`].
//!
//! # Secrets
//!
//! Ephemeral keys, shared secrets, record keys and states of HMAC are zeroized when they are dropped. Long-lived signing
//! keys are not, because `sm2` does not do it. `sm4` looks tables up, so that it is not constant in time against somebody
//! who shares the cache.
//!
//! [RFC 8998]: https://www.rfc-editor.org/rfc/rfc8998

mod group;
mod hash;
mod sign;
mod suite;
mod verify;

use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom};
use rustls::{NamedGroup, SignatureScheme};

pub use group::CURVE_SM2;
pub use sign::signing_key;
pub use suite::TLS13_SM4_GCM_SM3;
pub use verify::{SUPPORTED_ALGORITHMS, verify_tls13_signature};

/// The signature scheme sm2sig_sm3, which rustls 0.23 has no name for.
pub const SM2SIG_SM3: SignatureScheme = SignatureScheme::Unknown(0x0708);

/// The group curveSM2, which rustls 0.23 has no name for.
pub const CURVE_SM2_NAME: NamedGroup = NamedGroup::Unknown(41);

/// What certificates, signing requests and revocation lists are signed over: the default of GB/T 32918 and RFC 8998.
pub const CERTIFICATE_IDENTIFIER: &str = "1234567812345678";

/// What the CertificateVerify message of a handshake is signed over.
pub const HANDSHAKE_IDENTIFIER: &str = "TLSv1.3+GM+Cipher+Suite";

/// A provider of TLS_SM4_GCM_SM3 over curveSM2 with sm2sig_sm3, and of nothing besides. It belongs to the caller: it is
/// not, and should not be, installed as the default of the process.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![rustls::SupportedCipherSuite::Tls13(TLS13_SM4_GCM_SM3)],
        kx_groups: vec![CURVE_SM2],
        signature_verification_algorithms: SUPPORTED_ALGORITHMS,
        secure_random: &SystemRandom,
        key_provider: &sign::Keys,
    }
}

/// The operating system's randomness, which the key exchange and signatures take as well.
#[derive(Debug)]
struct SystemRandom;

impl SecureRandom for SystemRandom {
    fn fill(&self, buf: &mut [u8]) -> Result<(), GetRandomFailed> {
        getrandom::fill(buf).map_err(|_| GetRandomFailed)
    }
}
