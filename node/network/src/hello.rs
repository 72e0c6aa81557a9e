//! What two nodes tell each other before the first frame of a group.
//!
//! | bytes | field |
//! | --- | --- |
//! | 2 | protocol version |
//! | 1 | lane: 0 consensus, 1 bulk |
//! | 64 | nodeID of the sender |
//! | 8 | instance: drawn at start, so that a restarted process is told from a second connection of the same |
//! | 32 | SHA-256 of its set of chain certificates |
//! | 1, … | software version, UTF-8 |
//! | 2, (4 + 32)… | groups in ascending order with their genesis hashes |

use althing_types::{B256, GroupId, NodeId};
use bytes::{Buf, BufMut as _, Bytes, BytesMut};

use crate::api::{Lane, MAX_GROUPS, MAX_SOFTWARE_BYTES, ServedGroup};
use crate::refusal::{Refusal, RefusalReason};

/// The version of everything after TLS.
pub(crate) const PROTOCOL: u16 = 1;

/// The longest text of a refusal on the wire, bytes.
const MAX_REFUSAL_BYTES: usize = 400;

/// The first frame of either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) lane: Lane,
    pub(crate) node_id: NodeId,
    pub(crate) instance: u64,
    pub(crate) trust_hash: [u8; 32],
    pub(crate) software: String,
    pub(crate) groups: Vec<ServedGroup>,
}

impl Hello {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(110 + self.software.len() + 36 * self.groups.len());
        out.put_u16(PROTOCOL);
        out.put_u8(match self.lane {
            Lane::Consensus => 0,
            Lane::Bulk => 1,
        });
        out.put_slice(self.node_id.as_bytes());
        out.put_u64(self.instance);
        out.put_slice(&self.trust_hash);
        out.put_u8(u8::try_from(self.software.len()).unwrap_or(0));
        out.put_slice(if self.software.len() <= MAX_SOFTWARE_BYTES {
            self.software.as_bytes()
        } else {
            &[]
        });
        put_groups(&mut out, &self.groups);
        out.freeze()
    }

    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, Refusal> {
        let protocol = bytes.try_get_u16().map_err(|_| cut("protocol version"))?;
        if protocol != PROTOCOL {
            let detail = format!("the peer speaks protocol version {protocol}, accepted is {PROTOCOL}");
            return Err(Refusal::new(RefusalReason::ProtocolVersion, detail));
        }
        let lane = match bytes.try_get_u8().map_err(|_| cut("lane"))? {
            0 => Lane::Consensus,
            1 => Lane::Bulk,
            other => return Err(malformed(format!("hello: lane {other}, accepted are 0 and 1"))),
        };
        let node_id = NodeId::new(take(&mut bytes, "nodeID")?);
        let instance = bytes.try_get_u64().map_err(|_| cut("instance"))?;
        let trust_hash = take(&mut bytes, "trust hash")?;
        let software = take_software(&mut bytes)?;
        let groups = take_groups(&mut bytes)?;
        Ok(Self {
            lane,
            node_id,
            instance,
            trust_hash,
            software,
            groups,
        })
    }
}

/// The payload of an announcement of groups.
pub(crate) fn encode_groups(groups: &[ServedGroup]) -> Bytes {
    let mut out = BytesMut::with_capacity(2 + 36 * groups.len());
    put_groups(&mut out, groups);
    out.freeze()
}

/// Reads an announcement of groups.
pub(crate) fn decode_groups(mut bytes: Bytes) -> Result<Vec<ServedGroup>, Refusal> {
    take_groups(&mut bytes)
}

/// The payload of a refusal.
pub(crate) fn encode_refusal(refusal: &Refusal) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(refusal.reason.code());
    let end = refusal.detail.floor_char_boundary(MAX_REFUSAL_BYTES);
    out.put_slice(refusal.detail.get(..end).unwrap_or_default().as_bytes());
    out.freeze()
}

/// Reads a refusal; whatever it holds, it is one.
pub(crate) fn decode_refusal(mut bytes: Bytes) -> Refusal {
    let reason = RefusalReason::from_code(bytes.try_get_u8().unwrap_or(u8::MAX));
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(MAX_REFUSAL_BYTES)).unwrap_or_default());
    Refusal::new(reason, text.chars().filter(|c| !c.is_control()).collect::<String>())
}

fn put_groups(out: &mut BytesMut, groups: &[ServedGroup]) {
    out.put_u16(u16::try_from(groups.len()).unwrap_or(u16::MAX));
    for served in groups {
        out.put_u32(served.group.get());
        out.put_slice(served.genesis_hash.as_slice());
    }
}

