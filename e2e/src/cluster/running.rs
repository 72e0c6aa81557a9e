//! A cluster that is up: what its user can ask of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::layout::{AUDIT_LOG, Layout};
use super::namespaces::{self, HOLDER};
use super::network::Network;
use super::process::{self, Process};
use super::program::Program;
use super::{images, objects, up};

/// How long a healthy cluster may take to say so.
const GLANCE: Duration = Duration::from_secs(5);

/// A cluster of this machine.
#[derive(Debug, Clone)]
pub struct Cluster {
    layout: Layout,
    network: Network,
}

/// What is written down of a cluster before anything of it is made.
#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    number: u8,
}

impl Cluster {
    /// Writes down that this folder is a cluster's from now on.
    pub(super) fn new(layout: Layout, network: Network) -> anyhow::Result<Self> {
        let record = Record {
            name: layout.name().to_owned(),
            number: network.number(),
        };
        let text = serde_json::to_string(&record).context("write down the cluster")?;
        let file = layout.record();
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        Ok(Self { layout, network })
    }

    /// The cluster that was made in this folder, up or not.
    pub fn find(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let file = layout.record();
        let Ok(text) = fs::read_to_string(&file) else {
            return Ok(None);
        };
        let record: Record = serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
        // The folder's own name counts: what is removed later is removed by it.
        let layout = Layout::new(&record.name, Some(layout.state()))?;
        let network = Network::new(record.number)?;
        Ok(Some(Self { layout, network }))
    }

    /// Its name, which is that of its one node too.
    pub fn name(&self) -> &str {
        self.layout.name()
    }

    /// Its places on the machine.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Its addresses.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// The audit log: one JSON event a line, every write since the cluster was started.
    pub fn audit_log(&self) -> PathBuf {
        self.layout.outside(AUDIT_LOG)
    }

    /// A client with the administrator's rights.
    pub async fn client(&self) -> anyhow::Result<Client> {
        objects::client(&self.kubeconfig()).await
    }

    /// Gives the node an image: a docker-archive or an OCI layout, as a tar file.
    pub async fn load(&self, image: &Path) -> anyhow::Result<()> {
        File::open(image).with_context(|| format!("read the image {}", image.display()))?;
        images::import(&self.layout, image).await
    }

    /// Loads the images of the project that have been built; the files that were loaded.
    pub async fn load_built(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut loaded = Vec::new();
        for entry in fs::read_dir(self.layout.images()).into_iter().flatten() {
            let path = entry.context("list the built images")?.path();
            if path.extension().is_some_and(|extension| extension == "tar") {
                self.load(&path).await?;
                loaded.push(path);
            }
        }
        Ok(loaded)
    }

    /// The process of one of its programs, such as `kube-apiserver` or `kubelet`: as it was last started.
    pub fn process(&self, program: &str) -> anyhow::Result<Process> {
        namespaces::noted(&self.layout, program)
    }

    /// Stops a program at once, as kill -9 would.
    pub async fn stop(&self, program: &str) -> anyhow::Result<()> {
        self.process(program)?.kill().await
    }

    /// Starts a program that was stopped. It may take a moment until it answers.
    pub async fn start(&self, program: &str) -> anyhow::Result<Process> {
        let known = up::programs(&self.layout, self.network);
        let names: Vec<_> = known.iter().map(|program| program.name).collect();
        let found = known.iter().find(|known| known.name == program);
        let found = found.with_context(|| format!("program {program:?}: the cluster's are {}", names.join(", ")))?;
        self.run(found).await
    }

    /// Sends a program a signal: `STOP` makes it hang until `CONT`.
    pub fn signal(&self, program: &str, signal: Signal) -> anyhow::Result<()> {
        self.process(program)?.signal(signal)
    }

    /// Starts a program inside and notes down its process.
    pub(super) async fn run(&self, program: &Program) -> anyhow::Result<Process> {
        let holder = namespaces::noted(&self.layout, HOLDER)?;
        let mut command = namespaces::enter(&self.layout, holder);
        command.arg(&program.path).args(&program.args);
        let started = process::start(&mut command, &self.layout.log(program.name))
            .await
            .with_context(|| format!("start {}", program.name))?;
        namespaces::note(&self.layout, program.name, started)?;
        Ok(started)
    }

    /// Whether the API server says that it serves.
    pub(super) async fn serves(&self) -> bool {
        let asked = async {
            let request = http::Request::get("/readyz").body(Vec::new()).ok()?;
            self.client().await.ok()?.request_text(request).await.ok()
        };
        matches!(tokio::time::timeout(GLANCE, asked).await, Ok(Some(_)))
    }

    /// Whether the node can run pods.
    pub(super) async fn node_is_ready(&self) -> bool {
        let asked = async {
            let nodes: Api<Node> = Api::all(self.client().await.ok()?);
            nodes.get(self.name()).await.ok()
        };
        let Ok(Some(node)) = tokio::time::timeout(GLANCE, asked).await else {
            return false;
        };
        let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
        conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    }

    /// The first of its programs that does not run, with the end of its log.
    pub(super) fn ended(&self) -> Option<String> {
        let started = fs::read_dir(self.layout.process(HOLDER).parent()?).ok()?;
        let mut names: Vec<String> = started
            .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        let ended = names
            .into_iter()
            .find(|name| namespaces::noted(&self.layout, name).is_ok_and(|process| !process.runs()))?;
        Some(format!(
            "{ended} has ended; {}",
            process::last_lines(&self.layout.log(&ended))
        ))
    }

    /// Why it cannot be used, if it cannot.
    pub async fn trouble(&self) -> Option<String> {
        for program in up::programs(&self.layout, self.network) {
            if !self.process(program.name).is_ok_and(Process::runs) {
                return Some(format!("{} does not run", program.name));
            }
        }
        if !self.serves().await {
            return Some("its API server does not answer".to_owned());
        }
        (!self.node_is_ready().await).then(|| "its node is not Ready".to_owned())
    }
}
