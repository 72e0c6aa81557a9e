//! Reading the folder of manifests.

use std::fs;
use std::path::{Path, PathBuf};

use althing_operator::manifest::{self, FILE_BYTES_MAX, Manifests, SourceFile};
use althing_operator::name::Namespace;
use anyhow::{Context, bail};

/// Objects that name no namespace are in this one, as `kubectl` has it.
const DEFAULT_NAMESPACE: &str = "default";
/// What counts as a manifest in a folder.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Reads one file, or every manifest directly in a folder, in the order of their names.
pub(crate) fn read(path: &Path) -> anyhow::Result<Manifests> {
    let files = files(path)?
        .iter()
        .map(|file| source(file))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if files.is_empty() {
        bail!("{} holds no manifest (*.yaml, *.yml, *.json)", path.display());
    }
    match manifest::read(&files, &Namespace::new(DEFAULT_NAMESPACE)?) {
        Ok(manifests) => Ok(manifests),
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            bail!(
                "the manifests are not accepted, nothing was done:\n{}",
                lines.join("\n")
            )
        }
    }
}

/// The files of manifests that a path stands for, in the order of their names.
pub(crate) fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("read {}", path.display());
    if !fs::metadata(path).with_context(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(failed)? {
        let file = entry.with_context(failed)?.path();
        let is_manifest = file
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| EXTENSIONS.contains(&e));
        let is_kustomization = file.file_stem().is_some_and(|stem| stem == "kustomization");
        if is_manifest && !is_kustomization && file.is_file() {
            files.push(file);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn source(path: &Path) -> anyhow::Result<SourceFile> {
    let failed = || format!("read {}", path.display());
    let length = fs::metadata(path).with_context(failed)?.len();
    if length > FILE_BYTES_MAX as u64 {
        bail!(
            "{} has {length} bytes; at most {FILE_BYTES_MAX} are accepted",
            path.display()
        );
    }
    Ok(SourceFile {
        name: path.display().to_string(),
        text: fs::read_to_string(path).with_context(failed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_the_order_of_names_and_only_its_manifests() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "README.md", "kustomization.yaml", "c.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("d.yaml")).unwrap();
        let names: Vec<_> = files(folder.path())
            .unwrap()
            .iter()
            .map(|file| file.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.yml", "b.yaml", "c.json"]);
    }

    #[test]
    fn an_empty_folder_and_a_missing_one_say_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            read(folder.path())
                .unwrap_err()
                .to_string()
                .contains("holds no manifest")
        );
        assert!(
            read(&folder.path().join("nowhere"))
                .unwrap_err()
                .to_string()
                .contains("nowhere")
        );
    }
}
