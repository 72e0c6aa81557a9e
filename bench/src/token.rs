//! OpenZeppelin's ERC-20 and signed transfers of it.

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_e2e::{Account, Rpc, repository};
use anyhow::Context;
use rayon::prelude::*;
use std::time::Duration;

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

/// Deploys the token, all of it belonging to the deployer.
pub(crate) async fn deploy(owner: &Account, nonce: u64, rpc: &Rpc) -> anyhow::Result<Address> {
    let (raw, hash) = owner.sign(nonce, TxKind::Create, creation(owner.address())?, DEPLOYMENT_GAS);
    rpc.send_raw(&raw).await?;
    let receipt = rpc.mined(hash, Duration::from_secs(30)).await?;
    anyhow::ensure!(receipt.status == "0x1", "the token's deployment failed");
    receipt.contract_address.context("the token's address")
}

fn creation(owner: Address) -> anyhow::Result<Bytes> {
    let path = repository().join(ARTIFACT);
    let text = std::fs::read(&path)
        .with_context(|| format!("read {}; scripts/setup.sh clients fetches it", path.display()))?;
    let artifact: serde_json::Value = serde_json::from_slice(&text)?;
    let mut code = hex::decode(artifact["bytecode"].as_str().context("bytecode")?)?;
    let supply = U256::from(10).pow(U256::from(30));
    code.extend((String::from("Bench"), String::from("BNCH"), supply, owner).abi_encode_params());
    Ok(code.into())
}

/// One signed transfer.
pub(crate) fn transfer(from: &Account, nonce: u64, token: Address, to: Address, value: u64) -> (String, B256) {
    let input = transferCall {
        to,
        value: U256::from(value),
    }
    .abi_encode();
    from.sign(nonce, TxKind::Call(token), input.into(), TRANSFER_GAS)
}

/// Signs `each` transfers for every account, from the nonce it is at, on all cores. The result is in sending order:
/// first every account's first, then every account's second.
pub(crate) fn sign_all(accounts: &[Account], first_nonce: u64, each: u64, token: Address) -> Vec<Signed> {
    let rounds = (0..each).into_par_iter().map(|round| {
        let one = |(index, account): (usize, &Account)| {
            let to = accounts[(index + 1) % accounts.len()].address();
            let (raw, hash) = transfer(account, first_nonce + round, token, to, 1);
            Signed { raw, hash }
        };
        accounts.iter().enumerate().map(one).collect::<Vec<_>>()
    });
    rounds.flatten().collect()
}

/// A signed transfer.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// The transaction as hex.
    pub(crate) raw: String,
    /// Its hash.
    pub(crate) hash: B256,
}
