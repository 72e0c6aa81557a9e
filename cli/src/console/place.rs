//! Where nodes are asked and keys are found: this machine, or a namespace of a cluster.

use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::pki::PrivateKey;
use althing_types::genesis::Cryptography;
use serde_json::Value;

use crate::vote::Known;

/// An own node that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunningNode {
    /// Its name.
    pub name: NodeName,
    /// The agency whose admin certificate administers it.
    pub agency: AgencyName,
    /// The `IP:Port` of its RPC.
    pub end_point: String,
    /// The groups that manifests put it into.
    pub groups: Vec<(u32, GroupName)>,
}

/// As whom a node is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As whoever reaches it.
    Anyone,
    /// As an administrator of its agency.
    Admin,
}

/// A namespace.
pub(crate) trait Place {
    /// What it is known by.
    fn known(&self) -> &Known;

    /// The program whose `approvals` and `vote` are about the same namespace.
    fn program(&self) -> &'static str;

    /// Its own nodes that run, ascending by name.
    fn nodes(&self) -> anyhow::Result<Vec<RunningNode>>;

    /// Posts JSON-RPC to a node; an error when there is no answer to it.
    async fn ask(&self, node: &RunningNode, path: &str, question: &Value, access: Access) -> anyhow::Result<Value>;

    /// The governance key of an agency.
    async fn key(&self, agency: &AgencyName) -> anyhow::Result<PrivateKey>;

    /// The edition of the consortium's cryptography.
    async fn cryptography(&self) -> anyhow::Result<Cryptography>;
}
