//! `group.N.genesis` and the canonical document.

use std::collections::BTreeSet;

use althing_types::genesis::{
    Committee, ConsensusConfig, ConsensusKind, Cryptography, EvmHash, Genesis, Predeploy, Seat, StateKind,
    canonical_document, default_evm_chain_id, differences, genesis_hash, parse_canonical, parse_genesis,
    render_genesis,
};
use althing_types::{Address, B256, GroupId, NodeId, SealerSet};
use proptest::prelude::*;

fn seats() -> impl Strategy<Value = Committee> {
    let seats = prop::collection::btree_map(any::<[u8; 20]>(), 1..=1_000_000_u32, 0..6);
    (seats, 50..=99_u32).prop_map(|(seats, threshold)| Committee {
        threshold: if seats.is_empty() { 0 } else { threshold },
        seats: seats
            .into_iter()
            .map(|(account, weight)| Seat {
                account: Address::from(account),
                weight,
            })
            .collect(),
    })
}

fn consensus() -> impl Strategy<Value = ConsensusConfig> {
    let kind = prop::sample::select(vec![ConsensusKind::Pbft, ConsensusKind::Raft, ConsensusKind::Aura]);
    (
        kind,
        1..=100_000_u32,
        100..=60_000_u64,
        prop::option::of(100..=3_600_000_u64),
    )
        .prop_map(|(kind, max_transactions, timeout_ms, heartbeat)| ConsensusConfig {
            kind,
            max_transactions,
            timeout_ms,
            heartbeat_ms: heartbeat.or_else(|| (kind == ConsensusKind::Aura).then_some(1000)),
        })
}

fn genesis() -> impl Strategy<Value = Genesis> {
    let sealers = prop::collection::vec(prop::array::uniform32(any::<u8>()), 1..8);
    let numbers = (
        1..1_u64 << 37,
        1..=32_767_u32,
        0..1_u64 << 53,
        1..1_u64 << 53,
        100_000..1_u64 << 53,
    );
    let words = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        65_536..=1_u64 << 25,
        any::<bool>(),
        any::<bool>(),
    );
    (numbers, words, consensus(), sealers, seats()).prop_map(|(numbers, words, consensus, sealers, committee)| {
        let predeploys = [(words.4, Predeploy::Multicall3), (words.5, Predeploy::Create2)];
        Genesis {
            protocol_version: 1,
            chain_id: numbers.0,
            group_id: GroupId::try_from(numbers.1).unwrap(),
            cryptography: if words.0 {
                Cryptography::Sm
            } else {
                Cryptography::Standard
            },
            timestamp_ms: numbers.2,
            consensus,
            sealers: SealerSet::new(sealers.into_iter().map(node_id).collect()),
            state: if words.1 { StateKind::Mpt } else { StateKind::Storage },
            evm_chain_id: numbers.3,
            evm_hash: if words.2 { EvmHash::Sm3 } else { EvmHash::Keccak256 },
            gas_limit: numbers.4,
            block_bytes: words.3,
            committee,
            predeploys: predeploys
                .into_iter()
                .filter(|(wanted, _)| *wanted)
                .map(|(_, which)| which)
                .collect(),
        }
    })
}

fn node_id(half: [u8; 32]) -> NodeId {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&half);
    NodeId::new(bytes)
}

fn keccak(bytes: &[u8]) -> B256 {
    alloy_primitives::keccak256(bytes)
}

