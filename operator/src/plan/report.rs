//! What nodes say about themselves: the answer of their RPC method `althing_status`.
//!
//! Fields that are not known here are passed over, so that a newer node still answers an older operator.

use std::collections::{BTreeMap, BTreeSet};

use althing_types::{B256, GroupId, NodeId};
use serde::{Deserialize, Serialize};

/// One node's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// What it shows and trusts, and its peers.
    #[serde(flatten)]
    pub shown: Shown,
    /// Every group it runs, by number.
    #[serde(default)]
    pub groups: BTreeMap<GroupId, GroupReport>,
}

/// What a running node shows its peers and trusts, and what they showed and told it last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// The node itself; none when it does not say.
    pub certificates: Option<CertificateReport>,
    /// Every connected peer.
    pub peers: BTreeMap<NodeId, CertificateReport>,
}

/// The certificates of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateReport {
    /// SHA-256 over the set of chain certificates it trusts ([`crate::pki::trust_hash`]).
    pub trust: B256,
    /// SHA-256 of the certificate that issued the one it shows (DER); none when a chain certificate did.
    pub issuer: Option<B256>,
}

/// One group, as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupReport {
    /// The hash of the genesis it runs.
    pub genesis_hash: Option<B256>,
    /// Keccak-256 of the text of the `group.N.ini` it runs with.
    pub settings_digest: Option<B256>,
    /// Its last block.
    pub height: u64,
    /// The view of its consensus.
    pub view: u64,
    /// Who leads this view.
    pub leader: Option<NodeId>,
    /// The sealers of the next height.
    pub sealers: Vec<NodeId>,
    /// What the node is in the group.
    pub role: Option<GroupRole>,
    /// Whether it holds the newest block it knows of and, as a sealer, votes.
    pub in_sync: bool,
    /// Why it is not ready, in words.
    pub not_ready: Option<String>,
    /// Why the group has halted on this node, in words.
    pub halted: Option<String>,
    /// The sealers it sees connected and in sync, itself included when it is.
    pub live: BTreeSet<NodeId>,
}

impl GroupReport {
    /// Whether the node takes part in the group as it should: in sync, and ready, which is to say connected to a quorum. One
    /// that has just started and heard of nobody knows of no newer block either.
    pub const fn takes_part(&self) -> bool {
        self.in_sync && self.not_ready.is_none() && self.halted.is_none()
    }
}

/// What a node is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GroupRole {
    /// It takes part in the consensus.
    Sealer,
    /// It follows.
    Observer,
    /// Something else, or nothing.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_its_field_names_and_what_is_new_is_passed_over() {
        let id = "07".repeat(64);
        let answer = serde_json::json!({
            "version": "0.2.0", "nodeId": id, "uptime": 7,
            "groups": {"1": {
                "genesisHash": format!("0x{}", "11".repeat(32)), "settingsDigest": null, "height": 9, "blockHash": "0x00",
                "view": 2, "leader": id, "sealers": [id], "role": "sealer", "inSync": true, "notReady": null,
                "halted": null, "live": [id], "new": []
            }, "2": {"role": "witness"}}
        });
        let report: NodeReport = serde_json::from_value(answer).unwrap();
        let group = |id: u32| &report.groups[&GroupId::try_from(id).unwrap()];
        assert_eq!((group(1).height, group(1).view, group(1).live.len()), (9, 2, 1));
        assert_eq!(group(1).role, Some(GroupRole::Sealer));
        assert!(group(1).takes_part() && !group(2).takes_part());
        let lonely = GroupReport {
            not_ready: Some("it reaches 0 peers".into()),
            ..group(1).clone()
        };
        assert!(!lonely.takes_part());
        assert_eq!(group(2).role, Some(GroupRole::Other));
    }
}
