//! Group: one ledger.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agency::SignedWishes;
use super::common::Attestation;

/// Equal as a whole; or a hash is added and every other field is as it was, optional ones absent where they were absent. A
/// test holds this list to the fields that exist.
const GENESIS_IS_IMMUTABLE: &str = "self.genesis == oldSelf.genesis || (!has(oldSelf.genesis.hash) && has(self.genesis.hash) \
    && self.genesis.timestamp == oldSelf.genesis.timestamp && self.genesis.sealers == oldSelf.genesis.sealers \
    && self.genesis.consensus == oldSelf.genesis.consensus && self.genesis.state == oldSelf.genesis.state \
    && self.genesis.gasLimit == oldSelf.genesis.gasLimit && self.genesis.blockBytes == oldSelf.genesis.blockBytes \
    && self.genesis.evmHash == oldSelf.genesis.evmHash \
    && has(self.genesis.evmChainId) == has(oldSelf.genesis.evmChainId) \
    && (!has(self.genesis.evmChainId) || self.genesis.evmChainId == oldSelf.genesis.evmChainId) \
    && has(self.genesis.committee) == has(oldSelf.genesis.committee) \
    && (!has(self.genesis.committee) || self.genesis.committee == oldSelf.genesis.committee) \
    && has(self.genesis.predeploys) == has(oldSelf.genesis.predeploys) \
    && (!has(self.genesis.predeploys) || self.genesis.predeploys == oldSelf.genesis.predeploys))";

/// One ledger, with its own genesis, members, consensus, state and storage.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "althing.dev",
    version = "v1alpha1",
    kind = "Group",
    plural = "ledgergroups",
    singular = "ledgergroup",
    shortname = "lgroup",
    category = "althing",
    namespaced,
    status = "GroupStatus",
    derive = "PartialEq",
    cel,
    doc = "One ledger, with its own genesis, members, consensus, state and storage.",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name: 1 to 40 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit"),
    printcolumn(name = "Group ID", type_ = "integer", json_path = ".spec.groupId", description = "The group's number"),
    printcolumn(name = "Consensus", type_ = "string", json_path = ".spec.genesis.consensus.type", description = "How blocks are agreed on"),
    printcolumn(name = "Faults", type_ = "integer", json_path = ".status.faultsTolerable", description = "How many sealers may fail"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether this namespace's part is done"),
    printcolumn(name = "In sync", type_ = "string", json_path = ".status.conditions[?(@.type==\"InSync\")].status", description = "Whether the chain agrees with the manifests"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", description = "Why it is or is not ready"),
    printcolumn(name = "Genesis", type_ = "string", json_path = ".status.genesisHash", description = "The hash of its genesis", priority = "1"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", description = "What is done, waited for or wrong", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was made")
)]
#[x_kube(
    validation = Rule::new("self.consortium == oldSelf.consortium").message("spec.consortium is immutable"),
    validation = Rule::new("self.groupId == oldSelf.groupId").message("spec.groupId is immutable: it is part of the genesis"),
    validation = Rule::new(GENESIS_IS_IMMUTABLE).message("spec.genesis is immutable as a whole: block 0 holds it for ever; only an absent hash may be added"),
)]
#[serde(rename_all = "camelCase")]
pub struct GroupSpec {
    /// The Consortium of this namespace. Immutable.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub consortium: String,
    /// The group's number, 1 to 32767, unique in its consortium. Immutable.
    #[schemars(range(min = 1, max = 32767))]
    pub group_id: i32,
    /// The fixed config, rendered once into a canonical document. Immutable as a whole, but for a hash that is added.
    pub genesis: GroupGenesis,
    /// What this namespace wants to hold on chain. Every entry is explicit and numbered; absence is no opinion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Agreed>,
    /// The document by which this group goes on that lost its quorum for ever, as `althing recover` makes it and the committee signed
    /// it. The nodes follow it when it names their newest block; once the chain holds it, it can be taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 131_072))]
    pub recovery: Option<String>,
    /// This namespace's own business; never travels to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<GroupLocal>,
}

