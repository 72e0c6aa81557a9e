//! Flux's kustomize-controller, as a process of this machine. Of its source controllers only the result is needed: an
//! `ExternalArtifact` that says where a commit's tree is.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use althing_e2e::cluster::{api, sentence};
use althing_e2e::{repository, run};
use anyhow::{Context, ensure};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::repository::Artifact;
use crate::site::{CONVERGENCE, Form, Site, program_of_the_cache};

/// Flux's own namespace, as in the examples.
const NAMESPACE: &str = "flux-system";
/// The name of the source, as in the examples.
const SOURCE: &str = "althing";
/// The Go module that the controller is built from.
const MODULE: &str = "github.com/fluxcd/kustomize-controller";
/// The overlays of the operator, as the examples name the first and speak of the second.
const HOSTED: &str = "./deploy/kustomize/overlays/hosted";
const PER_AGENCY: &str = "./deploy/kustomize/overlays/per-agency";
/// How long the Go tool may take; it downloads the module when it is not there.
const GO: Duration = Duration::from_secs(120);
/// The kinds of source that the controller watches, whether they are used or not.
const SOURCES: [(&str, &str); 4] = [
    ("GitRepository", "gitrepositories"),
    ("OCIRepository", "ocirepositories"),
    ("Bucket", "buckets"),
    ("ExternalArtifact", "externalartifacts"),
];

/// A running Flux.
#[derive(Debug)]
pub(crate) struct Flux<'a> {
    site: &'a Site,
    /// Ends with its value.
    _controller: Child,
    _folder: TempDir,
}

