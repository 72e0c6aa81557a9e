//! SM3 as the hash of the transcript, and HMAC over it, from which rustls makes HKDF.

use hmac::digest::{FixedOutput, KeyInit, Update};
use hmac::{Hmac, Mac};
use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::crypto::hmac::{self as tls_hmac, Tag};
use rustls::crypto::tls13::HkdfUsingHmac;
use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

/// Octets of a digest.
const DIGEST_LEN: usize = 32;

/// HKDF as TLS 1.3 uses it.
pub(crate) static HKDF: HkdfUsingHmac<'static> = HkdfUsingHmac(&HmacSm3);

pub(crate) struct Sm3Hash;

impl Hash for Sm3Hash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Transcript(Sm3::new()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        Output::new(&Sm3::digest(data))
    }

    fn output_len(&self) -> usize {
        DIGEST_LEN
    }

    /// The first octet of the scheme sm2sig_sm3. No registry of TLS has SM3 by itself.
    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::Unknown(0x07)
    }
}

struct Transcript(Sm3);

impl Context for Transcript {
    fn fork_finish(&self) -> Output {
        Output::new(&self.0.clone().finalize_fixed())
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Output {
        Output::new(&self.0.finalize_fixed())
    }

    fn update(&mut self, data: &[u8]) {
        Update::update(&mut self.0, data);
    }
}

struct HmacSm3;

impl tls_hmac::Hmac for HmacSm3 {
    /// From a whole block, because that cannot fail: a key is padded with zeros, and hashed before if it is longer.
    fn with_key(&self, key: &[u8]) -> Box<dyn tls_hmac::Key> {
        let mut block = Zeroizing::new(hmac::digest::Key::<Hmac<Sm3>>::default());
        let hashed = (key.len() > block.len()).then(|| Zeroizing::new(Sm3::digest(key)));
        let key = hashed.as_ref().map_or(key, |digest| digest.as_slice());
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Box::new(HmacKey(Hmac::new(&block)))
    }

    fn hash_output_len(&self) -> usize {
        DIGEST_LEN
    }
}

struct HmacKey(Hmac<Sm3>);

impl tls_hmac::Key for HmacKey {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
        let mut mac = self.0.clone();
        Update::update(&mut mac, first);
        middle.iter().for_each(|part| Update::update(&mut mac, part));
        Update::update(&mut mac, last);
        Tag::new(&Mac::finalize(mac).into_bytes())
    }

    fn tag_len(&self) -> usize {
        DIGEST_LEN
    }
}