/// The fixed config of a group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupGenesis {
    /// The time of block 0.
    pub timestamp: Time,
    /// The first sealers, by the names of their Nodes in this namespace; at least one.
    #[schemars(
        length(min = 1, max = 256),
        inner(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub sealers: Vec<String>,
    /// How blocks are agreed on.
    #[serde(default)]
    pub consensus: GenesisConsensus,
    /// What the state root commits to.
    #[serde(default)]
    pub state: StateType,
    /// The chain id Ethereum clients see; `chainId · 32768 + groupId` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub evm_chain_id: Option<i64>,
    /// Gas a transaction may be given and a block may use.
    #[serde(default = "gas_limit")]
    #[schemars(range(min = 100_000, max = 9_007_199_254_740_991_i64))]
    pub gas_limit: i64,
    /// Bytes a block may have; 4 MiB unless given.
    #[serde(default = "block_bytes")]
    #[schemars(range(min = 65_536, max = 33_554_432))]
    pub block_bytes: i64,
    /// The hash inside the EVM.
    #[serde(default)]
    pub evm_hash: EvmHash,
    /// Who votes on changes; without it any account may propose them, as in FISCO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committee: Option<GenesisCommittee>,
    /// Contracts that exist from block 0 on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub predeploys: Vec<Predeploy>,
    /// The hash the canonical document must have, `0x` and 64 hex digits; may be added later, once. Nothing starts when it
    /// differs. Needed when sealers are other agencies', to say that everybody computed the same document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 66), regex(pattern = "^0x[0-9a-f]{64}$"))]
    pub hash: Option<String>,
}

const fn gas_limit() -> i64 {
    300_000_000
}

const fn block_bytes() -> i64 {
    4 * 1024 * 1024
}

/// How blocks are agreed on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(cel, validation = Rule::new("self.type != 'Aura' || has(self.heartbeat)").message("Aura needs heartbeat: its blocks are made by the clock"))]
#[serde(rename_all = "camelCase")]
pub struct GenesisConsensus {
    /// The protocol.
    #[serde(default, rename = "type")]
    pub kind: ConsensusType,
    /// Transactions a block may have.
    #[serde(default = "max_transactions")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_transactions: i32,
    /// The timeout of the first round, such as `3s`; from 100 ms to 60 s.
    #[serde(default = "timeout")]
    #[schemars(length(min = 2, max = 16), regex(pattern = "^([0-9]{1,9}(ms|s|m|h|d))+$"))]
    pub timeout: String,
    /// Seal an empty block after this much idleness, such as `10s`; blocks only on demand unless given. Aura needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 16), regex(pattern = "^([0-9]{1,9}(ms|s|m|h|d))+$"))]
    pub heartbeat: Option<String>,
}

const fn max_transactions() -> i32 {
    1000
}

fn timeout() -> String {
    "3s".to_owned()
}

impl Default for GenesisConsensus {
    fn default() -> Self {
        Self {
            kind: ConsensusType::default(),
            max_transactions: max_transactions(),
            timeout: timeout(),
            heartbeat: None,
        }
    }
}

/// The consensus protocols.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsensusType {
    /// Practical Byzantine fault tolerance: up to a third of the sealers may lie.
    #[default]
    PBFT,
    /// Crash faults only.
    Raft,
    /// Authority round, final by two thirds.
    Aura,
}

/// What the state root commits to.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateType {
    /// A digest of each block's changes, chained.
    #[default]
    Storage,
    /// The Ethereum trie, with `eth_getProof`.
    MPT,
}

/// The hash inside the EVM.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvmHash {
    /// Keccak-256, as Ethereum's contracts expect.
    #[default]
    Keccak256,
    /// SM3; the SM edition only.
    SM3,
}

/// Contracts a genesis may put into block 0.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub enum Predeploy {
    /// Multicall3 at 0xcA11bde05977b3631167028862bE2a173976CA11.
    Multicall3,
    /// The deterministic CREATE2 deployer at 0x4e59b44847b379578588920cA78FbF26c0B4956C.
    Create2,
}

