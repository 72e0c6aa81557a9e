//! What stands in the way of a node, from objects as the API server words them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::AgencyName;
use althing_operator::plan::{Identity, TroubleKind};
use althing_types::genesis::Cryptography;
use serde_json::{Value, json};

use super::{Seen, observe};
use crate::child::ChildKind;
use crate::lower::testing::{Town, node};
use crate::names;
use crate::secrets::{Contents, key_places, texts};
use crate::world::{Entry, Item, Kind, PodFacts, World, child_entry, warning};

const NO_ROOM: &str = "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate";
const NO_VOLUME: &str = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found";
const NO_CLASS: &str = "storageclass.storage.k8s.io \"no-such-class\" not found";
const QUOTA: &str =
    "pods \"node-0-0\" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0";
const BEFORE: &str = "2026-06-01T12:00:00Z";
const AFTER: &str = "2026-06-01T12:00:05Z";

/// The objects of node-0, in the world.
struct Scene {
    world: World,
    manifests: NamespaceManifests,
    version: u64,
}

impl Scene {
    /// A StatefulSet without a pod, and a claim that waits.
    fn new() -> Self {
        let mut scene = Self {
            world: World::default(),
            manifests: Town::four_agencies().manifests,
            version: 0,
        };
        scene.child(ChildKind::StatefulSet, "node-0", "set-1", &Value::Null);
        scene.claim("Pending");
        scene
    }

    fn put(&mut self, entry: Option<Entry>) {
        self.world.put("trade", entry.unwrap());
    }

    fn metadata(&mut self, name: &str, uid: &str) -> Value {
        self.version += 1;
        json!({"name": name, "namespace": "trade", "uid": uid, "resourceVersion": self.version.to_string()})
    }

    fn child(&mut self, kind: ChildKind, name: &str, uid: &str, status: &Value) {
        let metadata = self.metadata(name, uid);
        let object =
            json!({"apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": metadata, "status": status});
        self.put(child_entry(kind, serde_json::from_value(object).unwrap(), None));
    }

    fn claim(&mut self, phase: &str) {
        let status = json!({ "phase": phase });
        self.child(ChildKind::PersistentVolumeClaim, "node-0-data", "claim-1", &status);
    }

    /// A pod without a machine; `why` in the scheduler's words.
    fn pod(&mut self, made: &str, why: Option<&str>) {
        let mut metadata = self.metadata("node-0-0", "pod-1");
        metadata["creationTimestamp"] = json!(made);
        let condition = why.map(|why| json!({"type": "PodScheduled", "status": "False", "message": why}));
        let conditions: Vec<Value> = condition.into_iter().collect();
        let pod = json!({"metadata": metadata, "status": {"conditions": conditions}});
        let pod = serde_json::from_value(pod).unwrap();
        let item = Item::Pod(Box::new(PodFacts::of(&pod)));
        self.put(Some(Entry::of(&pod.metadata, item)));
    }

    fn pod_goes(&self) {
        assert!(self.world.remove("trade", Kind::Pod, "node-0-0", Some("pod-1")));
    }

    fn warn(&mut self, kind: ChildKind, name: &str, uid: &str, at: &str, note: &str) {
        let metadata = self.metadata(&format!("{name}.18ab"), "event-1");
        let event = json!({
            "metadata": metadata,
            "regarding": {"kind": kind.kind(), "name": name, "uid": uid},
            "note": note,
            "deprecatedLastTimestamp": at,
            "eventTime": null,
        });
        self.put(warning(kind, &serde_json::from_value(event).unwrap()));
    }

    fn refuse(&mut self, uid: &str, at: &str) {
        let note = format!("create Pod node-0-0 in StatefulSet node-0 failed error: {QUOTA}");
        self.warn(ChildKind::StatefulSet, "node-0", uid, at, &note);
    }

