//! Where Althing is installed: the sample's namespace, and what a person does there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use althing_e2e::cluster::{Case, Layout, sentence};
use althing_e2e::operator::{Ledger, pods, uid};
use althing_e2e::{repository, run};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::snapshot;

/// The sample's namespace.
pub(crate) const SAMPLE: &str = "trade";
/// Where the manifests of each are.
const DEFINITIONS: &str = "crds/manifests";
const KUSTOMIZE: &str = "deploy/kustomize";
const FOUR_AGENCIES: &str = "deploy/samples/four-agencies";
/// The groups of the sample with their members.
const GROUPS: [(u32, &[&str]); 2] = [
    (1, &["node-0", "node-1", "node-2", "node-3"]),
    (2, &["node-3", "node-4"]),
];
/// The node that is in no group.
const FREE: &str = "node-5";
/// From an apply to running ledgers, on a busy machine.
pub(crate) const CONVERGENCE: Duration = Duration::from_secs(180);
/// How long one call of kubectl may take: a namespace goes when its pods have gone.
const KUBECTL: Duration = Duration::from_secs(120);
/// How long one call of Helm may take.
const HELM: Duration = Duration::from_secs(200);

/// A Helm.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Helm {
    Four,
    Three,
}

/// Whose operator it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One for all namespaces, in a namespace of its own.
    Hosted,
    /// One that lives in the sample's namespace and has no right outside it.
    Namespaced,
}

impl Form {
    /// The operator's namespace.
    pub(crate) const fn system(self) -> &'static str {
        match self {
            Self::Hosted => "althing-system",
            Self::Namespaced => SAMPLE,
        }
    }
}

/// The sample's namespace on a cluster where nothing of Althing was before.
#[derive(Debug)]
pub(crate) struct Site {
    case: Case,
    form: Form,
}

/// Which process each ledger is and which key it has: equal traces mean that nothing was restarted or made again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Traces {
    /// uid and restarts of each node's pod.
    pods: BTreeMap<String, (String, i32)>,
    /// uid and version of each Secret with a key.
    keys: BTreeMap<String, (String, String)>,
}

impl Traces {
    /// Those of before, but for the pod of one node.
    pub(crate) fn are(mut self, before: &Self, but_for: &str) -> anyhow::Result<()> {
        if let Some(pod) = before.pods.get(but_for) {
            self.pods.insert(but_for.to_owned(), pod.clone());
        }
        ensure!(
            self == *before,
            "not only {but_for} was touched: {before:?} became {self:?}"
        );
        Ok(())
    }
}

impl Site {
    /// The site of a case.
    pub(crate) async fn begin(case: &Case, form: Form) -> anyhow::Result<Self> {
        let site = Self {
            case: case.within(SAMPLE),
            form,
        };
        site.is_free().await?;
        Ok(site)
    }

    /// Leaves the site as it was found; of a failure, tells what a person would look at first.
    pub(crate) async fn end(&self, ended: anyhow::Result<()>) -> anyhow::Result<()> {
        let ended = match ended {
            Ok(()) => Ok(()),
            Err(error) => Err(anyhow::anyhow!("{}\n{}", sentence(&error), self.evidence().await)),
        };
        // A cluster of our own goes as a whole.
        if !self.case.target().is_own() {
            self.clear().await?;
        }
        ended
    }

    /// Its case, with its verbs in the sample's namespace.
    pub(crate) const fn case(&self) -> &Case {
        &self.case
    }

