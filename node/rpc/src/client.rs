//! Who asks, and whether it may administer the node.
//!
//! | listener | who administers |
//! | --- | --- |
//! | plain, on loopback | whoever reaches it: people of this machine |
//! | plain, elsewhere | nobody |
//! | TLS | who shows the *admin* certificate of the node's own agency |

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;

use crate::error::{RpcError, UNAUTHORIZED};
use crate::gate::Gate;

/// TLS of a listener. It is asked at every handshake, so that certificates and lists change while connections live.
pub trait ListenerTls: Send + Sync + Debug {
    /// What the next handshake uses.
    fn server_config(&self) -> Arc<ServerConfig>;
    /// Who showed these certificates (leaf first), by what is in force now; in words why not, when they are refused.
    fn client(&self, chain: &[CertificateDer<'static>]) -> Result<Client, String>;
}

/// A client with a verified certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What its certificate is for: `sdk`, `admin`, `node`; none when it does not say.
    pub role: Option<String>,
    /// The agency that issued it, by its name.
    pub agency: String,
    /// The certificate's own name.
    pub name: String,
    /// Whether the key of this node's own agency issued it.
    pub own_agency: bool,
}

/// The role whose certificates administer nodes.
const ADMIN: &str = "admin";

/// What a connection may do beyond reading and submitting.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// A plain listener on loopback.
    Loopback,
    /// A plain listener that other machines may reach.
    Plain,
    /// TLS, without a certificate of the client's.
    Anonymous,
    /// TLS, with one.
    Known(Arc<Client>),
}

impl Access {
    /// Of a plain listener at this address.
    pub(crate) const fn of_plain(listen: SocketAddr) -> Self {
        match listen.ip().to_canonical().is_loopback() {
            true => Self::Loopback,
            false => Self::Plain,
        }
    }

    /// Whether it may ask an administrative method; else what is needed.
    pub(crate) fn administer(&self, method: &str) -> Result<(), RpcError> {
        let needed = "the admin certificate of this node's own agency";
        let found = match self {
            Self::Loopback => return Ok(()),
            Self::Known(client) if client.own_agency && client.role.as_deref() == Some(ADMIN) => return Ok(()),
            Self::Plain => {
                let message = format!(
                    "{method} administers the node and is not served on a plain port that other machines reach; \
                     set tls_cert, tls_key and tls_client_ca in config.ini [rpc] and show {needed}, \
                     or let jsonrpc_listen_ip be a loopback address"
                );
                return Err(RpcError::new(UNAUTHORIZED, message));
            }
            Self::Anonymous => "no client certificate was shown".to_owned(),
            Self::Known(client) => {
                let role = client.role.as_deref().unwrap_or("no");
                let agency: &str = &client.agency;
                let whose = if client.own_agency {
                    "its own agency"
                } else {
                    "another agency"
                };
                format!(
                    "the certificate shown, {:?} of {agency:?} ({whose}), has the role {role}",
                    client.name
                )
            }
        };
        Err(RpcError::new(
            UNAUTHORIZED,
            format!("{method} administers the node and needs {needed}; {found}"),
        ))
    }
}

/// A connection whose client showed certificates.
#[derive(Debug)]
struct Live {
    chain: Vec<CertificateDer<'static>>,
    gate: Arc<Gate>,
}

/// The connected clients with certificates, by the number of the connection.
#[derive(Debug, Default)]
pub(crate) struct LiveClients(Mutex<HashMap<u64, Live>>);

impl LiveClients {
    /// Counts a client in until the guard is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        number: u64,
        chain: Vec<CertificateDer<'static>>,
        gate: Arc<Gate>,
    ) -> Presence {
        self.0.lock().insert(number, Live { chain, gate });
        Presence {
            clients: Arc::clone(self),
            number,
        }
    }

    /// Ends the connections of all who are refused now, and says why each.
    pub(crate) fn recheck(&self, tls: &dyn ListenerTls) -> Vec<String> {
        let live = self.0.lock();
        let refused = live.values().filter_map(|live| {
            let why = tls.client(&live.chain).err()?;
            live.gate.shut();
            Some(why)
        });
        refused.collect()
    }
}

/// A client's place among the connected ones.
#[derive(Debug)]
pub(crate) struct Presence {
    clients: Arc<LiveClients>,
    number: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.clients.0.lock().remove(&self.number);
    }
}
