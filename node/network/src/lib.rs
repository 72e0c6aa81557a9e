//! The peer-to-peer network of one node. It knows certificates, lanes, groups as numbers and frames as bytes; it knows
//! nothing of ledgers or consensus.
//!
//! ```text
//! shell ──send, broadcast──▶ OutQueue (bounded) ──writer──▶ TLS 1.3 ──▶ peer      two lanes per peer,
//! shell ◀──mpsc (bounded)── routes by group, module ◀──reader── TLS 1.3 ◀── peer  consensus and bulk
//!              ▲ dialer (resolve, back-off), listener ── TLS ── verify_peer ── hello ── peer table
//! ```
//!
//! Invariants: a peer is its key; nobody is let in but through [`verify_peer`], no client that shows a certificate but through
//! [`verify_client`]; a reader never waits for a module, nor a
//! caller for a peer; everything that grows by what a peer sends has a limit in [`Limits`].

mod handle;

mod api;
mod config;
mod edition;
mod lists;
mod refusal;
mod settings;

mod tls;
mod trust;
mod verify;

mod budget;
mod connection;
mod dialer;
mod frame;
mod handshake;
mod hello;
mod listener;
mod metrics;
mod queue;
mod routes;
mod shared;
mod shown;
mod table;

pub use api::{
    BroadcastOutcome, Inbound, Lane, MAX_GROUPS, MAX_SOFTWARE_BYTES, NetworkEvent, PeerIdentity, PeerInfo, SendOutcome,
    ServedGroup,
};
pub use config::{Config, Limits, Timing};
pub use edition::TlsEdition;
pub use handle::{Network, NetworkHandle, Reloaded, StartError};
pub use lists::{Blacklist, Lists, Serial, SerialError};
pub use refusal::{Direction, Refusal, RefusalReason, RefusalRecord};
pub use rustls::pki_types::CertificateDer;
pub use settings::{PeerAddress, PeerAddressError, PemText, Settings, SettingsError};
pub use trust::TrustSet;
pub use verify::{ClientIdentity, not_after, verify_client, verify_peer};
