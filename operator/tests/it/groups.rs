//! Groups as running nodes see them: joined without a restart, told by the chain, never left by silence.

use althing_operator::manifest::{Manifests, SourceFile};
use althing_operator::plan::{NamespacePlan, ProcessState, Step};
use althing_operator::status::{Condition, ConditionType, ObjectStatus, Reason, Truth};
use althing_types::recovery::render_recovery;
use althing_types::{B256, GroupId, NodeId, Recovery, SealerSet};
use serde_json::json;

use crate::support::{changed, manifests, node, now, running, running_in_cluster, sample_files};

fn status<'a>(plan: &'a NamespacePlan, object: &str) -> &'a ObjectStatus {
    plan.statuses
        .iter()
        .find(|status| status.object.to_string() == object)
        .unwrap()
}

fn condition<'a>(plan: &'a NamespacePlan, object: &str, kind: ConditionType) -> &'a Condition {
    status(plan, object).condition(kind).unwrap()
}

/// Nodes 3 and 5 form group 3.
fn with_group_3(all: &Manifests, settings: &[(&str, &str)]) -> Manifests {
    changed(all, "trade", |namespace| {
        let mut group = namespace.groups.get("group-2").unwrap().clone();
        group.metadata.name = Some("group-3".into());
        group.spec.group_id = 3;
        group.spec.genesis.sealers = vec!["node-3".into(), "node-5".into()];
        let local = group.spec.local.get_or_insert_default();
        local.settings = settings
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect();
        namespace.groups.insert("group-3".to_owned().try_into().unwrap(), group);
    })
}

fn runs(plan: &NamespacePlan, name: &str) -> Vec<u32> {
    let process = plan.desired.processes.iter().find(|process| process.node == node(name));
    process
        .unwrap()
        .groups
        .iter()
        .map(|group| u32::from(group.id))
        .collect()
}

#[test]
fn a_group_is_joined_without_a_restart_and_the_record_says_so() {
    let (all, mut edge) = running();
    let (steps, plan) = edge.converge(&with_group_3(&all, &[]), "trade", now());
    assert!(!steps.iter().any(|step| step.starts_with("restart")), "{steps:#?}");
    for name in ["node-3", "node-5"] {
        assert!(steps.contains(&format!("take up new groups on {name}")), "{steps:#?}");
    }
    assert_eq!(runs(&plan, "node-3"), [1, 2, 3]);
    assert_eq!(edge.observed.processes[&node("node-5")].process.groups.len(), 1);
}

#[test]
fn where_the_record_cannot_change_a_nodes_own_word_counts() {
    let (all, mut edge) = running_in_cluster();
    let more = with_group_3(&all, &[]);
    let before = edge.observed.processes.clone();
    edge.converge(&more, "trade", now());
    edge.everybody_reports(&more);
    edge.observed.processes = before;
    let plan = edge.plan(&more, "trade", now());
    assert!(plan.is_at_rest() && plan.disruptions.is_empty(), "{:#?}", plan.steps);
    let louder = with_group_3(&all, &[("tx_pool.limit", "20000")]);
    let plan = edge.plan(&louder, "trade", now());
    assert!(
        !plan.disruptions.is_empty(),
        "its settings have changed since it was joined"
    );
    let told = plan
        .desired
        .processes
        .iter()
        .find(|process| process.node == node("node-5"))
        .unwrap();
    for name in ["node-3", "node-5"] {
        edge.word(name, 3).settings_digest = Some(told.groups[0].settings_digest);
    }
    assert!(
        edge.plan(&louder, "trade", now()).disruptions.is_empty(),
        "both have read them by themselves"
    );
}

#[test]
fn rule_11_a_node_keeps_the_files_of_a_group_no_manifest_gives_it_any_more() {
    let (all, mut edge) = running();
    let fewer = changed(&all, "trade", |namespace| {
        namespace.groups.remove("group-2");
        namespace.groups.get_mut("group-1").unwrap().spec.local =
            Some(serde_json::from_value(json!({"settings": {"tx_pool.limit": "20000"}})).unwrap());
    });
    let plan = edge.plan(&fewer, "trade", now());
    let touches =
        |step: &Step| matches!(step, Step::WriteFile(file) if [node("node-3"), node("node-4")].contains(&file.at.node));
    assert!(!plan.steps.iter().any(touches), "{:#?}", plan.steps);
    let held = condition(&plan, "Node/node-3", ConditionType::Reconciling);
    assert_eq!((held.status, held.reason), (Truth::True, Reason::GroupUndeclared));
    assert!(
        held.message.contains("Group group-2") && held.message.contains("put the manifest back"),
        "{}",
        held.message
    );
    // Healing is never refused: it comes back as it was.
    let before = edge.observed.processes[&node("node-4")].process.clone();
    edge.observed.processes.get_mut(&node("node-4")).unwrap().state = ProcessState::Stopped;
    let plan = edge.plan(&fewer, "trade", now());
    assert!(plan.steps.contains(&Step::StartProcess(before)), "{:#?}", plan.steps);
}

