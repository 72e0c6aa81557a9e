//! The one place where an edition becomes the suite that hashes, signs and verifies for it.

use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_types::genesis::Cryptography;

/// The suite of an edition.
pub const fn of(cryptography: Cryptography) -> &'static dyn Suite {
    match cryptography {
        Cryptography::Standard => &StandardSuite,
        Cryptography::Sm => &SmSuite,
    }
}
