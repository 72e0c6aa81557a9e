//! What manifests declare against what a chain holds: votes, what they lack, what people are told (GOVERNANCE.md 1).

use std::collections::BTreeMap;

use althing_governance::{Ballot, Governance, Moment, Proof, Refusal, Role, VOTE_MS, Wish};
use althing_operator::genesis::GenesisDocument;
use althing_operator::governance::{Act, Call, ChainView, Stage};
use althing_operator::manifest::Manifests;
use althing_operator::name::GroupName;
use althing_operator::plan::{Identity, NamespacePlan};
use althing_operator::status::{ConditionType, ObjectStatus, Reason, Truth};
use althing_types::{Address, NodeId};
use serde_json::{Value, json};

use crate::support::{MemoryEdge, changed, node, now, running};

/// Group 1 of the sample, its chain in memory.
struct Scene {
    all: Manifests,
    edge: MemoryEdge,
    chain: Governance,
    now: Moment,
}

impl Scene {
    /// Agencies A and B have a seat each; both must vote.
    fn new() -> Self {
        let (all, edge) = running();
        let document = &edge.observed.genesis[&group()];
        let genesis = GenesisDocument::recorded(document).unwrap();
        let mut scene = Self {
            chain: Governance::new(&genesis.genesis, genesis.hash),
            now: Moment {
                height: 1,
                unix_ms: 1_000_000,
            },
            all,
            edge,
        };
        scene.tell();
        scene
    }

    fn tell(&mut self) {
        let view = ChainView {
            now: self.now,
            governance: self.chain.clone().as_of(self.now),
        };
        self.edge.observed.chains.insert(group(), view);
    }

    fn declare(&mut self, agreed: Value) {
        self.all = changed(&self.all, "trade", |namespace| {
            let spec = &mut namespace.groups.get_mut(&group()).unwrap().spec;
            spec.agreed = Some(serde_json::from_value(agreed).unwrap());
        });
    }

    fn set_approval(&mut self, agency: &str, approval: &str) {
        self.all = changed(&self.all, "trade", |namespace| {
            let spec = &mut namespace.agencies.get_mut(agency).unwrap().spec;
            spec.approval = Some(serde_json::from_value(json!(approval)).unwrap());
        });
    }

    fn plan(&mut self) -> NamespacePlan {
        let all = self.all.clone();
        self.edge.converge(&all, "trade", now()).1
    }

    fn account(&self, agency: &str) -> Address {
        let identity = Identity::Governance(agency.to_owned().try_into().unwrap());
        self.edge.keys[&identity].public().account().unwrap()
    }

    fn id(&self, name: &str) -> NodeId {
        self.edge.observed.processes[&node(name)].process.node_id
    }

    /// One block with these acts and a proof of life of every sealer.
    fn block(&mut self, acts: &[Act]) {
        self.now.height += 1;
        self.now.unix_ms += 1_000;
        for act in acts {
            let account = self.account(act.agency.as_str());
            match &act.call {
                Call::Vote { .. } | Call::Withdraw { .. } | Call::Advance(_) => {
                    act.call.play(&mut self.chain, self.now, account).unwrap();
                }
                Call::AskLease { .. } | Call::ReturnLease { .. } => panic!("{act}: nobody disturbs anything"),
            }
        }
        self.tell();
    }

    fn everybody_lives(&mut self) {
        for name in ["node-0", "node-1", "node-2", "node-3"] {
            let proof = Proof {
                node: self.id(name),
                height: self.now.height - 1,
                unix_ms: self.now.unix_ms - 1_000,
            };
            drop(self.chain.alive(self.now, &proof));
        }
        self.tell();
    }

    fn role(&self, name: &str) -> Role {
        self.chain.role(&self.id(name))
    }
}

fn group() -> GroupName {
    GroupName::new("group-1").unwrap()
}

fn member(name: &str, role: &str, change: i64) -> Value {
    json!({"members": [{"node": name, "role": role, "change": change}]})
}

