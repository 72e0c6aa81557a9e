//! Everything in a namespace, so that two namespaces, or one at two moments, can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use anyhow::{Context, ensure};
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::cluster::Case;

/// Every kind a namespace of ours holds, but for pods, events and what the cluster derives from them.
const KINDS: &str = "consortiums,agencies,ledgergroups,ledgernodes,secrets,configmaps,services,serviceaccounts,\
                     persistentvolumeclaims,statefulsets,poddisruptionbudgets,networkpolicies";
/// What the cluster itself and the case put into every namespace.
const GIVEN: [&str; 3] = [
    "ConfigMap/kube-root-ca.crt",
    "ServiceAccount/default",
    "ServiceAccount/althing-operator",
];

/// The objects of a namespace by `Kind/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory(BTreeMap<String, Value>);

impl Inventory {
    /// Everything in the case's namespace, as the administrator reads it.
    pub async fn of(case: &Case) -> anyhow::Result<Self> {
        let text = case.kubectl(&["get", KINDS, "--output=json"]).await?;
        let list: Value = serde_json::from_str(&text)?;
        let items = list["items"].as_array().context("a list")?;
        let key = |item: &Value| {
            let (kind, name) = (item["kind"].as_str()?, item["metadata"]["name"].as_str()?);
            Some((format!("{kind}/{name}"), item.clone()))
        };
        let mut found: BTreeMap<_, _> = items.iter().filter_map(key).collect();
        found.retain(|name, _| !GIVEN.contains(&name.as_str()));
        Ok(Self(found))
    }

    /// Every object's uid and version: what changes with any write.
    pub fn versions(&self) -> BTreeMap<&str, String> {
        let version = |object: &Value| {
            format!(
                "{} {}",
                object["metadata"]["uid"], object["metadata"]["resourceVersion"]
            )
        };
        self.0
            .iter()
            .map(|(name, object)| (name.as_str(), version(object)))
            .collect()
    }

    /// The uid of every Secret that holds a key.
    pub fn keys(&self) -> BTreeMap<&str, &str> {
        let keys = self
            .0
            .iter()
            .filter(|(_, object)| object["data"].get("key.pem").is_some());
        keys.filter_map(|(name, object)| Some((name.as_str(), object["metadata"]["uid"].as_str()?)))
            .collect()
    }

    /// The objects.
    pub fn objects(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, object)| (name.as_str(), object))
    }

    /// What is the same wherever and whenever the same manifests are applied: no uids, versions, times, addresses, keys,
    /// certificates, hashes or namespaces, and not how often something was signed: an agency signs again what its nodes say, and
    /// which of them was heard first is what happened on the way.
    pub fn essence(&self) -> Self {
        Self(
            self.0
                .iter()
                .map(|(name, object)| (name.clone(), essence(object)))
                .collect(),
        )
    }

    /// Fails with the first differences from another one.
    pub fn same_as(&self, other: &Self) -> anyhow::Result<()> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |name: &&&String| self.0.get(**name) != other.0.get(**name);
        let told: Vec<String> = names
            .iter()
            .filter(differs)
            .take(4)
            .map(|name| difference(name, self.0.get(*name), other.0.get(*name)))
            .collect();
        ensure!(told.is_empty(), "{}", told.join("\n"));
        Ok(())
    }
}

fn difference(name: &str, left: Option<&Value>, right: Option<&Value>) -> String {
    match (left, right) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let keys = left
                .keys()
                .chain(right.keys())
                .find(|key| left.get(*key) != right.get(*key));
            let key = keys.map_or("", String::as_str);
            let text = |side: &Map<String, Value>| side.get(key).map(ToString::to_string).unwrap_or_default();
            format!("{name}, {key}:\n  {}\n  {}", text(left), text(right))
        }
        (Some(_), _) => format!("{name}: only here"),
        _ => format!("{name}: only there"),
    }
}

