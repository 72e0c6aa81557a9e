//! The log of a node's votes in one group: what consensus makes durable before a message leaves (LEDGER.md 3).
//!
//! ```text
//! file:   magic (8 bytes) ‖ record ‖ record ‖ …
//! record: payload length u32 ‖ height u64 ‖ CRC-32C of those 12 bytes ‖ CRC-32C of the payload ‖ payload (big-endian)
//! ```
//!
//! Invariants: what was appended and synced is read back, or opening fails. Only a last record that a power failure can
//! have torn is cut off; any other damage is [`VoteLogError::Corrupt`], for a node that forgot a vote may cast it twice. What
//! an empty log means is for consensus to say, which writes into a new one before anything else that it abstains.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a vote log starts with; the last byte is its format.
const MAGIC: &[u8; 8] = b"althvot\x01";
/// Bytes before a record's payload.
const HEADER_BYTES: usize = 20;
/// Bytes a record may have: a block of the largest size with its certificate.
pub const RECORD_BYTES_MAX: usize = 64 << 20;
/// Bytes of obsolete records that are worth writing the file anew.
const COMPACT_BYTES: u64 = 16 << 20;

/// Why a vote log cannot be used. The node must not vote in this group before it is mended or declared lost.
#[derive(Debug, thiserror::Error)]
pub enum VoteLogError {
    /// The system refused.
    #[error("{action} the vote log {file}: {source}; free space or mend the disk, then restart the group")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A record that was written is damaged.
    #[error(
        "the vote log {file} is damaged at byte {offset}: {why}; keep the file for examination and move it away: \
         the node then abstains until voting is safe again"
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where the damaged record starts.
        offset: u64,
        /// What was found.
        why: String,
    },
    /// A payload above the bound.
    #[error("a vote record has {found} bytes, at most {RECORD_BYTES_MAX} are accepted")]
    TooLong {
        /// Its bytes.
        found: usize,
    },
    /// An earlier append or sync failed; what is on disk is unknown until the log is opened again.
    #[error("the vote log {file} takes no more records since a write failed; mend the cause, then restart the group")]
    Halted {
        /// The file.
        file: PathBuf,
    },
}

/// A record that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The height it belongs to.
    pub height: u64,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// An open vote log.
#[derive(Debug)]
pub struct Opened {
    /// The log, to append to.
    pub log: VoteLog,
    /// Its records in the order they were appended. Some may be of heights below a `reset_below`.
    pub records: Vec<Record>,
    /// Bytes of a torn last record that were cut off; not zero after a power failure.
    pub torn_bytes: u64,
}

/// The vote log of one group.
#[derive(Debug)]
pub struct VoteLog {
    path: PathBuf,
    file: File,
    end: u64,
    /// The height and place of each record that is still needed, in order.
    live: Vec<(u64, Range<u64>)>,
    obsolete_bytes: u64,
    failed: bool,
}