    /// Whose operator it is.
    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// Runs kubectl in the sample's namespace.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.case.kubectl(arguments).await
    }

    /// Runs kubectl in the root of the repository and in no namespace but those that manifests name, as the documentation does.
    async fn plain_kubectl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(program_of_the_cache("kubectl")?);
        command
            .current_dir(repository())
            .envs(self.case.target().environment())
            .args(arguments);
        run(&mut command, KUBECTL).await.map(drop)
    }

    /// Runs a Helm in the root of the repository.
    pub(crate) async fn helm(&self, helm: Helm, arguments: &[&str]) -> anyhow::Result<String> {
        let program = match helm {
            Helm::Four => "helm4",
            Helm::Three => "helm3",
        };
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(program_of_the_cache(program)?);
        command
            .current_dir(repository())
            .envs(self.case.target().environment())
            .env("HELM_CACHE_HOME", folder.path())
            .env("HELM_CONFIG_HOME", folder.path())
            .env("HELM_DATA_HOME", folder.path())
            .args(arguments);
        run(&mut command, HELM).await
    }

    /// The first two lines of the three that the documentation names.
    pub(crate) async fn install_by_kubectl(&self) -> anyhow::Result<()> {
        self.plain_kubectl(&["apply", "--server-side", "-f", DEFINITIONS])
            .await?;
        let overlay = Overlay::new(self.form)?;
        self.plain_kubectl(&["apply", "-k", &overlay.path]).await
    }

    /// The third.
    pub(crate) async fn apply_sample(&self) -> anyhow::Result<()> {
        self.plain_kubectl(&["apply", "-f", FOUR_AGENCIES]).await
    }

    /// Part of the operator's Deployment.
    pub(crate) async fn operator(&self, json_path: &str) -> anyhow::Result<String> {
        let output = format!("--output=jsonpath={json_path}");
        let arguments = [
            "get",
            "deployment/althing-operator",
            "--namespace",
            self.form.system(),
            &output,
        ];
        self.kubectl(&arguments).await
    }

    /// One of the sample's groups.
    pub(crate) fn ledger(&self, group: u32) -> Ledger {
        let members = GROUPS.iter().find(|(id, _)| *id == group);
        Ledger::new(&self.case, group, members.map_or(&[], |(_, members)| members))
    }

    /// Waits until every object of the four kinds is Ready for its present generation, and the free node is free.
    pub(crate) async fn is_ready(&self) -> anyhow::Result<()> {
        self.says("Ready", 13).await?;
        let free = self
            .kubectl(&["get", "ledgernode", FREE, "--output=jsonpath={.status.groups}"])
            .await?;
        ensure!(["", "[]"].contains(&free.as_str()), "the free node is in {free}");
        Ok(())
    }

    /// Waits until the consortium, every group and every node say that they are in sync.
    pub(crate) async fn is_in_sync(&self) -> anyhow::Result<()> {
        self.says("InSync", 9).await
    }

    /// A client commits two transactions in each group, and every member comes to hold their blocks.
    pub(crate) async fn is_past_block_1(&self) -> anyhow::Result<()> {
        for (group, members) in GROUPS {
            let ledger = self.ledger(group);
            for _ in 0..2 {
                ledger.goes_on(CONVERGENCE).await?;
            }
            let heights = ledger.heights().await?;
            ensure!(
                heights.len() == members.len() && heights.values().all(|height| *height > 1),
                "group {group}: {heights:?}"
            );
        }
        Ok(())
    }

    /// All of it.
    pub(crate) async fn is_whole(&self) -> anyhow::Result<()> {
        self.is_ready().await?;
        self.is_past_block_1().await?;
        self.is_in_sync().await
    }

    /// Waits until every object that tells of this condition says `True` for its present generation; so many there are.
    async fn says(&self, condition: &str, count: usize) -> anyhow::Result<()> {
        let what = format!("every object to be {condition}");
        self.case
            .eventually(&what, CONVERGENCE, || async {
                let list: Value = serde_json::from_str(&self.kubectl(&["get", "althing", "--output=json"]).await?)?;
                let mut holds = 0;
                for object in list["items"].as_array().into_iter().flatten() {
                    let name = format!("{}/{}", object["kind"], object["metadata"]["name"]);
                    let conditions = object["status"]["conditions"].as_array();
                    let Some(found) = conditions
                        .into_iter()
                        .flatten()
                        .find(|found| found["type"] == condition)
                    else {
                        ensure!(condition != "Ready", "{name} has no condition Ready yet");
                        continue;
                    };
                    let is_current = found["observedGeneration"] == object["metadata"]["generation"];
                    ensure!(found["status"] == "True" && is_current, "{name}: {found}");
                    holds += 1;
                }
                ensure!(holds == count, "{holds} of {count} say so");
                Ok(())
            })
            .await
    }

    /// Every ledger's process and key as they are now.
    pub(crate) async fn traces(&self) -> anyhow::Result<Traces> {
        let pods = pods(&self.case).await?.into_iter().map(|(node, pod)| {
            let statuses = pod
                .status
                .as_ref()
                .and_then(|status| status.container_statuses.as_ref());
            let restarts = statuses.into_iter().flatten().map(|status| status.restart_count).sum();
            (node, (uid(&pod), restarts))
        });
        let secrets = self.case.api::<Secret>().list(&ListParams::default()).await?;
        let keys = secrets.into_iter().filter_map(|secret| {
            let metadata = secret.metadata;
            secret.data?.get("key.pem")?;
            Some((metadata.name?, (metadata.uid?, metadata.resource_version?)))
        });
        let traces = Traces {
            pods: pods.collect(),
            keys: keys.collect(),
        };
        ensure!(traces.pods.len() == 6 && traces.keys.len() > 6, "{traces:?}");
        Ok(traces)
    }

    /// No ledger was restarted and no key written, whatever `what` was.
    pub(crate) async fn is_untouched(&self, before: &Traces, what: &str) -> anyhow::Result<()> {
        let now = self.traces().await?;
        ensure!(now == *before, "{what} touched a ledger: {before:?} became {now:?}");
        Ok(())
    }

    /// Makes the sample by kubectl and removes it again, unless that was done: the others are compared with it.
    pub(crate) async fn has_reference(&self) -> anyhow::Result<()> {
        if snapshot::is_kubectl_s_known() {
            return Ok(());
        }
        self.install_by_kubectl().await?;
        self.apply_sample().await?;
        self.is_whole().await?;
        snapshot::of(self).await?.agrees_with_kubectl()?;
        self.clear().await
    }

    /// Nothing of Althing is there: what is here must not be somebody's.
    async fn is_free(&self) -> anyhow::Result<()> {
        let definitions = "customresourcedefinitions/ledgernodes.althing.dev";
        for found in [
            definitions,
            "namespace/trade",
            "namespace/althing-system",
            "namespace/flux-system",
        ] {
            let found = self
                .kubectl(&["get", found, "--ignore-not-found", "--output=name"])
                .await?;
            ensure!(
                found.trim().is_empty(),
                "{} is there already; these cases want a cluster without Althing and Flux, which they install and remove",
                found.trim()
            );
        }
        Ok(())
    }

    /// Removes Althing and the sample, however far they came.
    async fn clear(&self) -> anyhow::Result<()> {
        for release in [["althing", self.form.system()], ["althing-crds", "default"]] {
            let [name, namespace] = release;
            let uninstall = [
                "uninstall",
                name,
                "--namespace",
                namespace,
                "--ignore-not-found",
                "--wait",
            ];
            self.helm(Helm::Four, &uninstall).await?;
        }
        let delete = ["delete", "--ignore-not-found"];
        let namespaces = ["namespace", SAMPLE, "flux-system"];
        let overlay = Overlay::new(self.form)?;
        self.plain_kubectl(&[&delete[..], &["-k", &overlay.path]].concat())
            .await?;
        self.plain_kubectl(&[&delete[..], &namespaces].concat()).await?;
        let listed = ["get", "crd", "--output=name"];
        let theirs = self.kubectl(&listed).await?;
        if theirs.contains(".althing.dev") {
            let allow = [
                "annotate",
                "--overwrite",
                "-f",
                DEFINITIONS,
                "althing.dev/allow-delete=true",
            ];
            self.plain_kubectl(&allow).await?;
        }
        self.plain_kubectl(&[&delete[..], &["-f", DEFINITIONS]].concat()).await
    }

    async fn evidence(&self) -> String {
        let mut evidence = self.case.evidence().await;
        for (namespace, question) in [
            (SAMPLE, ["describe", "althing", "--show-events=false"]),
            (self.form.system(), ["describe", "pods", "--show-events=true"]),
            (self.form.system(), ["logs", "deployment/althing-operator", "--tail=50"]),
        ] {
            let arguments = [&["--namespace", namespace], &question[..]].concat();
            let said = self.kubectl(&arguments).await;
            let said = said.unwrap_or_else(|error| format!("{error:#}"));
            evidence += &format!("--- kubectl {}\n{said}\n", arguments.join(" "));
        }
        evidence
    }
}

