//! A chain, an agency, a node, a request and a list as files, and the agency's second set for clients.

use std::fs;
use std::path::{Path, PathBuf};

use althing_operator::name::{AgencyName, ConsortiumName, NodeName};
use althing_operator::pki::{
    IssuerMaterial, PrivateKey, Profile, RevocationOrder, Revoked, Role, inspect, issue, request, revoke,
};
use althing_operator::plan::{CertificateOrder, Identity, IssueReason, RequestOrder};
use althing_types::genesis::Cryptography;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

/// When everything is issued, and verified.
pub(crate) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// A folder that goes with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a copy whose signature has another last bit: still in form, and nobody's.
    pub(crate) fn change(&self, from: &Path, to: &Path) {
        let text = fs::read_to_string(from).unwrap();
        let (_, block) = x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap();
        let mut der = block.contents;
        *der.last_mut().unwrap() ^= 1;
        let label = &block.label;
        let body = STANDARD.encode(der);
        fs::write(to, format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")).unwrap();
    }
}

/// Files in PEM.
pub(crate) struct Made {
    pub(crate) folder: Folder,
    pub(crate) chain: PathBuf,
    pub(crate) agency: PathBuf,
    pub(crate) node: PathBuf,
    /// Of the node's certificate, in hex.
    pub(crate) serial: String,
    /// The agency's.
    pub(crate) request: PathBuf,
    /// The agency's, with the node's certificate on it.
    pub(crate) list: PathBuf,
    /// The agency's client authority.
    pub(crate) clients: PathBuf,
    /// The certificate of the node's listener.
    pub(crate) listener: PathBuf,
}

/// Draws that repeat, for one after the other.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> impl FnMut(&mut [u8]) + use<> {
        self.0 += 1;
        let (seed, mut counter) = (self.0, 0_u64);
        move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                counter += 1;
                let digest = alloy_primitives::keccak256([seed.to_be_bytes(), counter.to_be_bytes()].concat());
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
        }
    }
}

impl Made {
    /// In this edition. The same names whatever the seed, and other keys.
    pub(crate) fn new(edition: Cryptography, seed: u64) -> Self {
        let mut draws = Draws(seed);
        let agency_name = AgencyName::new("agency-a").unwrap();
        let node_name = NodeName::new("node-0").unwrap();
        let chain_id = Identity::first_chain_ca(ConsortiumName::new("trade").unwrap());
        let agency_id = Identity::AgencyCa(agency_name.clone());
        let clients_id = Identity::ClientAuthority(agency_name);
        let (node_id, listener_id) = (Identity::Node(node_name.clone()), Identity::Listener(node_name));
        let mut key =
            |identity: &Identity| PrivateKey::generate(identity.kind().key(edition), &mut draws.next()).unwrap();
        let [chain_key, agency_key, node_key, clients_key, listener_key] =
            [&chain_id, &agency_id, &node_id, &clients_id, &listener_id].map(&mut key);
        let mut issued = |subject: (&Identity, &PrivateKey), issuer: (&Identity, &PrivateKey, Option<&str>), role| {
            let material = IssuerMaterial {
                key: issuer.1,
                certificate: issuer.2,
            };
            let order = order(subject.0, issuer.0, role);
            issue(&order, &subject.1.public(), &material, &mut draws.next()).unwrap()
        };
        let chain = issued((&chain_id, &chain_key), (&chain_id, &chain_key, None), Role::Chain);
        let by_chain = (&chain_id, &chain_key, Some(chain.as_str()));
        let agency = issued((&agency_id, &agency_key), by_chain, Role::Agency);
        let by_agency = (&agency_id, &agency_key, Some(agency.as_str()));
        let node = issued((&node_id, &node_key), by_agency, Role::Node);
        let by_itself = (&clients_id, &clients_key, None);
        let clients = issued((&clients_id, &clients_key), by_itself, Role::ClientAuthority);
        let by_clients = (&clients_id, &clients_key, Some(clients.as_str()));
        let listener = issued((&listener_id, &listener_key), by_clients, Role::Node);
        let asked = RequestOrder {
            identity: agency_id.clone(),
            common_name: "agency-a".to_owned(),
            organization: "trade".to_owned(),
            governance_account: [7; 20].into(),
        };
        let serial = inspect::first(&node).unwrap().serial;
        let revoked = RevocationOrder {
            issuer: agency_id.clone(),
            number: 1,
            this_update: now(),
            next_update: now() + SignedDuration::from_hours(24 * 30),
            revoked: vec![Revoked {
                serial: serial.clone(),
                at: now(),
            }],
        };
        let agency_material = IssuerMaterial {
            key: &agency_key,
            certificate: Some(&agency),
        };
        let folder = Folder(tempfile::tempdir().unwrap());
        Self {
            chain: folder.write("chain.crt", &chain),
            agency: folder.write("agency.crt", &agency),
            node: folder.write("node.crt", &node),
            serial,
            request: folder.write("agency.csr", &request::make(&asked, &agency_key).unwrap()),
            list: folder.write("agency.crl", &revoke(&revoked, &agency_material).unwrap()),
            clients: folder.write("clients.crt", &clients),
            listener: folder.write("listener.crt", &listener),
            folder,
        }
    }
}

fn order(subject: &Identity, issuer: &Identity, role: Role) -> CertificateOrder {
    let name = subject.owner().to_owned();
    CertificateOrder {
        subject: subject.clone(),
        issuer: issuer.clone(),
        profile: Profile {
            role,
            organization: "trade".to_owned(),
            governance_account: (role == Role::Agency).then(|| [7; 20].into()),
        },
        dns_names: if role == Role::Node { vec![name.clone()] } else { vec![] },
        common_name: name,
        not_before: now() - SignedDuration::from_mins(5),
        not_after: now() + role.validity(),
        request: None,
        reason: IssueReason::First,
    }
}
