//! A bundle's file → manifests, of nothing but Althing's kinds.

use std::io::Read;
use std::path::Path;

use althing_operator::manifest::{FILE_BYTES_MAX, Manifests, SourceFile, read};
use althing_operator::name::Namespace;
use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::export::PRIVATE;

/// The bundle in a file; `-` is standard input. Documents that name no namespace are of the one that is given.
///
/// # Errors
/// A file that cannot be read, that holds a private key, or that is no list of manifests; each mistake with its document.
pub(super) fn bundle(file: &Path, namespace: &Namespace) -> anyhow::Result<Manifests> {
    let name = file.display().to_string();
    let text = match name.as_str() {
        "-" => {
            let mut text = String::new();
            let most = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
            std::io::stdin()
                .take(most.saturating_add(1))
                .read_to_string(&mut text)?;
            text
        }
        _ => std::fs::read_to_string(file).with_context(|| format!("read {name}"))?,
    };
    manifests(&name, text, namespace)
}

/// As [`bundle`], of a text.
pub(super) fn manifests(name: &str, text: String, namespace: &Namespace) -> anyhow::Result<Manifests> {
    ensure!(
        !text.contains(PRIVATE),
        "{name} holds a private key: it must not leave its namespace. Whoever has seen this file has the key"
    );
    let file = SourceFile {
        name: name.to_owned(),
        text: without_lists(text)?,
    };
    let manifests = match read(&[file], namespace) {
        Ok(manifests) => manifests,
        Err(errors) => {
            let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
            bail!("{}", lines.join("\n"));
        }
    };
    let is_empty = manifests.namespaces.values().all(|namespace| namespace.is_empty());
    ensure!(!is_empty, "{name} holds no manifest");
    Ok(manifests)
}

/// `bundle export -o json` writes one List. What is no list of documents is told by whoever reads it next.
fn without_lists(text: String) -> anyhow::Result<String> {
    if text.len() > FILE_BYTES_MAX {
        return Ok(text);
    }
    let Ok(documents) = serde_yaml::from_multiple::<Value>(&text) else {
        return Ok(text);
    };
    if documents.iter().all(|document| document["kind"] != "List") {
        return Ok(text);
    }
    let mut all = vec![];
    for document in documents {
        match (document["kind"] == "List", document.get("items")) {
            (true, Some(Value::Array(items))) => all.extend(items.iter().map(ToString::to_string)),
            _ => all.push(document.to_string()),
        }
    }
    Ok(all.join("\n---\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Manifests> {
        manifests("bundle", text.to_owned(), &Namespace::new("ours").unwrap())
    }

    #[test]
    fn a_list_is_its_items() {
        let agency: Value = serde_yaml::from_str(include_str!("../../../crds/examples/agency-external.yaml")).unwrap();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [agency]});
        assert_eq!(read(&list.to_string()).unwrap(), read(&agency.to_string()).unwrap());
    }

    #[test]
    fn private_keys_other_kinds_and_nothing_are_refused() {
        for (text, says) in [
            ("key: '-----BEGIN PRIVATE KEY-----'", "holds a private key"),
            ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "Secret"),
            ("", "holds no manifest"),
            (
                "apiVersion: v1\nkind: Namespace\nmetadata: {name: theirs}\n",
                "holds no manifest",
            ),
            ("x: [", "document 0"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