fn take_groups(bytes: &mut Bytes) -> Result<Vec<ServedGroup>, Refusal> {
    let count = usize::from(bytes.try_get_u16().map_err(|_| cut("groups"))?);
    if count > MAX_GROUPS {
        return Err(malformed(format!("{count} groups, accepted are {MAX_GROUPS}")));
    }
    let mut groups: Vec<ServedGroup> = Vec::with_capacity(count);
    for _ in 0..count {
        let number = bytes.try_get_u32().map_err(|_| cut("group"))?;
        let group = GroupId::try_from(number).map_err(|error| malformed(error.to_string()))?;
        let genesis_hash = B256::new(take(bytes, "genesis hash")?);
        if groups.last().is_some_and(|last| last.group >= group) {
            return Err(malformed(format!("group {group} is out of ascending order")));
        }
        groups.push(ServedGroup { group, genesis_hash });
    }
    if bytes.has_remaining() {
        Err(malformed(format!("{} bytes after the groups", bytes.len())))
    } else {
        Ok(groups)
    }
}

fn take_software(bytes: &mut Bytes) -> Result<String, Refusal> {
    let length = usize::from(bytes.try_get_u8().map_err(|_| cut("software version"))?);
    if length > MAX_SOFTWARE_BYTES || length > bytes.len() {
        return Err(malformed(format!(
            "a software version of {length} bytes, accepted are {MAX_SOFTWARE_BYTES}"
        )));
    }
    let text = String::from_utf8(bytes.split_to(length).into())
        .map_err(|_| malformed("the software version is not UTF-8".to_owned()))?;
    if text.chars().any(char::is_control) {
        return Err(malformed("the software version has control characters".to_owned()));
    }
    Ok(text)
}

fn take<const N: usize>(bytes: &mut Bytes, what: &str) -> Result<[u8; N], Refusal> {
    let mut out = [0; N];
    bytes.try_copy_to_slice(&mut out).map_err(|_| cut(what))?;
    Ok(out)
}

fn cut(what: &str) -> Refusal {
    malformed(format!("hello ends before its {what}"))
}

fn malformed(detail: String) -> Refusal {
    Refusal::new(RefusalReason::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Hello {
        let served = |group: u32| ServedGroup {
            group: GroupId::try_from(group).unwrap(),
            genesis_hash: B256::repeat_byte(group as u8),
        };
        Hello {
            lane: Lane::Bulk,
            node_id: NodeId::new([3; 64]),
            instance: 42,
            trust_hash: [9; 32],
            software: "althing 0.1.0".to_owned(),
            groups: vec![served(1), served(2)],
        }
    }

    #[test]
    fn a_hello_reads_back_as_it_was_written() {
        assert_eq!(Hello::decode(sample().encode()), Ok(sample()));
    }

    #[test]
    fn a_hello_cut_anywhere_or_with_more_behind_is_malformed() {
        let whole = sample().encode();
        for end in 0..whole.len() {
            assert_eq!(
                Hello::decode(whole.slice(..end)).unwrap_err().reason,
                RefusalReason::Malformed,
                "at {end}"
            );
        }
        let mut longer = BytesMut::from(whole.as_ref());
        longer.put_u8(0);
        assert_eq!(
            Hello::decode(longer.freeze()).unwrap_err().reason,
            RefusalReason::Malformed
        );
    }

    #[test]
    fn another_protocol_version_is_named() {
        let mut bytes = BytesMut::from(sample().encode().as_ref());
        bytes[1] = 2;
        assert_eq!(
            Hello::decode(bytes.freeze()).unwrap_err().reason,
            RefusalReason::ProtocolVersion
        );
    }

    #[test]
    fn groups_are_announced_once_and_in_order() {
        let mut hello = sample();
        hello.groups.reverse();
        assert_eq!(
            Hello::decode(hello.encode()).unwrap_err().reason,
            RefusalReason::Malformed
        );
    }

    #[test]
    fn a_refusal_reads_back_bounded_and_without_control_characters() {
        for reason in RefusalReason::ALL {
            let refusal = Refusal::new(reason, "because");
            assert_eq!(decode_refusal(encode_refusal(&refusal)), refusal);
        }
        let long = Refusal::new(RefusalReason::Limit, format!("\u{1b}{}", "é".repeat(1_000)));
        let read = decode_refusal(encode_refusal(&long));
        assert!(read.detail.len() <= MAX_REFUSAL_BYTES && !read.detail.contains('\u{1b}'));
    }
}
