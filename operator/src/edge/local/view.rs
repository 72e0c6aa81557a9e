//! What is on this machine, for who only looks: no lock, no write.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::supervise::Supervisor;
use super::{LOOPBACK, LocalError, apply, durable, record};
use crate::controller::Hold;
use crate::genesis::GenesisDocument;
use crate::name::{AgencyName, GroupName, Namespace};
use crate::pki::PrivateKey;
use crate::plan::{Identity, IdentityKind, Process, ProcessState};
use crate::status::ObjectStatus;

/// A state directory, to look at.
#[derive(Clone, Debug)]
pub struct LocalView {
    supervisor: Supervisor,
}

/// A node that was started here.
#[derive(Clone, Debug)]
pub struct LocalNode {
    /// What was started.
    pub process: Process,
    /// Its pid while it is alive.
    pub pid: Option<u32>,
    /// Where it stands.
    pub state: ProcessState,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// What it wrote to its standard output and error.
    pub output: PathBuf,
}

impl LocalView {
    /// Looks at a state directory; that it does not exist is an empty one.
    pub fn new(root: &Path) -> Self {
        let none = std::time::Duration::ZERO;
        let (layout, binary) = (Layout::new(root), PathBuf::from(super::NODE_BINARY));
        Self {
            supervisor: Supervisor {
                layout,
                binary,
                listen: LOOPBACK,
                start_patience: none,
                stop_patience: none,
            },
        }
    }

    /// Where everything is.
    pub const fn layout(&self) -> &Layout {
        &self.supervisor.layout
    }

    /// The namespaces with anything in them.
    pub fn namespaces(&self) -> Result<Vec<Namespace>, LocalError> {
        let root = self.layout().root();
        let folders = durable::entries(root)?
            .into_iter()
            .filter(|name| root.join(name).is_dir());
        // Whatever is no namespace was put there by somebody else.
        Ok(folders.filter_map(|name| Namespace::new(name).ok()).collect())
    }

    /// All nodes that were started here and not stopped on purpose, ascending by namespace and name.
    pub fn nodes(&self) -> Result<Vec<LocalNode>, LocalError> {
        let mut nodes = Vec::new();
        for namespace in self.namespaces()? {
            for found in record::all(self.layout(), &namespace)? {
                nodes.push(LocalNode {
                    pid: self.supervisor.pid(&found),
                    state: self.supervisor.observe(&found).state,
                    folder: self.layout().node(&namespace, &found.process.node),
                    output: self.layout().output(&namespace, &found.process.node),
                    process: found.process,
                });
            }
        }
        Ok(nodes)
    }

    /// The agencies of a namespace that have a governance key here.
    pub fn voices(&self, namespace: &Namespace) -> Result<Vec<AgencyName>, LocalError> {
        let folder = self
            .layout()
            .identities(namespace)
            .join(IdentityKind::Governance.as_str());
        let names = durable::entries(&folder)?.into_iter();
        Ok(names.filter_map(|name| AgencyName::new(name).ok()).collect())
    }

    /// The recorded genesis of a group; none when there is none.
    pub fn genesis(&self, namespace: &Namespace, group: &GroupName) -> Result<Option<GenesisDocument>, LocalError> {
        let path = self.layout().genesis(namespace, group);
        let read = |document: String| {
            GenesisDocument::recorded(&document).map_err(|hold| LocalError::Malformed {
                path: path.clone(),
                why: match hold {
                    Hold::Pending(obstacle) | Hold::Wrong(obstacle) => obstacle.message,
                },
            })
        };
        durable::read_text(&path)?.map(read).transpose()
    }

    /// The governance key of an agency, to sign what the agency does on a chain.
    pub fn governance_key(&self, namespace: &Namespace, agency: &AgencyName) -> Result<PrivateKey, LocalError> {
        let identity = Identity::Governance(agency.clone());
        let pem = apply::private_key(self.layout(), namespace, &identity)?;
        PrivateKey::from_pem(identity.purpose(), &pem).map_err(|error| LocalError::Malformed {
            path: self.layout().key(namespace, &identity),
            why: error.to_string(),
        })
    }

    /// The statuses written last in a namespace.
    pub fn statuses(&self, namespace: &Namespace) -> Result<Vec<ObjectStatus>, LocalError> {
        Ok(durable::read_json(&self.layout().statuses(namespace))?.unwrap_or_default())
    }
}
