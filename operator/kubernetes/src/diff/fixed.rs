//! Fields the API server lets nobody change: a write of them would be refused at every attempt, for ever.

use std::cmp::Ordering;

use serde_json::Value;

use crate::child::{Child, ChildKind};
use crate::lower::quantity;

const REMAKE: &str = "delete it, and it is made again";
const REMAKE_SET: &str = "delete it with --cascade=orphan, and it is made again around the running pod";
const RECORD: &str = "it is a record and is kept as it is; restore it from a backup if somebody replaced it";
const CLASS: &str = "a volume keeps its class and its modes; put the manifest back, or move the data to a new node";
const SIZE: &str = "a volume never shrinks; put the size of the manifest back";

/// The fixed fields in which a live object differs, and what to do about each.
pub(super) fn conflicts(child: &Child, live: &Value) -> Vec<(String, &'static str)> {
    let desired = &child.body;
    match child.kind {
        ChildKind::StatefulSet => ["/spec/serviceName", "/spec/podManagementPolicy", "/spec/selector"]
            .into_iter()
            .filter(|field| differs(desired, live, field))
            .map(|field| (dotted(field), REMAKE_SET))
            .collect(),
        ChildKind::Service => service(desired, live),
        ChildKind::PersistentVolumeClaim => volume_claim(desired, live),
        ChildKind::ConfigMap => frozen(desired, live),
        ChildKind::Secret => {
            let other_type = differs(desired, live, "/type").then(|| ("type".to_owned(), REMAKE));
            other_type.into_iter().chain(frozen(desired, live)).collect()
        }
        ChildKind::ServiceAccount | ChildKind::NetworkPolicy | ChildKind::PodDisruptionBudget => vec![],
    }
}

fn differs(desired: &Value, live: &Value, field: &str) -> bool {
    desired
        .pointer(field)
        .is_some_and(|wanted| live.pointer(field) != Some(wanted))
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// A headless Service stays headless, and one with an address keeps it.
fn service(desired: &Value, live: &Value) -> Vec<(String, &'static str)> {
    let is_headless = |service: &Value| service.pointer("/spec/clusterIP").and_then(Value::as_str) == Some("None");
    match is_headless(desired) == is_headless(live) {
        true => vec![],
        false => vec![("spec.clusterIP".to_owned(), REMAKE)],
    }
}

fn volume_claim(desired: &Value, live: &Value) -> Vec<(String, &'static str)> {
    let mut found: Vec<_> = ["/spec/accessModes", "/spec/storageClassName"]
        .into_iter()
        .filter(|field| differs(desired, live, field))
        .map(|field| (dotted(field), CLASS))
        .collect();
    let field = "/spec/resources/requests/storage";
    let size = |claim: &Value| claim.pointer(field).and_then(Value::as_str).map(str::to_owned);
    if let (Some(wanted), Some(has)) = (size(desired), size(live))
        && quantity::compare(&wanted, &has) == Some(Ordering::Less)
    {
        found.push((dotted(field), SIZE));
    }
    found
}

/// A ConfigMap or Secret that is immutable: its content and its being immutable are fixed.
fn frozen(desired: &Value, live: &Value) -> Vec<(String, &'static str)> {
    let is_frozen = |object: &Value| object.get("immutable").and_then(Value::as_bool) == Some(true);
    match (is_frozen(desired), is_frozen(live)) {
        (_, false) => vec![],
        // Nobody of ours froze it: what changes could not reach it.
        (false, true) => vec![("immutable".to_owned(), REMAKE)],
        (true, true) => match desired.get("data") == live.get("data") {
            true => vec![],
            false => vec![("data".to_owned(), RECORD)],
        },
    }
}