impl<'a> Flux<'a> {
    /// Starts one on the site's cluster, with the Kustomizations of `deploy/gitops/flux`.
    pub(crate) async fn start(site: &'a Site) -> anyhow::Result<Self> {
        site.kubectl(&["create", "namespace", NAMESPACE]).await?;
        let definitions = module().await?.join("config/crd/bases");
        site.kubectl(&["apply", "--server-side", "-f", &definitions.to_string_lossy()])
            .await?;
        let sources = SOURCES.map(|(kind, plural)| definition(kind, plural).to_string());
        site.case().apply(&sources.join("\n---\n")).await?;
        let established = ["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"];
        site.kubectl(&established).await?;
        let folder = tempfile::tempdir()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        // It ends with this process, however that ends.
        let controller = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program_of_the_cache("kustomize-controller")?)
            .args(["--feature-gates=ExternalArtifact=true", "--requeue-dependency=1s"])
            .args([
                "--metrics-addr=0",
                "--health-addr=127.0.0.1:0",
                "--min-retry-delay=500ms",
            ])
            .env("KUBECONFIG", site.case().target().kubeconfig())
            .env("RUNTIME_NAMESPACE", NAMESPACE)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("start kustomize-controller")?;
        let flux = Self {
            site,
            _controller: controller,
            _folder: folder,
        };
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact",
            "metadata": {"name": SOURCE, "namespace": NAMESPACE}, "spec": {},
        });
        site.case().apply(&source.to_string()).await?;
        site.case().apply(&flux.kustomizations()?).await?;
        Ok(flux)
    }

    /// The examples, with a source that needs no source controller, images that are on the machine, and retries that a case
    /// can wait for.
    fn kustomizations(&self) -> anyhow::Result<String> {
        let file = repository().join("deploy/gitops/flux/kustomizations.yaml");
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let mut objects = vec![];
        for mut object in althing_e2e::cluster::documents(&text)? {
            let spec = object.data["spec"]
                .as_object_mut()
                .context("a Kustomization has a spec")?;
            spec.remove("images");
            spec.insert(
                "sourceRef".to_owned(),
                json!({"kind": "ExternalArtifact", "name": SOURCE}),
            );
            spec.insert("retryInterval".to_owned(), json!("2s"));
            if self.site.form() == Form::Namespaced && spec["path"] == HOSTED {
                spec.insert("path".to_owned(), json!(PER_AGENCY));
            }
            objects.push(serde_json::to_string(&object)?);
        }
        ensure!(
            objects.len() == 3,
            "{} Kustomizations in {}",
            objects.len(),
            file.display()
        );
        Ok(objects.join("\n---\n"))
    }

    /// Tells Flux of a commit, as its source controller does when it has fetched one.
    pub(crate) async fn publish(&self, artifact: &Artifact) -> anyhow::Result<()> {
        let now = time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339)?;
        let status = json!({"status": {
            "artifact": {
                "url": artifact.url, "revision": artifact.revision, "digest": format!("sha256:{}", artifact.digest),
                "path": artifact.url.rsplit('/').next(), "lastUpdateTime": now,
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "published", "lastTransitionTime": now,
            }],
        }});
        let sources = self.api("source.toolkit.fluxcd.io", "ExternalArtifact").await?;
        let patched = sources
            .patch_status(SOURCE, &PatchParams::default(), &Patch::Merge(status))
            .await;
        patched.map(drop).context("publish an artifact")
    }

    /// Waits until a Kustomization has applied this commit and all that it applied is Ready.
    pub(crate) async fn has_applied(&self, name: &str, artifact: &Artifact) -> anyhow::Result<()> {
        let what = format!("Flux to have applied {name} at {}", artifact.revision);
        let case = self.site.case();
        case.eventually(&what, CONVERGENCE, || async {
            let status = self.status(name).await?;
            ensure!(
                status["lastAppliedRevision"] == artifact.revision.as_str() && ready(&status)["status"] == "True",
                "{}",
                ready(&status)
            );
            Ok(())
        })
        .await
    }

    /// Waits until a Kustomization says why this commit cannot be applied; its sentence.
    pub(crate) async fn refuses(&self, name: &str, artifact: &Artifact, reason: &str) -> anyhow::Result<String> {
        let what = format!("Flux to say {reason} of {name} at {}", artifact.revision);
        let case = self.site.case();
        case.eventually(&what, CONVERGENCE, || async {
            let status = self.status(name).await?;
            let ready = ready(&status);
            ensure!(
                status["lastAttemptedRevision"] == artifact.revision.as_str() && ready["reason"] == reason,
                "{ready}"
            );
            ready["message"].as_str().map(str::to_owned).context("a message")
        })
        .await
    }

    /// Asks for a reconciliation now, as `flux reconcile kustomization` does, and waits until it is done.
    pub(crate) async fn reconcile(&self, name: &str) -> anyhow::Result<()> {
        let asked = time::OffsetDateTime::now_utc().unix_timestamp_nanos().to_string();
        let ask = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": asked}}});
        let kustomizations = self.api("kustomize.toolkit.fluxcd.io", "Kustomization").await?;
        kustomizations
            .patch(name, &PatchParams::default(), &Patch::Merge(ask))
            .await?;
        let what = format!("Flux to have reconciled {name}");
        let case = self.site.case();
        case.eventually(&what, CONVERGENCE, || async {
            let status = self.status(name).await?;
            ensure!(status["lastHandledReconcileAt"] == asked.as_str(), "{}", ready(&status));
            ensure!(ready(&status)["status"] == "True", "{}", ready(&status));
            Ok(())
        })
        .await
    }

    /// Deletes a Kustomization and waits until Flux has let it go.
    pub(crate) async fn delete(&self, name: &str) -> anyhow::Result<()> {
        let arguments = [
            "delete",
            "kustomizations.kustomize.toolkit.fluxcd.io",
            name,
            "--namespace",
            NAMESPACE,
        ];
        self.site.kubectl(&arguments).await.map(drop)
    }

    async fn status(&self, name: &str) -> anyhow::Result<Value> {
        let kustomizations = self.api("kustomize.toolkit.fluxcd.io", "Kustomization").await?;
        let found = kustomizations.get(name).await.map_err(anyhow::Error::new);
        let found = found.map_err(|error| anyhow::anyhow!(sentence(&error)))?;
        Ok(found.data["status"].clone())
    }

    async fn api(&self, group: &str, kind: &str) -> anyhow::Result<Api<DynamicObject>> {
        let kind = GroupVersionKind::gvk(group, "v1", kind);
        api(&self.site.case().client(), NAMESPACE, &kind).await
    }
}

fn ready(status: &Value) -> &Value {
    let conditions = status["conditions"].as_array();
    let mut found = conditions.into_iter().flatten();
    found.find(|one| one["type"] == "Ready").unwrap_or(&Value::Null)
}

/// The folder of the module whose program the controller is: its definitions belong to that version.
async fn module() -> anyhow::Result<PathBuf> {
    let mut command = Command::new("go");
    command
        .current_dir(repository().join("e2e/cluster/tools/flux"))
        .env("GOWORK", "off")
        .args(["mod", "download", "-json", MODULE]);
    let told: Value =
        serde_json::from_str(&run(&mut command, GO).await?).context("what the Go tool says of a module")?;
    let folder = told["Dir"].as_str().context("the folder of the module")?;
    Ok(PathBuf::from(folder))
}

/// A kind of source, whatever is in it: its own definition belongs to a controller that is not here.
fn definition(kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.source.toolkit.fluxcd.io")},
        "spec": {
            "group": "source.toolkit.fluxcd.io",
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}