fn status(plan: &NamespacePlan) -> &ObjectStatus {
    let mut statuses = plan.statuses.iter();
    statuses
        .find(|status| status.object.to_string() == "Group/group-1")
        .unwrap()
}

/// Whether the group is in sync, and why not.
fn in_sync(plan: &NamespacePlan) -> (Truth, Reason, String) {
    let found = status(plan).condition(ConditionType::InSync).unwrap();
    (found.status, found.reason, found.message.clone())
}

fn stages(plan: &NamespacePlan) -> Vec<Stage> {
    status(plan).facts.changes.iter().map(|change| change.stage).collect()
}

#[test]
fn a_declared_role_is_voted_for_by_every_own_seat_and_carried_out() {
    let mut scene = Scene::new();
    assert!(scene.plan().acts.is_empty());
    scene.declare(member("node-1", "Observer", 1));
    let plan = scene.plan();
    let sentences: Vec<_> = plan.acts.iter().map(ToString::to_string).collect();
    let expected =
        ["agency-a", "agency-b"].map(|of| format!("{of} votes in group-1: node-1 is to be Observer (change 1)"));
    assert_eq!(sentences, expected);
    assert_eq!(
        status(&plan).condition(ConditionType::Ready).unwrap().reason,
        Reason::Progressing
    );
    scene.block(&plan.acts);
    let plan = scene.plan();
    assert_eq!((plan.acts.len(), stages(&plan)), (0, vec![Stage::Approved]));
    let (truth, reason, why) = in_sync(&plan);
    assert_eq!((truth, reason), (Truth::False, Reason::ChainDiffers));
    assert!(
        why.contains("Sealer on the chain, Observer declared") && why.contains("of the sealers"),
        "{why}"
    );
    scene.everybody_lives();
    assert_eq!(scene.role("node-1"), Role::Observer);
    let plan = scene.plan();
    assert_eq!((in_sync(&plan).0, stages(&plan)), (Truth::True, vec![]));
    // The nodes were asked before the block, the chain after it: one status tells one story.
    let facts = &status(&plan).facts;
    assert_eq!(
        (facts.sealers.len(), facts.observers.clone()),
        (3, vec![scene.id("node-1")])
    );
}

#[test]
fn a_seat_of_somebody_else_is_waited_for_and_said() {
    let mut scene = Scene::new();
    scene.set_approval("agency-b", "Manual");
    scene.declare(member("node-2", "Free", 1));
    let plan = scene.plan();
    assert_eq!(plan.acts.len(), 1);
    scene.block(&plan.acts);
    let plan = scene.plan();
    assert!(plan.acts.is_empty());
    let change = &status(&plan).facts.changes[0];
    assert_eq!(
        (change.stage, change.votes, change.needed),
        (Stage::AwaitingApproval, 1, 2)
    );
    assert!(change.blocked_by.as_ref().unwrap().contains("agency-b"), "{change:?}");
    assert_eq!(
        (change.subject.as_str(), change.from.as_str(), change.to.as_str()),
        ("node-2", "Sealer", "Free")
    );
    assert_eq!(scene.role("node-2"), Role::Sealer);
}

#[test]
fn rule_11_a_missing_entry_neither_votes_nor_withdraws() {
    let mut scene = Scene::new();
    scene.set_approval("agency-b", "Manual");
    scene.declare(member("node-2", "Free", 1));
    let plan = scene.plan();
    scene.block(&plan.acts);
    scene.declare(json!({}));
    let plan = scene.plan();
    assert!(plan.acts.is_empty());
    assert_eq!(stages(&plan), [Stage::Voting], "it is still open on the chain");
    assert_eq!(in_sync(&plan).0, Truth::True, "and nobody here wants anything else");
}

