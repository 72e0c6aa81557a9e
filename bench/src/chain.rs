//! The group under test: four sealers, one token, accounts that own some of it.

use std::time::Duration;

use alloy_primitives::Address;
use althing_e2e::{Account, Consortium, Manifests, Member, Rpc, SmChain};
use anyhow::ensure;
use clap::ValueEnum;

use crate::token;

/// The group under test.
pub(crate) const GROUP: u32 = 1;
/// Blocks after which a transaction signed at height 0 that an SDK would give 500 has the largest limit there is.
const LIMIT_AHEAD: u64 = 500;
/// Tokens of each account at the beginning.
const SHARE: u64 = 1_000_000_000;

/// What signs and hashes in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Edition {
    /// secp256k1 and Keccak-256.
    Standard,
    /// SM2 and SM3.
    Sm,
}

impl Edition {
    /// As a manifest says it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Sm => "SM",
        }
    }

    /// The account that `seed` names, for a chain. Where transactions have a last block, it is as far ahead as a pool takes.
    fn account(self, seed: &str, chain_id: u64) -> anyhow::Result<Account> {
        match self {
            Self::Standard => Account::of(seed, chain_id),
            Self::Sm => Account::sm_of(seed, SmChain::new(chain_id, LIMIT_AHEAD)?),
        }
    }
}

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
            cryptography: edition.word(),
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
    let owner = edition.account("the owner of the token", chain_id)?;
    let token = token::deploy(&owner, 0, rpc).await?;
    let named = |index| edition.account(&format!("sender {index}"), chain_id);
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
