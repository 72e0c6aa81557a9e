//! The final objects of the sample's namespace, so that those of one way of installing can be compared with those of another:
//! without what is another one each time, such as uids, times, addresses, keys, certificates and what is computed from them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value, json};

use crate::site::Site;

/// What is compared. Pods are not among them: they are what their StatefulSets say.
const KINDS: &str = "consortiums,agencies,ledgergroups,ledgernodes,secrets,configmaps,services,serviceaccounts,\
                     persistentvolumeclaims,statefulsets,poddisruptionbudgets,networkpolicies";
/// What Kubernetes puts into every namespace.
const OF_EVERY_NAMESPACE: [&str; 2] = ["ConfigMap kube-root-ca.crt", "ServiceAccount default"];
/// What keeps a namespace's objects apart by who applied or bound them.
const MARKS: [&str; 4] = [
    "kubectl.kubernetes.io/",
    "kustomize.toolkit.fluxcd.io/",
    "pv.kubernetes.io/",
    "volume.",
];
/// A word of at least that many hex digits is an identity or a digest.
const HEX: usize = 40;

/// The objects that kubectl led to, which come first.
static OF_KUBECTL: Mutex<Option<Snapshot>> = Mutex::new(None);

/// The objects by kind and name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot(BTreeMap<String, Value>);

/// Those of the site.
pub(crate) async fn of(site: &Site) -> anyhow::Result<Snapshot> {
    let text = site.kubectl(&["get", KINDS, "--output=json"]).await?;
    let list: Value = serde_json::from_str(&text)?;
    let mut objects = BTreeMap::new();
    for object in list["items"].as_array().context("a list of objects")? {
        let name = format!(
            "{} {}",
            object["kind"].as_str().unwrap_or_default(),
            object["metadata"]["name"].as_str().unwrap_or_default()
        );
        if !OF_EVERY_NAMESPACE.contains(&name.as_str()) && !is_of_the_operator(object) {
            objects.insert(name, normal(object));
        }
    }
    Ok(Snapshot(objects))
}

/// Whether it is part of the operator's own installation, which may be in the same namespace.
fn is_of_the_operator(object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    labels["app.kubernetes.io/name"] == "althing-operator" || object["type"] == "helm.sh/release.v1"
}

/// Whether the objects that kubectl leads to are known already.
pub(crate) fn is_kubectl_s_known() -> bool {
    OF_KUBECTL.lock().is_ok_and(|known| known.is_some())
}

impl Snapshot {
    /// Compares with the objects that kubectl led to; the first that come are those.
    pub(crate) fn agrees_with_kubectl(self) -> anyhow::Result<()> {
        ensure!(self.0.len() > 50, "only {} objects: {:?}", self.0.len(), self.0.keys());
        let Ok(mut known) = OF_KUBECTL.lock() else {
            bail!("an earlier comparison panicked");
        };
        let Some(first) = known.as_ref() else {
            *known = Some(self);
            return Ok(());
        };
        let names = first.0.keys().chain(self.0.keys());
        let different: Vec<String> = names
            .filter(|name| first.0.get(*name) != self.0.get(*name))
            .map(|name| format!("{name}: {}", difference(first.0.get(name), self.0.get(name))))
            .collect();
        ensure!(different.is_empty(), "not as by kubectl: {}", different.join("\n"));
        Ok(())
    }
}

fn difference(first: Option<&Value>, second: Option<&Value>) -> String {
    let show = |value: Option<&Value>| value.map_or_else(|| "not there".to_owned(), |value| format!("{value:#}"));
    let (first, second) = (show(first), show(second));
    let mut lines = first.lines().zip(second.lines()).filter(|(one, other)| one != other);
    lines.next().map_or_else(
        || "one goes on after the other ends".to_owned(),
        |(one, other)| format!("{} <> {}", one.trim(), other.trim()),
    )
}

/// The object without what is another one each time.
fn normal(object: &Value) -> Value {
    let mut normal = object.clone();
    let kind = object["kind"].as_str().unwrap_or_default();
    normal["metadata"] = metadata(&object["metadata"]);
    match kind {
        "Secret" => normal["data"] = json!(keys(&object["data"])),
        // How often something was signed is what happened on the way, such as a drift that was repaired.
        "ConfigMap" if object["data"]["attestations.json"].is_string() => {
            let record = object["data"]["attestations.json"].as_str().unwrap_or_default();
            let record: Value = serde_json::from_str(record).unwrap_or_default();
            normal["data"] = json!({"attestations.json": keys(&record)});
        }
        "PersistentVolumeClaim" => remove(&mut normal["spec"], &["volumeName"]),
        "Service" if object["spec"]["clusterIP"] != "None" => remove(&mut normal["spec"], &["clusterIP", "clusterIPs"]),
        _ => {}
    }
    let is_ours = object["apiVersion"]
        .as_str()
        .is_some_and(|version| version.starts_with("althing.dev/"));
    normal["status"] = match is_ours {
        true => conditions(&object["status"]["conditions"]),
        false => Value::Null,
    };
    without_identities(&mut normal);
    normal
}

fn metadata(found: &Value) -> Value {
    let mut kept = Map::new();
    for field in ["name", "namespace", "finalizers"] {
        kept.insert(field.to_owned(), found[field].clone());
    }
    for field in ["labels", "annotations"] {
        let mut marks = found[field].as_object().cloned().unwrap_or_default();
        marks.retain(|key, _| !MARKS.iter().any(|mark| key.starts_with(mark)));
        kept.insert(field.to_owned(), Value::Object(marks));
    }
    let mut owners = found["ownerReferences"].clone();
    for owner in owners.as_array_mut().into_iter().flatten() {
        remove(owner, &["uid"]);
    }
    kept.insert("ownerReferences".to_owned(), owners);
    Value::Object(kept)
}

fn conditions(found: &Value) -> Value {
    let told = |condition: &Value| format!("{} {} {}", condition["type"], condition["status"], condition["reason"]);
    let mut told: Vec<String> = found.as_array().into_iter().flatten().map(told).collect();
    told.sort();
    json!(told)
}

fn keys(data: &Value) -> Vec<&String> {
    data.as_object().into_iter().flat_map(Map::keys).collect()
}

fn remove(object: &mut Value, fields: &[&str]) {
    if let Some(object) = object.as_object_mut() {
        object.retain(|field, _| !fields.contains(&field.as_str()));
    }
}

fn without_identities(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_hex(text),
        Value::Array(values) => values.iter_mut().for_each(without_identities),
        Value::Object(fields) => fields.values_mut().for_each(without_identities),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text with every long word of hex digits replaced.
fn without_hex(text: &str) -> String {
    let mut plain = String::new();
    for part in text.split_inclusive(|letter: char| !letter.is_ascii_hexdigit()) {
        let word = part.trim_end_matches(|letter: char| !letter.is_ascii_hexdigit());
        if word.len() >= HEX {
            plain += "(identity)";
            plain += &part[word.len()..];
        } else {
            plain += part;
        }
    }
    plain
}
