//! What a cluster adds to a plan: containers, reports, troubles around a process.

use althing_operator::manifest::Manifests;
use althing_operator::pki::inspect;
use althing_operator::plan::disruption::Rule;
use althing_operator::plan::{
    DisruptionReason, FileContent, Identity, NamespacePlan, ProcessState, Step, Trouble, TroubleKind, Verdict,
};
use althing_operator::status::{ConditionType, ObjectRef, ObjectStatus, Reason, Truth};

use crate::support::{changed, node, now, running, running_in_cluster};

fn status<'a>(plan: &'a NamespacePlan, name: &str) -> &'a ObjectStatus {
    let object = ObjectRef::Node(node(name));
    plan.statuses.iter().find(|status| status.object == object).unwrap()
}

fn with_image(all: &Manifests, image: &str) -> Manifests {
    changed(all, "trade", |namespace| {
        for node in namespace.nodes.values_mut() {
            node.spec.image = Some(image.to_owned());
        }
    })
}

fn restarts(plan: &NamespacePlan) -> Vec<String> {
    let restarts = plan.steps.iter().filter(|step| matches!(step, Step::RestartProcess(_)));
    restarts.map(ToString::to_string).collect()
}

#[test]
fn the_files_of_a_node_in_a_container_are_flat_and_its_configuration_fits_them() {
    let (all, mut edge) = running_in_cluster();
    let plan = edge.plan(&all, "trade", now());
    assert!(plan.is_at_rest() && plan.disruptions.is_empty(), "{:#?}", plan.steps);
    let files: Vec<_> = plan
        .desired
        .files
        .iter()
        .filter(|file| file.at.node == node("node-3"))
        .collect();
    let paths: Vec<_> = files.iter().map(|file| file.at.path.as_str()).collect();
    let config = files.iter().find(|file| file.at.path == "config.ini").unwrap();
    let FileContent::Text(config) = &config.content else {
        panic!("config.ini is text");
    };
    insta::assert_snapshot!("node_3_in_a_container", format!("{}\n\n{config}", paths.join("\n")));
}

#[test]
fn a_certificate_holds_the_names_of_the_place() {
    let (_, edge) = running_in_cluster();
    let found = &edge.observed.identities[&Identity::Node(node("node-3"))];
    let facts = inspect::first(found.certificate.as_ref().unwrap()).unwrap();
    assert_eq!(facts.dns_names, ["node-3", "node-3.trade.svc"]);
}

#[test]
fn a_new_image_rolls_one_node_at_a_time_and_means_nothing_on_one_machine() {
    let (all, mut edge) = running_in_cluster();
    let plan = edge.plan(&with_image(&all, "node:2"), "trade", now());
    assert_eq!(restarts(&plan), ["restart node-5"], "the free node is the first");
    assert!(
        plan.disruptions
            .iter()
            .all(|it| it.reason == DisruptionReason::ContainerChanged)
    );
    assert_eq!(plan.disruptions.len(), 6);
    let (all, mut edge) = running();
    assert!(edge.plan(&with_image(&all, "node:2"), "trade", now()).is_at_rest());
}

#[test]
fn a_broken_image_stops_after_one_pod_names_the_reason_and_heals_when_it_is_reverted() {
    let (all, mut edge) = running_in_cluster();
    edge.start_as = Some(ProcessState::Running);
    let broken = with_image(&all, "node:broken");
    let (steps, _) = edge.converge(&broken, "trade", now());
    assert_eq!(steps, ["restart node-5", "--"]);
    let trouble = Trouble {
        kind: TroubleKind::ImageCannotBePulled,
        message: "node:broken: not found".into(),
    };
    edge.observed.troubles.insert(node("node-5"), trouble);
    let plan = edge.plan(&broken, "trade", now());
    let ready = status(&plan, "node-5").condition(ConditionType::Ready).unwrap();
    assert_eq!(
        (ready.status, ready.reason),
        (Truth::False, Reason::ImageCannotBePulled)
    );
    assert!(
        ready.message.contains("node:broken: not found") && ready.message.contains("spec.image"),
        "{}",
        ready.message
    );
    assert!(!status(&plan, "node-5").is(ConditionType::Stalled));
    let waiting = status(&plan, "node-0").condition(ConditionType::Reconciling).unwrap();
    assert_eq!(waiting.reason, Reason::DisruptionBlocked);
    assert!(
        waiting.message.contains("one node proves a new image: node-5"),
        "{}",
        waiting.message
    );
    edge.start_as = None;
    edge.observed.troubles.clear();
    let (steps, plan) = edge.converge(&all, "trade", now());
    assert_eq!(steps, ["restart node-5", "--"]);
    assert!(
        plan.statuses.iter().all(|status| status.is(ConditionType::Ready)),
        "{:#?}",
        plan.statuses
    );
}

