//! geth 1.13.15, the last that seals with Clique (EIP-225): four signers, a block a second.
//!
//! The genesis has every fork up to Berlin and not London, so there is no base fee and legacy transactions at price 0 from
//! accounts without balance are valid, as on our side. geth raises a configured price of 0 to its default when it starts;
//! `miner_setGasPrice` then puts it to 0 in pool and miner. Signers are connected first and start sealing afterwards, so
//! that nobody begins a chain of its own. Differences that remain: blocks are final only by depth; devp2p encrypts, without
//! certificates; a block is synced to disk, the state only every few minutes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, B256, hex, keccak256};
use althing_e2e::{Account, Rpc, run, until};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::peers::Peer;
use crate::peers::process::{Process, free_ports};

/// What is measured, in a line.
pub(super) const WHAT: &str =
    "geth 1.13.15: 4 Clique signers, 1 s period, no London: legacy transactions at price 0, no base fee";

/// Where `scripts/setup.sh peers` puts it, in the cache folder.
const PROGRAM: &str = "bin/geth-1.13.15/geth";
const SIGNERS: usize = 4;
const CHAIN_ID: u64 = 225;
/// Transactions a pool may hold, of one account and of all; far more than are ever under way.
const POOL: &str = "100000";
/// Longest time for a command that prepares, and until all are connected or seal.
const PATIENCE: Duration = Duration::from_secs(60);

/// Four signers that have sealed their first blocks together, each block with at most so much gas.
pub(super) async fn start(gas_limit: u64) -> anyhow::Result<Peer> {
    let program = program()?;
    let folder = tempfile::Builder::new().prefix("althing-geth-").tempdir()?;
    let signers = signers()?;
    let addresses: Vec<Address> = signers.iter().map(|signer| signer.address).collect();
    let genesis = folder.path().join("genesis.json");
    std::fs::write(&genesis, genesis_of(&addresses, gas_limit).to_string())?;
    std::fs::write(folder.path().join(PASSWORD), "")?;
    let (mut processes, mut clients) = (Vec::new(), Vec::new());
    for (number, signer) in signers.iter().enumerate() {
        let home = Home {
            program: &program,
            folder: &folder,
            data: folder.path().join(format!("signer-{number}")),
            gas_limit,
        };
        home.prepare(signer, &genesis)
            .await
            .with_context(|| format!("prepare signer {number}"))?;
        let (mut process, client) = home.start(signer)?;
        process
            .answers(&client)
            .await
            .with_context(|| format!("signer {number}"))?;
        processes.push(process);
        clients.push(client);
    }
    connect(&clients).await?;
    seal(&clients).await?;
    Ok(Peer {
        processes,
        clients,
        _folder: folder,
    })
}

/// The empty password of the key stores, beside the signers' folders.
const PASSWORD: &str = "password";

fn program() -> anyhow::Result<PathBuf> {
    let program = althing_e2e::cache()?.join(PROGRAM);
    ensure!(
        program.is_file(),
        "no program at {}; scripts/setup.sh peers installs it or says why it cannot",
        program.display()
    );
    Ok(program)
}

/// A key that may seal.
struct Signer {
    secret: B256,
    address: Address,
}

/// The signers, ascending by address, as Clique lists them.
fn signers() -> anyhow::Result<Vec<Signer>> {
    let one = |number| {
        let seed = format!("signer {number}");
        // The key that `Account` has for this seed; geth is asked to unlock the address, so another one would be told.
        let (secret, address) = (keccak256(&seed), Account::of(&seed, CHAIN_ID)?.address());
        Ok(Signer { secret, address })
    };
    let mut signers = (0..SIGNERS).map(one).collect::<anyhow::Result<Vec<_>>>()?;
    signers.sort_unstable_by_key(|signer| signer.address);
    Ok(signers)
}

/// EIP-225: the first block's extra data is 32 bytes of vanity, the signers, and room for a signature of 65 bytes.
fn genesis_of(signers: &[Address], gas_limit: u64) -> Value {
    let mut extra = vec![0; 32];
    extra.extend(signers.iter().flat_map(|signer| signer.0.0));
    extra.extend([0; 65]);
    json!({
        "config": {
            "chainId": CHAIN_ID,
            "homesteadBlock": 0,
            "eip150Block": 0,
            "eip155Block": 0,
            "eip158Block": 0,
            "byzantiumBlock": 0,
            "constantinopleBlock": 0,
            "petersburgBlock": 0,
            "istanbulBlock": 0,
            "muirGlacierBlock": 0,
            "berlinBlock": 0,
            "clique": {"period": 1, "epoch": 30_000},
        },
        "difficulty": "0x1",
        "gasLimit": format!("{gas_limit:#x}"),
        "extraData": hex::encode_prefixed(extra),
        "alloc": {},
    })
}

