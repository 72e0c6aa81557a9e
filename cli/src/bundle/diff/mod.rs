//! A bundle against what a namespace knows: what would be added, changed, refused. Pure.

mod check;
mod fields;

use std::collections::BTreeMap;

use althing_operator::manifest::{Manifests, NamespaceManifests};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

pub(super) use fields::{differences, fields};

use self::check::Checks;
use self::fields::Field;
use crate::wrap::{WIDTH, wrap};

/// Columns a value has at least, however long its field's name is.
const VALUE_WIDTH_MIN: usize = 40;

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Fate {
    /// It is not here yet.
    Added,
    /// It is here with other fields.
    Changed,
    /// It is here as it is.
    Same,
    /// It is not accepted.
    Refused,
}

/// One field of an object, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldChange {
    /// Its path, from `spec` on.
    pub(super) field: String,
    /// What is here; none when it is not given.
    pub(super) before: Option<String>,
    /// What the bundle has; none when it has none.
    pub(super) after: Option<String>,
}

/// What applying a bundle would do to one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// `Kind/name`.
    pub(super) object: String,
    /// What becomes of it.
    pub(super) fate: Fate,
    /// The fields that are added, changed or removed.
    pub(super) fields: Vec<FieldChange>,
    /// Why it is refused: object, field, what was found, what is accepted.
    pub(super) refusals: Vec<String>,
}

/// What a bundle is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    /// What the namespace knows, with its statuses.
    pub(super) known: &'a NamespaceManifests,
    /// Groups that are accepted though no own agency or node is in them yet.
    pub(super) joins: &'a [String],
    /// The moment of the reader.
    pub(super) now: Timestamp,
}

/// Every object of the bundle, agencies first, in the order in which they would be applied.
pub(super) fn diff(terms: Terms<'_>, bundle: &Manifests) -> Vec<Change> {
    let mut changes = vec![];
    for found in bundle.namespaces.values() {
        let elsewhere = found.namespace != terms.known.namespace;
        let of_namespace = of(terms, found).into_iter().map(|mut change| {
            if elsewhere {
                let text = format!(
                    "{}: metadata.namespace: found {}; accepted: none, or {}",
                    change.object, found.namespace, terms.known.namespace
                );
                change.refuse(vec![text]);
            }
            change
        });
        changes.extend(of_namespace);
    }
    changes
}

fn of(terms: Terms<'_>, bundle: &NamespaceManifests) -> Vec<Change> {
    let (known, checks) = (terms.known, Checks { terms, bundle });
    let mut changes = vec![];
    for name in bundle.consortiums.keys() {
        let text = format!(
            "Consortium/{name}: kind: found Consortium; accepted: Agency, Node and Group. The chain's identity is every namespace's own"
        );
        let mut change = Change::between(format!("Consortium/{name}"), None, &BTreeMap::new());
        change.refuse(vec![text]);
        changes.push(change);
    }
    for (name, object) in &bundle.agencies {
        let before = known.agencies.get(name).map(|known| of_spec(&known.spec));
        let mut change = Change::between(format!("Agency/{name}"), before.as_ref(), &of_spec(&object.spec));
        change.refuse(checks.agency(name, object));
        changes.push(change);
    }
    for (name, object) in &bundle.nodes {
        let before = known.nodes.get(name).map(|known| of_spec(&known.spec));
        let mut change = Change::between(format!("Node/{name}"), before.as_ref(), &of_spec(&object.spec));
        change.refuse(checks.node(name, object));
        changes.push(change);
    }
    for (name, object) in &bundle.groups {
        let here = known.groups.get(name);
        // A group that is here stays as it is: its manifest is this namespace's own, and what could differ is refused.
        let before = here.map(|_| of_spec(&object.spec));
        let mut change = Change::between(format!("Group/{name}"), before.as_ref(), &of_spec(&object.spec));
        change.refuse(checks.group(name, object));
        changes.push(change);
    }
    changes
}

fn of_spec(spec: &impl Serialize) -> BTreeMap<String, Field> {
    fields(&serde_json::to_value(spec).unwrap_or(Value::Null))
}

impl Change {
    fn between(object: String, before: Option<&BTreeMap<String, Field>>, after: &BTreeMap<String, Field>) -> Self {
        let changed = differences(before.unwrap_or(&BTreeMap::new()), after);
        let fate = match (before, changed.is_empty()) {
            (None, _) => Fate::Added,
            (Some(_), false) => Fate::Changed,
            (Some(_), true) => Fate::Same,
        };
        Self {
            object,
            fate,
            fields: changed,
            refusals: vec![],
        }
    }

    fn refuse(&mut self, refusals: Vec<String>) {
        if !refusals.is_empty() {
            self.fate = Fate::Refused;
            self.refusals.extend(refusals);
        }
    }

    /// Whether it would be written.
    pub(super) fn is_written(&self) -> bool {
        matches!(self.fate, Fate::Added | Fate::Changed)
    }
}

/// As people read it: fields that go with `-`, fields that come with `+`.
pub(super) fn text(changes: &[Change]) -> String {
    let mut all = String::new();
    for change in changes {
        let fate = match change.fate {
            Fate::Added => "added",
            Fate::Changed => "changed",
            Fate::Same => "same",
            Fate::Refused => "REFUSED",
        };
        all += &format!("{}: {fate}\n", change.object);
        // Of what is refused the reason is all that matters.
        let fields = change.fields.iter().filter(|_| change.fate != Fate::Refused);
        let width = fields.clone().map(|one| label(&one.field).chars().count());
        let width = width.max().unwrap_or(0);
        for one in fields {
            for (sign, value) in [('-', &one.before), ('+', &one.after)] {
                let value = value.as_deref().unwrap_or_default();
                let room = WIDTH.saturating_sub(width + 6).max(VALUE_WIDTH_MIN);
                for (number, line) in wrap(value, room).iter().enumerate() {
                    let (sign, label) = if number == 0 {
                        (sign, label(&one.field))
                    } else {
                        (' ', "")
                    };
                    all += &format!("  {sign} {label:<width$}  {line}\n");
                }
            }
        }
        for refusal in &change.refusals {
            for (number, line) in wrap(refusal, WIDTH - 4).iter().enumerate() {
                all += &format!("  {} {line}\n", if number == 0 { "!" } else { " " });
            }
        }
    }
    all
}

/// A field without what all of them begin with.
fn label(field: &str) -> &str {
    let short = field.strip_prefix("spec.external.");
    short.or_else(|| field.strip_prefix("spec.")).unwrap_or(field)
}

#[cfg(test)]
mod tests;