#[test]
fn a_changed_entry_takes_its_vote_back_or_votes_anew() {
    let mut scene = Scene::new();
    scene.set_approval("agency-b", "Manual");
    scene.declare(member("node-2", "Free", 1));
    let plan = scene.plan();
    scene.block(&plan.acts);
    scene.declare(member("node-2", "Observer", 1));
    let plan = scene.plan();
    assert!(
        matches!(&plan.acts[..], [Act { call: Call::Vote { ballot, .. }, .. }] if ballot.number == 1),
        "{:?}",
        plan.acts
    );
    scene.block(&plan.acts);
    assert!(scene.plan().acts.is_empty());
    scene.declare(member("node-2", "Sealer", 1));
    let plan = scene.plan();
    assert!(
        matches!(
            &plan.acts[..],
            [Act {
                call: Call::Withdraw { .. },
                ..
            }]
        ),
        "{:?}",
        plan.acts
    );
    scene.block(&plan.acts);
    let plan = scene.plan();
    assert_eq!(
        (plan.acts.len(), stages(&plan).len(), in_sync(&plan).0),
        (0, 0, Truth::True)
    );
}

#[test]
fn an_entry_that_nobody_may_vote_for_now_takes_the_vote_for_what_it_was_back() {
    let member = |force| json!({"members": [{"node": "node-2", "role": "Free", "change": 1, "force": force}]});
    let setting = |value| json!({"systemConfig": [{"key": "tx_count_limit", "value": value, "change": 1}]});
    for (before, after, stage) in [
        (member(false), member(true), Stage::AwaitingApproval),
        (setting("500"), setting("0"), Stage::Refused),
    ] {
        let mut scene = Scene::new();
        scene.set_approval("agency-b", "Manual");
        scene.declare(before);
        let plan = scene.plan();
        assert_eq!(plan.acts.len(), 1);
        scene.block(&plan.acts);
        scene.declare(after);
        let plan = scene.plan();
        let sentences: Vec<_> = plan.acts.iter().map(ToString::to_string).collect();
        assert!(
            matches!(&sentences[..], [only] if only.starts_with("agency-a takes its vote on")),
            "{sentences:?}"
        );
        scene.block(&plan.acts);
        let plan = scene.plan();
        assert_eq!((plan.acts.len(), stages(&plan)), (0, vec![stage]));
        assert!(scene.chain.votes().is_empty());
    }
}

#[test]
fn an_older_number_is_inert_and_shown_as_a_stale_manifest() {
    let mut scene = Scene::new();
    for (role, change) in [("Observer", 1), ("Sealer", 2)] {
        scene.declare(member("node-1", role, change));
        let plan = scene.plan();
        scene.block(&plan.acts);
        scene.everybody_lives();
    }
    // Somebody reverts to the commit before, or works on an old clone.
    scene.declare(member("node-1", "Observer", 1));
    let plan = scene.plan();
    assert!(plan.acts.is_empty());
    assert_eq!(stages(&plan)[0], Stage::StaleManifest);
    let (truth, _, why) = in_sync(&plan);
    assert!(truth == Truth::False && why.contains("number 3"), "{why}");
}

#[test]
fn a_number_that_comes_too_early_votes_for_nothing() {
    let mut scene = Scene::new();
    scene.declare(member("node-1", "Observer", 2));
    let plan = scene.plan();
    assert!(plan.acts.is_empty());
    assert_eq!(stages(&plan), [Stage::TooEarly]);
    assert!(in_sync(&plan).2.contains("after change 1"), "{}", in_sync(&plan).2);
}

#[test]
fn who_decides_and_what_is_forced_is_for_people_alone() {
    let mut scene = Scene::new();
    scene.declare(json!({"committee": [{"agency": "agency-d", "weight": 1, "change": 1}]}));
    let plan = scene.plan();
    assert_eq!((plan.acts.len(), stages(&plan)), (0, vec![Stage::AwaitingApproval]));
    scene.declare(json!({"members": [{"node": "node-1", "role": "Free", "change": 1, "force": true}]}));
    let plan = scene.plan();
    assert_eq!((plan.acts.len(), stages(&plan)), (0, vec![Stage::AwaitingApproval]));
    assert!(in_sync(&plan).2.contains("althing vote"), "{}", in_sync(&plan).2);
}

