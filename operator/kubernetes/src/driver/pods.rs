//! Pods are replaced by the operator, one at a time, when the plan allows it at this very moment.

use althing_operator::plan::{DisruptionReason, Process, Step};
use althing_operator::status::ObjectRef;
use tracing::{info, warn};

use super::look::{Look, Picture};
use super::rounds;
use crate::apply::Target;
use crate::child::ChildKind;
use crate::lower::PodProcess;
use crate::names;
use crate::world::{Entry, Item, Kind, PodFacts};

/// A pod to delete, so that its StatefulSet makes it again.
struct Outdated<'a> {
    process: &'a Process,
    entry: &'a Entry,
    is_proven_stopped: bool,
}

/// Deletes the pods that the plan replaces. Everything of their nodes is written by now.
pub(super) async fn replace(look: &Look<'_>, picture: &Picture) {
    let outdated: Vec<_> = picture
        .plan
        .steps
        .iter()
        .filter_map(|step| outdated(picture, step))
        .collect();
    for pod in outdated.iter().filter(|pod| pod.is_proven_stopped) {
        delete(look, picture, pod).await;
    }
    if let Some(pod) = outdated.iter().find(|pod| !pod.is_proven_stopped)
        && is_still_allowed(look, pod).await
    {
        delete(look, picture, pod).await;
    }
}

/// The pod of a step, when deleting it brings the process the step wants.
fn outdated<'a>(picture: &'a Picture, step: &'a Step) -> Option<Outdated<'a>> {
    let (process, is_restart) = match step {
        Step::StartProcess(process) => (process, false),
        Step::RestartProcess(process) => (process, true),
        _ => return None,
    };
    let entry = picture.shelf.get(&(Kind::Pod, names::pod(&process.node)))?;
    let Item::Pod(pod) = &entry.item else { return None };
    if pod.is_leaving || !is_set_observed(picture, process) {
        return None;
    }
    (is_restart || runs_something_else(pod, process)).then_some(Outdated {
        process,
        entry,
        // As the kubelet said last: a pod that nothing is known of but its name may well run.
        is_proven_stopped: !pod.is_running,
    })
}

fn runs_something_else(pod: &PodFacts, process: &Process) -> bool {
    let found = pod.process.as_deref().and_then(|text| PodProcess::read(text).ok());
    found != Some(PodProcess::of(process))
}

/// Before the StatefulSet controller has seen the new template, a deleted pod comes back with the old one.
fn is_set_observed(picture: &Picture, process: &Process) -> bool {
    let set = picture
        .shelf
        .get(&(Kind::Child(ChildKind::StatefulSet), names::node(&process.node)));
    set.is_some_and(|set| matches!(&set.item, Item::Child(_, _, Some(facts)) if facts.is_observed))
}

/// Asks every node again and plans again: what was true some seconds ago is not enough to take a node away.
async fn is_still_allowed(look: &Look<'_>, pod: &Outdated<'_>) -> bool {
    rounds::ask_now(look.context, look.namespace.as_str()).await;
    let fresh = match look.picture().await {
        Ok(Some(fresh)) => fresh,
        Ok(None) => return false,
        Err(error) => {
            warn!(namespace = %look.namespace, "{error}");
            return false;
        }
    };
    let is_it = |step: &Step| matches!(step, Step::RestartProcess(process) if process.node == pod.process.node);
    fresh.plan.steps.iter().any(is_it)
}

async fn delete(look: &Look<'_>, picture: &Picture, pod: &Outdated<'_>) {
    let namespace = look.namespace.as_str();
    let node = &pod.process.node;
    if let Err(error) = look.context.leadership.confirm().await {
        warn!(%namespace, %node, "it is not restarted: {error:#}");
        return;
    }
    let entry = pod.entry;
    let why = reason(picture, pod);
    let target = Target::of(Kind::Pod);
    let deleted = look
        .context
        .writer
        .delete(namespace, &target, &entry.name, &entry.uid, &entry.resource_version);
    match deleted.await {
        Ok(()) => {
            info!(%namespace, %node, "restarted: {why}");
            look.context.metrics.wrote();
            let uid = picture
                .gathered
                .manifests
                .nodes
                .get(node)
                .and_then(|node| node.metadata.uid.clone());
            let object = ObjectRef::Node(node.clone());
            look.context
                .events
                .restarting(namespace, &uid.unwrap_or_default(), &object, why)
                .await;
        }
        Err(error) => {
            look.context.metrics.failed("Pod", error.reason());
            look.context.queue.push(namespace);
        }
    }
}

fn reason(picture: &Picture, pod: &Outdated<'_>) -> String {
    let disruption = picture
        .plan
        .disruptions
        .iter()
        .find(|disruption| disruption.node == pod.process.node);
    match (pod.is_proven_stopped, disruption.map(|disruption| disruption.reason)) {
        (true, _) => "its pod runs nothing and is made again as its manifest says".to_owned(),
        (false, Some(DisruptionReason::ContainerChanged)) => {
            "the image or the resources of its container changed".to_owned()
        }
        (false, Some(DisruptionReason::SettingsChanged)) => "the settings of a group changed".to_owned(),
        (false, _) => "its configuration changed".to_owned(),
    }
}
