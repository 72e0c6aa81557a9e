//! `althing.dev/v1alpha1`.
#![expect(
    unreachable_pub,
    reason = "the KubeSchema derive makes a private twin of every struct with its visibility"
)]

mod agency;
mod common;
mod consortium;
mod group;
mod node;

pub use agency::{
    Agency, AgencySpec, AgencyStatus, AgencyTrust, Approval, ExternalAgency, SignedGenesis, SignedWishes, WishedSeat,
};
pub use common::{Attestation, DeletionPolicy};
pub use consortium::{
    Admission, Consortium, ConsortiumSpec, ConsortiumStatus, Cryptography, ManagedRegistrar, Registrar, Revocations,
    Trust,
};
pub use group::{
    AgencyWishes, Agreed, AgreedMember, AgreedSeat, AgreedSetting, ChangeStatus, ConsensusType, EvmHash,
    GenesisAttestation, GenesisCommittee, GenesisConsensus, GenesisSeat, Group, GroupGenesis, GroupLocal, GroupSpec,
    GroupStatus, MemberRole, Predeploy, StateType,
};
pub use node::{
    ExternalNode, LogLevel, Node, NodeListener, NodeLog, NodeP2p, NodeSpec, NodeStatus, NodeStorage, ServiceType,
    StorageEngine,
};
