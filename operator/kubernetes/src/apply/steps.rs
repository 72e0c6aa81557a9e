//! The steps that make what cannot be made twice, or must be made by a key: keys, requests, certificates, records.
//!
//! Steps of one sort do not depend on each other and go out side by side; sorts follow each other in the plan's order.

use std::collections::BTreeMap;

use althing_operator::name::GroupName;
use althing_operator::plan::{
    AttestationOrder, CertificateOrder, GenesisRecord, Identity, KeyOrder, Observed, ObservedIdentity, RequestOrder,
    Step,
};
use althing_operator::status::ObjectRef;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde_json::{Map, json};

use super::authority::{Authority, new_key};
use super::writer::within;
use super::{Made, Target, WriteError, Writer};
use crate::child::{ChildKind, Family, Fate};
use crate::diff::LiveChildren;
use crate::lower::Lowering;
use crate::names;
use crate::secrets::KeyPlace;
use crate::world::{Entry, Kind};

/// Writes on their way at the same time.
const SIDE_BY_SIDE: usize = 16;

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The object whose step it was.
    pub object: ObjectRef,
    /// The step, in words.
    pub step: String,
    /// Why.
    pub error: WriteError,
}

/// Carries steps out in one namespace.
#[derive(Debug)]
pub struct Steps<'a> {
    /// The writer.
    pub writer: &'a Writer,
    /// The namespace.
    pub namespace: &'a str,
    /// The children that are there.
    pub live: &'a LiveChildren,
    /// What the plan was made from.
    pub observed: &'a Observed,
    /// Where keys are.
    pub places: &'a BTreeMap<Identity, KeyPlace>,
    /// What the objects made here have in common with lowered ones.
    pub lowering: &'a Lowering<'a>,
}