    fn warn_of_claim(&mut self) {
        self.warn(
            ChildKind::PersistentVolumeClaim,
            "node-0-data",
            "claim-1",
            BEFORE,
            NO_CLASS,
        );
    }

    fn trouble(&self) -> Option<(TroubleKind, String)> {
        let observed = observe(&Seen {
            shelf: &self.world.shelf("trade"),
            manifests: &self.manifests,
            contents: &Contents::default(),
            heard: &crate::ask::Heard::default(),
            cordoned: &BTreeSet::new(),
        });
        assert!(observed.troubles.len() <= 1, "of other nodes: {:?}", observed.troubles);
        let trouble = observed.troubles.get(&node("node-0"))?;
        Some((trouble.kind, trouble.message.clone()))
    }
}

fn told(kind: TroubleKind, message: &str) -> Option<(TroubleKind, String)> {
    Some((kind, message.to_owned()))
}

#[test]
fn a_pod_without_room_is_unschedulable_though_its_claim_waits() {
    let mut scene = Scene::new();
    scene.pod(BEFORE, Some(NO_ROOM));
    assert_eq!(scene.trouble(), told(TroubleKind::Unschedulable, NO_ROOM));
    scene.claim("Bound");
    assert_eq!(scene.trouble(), told(TroubleKind::Unschedulable, NO_ROOM));
    let disk = "0/1 nodes are available: 1 Insufficient ephemeral-storage.";
    scene.pod(BEFORE, Some(disk));
    assert_eq!(scene.trouble(), told(TroubleKind::Unschedulable, disk));
}

#[test]
fn a_volume_that_the_scheduler_misses_is_told_as_the_volume() {
    for why in [
        NO_VOLUME,
        "persistentvolumeclaim \"node-0-data\" not found",
        "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.",
        "0/1 nodes are available: 1 node(s) did not have enough free storage.",
        "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had volume node affinity conflict.",
        "storageclass.storage.k8s.io \"no-such-class\" not found",
    ] {
        let mut scene = Scene::new();
        scene.pod(BEFORE, Some(why));
        assert_eq!(scene.trouble(), told(TroubleKind::VolumeCannotBind, why));
    }
}

#[test]
fn the_claim_s_own_warning_is_told_until_it_is_bound() {
    let mut scene = Scene::new();
    scene.warn_of_claim();
    assert_eq!(scene.trouble(), None, "the pod may still be refused or scheduled");
    scene.pod(BEFORE, None);
    let expected = told(TroubleKind::VolumeCannotBind, NO_CLASS);
    assert_eq!(
        scene.trouble(),
        expected,
        "the scheduler waits for the volume and says nothing"
    );
    scene.pod(BEFORE, Some(NO_VOLUME));
    assert_eq!(scene.trouble(), expected, "the claim's controller knows more");
    scene.claim("Bound");
    scene.pod(BEFORE, None);
    assert_eq!(scene.trouble(), None);
}

#[test]
fn a_pod_that_waits_for_its_volume_without_a_warning_is_in_no_trouble() {
    let mut scene = Scene::new();
    scene.pod(BEFORE, None);
    assert_eq!(scene.trouble(), None);
}

#[test]
fn a_refused_pod_is_told_in_the_words_of_the_api_server() {
    let mut scene = Scene::new();
    assert_eq!(scene.trouble(), None);
    scene.refuse("set-1", BEFORE);
    assert_eq!(scene.trouble(), told(TroubleKind::PodRefused, QUOTA));
}

#[test]
fn an_old_refusal_is_forgotten_when_the_pod_is_there() {
    let mut scene = Scene::new();
    scene.refuse("set-1", BEFORE);
    scene.pod(AFTER, None);
    assert_eq!(scene.trouble(), None);
    scene.refuse("set-1", BEFORE);
    scene.pod_goes();
    assert_eq!(
        scene.trouble(),
        None,
        "a restart is no refusal, though the event is listed again"
    );
    scene.refuse("set-1", "2026-06-01T12:10:00Z");
    assert_eq!(scene.trouble(), told(TroubleKind::PodRefused, QUOTA), "refused anew");
}