fn essence(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or_default();
    let owners = metadata["ownerReferences"].as_array().map(|owners| {
        let owners = owners
            .iter()
            .map(|owner| format!("{}/{}", owner["kind"], owner["name"]));
        Value::from(owners.collect::<Vec<_>>())
    });
    let mut kept = Map::from_iter([
        ("labels".to_owned(), metadata["labels"].clone()),
        ("owners".to_owned(), owners.unwrap_or_default()),
        (
            "leaving".to_owned(),
            Value::from(metadata.get("deletionTimestamp").is_some()),
        ),
    ]);
    let is_ours = object["apiVersion"]
        .as_str()
        .is_some_and(|version| version.starts_with("althing.dev"));
    let is_secret = object["kind"] == "Secret";
    for (field, value) in object.as_object().into_iter().flatten() {
        let is_kept = match field.as_str() {
            "status" => is_ours,
            "apiVersion" | "kind" | "metadata" => false,
            _ => true,
        };
        if is_kept {
            kept.insert(field.clone(), general(value, namespace, is_secret && field == "data"));
        }
    }
    if let Some(Value::Object(spec)) = kept.get_mut("spec") {
        for given in ["clusterIP", "clusterIPs", "volumeName"] {
            // Headless is a decision; an address is not.
            if spec.get(given).is_some_and(|found| !found.to_string().contains("None")) {
                spec.remove(given);
            }
        }
    }
    Value::Object(kept)
}

fn general(value: &Value, namespace: &str, is_secret: bool) -> Value {
    match value {
        Value::Object(map) => {
            let is_signed = map.contains_key("signature");
            let is_kept = |key: &str| match key {
                "lastTransitionTime" | "observedGeneration" => false,
                "sequence" => !is_signed,
                _ => true,
            };
            map.iter()
                .filter(|(key, _)| is_kept(key))
                .map(|(key, value)| (key.clone(), general(value, namespace, is_secret)))
                .collect()
        }
        Value::Array(list) => list.iter().map(|value| general(value, namespace, is_secret)).collect(),
        Value::String(_) if is_secret => Value::from("secret"),
        Value::String(text) => Value::from(general_text(text, namespace)),
        other => other.clone(),
    }
}

static PARTICULAR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let certificate = "-----BEGIN [^-]*-----[^-]*-----END [^-]*-----";
    let time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?";
    // In the record of an agency, which is JSON in a text.
    let sequence = "\"sequence\": *[0-9]+";
    Regex::new(&format!("{certificate}|{time}|{sequence}|(0x)?[0-9a-fA-F]{{40,}}")).ok()
});

/// A text without what is another in every run. Its parts are sorted, because lists of nodes are sorted by their nodeIDs.
fn general_text(text: &str, namespace: &str) -> String {
    let text = match namespace {
        "" => text.to_owned(),
        name => text.replace(name, "(namespace)"),
    };
    let text = match PARTICULAR.as_ref() {
        Some(particular) => particular
            .replace_all(&text, |_: &Captures<'_>| "(particular)")
            .into_owned(),
        None => text,
    };
    let mut parts: Vec<&str> = text.split(['\n', ',', '{', '}', '[', ']']).collect();
    parts.sort_unstable();
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn namespace(name: &str, node_id: &str, image: &str) -> Inventory {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": name, "uid": name, "resourceVersion": node_id},
            "data": {"x": format!("{node_id} at a.{name}.svc since 2026-01-01T00:00:00Z, {image}")},
        });
        Inventory(BTreeMap::from([("ConfigMap/a".to_owned(), object)]))
    }

    #[test]
    fn how_often_something_was_signed_is_no_difference_and_what_was_signed_is_one() {
        let signed = |object: &str, sequence: u32| {
            let record =
                json!({object: {"sequence": sequence, "facts": "a1".repeat(32), "signature": "b2".repeat(64)}});
            let agency = json!({
                "apiVersion": "althing.dev/v1alpha1", "kind": "Agency", "metadata": {"name": "a", "namespace": "x"},
                "status": {"attestation": {"sequence": sequence, "signature": "b2".repeat(64)}},
            });
            let record = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "x"},
                "data": {"attestations.json": serde_json::to_string_pretty(&record).unwrap()},
            });
            let objects = [("Agency/a".to_owned(), agency), ("ConfigMap/a".to_owned(), record)];
            Inventory(BTreeMap::from(objects)).essence()
        };
        signed("Node/a", 1).same_as(&signed("Node/a", 22)).unwrap();
        assert!(signed("Node/a", 1).same_as(&signed("Node/b", 1)).is_err());
    }

    #[test]
    fn two_runs_differ_in_what_they_are_and_not_in_what_they_say() {
        let one = namespace("first", &"a1".repeat(64), "image");
        let other = namespace("second", &"b2".repeat(64), "image");
        assert!(one.same_as(&other).is_err());
        one.essence().same_as(&other.essence()).unwrap();
        let third = namespace("second", &"b2".repeat(64), "another").essence();
        let said = one.essence().same_as(&third).unwrap_err().to_string();
        assert!(said.contains("ConfigMap/a, data"), "{said}");
    }
}
