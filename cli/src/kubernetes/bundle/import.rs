//! A bundle into a namespace: judged, tried out, then applied.

use althing_crds::v1alpha1::{Agency, Group, Node};
use althing_operator::manifest::{Manifests, NamespaceManifests};
use althing_operator::name::Namespace;
use anyhow::{Context, anyhow, bail};
use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::diff::{Change, Fate, Terms, diff, differences, fields, text};
use super::export::document;
use super::{Import, read};
use crate::kubernetes::seen::{self, sentence};
use crate::kubernetes::target::{Scope, Target};
use crate::output::{self, Format};

/// As `kubectl apply --server-side`: one goes on where the other left off.
const FIELD_MANAGER: &str = "kubectl";

/// Shows what importing would change; false when something is refused.
pub(super) async fn compare(target: &Target, wanted: &Import, output: Format) -> anyhow::Result<bool> {
    let (_, known) = known(target).await?;
    let (_, changes) = judged(&known, wanted)?;
    match output {
        Format::Json => output::json(&changes)?,
        Format::Table => output::text(&format!("{}{}\n", text(&changes), summary(&changes)))?,
    }
    Ok(all_accepted(&changes))
}

/// Imports the bundle: all of it, or nothing when something is refused, which gives false.
pub(super) async fn run(target: &Target, wanted: &Import, output: Format) -> anyhow::Result<bool> {
    let (client, known) = known(target).await?;
    let (bundle, changes) = judged(&known, wanted)?;
    let is_applied = all_accepted(&changes);
    if is_applied {
        let found = bundle.namespaces.get(&known.namespace);
        let written: Vec<_> = found.into_iter().flat_map(|found| documents(found, &changes)).collect();
        for document in &written {
            document.try_out(&client, known.namespace.as_str()).await?;
        }
        for document in &written {
            document.apply(&client, known.namespace.as_str(), false).await?;
        }
    }
    match output {
        Format::Json => output::json(&json!({"applied": is_applied, "changes": changes}))?,
        Format::Table => {
            let end = if is_applied { "applied" } else { "nothing was applied" };
            output::text(&format!("{}{}: {end}\n", text(&changes), summary(&changes)))?;
        }
    }
    Ok(is_applied)
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

fn judged(known: &NamespaceManifests, wanted: &Import) -> anyhow::Result<(Manifests, Vec<Change>)> {
    let bundle = read::bundle(&wanted.file, &known.namespace)?;
    let terms = Terms {
        known,
        joins: &wanted.joins,
        now: Timestamp::now(),
    };
    let changes = diff(terms, &bundle);
    Ok((bundle, changes))
}

fn all_accepted(changes: &[Change]) -> bool {
    changes.iter().all(|change| change.fate != Fate::Refused)
}

fn summary(changes: &[Change]) -> String {
    let count = |fate: Fate| changes.iter().filter(|change| change.fate == fate).count();
    let counts = [
        (count(Fate::Added), "added"),
        (count(Fate::Changed), "changed"),
        (count(Fate::Same), "same"),
        (count(Fate::Refused), "refused"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<_> = counts.map(|(count, fate)| format!("{count} {fate}")).collect();
    texts.join(", ")
}

/// One object that is written.
struct Document {
    kind: ApiResource,
    name: String,
    value: Value,
}

/// What is written, agencies first: their nodes are judged by their certificates.
fn documents(bundle: &NamespaceManifests, changes: &[Change]) -> Vec<Document> {
    fn one<K>(kind: &str, name: &str, spec: Value) -> Document
    where
        K: kube::Resource<DynamicType = ()>,
    {
        Document {
            kind: ApiResource::erase::<K>(&()),
            name: name.to_owned(),
            value: document(kind, name, spec),
        }
    }
    let is_written = |document: &Document| {
        let object = format!("{}/{}", document.kind.kind, document.name);
        changes
            .iter()
            .any(|change| change.object == object && change.is_written())
    };
    let agencies = bundle.agencies.iter();
    let agencies = agencies.map(|(name, object)| one::<Agency>("Agency", name.as_str(), json!(object.spec)));
    let nodes = bundle.nodes.iter();
    let nodes = nodes.map(|(name, object)| one::<Node>("Node", name.as_str(), json!(object.spec)));
    let groups = bundle.groups.iter();
    let groups = groups.map(|(name, object)| one::<Group>("Group", name.as_str(), json!(object.spec)));
    agencies.chain(nodes).chain(groups).filter(is_written).collect()
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

    fn object(&self) -> String {
        format!("{}/{}", self.kind.kind, self.name)
    }
}
