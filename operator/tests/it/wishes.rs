//! Who has no seat can only ask (GOVERNANCE.md 1): its bundle carries what it wishes for.

use althing_crds::v1alpha1::{Agency, MemberRole, SignedWishes, WishedSeat};
use althing_governance::{Ballot, Governance, Moment, Outcome, Role, Wish};
use althing_operator::controller::attestation::{Statement, wishes_text};
use althing_operator::genesis::GenesisDocument;
use althing_operator::governance::{Call, ChainView, Stage};
use althing_operator::manifest::Manifests;
use althing_operator::name::{AgencyName, GroupName};
use althing_operator::plan::{Identity, NamespacePlan};
use althing_operator::status::{ConditionType, Facts, ObjectRef, Reason};
use althing_types::{Address, NodeId};
use serde_json::{Value, json};

use crate::support::{MemoryEdge, changed, node, now, running};

fn group() -> GroupName {
    GroupName::new("group-2").unwrap()
}

fn agency_d() -> AgencyName {
    AgencyName::new("agency-d").unwrap()
}

fn facts(plan: &NamespacePlan, object: &ObjectRef) -> Facts {
    let found = plan.statuses.iter().find(|status| status.object == *object);
    found.unwrap().facts.clone()
}

/// The sample, and the chain of group 2, in which agencies B and C have seats.
struct Scene {
    all: Manifests,
    edge: MemoryEdge,
    chain: Governance,
    now: Moment,
}

impl Scene {
    fn new() -> Self {
        let (all, edge) = running();
        let genesis = GenesisDocument::recorded(&edge.observed.genesis[&group()]).unwrap();
        Self {
            chain: Governance::new(&genesis.genesis, genesis.hash),
            now: Moment {
                height: 1,
                unix_ms: 1_000_000,
            },
            all,
            edge,
        }
    }

    /// Own nodes tell of the chain from now on.
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

    fn plan(&mut self) -> NamespacePlan {
        let all = self.all.clone();
        self.edge.converge(&all, "trade", now()).1
    }

    fn wishes(&mut self) -> Option<SignedWishes> {
        let plan = self.plan();
        facts(&plan, &ObjectRef::Group(group())).wishes.remove(&agency_d())
    }

    fn id(&self, name: &str) -> NodeId {
        self.edge.keys[&Identity::Node(node(name))].public().node_id().unwrap()
    }

    fn account(&self, agency: &str) -> Address {
        let identity = Identity::Governance(AgencyName::new(agency).unwrap());
        self.edge.keys[&identity].public().account().unwrap()
    }

    /// Agency D becomes somebody else's, node-5 its node, and its bundle carries these wishes.
    fn read_from_elsewhere(&mut self, wishes: Vec<SignedWishes>) {
        let plan = self.plan();
        let told = facts(&plan, &ObjectRef::Agency(agency_d()));
        let of_node = facts(&plan, &ObjectRef::Node(node("node-5")));
        let external = json!({
            "consortium": "trade",
            "external": {
                "certificate": told.certificate, "governanceAccount": told.governance_account.unwrap().to_string(),
                "attestation": told.attestation, "wishes": wishes,
            },
        });
        let of_node = json!({
            "agency": "agency-d",
            "external": {
                "nodeId": of_node.node_id.unwrap().to_string(), "address": of_node.address,
                "certificate": of_node.certificate, "attestation": of_node.attestation,
            },
        });
        self.all = changed(&self.all, "trade", |namespace| {
            let known: &mut Agency = namespace.agencies.get_mut(&agency_d()).unwrap();
            known.spec = serde_json::from_value(external).unwrap();
            namespace.nodes.get_mut(&node("node-5")).unwrap().spec = serde_json::from_value(of_node).unwrap();
            namespace.groups.get_mut(&group()).unwrap().spec.agreed = None;
        });
        self.edge.observed.processes.remove("node-5");
    }

    fn signed(&self, members: Value) -> SignedWishes {
        let members: Vec<_> = serde_json::from_value(members).unwrap();
        let text = wishes_text(&members, None);
        SignedWishes {
            group: group().to_string(),
            attestation: self.edge.attestation("agency-d", &Statement::wishes("group-2", &text)),
            members,
            seat: None,
        }
    }
}

fn joins(change: i64) -> Value {
    json!([{"node": "node-5", "role": "Sealer", "change": change}])
}

fn stages(plan: &NamespacePlan) -> Vec<(String, Stage)> {
    let changes = facts(plan, &ObjectRef::Group(group())).changes;
    changes
        .into_iter()
        .map(|change| (change.subject, change.stage))
        .collect()
}

#[test]
fn an_agency_without_a_seat_asks_for_its_own_nodes_and_its_own_seat_and_no_more() {
    let mut scene = Scene::new();
    scene.declare(json!({
        "members": [
            {"node": "node-5", "role": "Sealer", "change": 1},
            {"node": "node-4", "role": "Observer", "change": 1},
        ],
        "committee": [{"agency": "agency-d", "weight": 1, "change": 1}, {"agency": "agency-a", "weight": 1, "change": 1}],
        "systemConfig": [{"key": "tx_count_limit", "value": "500", "change": 1}],
    }));
    let plan = scene.plan();
    let of_group = facts(&plan, &ObjectRef::Group(group()));
    assert!(
        !of_group.wishes.contains_key("agency-b") && !of_group.wishes.contains_key("agency-c"),
        "who has a seat votes"
    );
    let wishes = &of_group.wishes[&agency_d()];
    assert_eq!((wishes.members.len(), wishes.members[0].node.as_str()), (1, "node-5"));
    assert_eq!(wishes.seat.map(|seat| (seat.weight, seat.change)), Some((1, 1)));
}

