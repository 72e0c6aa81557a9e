//! Writes, one at a time, each with a deadline; what comes back goes into the world, so that the next look sees it.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::WriteError;
use crate::child::{Child, ChildKind};
use crate::diff::{LiveChild, Standing, standing};
use crate::names::MANAGER;
use crate::world::{Entry, Item, Kind, PodFacts, SecretFacts, StatefulSetFacts, World};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A kind of object in one namespace.
#[derive(Clone, Debug)]
pub struct Target {
    /// Under which kind the world keeps it.
    pub kind: Kind,
    /// How the API server serves it.
    pub resource: ApiResource,
}

impl Target {
    /// Of a kind.
    pub fn of(kind: Kind) -> Self {
        let (group, version, name, plural) = match kind {
            Kind::Consortium => (althing_crds::GROUP, althing_crds::VERSION, "Consortium", "consortiums"),
            Kind::Agency => (althing_crds::GROUP, althing_crds::VERSION, "Agency", "agencies"),
            Kind::Group => (althing_crds::GROUP, althing_crds::VERSION, "Group", "ledgergroups"),
            Kind::Node => (althing_crds::GROUP, althing_crds::VERSION, "Node", "ledgernodes"),
            Kind::Child(child) => (child.group(), child.version(), child.kind(), child.plural()),
            Kind::Secret => ("", "v1", "Secret", "secrets"),
            Kind::Pod => ("", "v1", "Pod", "pods"),
            Kind::Warning(_) => ("events.k8s.io", "v1", "Event", "events"),
        };
        let api_version = match group {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        };
        Self {
            kind,
            resource: ApiResource {
                group: group.to_owned(),
                version: version.to_owned(),
                api_version,
                kind: name.to_owned(),
                plural: plural.to_owned(),
            },
        }
    }
}

/// What came of a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    New,
    /// Something of that name was there already, and stays.
    Existed,
}