/// The overlay of a form.
struct Overlay {
    path: String,
    /// Goes with its value.
    _copy: Option<TempDir>,
}

impl Overlay {
    /// The one for an agency is copied and its namespace changed, as its own words say.
    fn new(form: Form) -> anyhow::Result<Self> {
        if form == Form::Hosted {
            let (path, _copy) = (format!("{KUSTOMIZE}/overlays/hosted"), None);
            return Ok(Self { path, _copy });
        }
        let (copy, original) = (tempfile::tempdir()?, repository().join(KUSTOMIZE));
        let overlay = copy.path().join("overlays/per-agency");
        for folder in ["base", "overlays/per-agency"] {
            std::fs::create_dir_all(copy.path().join(folder))?;
            for file in std::fs::read_dir(original.join(folder))? {
                let file = file?;
                let text = std::fs::read_to_string(file.path())?.replace("agency-a", SAMPLE);
                std::fs::write(copy.path().join(folder).join(file.file_name()), text)?;
            }
        }
        Ok(Self {
            path: overlay.to_string_lossy().into_owned(),
            _copy: Some(copy),
        })
    }
}

/// A program that scripts/setup.sh builds.
pub(crate) fn program_of_the_cache(name: &str) -> anyhow::Result<PathBuf> {
    Layout::new("any", None)?
        .program(name)
        .context("the cases need what scripts/setup.sh kube-checks and gitops build")
}