#[test]
fn rule_11_the_files_alone_are_enough_to_keep_a_group() {
    let (all, mut edge) = running_in_cluster();
    edge.observed.processes.remove(&node("node-4"));
    edge.observed.reports.remove(&node("node-4"));
    let fewer = changed(&all, "trade", |namespace| {
        namespace.groups.remove("group-2");
    });
    let plan = edge.plan(&fewer, "trade", now());
    assert!(
        plan.desired
            .processes
            .iter()
            .all(|process| process.node != node("node-4"))
    );
    assert_eq!(
        condition(&plan, "Node/node-4", ConditionType::Ready).reason,
        Reason::GroupUndeclared
    );
}

#[test]
fn who_is_to_leave_a_group_keeps_its_files_until_the_chain_lets_it_go() {
    let (all, mut edge) = running();
    let agreed = |role: &str| {
        changed(&all, "trade", |namespace| {
            let members = json!({"members": [{"node": "node-5", "role": role, "change": 1}]});
            namespace.groups.get_mut("group-2").unwrap().spec.agreed = Some(serde_json::from_value(members).unwrap());
        })
    };
    let (_, plan) = edge.converge(&agreed("Free"), "trade", now());
    assert!(runs(&plan, "node-5").is_empty(), "it never took part");
    edge.converge(&agreed("Observer"), "trade", now());
    let (steps, plan) = edge.converge(&agreed("Free"), "trade", now());
    assert!(steps.is_empty(), "{steps:#?}");
    assert_eq!(runs(&plan, "node-5"), [2]);
}

#[test]
fn a_running_chain_that_differs_from_the_record_stalls_the_group_and_disturbs_nobody() {
    let (all, mut edge) = running_in_cluster();
    edge.word("node-1", 1).genesis_hash = Some(B256::repeat_byte(7));
    let plan = edge.plan(&all, "trade", now());
    let stalled = condition(&plan, "Group/group-1", ConditionType::Stalled);
    assert_eq!(
        (stalled.status, stalled.reason),
        (Truth::True, Reason::GenesisRecordDiffers)
    );
    assert!(
        stalled.message.contains("Node node-1") && stalled.message.contains("0x0707"),
        "{}",
        stalled.message
    );
    assert!(plan.is_at_rest() && plan.disruptions.is_empty(), "{:#?}", plan.steps);
    assert!(status(&plan, "Group/group-2").is(ConditionType::Ready));
    edge.observed.processes.get_mut(&node("node-1")).unwrap().state = ProcessState::Stopped;
    let plan = edge.plan(&all, "trade", now());
    assert!(
        !status(&plan, "Group/group-1").is(ConditionType::Stalled),
        "what has stopped runs no chain"
    );
}

#[test]
fn a_group_that_halted_on_a_node_is_said_with_its_reason() {
    let (all, mut edge) = running_in_cluster();
    let word = edge.word("node-0", 1);
    (word.in_sync, word.halted) = (false, Some("the ledger cannot be read".into()));
    let plan = edge.plan(&all, "trade", now());
    let in_sync = condition(&plan, "Node/node-0", ConditionType::InSync);
    assert_eq!((in_sync.status, in_sync.reason), (Truth::False, Reason::Halted));
    assert!(
        in_sync.message.contains("the ledger cannot be read"),
        "{}",
        in_sync.message
    );
    let reconciling = condition(&plan, "Node/node-0", ConditionType::Reconciling);
    assert_eq!((reconciling.status, reconciling.reason), (Truth::True, Reason::Halted));
    assert_eq!(
        condition(&plan, "Group/group-1", ConditionType::InSync).message,
        "not in sync: node-0"
    );
}

#[test]
fn the_chain_says_who_seals_and_how_many_may_fail() {
    let (all, mut edge) = running_in_cluster();
    let risk = |plan: &NamespacePlan| condition(plan, "Group/group-1", ConditionType::QuorumAtRisk).status;
    let plan = edge.plan(&all, "trade", now());
    assert_eq!(
        (status(&plan, "Group/group-1").facts.faults_tolerable, risk(&plan)),
        (Some(1), Truth::False)
    );
    // Three sealers have joined from elsewhere, of whom one is silent.
    let others: Vec<_> = (1..4).map(|i| NodeId::new([i; 64])).collect();
    for name in ["node-0", "node-1", "node-2", "node-3"] {
        let word = edge.word(name, 1);
        word.sealers.extend(&others);
        word.live.extend(&others[..2]);
    }
    let plan = edge.plan(&all, "trade", now());
    let facts = &status(&plan, "Group/group-1").facts;
    assert_eq!(
        (facts.sealers.len(), facts.faults_tolerable, risk(&plan)),
        (7, Some(2), Truth::False)
    );
    edge.word("node-2", 1).in_sync = false;
    assert_eq!(
        risk(&edge.plan(&all, "trade", now())),
        Truth::True,
        "five of seven is the quorum"
    );
}

