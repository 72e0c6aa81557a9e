//! Frames on a connection.
//!
//! | bytes | field |
//! | --- | --- |
//! | 4 | length of what follows, big-endian |
//! | 1 | version of this layout, [`VERSION`] |
//! | 4 | group, 0 for the network's own frames |
//! | 2 | module |
//! | 4 | sequence |
//! | … | payload |

use bytes::{Buf as _, Bytes, BytesMut};

/// The version of the layout.
pub(crate) const VERSION: u8 = 1;

/// The bytes before a payload, length included.
pub(crate) const HEADER_BYTES: usize = 15;

/// The group number of the network's own frames.
pub(crate) const CONTROL_GROUP: u32 = 0;

/// The longest payload of the network's own frames, bytes: a hello with every group fits.
pub(crate) const CONTROL_PAYLOAD_BYTES: usize = 64 << 10;

/// Payloads shorter than this are copied out of the read buffer: a slice of it would keep the whole buffer alive.
const COPY_BELOW_BYTES: usize = 4 << 10;

/// The modules of the network's own frames.
pub(crate) mod control {
    /// Who I am, on which lane, which groups I serve: the first frame in either direction.
    pub(crate) const HELLO: u16 = 1;
    /// Instead of the answering hello: the reason why not.
    pub(crate) const REFUSE: u16 = 2;
    /// Give a sign of life.
    pub(crate) const PING: u16 = 3;
    /// A sign of life.
    pub(crate) const PONG: u16 = 4;
    /// The groups I serve from now on.
    pub(crate) const GROUPS: u16 = 5;
    /// The certificates I show and the hash of those I trust, from now on.
    pub(crate) const SHOWN: u16 = 6;
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) group: u32,
    pub(crate) module: u16,
    pub(crate) sequence: u32,
    pub(crate) payload: Bytes,
}

impl Frame {
    /// One of the network's own frames.
    pub(crate) const fn control(module: u16, payload: Bytes) -> Self {
        Self {
            group: CONTROL_GROUP,
            module,
            sequence: 0,
            payload,
        }
    }

    /// Its length on the wire.
    pub(crate) const fn wire_bytes(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }

    /// The bytes before the payload. Payloads are bounded far below 4 GiB when they are queued.
    pub(crate) fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        let length = u32::try_from(self.wire_bytes() - 4).unwrap_or(u32::MAX);
        let (length_at, rest) = header.split_at_mut(4);
        let (version_at, rest) = rest.split_at_mut(1);
        let (group_at, rest) = rest.split_at_mut(4);
        let (module_at, sequence_at) = rest.split_at_mut(2);
        length_at.copy_from_slice(&length.to_be_bytes());
        version_at.copy_from_slice(&[VERSION]);
        group_at.copy_from_slice(&self.group.to_be_bytes());
        module_at.copy_from_slice(&self.module.to_be_bytes());
        sequence_at.copy_from_slice(&self.sequence.to_be_bytes());
        header
    }
}

/// Bytes that are no frame of this protocol: the connection cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {found} bytes after its length, at least {} are a header", HEADER_BYTES - 4)]
    Short { found: usize },
    #[error("a frame of layout version {found}, accepted is {VERSION}")]
    Version { found: u8 },
    #[error("a payload of {found} bytes for module {module} of group {group}, at most {limit} are accepted")]
    Long {
        group: u32,
        module: u16,
        found: usize,
        limit: usize,
    },
}

/// Takes the first frame off `buffer` when it is there as a whole. The limit of its module is checked as soon as its
/// header is there, before anything is set aside for it.
pub(crate) fn take_frame(
    buffer: &mut BytesMut,
    payload_limit: impl FnOnce(u32, u16) -> usize,
) -> Result<Option<Frame>, FrameError> {
    let mut header = buffer.as_ref();
    if header.len() < 4 {
        return Ok(None);
    }
    let length = usize::try_from(header.get_u32()).unwrap_or(usize::MAX);
    if length < HEADER_BYTES - 4 {
        return Err(FrameError::Short { found: length });
    }
    if header.len() < HEADER_BYTES - 4 {
        return Ok(None);
    }
    let version = header.get_u8();
    if version != VERSION {
        return Err(FrameError::Version { found: version });
    }
    let (group, module, sequence) = (header.get_u32(), header.get_u16(), header.get_u32());
    let found = length - (HEADER_BYTES - 4);
    let limit = payload_limit(group, module);
    if found > limit {
        return Err(FrameError::Long {
            group,
            module,
            found,
            limit,
        });
    }
    if header.len() < found {
        return Ok(None);
    }
    buffer.advance(HEADER_BYTES);
    let payload = if found < COPY_BELOW_BYTES {
        let copy = Bytes::copy_from_slice(buffer.get(..found).unwrap_or_default());
        buffer.advance(found);
        copy
    } else {
        buffer.split_to(found).freeze()
    };
    Ok(Some(Frame {
        group,
        module,
        sequence,
        payload,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(frame: &Frame) -> BytesMut {
        let mut bytes = BytesMut::from(&frame.header()[..]);
        bytes.extend_from_slice(&frame.payload);
        bytes
    }

    fn sample(payload: usize) -> Frame {
        Frame {
            group: 7,
            module: 9,
            sequence: 11,
            payload: vec![5; payload].into(),
        }
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        for payload in [0, 1, COPY_BELOW_BYTES - 1, COPY_BELOW_BYTES, 100_000] {
            let frame = sample(payload);
            let mut bytes = wire(&frame);
            bytes.extend_from_slice(b"next");
            assert_eq!(take_frame(&mut bytes, |_, _| 100_000), Ok(Some(frame)));
            assert_eq!(bytes.as_ref(), b"next");
        }
    }

    #[test]
    fn a_part_of_a_frame_waits_for_the_rest() {
        let whole = wire(&sample(20));
        for end in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..end]);
            assert_eq!(take_frame(&mut part, |_, _| 20), Ok(None));
            assert_eq!(part.len(), end);
        }
    }

    #[test]
    fn an_over_long_frame_is_refused_by_its_header_alone() {
        let mut header = BytesMut::from(&wire(&sample(21))[..HEADER_BYTES]);
        let error = take_frame(&mut header, |_, _| 20).unwrap_err();
        assert_eq!(
            error,
            FrameError::Long {
                group: 7,
                module: 9,
                found: 21,
                limit: 20
            }
        );
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        let mut short = BytesMut::from(&[0, 0, 0, 10][..]);
        assert_eq!(take_frame(&mut short, |_, _| 20), Err(FrameError::Short { found: 10 }));
        let mut other = wire(&sample(0));
        other[4] = 2;
        assert_eq!(take_frame(&mut other, |_, _| 20), Err(FrameError::Version { found: 2 }));
    }
}
