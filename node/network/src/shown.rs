//! What a node shows its peers again after a reload: its chain certificates' hash and its own certificates, so that a live
//! connection stands on what is valid now and not on what was shown when it began.
//!
//! The connection has proven possession of the node's key, and a renewal keeps the key: certificates over the same key need
//! no new proof.
//!
//! | bytes | field |
//! | --- | --- |
//! | 32 | SHA-256 of the sender's set of chain certificates |
//! | 1 | number of certificates, leaf first |
//! | 2, … | each: length, DER |

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use rustls::pki_types::CertificateDer;

use crate::frame::CONTROL_PAYLOAD_BYTES;
use crate::refusal::{Refusal, RefusalReason};
use crate::tls::Credentials;

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) trust_hash: [u8; 32],
    /// Leaf first, as in TLS.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

impl Shown {
    /// What `credentials` show.
    pub(crate) fn of(credentials: &Credentials) -> Self {
        Self {
            trust_hash: *credentials.trust.hash(),
            chain: credentials.chain().to_vec(),
        }
    }

    /// The payload; none when the certificates are too long for a frame of the network's own: new handshakes show them.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        out.put_slice(&self.trust_hash);
        out.put_u8(u8::try_from(self.chain.len()).ok()?);
        for der in &self.chain {
            out.put_u16(u16::try_from(der.len()).ok()?);
            out.put_slice(der);
        }
        (out.len() <= CONTROL_PAYLOAD_BYTES).then(|| out.freeze())
    }

    /// Reads one; what the certificates say is for [`crate::verify_peer`].
    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, Refusal> {
        let cut = || malformed("it ends within its fields");
        let mut trust_hash = [0; 32];
        bytes.try_copy_to_slice(&mut trust_hash).map_err(|_| cut())?;
        let count = bytes.try_get_u8().map_err(|_| cut())?;
        let mut chain = Vec::new();
        for _ in 0..count {
            let length = usize::from(bytes.try_get_u16().map_err(|_| cut())?);
            if bytes.len() < length {
                return Err(cut());
            }
            chain.push(CertificateDer::from(bytes.split_to(length).to_vec()));
        }
        match bytes.len() {
            0 => Ok(Self { trust_hash, chain }),
            more => Err(malformed(&format!("{more} bytes after it"))),
        }
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(RefusalReason::Malformed, format!("certificates shown again: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        Shown {
            trust_hash: [7; 32],
            chain: vec![CertificateDer::from(vec![1, 2, 3]), CertificateDer::from(vec![4; 700])],
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        let bytes = shown().encode().unwrap();
        assert_eq!(Shown::decode(bytes).unwrap(), shown());
    }

    #[test]
    fn every_cut_and_every_byte_too_many_is_refused() {
        let bytes = shown().encode().unwrap();
        for length in 0..bytes.len() {
            assert!(Shown::decode(bytes.slice(..length)).is_err(), "{length} bytes");
        }
        let longer = Bytes::from([bytes.as_ref(), &[0]].concat());
        assert!(Shown::decode(longer).is_err());
    }

    #[test]
    fn more_than_a_frame_holds_is_not_sent() {
        let long = Shown {
            chain: vec![CertificateDer::from(vec![0; 60_000]); 2],
            ..shown()
        };
        assert_eq!(long.encode(), None);
    }
}
