//! What an edition brings to the network, as values: nothing else in here asks which edition it is.

use std::fmt;
use std::sync::Arc;

use althing_crypto::Curve;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::CertificateDer;
use rustls::{DigitallySignedStruct, Error};

/// Checks the signature that a peer made over a handshake; `rustls::crypto::verify_tls13_signature` has this form.
type VerifyHandshake = fn(
    &[u8],
    &CertificateDer<'_>,
    &DigitallySignedStruct,
    &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error>;

/// How an edition speaks TLS and signs certificates.
#[derive(Clone)]
pub struct TlsEdition {
    /// Suites, groups, signatures and private keys of TLS; which signatures of certificates count.
    pub(crate) provider: Arc<CryptoProvider>,
    /// The curve of keys that are nodeIDs.
    pub(crate) curve: Curve,
    pub(crate) verify_handshake: VerifyHandshake,
}

impl TlsEdition {
    /// The standard edition: TLS 1.3 as everybody speaks it, P-256 nodes.
    pub fn standard() -> Self {
        Self {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            curve: Curve::P256,
            verify_handshake: rustls::crypto::verify_tls13_signature,
        }
    }

    /// The SM edition: TLS 1.3 of RFC 8998, SM2 nodes.
    pub fn sm() -> Self {
        Self {
            provider: Arc::new(althing_sm_tls::provider()),
            curve: Curve::Sm2,
            // It knows both names that certificates of the field have for a key, of which the provider's algorithms have one.
            verify_handshake: |message, certificate, signature, _| {
                althing_sm_tls::verify_tls13_signature(message, certificate, signature)
            },
        }
    }

    /// The curve of keys that are nodeIDs.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The signatures that count in certificates and handshakes.
    pub(crate) fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }
}

impl fmt::Debug for TlsEdition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsEdition")
            .field("curve", &self.curve)
            .finish_non_exhaustive()
    }
}

impl PartialEq for TlsEdition {
    fn eq(&self, other: &Self) -> bool {
        self.curve == other.curve
    }
}

impl Eq for TlsEdition {}
