use althing_operator::pki::inspect;
use althing_operator::plan::{ProcessState, Step};
use jiff::SignedDuration;

use crate::support::{MemoryEdge, changed, identity_file, node, now, running, sample};

#[test]
fn planning_again_after_applying_gives_an_empty_plan() {
    let (all, mut edge) = running();
    let plan = edge.plan(&all, "trade", now());
    assert!(plan.is_at_rest() && plan.disruptions.is_empty(), "{:#?}", plan.steps);
    assert_eq!(plan, edge.plan(&all, "trade", now()), "and the same plan again");
}

#[test]
fn nothing_is_written_while_time_passes_and_nothing_is_due() {
    let (all, mut edge) = running();
    let plan = edge.plan(&all, "trade", now() + SignedDuration::from_hours(100 * 24));
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
    assert_eq!(
        plan.statuses, edge.observed.statuses,
        "statuses move on transitions only"
    );
}

#[test]
fn leaves_are_renewed_without_a_restart_and_keep_their_key() {
    let (all, mut edge) = running();
    let later = now() + SignedDuration::from_hours(300 * 24);
    let (steps, _) = edge.converge(&all, "trade", later);
    assert!(
        steps
            .iter()
            .any(|step| step == "issue certificate of node/node-0 by agency-ca/agency-a"),
        "{steps:#?}"
    );
    assert!(
        steps
            .iter()
            .any(|step| *step == format!("write node-0/conf/{}", identity_file("node.crt"))),
        "{steps:#?}"
    );
    assert!(
        !steps
            .iter()
            .any(|step| step.starts_with("restart") || step.starts_with("make key")),
        "{steps:#?}"
    );
}

#[test]
fn a_certificate_holds_already_for_who_is_five_minutes_behind_and_an_operator_that_is_writes_nothing() {
    let (all, mut edge) = running();
    let behind = now() - SignedDuration::from_mins(5);
    let certificates = edge.observed.identities.values();
    let certificates = certificates.filter_map(|identity| identity.certificate.as_deref());
    let all_hold: Vec<_> = certificates
        .map(|pem| inspect::first(pem).unwrap())
        .map(|facts| facts.holds_at(now()) && facts.holds_at(behind))
        .collect();
    assert!(
        all_hold.len() > 10 && all_hold.iter().all(|holds| *holds),
        "{all_hold:?}"
    );
    let plan = edge.plan(&all, "trade", behind);
    assert!(plan.is_at_rest(), "{:#?}", plan.steps);
}

#[test]
fn a_stopped_node_is_started_again() {
    let (all, mut edge) = running();
    edge.observed.processes.get_mut(&node("node-2")).unwrap().state = ProcessState::Stopped;
    let (steps, _) = edge.converge(&all, "trade", now());
    assert_eq!(steps, ["start node-2", "--"]);
}

#[test]
fn a_changed_file_is_written_again() {
    let (all, mut edge) = running();
    let at = edge
        .observed
        .files
        .keys()
        .find(|at| at.path == "nodes.json")
        .unwrap()
        .clone();
    edge.observed.files.remove(&at);
    let (steps, _) = edge.converge(&all, "trade", now());
    assert_eq!(steps, [format!("write {at}"), "--".to_owned()]);
}

#[test]
fn a_new_node_joins_without_restarting_anybody() {
    let (all, mut edge) = running();
    let more = changed(&all, "trade", |namespace| {
        let mut new = namespace.nodes.get(&node("node-5")).unwrap().clone();
        new.metadata.name = Some("node-6".into());
        namespace.nodes.insert(node("node-6"), new);
    });
    let (steps, plan) = edge.converge(&more, "trade", now());
    assert!(steps.iter().any(|step| step == "start node-6") && !steps.iter().any(|step| step.starts_with("restart")));
    assert_eq!(plan.desired.processes.len(), 7);
}

#[test]
fn rule_4_changed_settings_restart_one_sealer_at_a_time_and_say_what_waits() {
    let (all, mut edge) = running();
    let louder = changed(&all, "trade", |namespace| {
        for group in namespace.groups.values_mut().filter(|group| group.spec.group_id == 1) {
            let local = group.spec.local.get_or_insert_default();
            local.settings.insert("tx_pool.limit".into(), "20000".into());
        }
    });
    let plan = edge.plan(&louder, "trade", now());
    let restarts: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| matches!(step, Step::RestartProcess(_)))
        .collect();
    assert_eq!(restarts.len(), 1, "{restarts:#?}");
    assert_eq!(plan.disruptions.len(), 4);
    // node-3 is one of two sealers of group 2, which tolerates no fault.
    edge.start_as = Some(ProcessState::Ready);
    let mut rounds = 0;
    let last = loop {
        let plan = edge.plan(&louder, "trade", now());
        rounds += 1;
        if plan.is_at_rest() || rounds > 10 {
            break plan;
        }
        for step in &plan.steps {
            althing_operator::edge::Apply::apply(&mut edge, &plan.namespace, step, now()).unwrap();
        }
    };
    let blocked: Vec<_> = last.disruptions.iter().map(|d| d.node.to_string()).collect();
    assert_eq!(blocked, ["node-3"], "{:#?}", last.disruptions);
}

#[test]
fn a_certificate_that_was_lost_is_issued_again_over_the_same_key() {
    let mut edge = MemoryEdge::default();
    edge.converge(&sample(), "trade", now());
    let identity = althing_operator::plan::Identity::Node(node("node-0"));
    edge.observed.identities.get_mut(&identity).unwrap().certificate = None;
    let (steps, _) = edge.converge(&sample(), "trade", now());
    assert!(
        steps.contains(&"issue certificate of node/node-0 by agency-ca/agency-a".to_owned()),
        "{steps:#?}"
    );
    assert!(!steps.iter().any(|step| step.starts_with("make key")));
}