#[test]
fn what_the_chain_would_refuse_is_not_sent_but_said() {
    let mut scene = Scene::new();
    scene.declare(json!({"systemConfig": [{"key": "tx_count_limit", "value": "0", "change": 1}]}));
    let plan = scene.plan();
    assert_eq!(
        (plan.acts.len(), stages(&plan)),
        (0, vec![Stage::Refused]),
        "{:?}",
        plan.acts
    );
    assert!(in_sync(&plan).2.contains("tx_count_limit"), "{}", in_sync(&plan).2);
}

#[test]
fn another_chain_under_the_same_number_moves_nobody_to_vote() {
    let mut scene = Scene::new();
    scene.declare(member("node-1", "Observer", 1));
    let document = GenesisDocument::recorded(&scene.edge.observed.genesis[&group()]).unwrap();
    scene.chain = Governance::new(&document.genesis, althing_types::B256::repeat_byte(7));
    scene.tell();
    let plan = scene.plan();
    assert!(plan.acts.is_empty());
    assert_eq!(in_sync(&plan).0, Truth::Unknown);
    scene.edge.observed.chains = BTreeMap::new();
    assert_eq!(in_sync(&scene.plan()).0, Truth::Unknown, "nobody told anything");
}

#[test]
fn a_change_that_gave_way_is_advanced_once_it_can_go_on() {
    let mut scene = Scene::new();
    scene.declare(member("node-1", "Observer", 1));
    let plan = scene.plan();
    scene.block(&plan.acts);
    scene.now.unix_ms += althing_governance::PATIENCE_MS + 1;
    scene.now.height += 10;
    // Only one sealer proves that it lives, which is a look at what waits.
    let proof = Proof {
        node: scene.id("node-0"),
        height: scene.now.height - 1,
        unix_ms: scene.now.unix_ms - 1,
    };
    for _ in 0..2 {
        drop(scene.chain.alive(scene.now, &proof));
        scene.now.unix_ms += althing_governance::PATIENCE_MS + 1;
        scene.now.height += 1;
    }
    scene.tell();
    let plan = scene.plan();
    assert_eq!(
        (plan.acts.len(), stages(&plan)),
        (0, vec![Stage::GaveWay]),
        "{:?}",
        scene.chain
    );
    scene.everybody_lives();
    let plan = scene.plan();
    assert!(
        matches!(
            &plan.acts[..],
            [Act {
                call: Call::Advance(_),
                ..
            }]
        ),
        "{:?}",
        plan.acts
    );
    scene.block(&plan.acts);
    assert_eq!(scene.role("node-1"), Role::Observer);
}

#[test]
fn what_lapsed_and_is_declared_still_is_voted_for_again_and_what_is_older_is_not() {
    let mut scene = Scene::new();
    scene.declare(member("node-1", "Observer", 1));
    let plan = scene.plan();
    scene.block(&plan.acts);
    // Nobody proves to live for a week.
    scene.now.unix_ms += VOTE_MS;
    scene.block(&[]);
    let plan = scene.plan();
    let sentences: Vec<_> = plan.acts.iter().map(ToString::to_string).collect();
    let expected =
        ["agency-a", "agency-b"].map(|of| format!("{of} votes in group-1: node-1 is to be Observer (change 2)"));
    assert_eq!((sentences, stages(&plan)), (expected.to_vec(), vec![Stage::Voting]));
    scene.block(&plan.acts);
    scene.everybody_lives();
    assert_eq!(scene.role("node-1"), Role::Observer);
    assert_eq!(in_sync(&scene.plan()).0, Truth::True);
    // Another change is decided, and the entry is an older one from then on.
    scene.declare(member("node-1", "Sealer", 3));
    let plan = scene.plan();
    scene.block(&plan.acts);
    scene.everybody_lives();
    scene.declare(member("node-1", "Observer", 1));
    let plan = scene.plan();
    assert_eq!((plan.acts.len(), stages(&plan)), (0, vec![Stage::StaleManifest]));
}

