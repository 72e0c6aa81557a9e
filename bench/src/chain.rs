//! The group under test: four sealers, one token, accounts that own some of it.

use std::time::Duration;

use alloy_primitives::Address;
use althing_e2e::{Account, Consortium, Manifests, Member, Rpc};
use anyhow::ensure;

use crate::token;

/// The group under test.
pub(crate) const GROUP: u32 = 1;
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
    pub(crate) async fn start(accounts: usize) -> anyhow::Result<Self> {
        let consortium = Consortium::start(&Manifests::uniform(4, 1)).await?;
        let members = consortium.members()?;
        let clients = members
            .iter()
            .map(|member| member.rpc(GROUP))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (token, accounts) = prepare(&clients[0], accounts).await?;
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
pub(crate) async fn prepare(rpc: &Rpc, accounts: usize) -> anyhow::Result<(Address, Vec<Account>)> {
    let chain_id = rpc.quantity("eth_chainId", serde_json::json!([])).await?;
    let owner = Account::of("the owner of the token", chain_id)?;
    let token = token::deploy(&owner, 0, rpc).await?;
    let named = |index| Account::of(&format!("sender {index}"), chain_id);
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
