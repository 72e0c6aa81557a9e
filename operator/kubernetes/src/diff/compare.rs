//! Desired body against live object, field by field.

use serde_json::{Map, Value, json};

use super::LiveChild;
use super::shape::{self, Extras};
use crate::child::{Child, ChildKind};
use crate::lower::quantity;

/// The paths of the fields that differ, sorted; empty when nothing need be written.
pub(super) fn differences(child: &Child, live: &Value) -> Vec<String> {
    let mut found = Comparison {
        kind: child.kind,
        differs: vec![],
    };
    found.compare("", &child.body, Some(live));
    if is_wrongly_owned(child, live) {
        found.differs.push("metadata.ownerReferences".to_owned());
    }
    found.differs.sort();
    found.differs.dedup();
    found.differs
}

/// What server-side apply would leave although it is not wanted, as a JSON merge patch; none when there is nothing.
pub(super) fn removal(child: &Child, live: &LiveChild) -> Option<Value> {
    let mut patch = removed(child.kind, "", &child.body, live.body());
    if is_wrongly_owned(child, live.body()) {
        let kept = references(live.body()).filter(|reference| !is_to(reference, &child.owner.uid));
        let kept: Vec<&Value> = kept.collect();
        insert(&mut patch, "metadata", json!({ "ownerReferences": kept }));
    }
    let mut patch = patch?;
    if let Some(fields) = patch.as_object_mut() {
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("uid".to_owned(), json!(live.uid()));
            metadata.insert("resourceVersion".to_owned(), json!(live.resource_version()));
        }
    }
    Some(patch)
}

/// Whether the child outlives its owner and its owner is referenced all the same, so that it would be collected.
fn is_wrongly_owned(child: &Child, live: &Value) -> bool {
    let outlives = child.body.pointer("/metadata/ownerReferences").is_none();
    outlives && references(live).any(|reference| is_to(reference, &child.owner.uid))
}

fn references(live: &Value) -> impl Iterator<Item = &Value> {
    live.pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn is_to(reference: &Value, uid: &str) -> bool {
    reference.get("uid").and_then(Value::as_str) == Some(uid)
}

struct Comparison {
    kind: ChildKind,
    differs: Vec<String>,
}

impl Comparison {
    fn compare(&mut self, path: &str, desired: &Value, live: Option<&Value>) {
        if shape::is_identity(path) {
            return;
        }
        let is_right = match (desired, live) {
            (Value::Object(wanted), Some(Value::Object(found))) => return self.maps(path, wanted, found),
            (Value::Array(wanted), Some(Value::Array(found))) => return self.lists(path, wanted, found),
            // An entry of a closed map is there or not, however empty it is.
            (_, None | Some(Value::Null)) => is_empty(desired) && !path.starts_with("data."),
            (Value::String(wanted), Some(Value::String(found))) => {
                wanted == found || shape::is_quantity(path) && quantity::is_same(wanted, found)
            }
            (wanted, Some(found)) => wanted == found,
        };
        if !is_right {
            self.differs.push(path.to_owned());
        }
    }

    fn maps(&mut self, path: &str, wanted: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in wanted {
            self.compare(&below(path, key), value, found.get(key));
        }
        for key in extra_keys(self.kind, path, wanted, found) {
            self.differs.push(below(path, key));
        }
    }

    fn lists(&mut self, path: &str, wanted: &[Value], found: &[Value]) {
        let element = format!("{path}[]");
        let Some(keys) = shape::list_keys(self.kind, path) else {
            if wanted.len() != found.len() {
                self.differs.push(path.to_owned());
                return;
            }
            for (wanted, found) in wanted.iter().zip(found) {
                self.compare(&element, wanted, Some(found));
            }
            return;
        };
        for value in wanted {
            match matching(keys, value, found) {
                Some(found) => self.compare(&element, value, Some(found)),
                None => self.differs.push(element.clone()),
            }
        }
        if has_extra_elements(self.kind, path, keys, wanted, found) {
            self.differs.push(element);
        }
    }
}

fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// Absent, null and empty say the same, except `false` and `0`: a switch that is absent takes the API server's default.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(elements) => elements.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn extra_keys<'a>(
    kind: ChildKind,
    path: &str,
    wanted: &Map<String, Value>,
    found: &'a Map<String, Value>,
) -> Vec<&'a String> {
    let Extras::Drift(known) = shape::extras(kind, path) else {
        return vec![];
    };
    let is_extra = |(key, value): &(&String, &Value)| {
        !wanted.contains_key(*key) && !known.contains(&key.as_str()) && (path == "data" || !is_empty(value))
    };
    found.iter().filter(is_extra).map(|(key, _)| key).collect()
}

