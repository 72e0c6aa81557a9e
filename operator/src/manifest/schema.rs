//! A walk through an object beside its structural schema: the part of OpenAPI v3 that Kubernetes allows and our definitions
//! use. CEL rules are not evaluated here.

use std::collections::BTreeSet;

use serde_json::Value;

/// A field that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}; accepted: {accepted}")]
pub struct FieldError {
    /// The path of the field, such as `spec.genesis.sealers[2]`.
    pub field: String,
    /// What was found, shortened.
    pub found: String,
    /// What is accepted.
    pub accepted: String,
}

/// Characters of a found value that an error repeats.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// Every field of `value` that the schema refuses.
pub(super) fn check(value: &Value, schema: &Value) -> Vec<FieldError> {
    let mut walk = Walk { errors: Vec::new() };
    walk.value("", value, schema);
    walk.errors
}

struct Walk {
    errors: Vec<FieldError>,
}

impl Walk {
    fn refuse(&mut self, field: &str, found: impl Into<String>, accepted: impl Into<String>) {
        self.errors.push(FieldError {
            field: field.to_owned(),
            found: found.into(),
            accepted: accepted.into(),
        });
    }

    fn value(&mut self, field: &str, value: &Value, schema: &Value) {
        if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
            return;
        }
        if value.is_null() {
            if schema.get("nullable") != Some(&Value::Bool(true)) {
                self.refuse(field, "nothing", type_words(schema));
            }
            return;
        }
        if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
            if !(value.is_string() || value.is_i64() || value.is_u64()) {
                self.refuse(field, show(value), "a whole number or a text");
            }
            return;
        }
        match (schema.get("type").and_then(Value::as_str), value) {
            (Some("object"), Value::Object(_)) => self.object(field, value, schema),
            (Some("array"), Value::Array(items)) => self.list(field, items, schema),
            (Some("string"), Value::String(text)) => self.text(field, text, schema),
            (Some("integer"), Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.number(field, value, schema);
            }
            (Some("number"), Value::Number(_)) => self.number(field, value, schema),
            (Some("boolean"), Value::Bool(_)) | (None, _) => {}
            (Some("string"), Value::Number(_) | Value::Bool(_)) => {
                self.refuse(
                    field,
                    show(value),
                    format!("{}, in quotation marks", type_words(schema)),
                );
            }
            _ => self.refuse(field, show(value), type_words(schema)),
        }
    }

    fn object(&mut self, field: &str, value: &Value, schema: &Value) {
        let Some(map) = value.as_object() else { return };
        let properties = schema.get("properties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
        if let Some(bound) = bound(schema, "maxProperties").filter(|bound| map.len() > *bound) {
            self.refuse(
                field,
                format!("{} entries", map.len()),
                format!("at most {bound} entries"),
            );
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required
            .filter_map(Value::as_str)
            .filter(|name| !map.contains_key(*name))
        {
            let inner = properties.and_then(|properties| properties.get(name)).map(type_words);
            self.refuse(
                &join(field, name),
                "nothing",
                inner.unwrap_or_else(|| "a value".to_owned()),
            );
        }
        for (name, inner) in map {
            let known = properties.and_then(|properties| properties.get(name)).or(additional);
            match known {
                Some(schema) => self.value(&join(field, name), inner, schema),
                None if properties.is_none() => {}
                None => {
                    let names: Vec<_> = properties
                        .into_iter()
                        .flat_map(|p| p.keys().map(String::as_str))
                        .collect();
                    self.refuse(&join(field, name), "an unknown field", names.join(", "));
                }
            }
        }
    }

    fn list(&mut self, field: &str, items: &[Value], schema: &Value) {
        if let Some(bound) = bound(schema, "maxItems").filter(|bound| items.len() > *bound) {
            self.refuse(
                field,
                format!("{} entries", items.len()),
                format!("at most {bound} entries"),
            );
            return;
        }
        if let Some(bound) = bound(schema, "minItems").filter(|bound| items.len() < *bound) {
            self.refuse(field, format!("{} entries", items.len()), format!("at least {bound}"));
        }
        if let Some(inner) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(&format!("{field}[{index}]"), item, inner);
            }
        }
        self.repeats(field, items, schema);
    }

    /// Lists of type `set` and `map` hold every value or key once.
    fn repeats(&mut self, field: &str, items: &[Value], schema: &Value) {
        let kind = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
        let keys: Vec<&str> = match kind {
            Some("set") => vec![],
            Some("map") => {
                let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                keys.into_iter().flatten().filter_map(Value::as_str).collect()
            }
            _ => return,
        };
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let key = match keys.as_slice() {
                [] => item.to_string(),
                keys => keys
                    .iter()
                    .map(|key| item.get(key).map(Value::to_string).unwrap_or_default())
                    .collect(),
            };
            if !seen.insert(key.clone()) {
                self.refuse(
                    &format!("{field}[{index}]"),
                    format!("{} a second time", short(&key)),
                    "every entry once",
                );
            }
        }
    }

    fn text(&mut self, field: &str, text: &str, schema: &Value) {
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            if !words.iter().any(|word| word == text) {
                self.refuse(field, format!("{:?}", short(text)), enum_words(words));
            }
            return;
        }
        let characters = text.chars().count();
        if let Some(bound) = bound(schema, "maxLength").filter(|bound| characters > *bound) {
            self.refuse(
                field,
                format!("{characters} characters"),
                format!("at most {bound} characters"),
            );
            return;
        }
        if let Some(bound) = bound(schema, "minLength").filter(|bound| characters < *bound) {
            self.refuse(
                field,
                format!("{characters} characters"),
                format!("at least {bound} characters"),
            );
            return;
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && !regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
        {
            self.refuse(
                field,
                format!("{:?}", short(text)),
                format!("a text of the form {pattern}"),
            );
        }
        if schema.get("format").and_then(Value::as_str) == Some("date-time") && text.parse::<jiff::Timestamp>().is_err()
        {
            self.refuse(
                field,
                format!("{:?}", short(text)),
                "a moment such as 2026-01-01T00:00:00Z",
            );
        }
    }

    fn number(&mut self, field: &str, value: &Value, schema: &Value) {
        let limit = |name| schema.get(name).and_then(Value::as_f64);
        let Some(number) = value.as_f64() else { return };
        let (low, high) = (limit("minimum"), limit("maximum"));
        if low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high) {
            let accepted = match (low, high) {
                (Some(low), Some(high)) => format!("{low} to {high}"),
                (Some(low), None) => format!("at least {low}"),
                (_, Some(high)) => format!("at most {high}"),
                _ => String::new(),
            };
            self.refuse(field, show(value), accepted);
        }
    }
}

fn bound(schema: &Value, name: &str) -> Option<usize> {
    schema
        .get(name)
        .and_then(Value::as_u64)
        .and_then(|bound| usize::try_from(bound).ok())
}

fn join(field: &str, name: &str) -> String {
    match field {
        "" => name.to_owned(),
        _ => format!("{field}.{name}"),
    }
}

fn short(text: &str) -> String {
    match text.chars().nth(SHOWN_CHARACTERS_MAX) {
        None => text.to_owned(),
        Some(_) => format!("{}…", text.chars().take(SHOWN_CHARACTERS_MAX).collect::<String>()),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("the text {:?}", short(text)),
        other => short(&other.to_string()),
    }
}

fn enum_words(words: &[Value]) -> String {
    let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
    words.join(", ")
}

fn type_words(schema: &Value) -> String {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return enum_words(words);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => "a mapping",
        Some("array") => "a list",
        Some("string") => "a text",
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        _ => "a value",
    }
    .to_owned()
}
