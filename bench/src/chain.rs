//! The group under test: four sealers, one token, accounts that own some of it.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use althing_e2e::{Account, Consortium, Edition, Manifests, Member, Rpc, token};
use anyhow::ensure;

/// The group under test.
pub(crate) const GROUP: u32 = 1;
/// Accounts sign as at this height, so that transactions of the SM edition, good for 500 blocks, have the largest limit there is.
const LIMIT_AHEAD: u64 = 500;
/// Tokens of each account at the beginning.
const SHARE: u64 = 1_000_000_000;

/// A running group with its token.
pub(crate) struct Chain {
    /// The processes; they end with it.
    pub(crate) _consortium: Consortium,
    /// The four nodes.
    pub(crate) members: Vec<Member>,
    /// A client of each.
    pub(crate) clients: Vec<Rpc>,
    /// The token.
    pub(crate) token: Address,
    /// Accounts that own some of it; all are at nonce 0.
    pub(crate) accounts: Vec<Account>,
}

impl Chain {
    /// Starts it and gives every account its share.
    pub(crate) async fn start(edition: Edition, accounts: usize) -> anyhow::Result<Self> {
        let manifests = Manifests {
            edition,
            ..Manifests::uniform(4, 1)
        };
        let consortium = Consortium::start(&manifests).await?;
        let members = consortium.members()?;
        let clients = members
            .iter()
            .map(|member| member.rpc(GROUP))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (token, accounts) = prepare(&clients[0], edition, accounts).await?;
        Ok(Self {
            _consortium: consortium,
            members,
            clients,
            token,
            accounts,
        })
    }
}

/// Deploys the token on any Ethereum chain without fees and shares it out.
pub(crate) async fn prepare(rpc: &Rpc, edition: Edition, accounts: usize) -> anyhow::Result<(Address, Vec<Account>)> {
    let chain_id = rpc.quantity("eth_chainId", serde_json::json!([])).await?;
    let owner = edition.account("the owner of the token", chain_id, LIMIT_AHEAD)?;
    let supply = U256::from(10).pow(U256::from(30));
    let token = token::deploy(&owner, rpc, "BNCH", supply).await?;
    let named = |index| edition.account(&format!("sender {index}"), chain_id, LIMIT_AHEAD);
    let accounts = (0..accounts).map(named).collect::<anyhow::Result<Vec<_>>>()?;
    let mut last = None;
    for (nonce, account) in (1..).zip(&accounts) {
        let (raw, hash) = token::transfer(&owner, nonce, token, account.address(), SHARE);
        rpc.send_raw(&raw).await?;
        last = Some(hash);
    }
    if let Some(hash) = last {
        let receipt = rpc.mined(hash, Duration::from_secs(60)).await?;
        ensure!(receipt.status == "0x1", "sharing the token out failed");
    }
    Ok((token, accounts))
}
