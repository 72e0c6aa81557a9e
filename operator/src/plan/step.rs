//! The difference between what is and what should be, in the order it is to be made up.

use std::fmt;

use serde::Serialize;

use crate::name::NodeName;
use crate::plan::{
    AttestationOrder, CertificateOrder, File, FileContent, GenesisRecord, KeyOrder, Process, RequestOrder,
};

/// One thing an edge does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Make a key, once.
    MakeKey(KeyOrder),
    /// Make a certificate signing request.
    MakeRequest(RequestOrder),
    /// Issue a certificate and keep it beside the key.
    IssueCertificate(CertificateOrder),
    /// Keep a certificate that somebody else issued for a key of this namespace.
    KeepCertificate {
        /// Whose.
        subject: crate::plan::Identity,
        /// The certificate in PEM.
        certificate: String,
    },
    /// Sign what an own agency gives away, and keep the record of it.
    Attest(AttestationOrder),
    /// Keep a genesis document for ever.
    RecordGenesis(GenesisRecord),
    /// Write a file: to a temporary name, synced, renamed.
    WriteFile(File),
    /// Start a node that does not run.
    StartProcess(Process),
    /// Stop the node and start it as given. Allowed by the disruption rules at the moment of planning.
    RestartProcess(Process),
    /// Keep this as what runs: the node has taken up new groups from its files by itself. Where the record of what runs is
    /// the process itself, nothing is to be done.
    AmendProcess(Process),
    /// Stop a node that no manifest names any more. Its folder stays (DESIGN.md 5.2).
    StopProcess(NodeName),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeKey(order) => write!(f, "make key {}", order.identity),
            Self::MakeRequest(order) => write!(f, "make certificate request of {}", order.identity),
            Self::IssueCertificate(order) => write!(f, "issue certificate of {} by {}", order.subject, order.issuer),
            Self::KeepCertificate { subject, .. } => write!(f, "keep certificate of {subject}"),
            Self::Attest(order) => {
                let objects: Vec<_> = order.unsigned.iter().map(|wanted| wanted.object.as_str()).collect();
                write!(f, "attest for {}: {}", order.signer, objects.join(", "))
            }
            Self::RecordGenesis(record) => write!(f, "record genesis of {}: {}", record.group, record.hash),
            Self::WriteFile(File {
                at,
                content: FileContent::Text(_),
                ..
            }) => write!(f, "write {at}"),
            Self::WriteFile(File {
                at,
                content: FileContent::PrivateKey(_),
                ..
            }) => write!(f, "write {at} (private)"),
            Self::StartProcess(process) => write!(f, "start {}", process.node),
            Self::RestartProcess(process) => write!(f, "restart {}", process.node),
            Self::AmendProcess(process) => write!(f, "take up new groups on {}", process.node),
            Self::StopProcess(node) => write!(f, "stop {node}"),
        }
    }
}
