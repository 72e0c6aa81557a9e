//! A cluster as the place that facts come from and go to.

use althing_kubernetes::names;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{GroupName, Namespace};
use anyhow::{Context, anyhow, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client};

use super::diff::{differences, fields};
use super::export::{self, Documents, signed_groups};
use super::import::{Document, judged};
use super::{Export, Import, balancers};
use crate::kubernetes::seen::{self, sentence};
use crate::kubernetes::target::{Scope, Target};
use crate::output::Format;

/// As `kubectl apply --server-side`: one goes on where the other left off.
const FIELD_MANAGER: &str = "kubectl";

/// Writes a bundle; false when something was left out of it.
pub(super) async fn export(target: &Target, wanted: &Export, output: Format) -> anyhow::Result<bool> {
    let (client, scope) = target.connect().await?;
    if scope == Scope::All {
        bail!("a bundle is of one namespace; name it with -n");
    }
    let seen = seen::look(&client, &scope).await?;
    let Some(seen) = seen.first() else {
        bail!("no consortium, agency, group or node in {scope}");
    };
    export::check_names(&seen.manifests, wanted)?;
    let mut notes = vec![];
    let genesis = gather(&client, &seen.manifests, wanted, &mut notes).await;
    let documents = export::documents(&seen.manifests, wanted, &genesis, &mut notes);
    let nodes = export::own_nodes(&seen.manifests, wanted);
    notes.extend(balancers::offered(&client, seen.manifests.namespace.as_str(), nodes).await);
    export::write(&documents, &notes, &scope.to_string(), output)
}

async fn gather(
    client: &Client,
    manifests: &NamespaceManifests,
    wanted: &Export,
    notes: &mut Vec<String>,
) -> Documents {
    let mut found = Documents::new();
    for (name, _) in signed_groups(manifests, wanted) {
        match document_of(client, manifests.namespace.as_str(), name).await {
            Ok(document) => drop(found.insert(name.clone(), document)),
            Err(error) => notes.push(format!(
                "Group/{name} goes without its genesis document: {}",
                crate::sentence(&error)
            )),
        }
    }
    found
}

async fn document_of(client: &Client, namespace: &str, group: &GroupName) -> anyhow::Result<String> {
    let name = names::genesis(group);
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let found = api
        .get_opt(&name)
        .await
        .map_err(|error| anyhow::anyhow!("{}", sentence(&error)))?;
    let mut data = found
        .and_then(|found| found.data)
        .with_context(|| format!("ConfigMap/{name} is not there"))?;
    let document = data.remove(names::GENESIS_FILE);
    document.with_context(|| format!("ConfigMap/{name} has no {}", names::GENESIS_FILE))
}

/// Shows what importing would change; false when something is refused.
pub(super) async fn compare(target: &Target, wanted: &Import, output: Format) -> anyhow::Result<bool> {
    let (_, known) = known(target).await?;
    judged(&known, wanted)?.show(output)
}

/// Imports a bundle: all of it, or nothing when something is refused, which gives false.
pub(super) async fn import(target: &Target, wanted: &Import, output: Format) -> anyhow::Result<bool> {
    let (client, known) = known(target).await?;
    let judged = judged(&known, wanted)?;
    if judged.is_accepted() {
        let written = judged.written(&known.namespace);
        for document in &written {
            document.try_out(&client, known.namespace.as_str()).await?;
        }
        for document in &written {
            document.apply(&client, known.namespace.as_str(), false).await?;
        }
    }
    judged.tell(output)
}

/// What the namespace knows. One without any object of Althing knows nothing.
async fn known(target: &Target) -> anyhow::Result<(Client, NamespaceManifests)> {
    let (client, scope) = target.connect().await?;
    let Scope::Namespace(name) = &scope else {
        bail!("a bundle is read into one namespace; name it with -n");
    };
    let namespace = Namespace::new(name.clone()).with_context(|| format!("the namespace {name}"))?;
    let seen = seen::look(&client, &scope).await?.into_iter().next();
    let known = seen.map_or_else(|| NamespaceManifests::new(namespace), |seen| seen.manifests);
    Ok((client, known))
}

impl Document {
    /// Asks the API server what would come of it. A field that others own and the bundle does not have would stay, and what
    /// is signed would not be what is there.
    async fn try_out(&self, client: &Client, namespace: &str) -> anyhow::Result<()> {
        let outcome = self.apply(client, namespace, true).await?;
        let left = differences(&fields(&outcome.data["spec"]), &fields(&self.value["spec"]));
        let Some(left) = left.first() else {
            return Ok(());
        };
        let path = left.field.replace('.', "/");
        bail!(
            "{}: {} would stay as it is, because another field manager owns it; the bundle has {}. Nothing was applied. Give it up first: kubectl patch {} {} -n {namespace} --type=json --patch='[{{\"op\": \"remove\", \"path\": \"/{path}\"}}]'",
            self.object(),
            left.field,
            left.after.as_deref().unwrap_or("no such field"),
            self.kind.plural,
            self.name,
        )
    }

    async fn apply(&self, client: &Client, namespace: &str, is_trial: bool) -> anyhow::Result<DynamicObject> {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &self.kind);
        let mut params = PatchParams::apply(FIELD_MANAGER).force();
        params.dry_run = is_trial;
        let applied = api.patch(&self.name, &params, &Patch::Apply(&self.value)).await;
        applied.map_err(|error| anyhow!("{}: {}", self.object(), sentence(&error)))
    }
}
