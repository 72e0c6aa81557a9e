//! [`Genesis`] → `group.N.genesis`, every default written out.

use super::{ConsensusKind, EvmHash, Genesis, Predeploy, StateKind};
use crate::ini_file::{IniWriter, thousandths_text};

/// Writes a `group.N.genesis` that [`super::parse_genesis`] reads back to the same value.
pub fn render_genesis(genesis: &Genesis) -> String {
    let mut ini = IniWriter::default();
    write_consensus(&mut ini, genesis);
    ini.section("state").plain("type", state_word(genesis.state));
    ini.section("tx").plain("gas_limit", genesis.gas_limit);
    ini.section("group")
        .plain("id", genesis.group_id)
        .plain("timestamp", genesis.timestamp_ms);
    ini.section("chain")
        .plain("id", genesis.chain_id)
        .plain("sm_crypto", genesis.cryptography.sm_crypto())
        .plain("protocol_version", genesis.protocol_version);
    ini.section("evm")
        .plain("chain_id", genesis.evm_chain_id)
        .plain("hash", hash_word(genesis.evm_hash));
    ini.section("block").plain("bytes", genesis.block_bytes);
    if let Some(heartbeat_ms) = genesis.consensus.heartbeat_ms {
        ini.plain("heartbeat_ms", heartbeat_ms);
    }
    if !genesis.committee.seats.is_empty() {
        ini.section("committee").plain("threshold", genesis.committee.threshold);
        for (index, seat) in genesis.committee.seats.iter().enumerate() {
            ini.plain(
                &format!("seat.{index}"),
                format_args!("{:#x}:{}", seat.account, seat.weight),
            );
        }
    }
    ini.section("predeploy");
    for (word, predeploy) in [("multicall3", Predeploy::Multicall3), ("create2", Predeploy::Create2)] {
        ini.plain(word, genesis.predeploys.contains(&predeploy));
    }
    ini.finish()
}

fn write_consensus(ini: &mut IniWriter, genesis: &Genesis) {
    ini.section("consensus")
        .plain("consensus_type", kind_word(genesis.consensus.kind))
        .plain("max_trans_num", genesis.consensus.max_transactions)
        .plain("consensus_timeout", thousandths_text(genesis.consensus.timeout_ms));
    for (index, sealer) in genesis.sealers.as_slice().iter().enumerate() {
        ini.plain(&format!("node.{index}"), sealer);
    }
}

const fn kind_word(kind: ConsensusKind) -> &'static str {
    match kind {
        ConsensusKind::Pbft => "pbft",
        ConsensusKind::Raft => "raft",
        ConsensusKind::Aura => "aura",
    }
}

const fn state_word(state: StateKind) -> &'static str {
    match state {
        StateKind::Storage => "storage",
        StateKind::Mpt => "mpt",
    }
}

const fn hash_word(hash: EvmHash) -> &'static str {
    match hash {
        EvmHash::Keccak256 => "keccak256",
        EvmHash::Sm3 => "sm3",
    }
}