impl VoteLog {
    /// Opens the log, or makes an empty one, durably.
    pub fn open(path: &Path) -> Result<Opened, VoteLogError> {
        let failed = |action| {
            move |source| VoteLogError::Io {
                action,
                file: path.into(),
                source,
            }
        };
        let temporary = temporary(path);
        if temporary.exists() {
            std::fs::remove_file(&temporary).map_err(failed("remove a leftover of"))?;
        }
        if !path.exists() {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
            }
            replace(path, MAGIC).map_err(failed("make"))?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed("open"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        let read = parse(&bytes).map_err(|(offset, why)| VoteLogError::Corrupt {
            file: path.into(),
            offset,
            why,
        })?;
        let torn_bytes = bytes.len() as u64 - read.end;
        if torn_bytes > 0 {
            file.set_len(read.end)
                .and_then(|()| file.sync_all())
                .map_err(failed("cut the torn tail of"))?;
        }
        file.seek(SeekFrom::Start(read.end)).map_err(failed("read"))?;
        let log = Self {
            path: path.into(),
            file,
            end: read.end,
            live: read.places,
            obsolete_bytes: 0,
            failed: false,
        };
        Ok(Opened {
            log,
            records: read.records,
            torn_bytes,
        })
    }

    /// Appends a record of a height. It is durable after the next [`VoteLog::sync`].
    pub fn append(&mut self, height: u64, payload: &[u8]) -> Result<(), VoteLogError> {
        self.usable()?;
        if payload.len() > RECORD_BYTES_MAX {
            return Err(VoteLogError::TooLong { found: payload.len() });
        }
        let mut record = Vec::with_capacity(HEADER_BYTES + payload.len());
        encode(height, payload, &mut record);
        let written = self.file.write_all(&record);
        self.done("append to", written)?;
        let end = self.end + record.len() as u64;
        self.live.push((height, self.end..end));
        self.end = end;
        Ok(())
    }

    /// Makes everything appended so far durable (fdatasync).
    pub fn sync(&mut self) -> Result<(), VoteLogError> {
        self.usable()?;
        let synced = self.file.sync_data();
        self.done("sync", synced)
    }

    /// Says that records below a height are no longer needed. They leave the file when enough of them are gone, by an
    /// atomic replacement; until then they cost nothing, and a reopened log may still show them.
    pub fn reset_below(&mut self, height: u64) -> Result<(), VoteLogError> {
        self.usable()?;
        let obsolete = &mut self.obsolete_bytes;
        self.live.retain(|(of, place)| {
            let keep = *of >= height;
            *obsolete += if keep { 0 } else { place.end - place.start };
            keep
        });
        if self.obsolete_bytes < COMPACT_BYTES {
            return Ok(());
        }
        let compacted = self.compact();
        self.done("write anew", compacted)
    }

    /// Bytes of the file.
    pub const fn size(&self) -> u64 {
        self.end
    }

    fn compact(&mut self) -> std::io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        let mut live = Vec::with_capacity(self.live.len());
        for (height, place) in &self.live {
            let start = bytes.len() as u64;
            self.file.seek(SeekFrom::Start(place.start))?;
            Read::by_ref(&mut self.file)
                .take(place.end - place.start)
                .read_to_end(&mut bytes)?;
            live.push((*height, start..bytes.len() as u64));
        }
        replace(&self.path, &bytes)?;
        self.file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        self.end = self.file.seek(SeekFrom::End(0))?;
        self.live = live;
        self.obsolete_bytes = 0;
        Ok(())
    }

    fn usable(&self) -> Result<(), VoteLogError> {
        if self.failed {
            Err(VoteLogError::Halted {
                file: self.path.clone(),
            })
        } else {
            Ok(())
        }
    }

    fn done(&mut self, action: &'static str, result: std::io::Result<()>) -> Result<(), VoteLogError> {
        result.map_err(|source| {
            self.failed = true;
            VoteLogError::Io {
                action,
                file: self.path.clone(),
                source,
            }
        })
    }
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Puts a file in place as a whole, durably: the folder's entry included.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = temporary(path);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn encode(height: u64, payload: &[u8], out: &mut Vec<u8>) {
    let mut head = [0; 12];
    let (length, rest) = head.split_at_mut(4);
    length.copy_from_slice(&(payload.len() as u32).to_be_bytes());
    rest.copy_from_slice(&height.to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&crc32c::crc32c(&head).to_be_bytes());
    out.extend_from_slice(&crc32c::crc32c(payload).to_be_bytes());
    out.extend_from_slice(payload);
}

#[derive(Default)]
struct Parsed {
    records: Vec<Record>,
    places: Vec<(u64, Range<u64>)>,
    end: u64,
}

/// Reads records up to the end or a torn tail; damage anywhere else is its offset and a sentence.
fn parse(bytes: &[u8]) -> Result<Parsed, (u64, String)> {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        return Err((0, "it does not start as a vote log of this format does".into()));
    };
    let mut parsed = Parsed {
        end: MAGIC.len() as u64,
        ..Parsed::default()
    };
    while !rest.is_empty() {
        match next(rest) {
            Next::Record { record, after } => {
                let end = (bytes.len() - after.len()) as u64;
                parsed.places.push((record.height, parsed.end..end));
                parsed.records.push(record);
                (parsed.end, rest) = (end, after);
            }
            Next::Torn => break,
            Next::Damaged(why) => return Err((parsed.end, why.into())),
        }
    }
    Ok(parsed)
}