#[test]
fn what_is_granted_is_asked_for_no_more() {
    let mut scene = Scene::new();
    scene.declare(json!({"members": [{"node": "node-5", "role": "Observer", "change": 1}]}));
    scene.tell();
    assert!(scene.wishes().is_some());
    let ballot = Ballot {
        wish: Wish::Role(scene.id("node-5"), Role::Observer),
        number: 1,
        force: false,
    };
    for agency in ["agency-b", "agency-c"] {
        let account = scene.account(agency);
        let outcome = scene.chain.vote(scene.now, account, &ballot, scene.now.height).unwrap();
        assert!(matches!(outcome, Outcome::Recorded | Outcome::Passed));
    }
    scene.tell();
    assert_eq!(scene.wishes(), None);
}

#[test]
fn a_wish_is_shown_to_those_who_vote_and_nobody_votes_for_it_unless_a_manifest_does() {
    let mut scene = Scene::new();
    scene.declare(json!({"members": joins(1)}));
    let wishes = scene.wishes().unwrap();
    scene.read_from_elsewhere(vec![wishes]);
    scene.tell();
    let plan = scene.plan();
    assert_eq!(stages(&plan), [("node-5".to_owned(), Stage::Asked)]);
    let why = facts(&plan, &ObjectRef::Group(group())).changes[0]
        .blocked_by
        .clone()
        .unwrap();
    assert_eq!(
        why,
        "agency-d asks for it; an entry spec.agreed.members[node-5] of change 1 votes for it"
    );
    assert!(plan.acts.is_empty(), "a wish is no vote");
    scene.declare(json!({"members": joins(1)}));
    let plan = scene.plan();
    assert_eq!(stages(&plan), [("node-5".to_owned(), Stage::Voting)]);
    assert!(plan.acts.iter().all(|act| matches!(act.call, Call::Vote { .. })) && plan.acts.len() == 2);
}

#[test]
fn a_wish_of_an_older_number_is_inert() {
    let mut scene = Scene::new();
    scene.declare(json!({"members": joins(1)}));
    let wishes = scene.wishes().unwrap();
    scene.read_from_elsewhere(vec![wishes]);
    let ballot = |role, number| Ballot {
        wish: Wish::Role(scene.id("node-5"), role),
        number,
        force: true,
    };
    let (in_, out) = (ballot(Role::Observer, 1), ballot(Role::Free, 2));
    let voters = ["agency-b", "agency-c"].map(|agency| scene.account(agency));
    for ballot in [in_, out] {
        for account in voters {
            let outcome = scene.chain.vote(scene.now, account, &ballot, scene.now.height).unwrap();
            assert!(matches!(outcome, Outcome::Recorded | Outcome::Passed));
        }
    }
    scene.tell();
    assert_eq!(stages(&scene.plan()), []);
}

#[test]
fn a_wish_that_was_tampered_with_or_is_for_somebody_else_is_refused_with_its_bundle() {
    let mut scene = Scene::new();
    scene.declare(json!({"members": joins(1)}));
    let right = scene.wishes().unwrap();
    let mut other_role = right.clone();
    other_role.members[0].role = MemberRole::Observer;
    let mut other_group = right.clone();
    other_group.group = "group-1".into();
    let mut with_seat = right.clone();
    with_seat.seat = Some(WishedSeat { weight: 1, change: 1 });
    let for_another = scene.signed(json!([{"node": "node-4", "role": "Free", "change": 1}]));
    scene.read_from_elsewhere(vec![right]);
    let ready = |plan: &NamespacePlan| {
        let mut statuses = plan.statuses.iter();
        let status = statuses
            .find(|status| status.object == ObjectRef::Agency(agency_d()))
            .unwrap();
        let found = status.condition(ConditionType::Ready).unwrap();
        (found.reason, found.message.clone())
    };
    assert_eq!(ready(&scene.plan()).0, Reason::Done);
    for (wishes, says) in [
        (other_role, "spec.external.wishes[0].attestation.signature"),
        (other_group, "spec.external.wishes[0].attestation.signature"),
        (with_seat, "spec.external.wishes[0].attestation.signature"),
        (
            for_another,
            "spec.external.wishes[0].members[node-4]: found a node of agency-c; accepted: one of agency-d",
        ),
    ] {
        scene.all = changed(&scene.all, "trade", |namespace| {
            let agency = namespace.agencies.get_mut(&agency_d()).unwrap();
            agency.spec.external.as_mut().unwrap().wishes = vec![wishes];
        });
        let (reason, message) = ready(&scene.plan());
        assert_eq!(reason, Reason::AttestationInvalid, "{message}");
        assert!(message.contains(says), "{message}");
    }
}
