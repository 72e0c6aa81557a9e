//! One example of every kind, as `examples/*.yaml` shows it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::v1alpha1::{
    Agency, AgencySpec, Agreed, AgreedMember, Approval, Consortium, ConsortiumSpec, Cryptography, ExternalAgency,
    ExternalNode, GenesisCommittee, GenesisConsensus, GenesisSeat, Group, GroupGenesis, GroupLocal, GroupSpec,
    ManagedRegistrar, MemberRole, Node, NodeLog, NodeP2p, NodeSpec, NodeStorage, Predeploy, Registrar, StateType,
    StorageEngine,
};

/// A consortium whose chain key the operator makes.
pub fn consortium() -> Consortium {
    let registrar = Registrar {
        managed: Some(ManagedRegistrar {
            validity: "87600h".into(),
            keys: vec![1],
        }),
        secret_name: None,
        admit: vec![],
    };
    let spec = ConsortiumSpec {
        chain_id: 20260,
        cryptography: Cryptography::Standard,
        registrar: Some(registrar),
        trust: None,
        revocations: None,
    };
    Consortium::new("trade", spec)
}

/// An own agency.
pub fn agency() -> Agency {
    let spec = AgencySpec {
        consortium: "trade".into(),
        certificate: None,
        external: None,
        approval: Some(Approval::Manifest),
    };
    Agency::new("agency-a", spec)
}

/// Somebody else's agency.
pub fn external_agency() -> Agency {
    let external = ExternalAgency {
        certificate: Some(CERTIFICATE.to_owned()),
        certificate_signing_request: None,
        governance_account: Some("0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f".into()),
        trust: None,
        attestation: None,
        genesis: vec![],
        wishes: vec![],
    };
    let spec = AgencySpec {
        consortium: "trade".into(),
        certificate: None,
        external: Some(external),
        approval: None,
    };
    Agency::new("agency-b", spec)
}

/// An own node.
pub fn node() -> Node {
    let spec = NodeSpec {
        storage: Some(NodeStorage {
            size: Some("20Gi".into()),
            storage_class_name: None,
            engine: Some(StorageEngine::RocksDB),
        }),
        p2p: Some(NodeP2p {
            advertise: Some("node-0.agency-a.example:30300".into()),
            ..NodeP2p::default()
        }),
        log: Some(NodeLog {
            level: Some(crate::v1alpha1::LogLevel::Info),
            max_file_size_mb: None,
        }),
        ..NodeSpec::of("agency-a")
    };
    Node::new("node-0", spec)
}

/// Somebody else's node.
pub fn external_node() -> Node {
    let external = ExternalNode {
        node_id: Some("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5".into()),
        address: Some("node-3.agency-b.example:30300".into()),
        certificate: None,
        attestation: None,
    };
    Node::new(
        "node-3",
        NodeSpec {
            external: Some(external),
            ..NodeSpec::of("agency-b")
        },
    )
}

/// A group.
pub fn group() -> Group {
    let seat = |agency: &str| GenesisSeat {
        agency: agency.into(),
        weight: 1,
    };
    let genesis = GroupGenesis {
        timestamp: Time(Timestamp::from_second(1_767_225_600).unwrap_or_default()),
        sealers: ["node-0", "node-1", "node-2", "node-3"].map(String::from).to_vec(),
        consensus: GenesisConsensus::default(),
        state: StateType::Storage,
        evm_chain_id: None,
        gas_limit: 300_000_000,
        block_bytes: 4 * 1024 * 1024,
        evm_hash: crate::v1alpha1::EvmHash::Keccak256,
        committee: Some(GenesisCommittee {
            seats: vec![seat("agency-a"), seat("agency-b")],
            threshold: 50,
        }),
        predeploys: vec![Predeploy::Multicall3, Predeploy::Create2],
        hash: None,
    };
    let member = AgreedMember {
        node: "node-1".into(),
        role: MemberRole::Observer,
        change: 1,
        force: false,
    };
    let spec = GroupSpec {
        consortium: "trade".into(),
        group_id: 1,
        genesis,
        agreed: Some(Agreed {
            members: vec![member],
            ..Agreed::default()
        }),
        recovery: None,
        local: Some(GroupLocal {
            settings: BTreeMap::from([("tx_pool.limit".to_owned(), "150000".to_owned())]),
            pause_until: None,
        }),
    };
    Group::new("group-1", spec)
}

/// A self-signed P-256 certificate with a throw-away key that was never kept.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBvjCCAWOgAwIBAgIUQBDd0c6AoMUHVv7K/7RZBvbtfp4wCgYIKoZIzj0EAwIw\n\
NDERMA8GA1UEAwwIYWdlbmN5LWIxDjAMBgNVBAoMBXRyYWRlMQ8wDQYDVQQLDAZh\n\
Z2VuY3kwHhcNMjYxMTIxMTE1NzEyWhcNMzYxMTE4MTE1NzEyWjA0MREwDwYDVQQD\n\
DAhhZ2VuY3ktYjEOMAwGA1UECgwFdHJhZGUxDzANBgNVBAsMBmFnZW5jeTBZMBMG\n\
ByqGSM49AgEGCCqGSM49AwEHA0IABOQC84tf4YVHNhba//6NcMXqSXSJ4zJiGiuQ\n\
Rw1z1hicgalaAvembLvcydGM6jMhr+ylMwPYYBb0hTKU7548tBOjUzBRMB0GA1Ud\n\
DgQWBBQCbQTEOY9JMwQkSMWncj38fSgUsDAfBgNVHSMEGDAWgBQCbQTEOY9JMwQk\n\
SMWncj38fSgUsDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCu\n\
f0z2xeJ6txO9tOkneaoOv9j2e0l4twEMMjC1xuprDwIhAN/MyIkFfpc1jdWpIRPS\n\
r21iC7kgA3wEIFYPkRzhJWZg\n\
-----END CERTIFICATE-----\n";