enum Next<'a> {
    Record { record: Record, after: &'a [u8] },
    Torn,
    Damaged(&'static str),
}

/// The next record. A write that a power failure tore leaves a short record, a header and zeros, or a last record that
/// is wrong; anything else was whole once.
fn next(bytes: &[u8]) -> Next<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Next::Torn;
    };
    let [
        l0,
        l1,
        l2,
        l3,
        h0,
        h1,
        h2,
        h3,
        h4,
        h5,
        h6,
        h7,
        c0,
        c1,
        c2,
        c3,
        p0,
        p1,
        p2,
        p3,
    ] = *header;
    let head = [l0, l1, l2, l3, h0, h1, h2, h3, h4, h5, h6, h7];
    if crc32c::crc32c(&head) != u32::from_be_bytes([c0, c1, c2, c3]) {
        let blank = rest.iter().all(|byte| *byte == 0);
        return if blank {
            Next::Torn
        } else {
            Next::Damaged("the header of a record does not match its checksum")
        };
    }
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let Some((payload, after)) = rest.split_at_checked(length) else {
        return Next::Torn;
    };
    let height = u64::from_be_bytes([h0, h1, h2, h3, h4, h5, h6, h7]);
    if crc32c::crc32c(payload) == u32::from_be_bytes([p0, p1, p2, p3]) {
        return Next::Record {
            record: Record {
                height,
                payload: payload.to_vec(),
            },
            after,
        };
    }
    match after.iter().all(|byte| *byte == 0) {
        true => Next::Torn,
        false => Next::Damaged("a record does not match its checksum"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn record(height: u64, payload: &[u8]) -> Record {
        Record {
            height,
            payload: payload.to_vec(),
        }
    }

    fn written(path: &Path) {
        let mut log = VoteLog::open(path).unwrap().log;
        log.append(1, b"prepare").unwrap();
        log.append(2, b"commit").unwrap();
        log.sync().unwrap();
    }

    #[test]
    fn a_missing_log_is_made_empty_and_opens_again() {
        let folder = folder();
        let path = folder.path().join("votes.log");
        assert!(VoteLog::open(&path).unwrap().records.is_empty());
        assert!(path.exists());
        assert!(VoteLog::open(&path).unwrap().records.is_empty());
    }

    #[test]
    fn records_are_read_back_in_order_and_appended_to() {
        let folder = folder();
        let path = folder.path().join("votes.log");
        written(&path);
        let mut opened = VoteLog::open(&path).unwrap();
        assert_eq!(opened.records, [record(1, b"prepare"), record(2, b"commit")]);
        opened.log.append(3, &[]).unwrap();
        opened.log.sync().unwrap();
        assert_eq!(VoteLog::open(&path).unwrap().records.len(), 3);
    }

    #[test]
    fn a_torn_tail_is_cut_off_wherever_it_was_torn_and_what_came_before_stays() {
        let folder = folder();
        let path = folder.path().join("votes.log");
        written(&path);
        let whole = std::fs::read(&path).unwrap();
        let last = whole.len() - HEADER_BYTES - b"commit".len();
        for cut in last + 1..whole.len() {
            for zeros in [0, whole.len() - cut, 4096] {
                let mut torn = whole[..cut].to_vec();
                torn.resize(cut + zeros, 0);
                std::fs::write(&path, &torn).unwrap();
                let opened = VoteLog::open(&path).unwrap();
                assert_eq!(opened.records, [record(1, b"prepare")], "cut at {cut}, {zeros} zeros");
                assert_eq!(opened.torn_bytes, (torn.len() - last) as u64);
                assert_eq!(std::fs::metadata(&path).unwrap().len(), last as u64);
            }
        }
    }

    #[test]
    fn damage_before_the_tail_is_an_error_for_a_forgotten_vote_may_be_cast_twice() {
        let folder = folder();
        let path = folder.path().join("votes.log");
        written(&path);
        let whole = std::fs::read(&path).unwrap();
        let last = whole.len() - HEADER_BYTES - b"commit".len();
        for at in 0..last {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            let error = VoteLog::open(&path).unwrap_err();
            assert!(matches!(error, VoteLogError::Corrupt { .. }), "byte {at}: {error}");
            assert!(error.to_string().contains("votes.log"), "{error}");
        }
    }

    #[test]
    fn obsolete_records_leave_the_file_and_later_ones_stay() {
        let folder = folder();
        let path = folder.path().join("votes.log");
        let mut log = VoteLog::open(&path).unwrap().log;
        let proposal = vec![7; 5 << 20];
        for height in 1..=5 {
            log.append(height, &proposal).unwrap();
            log.reset_below(height).unwrap();
        }
        log.append(6, b"vote").unwrap();
        log.sync().unwrap();
        assert!(log.size() < 3 * (5 << 20), "{}", log.size());
        let heights: Vec<u64> = VoteLog::open(&path).unwrap().records.iter().map(|r| r.height).collect();
        assert_eq!(heights, [5, 6]);
        assert!(!temporary(&path).exists());
    }

    #[test]
    fn a_record_above_the_bound_is_refused_before_it_is_written() {
        let folder = folder();
        let mut log = VoteLog::open(&folder.path().join("votes.log")).unwrap().log;
        let before = log.size();
        assert!(matches!(
            log.append(1, &vec![0; RECORD_BYTES_MAX + 1]),
            Err(VoteLogError::TooLong { .. })
        ));
        assert_eq!(log.size(), before);
    }
}
