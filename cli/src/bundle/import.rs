//! A bundle that is to go into a namespace: judged, and shown.

use althing_crds::v1alpha1::{Agency, Group, Node};
use althing_operator::manifest::{Manifests, NamespaceManifests};
use althing_operator::name::Namespace;
use jiff::Timestamp;
use kube::api::ApiResource;
use serde_json::{Value, json};

use super::diff::{Change, Fate, Terms, diff, text};
use super::export::document;
use super::{Import, read};
use crate::output::{self, Format};

/// A bundle that was judged against what is known.
pub(super) struct Judged {
    bundle: Manifests,
    changes: Vec<Change>,
}

/// Reads the bundle and judges it.
pub(super) fn judged(known: &NamespaceManifests, wanted: &Import) -> anyhow::Result<Judged> {
    let bundle = read::bundle(&wanted.file, &known.namespace)?;
    let terms = Terms {
        known,
        joins: &wanted.joins,
        now: Timestamp::now(),
    };
    let changes = diff(terms, &bundle);
    Ok(Judged { bundle, changes })
}

impl Judged {
    /// Whether nothing of it is refused.
    pub(super) fn is_accepted(&self) -> bool {
        self.changes.iter().all(|change| change.fate != Fate::Refused)
    }

    /// What is to be written into the namespace, agencies first: their nodes are judged by their certificates.
    pub(super) fn written(&self, namespace: &Namespace) -> Vec<Document> {
        let found = self.bundle.namespaces.get(namespace);
        found
            .into_iter()
            .flat_map(|found| documents(found, &self.changes))
            .collect()
    }

    /// Shows what importing would change; false when something is refused.
    pub(super) fn show(&self, output: Format) -> anyhow::Result<bool> {
        match output {
            Format::Json => output::json(&self.changes)?,
            Format::Table => output::text(&format!("{}{}\n", text(&self.changes), summary(&self.changes)))?,
        }
        Ok(self.is_accepted())
    }

    /// Shows what was imported, or that nothing was because something is refused, which gives false.
    pub(super) fn tell(&self, output: Format) -> anyhow::Result<bool> {
        let is_applied = self.is_accepted();
        match output {
            Format::Json => output::json(&json!({"applied": is_applied, "changes": self.changes}))?,
            Format::Table => {
                let end = if is_applied { "applied" } else { "nothing was applied" };
                output::text(&format!("{}{}: {end}\n", text(&self.changes), summary(&self.changes)))?;
            }
        }
        Ok(is_applied)
    }
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
pub(super) struct Document {
    /// Its kind, as the API server knows it.
    pub(super) kind: ApiResource,
    /// Its name.
    pub(super) name: String,
    /// The whole manifest.
    pub(super) value: Value,
}

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
    /// `Kind/name`.
    pub(super) fn object(&self) -> String {
        format!("{}/{}", self.kind.kind, self.name)
    }
}
