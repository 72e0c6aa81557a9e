//! Children as the API server holds them.

use std::collections::BTreeMap;

use althing_operator::status::ObjectRef;
use serde_json::Value;

use crate::child::ChildKind;
use crate::names::label;

/// Live children by kind and name.
pub type LiveChildren = BTreeMap<(ChildKind, String), LiveChild>;

/// One object of the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveChild {
    /// Its kind.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    body: Value,
}

/// A reference of an object to an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnerReference<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub uid: &'a str,
}

impl LiveChild {
    /// An object as it was read. A Secret may hold its data or not; without it, its data is as good as absent.
    pub fn new(kind: ChildKind, name: impl Into<String>, body: Value) -> Self {
        Self {
            kind,
            name: name.into(),
            body,
        }
    }

    /// An object from its JSON text.
    pub fn parse(kind: ChildKind, name: impl Into<String>, text: &str) -> Result<Self, serde_json::Error> {
        Ok(Self::new(kind, name, serde_json::from_str(text)?))
    }

    /// The object.
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        self.metadata("uid").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its version.
    pub fn resource_version(&self) -> &str {
        self.metadata("resourceVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether it is being deleted.
    pub fn is_leaving(&self) -> bool {
        self.metadata("deletionTimestamp").is_some_and(|time| !time.is_null())
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata("labels")?.get(key)?.as_str()
    }

    /// The object its labels name as its owner.
    pub fn owner(&self) -> Option<ObjectRef> {
        ObjectRef::new(self.label(label::KIND)?, self.label(label::OWNER)?)
    }

    /// The uid of its controller.
    pub fn controller_uid(&self) -> Option<&str> {
        self.controller().map(|owner| owner.uid)
    }

    pub(super) fn controller(&self) -> Option<OwnerReference<'_>> {
        let references = self.metadata("ownerReferences")?.as_array()?;
        let controls = |reference: &&Value| reference.get("controller").and_then(Value::as_bool) == Some(true);
        let reference = references.iter().find(controls)?;
        let text = |key| reference.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(OwnerReference {
            kind: text("kind"),
            name: text("name"),
            uid: text("uid"),
        })
    }

    fn metadata(&self, key: &str) -> Option<&Value> {
        self.body.get("metadata")?.get(key)
    }
}