proptest! {
    #[test]
    fn a_rendered_genesis_is_parsed_back_to_the_same_value(value in genesis()) {
        let text = render_genesis(&value);
        prop_assert_eq!(parse_genesis("group.1.genesis", &text).unwrap(), value);
    }

    #[test]
    fn a_canonical_document_is_parsed_back_to_the_same_value(value in genesis()) {
        prop_assert_eq!(parse_canonical(&canonical_document(&value)).unwrap(), value);
    }

    #[test]
    fn hostile_text_never_panics(text in "\\PC{0,400}", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_genesis("group.1.genesis", &text);
        let _ = parse_genesis("group.1.genesis", &format!("[consensus]\n{text}\n[group]\nid=1"));
        let _ = parse_canonical(&bytes);
    }

    #[test]
    fn two_genesis_hash_alike_exactly_when_no_field_differs(left in genesis(), right in genesis()) {
        let same_hash = genesis_hash(&left, keccak) == genesis_hash(&right, keccak);
        prop_assert_eq!(same_hash, differences(&left, &right).is_empty());
        prop_assert!(differences(&left, &left).is_empty());
    }
}

const SEED: &str = "\
;consensus configuration
[consensus]
;consensus algorithm type, now support PBFT(consensus_type=pbft) and Raft(consensus_type=raft)
consensus_type=pbft
;the max number of transactions of a block
block_tx_count_limit=1000
;the node id of consensusers
node.0=79d3d4d78a747b1b9e59a3eb248281ee286d49614e3ca5b2ce3697be2da72cfa82dcd314c0f04e1f590da8db0b97de466bd08e27eaa13f85df9b60e54d6a1ec8
node.1=160ba08898e1e25b31e24c2c4e3c75eed996ec56bda96043aa8f27723889ab774b60e969d9bd25d70ea8bb8779b7070521d9bd775dc7636f4b2b800d2fc8c7dd
[group]
id=1
";

#[test]
fn the_seeds_and_fiscos_spelling_mean_the_same() {
    let seed = parse_genesis("group.1.genesis", SEED).unwrap();
    let fisco = SEED.replace(
        "block_tx_count_limit=1000",
        "max_trans_num=1000\nepoch_sealer_num=2\nepoch_block_num=1000",
    );
    let fisco = format!("{fisco}[state]\ntype=storage\n[tx]\ngas_limit=300000000\n[evm]\nenable_free_storage=false\n");
    assert_eq!(parse_genesis("group.1.genesis", &fisco).unwrap(), seed);
    assert_eq!(seed.sealers.len(), 2);
    assert!(
        seed.sealers.as_slice()[0] < seed.sealers.as_slice()[1],
        "sorted, whatever the file's order"
    );
}

#[test]
fn absent_keys_take_fiscos_defaults() {
    let genesis = parse_genesis("group.1.genesis", SEED).unwrap();
    assert_eq!(
        (genesis.chain_id, genesis.gas_limit, genesis.consensus.timeout_ms),
        (1, 300_000_000, 3000)
    );
    assert_eq!(
        (genesis.consensus.heartbeat_ms, genesis.block_bytes),
        (None, 4 * 1024 * 1024)
    );
    assert_eq!(
        Some(genesis.evm_chain_id),
        default_evm_chain_id(1, GroupId::try_from(1).unwrap())
    );
    assert_eq!(
        (genesis.committee, genesis.predeploys),
        (Committee::default(), BTreeSet::new())
    );
}

