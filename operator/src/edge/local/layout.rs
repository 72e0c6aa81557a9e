//! Where everything is.
//!
//! ```text
//! <state>/
//!   lock                          held by the one run that works here; the pid is in it
//!   format                        the version of this layout
//!   placement.json                which node has which ports
//!   <namespace>/
//!     identities/<kind>/<owner>/  key.pem (0600, made once), certificate.pem, request.pem,
//!                                 attestations.json
//!     genesis/<group>.json        canonical documents, written once
//!     nodes/<node>/               config.ini nodes.json conf/{ca.crt,node.crt,node.key,node.nodeid,group.N.*} data/ log/
//!     processes/<node>.json       what was started: plan, pid, start time, boot
//!     statuses.json               the statuses written last
//! ```
//!
//! Folders are 0700. Names are checked names ([`crate::name`]), so no path leaves its folder.

use std::path::{Path, PathBuf};

use crate::name::{GroupName, Namespace, NodeName};
use crate::plan::{FileRef, Identity};

/// The version of the layout.
pub(super) const FORMAT: u32 = 1;

/// The paths below a state directory.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below a directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The state directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The lock file.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The file with the version of the layout.
    pub fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    /// Which node has which ports.
    pub fn placement(&self) -> PathBuf {
        self.root.join("placement.json")
    }

    /// The folder of a namespace.
    pub fn namespace(&self, namespace: &Namespace) -> PathBuf {
        self.root.join(namespace.as_str())
    }

    /// The folder of all identities.
    pub fn identities(&self, namespace: &Namespace) -> PathBuf {
        self.namespace(namespace).join("identities")
    }

    /// The folder of an identity.
    pub fn identity(&self, namespace: &Namespace, identity: &Identity) -> PathBuf {
        self.identities(namespace)
            .join(identity.kind().as_str())
            .join(identity.owner())
    }

    /// The private key of an identity.
    pub fn key(&self, namespace: &Namespace, identity: &Identity) -> PathBuf {
        self.identity(namespace, identity).join("key.pem")
    }

    /// The certificate of an identity.
    pub fn certificate(&self, namespace: &Namespace, identity: &Identity) -> PathBuf {
        self.identity(namespace, identity).join("certificate.pem")
    }

    /// The record of what an agency's key signed for others.
    pub fn attestations(&self, namespace: &Namespace, identity: &Identity) -> PathBuf {
        self.identity(namespace, identity).join("attestations.json")
    }

    /// The certificate signing request of an identity.
    pub fn request(&self, namespace: &Namespace, identity: &Identity) -> PathBuf {
        self.identity(namespace, identity).join("request.pem")
    }

    /// The folder of recorded genesis documents.
    pub fn all_genesis(&self, namespace: &Namespace) -> PathBuf {
        self.namespace(namespace).join("genesis")
    }

    /// A recorded genesis document.
    pub fn genesis(&self, namespace: &Namespace, group: &GroupName) -> PathBuf {
        self.all_genesis(namespace).join(format!("{group}.json"))
    }

    /// The folder of all nodes.
    pub fn nodes(&self, namespace: &Namespace) -> PathBuf {
        self.namespace(namespace).join("nodes")
    }

    /// The folder a node runs in.
    pub fn node(&self, namespace: &Namespace, node: &NodeName) -> PathBuf {
        self.nodes(namespace).join(node.as_str())
    }

    /// The data folder of a node.
    pub fn data(&self, namespace: &Namespace, node: &NodeName) -> PathBuf {
        self.node(namespace, node).join("data")
    }

    /// What a node wrote to its standard output and error.
    pub fn output(&self, namespace: &Namespace, node: &NodeName) -> PathBuf {
        self.node(namespace, node).join("log").join("output.log")
    }

    /// A file of a node.
    pub fn file(&self, namespace: &Namespace, at: &FileRef) -> PathBuf {
        self.node(namespace, &at.node).join(&at.path)
    }

    /// The folder of process records.
    pub fn processes(&self, namespace: &Namespace) -> PathBuf {
        self.namespace(namespace).join("processes")
    }

    /// The record of a process.
    pub fn process(&self, namespace: &Namespace, node: &NodeName) -> PathBuf {
        self.processes(namespace).join(format!("{node}.json"))
    }

    /// The statuses written last.
    pub fn statuses(&self, namespace: &Namespace) -> PathBuf {
        self.namespace(namespace).join("statuses.json")
    }
}
