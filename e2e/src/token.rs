//! OpenZeppelin's ERC-20, and transfers of it.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_sol_types::{SolCall, SolValue, sol};
use anyhow::Context;

use crate::{Account, Rpc, repository};

sol! {
    /// Moves tokens from the sender.
    function transfer(address to, uint256 value) returns (bool);
}

/// Gas of a deployment.
const DEPLOYMENT_GAS: u64 = 5_000_000;
/// Gas of a transfer to an account that has none yet, with some room.
const TRANSFER_GAS: u64 = 80_000;

/// The build artifact inside the npm package (`make setup` fetches it).
const ARTIFACT: &str =
    "e2e/clients/js/node_modules/@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json";

/// Deploys the token, all of it belonging to the deployer, who has sent nothing yet.
pub async fn deploy(owner: &Account, rpc: &Rpc, symbol: &str, supply: U256) -> anyhow::Result<Address> {
    let code = creation(owner.address(), symbol, supply)?;
    let (raw, hash) = owner.sign(0, TxKind::Create, code, DEPLOYMENT_GAS);
    rpc.send_raw(&raw).await?;
    let receipt = rpc.mined(hash, Duration::from_secs(30)).await?;
    anyhow::ensure!(receipt.status == "0x1", "the token's deployment failed");
    receipt.contract_address.context("the token's address")
}

fn creation(owner: Address, symbol: &str, supply: U256) -> anyhow::Result<Bytes> {
    let path = repository().join(ARTIFACT);
    let text = std::fs::read(&path)
        .with_context(|| format!("read {}; scripts/setup.sh clients fetches it", path.display()))?;
    let artifact: serde_json::Value = serde_json::from_slice(&text)?;
    let mut code = hex::decode(artifact["bytecode"].as_str().context("bytecode")?)?;
    code.extend((symbol.to_owned(), symbol.to_owned(), supply, owner).abi_encode_params());
    Ok(code.into())
}

/// One signed transfer.
pub fn transfer(from: &Account, nonce: u64, token: Address, to: Address, value: u64) -> (String, B256) {
    let input = transferCall {
        to,
        value: U256::from(value),
    }
    .abi_encode();
    from.sign(nonce, TxKind::Call(token), input.into(), TRANSFER_GAS)
}
