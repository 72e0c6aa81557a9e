//! What holds in every edition.

pub(crate) mod pki;
pub(crate) mod raw;
pub(crate) mod running;

mod lanes;
mod limits;
mod refusals;
mod reload;
mod start;
mod verify;

/// The edition under test: the name under which this room was included.
pub(crate) fn edition() -> pki::Edition {
    pki::Edition::named(module_path!())
}
