//! Private keys: from PKCS #8 or SEC 1 to what signs handshakes.

use std::fmt;
use std::sync::Arc;

use elliptic_curve::ALGORITHM_OID;
use getrandom::SysRng;
use rustls::crypto::KeyProvider;
use rustls::pki_types::{AlgorithmIdentifier, PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::sign::{Signer, SigningKey, public_key_to_spki};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use sm2::dsa::signature::RandomizedSigner;
use sm2::dsa::{self, Signature};
use sm2::pkcs8::{AssociatedOid, PrivateKeyInfoRef};
use sm2::{SecretKey, Sm2};

use crate::verify::{KEY_OF_SM2, KEY_ON_CURVE};
use crate::{HANDSHAKE_IDENTIFIER, SM2SIG_SM3};

/// Loads keys for configurations of rustls.
#[derive(Debug)]
pub(crate) struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        signing_key(&der)
    }
}

/// A key that signs handshakes, from PKCS #8 or SEC 1. Its public half is told in the form in which PKCS #8 names the
/// key (id-ecPublicKey with the curve, or the curve twice), and has to stand so in the certificate.
pub fn signing_key(der: &PrivateKeyDer<'_>) -> Result<Arc<dyn SigningKey>, Error> {
    let (secret, name) = match der {
        PrivateKeyDer::Pkcs8(pkcs8) => from_pkcs8(pkcs8.secret_pkcs8_der())?,
        PrivateKeyDer::Sec1(sec1) => (from_sec1(sec1.secret_sec1_der())?, KEY_ON_CURVE),
        _ => return Err(refused("it is neither PKCS #8 nor SEC 1")),
    };
    let key = dsa::SigningKey::new(HANDSHAKE_IDENTIFIER, &secret).map_err(|_| refused("it is one that cannot sign"))?;
    let public = public_key_to_spki(&name, key.verifying_key().to_sec1_bytes());
    Ok(Arc::new(Sm2Key {
        key: Arc::new(key),
        public,
    }))
}

fn from_pkcs8(der: &[u8]) -> Result<(SecretKey, AlgorithmIdentifier), Error> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|error| refused(&format!("it is no PKCS #8 ({error})")))?;
    let name = match info.algorithm.oids() {
        Ok((ALGORITHM_OID, Some(Sm2::OID))) => KEY_ON_CURVE,
        Ok((Sm2::OID, Some(Sm2::OID))) => KEY_OF_SM2,
        _ => {
            let found = info.algorithm.oid;
            return Err(refused(&format!(
                "its algorithm is {found}, or the curve is not that of SM2"
            )));
        }
    };
    Ok((from_sec1(info.private_key.as_bytes())?, name))
}

fn from_sec1(der: &[u8]) -> Result<SecretKey, Error> {
    SecretKey::from_sec1_der(der).map_err(|error| refused(&format!("it is no SEC 1 key on the curve of SM2 ({error})")))
}

fn refused(why: &str) -> Error {
    Error::General(format!(
        "this private key cannot be used for TLS with SM2: {why}; accepted is an SM2 key in PKCS #8 or SEC 1, unencrypted"
    ))
}

struct Sm2Key {
    key: Arc<dsa::SigningKey>,
    public: SubjectPublicKeyInfoDer<'static>,
}

impl fmt::Debug for Sm2Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sm2Key")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl SigningKey for Sm2Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = || Box::new(Sm2Signer(Arc::clone(&self.key))) as Box<dyn Signer>;
        offered.contains(&SM2SIG_SM3).then(signer)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.public.as_ref()))
    }

    /// The second octet of the scheme.
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Unknown(0x08)
    }
}

struct Sm2Signer(Arc<dsa::SigningKey>);

impl fmt::Debug for Sm2Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2Signer(…)")
    }
}

impl Signer for Sm2Signer {
    /// The nonce comes from key, message and fresh randomness together, so that none of them alone has to be trusted.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: Result<Signature, _> = self.0.try_sign_with_rng(&mut SysRng, message);
        let failed = |error| Error::General(format!("the handshake could not be signed with SM2 ({error})"));
        Ok(signature.map_err(failed)?.to_der().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SM2SIG_SM3
    }
}