#[test]
fn a_vote_that_a_person_gave_since_is_not_taken_back_on_an_older_view() {
    let mut scene = Scene::new();
    scene.set_approval("agency-b", "Manual");
    scene.declare(member("node-2", "Free", 1));
    let plan = scene.plan();
    scene.block(&plan.acts);
    scene.declare(json!({"members": [{"node": "node-2", "role": "Free", "change": 1, "force": true}]}));
    let plan = scene.plan();
    let [withdrawal] = &plan.acts[..] else {
        panic!("{:?}", plan.acts);
    };
    let account = scene.account("agency-a");
    let ballot = Ballot {
        wish: Wish::Role(scene.id("node-2"), Role::Free),
        number: 1,
        force: true,
    };
    scene.now.height += 1;
    scene.chain.vote(scene.now, account, &ballot, scene.now.height).unwrap();
    scene.tell();
    let late = withdrawal.call.play(&mut scene.chain.clone(), scene.now, account);
    assert!(matches!(late, Err(Refusal::Changed { .. })), "{late:?}");
    assert!(scene.plan().acts.is_empty(), "and the newest view asks for none");
}

#[test]
fn rule_11_a_group_that_no_manifest_declares_any_more_neither_votes_nor_withdraws() {
    let mut scene = Scene::new();
    scene.set_approval("agency-b", "Manual");
    scene.declare(member("node-2", "Free", 1));
    let plan = scene.plan();
    scene.block(&plan.acts);
    let votes = scene.chain.votes().clone();
    scene.all = changed(&scene.all, "trade", |namespace| {
        namespace.groups.remove(&group());
    });
    assert!(scene.plan().acts.is_empty());
    assert_eq!((votes.len(), scene.chain.votes()), (1, &votes));
}

#[test]
fn an_entry_about_a_node_that_is_not_there_yet_waits_and_the_others_are_voted_for() {
    let mut scene = Scene::new();
    scene.declare(json!({"members": [
        {"node": "node-77", "role": "Observer", "change": 1}, {"node": "node-2", "role": "Free", "change": 1},
    ]}));
    let plan = scene.plan();
    let sentences: Vec<_> = plan.acts.iter().map(ToString::to_string).collect();
    assert!(
        sentences.len() == 2 && sentences.iter().all(|said| said.contains("node-2 is to be Free")),
        "{sentences:?}"
    );
    assert!(
        in_sync(&plan)
            .2
            .contains("spec.agreed.members[node-77]: the nodeID of Node node-77 is not known yet"),
        "{}",
        in_sync(&plan).2
    );
}

#[test]
fn an_entry_about_a_node_whose_facts_nobody_signed_is_not_voted_for() {
    let mut scene = Scene::new();
    let facts = json!({"nodeId": "07".repeat(64), "address": "node-x.example:30300"});
    let object = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "trade"}, "spec": spec,
        })
    };
    let agency = object(
        "Agency",
        "agency-x",
        json!({"consortium": "trade", "external": {"governanceAccount": format!("0x{}", "07".repeat(20))}}),
    );
    let node_x = object("Node", "node-x", json!({"agency": "agency-x", "external": facts}));
    scene.all = changed(&scene.all, "trade", |namespace| {
        let agency = serde_json::from_value(agency).unwrap();
        namespace
            .agencies
            .insert("agency-x".to_owned().try_into().unwrap(), agency);
        namespace
            .nodes
            .insert(node("node-x"), serde_json::from_value(node_x).unwrap());
    });
    scene.declare(json!({
        "members": [{"node": "node-x", "role": "Sealer", "change": 1}],
        "committee": [{"agency": "agency-x", "weight": 1, "change": 1}],
    }));
    let plan = scene.plan();
    assert_eq!((plan.acts.len(), stages(&plan).len()), (0, 0), "{:?}", plan.acts);
    let why = in_sync(&plan).2;
    assert!(
        why.contains("the nodeID of Node node-x is not known yet")
            && why.contains("the governance account of Agency agency-x is not known yet"),
        "{why}"
    );
}
