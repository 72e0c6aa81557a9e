//! ConfigMap of an own agency: what it signed for others. Without an owner, so that sequences outlive the manifest.

use std::collections::BTreeMap;

use althing_operator::name::AgencyName;
use althing_operator::plan::Identity;
use althing_operator::status::ObjectRef;
use serde_json::{Map, json};

use super::Lowering;
use crate::child::{Child, ChildKind, Fate};
use crate::names;

impl Lowering<'_> {
    /// The records of the own agencies, as they were observed.
    pub(super) fn records(&self) -> impl Iterator<Item = Child> {
        self.identities.iter().filter_map(|(identity, found)| {
            let Identity::AgencyCa(agency) = identity else {
                return None;
            };
            self.attestations(agency, found.attestations.as_deref()?)
        })
    }

    /// The object that keeps what an agency signed.
    pub fn attestations(&self, agency: &AgencyName, record: &str) -> Option<Child> {
        let family = self.family(&ObjectRef::Agency(agency.clone()))?;
        let data = BTreeMap::from([(names::ATTESTATIONS_FILE, record)]);
        let content = Map::from_iter([("data".to_owned(), json!(data))]);
        let name = names::attestations(agency);
        Some(family.child(ChildKind::ConfigMap, name, Fate::Stays, content))
    }
}