impl Steps<'_> {
    /// Carries out those steps that are written one by one; the others are lowered to children. Returns how many were carried
    /// out, and the failures.
    pub async fn carry_out(&self, steps: &[Step]) -> (usize, Vec<StepFailure>) {
        let authority = Authority::new(self.writer, self.namespace, self.observed, self.places);
        let (mut done, mut failures) = (0, vec![]);
        for sort in steps.chunk_by(|one, other| std::mem::discriminant(one) == std::mem::discriminant(other)) {
            let carried = sort.iter().filter_map(|step| Some((object_of(step)?, step)));
            let carried = carried.map(|(object, step)| self.told(&authority, object, step));
            let mut carried = stream::iter(carried.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
            while let Some((object, step, result)) = carried.next().await {
                match result {
                    Ok(()) => done += 1,
                    Err(error) => failures.push(StepFailure {
                        object,
                        step: step.to_string(),
                        error,
                    }),
                }
            }
            // What comes later in the order depends on this.
            if !failures.is_empty() {
                break;
            }
        }
        (done, failures)
    }

    async fn told<'s>(
        &self,
        authority: &Authority<'_>,
        object: ObjectRef,
        step: &'s Step,
    ) -> (ObjectRef, &'s Step, Result<(), WriteError>) {
        (object, step, self.one(authority, step).await)
    }

    async fn one(&self, authority: &Authority<'_>, step: &Step) -> Result<(), WriteError> {
        match step {
            Step::MakeKey(order) => self.make_key(order).await,
            Step::MakeRequest(order) => self.make_request(authority, order).await,
            Step::IssueCertificate(order) => self.issue(authority, order).await,
            Step::KeepCertificate { subject, certificate } => self.keep(subject, certificate).await,
            Step::Attest(order) => self.attest(authority, order).await,
            Step::RecordGenesis(record) => self.record(record).await,
            _ => Ok(()),
        }
    }

    fn family(&self, object: &ObjectRef) -> Result<Family<'_>, WriteError> {
        self.lowering.family(object).ok_or_else(|| WriteError::Missing {
            what: format!("write for {object}"),
            why: "it is gone".to_owned(),
        })
    }

    /// POSTs a new key. "Already exists" is read back by the next look, and never overwritten (DESIGN.md 5.1).
    async fn make_key(&self, order: &KeyOrder) -> Result<(), WriteError> {
        let name = names::key_secret(&order.identity);
        let pem = new_key(order.kind).map_err(|why| WriteError::Missing {
            what: format!("make the key of {}", order.identity),
            why,
        })?;
        let family = self.family(&names::owner_of(&order.identity))?;
        let content = Map::from_iter([
            ("type".to_owned(), json!("Opaque")),
            ("immutable".to_owned(), json!(true)),
            (
                "data".to_owned(),
                json!({ names::KEY_FILE: STANDARD.encode(pem.as_bytes()) }),
            ),
        ]);
        let key = family.child(ChildKind::Secret, name, Fate::Stays, content);
        self.writer
            .create(self.namespace, &Target::of(Kind::Secret), &key.body)
            .await
            .map(drop)
    }

    async fn make_request(&self, authority: &Authority<'_>, order: &RequestOrder) -> Result<(), WriteError> {
        let request = authority.request(order).await?;
        let certificate = self
            .found(&order.identity)
            .and_then(|found| found.certificate.as_deref());
        self.public(&order.identity, certificate, Some(&request)).await
    }

    async fn issue(&self, authority: &Authority<'_>, order: &CertificateOrder) -> Result<(), WriteError> {
        let certificate = authority.issue(order).await?;
        self.keep(&order.subject, &certificate).await
    }

    async fn keep(&self, subject: &Identity, certificate: &str) -> Result<(), WriteError> {
        let request = self.found(subject).and_then(|found| found.request.as_deref());
        self.public(subject, Some(certificate), request).await
    }

    /// Signs and writes the record, in the form in which it is lowered ever after.
    async fn attest(&self, authority: &Authority<'_>, order: &AttestationOrder) -> Result<(), WriteError> {
        let record = authority.attest(order).await?;
        let Some(child) = self.lowering.attestations(&order.signer, &record) else {
            return Ok(());
        };
        let known = self.live.get(&(ChildKind::ConfigMap, child.name.clone()));
        self.writer.child(self.namespace, &child, known).await
    }

    fn found(&self, identity: &Identity) -> Option<&ObservedIdentity> {
        self.observed.identities.get(identity)
    }

    /// Writes the Secret beside a key, in the form in which it is lowered ever after.
    async fn public(
        &self,
        identity: &Identity,
        certificate: Option<&str>,
        request: Option<&str>,
    ) -> Result<(), WriteError> {
        let Some(child) = self.lowering.certificate(identity, certificate, request) else {
            return Ok(());
        };
        let known = self.live.get(&(ChildKind::Secret, child.name.clone()));
        self.writer.child(self.namespace, &child, known).await
    }

    /// POSTs the record of a genesis; one that is there must be the same.
    async fn record(&self, record: &GenesisRecord) -> Result<(), WriteError> {
        let Some(child) = self.lowering.genesis(record) else {
            return Ok(());
        };
        let target = Target::of(Kind::Child(ChildKind::ConfigMap));
        match self.writer.create(self.namespace, &target, &child.body).await? {
            Made::New => Ok(()),
            Made::Existed => self.compare_record(&record.group, &record.document).await,
        }
    }

    async fn compare_record(&self, group: &GroupName, document: &str) -> Result<(), WriteError> {
        let name = names::genesis(group);
        let what = format!("record the genesis of {group}");
        let api: Api<ConfigMap> = Api::namespaced(self.writer.client().clone(), self.namespace);
        let found = within(&what, api.get_opt(&name)).await?;
        let found = found.map_err(|error| WriteError::of(&what, &error))?;
        let text = found
            .and_then(|found| found.data)
            .and_then(|mut data| data.remove(names::GENESIS_FILE));
        match text.as_deref() == Some(document) {
            // The same record by an operator before this one: the watch will bring it.
            true => Ok(()),
            false => Err(WriteError::Refused {
                what,
                why: format!("ConfigMap {name} is there and holds something else; it is never overwritten"),
            }),
        }
    }
}

/// The object of a step that is written by itself.
fn object_of(step: &Step) -> Option<ObjectRef> {
    match step {
        Step::MakeKey(order) => Some(names::owner_of(&order.identity)),
        Step::MakeRequest(order) => Some(names::owner_of(&order.identity)),
        Step::IssueCertificate(order) => Some(names::owner_of(&order.subject)),
        Step::KeepCertificate { subject, .. } => Some(names::owner_of(subject)),
        Step::Attest(order) => Some(names::owner_of(&order.signer)),
        Step::RecordGenesis(record) => Some(ObjectRef::Group(record.group.clone())),
        _ => None,
    }
}

/// Gives a key that a person put back the labels it had, so that it is watched again. Its content is not touched.
pub(crate) async fn adopt_key(
    writer: &Writer,
    namespace: &str,
    identity: &Identity,
    entry: &Entry,
) -> Result<(), WriteError> {
    let metadata = json!({
        "uid": entry.uid,
        "resourceVersion": entry.resource_version,
        "labels": names::labels(&names::owner_of(identity), None),
    });
    let patch = json!({ "metadata": metadata });
    writer
        .merge(namespace, &Target::of(Kind::Secret), &entry.name, &patch)
        .await
}
