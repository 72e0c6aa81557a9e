//! The format version on disk, checked before anything else is read.

use std::path::Path;

use super::{Column, Storage};
use crate::{OpenError, keys};

/// The format this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing yet.
    Nothing,
    /// A ledger of this format.
    Ledger,
}

/// Reads the format version. Data without one is damaged, not new.
pub fn check(storage: &dyn Storage, folder: &Path) -> Result<Found, OpenError> {
    let failed = |source| OpenError::Storage {
        folder: folder.into(),
        source,
    };
    let wrong = |found: String| OpenError::Format {
        folder: folder.into(),
        found,
        expected: FORMAT_VERSION,
    };
    match storage.get(Column::Meta, keys::FORMAT).map_err(failed)? {
        Some(bytes) if bytes == FORMAT_VERSION.to_be_bytes() => Ok(Found::Ledger),
        Some(bytes) => match <[u8; 4]>::try_from(&bytes[..]) {
            Ok(version) => Err(wrong(u32::from_be_bytes(version).to_string())),
            Err(_) => Err(wrong(format!("of {} unreadable bytes", bytes.len()))),
        },
        None => match storage.seek(Column::Headers, &[], &[]).map_err(failed)? {
            None => Ok(Found::Nothing),
            Some(_) => Err(wrong("missing, beside blocks".into())),
        },
    }
}