fn matching<'a>(keys: &[&str], wanted: &Value, found: &'a [Value]) -> Option<&'a Value> {
    found
        .iter()
        .find(|candidate| keys.iter().all(|key| wanted.get(key) == candidate.get(key)))
}

fn has_extra_elements(kind: ChildKind, path: &str, keys: &[&str], wanted: &[Value], found: &[Value]) -> bool {
    shape::extras(kind, &format!("{path}[]")) != Extras::Tolerated
        && found
            .iter()
            .any(|candidate| matching(keys, candidate, wanted).is_none())
}

const fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

/// The part of a merge patch for this path.
fn removed(kind: ChildKind, path: &str, desired: &Value, live: &Value) -> Option<Value> {
    match (desired, live) {
        (Value::Object(wanted), Value::Object(found)) => {
            let mut patch = Map::new();
            for (key, value) in wanted {
                let part = found
                    .get(key)
                    .and_then(|live| removed(kind, &below(path, key), value, live));
                patch.extend(part.map(|part| (key.clone(), part)));
            }
            let extras = extra_keys(kind, path, wanted, found);
            if !extras.is_empty() {
                // What is removed may be demanded, or made again by default, as long as a field beside it has another value:
                // `rollingUpdate` of a StatefulSet whose type is not `OnDelete`.
                let beside = wanted
                    .iter()
                    .filter(|(key, value)| is_scalar(value) && found.get(*key) != Some(value));
                patch.extend(beside.map(|(key, value)| (key.clone(), value.clone())));
            }
            patch.extend(extras.into_iter().map(|key| (key.clone(), Value::Null)));
            (!patch.is_empty()).then_some(Value::Object(patch))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            // A list without keys is written whole by server-side apply.
            let keys = shape::list_keys(kind, path)?;
            let element = format!("{path}[]");
            let nested = wanted.iter().any(|value| {
                matching(keys, value, found).is_some_and(|found| removed(kind, &element, value, found).is_some())
            });
            let is_needed = nested || has_extra_elements(kind, path, keys, wanted, found);
            is_needed.then(|| cleaned(kind, path, desired, live))
        }
        _ => None,
    }
}

/// The live value without what is drift, and with what is wanted: a merge patch can only replace a list as a whole.
fn cleaned(kind: ChildKind, path: &str, desired: &Value, live: &Value) -> Value {
    match (desired, live) {
        (Value::Object(wanted), Value::Object(found)) => {
            let extras = extra_keys(kind, path, wanted, found);
            let mut fields = found.clone();
            fields.retain(|key, _| !extras.contains(&key));
            for (key, value) in wanted {
                let value = found
                    .get(key)
                    .map_or_else(|| value.clone(), |live| cleaned(kind, &below(path, key), value, live));
                fields.insert(key.clone(), value);
            }
            Value::Object(fields)
        }
        (Value::Array(wanted), Value::Array(found)) => {
            let keys = shape::list_keys(kind, path);
            let element = format!("{path}[]");
            let one = |value: &Value| match keys.and_then(|keys| matching(keys, value, found)) {
                Some(live) => cleaned(kind, &element, value, live),
                None => value.clone(),
            };
            wanted.iter().map(one).collect()
        }
        _ => desired.clone(),
    }
}

fn insert(patch: &mut Option<Value>, key: &str, value: Value) {
    let patch = patch.get_or_insert_with(|| json!({}));
    if let Some(fields) = patch.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}