#[test]
fn an_observer_is_shown_as_it_says_itself() {
    let (all, mut edge) = running_in_cluster();
    let observer = edge.observed.processes[&node("node-2")].process.node_id;
    for name in ["node-0", "node-1", "node-2", "node-3"] {
        edge.word(name, 1).sealers.retain(|id| *id != observer);
    }
    edge.word("node-2", 1).role = Some(althing_operator::plan::GroupRole::Observer);
    let plan = edge.plan(&all, "trade", now());
    let facts = &status(&plan, "Group/group-1").facts;
    assert_eq!(
        (facts.sealers.len(), facts.observers.as_slice()),
        (3, [observer].as_slice())
    );
    assert_eq!(facts.faults_tolerable, Some(0));
}

fn recovery(group: u32) -> String {
    render_recovery(&Recovery {
        genesis: B256::repeat_byte(1),
        group: GroupId::try_from(group).unwrap(),
        height: 7,
        block: B256::repeat_byte(2),
        replaces: None,
        sealers: SealerSet::new(vec![NodeId::new([3; 64])]),
        signatures: vec![[4; 65].into()],
    })
}

#[test]
fn a_recovery_is_a_file_of_every_node_of_its_group_and_restarts_none() {
    let (all, mut edge) = running();
    let recovered = changed(&all, "trade", |namespace| {
        namespace.groups.get_mut("group-1").unwrap().spec.recovery = Some(recovery(1));
    });
    let plan = edge.plan(&recovered, "trade", now());
    let written = plan.steps.iter().filter_map(|step| match step {
        Step::WriteFile(file) => Some((file.at.node.as_str(), file.at.path.as_str())),
        _ => None,
    });
    let path = "conf/group.1.recovery";
    let expected = ["node-0", "node-1", "node-2", "node-3"].map(|node| (node, path));
    assert_eq!(written.collect::<Vec<_>>(), expected);
    assert!(plan.disruptions.is_empty(), "a running node takes it over");
    edge.converge(&recovered, "trade", now());
    assert!(edge.plan(&recovered, "trade", now()).is_at_rest());
}

#[test]
fn a_recovery_of_another_group_or_none_at_all_stalls_its_group_with_what_is_accepted() {
    let (all, mut edge) = running();
    for (text, says) in [
        (recovery(2), "one of group 1"),
        ("[recovery]\nformat=v9\n".to_owned(), "althing/recovery/v1"),
    ] {
        let wrong = changed(&all, "trade", |namespace| {
            namespace.groups.get_mut("group-1").unwrap().spec.recovery = Some(text);
        });
        let plan = edge.plan(&wrong, "trade", now());
        let stalled = condition(&plan, "Group/group-1", ConditionType::Stalled);
        assert_eq!(stalled.status, Truth::True);
        assert!(
            stalled.message.contains("spec.recovery") && stalled.message.contains(says),
            "{}",
            stalled.message
        );
    }
}

#[test]
fn every_order_of_documents_sealers_and_seats_gives_the_same_genesis() {
    let (all, mut edge) = running();
    let recorded = edge.observed.genesis.clone();
    edge.observed.genesis.clear();
    edge.observed.statuses.clear();
    let mut documents: Vec<String> = sample_files()
        .iter()
        .flat_map(|file| file.text.split("\n---\n").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for round in 0..100_usize {
        let by = round % documents.len();
        documents.rotate_left(by);
        let half = documents.len() / 2;
        documents[half..].reverse();
        let file = SourceFile {
            name: format!("{round}.yaml"),
            text: documents.join("\n---\n"),
        };
        let shuffled = changed(&manifests(&[file]), "trade", |namespace| {
            for group in namespace.groups.values_mut() {
                let genesis = &mut group.spec.genesis;
                let count = genesis.sealers.len();
                genesis.sealers.rotate_left(round % count);
                if round % 2 == 1 {
                    genesis.sealers.reverse();
                }
                if let Some(committee) = &mut genesis.committee {
                    let seats = committee.seats.len();
                    committee.seats.rotate_left(round % seats);
                }
            }
        });
        assert_eq!(shuffled.namespaces.len(), all.namespaces.len());
        let plan = edge.plan(&shuffled, "trade", now());
        assert_eq!(plan.desired.genesis.len(), recorded.len());
        for record in &plan.desired.genesis {
            assert_eq!(record.document, recorded[&record.group], "round {round}");
        }
    }
}
