//! Signatures of SM2 as webpki and rustls have them checked, in each form in which certificates of the field name keys
//! and signatures.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{self, WebPkiSupportedAlgorithms};
use rustls::pki_types::{AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use sm2::dsa::signature::Verifier;
use sm2::dsa::{Signature, VerifyingKey};

use crate::group::point;
use crate::{CERTIFICATE_IDENTIFIER, HANDSHAKE_IDENTIFIER, SM2SIG_SM3};

/// What a key is called: id-ecPublicKey with the curve of SM2. What OpenSSL, Tongsuo and this crate write.
pub(crate) const KEY_ON_CURVE: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d");

/// The other name, which GM/T 0015 allows: 1.2.156.10197.1.301, the curve, in the place of the algorithm as well.
pub(crate) const KEY_OF_SM2: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(
    b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d",
);

/// What a signature is called: 1.2.156.10197.1.501, sm2sign-with-sm3.
const SIGNATURE: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x75");

/// The same with parameters that say nothing, as commercial authorities write it.
const SIGNATURE_WITH_NULL: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x75\x05\x00");

/// How certificate chains and revocation lists are checked (`all`), and how CertificateVerify is (`mapping`).
pub static SUPPORTED_ALGORITHMS: WebPkiSupportedAlgorithms = algorithms(&[(SM2SIG_SM3, &[&HANDSHAKE])]);

/// The same for an end whose certificate has the other name of its key: rustls asks for one algorithm a scheme.
static OTHER_NAME: WebPkiSupportedAlgorithms = algorithms(&[(SM2SIG_SM3, &[&HANDSHAKE_OTHER_NAME])]);

static HANDSHAKE: Sm2Sm3 = Sm2Sm3::new(HANDSHAKE_IDENTIFIER, KEY_ON_CURVE, SIGNATURE);
static HANDSHAKE_OTHER_NAME: Sm2Sm3 = Sm2Sm3::new(HANDSHAKE_IDENTIFIER, KEY_OF_SM2, SIGNATURE);

/// Each name of a key with each name of a signature.
static CERTIFICATES: [&dyn SignatureVerificationAlgorithm; 4] = [
    &Sm2Sm3::new(CERTIFICATE_IDENTIFIER, KEY_ON_CURVE, SIGNATURE),
    &Sm2Sm3::new(CERTIFICATE_IDENTIFIER, KEY_ON_CURVE, SIGNATURE_WITH_NULL),
    &Sm2Sm3::new(CERTIFICATE_IDENTIFIER, KEY_OF_SM2, SIGNATURE),
    &Sm2Sm3::new(CERTIFICATE_IDENTIFIER, KEY_OF_SM2, SIGNATURE_WITH_NULL),
];

type Mapping = &'static [(SignatureScheme, &'static [&'static dyn SignatureVerificationAlgorithm])];

const fn algorithms(mapping: Mapping) -> WebPkiSupportedAlgorithms {
    let all = &CERTIFICATES;
    WebPkiSupportedAlgorithms { all, mapping }
}

/// Checks CertificateVerify with either name of the key in the certificate. For a verifier of one's own: those of rustls
/// only know the first of the two, so that they refuse an end (not an authority) whose key has the other.
pub fn verify_tls13_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    crypto::verify_tls13_signature(message, certificate, signature, &SUPPORTED_ALGORITHMS).or_else(|error| {
        crypto::verify_tls13_signature(message, certificate, signature, &OTHER_NAME).map_err(|_| error)
    })
}

/// SM2 with SM3 over an identifier, under the names that a key and a signature have.
#[derive(Debug)]
struct Sm2Sm3 {
    identifier: &'static str,
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
}

impl Sm2Sm3 {
    const fn new(identifier: &'static str, key: AlgorithmIdentifier, signature: AlgorithmIdentifier) -> Self {
        Self {
            identifier,
            key,
            signature,
        }
    }
}

impl SignatureVerificationAlgorithm for Sm2Sm3 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = point(public_key).ok_or(InvalidSignature)?;
        let key = VerifyingKey::new(self.identifier, key).map_err(|_| InvalidSignature)?;
        let parsed = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        // One signature has one encoding, so that nobody makes a second certificate out of the first.
        if parsed.to_der().as_bytes() != signature {
            return Err(InvalidSignature);
        }
        key.verify(message, &parsed).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}
