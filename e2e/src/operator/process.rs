//! The operator's program as a process of this machine, with no more rights than its Roles give.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::rights;
use crate::cluster::Case;
use crate::{binary, until};

/// How long it may take to start, and to end when told to.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The namespaces it watches; the case's own when empty.
    pub namespaces: Vec<String>,
    /// Where it is told the API server is: a proxy, for instance.
    pub server: Option<String>,
    /// Whether it waits for the Lease, under this name.
    pub replica: Option<String>,
    /// More environment.
    pub environment: Vec<(String, String)>,
}

/// A running operator. It ends with its value.
#[derive(Debug)]
pub struct Operator {
    command: Command,
    child: Child,
    listen: SocketAddr,
    user: String,
    folder: TempDir,
}

impl Operator {
    /// Starts one that watches the case's namespace.
    pub async fn start(case: &Case) -> anyhow::Result<Self> {
        Self::start_with(case, Options::default()).await
    }

    /// Starts one.
    pub async fn start_with(case: &Case, options: Options) -> anyhow::Result<Self> {
        rights::definitions(case).await?;
        let namespaces = match options.namespaces.as_slice() {
            [] => vec![case.namespace().to_owned()],
            list => list.to_vec(),
        };
        rights::grant(case, &namespaces).await?;
        let folder = tempfile::tempdir()?;
        let kubeconfig = rights::kubeconfig(case, folder.path(), options.server.as_deref()).await?;
        let listen = free_address()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let replica = options.replica.clone().unwrap_or_else(|| "case".to_owned());
        let mut command = Command::new(binary("althing-operator")?);
        command
            .arg("run")
            .env("KUBECONFIG", &kubeconfig)
            .env("ALTHING_WATCH_NAMESPACES", namespaces.join(","))
            .env("ALTHING_LISTEN", listen.to_string())
            .env("ALTHING_LEADER_ELECTION", options.replica.is_some().to_string())
            .env("ALTHING_LOG", "info,althing_kubernetes=debug")
            .env("POD_NAMESPACE", case.namespace())
            .env("POD_NAME", replica)
            .envs(options.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let child = command.spawn().context("start althing-operator")?;
        let mut operator = Self {
            command,
            child,
            listen,
            user: format!("system:serviceaccount:{}:{}", case.namespace(), rights::ACCOUNT),
            folder,
        };
        let ready = operator.ready().await;
        ready.with_context(|| format!("the operator's log ends:\n{}", operator.log_tail()))?;
        Ok(operator)
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
            match self.page("/readyz").await {
                Ok(_) => return Ok(()),
                Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The user it is to the API server.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it as a power cut would.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill the operator")
    }

    /// Kills it as a power cut would; `restart` brings it back.
    pub async fn halt(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it had ended with {status} by itself:\n{}", self.log_tail());
        }
        self.child.kill().await.context("kill the operator")
    }

    /// Starts a halted one again as it was; it need not be ready yet.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.child = self.command.spawn().context("start althing-operator again")?;
        Ok(())
    }

    /// Ends it as Kubernetes would; it must end by itself and well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the operator has ended by itself")?;
        let id = Pid::from_raw(i32::try_from(id)?).context("a process id")?;
        kill_process(id, Signal::TERM)?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.context("the operator does not end on SIGTERM")??;
        ensure!(
            status.success(),
            "the operator ended with {status}:\n{}",
            self.log_tail()
        );
        Ok(())
    }

    /// A page of its admin port.
    pub async fn page(&self, path: &str) -> anyhow::Result<String> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()?;
        let answer = client.get(format!("http://{}{path}", self.listen)).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// Waits until its metrics show this line's start.
    pub async fn shows(&self, line: &str, patience: Duration) -> anyhow::Result<()> {
        until(&format!("{line} in the operator's metrics"), patience, || async {
            let page = self.page("/metrics").await.unwrap_or_default();
            page.lines().any(|found| found.starts_with(line))
        })
        .await
    }

    /// The file it logs to.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .get(lines.len().saturating_sub(40)..)
            .unwrap_or_default()
            .join("\n")
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
