//! What holds in every edition.

#[path = "../../../network/tests/it/both/pki.rs"]
pub(crate) mod pki;

pub(crate) mod account;
pub(crate) mod client;
pub(crate) mod folder;
pub(crate) mod running;
pub(crate) mod voted;

mod bad_files;
mod bad_identity;
mod fisco;
mod four_nodes;
mod groups;
pub(crate) mod lifecycle;
mod mount;
mod rights;
mod status;
mod surroundings;

/// The edition under test: the name under which this room was included.
pub(crate) fn edition() -> pki::Edition {
    pki::Edition::named(module_path!())
}
