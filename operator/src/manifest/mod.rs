//! Manifests: multi-document YAML → typed objects by namespace and kind.
//!
//! The same schema that the API server holds an object to is walked here, so a mistake is found on this machine with the same
//! strictness and a plainer sentence: file, document, object, field, what was found, what is accepted. Unknown fields are
//! refused, references are not followed yet.

mod read;
mod schema;

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{Agency, Consortium, Group, Node};
use kube::core::ObjectMeta;

pub use read::{SourceFile, read};
pub use schema::FieldError;

use crate::name::{AgencyName, ConsortiumName, GroupName, Namespace, NodeName};
use crate::status::ObjectRef;

/// Bytes one manifest file may have.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Documents all files together may have.
pub const DOCUMENTS_MAX: usize = 10_000;

/// Everything that was read, by namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// The namespaces that have at least one object or were declared.
    pub namespaces: BTreeMap<Namespace, NamespaceManifests>,
}

/// The objects of one namespace, by kind and name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceManifests {
    /// The namespace.
    pub namespace: Namespace,
    /// Its Consortiums.
    pub consortiums: BTreeMap<ConsortiumName, Consortium>,
    /// Its Agencies.
    pub agencies: BTreeMap<AgencyName, Agency>,
    /// Its Groups.
    pub groups: BTreeMap<GroupName, Group>,
    /// Its Nodes.
    pub nodes: BTreeMap<NodeName, Node>,
}

impl NamespaceManifests {
    /// A namespace without objects.
    pub const fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            consortiums: BTreeMap::new(),
            agencies: BTreeMap::new(),
            groups: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }

    /// Whether it has no object.
    pub fn is_empty(&self) -> bool {
        self.consortiums.is_empty() && self.agencies.is_empty() && self.groups.is_empty() && self.nodes.is_empty()
    }

    /// The metadata of an object; none when it is not here.
    pub fn metadata(&self, object: &ObjectRef) -> Option<&ObjectMeta> {
        match object {
            ObjectRef::Consortium(name) => self.consortiums.get(name).map(|object| &object.metadata),
            ObjectRef::Agency(name) => self.agencies.get(name).map(|object| &object.metadata),
            ObjectRef::Group(name) => self.groups.get(name).map(|object| &object.metadata),
            ObjectRef::Node(name) => self.nodes.get(name).map(|object| &object.metadata),
        }
    }

    /// The consortium an object belongs to, as its manifest or its agency's names it, whether that is here or not.
    pub fn consortium_of(&self, object: &ObjectRef) -> Option<ConsortiumName> {
        let named = match object {
            ObjectRef::Consortium(name) => return Some(name.clone()),
            ObjectRef::Agency(name) => &self.agencies.get(name)?.spec.consortium,
            ObjectRef::Group(name) => &self.groups.get(name)?.spec.consortium,
            ObjectRef::Node(name) => {
                let agency = self.nodes.get(name)?.spec.agency.as_str();
                &self.agencies.get(agency)?.spec.consortium
            }
        };
        ConsortiumName::new(named.as_str()).ok()
    }
}

/// What is wrong with one place of one manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, document {document}{}: {what}", object.as_ref().map(|o| format!(", {o}")).unwrap_or_default())]
pub struct ManifestError {
    /// The file, as it was given.
    pub file: String,
    /// The document within the file, from 1; 0 when the file could not be cut into documents.
    pub document: usize,
    /// `Kind/name`, when that much could be read.
    pub object: Option<String>,
    /// What is wrong.
    pub what: ManifestFault,
}

/// What may be wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// Not YAML.
    #[error("not readable as YAML: {0}")]
    Yaml(String),
    /// Too much of it.
    #[error("{what}: found {found}, at most {accepted} are accepted")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much.
        found: usize,
        /// The bound.
        accepted: usize,
    },
    /// A field is not what it should be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A rule between fields does not hold.
    #[error("{field}: {rule}")]
    Rule {
        /// Where.
        field: String,
        /// The rule, in words.
        rule: String,
    },
    /// The object was in an earlier document already.
    #[error("is given twice; first in {first_file}, document {first_document}")]
    Twice {
        /// The file of the first.
        first_file: String,
        /// Its document.
        first_document: usize,
    },
}
