//! A consortium that `althing up` started, in a state directory of its own. Dropping it stops every node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::B256;
use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::process::Command;

use crate::clock::Clock;
use crate::{Account, Edition, Manifests, Member, Rpc, SmChain, binary, ports, run, until};

/// How long `althing up` may take, first blocks included.
const UP: Duration = Duration::from_secs(180);
/// Objects without a namespace are in this one.
const NAMESPACE: &str = "default";

/// A running consortium.
#[derive(Debug)]
pub struct Consortium {
    folder: TempDir,
    manifests: PathBuf,
    offset: u16,
    clock: Option<Clock>,
}

impl Consortium {
    /// Starts what the manifests describe.
    pub async fn start(manifests: &Manifests) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("althing-").tempdir()?;
        let described = folder.path().join("manifests");
        manifests.write(&described)?;
        Self::launch(folder, described, None).await
    }

    /// The same, with a clock that [`Consortium::set_ahead`] moves.
    pub async fn start_with_clock(manifests: &Manifests) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("althing-").tempdir()?;
        let described = folder.path().join("manifests");
        manifests.write(&described)?;
        let clock = Clock::in_folder(folder.path())?;
        Self::launch(folder, described, Some(clock)).await
    }

    /// Puts the clock of all its processes so many days ahead.
    pub fn set_ahead(&self, days: u32) -> anyhow::Result<()> {
        self.clock
            .as_ref()
            .context("started without a clock of its own")?
            .set_ahead(days)
    }

    /// Starts the manifests of a folder.
    pub async fn start_folder(manifests: &Path) -> anyhow::Result<Self> {
        Self::launch(
            tempfile::Builder::new().prefix("althing-").tempdir()?,
            manifests.to_owned(),
            None,
        )
        .await
    }

    async fn launch(folder: TempDir, manifests: PathBuf, clock: Option<Clock>) -> anyhow::Result<Self> {
        let consortium = Self {
            folder,
            manifests,
            clock,
            offset: ports::free_offset()?,
        };
        consortium.up().await?;
        Ok(consortium)
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The folder of its manifests.
    pub fn manifests(&self) -> &Path {
        &self.manifests
    }

    /// A folder of this consortium for a case's own files.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// `althing` with this consortium's state.
    pub fn althing(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(binary("althing")?);
        command.arg("--state").arg(self.state());
        if let Some(clock) = &self.clock {
            clock.give_to(&mut command);
        }
        Ok(command)
    }

    /// `althing up`: starts whatever does not run; gives what it printed.
    pub async fn up(&self) -> anyhow::Result<String> {
        let mut command = self.althing()?;
        command
            .arg("up")
            .arg("-f")
            .arg(&self.manifests)
            .arg("--port-offset")
            .arg(self.offset.to_string());
        run(&mut command, UP).await
    }

    /// `althing down`.
    pub async fn down(&self) -> anyhow::Result<String> {
        run(self.althing()?.arg("down"), Duration::from_secs(60)).await
    }

    fn namespace(&self) -> anyhow::Result<PathBuf> {
        let folders = std::fs::read_dir(self.state()).with_context(|| format!("list {}", self.state().display()))?;
        let mut found: Vec<PathBuf> = folders
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("processes").is_dir())
            .collect();
        found.sort();
        found.into_iter().next().with_context(|| {
            format!(
                "{} has no namespace; the usual one is {NAMESPACE}",
                self.state().display()
            )
        })
    }

    /// The nodes, ascending by name, as they run now.
    pub fn members(&self) -> anyhow::Result<Vec<Member>> {
        let namespace = self.namespace()?;
        let records = std::fs::read_dir(namespace.join("processes"))?;
        let mut paths: Vec<PathBuf> = records.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().map(|path| Member::read(&namespace, path)).collect()
    }

    /// The node with this number.
    pub fn member(&self, number: usize) -> anyhow::Result<Member> {
        let name = format!("node-{number}");
        self.members()?
            .into_iter()
            .find(|member| member.name == name)
            .with_context(|| format!("{name} does not run"))
    }

    /// An account on a group's chain, of the edition that the nodes' files are of.
    pub async fn account(&self, seed: &str, rpc: &Rpc) -> anyhow::Result<Account> {
        let chain_id = rpc.quantity("eth_chainId", serde_json::json!([])).await?;
        self.edition()?.account(seed, chain_id, rpc.height().await?)
    }

    /// The governance account of an agency on a group's chain.
    pub async fn governance(&self, agency: &str, rpc: &Rpc) -> anyhow::Result<Account> {
        let file = self
            .namespace()?
            .join(format!("identities/governance/{agency}/key.pem"));
        let pem = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let chain_id = rpc.quantity("eth_chainId", serde_json::json!([])).await?;
        match self.edition()? {
            Edition::Standard => Account::from_pem(&pem, chain_id),
            Edition::Sm => Account::sm_from_pem(&pem, SmChain::new(chain_id, rpc.height().await?)?),
        }
    }

    fn edition(&self) -> anyhow::Result<Edition> {
        let members = self.members()?;
        let first = members.first().context("no node runs")?;
        Ok(match first.folder.join("conf/gmnode.key").exists() {
            true => Edition::Sm,
            false => Edition::Standard,
        })
    }

    /// Waits until all the nodes hold the same block at `height` of a group, and gives its hash.
    pub async fn agreed(&self, nodes: &[Member], group: u32, height: u64, patience: Duration) -> anyhow::Result<B256> {
        let clients: Vec<Rpc> = nodes
            .iter()
            .map(|node| node.rpc(group))
            .collect::<anyhow::Result<_>>()?;
        let mut hashes = Vec::new();
        for (node, client) in nodes.iter().zip(&clients) {
            let what = format!("block {height} of group {group} at {}", node.name);
            let found = crate::until_some(&what, patience, || async {
                client.block_hash(height).await.ok().flatten()
            });
            hashes.push(found.await?);
        }
        let first = *hashes.first().context("at least one node")?;
        ensure!(
            hashes.iter().all(|hash| *hash == first),
            "height {height} of group {group} forks: {hashes:?}"
        );
        Ok(first)
    }

    /// Checks that the ledgers of a group are equal block by block up to the highest height anybody has.
    pub async fn ledgers_are_equal(&self, group: u32, nodes: &[Member], patience: Duration) -> anyhow::Result<u64> {
        let mut head = 0;
        for node in nodes {
            head = head.max(node.rpc(group)?.height().await?);
        }
        self.agreed(nodes, group, head, patience).await?;
        for height in 0..head {
            self.agreed(nodes, group, height, Duration::from_secs(5)).await?;
        }
        Ok(head)
    }

    /// Waits until a node says that it is ready.
    pub async fn ready(&self, member: &Member, patience: Duration) -> anyhow::Result<()> {
        until(&format!("{} is ready", member.name), patience, || async {
            member.page("/readyz").await.is_some()
        })
        .await
    }
}

impl Drop for Consortium {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What the nodes wrote is the best help there is.
            let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap_or_else(|e| panic!("{e}")));
            let kept = folder.keep();
            eprintln!("logs and state of the failed case: {}", kept.display());
            stop_all(&kept.join("state"));
            return;
        }
        stop_all(&self.state());
    }
}

/// Stops every node that was started with this state.
pub(crate) fn stop_all(state: &Path) {
    let Ok(program) = binary("althing") else { return };
    let stopped = std::process::Command::new(program)
        .arg("--state")
        .arg(state)
        .arg("down")
        .output();
    if let Err(error) = stopped {
        eprintln!("althing down: {error}");
    }
}