#[test]
fn a_pod_is_refused_while_the_one_before_is_still_seen() {
    let mut scene = Scene::new();
    scene.pod(BEFORE, None);
    scene.refuse("set-1", AFTER);
    assert_eq!(scene.trouble(), None);
    scene.pod_goes();
    assert_eq!(scene.trouble(), told(TroubleKind::PodRefused, QUOTA));
}

#[test]
fn a_refusal_of_another_object_of_the_name_is_no_trouble() {
    let mut scene = Scene::new();
    scene.refuse("set-0", BEFORE);
    assert_eq!(scene.trouble(), None);
}

#[test]
fn what_a_registrar_answered_to_another_agency_is_found_again() {
    let mut scene = Scene::new();
    let agency = AgencyName::new("agency-d").unwrap();
    let spec = json!({"consortium": "trade", "external": {"certificateSigningRequest": "a request"}});
    scene.manifests.agencies.get_mut(&agency).unwrap().spec = serde_json::from_value(spec).unwrap();
    let mut contents = Contents::default();
    let identity = Identity::AgencyCa(agency);
    let files = BTreeMap::from([(names::certificate_file(&identity).to_owned(), "an answer".to_owned())]);
    let secret = names::certificate_secret(&identity).unwrap();
    contents.public.insert(secret, Arc::new(files));
    let observed = observe(&Seen {
        shelf: &scene.world.shelf("trade"),
        manifests: &scene.manifests,
        contents: &contents,
        heard: &crate::ask::Heard::default(),
        cordoned: &BTreeSet::new(),
    });
    let found = observed
        .identities
        .get(&identity)
        .and_then(|found| found.certificate.as_deref());
    assert_eq!(found, Some("an answer"));
}

#[test]
fn what_was_written_is_observed_as_it_was_planned_in_both_editions() {
    for edition in [Cryptography::Standard, Cryptography::Sm] {
        let town = Town::in_edition(edition);
        let (world, mut contents) = (World::default(), Contents::default());
        for child in town.children() {
            let mut body = child.body.clone();
            body["metadata"]["uid"] = json!(child.name);
            body["metadata"]["resourceVersion"] = json!("1");
            if child.kind == ChildKind::Secret {
                let secret = serde_json::from_value(body.clone()).unwrap();
                contents.public.insert(child.name.clone(), Arc::new(texts(&secret)));
            }
            world.put(
                "trade",
                child_entry(child.kind, serde_json::from_value(body).unwrap(), None).unwrap(),
            );
        }
        let places = key_places(&town.manifests);
        let made = town
            .observed
            .identities
            .iter()
            .filter(|(_, found)| found.key.public().is_some());
        for (identity, found) in made {
            assert!(places.contains_key(identity), "the key of {identity} is looked for");
            contents.keys.insert(identity.clone(), found.key.clone());
        }
        assert_eq!(places.len(), contents.keys.len(), "and no other");
        let observed = observe(&Seen {
            shelf: &world.shelf("trade"),
            manifests: &town.manifests,
            contents: &contents,
            heard: &crate::ask::Heard::default(),
            cordoned: &BTreeSet::new(),
        });
        let desired = &town.plan.as_ref().unwrap().desired;
        assert!(!desired.files.is_empty());
        for file in &desired.files {
            assert!(file.is_at_rest(observed.files.get(&file.at)), "{edition}: {}", file.at);
        }
        for (identity, found) in &town.observed.identities {
            let seen = observed.identities.get(identity);
            let trimmed = |pem: &Option<String>| pem.as_ref().map(|pem| pem.trim().to_owned());
            let seen = seen.map(|seen| (seen.key.clone(), trimmed(&seen.certificate)));
            assert_eq!(
                seen,
                Some((found.key.clone(), trimmed(&found.certificate))),
                "{edition}: {identity}"
            );
        }
    }
}
