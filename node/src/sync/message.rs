//! What nodes of a group tell each other outside consensus: where they are, and blocks with their certificates.

use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use althing_types::codec::bounded;
use althing_types::{B256, Bytes, CommitCertificate, DecodeError};

/// Blocks asked for at once.
pub const BLOCKS_PER_REQUEST: u64 = 32;
/// Bytes of blocks in one answer; at least one block is always sent.
pub(super) const ANSWER_BYTES: usize = 4 << 20;
/// Bytes a message may have: one block of the largest size beside its certificate.
const MESSAGE_BYTES_MAX: usize = 40 << 20;

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Status {
    /// Height of its last block.
    pub height: u64,
    /// Hash of it.
    pub hash: B256,
    /// Whether it ever voted or holds a block beyond block 0: a group in which nobody did has nothing to lose.
    pub begun: bool,
    /// Its wall clock, milliseconds since 1970.
    pub unix_ms: u64,
}

/// A request for consecutive blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Request {
    /// The first height.
    pub from: u64,
    /// How many, at most [`BLOCKS_PER_REQUEST`].
    pub count: u64,
}

/// A block as its holder stored it.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct SyncedBlock {
    /// The encoded block.
    pub block: Bytes,
    /// Its certificate.
    pub certificate: CommitCertificate,
}

/// A message of the sync module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncMessage {
    /// Where the sender is.
    Status(Status),
    /// What the sender wants.
    Request(Request),
    /// What the receiver wanted, ascending and without gaps.
    Blocks(Vec<SyncedBlock>),
}

impl SyncMessage {
    /// The message's bytes: a kind, then RLP.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Status(status) => {
                out.push(0);
                status.encode(&mut out);
            }
            Self::Request(request) => {
                out.push(1);
                request.encode(&mut out);
            }
            Self::Blocks(blocks) => {
                out.push(2);
                blocks.encode(&mut out);
            }
        }
        out.into()
    }

    /// Reads a message from outside: bounded, nothing after it.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a sync message";
        bounded(WHAT, bytes, MESSAGE_BYTES_MAX)?;
        let (kind, mut rest) = bytes
            .split_first()
            .ok_or_else(|| DecodeError::malformed(WHAT, "it is empty"))?;
        let malformed = |e: alloy_rlp::Error| DecodeError::malformed(WHAT, e);
        let message = match kind {
            0 => Self::Status(Status::decode(&mut rest).map_err(malformed)?),
            1 => Self::Request(Request::decode(&mut rest).map_err(malformed)?),
            2 => Self::Blocks(Vec::decode(&mut rest).map_err(malformed)?),
            other => return Err(DecodeError::malformed(WHAT, format!("kind {other}"))),
        };
        match rest.len() {
            0 => Ok(message),
            left => Err(DecodeError::malformed(WHAT, format!("{left} bytes follow it"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: SyncMessage) {
        assert_eq!(SyncMessage::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn a_message_reads_as_it_was_written() {
        check(SyncMessage::Status(Status {
            height: 7,
            hash: B256::repeat_byte(1),
            begun: true,
            unix_ms: 5,
        }));
        check(SyncMessage::Request(Request { from: 1, count: 32 }));
        let certificate = CommitCertificate {
            height: 1,
            view: 0,
            block: B256::ZERO,
            signatures: vec![],
        };
        check(SyncMessage::Blocks(vec![SyncedBlock {
            block: Bytes::from_static(b"block"),
            certificate,
        }]));
    }

    #[test]
    fn a_malformed_message_is_refused() {
        for bytes in [&[][..], &[9], &[0], &[1, 0xc0], &[2, 0xff, 0xff], &[1, 0xc2, 1, 1, 0]] {
            assert!(SyncMessage::decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