#[test]
fn what_needs_a_person_stalls_a_node_and_what_passes_does_not() {
    let (all, mut edge) = running_in_cluster();
    for (kind, reason, stalls) in [
        (TroubleKind::ImageCannotBePulled, Reason::ImageCannotBePulled, false),
        (TroubleKind::VolumeCannotBind, Reason::VolumeCannotBind, false),
        (TroubleKind::PodRefused, Reason::PodRefused, false),
        (TroubleKind::ContainerCrashes, Reason::ContainerCrashes, false),
        (TroubleKind::Unschedulable, Reason::Unschedulable, false),
        (TroubleKind::NameTaken, Reason::NameTaken, true),
        (TroubleKind::ApplyRefused, Reason::ApplyRefused, true),
    ] {
        let message = "as it was found".to_owned();
        edge.observed.troubles.insert(node("node-0"), Trouble { kind, message });
        let plan = edge.plan(&all, "trade", now());
        let status = status(&plan, "node-0");
        let ready = status.condition(ConditionType::Ready).unwrap();
        assert_eq!((ready.status, ready.reason), (Truth::False, reason));
        assert!(ready.message.contains("as it was found; "), "{}", ready.message);
        assert_eq!(
            (status.is(ConditionType::Stalled), status.is(ConditionType::Reconciling)),
            (stalls, !stalls)
        );
    }
}

#[test]
fn a_drain_is_allowed_one_node_at_a_time_and_is_no_step() {
    let (all, mut edge) = running_in_cluster();
    for name in ["node-0", "node-1", "node-2"] {
        edge.observed
            .wishes
            .insert(node(name), DisruptionReason::MachineDrained);
    }
    let plan = edge.plan(&all, "trade", now());
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
    let allowed: Vec<_> = plan
        .disruptions
        .iter()
        .filter(|it| it.verdict == Verdict::Allowed)
        .collect();
    assert_eq!(allowed.len(), 1, "{:#?}", plan.disruptions);
    assert_eq!(allowed[0].node, node("node-1"), "node-0 leads");
    assert!(
        plan.statuses.iter().all(|status| status.is(ConditionType::Ready)),
        "a node that waits for its drain is well"
    );
    let waits = status(&plan, "node-2").condition(ConditionType::Ready).unwrap();
    assert!(
        waits
            .message
            .contains("the drain of its machine waits: one node at a time: it is the turn of node-1"),
        "{}",
        waits.message
    );
}

#[test]
fn a_drain_of_a_group_that_tolerates_no_fault_waits_for_its_pause() {
    let (all, mut edge) = running_in_cluster();
    edge.observed
        .wishes
        .insert(node("node-4"), DisruptionReason::MachineDrained);
    let rule = |plan: &NamespacePlan| match &plan.disruptions[0].verdict {
        Verdict::Allowed => None,
        Verdict::Blocked { rule, .. } => Some(*rule),
    };
    assert_eq!(rule(&edge.plan(&all, "trade", now())), Some(Rule::AnnouncedPauseOnly));
    let paused = changed(&all, "trade", |namespace| {
        let local = serde_json::from_value(serde_json::json!({"pauseUntil": "2026-06-01T13:00:00Z"})).unwrap();
        namespace.groups.get_mut("group-2").unwrap().spec.local = Some(local);
    });
    let plan = edge.plan(&paused, "trade", now());
    assert_eq!(rule(&plan), None, "{:#?}", plan.disruptions);
    let group = plan
        .statuses
        .iter()
        .find(|status| status.object.to_string() == "Group/group-2")
        .unwrap();
    let risk = group.condition(ConditionType::QuorumAtRisk).unwrap();
    assert!(
        risk.message.contains("stand still until 2026-06-01T13:00:00Z"),
        "{}",
        risk.message
    );
}

#[test]
fn a_stopped_pod_of_an_old_revision_is_replaced_at_once() {
    let (all, mut edge) = running_in_cluster();
    edge.observed.processes.get_mut(&node("node-4")).unwrap().state = ProcessState::Stopped;
    let plan = edge.plan(&with_image(&all, "node:2"), "trade", now());
    assert!(
        plan.steps.iter().any(|step| matches!(step, Step::StartProcess(process)
            if process.node == node("node-4") && process.container.as_ref().unwrap().image.as_deref() == Some("node:2"))),
        "{:#?}",
        plan.steps
    );
}
