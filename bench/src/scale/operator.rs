//! The operator: one process, with the rights and the Lease of the hosted form.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use althing_e2e::{binary, until_some};
use anyhow::Context;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use kube::config::Kubeconfig;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::place::Place;

/// Where the operator's account and Lease are.
pub(super) const NAMESPACE: &str = "althing-system";
/// The user the operator is to the API server.
pub(super) const USER: &str = "system:serviceaccount:althing-system:althing-operator";
const ACCOUNT: &str = "althing-operator";
/// Seconds its token holds: longer than any run.
const TOKEN_SECONDS: i64 = 6 * 3600;
/// The kernel's ticks in a second, as /proc counts them on every architecture of ours.
const TICKS: f64 = 100.0;
/// How long it may take to be ready.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running operator. It ends with its value.
pub(crate) struct Operator {
    command: Command,
    child: Child,
    listen: SocketAddr,
    client: reqwest::Client,
    _folder: TempDir,
}

/// What the kernel knows of its process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Bytes that are resident.
    pub(crate) resident: u64,
    /// The most that ever were.
    pub(crate) peak: u64,
    /// Processor time since its start, seconds.
    pub(crate) seconds: f64,
}

impl Operator {
    /// Starts one that watches all namespaces, and waits until it is ready.
    pub(crate) async fn start(place: &Place) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = kubeconfig(place, folder.path()).await?;
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = std::fs::File::create(place.cluster.layout().log("althing-operator"))?;
        let mut command = Command::new(binary("althing-operator")?);
        command
            .arg("run")
            .env("KUBECONFIG", kubeconfig)
            .env("ALTHING_WATCH_MACHINES", "true")
            .env("ALTHING_LISTEN", listen.to_string())
            .env("POD_NAMESPACE", NAMESPACE)
            .env("POD_NAME", "bench")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let child = command.spawn().context("start althing-operator")?;
        let operator = Self {
            command,
            child,
            listen,
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(5))
                .build()?,
            _folder: folder,
        };
        operator.ready().await?;
        Ok(operator)
    }

    /// Waits until it leads and every watch has had its first list.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        until_some("the operator to be ready", PATIENCE, || async {
            self.page("/readyz").await.ok()
        })
        .await
        .map(drop)
    }

    /// Kills it as a power cut would, and starts it again.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill the operator")?;
        self.child = self.command.spawn().context("start althing-operator again")?;
        Ok(())
    }

    async fn page(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.client.get(format!("http://{}{path}", self.listen)).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// One number of its metrics page.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let page = self.page("/metrics").await?;
        let found = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.with_context(|| format!("the metric {name}"))
    }

    /// What it takes of this machine.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.child.id().context("the operator has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kilobytes = |key: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("read its stat")?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        Ok(Usage {
            resident: kilobytes("VmRSS:").context("read its resident memory")? * 1024,
            peak: kilobytes("VmHWM:").context("read its peak memory")? * 1024,
            seconds: ticks as f64 / TICKS,
        })
    }
}

/// A kubeconfig with a token of the operator's account and nothing else.
async fn kubeconfig(place: &Place, folder: &Path) -> anyhow::Result<PathBuf> {
    let accounts: Api<ServiceAccount> = Api::namespaced(place.client.clone(), NAMESPACE);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: Some(TOKEN_SECONDS),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let answered = accounts
        .create_token_request(ACCOUNT, &PostParams::default(), &request)
        .await?;
    let token = answered.status.context("a token of the operator's account")?.token;
    let mut config = Kubeconfig::read_from(place.cluster.kubeconfig())?;
    for user in &mut config.auth_infos {
        user.auth_info = Some(serde_json::from_value(json!({ "token": token }))?);
    }
    let file = folder.join("kubeconfig");
    std::fs::write(&file, serde_json::to_string(&config)?)?;
    Ok(file)
}
