//! A spec → its fields, each by its path and in the words in which people compare it.

use std::collections::BTreeMap;

use althing_operator::genesis::GenesisDocument;
use althing_operator::pki::{inspect, request};
use serde_json::Value;

use super::FieldChange;

/// What tells the entries of a list apart.
const KEYS: [&str; 4] = ["group", "agency", "node", "key"];

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// As it is written, without white space around it.
    raw: String,
    /// As it is shown: a certificate by its fingerprint.
    shown: String,
}

/// The fields of a spec by path. What is empty is no field.
pub(crate) fn fields(spec: &Value) -> BTreeMap<String, Field> {
    let mut found = BTreeMap::new();
    put(spec, "spec", &mut found);
    found
}

fn put(value: &Value, at: &str, found: &mut BTreeMap<String, Field>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| put(field, &format!("{at}.{name}"), found)),
        Value::Array(items) if items.iter().all(Value::is_object) => {
            for (number, item) in items.iter().enumerate() {
                let key = KEYS.iter().find_map(|key| item.get(key)?.as_str());
                let key = key.map_or_else(|| number.to_string(), str::to_owned);
                put(item, &format!("{at}[{key}]"), found);
            }
        }
        Value::Array(items) => {
            let texts: Vec<_> = items.iter().map(text).collect();
            let raw = texts.join(", ");
            found.insert(
                at.to_owned(),
                Field {
                    shown: raw.clone(),
                    raw,
                },
            );
        }
        other => {
            let raw = text(other);
            let name = at.rsplit('.').next().unwrap_or(at);
            let shown = shown(name, &raw);
            found.insert(at.to_owned(), Field { raw, shown });
        }
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

/// What nobody compares letter by letter stands for itself by a fingerprint.
fn shown(name: &str, raw: &str) -> String {
    let certificate = || {
        inspect::first(raw)
            .ok()
            .map(|found| format!("{} until {}", found.fingerprint, found.not_after))
    };
    let request = || request::verify(raw).ok().map(|found| found.fingerprint);
    let short = match name {
        "certificate" => certificate(),
        "certificateSigningRequest" => request(),
        "document" => GenesisDocument::recorded(raw).ok().map(|found| found.hash.to_string()),
        "signature" => raw.get(..16).map(|start| format!("{start}…")),
        _ => None,
    };
    short.unwrap_or_else(|| raw.to_owned())
}

/// The fields in which two specs differ, in their order.
pub(crate) fn differences(before: &BTreeMap<String, Field>, after: &BTreeMap<String, Field>) -> Vec<FieldChange> {
    let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let shown = |fields: &BTreeMap<String, Field>, name: &str| fields.get(name).map(|field| field.shown.clone());
    differ
        .map(|name| FieldChange {
            field: name.clone(),
            before: shown(before, name),
            after: shown(after, name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_differ_by_their_paths_and_white_space_is_no_difference() {
        let before = fields(&json!({"external": {
            "certificate": "pem\n", "nodeId": null,
            "genesis": [{"group": "group-1", "hash": "0x01"}, {"group": "group-2", "hash": "0x02"}],
        }}));
        let after = fields(&json!({"external": {
            "certificate": "pem", "address": "b:30300",
            "genesis": [{"group": "group-2", "hash": "0x03"}],
        }}));
        let found = differences(&before, &after);
        let told = found.iter().map(|change| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            format!("{} {} {}", change.field, text(&change.before), text(&change.after))
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "spec.external.address - b:30300",
                "spec.external.genesis[group-1].group group-1 -",
                "spec.external.genesis[group-1].hash 0x01 -",
                "spec.external.genesis[group-2].hash 0x02 0x03",
            ]
        );
        assert_eq!(differences(&after, &after), []);
    }

    #[test]
    fn a_certificate_is_shown_by_its_fingerprint() {
        let agency: Value =
            serde_yaml::from_str(include_str!("../../../../crds/examples/agency-external.yaml")).unwrap();
        let found = fields(&agency["spec"]);
        let shown = &found["spec.external.certificate"].shown;
        assert!(shown.len() < 100 && shown.contains(" until 20"), "{shown}");
    }
}
