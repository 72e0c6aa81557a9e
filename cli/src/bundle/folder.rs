//! This machine as the place that facts come from and go to: manifests in a folder, statuses and genesis documents below the state
//! directory. What is taken in becomes a file of the folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use althing_kubernetes::status;
use althing_operator::edge::local::LocalView;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::Namespace;
use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::export::{self, Documents, signed_groups};
use super::import::{Document, judged};
use super::{Export, Here, Import};
use crate::{Common, state, up};

/// Writes a bundle; false when something was left out of it.
pub(super) fn export(common: &Common, here: &Here, wanted: &Export) -> anyhow::Result<bool> {
    let (local, known) = look(common, here)?;
    export::check_names(&known, wanted)?;
    let mut notes = vec![];
    let genesis = gather(&local, &known, wanted, &mut notes);
    let documents = export::documents(&known, wanted, &genesis, &mut notes);
    let place = format!("namespace {} of {}", known.namespace, here.folder.display());
    export::write(&documents, &notes, &place, common.output)
}

/// Shows what importing would change; false when something is refused.
pub(super) fn compare(common: &Common, here: &Here, wanted: &Import) -> anyhow::Result<bool> {
    let (_, known) = look(common, here)?;
    judged(&known, wanted)?.show(common.output)
}

/// Writes a bundle into the folder: all of it, or nothing when something is refused, which gives false.
pub(super) fn import(common: &Common, here: &Here, wanted: &Import) -> anyhow::Result<bool> {
    ensure!(
        here.folder.is_dir(),
        "--folder {}: it is no folder; a bundle becomes files beside the manifests that are there",
        here.folder.display()
    );
    let (_, known) = look(common, here)?;
    let judged = judged(&known, wanted)?;
    if judged.is_accepted() {
        let files = files(&here.folder, &known.namespace, &judged.written(&known.namespace))?;
        for (path, text) in &files {
            replace(path, text)?;
        }
    }
    judged.tell(common.output)
}

/// The manifests of the folder, with the statuses that `althing up` wrote last.
fn look(common: &Common, here: &Here) -> anyhow::Result<(LocalView, NamespaceManifests)> {
    let local = LocalView::new(&state::directory(common)?);
    let mut all = up::read(&here.folder)?.namespaces;
    let names: Vec<_> = all.keys().map(Namespace::to_string).collect();
    let namespace = match (&here.namespace, names.as_slice()) {
        (Some(wanted), _) => wanted.clone(),
        (None, [only]) => only.clone(),
        (None, _) => bail!("which namespace? -n one of {}", names.join(", ")),
    };
    let namespace = Namespace::new(namespace)?;
    let mut known = all.remove(&namespace).with_context(|| {
        format!(
            "no manifest of {} is in namespace {namespace}; there are: {}",
            here.folder.display(),
            names.join(", ")
        )
    })?;
    status::attach(&mut known, &local.statuses(&namespace)?);
    Ok((local, known))
}

fn gather(local: &LocalView, known: &NamespaceManifests, wanted: &Export, notes: &mut Vec<String>) -> Documents {
    let mut found = Documents::new();
    for (name, _) in signed_groups(known, wanted) {
        match local.genesis(&known.namespace, name) {
            Ok(Some(genesis)) => drop(found.insert(name.clone(), genesis.document)),
            Ok(None) => notes.push(format!(
                "Group/{name} goes without its genesis document: it is not recorded here yet"
            )),
            Err(error) => notes.push(format!("Group/{name} goes without its genesis document: {error}")),
        }
    }
    found
}

/// The files that are written, whole: what they have besides stays, because a bundle that names something no more says nothing of it.
fn files(folder: &Path, namespace: &Namespace, written: &[Document]) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut all: BTreeMap<PathBuf, Vec<Value>> = BTreeMap::new();
    for document in written {
        let path = folder.join(file_of(document));
        if let Some(holder) = holder(folder, document)?.filter(|holder| *holder != path) {
            bail!(
                "{} is in {}; import keeps it in {}: take it out there first. Nothing was written",
                document.object(),
                holder.display(),
                path.display()
            );
        }
        let kept = match all.remove(&path) {
            Some(kept) => kept,
            None => documents(&path)?,
        };
        let mut value = document.value.clone();
        value["metadata"]["namespace"] = Value::from(namespace.as_str());
        let mut kept: Vec<_> = kept.into_iter().filter(|one| !is_same(one, document)).collect();
        kept.push(value);
        all.insert(path, kept);
    }
    all.into_iter()
        .map(|(path, documents)| Ok((path, export::yaml(&documents)?)))
        .collect()
}

