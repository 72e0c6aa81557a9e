//! Ends that sign handshakes wrongly.

use std::fmt;
use std::sync::Arc;

use althing_sm_tls::SM2SIG_SM3;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use sm2::SecretKey;
use sm2::dsa;
use sm2::dsa::signature::Signer as _;
use sm2::pkcs8::DecodePrivateKey;

use super::{certified, key};

type Sign = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A key that signs however the test wants it to, and says that this is sm2sig_sm3.
#[derive(Clone)]
struct Liar(Arc<Sign>);

impl fmt::Debug for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Liar")
    }
}

impl SigningKey for Liar {
    fn choose_scheme(&self, _offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(self.clone()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Unknown(8)
    }
}

impl Signer for Liar {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok((self.0)(message))
    }

    fn scheme(&self) -> SignatureScheme {
        SM2SIG_SM3
    }
}

pub(crate) fn liar(name: &str, sign: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Arc<CertifiedKey> {
    certified(name, "agency", Arc::new(Liar(Arc::new(sign))))
}

/// The end signs with its own key, over that identifier, and the signature is changed so.
pub(crate) fn over(name: &str, identifier: &'static str, change: fn(&mut Vec<u8>)) -> Arc<CertifiedKey> {
    let secret = SecretKey::from_pkcs8_der(key(name).secret_der()).unwrap();
    let key = dsa::SigningKey::new(identifier, &secret).unwrap();
    liar(name, move |message| {
        let mut signature = key.sign(message).to_der().to_vec();
        change(&mut signature);
        signature
    })
}
