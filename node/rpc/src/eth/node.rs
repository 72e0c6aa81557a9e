//! Questions about node and chain that no block answers.

use althing_types::{Address, Bytes};
use serde::Serialize;

use crate::session::{Answer, Call};
use crate::types::Quantity;

/// `web3_clientVersion`.
pub(super) fn client_version(call: &Call<'_>) -> Answer {
    let facts = call.session.shared.node.client_version();
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    call.answer(&format!("althing/v{}/{platform}", facts.version))
}

/// `web3_sha3`: Keccak-256, in both editions.
pub(super) fn sha3(call: &Call<'_>) -> Answer {
    let data: Bytes = call.arguments.required(0, "data")?;
    call.answer(&alloy_primitives::keccak256(data))
}

/// `net_version`: the chain id as a decimal string.
pub(super) fn net_version(call: &Call<'_>) -> Answer {
    call.answer(&call.group()?.info().evm_chain_id.to_string())
}

/// `net_listening`.
pub(super) fn listening(call: &Call<'_>) -> Answer {
    call.answer(&call.session.shared.node.listening())
}

/// `net_peerCount`: the connected members of the group.
pub(super) fn peer_count(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(call.group()?.group_peers().len() as u64))
}

/// `eth_chainId`.
pub(super) fn chain_id(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(call.group()?.info().evm_chain_id))
}

/// `eth_protocolVersion`: eth/68, the last that has the method's meaning.
pub(super) fn protocol_version(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(68))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncObject {
    starting_block: Quantity,
    current_block: Quantity,
    highest_block: Quantity,
}

/// `eth_syncing`: false, or how far.
pub(super) fn syncing(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let status = group.sync_status();
    if !status.syncing {
        return call.answer(&false);
    }
    call.answer(&SyncObject {
        starting_block: Quantity(status.starting_height),
        current_block: Quantity(group.head().height),
        highest_block: Quantity(status.highest.height),
    })
}

/// `eth_accounts`: a node holds no account's key.
pub(super) fn accounts(call: &Call<'_>) -> Answer {
    let none: [Address; 0] = [];
    call.answer(&none)
}

/// `eth_coinbase`: nobody is paid.
pub(super) fn coinbase(call: &Call<'_>) -> Answer {
    call.answer(&Address::ZERO)
}

/// `eth_mining`: whether this node seals.
pub(super) fn mining(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    call.answer(&group.sealers().contains(&group.info().own))
}

/// `eth_hashrate`.
pub(super) fn hashrate(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(0))
}