/// The first committee.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GenesisCommittee {
    /// The agencies that vote.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["agency".to_string()]))]
    pub seats: Vec<GenesisSeat>,
    /// A change passes strictly above this percentage of the weight; at least 50.
    #[serde(default = "threshold")]
    #[schemars(range(min = 50, max = 99))]
    pub threshold: i32,
}

const fn threshold() -> i32 {
    50
}

/// One agency's voice.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GenesisSeat {
    /// The Agency of this namespace.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub agency: String,
    /// The weight of its vote.
    #[serde(default = "weight")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub weight: i32,
}

const fn weight() -> i32 {
    1
}

/// What this namespace wants to hold on chain.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Agreed {
    /// Roles of nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["node".to_string()]))]
    pub members: Vec<AgreedMember>,
    /// Weights of committee seats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["agency".to_string()]))]
    pub committee: Vec<AgreedSeat>,
    /// System configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["key".to_string()]))]
    pub system_config: Vec<AgreedSetting>,
}

/// The role a node should have.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgreedMember {
    /// The Node of this namespace.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub node: String,
    /// The role.
    pub role: MemberRole,
    /// The number of this change of this subject: one more than the chain has counted.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub change: i64,
    /// Passes without the liveness checks; always needs a person's approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// What a node is to a group.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberRole {
    /// Takes part in consensus.
    Sealer,
    /// Follows.
    Observer,
    /// Neither.
    Free,
}

/// The weight an agency's vote should have.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgreedSeat {
    /// The Agency of this namespace.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub agency: String,
    /// The weight; 0 takes the seat away.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: i32,
    /// The number of this change of this subject.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub change: i64,
}

/// The value a system-configuration key should have.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgreedSetting {
    /// The key, such as `tx_count_limit`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub key: String,
    /// The value.
    #[schemars(length(min = 1, max = 64))]
    pub value: String,
    /// The number of this change of this subject.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub change: i64,
}

/// This namespace's own business.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GroupLocal {
    /// Settings of `group.N.ini` of every own node, as `section.key: value`, such as `tx_pool.limit: "150000"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub settings: BTreeMap<String, String>,
    /// Until this moment own nodes may be restarted although the group stands still meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_until: Option<Time>,
}

/// What is known of a group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupStatus {
    /// The generation this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, QuorumAtRisk, InSync.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// The hash of the canonical genesis document, `0x` and 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 66))]
    pub genesis_hash: Option<String>,
    /// The nodeIDs of the sealers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub sealers: Vec<String>,
    /// The nodeIDs of the observers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub observers: Vec<String>,
    /// How many sealers may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults_tolerable: Option<i32>,
    /// Changes that are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".to_string()]))]
    pub changes: Vec<ChangeStatus>,
    /// The own agencies' signatures over the genesis hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["agency".to_string()]))]
    pub attestations: Vec<GenesisAttestation>,
    /// What own agencies without a seat ask for, as others take it into the external Agency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["agency".to_string()]))]
    pub wishes: Vec<AgencyWishes>,
}

/// What one own agency asks for in a group.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgencyWishes {
    /// The Agency of this namespace.
    #[schemars(length(max = 40))]
    pub agency: String,
    /// What it asks for, signed.
    pub wishes: SignedWishes,
}

/// One own agency's signature over a group's genesis hash.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GenesisAttestation {
    /// The Agency of this namespace.
    #[schemars(length(max = 40))]
    pub agency: String,
    /// Its signature.
    pub attestation: Attestation,
}

/// A change that is voted on.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ChangeStatus {
    /// Its id.
    #[schemars(length(max = 66))]
    pub id: String,
    /// The nodeID, seat or key it changes.
    #[schemars(length(max = 160))]
    pub subject: String,
    /// What holds now.
    #[schemars(length(max = 64))]
    pub from: String,
    /// What would hold.
    #[schemars(length(max = 64))]
    pub to: String,
    /// The weight that voted for it.
    pub votes: i64,
    /// The weight it needs.
    pub needed: i64,
    /// Where it stands.
    #[schemars(length(max = 32))]
    pub state: String,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub blocked_by: Option<String>,
}
