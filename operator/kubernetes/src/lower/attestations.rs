//! ConfigMap of an own agency, or of the registrar: what its key signed for others. Without an owner, so that sequences outlive the manifest.

use std::collections::BTreeMap;

use althing_operator::plan::Identity;
use serde_json::{Map, json};

use super::Lowering;
use crate::child::{Child, ChildKind, Fate};
use crate::names;

impl Lowering<'_> {
    /// The records, as they were observed.
    pub(super) fn records(&self) -> impl Iterator<Item = Child> {
        let records = self.identities.iter();
        records.filter_map(|(signer, found)| self.attestations(signer, found.attestations.as_deref()?))
    }

    /// The object that keeps what a key signed; none of one that signs nothing for others.
    pub fn attestations(&self, signer: &Identity, record: &str) -> Option<Child> {
        let family = self.family(&names::owner_of(signer))?;
        let data = BTreeMap::from([(names::ATTESTATIONS_FILE, record)]);
        let content = Map::from_iter([("data".to_owned(), json!(data))]);
        let name = names::attestations(signer)?;
        Some(family.child(ChildKind::ConfigMap, name, Fate::Stays, content))
    }
}