/// The one writer.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    world: Arc<World>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// A writer that tells this world.
    pub const fn new(client: Client, world: Arc<World>) -> Self {
        Self { client, world }
    }

    /// The client, for reading.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    fn api(&self, namespace: &str, target: &Target) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &target.resource)
    }

    fn learn(&self, namespace: &str, target: &Target, object: DynamicObject) {
        if let Some(entry) = entry_of(target.kind, object) {
            self.world.put(namespace, entry);
        }
    }

    /// Makes an object unless one of its name is there.
    pub async fn create(&self, namespace: &str, target: &Target, body: &Value) -> Result<Made, WriteError> {
        let what = describe("create", target, body);
        let object: DynamicObject = serde_json::from_value(body.clone()).map_err(|error| WriteError::Refused {
            what: what.clone(),
            why: error.to_string(),
        })?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let api = self.api(namespace, target);
        match within(&what, api.create(&parameters, &object)).await? {
            Ok(made) => {
                self.learn(namespace, target, made);
                Ok(Made::New)
            }
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(Made::Existed),
            Err(error) => Err(WriteError::of(&what, &error)),
        }
    }

    /// Server-side apply, forced.
    pub async fn apply(&self, namespace: &str, target: &Target, name: &str, body: &Value) -> Result<(), WriteError> {
        let what = describe("apply", target, body);
        let parameters = PatchParams::apply(MANAGER).force();
        let api = self.api(namespace, target);
        let applied = within(&what, api.patch(name, &parameters, &Patch::Apply(body))).await?;
        self.learn(
            namespace,
            target,
            applied.map_err(|error| WriteError::of(&what, &error))?,
        );
        Ok(())
    }

    /// Applies a child. `known` is the object that has its name, as far as the watches show one: before the first write the API
    /// server is asked, because an object that is not the operator's is never written over.
    pub async fn child(&self, namespace: &str, child: &Child, known: Option<&LiveChild>) -> Result<(), WriteError> {
        let target = Target::of(match child.kind {
            ChildKind::Secret => Kind::Secret,
            kind => Kind::Child(kind),
        });
        let asked = match known {
            Some(_) => None,
            None => self.metadata(namespace, &target, child).await?,
        };
        let what = || format!("{} {}", child.kind, child.name);
        match known
            .or(asked.as_ref())
            .map_or(Standing::Ours, |live| standing(child, live))
        {
            Standing::Ours => self.apply(namespace, &target, &child.name, &child.body).await,
            Standing::Taken(by) => Err(WriteError::NameTaken { what: what(), by }),
            Standing::Leaving => Err(WriteError::Conflict {
                what: what(),
                why: "it is being deleted".to_owned(),
            }),
        }
    }

    /// The object that has the name of a child, without its content; none when there is no such object.
    async fn metadata(&self, namespace: &str, target: &Target, child: &Child) -> Result<Option<LiveChild>, WriteError> {
        let what = format!("read {} {}", target.resource.kind, child.name);
        let api = self.api(namespace, target);
        let found = within(&what, api.get_metadata_opt(&child.name)).await?;
        let found = found.map_err(|error| WriteError::of(&what, &error))?;
        Ok(found.map(|object| LiveChild::new(child.kind, &child.name, json!({ "metadata": object.metadata }))))
    }

    /// A JSON merge patch; `patch.metadata` names the uid or resourceVersion it holds for.
    pub async fn merge(&self, namespace: &str, target: &Target, name: &str, patch: &Value) -> Result<(), WriteError> {
        let what = format!("patch {} {name}", target.resource.kind);
        let parameters = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let api = self.api(namespace, target);
        let merged = within(&what, api.patch(name, &parameters, &Patch::Merge(patch))).await?;
        self.learn(
            namespace,
            target,
            merged.map_err(|error| WriteError::of(&what, &error))?,
        );
        Ok(())
    }

    /// Server-side apply of the status.
    pub async fn status(&self, namespace: &str, target: &Target, name: &str, body: &Value) -> Result<(), WriteError> {
        let what = describe("write the status of", target, body);
        let parameters = PatchParams::apply(MANAGER).force();
        let api = self.api(namespace, target);
        let written = within(&what, api.patch_status(name, &parameters, &Patch::Apply(body))).await?;
        self.learn(
            namespace,
            target,
            written.map_err(|error| WriteError::of(&what, &error))?,
        );
        Ok(())
    }

    /// Deletes exactly this version of exactly this object; that it is gone already is no failure.
    pub async fn delete(
        &self,
        namespace: &str,
        target: &Target,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), WriteError> {
        let what = format!("delete {} {name}", target.resource.kind);
        let parameters = DeleteParams::background().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: Some(resource_version.to_owned()),
        });
        let api = self.api(namespace, target);
        match within(&what, api.delete(name, &parameters)).await? {
            Ok(answer) => {
                // What leaves slowly is known to be leaving from now on, whenever the watch says so.
                if let Some(leaving) = answer.left() {
                    self.learn(namespace, target, leaving);
                }
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                self.world.remove(namespace, target.kind, name, Some(uid));
                Ok(())
            }
            Err(error) => Err(WriteError::of(&what, &error)),
        }
    }

    /// Reads a Secret; none when there is none. What is read goes into the world as metadata when it is the operator's.
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Secret>, WriteError> {
        let what = format!("read Secret {name}");
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        within(&what, api.get_opt(name))
            .await?
            .map_err(|error| WriteError::of(&what, &error))
    }
}

fn describe(verb: &str, target: &Target, body: &Value) -> String {
    let name = body
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    format!("{verb} {} {name}", target.resource.kind)
}

/// A call that is given up when it takes too long.
pub(super) async fn within<T>(what: &(impl Display + ?Sized), call: impl Future<Output = T>) -> Result<T, WriteError> {
    tokio::time::timeout(PATIENCE, call)
        .await
        .map_err(|_| WriteError::TimedOut {
            what: what.to_string(),
            after: PATIENCE,
        })
}

/// An answer of the API server as the world keeps it.
fn entry_of(kind: Kind, object: DynamicObject) -> Option<Entry> {
    fn typed<T: serde::de::DeserializeOwned>(object: &DynamicObject) -> Option<T> {
        serde_json::from_value(serde_json::to_value(object).ok()?).ok()
    }
    let metadata = object.metadata.clone();
    let item = match kind {
        Kind::Consortium => Item::Consortium(Ok(Box::new(typed(&object)?))),
        Kind::Agency => Item::Agency(Ok(Box::new(typed(&object)?))),
        Kind::Group => Item::Group(Ok(Box::new(typed(&object)?))),
        Kind::Node => Item::Node(Ok(Box::new(typed(&object)?))),
        Kind::Child(child) => {
            let facts = match child {
                ChildKind::StatefulSet => Some(StatefulSetFacts::of(&typed(&object)?)),
                _ => None,
            };
            return crate::world::child_entry(child, object, facts);
        }
        Kind::Secret => Item::Secret(SecretFacts::of(&metadata)),
        Kind::Pod => Item::Pod(Box::new(PodFacts::of(&typed(&object)?))),
        Kind::Warning(child) => return crate::world::warning(child, &typed(&object)?),
    };
    Some(Entry::of(&metadata, item))
}