fn refusal(from: &str, to: &str) -> String {
    assert!(SEED.contains(from));
    parse_genesis("group.1.genesis", &SEED.replacen(from, to, 1))
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_refused_is_named_with_file_section_key_found_and_accepted() {
    let nodes = SEED
        .lines()
        .filter(|line| line.starts_with("node."))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(refusal(&nodes, "").contains("[consensus] node.0 is missing"));
    assert!(refusal("node.0=79", "node.0=7").contains("group.1.genesis line 8: [consensus] node.0="));
    assert!(refusal("id=1", "").contains("[group] id is missing"));
    assert!(refusal("id=1", "id=32768").contains("accepted is a group id from 1 to 32767"));
    assert!(refusal("=pbft\n", "=rpbft\n").contains("\"rpbft\"; accepted is pbft, raft, aura"));
    assert!(refusal("=1000", "=0").contains("accepted is a whole number from 1 to 100000"));
    assert!(refusal("id=1", "id=1\n[evm]\nenable_free_storage=true").contains("accepted is false"));
    assert!(refusal("id=1", "id=1\n[genesis]\n").contains("unknown section [genesis]"));
    assert!(refusal("id=1", "id=1\n[committee]\nthreshold=50").contains("[committee] seat.0 is missing"));
    assert!(refusal("id=1", "id=1\n[committee]\nseat.0=0x00:1").contains("accepted is address:weight"));
    let first = nodes.lines().next().unwrap().replacen("node.0", "node.7", 1);
    assert!(refusal("[group]", &format!("{first}\n[group]")).contains("accepted is every sealer once"));
}

#[test]
fn aura_needs_a_heartbeat() {
    let aura = SEED.replacen("=pbft\n", "=aura\n", 1);
    assert!(
        parse_genesis("group.1.genesis", &aura)
            .unwrap_err()
            .to_string()
            .contains("Aura seals by the clock")
    );
    let with = format!("{aura}[block]\nheartbeat_ms=1000\n");
    assert_eq!(
        parse_genesis("group.1.genesis", &with).unwrap().consensus.heartbeat_ms,
        Some(1000)
    );
}

#[test]
fn the_canonical_document_never_changes() {
    let genesis = parse_genesis("group.1.genesis", SEED).unwrap();
    let expected = format!(
        "{{\"blockBytes\":4194304,\"chainId\":1,\"committee\":{{\"seats\":[],\"threshold\":0}},\
         \"consensus\":{{\"heartbeatMs\":null,\"maxTransactions\":1000,\"timeoutMs\":3000,\"type\":\"pbft\"}},\
         \"cryptography\":\"standard\",\"evmChainId\":32769,\"evmHash\":\"keccak256\",\"formatVersion\":1,\
         \"gasLimit\":300000000,\"groupId\":1,\"predeploys\":[],\"protocolVersion\":1,\
         \"sealers\":[\"{}\",\"{}\"],\"state\":\"storage\",\"timestampMs\":0}}",
        genesis.sealers.as_slice()[0],
        genesis.sealers.as_slice()[1]
    );
    assert_eq!(String::from_utf8(canonical_document(&genesis)).unwrap(), expected);
}

#[test]
fn a_document_that_is_not_canonical_is_refused() {
    let genesis = parse_genesis("group.1.genesis", SEED).unwrap();
    let text = String::from_utf8(canonical_document(&genesis)).unwrap();
    let refused = |text: String| parse_canonical(text.as_bytes()).unwrap_err().to_string();
    assert!(refused(format!("{text} ")).contains("is not canonical"));
    assert!(refused(text.replace("\"formatVersion\":1", "\"formatVersion\":2")).contains("format version 2"));
    assert!(refused(text.replace("\"chainId\":1", "\"chainId\":0")).contains("chainId is 0; accepted is 1 to"));
    assert!(refused(text.replacen('{', "{\"extra\":1,", 1)).contains("unknown field"));
    let sealers = genesis.sealers.as_slice();
    let swapped = format!("\"{}\",\"{}\"", sealers[1], sealers[0]);
    let sorted = format!("\"{}\",\"{}\"", sealers[0], sealers[1]);
    assert!(refused(text.replace(&sorted, &swapped)).contains("is not canonical"));
    assert!(refused(" ".repeat(300_000)).contains("300000 bytes"));
}

#[test]
fn a_difference_is_named_by_field() {
    let left = parse_genesis("group.1.genesis", SEED).unwrap();
    let mut right = left.clone();
    right.consensus.timeout_ms = 5000;
    right.state = StateKind::Mpt;
    let found = differences(&left, &right);
    let fields: Vec<_> = found
        .iter()
        .map(|d| (d.field.as_str(), d.left.as_str(), d.right.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("consensus.timeoutMs", "3000", "5000"),
            ("state", "\"storage\"", "\"mpt\"")
        ]
    );
}
