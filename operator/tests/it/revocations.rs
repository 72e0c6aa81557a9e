//! Who is revoked is cut off, but no sealer before a vote has removed it (GOVERNANCE.md 4).

use althing_operator::manifest::{Manifests, NamespaceManifests};
use althing_operator::plan::{FileContent, FileRef, NamespacePlan};
use althing_operator::status::{ConditionType, Reason, Truth};
use althing_types::NodeId;
use serde_json::{Value, json};

use crate::support::{MemoryEdge, changed, node, now, running_in_cluster};

struct Scene {
    all: Manifests,
    edge: MemoryEdge,
}

impl Scene {
    /// The four agencies of the sample, all of them here.
    fn new() -> Self {
        let (all, edge) = running_in_cluster();
        Self { all, edge }
    }

    fn id(&self, name: &str) -> NodeId {
        let word = self.edge.observed.processes[&node(name)].process.node_id;
        assert!(self.edge.observed.data.contains(&node(name)), "{name} runs");
        word
    }

    /// The registrar revokes, and everything is carried out.
    fn revoke(&mut self, list: Value) -> NamespacePlan {
        self.all = changed(&self.all, "trade", |namespace| {
            let consortium = namespace.consortiums.values_mut().next().unwrap();
            consortium.spec.revocations = Some(serde_json::from_value(list).unwrap());
        });
        self.converge()
    }

    fn converge(&mut self) -> NamespacePlan {
        self.edge.converge(&self.all, "trade", now()).1
    }

    /// What group 1's nodes say of its sealers.
    fn seal_group_1(&mut self, sealers: &[&str]) {
        let ids: Vec<_> = sealers.iter().map(|name| self.id(name)).collect();
        for name in ["node-0", "node-1", "node-2", "node-3"] {
            let word = self.edge.word(name, 1);
            word.sealers.clone_from(&ids);
            word.live = ids.iter().copied().collect();
        }
    }

    /// The blacklist of a node's `config.ini`.
    fn blacklist(&self, name: &str) -> String {
        let at = FileRef {
            node: node(name),
            path: "config.ini".to_owned(),
        };
        let FileContent::Text(text) = &self.edge.files[&at].content else {
            panic!("config.ini is a text");
        };
        let (_, rest) = text.split_once("[certificate_blacklist]").unwrap();
        rest.split("\n[").next().unwrap().trim().to_owned()
    }
}

fn told(plan: &NamespacePlan) -> (Truth, Reason, String) {
    let mut statuses = plan.statuses.iter();
    let status = statuses
        .find(|status| status.object.to_string() == "Consortium/trade")
        .unwrap();
    let condition = status.condition(ConditionType::InSync).unwrap();
    (condition.status, condition.reason, condition.message.clone())
}

#[test]
fn a_node_that_seals_nowhere_is_cut_off_at_once_and_nobody_restarts() {
    let mut scene = Scene::new();
    let id = scene.id("node-5");
    let restarts = |scene: &Scene| scene.edge.observed.processes.values().cloned().collect::<Vec<_>>();
    let before = restarts(&scene);
    let plan = scene.revoke(json!({"sequence": 1, "nodeIds": [id]}));
    assert!(scene.blacklist("node-0").contains(&id.to_string()));
    let (truth, reason, text) = told(&plan);
    assert_eq!((truth, reason), (Truth::True, Reason::InSync));
    assert!(text.ends_with("is trusted; who is revoked is cut off"), "{text}");
    assert_eq!(restarts(&scene), before);
}

#[test]
fn revoking_before_removing_cuts_no_sealer_off_until_a_vote_has_removed_it() {
    let mut scene = Scene::new();
    let all = ["node-0", "node-1", "node-2", "node-3"];
    scene.seal_group_1(&all);
    let id = scene.id("node-2");
    let plan = scene.revoke(json!({"sequence": 1, "nodeIds": [id]}));
    assert_eq!(scene.blacklist("node-0"), "");
    let (truth, reason, why) = told(&plan);
    assert_eq!((truth, reason), (Truth::False, Reason::RevocationWaits));
    for part in [
        "Node node-2",
        "group-1",
        "spec.agreed.members",
        "spec.revocations.force",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    scene.seal_group_1(&["node-0", "node-1", "node-3"]);
    // The statuses tell of the new sealers before the files do.
    scene.converge();
    let plan = scene.converge();
    assert!(scene.blacklist("node-0").contains(&id.to_string()));
    assert_eq!(told(&plan).0, Truth::True);
}

#[test]
fn who_was_cut_off_stays_cut_off_when_no_chain_can_be_asked() {
    let mut scene = Scene::new();
    scene.seal_group_1(&["node-0", "node-1", "node-3"]);
    let id = scene.id("node-2");
    scene.revoke(json!({"sequence": 1, "nodeIds": [id]}));
    scene.converge();
    assert!(scene.blacklist("node-0").contains(&id.to_string()));
    scene.edge.observed.reports.clear();
    scene.edge.observed.chains.clear();
    scene.converge();
    assert!(scene.blacklist("node-0").contains(&id.to_string()));
}

#[test]
fn a_group_whose_manifest_is_wrong_or_gone_protects_its_sealers_still() {
    for spoil in [
        (|namespace| {
            namespace
                .groups
                .values_mut()
                .for_each(|group| group.spec.genesis.hash = Some("0x".into()))
        }) as fn(&mut NamespaceManifests),
        |namespace| namespace.groups.clear(),
    ] {
        let mut scene = Scene::new();
        let id = scene.id("node-2");
        scene.all = changed(&scene.all, "trade", spoil);
        let plan = scene.revoke(json!({"sequence": 1, "nodeIds": [id]}));
        assert_eq!(told(&plan).1, Reason::RevocationWaits);
        assert_eq!(scene.blacklist("node-0"), "");
    }
}

#[test]
fn force_cuts_a_sealer_off_at_once() {
    let mut scene = Scene::new();
    scene.seal_group_1(&["node-0", "node-1", "node-2", "node-3"]);
    let id = scene.id("node-2");
    scene.revoke(json!({"sequence": 1, "nodeIds": [id], "force": true}));
    assert!(scene.blacklist("node-0").contains(&id.to_string()));
}

#[test]
fn a_revoked_agency_covers_its_nodes_once_none_of_them_seals() {
    let mut scene = Scene::new();
    let plan = scene.revoke(json!({"sequence": 1, "agencies": ["agency-b", "agency-d"]}));
    let (truth, _, why) = told(&plan);
    assert_eq!(truth, Truth::False);
    assert!(why.contains("Node node-3 is revoked (agency agency-b)"), "{why}");
    assert!(!why.contains("agency-d"), "it seals nowhere: {why}");
    let list = scene.blacklist("node-0");
    assert!(list.contains("agency-d") && !list.contains("agency-b"), "{list}");
}
