//! What subjects are called, as one namespace knows them.

use std::collections::BTreeMap;

use althing_governance::{ChangeId, Subject};
use althing_types::{Address, NodeId};

use crate::name::{AgencyName, NodeName};

/// Letters of an identity in messages and tables.
const ID_LETTERS: usize = 14;

/// The Nodes and Agencies of a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The Nodes.
    pub nodes: &'a BTreeMap<NodeName, NodeId>,
    /// The Agencies.
    pub accounts: &'a BTreeMap<AgencyName, Address>,
}

impl Names<'_> {
    /// A Node or Agency by its name, else its nodeID or account; or the key.
    pub fn subject(&self, subject: &Subject) -> String {
        match subject {
            Subject::Node(id) => {
                let known = self.nodes.iter().find(|(_, known)| *known == id);
                known.map_or_else(|| id.to_string(), |(name, _)| name.to_string())
            }
            Subject::Seat(account) => self.agency(account),
            Subject::Threshold => "threshold".to_owned(),
            Subject::Config(key) => key.clone(),
            Subject::Operator(account) => format!("operator {account}"),
            Subject::Account(account) => format!("frozen {account}"),
        }
    }

    /// The Agency of an account by its name, else the account.
    pub fn agency(&self, account: &Address) -> String {
        let known = self.accounts.iter().find(|(_, known)| *known == account);
        known.map_or_else(|| account.to_string(), |(name, _)| name.to_string())
    }
}

/// Enough of a change's identity to name it.
pub fn short(id: &ChangeId) -> String {
    id.to_string().chars().take(ID_LETTERS).collect()
}