/// A signer's data folder, and the program that works in it.
struct Home<'a> {
    program: &'a Path,
    folder: &'a TempDir,
    data: PathBuf,
    gas_limit: u64,
}

impl Home<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.arg("--datadir").arg(&self.data);
        command
    }

    fn password(&self) -> PathBuf {
        self.folder.path().join(PASSWORD)
    }

    /// Genesis and key.
    async fn prepare(&self, signer: &Signer, genesis: &Path) -> anyhow::Result<()> {
        run(self.command().arg("init").arg(genesis), PATIENCE).await?;
        let key = self.data.join("key");
        std::fs::write(&key, hex::encode(signer.secret))?;
        let mut import = self.command();
        import.args(["--lightkdf", "--password"]).arg(self.password());
        run(import.args(["account", "import"]).arg(&key), PATIENCE).await?;
        Ok(std::fs::remove_file(key)?)
    }

    /// The process, not sealing yet.
    fn start(&self, signer: &Signer) -> anyhow::Result<(Process, Rpc)> {
        let [network, rpc, engine] = free_ports()?;
        let (address, chain_id) = (signer.address.to_string(), CHAIN_ID.to_string());
        let mut command = self.command();
        command.args(["--networkid", &chain_id, "--port", &network.to_string()]);
        command.args([
            "--nodiscover",
            "--nat",
            "none",
            "--netrestrict",
            "127.0.0.0/8",
            "--ipcdisable",
        ]);
        command.args(["--http", "--http.addr", "127.0.0.1", "--http.port", &rpc.to_string()]);
        command.args([
            "--http.api",
            "eth,net,admin,miner",
            "--authrpc.port",
            &engine.to_string(),
        ]);
        command.args(["--unlock", &address, "--allow-insecure-unlock", "--password"]);
        command.arg(self.password());
        command.args([
            "--miner.etherbase",
            &address,
            "--miner.gaslimit",
            &self.gas_limit.to_string(),
        ]);
        command.args(["--txpool.accountslots", POOL, "--txpool.globalslots", POOL]);
        command.args(["--txpool.accountqueue", POOL, "--txpool.globalqueue", POOL]);
        command.args(["--txpool.nolocals", "--syncmode", "full", "--verbosity", "2"]);
        let process = Process::start(&mut command, &self.data.join("log"))?;
        Ok((process, Rpc::new(format!("http://127.0.0.1:{rpc}"))?))
    }
}

/// Everybody with everybody.
async fn connect(clients: &[Rpc]) -> anyhow::Result<()> {
    for (number, client) in clients.iter().enumerate() {
        let info: Value = client.call("admin_nodeInfo", json!([])).await?;
        for other in clients.iter().skip(number + 1) {
            let _: Value = other.call("admin_addPeer", json!([info["enode"]])).await?;
        }
    }
    for client in clients {
        let what = format!("{} peers at {}", clients.len() - 1, client.url());
        let all = || async {
            let count = client.quantity("net_peerCount", json!([])).await;
            count.is_ok_and(|count| count as usize == clients.len() - 1)
        };
        until(&what, PATIENCE, all).await?;
    }
    Ok(())
}

/// Price 0, then sealing, until every signer has had its turn and all have the block.
async fn seal(clients: &[Rpc]) -> anyhow::Result<()> {
    for client in clients {
        let _: Value = client.call("miner_setGasPrice", json!(["0x0"])).await?;
    }
    for client in clients {
        let _: Value = client.call("miner_start", json!([])).await?;
    }
    for client in clients {
        let what = format!("block {} at {}", clients.len(), client.url());
        let there = || async {
            client
                .height()
                .await
                .is_ok_and(|height| height as usize >= clients.len())
        };
        until(&what, PATIENCE, there).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_data_lists_the_signers_between_vanity_and_signature() {
        let addresses: Vec<Address> = signers().unwrap().iter().map(|signer| signer.address).collect();
        assert!(addresses.is_sorted());
        let genesis = genesis_of(&addresses, 1);
        let extra = hex::decode(genesis["extraData"].as_str().unwrap()).unwrap();
        assert_eq!(extra.len(), 32 + SIGNERS * 20 + 65);
        assert_eq!(extra[32..52], addresses[0][..]);
        assert_eq!(extra[extra.len() - 65..], [0; 65]);
    }

    #[test]
    fn there_is_no_base_fee() {
        assert!(genesis_of(&[], 1)["config"].get("londonBlock").is_none());
    }
}