/// What is of one agency is in one file.
fn file_of(document: &Document) -> String {
    let of = |agency: &str| format!("from-{agency}.yaml");
    match document.kind.kind.as_str() {
        "Agency" => of(&document.name),
        "Node" => of(document.value["spec"]["agency"].as_str().unwrap_or_default()),
        _ => format!("group-{}.yaml", document.name),
    }
}

fn is_same(one: &Value, document: &Document) -> bool {
    one["kind"] == document.kind.kind.as_str() && one["metadata"]["name"] == document.name.as_str()
}

/// The file of the folder that has the object already.
fn holder(folder: &Path, document: &Document) -> anyhow::Result<Option<PathBuf>> {
    for path in up::files(folder)? {
        if documents(&path)?.iter().any(|one| is_same(one, document)) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The documents of a file; none of one that is not there.
fn documents(path: &Path) -> anyhow::Result<Vec<Value>> {
    if !path.exists() {
        return Ok(vec![]);
    }
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let found = serde_yaml::from_multiple::<Value>(&text).with_context(|| format!("read {}", path.display()))?;
    Ok(found.into_iter().filter(Value::is_object).collect())
}

/// Under another name first, so that no reader sees half a file.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).with_context(|| format!("write {}", new.display()))?;
    fs::rename(&new, path).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::certified;
    use super::*;
    use crate::output::Format;

    fn scene() -> (tempfile::TempDir, Common, Here, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let manifests = folder.path().join("trade");
        fs::create_dir(&manifests).unwrap();
        let own = "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {name: trade}\nspec:\n  chainId: 20260\n  \
                   cryptography: Standard\n  registrar: {managed: {validity: 87600h}}\n";
        fs::write(manifests.join("trade.yaml"), own).unwrap();
        let mut notes = vec![];
        let wanted = Export {
            agencies: vec![],
            groups: vec![],
            reader: None,
        };
        let documents = export::documents(&certified().manifests, &wanted, &Documents::new(), &mut notes);
        let bundle = folder.path().join("bundle.yaml");
        fs::write(&bundle, export::yaml(&documents).unwrap()).unwrap();
        let common = Common {
            state: Some(folder.path().join("state")),
            output: Format::Json,
        };
        let here = Here {
            folder: manifests,
            namespace: None,
        };
        (folder, common, here, bundle)
    }

    fn import_of(file: &Path) -> Import {
        Import {
            file: file.to_owned(),
            joins: vec![],
        }
    }

    #[test]
    fn what_is_imported_is_a_file_of_the_folder_that_up_reads() {
        let (_folder, common, here, bundle) = scene();
        assert!(import(&common, &here, &import_of(&bundle)).unwrap());
        let read = up::read(&here.folder).unwrap();
        let found = read.namespaces.values().next().unwrap();
        assert!(found.agencies["agency-a"].spec.external.is_some());
        assert_eq!(found.nodes.len(), 4);
        assert!(here.folder.join("from-agency-a.yaml").is_file());
        // A bundle that has fewer objects takes none away, and importing again changes nothing.
        let before = fs::read_to_string(here.folder.join("from-agency-a.yaml")).unwrap();
        let agency_only = documents(&bundle).unwrap().remove(0);
        fs::write(&bundle, agency_only.to_string()).unwrap();
        assert!(import(&common, &here, &import_of(&bundle)).unwrap());
        assert_eq!(
            fs::read_to_string(here.folder.join("from-agency-a.yaml")).unwrap(),
            before
        );
    }

    #[test]
    fn a_bundle_that_is_refused_writes_nothing() {
        let (_folder, common, here, bundle) = scene();
        let text = fs::read_to_string(&bundle).unwrap();
        fs::write(&bundle, text.replace("node-1-p2p", "elsewhere")).unwrap();
        assert!(!import(&common, &here, &import_of(&bundle)).unwrap());
        assert_eq!(fs::read_dir(&here.folder).unwrap().count(), 1);
    }

    #[test]
    fn an_object_that_another_file_has_is_not_written_twice() {
        let (_folder, common, here, bundle) = scene();
        let mut agency = documents(&bundle).unwrap().remove(0);
        agency["spec"]["external"]
            .as_object_mut()
            .unwrap()
            .remove("attestation");
        fs::write(here.folder.join("mine.yaml"), agency.to_string()).unwrap();
        let refused = import(&common, &here, &import_of(&bundle)).unwrap_err().to_string();
        assert!(
            refused.contains("Agency/agency-a is in") && refused.contains("mine.yaml"),
            "{refused}"
        );
        assert!(!here.folder.join("from-agency-a.yaml").exists());
    }
}
