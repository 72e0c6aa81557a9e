//! StatefulSet of a node: one pod, replaced only when the plan deletes it.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{StatefulSetSpec, StatefulSetUpdateStrategy};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::node::{NodeParts, spec};
use super::{PodProcess, pod};
use crate::child::{Child, ChildKind, Fate};
use crate::names::{self, annotation};

/// Old templates kept for a person to compare with.
const REVISIONS: i32 = 3;

/// The StatefulSet. Its volume is a claim of its own and not a template of it, so that it can grow.
pub(super) fn stateful_set(node: &NodeParts<'_>) -> Child {
    let name = &node.process.node;
    let image = image(node);
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(names::pod_labels(
                name,
                &node.process.agency,
                node.family.consortium.as_ref(),
            )),
            annotations: Some(BTreeMap::from([(
                annotation::PROCESS.to_owned(),
                PodProcess::of(node.process).to_annotation(),
            )])),
            ..ObjectMeta::default()
        }),
        spec: Some(pod::pod(node, &image)),
    };
    let set = StatefulSetSpec {
        service_name: Some(names::p2p_service(name)),
        replicas: Some(1),
        pod_management_policy: Some("Parallel".to_owned()),
        update_strategy: Some(StatefulSetUpdateStrategy {
            type_: Some("OnDelete".to_owned()),
            rolling_update: None,
        }),
        revision_history_limit: Some(REVISIONS),
        selector: LabelSelector {
            match_labels: Some(names::pod_selector(name)),
            match_expressions: None,
        },
        template,
        ..StatefulSetSpec::default()
    };
    // A manifest that names an image has decided itself; when it no longer does, the default of that day is taken.
    let chosen = node.spec.image.is_none().then(|| (annotation::IMAGE.to_owned(), image));
    let annotations: BTreeMap<_, _> = chosen.into_iter().collect();
    node.family.annotated(
        ChildKind::StatefulSet,
        names::node(name),
        Fate::Goes,
        &annotations,
        spec(&set),
    )
}

/// The manifest's image; else the one an operator chose before, so that another operator restarts no pod; else the default.
fn image(node: &NodeParts<'_>) -> String {
    let kept = node.lowering.live.images.get(&node.process.node);
    let image = node.spec.image.as_ref().or(kept);
    image.unwrap_or(&node.lowering.settings.node_image).clone()
}
