//! Spec → [`ValidatedNode`].

use std::collections::BTreeSet;

use althing_crds::v1alpha1::{ExternalNode, LogLevel as SpecLogLevel, Node, NodeP2p, NodeSpec};
use althing_types::NodeId;
use althing_types::config::{LogLevel, PeerAddress};

use crate::controller::certificate::Certificate;
use crate::controller::{Hold, Outcome};
use crate::name::{AgencyName, NodeName};
use crate::plan::Container;

/// A Node that is known to be right in itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedNode {
    /// Its name.
    pub name: NodeName,
    /// Its agency.
    pub agency: AgencyName,
    /// Whose it is.
    pub form: NodeForm,
}

/// Whose a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeForm {
    /// This namespace's.
    Own(OwnSettings),
    /// Somebody else's: public facts.
    External {
        /// Its identity, from `nodeId` or from its certificate.
        node_id: Option<NodeId>,
        /// Where it is dialled.
        address: Option<PeerAddress>,
        /// Its certificate.
        certificate: Option<Box<Certificate>>,
    },
}

/// What an own node's manifest says beside its ports, which the edge's placement has taken up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnSettings {
    /// Where others dial it, instead of where it stands.
    pub advertise: Option<PeerAddress>,
    /// Never let in.
    pub deny: BTreeSet<NodeId>,
    /// When not empty, the only ones let in.
    pub allow: BTreeSet<NodeId>,
    /// The least important level written.
    pub log_level: Option<LogLevel>,
    /// Megabytes of a log file.
    pub log_file_mb: Option<u32>,
    /// Its container, where nodes run in containers.
    pub container: Container,
}

/// Checks a Node.
pub fn validate(name: &NodeName, object: &Node) -> Outcome<ValidatedNode> {
    let spec = &object.spec;
    let agency = AgencyName::new(spec.agency.clone())
        .map_err(|error| Hold::field("spec.agency", format!("{:?}", error.found), "the name of an Agency"))?;
    let form = match &spec.external {
        Some(external) => external_form(external)?,
        None => {
            let p2p = spec.p2p.clone().unwrap_or_default();
            let log = spec.log.clone().unwrap_or_default();
            NodeForm::Own(OwnSettings {
                advertise: address("spec.p2p.advertise", p2p.advertise.as_deref())?,
                deny: node_ids("spec.p2p.deny", &p2p, |p2p| &p2p.deny)?,
                allow: node_ids("spec.p2p.allow", &p2p, |p2p| &p2p.allow)?,
                log_level: log.level.map(log_level),
                log_file_mb: log.max_file_size_mb.and_then(|mb| u32::try_from(mb).ok()),
                container: container(spec)?,
            })
        }
    };
    Ok(ValidatedNode {
        name: name.clone(),
        agency,
        form,
    })
}

fn container(spec: &NodeSpec) -> Outcome<Container> {
    // Keys of a JSON value are in order, so that equal resources are equal texts.
    let canonical = |resources| serde_json::to_value(resources).map(|value| value.to_string());
    let resources = spec.resources.as_ref().map(canonical).transpose();
    Ok(Container {
        image: spec.image.clone(),
        resources: resources.map_err(|error| Hold::field("spec.resources", error, "requests and limits"))?,
    })
}

const fn log_level(level: SpecLogLevel) -> LogLevel {
    match level {
        SpecLogLevel::Trace => LogLevel::Trace,
        SpecLogLevel::Debug => LogLevel::Debug,
        SpecLogLevel::Info => LogLevel::Info,
        SpecLogLevel::Warning => LogLevel::Warning,
        SpecLogLevel::Error => LogLevel::Error,
    }
}

fn address(field: &str, text: Option<&str>) -> Outcome<Option<PeerAddress>> {
    let read = |text: &str| {
        text.parse::<PeerAddress>()
            .map_err(|error| Hold::field(field, error, "host:port"))
    };
    text.map(read).transpose()
}

fn node_ids(field: &str, p2p: &NodeP2p, list: impl Fn(&NodeP2p) -> &Vec<String>) -> Outcome<BTreeSet<NodeId>> {
    let read = |text: &String| {
        text.parse::<NodeId>()
            .map_err(|error| Hold::field(field, error, "128 hex digits each"))
    };
    list(p2p).iter().map(read).collect()
}

fn external_form(external: &ExternalNode) -> Outcome<NodeForm> {
    let field = "spec.external.nodeId";
    let stated = external.node_id.as_deref().map(|text| {
        text.parse::<NodeId>()
            .map_err(|error| Hold::field(field, error, "128 hex digits"))
    });
    let stated = stated.transpose()?;
    let certificate = external.certificate.as_deref().map(|pem| {
        Certificate::read(pem)
            .map_err(|error| Hold::field("spec.external.certificate", error, "a node certificate in PEM"))
    });
    let certificate = certificate.transpose()?;
    let certified = certificate
        .as_ref()
        .and_then(|certificate| certificate.facts.public_key);
    if let (Some(stated), Some(certified)) = (stated, certified)
        && stated != certified
    {
        let found = format!(
            "{}…, but the certificate's key is {}…",
            stated.short(),
            certified.short()
        );
        return Err(Hold::field(field, found, "the public key of the certificate"));
    }
    Ok(NodeForm::External {
        node_id: stated.or(certified),
        address: address("spec.external.address", external.address.as_deref())?,
        certificate: certificate.map(Box::new),
    })
}
