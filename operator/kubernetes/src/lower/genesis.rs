//! ConfigMap of a group: its genesis, recorded once. Immutable, and without an owner: the record outlives the manifest.

use std::collections::BTreeMap;

use althing_operator::plan::GenesisRecord;
use althing_operator::status::ObjectRef;
use serde_json::{Map, json};

use super::Lowering;
use crate::child::{Child, ChildKind, Fate};
use crate::names;

/// The record of a genesis, verbatim.
pub(super) fn config_map(lowering: &Lowering<'_>, record: &GenesisRecord) -> Option<Child> {
    let family = lowering.family(&ObjectRef::Group(record.group.clone()))?;
    let data = BTreeMap::from([(names::GENESIS_FILE, record.document.as_str())]);
    let content = Map::from_iter([("data".to_owned(), json!(data)), ("immutable".to_owned(), json!(true))]);
    Some(family.child(
        ChildKind::ConfigMap,
        names::genesis(&record.group),
        Fate::Stays,
        content,
    ))
}

impl Lowering<'_> {
    /// The object that records a genesis: to be created, never changed.
    pub fn genesis(&self, record: &GenesisRecord) -> Option<Child> {
        config_map(self, record)
    }
}
