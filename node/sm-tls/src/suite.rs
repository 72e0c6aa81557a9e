//! TLS_SM4_GCM_SM3: records sealed with SM4 in Galois counter mode.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, Nonce as GcmNonce, Tag};
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter, Nonce,
    OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm, UnsupportedOperationError,
    make_tls13_aad,
};
use rustls::{CipherSuite, ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion, Tls13CipherSuite};
use sm4::Sm4;

use crate::hash::{HKDF, Sm3Hash};

/// GCM is one construction over any block cipher of 16 octets; the crate is called after the usual one.
type Sm4Gcm = AesGcm<Sm4, U12>;

/// Octets of an SM4 key.
const KEY_LEN: usize = 16;

/// Octets of a tag of GCM.
const TAG_LEN: usize = 16;

/// The suite 0x00C6. RFC 8998 has a second one, with SM4 in CCM, which nobody needs who has this one.
pub static TLS13_SM4_GCM_SM3: &Tls13CipherSuite = &Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::Unknown(0x00C6),
        hash_provider: &Sm3Hash,
        // What rustls says for AES in GCM: the bound follows from the block's 128 bits, which SM4 has as well.
        confidentiality_limit: 1 << 24,
    },
    hkdf_provider: &HKDF,
    aead_alg: &Sm4GcmAead,
    quic: None,
};

struct Sm4GcmAead;

impl Tls13AeadAlgorithm for Sm4GcmAead {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Records::new(&key, iv))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Records::new(&key, iv))
    }

    fn key_len(&self) -> usize {
        KEY_LEN
    }

    /// For TLS in the kernel. rustls has no place for a key of SM4.
    fn extract_keys(&self, _key: AeadKey, _iv: Iv) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// One direction of a connection, until its next key.
struct Records {
    /// There, because rustls gives as many octets as `key_len` says; without it nothing is sealed and nothing opened.
    cipher: Option<Sm4Gcm>,
    iv: Iv,
}

impl Records {
    fn new(key: &AeadKey, iv: Iv) -> Self {
        let cipher = Sm4Gcm::new_from_slice(key.as_ref()).ok();
        Self { cipher, iv }
    }

    fn nonce(&self, sequence: u64) -> GcmNonce<U12> {
        Nonce::new(&self.iv, sequence).0.into()
    }
}

impl MessageEncrypter for Records {
    fn encrypt(&mut self, message: OutboundPlainMessage<'_>, sequence: u64) -> Result<OutboundOpaqueMessage, Error> {
        let cipher = self.cipher.as_ref().ok_or(Error::EncryptError)?;
        let sealed_len = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(sealed_len);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        let header = make_tls13_aad(sealed_len);
        let tag = cipher
            .encrypt_inout_detached(&self.nonce(sequence), &header, payload.as_mut().into())
            .map_err(|_| Error::EncryptError)?;
        payload.extend_from_slice(&tag);
        // Records of TLS 1.3 call themselves application data of TLS 1.2 (RFC 8446, section 5.2).
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            payload,
        ))
    }

    /// A record ends with the octet of its type and the tag.
    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        payload_len + 1 + TAG_LEN
    }
}

impl MessageDecrypter for Records {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let cipher = self.cipher.as_ref().ok_or(Error::DecryptError)?;
        let header = make_tls13_aad(message.payload.len());
        let (sealed, tag) = message
            .payload
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or(Error::DecryptError)?;
        let tag = Tag::from(*tag);
        let plain_len = sealed.len();
        cipher
            .decrypt_inout_detached(&self.nonce(sequence), &header, sealed.into(), &tag)
            .map_err(|_| Error::DecryptError)?;
        message.payload.truncate(plain_len);
        message.into_tls13_unpadded_message()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets<const N: usize>(digits: &str) -> [u8; N] {
        hex::decode(digits).unwrap().try_into().unwrap()
    }

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_in_gcm_is_as_rfc_8998_says() {
        let cipher = Sm4Gcm::new(&octets::<16>("0123456789abcdeffedcba9876543210").into());
        let nonce = octets::<12>("00001234567800000000abcd").into();
        let associated = octets::<20>("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = octets::<64>(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let sealed = octets::<64>(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
             d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        );
        let mut data = plain;
        let tag = cipher
            .encrypt_inout_detached(&nonce, &associated, data.as_mut_slice().into())
            .unwrap();
        assert_eq!(data, sealed);
        assert_eq!(tag, Tag::from(octets::<16>("83de3541e4c2b58177e065a9bf7b62ec")));
        cipher
            .decrypt_inout_detached(&nonce, &associated, data.as_mut_slice().into(), &tag)
            .unwrap();
        assert_eq!(data, plain);
    }

    #[test]
    fn no_key_of_sm4_leaves_for_the_kernel() {
        let (key, iv) = (AeadKey::from([1; 32]), Iv::from([2; 12]));
        assert!(Sm4GcmAead.extract_keys(key, iv).is_err());
    }

    #[test]
    fn a_key_of_another_length_seals_nothing() {
        let mut records = Records::new(&AeadKey::from([1; 32]), Iv::from([2; 12]));
        let message = OutboundPlainMessage {
            typ: ContentType::ApplicationData,
            version: ProtocolVersion::TLSv1_2,
            payload: b"a block"[..].into(),
        };
        assert!(matches!(records.encrypt(message, 0), Err(Error::EncryptError)));
    }
}
