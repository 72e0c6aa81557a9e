//! The consortium that rolls over, and what its nodes say.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::AgencyTrust;
use althing_operator::controller::attestation::Statement;
use althing_operator::manifest::Manifests;
use althing_operator::name::{AgencyName, ChainKeyName, ConsortiumName, NodeName};
use althing_operator::pki::{IssuerMaterial, Profile, Role, inspect, issue, trust_hash};
use althing_operator::plan::report::CertificateReport;
use althing_operator::plan::{CertificateOrder, FileContent, FileRef, Identity, IssueReason, NamespacePlan};
use althing_operator::status::{ConditionType, Reason, Truth};
use althing_types::NodeId;
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{MemoryEdge, changed, identity_file, node, now, running_in_cluster};

/// The chain certificates a node trusts and the certificates it shows, as its files said when it read them last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TakenUp {
    pub(super) trusted: Vec<String>,
    pub(super) agency: String,
}

impl TakenUp {
    pub(super) fn report(&self) -> CertificateReport {
        CertificateReport {
            trust: trust_hash(self.trusted.iter().map(String::as_str)),
            issuer: inspect::first(&self.agency).unwrap().fingerprint.parse().ok(),
        }
    }

    pub(super) fn lets_in(&self, other: &Self) -> bool {
        let mut trusted = self.trusted.iter();
        trusted.any(|root| inspect::verify_issued_by(&other.agency, root).is_ok())
    }
}

pub(super) struct Scene {
    pub(super) all: Manifests,
    pub(super) edge: MemoryEdge,
    pub(super) taken_up: BTreeMap<NodeName, TakenUp>,
    /// How many bundles agency E gave.
    pub(super) told: i64,
}

pub(super) fn blocks(text: &str) -> Vec<String> {
    let end = "-----END CERTIFICATE-----";
    let ends = text.match_indices(end).map(|(at, _)| at + end.len());
    let mut from = 0;
    ends.map(|to| {
        let block = text[from..to].trim().to_owned();
        from = to;
        block
    })
    .collect()
}

impl Scene {
    /// The four agencies of the sample, all of them here.
    pub(super) fn new() -> Self {
        let (all, edge) = running_in_cluster();
        let mut scene = Self {
            all,
            edge,
            taken_up: BTreeMap::new(),
            told: 0,
        };
        scene.everybody_takes_up();
        scene.converge();
        scene
    }

    pub(super) fn nodes(&self) -> Vec<NodeName> {
        self.edge.observed.processes.keys().cloned().collect()
    }

    pub(super) fn file(&self, node: &NodeName, end: &str) -> String {
        let mut files = self.edge.files.iter();
        let found = files.find(|(FileRef { node: of, path }, _)| of == node && path.ends_with(end));
        match &found.unwrap().1.content {
            FileContent::Text(text) => text.clone(),
            FileContent::PrivateKey(_) => panic!("{end} is no key"),
        }
    }

    /// A running node reads its files, and every other node hears what it says from now on.
    pub(super) fn take_up(&mut self, node: &NodeName) {
        let taken = TakenUp {
            trusted: blocks(&self.file(node, &identity_file("ca.crt"))),
            agency: blocks(&self.file(node, &identity_file("node.crt")))[1].clone(),
        };
        self.taken_up.insert(node.clone(), taken);
        self.tell();
        for (name, one) in &self.taken_up {
            for (other_name, other) in &self.taken_up {
                assert!(one.lets_in(other), "{other_name} is a stranger to {name}");
            }
        }
    }

    pub(super) fn tell(&mut self) {
        let ids: BTreeMap<_, _> = self
            .edge
            .observed
            .processes
            .iter()
            .map(|(name, it)| (name, it.process.node_id))
            .collect();
        let mut shown = BTreeMap::new();
        for (name, taken) in &self.taken_up {
            let others = self.taken_up.iter().filter(|(other, _)| *other != name);
            let peers = others.map(|(other, taken)| (ids[other], taken.report()));
            let before = self.edge.observed.shown.get(name).cloned().unwrap_or_default();
            let strangers = before
                .peers
                .into_iter()
                .filter(|(id, _)| !ids.values().any(|own| own == id));
            let word = althing_operator::plan::report::Shown {
                certificates: Some(taken.report()),
                peers: peers.chain(strangers).collect(),
            };
            shown.insert(name.clone(), word);
        }
        self.edge.observed.shown = shown;
    }

    pub(super) fn everybody_takes_up(&mut self) {
        for node in self.nodes() {
            self.take_up(&node);
        }
    }

    pub(super) fn converge(&mut self) -> NamespacePlan {
        self.edge.converge(&self.all, "trade", now()).1
    }

    /// Rounds of planning and taking up until nothing changes.
    pub(super) fn settle(&mut self) -> NamespacePlan {
        for _ in 0..12 {
            let before = self.taken_up.clone();
            self.converge();
            self.everybody_takes_up();
            if self.taken_up == before {
                return self.converge();
            }
        }
        panic!("it does not come to rest");
    }

    pub(super) fn keys(&mut self, keys: &[i64]) {
        self.spec(|spec| spec.registrar.as_mut().unwrap().managed.as_mut().unwrap().keys = keys.to_vec());
    }

    pub(super) fn spec(&mut self, change: impl FnOnce(&mut althing_crds::v1alpha1::ConsortiumSpec)) {
        self.all = changed(&self.all, "trade", |namespace| {
            change(&mut namespace.consortiums.values_mut().next().unwrap().spec);
        });
    }

    pub(super) fn chain(&self, number: u16) -> String {
        let identity = chain_key(number);
        blocks(self.edge.observed.identities[&identity].certificate.as_deref().unwrap())[0].clone()
    }

    /// A fifth agency with its node elsewhere, certified by this chain key, as its bundle says it.
    pub(super) fn agency_e(&mut self, number: u16) {
        let certificate = self.certify_e(number);
        let agency = json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": "Agency", "metadata": {"name": "agency-e", "namespace": "trade"},
            "spec": {"consortium": "trade", "external": {"certificate": certificate, "governanceAccount": format!("0x{}", "7".repeat(40))}},
        });
        let external = json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": "Node", "metadata": {"name": "node-e", "namespace": "trade"},
            "spec": {"agency": "agency-e", "external": {"nodeId": e_id().to_string(), "address": "10.9.9.9:30300"}},
        });
        self.all = changed(&self.all, "trade", |namespace| {
            let name = AgencyName::new("agency-e").unwrap();
            namespace.agencies.insert(name, serde_json::from_value(agency).unwrap());
            namespace
                .nodes
                .insert(node("node-e"), serde_json::from_value(external).unwrap());
        });
    }

    pub(super) fn certify_e(&self, number: u16) -> String {
        let order = CertificateOrder {
            subject: Identity::AgencyCa(AgencyName::new("agency-e").unwrap()),
            issuer: chain_key(number),
            profile: Profile {
                role: Role::Agency,
                organization: "trade".into(),
                governance_account: None,
            },
            common_name: "agency-e".into(),
            not_before: now(),
            not_after: now() + SignedDuration::from_hours(1000),
            dns_names: vec![],
            request: None,
            reason: IssueReason::First,
        };
        let other = &self.edge.keys[&Identity::AgencyCa(AgencyName::new("agency-a").unwrap())];
        let issuer = IssuerMaterial {
            key: &self.edge.keys[&chain_key(number)],
            certificate: Some(&self.chain(number)),
        };
        issue(&order, &other.public(), &issuer, &mut |bytes| bytes.fill(9)).unwrap()
    }

    /// Agency E's bundle says this of all its nodes; its key is agency A's here.
    pub(super) fn e_tells(&mut self, number: u16, trusted: &[&str], shown: &str) {
        self.agency_e(number);
        let word = TakenUp {
            trusted: trusted.iter().map(|&pem| pem.to_owned()).collect(),
            agency: shown.to_owned(),
        };
        let report = word.report();
        self.told += 1;
        let (edge, sequence) = (&self.edge, self.told);
        self.all = changed(&self.all, "trade", |namespace| {
            let agency = namespace.agencies.get_mut("agency-e").unwrap();
            let external = agency.spec.external.as_mut().unwrap();
            external.trust = Some(AgencyTrust {
                certificates: report.trust.to_string(),
                issuer: report.issuer.unwrap().to_string(),
            });
            let statement = Statement::agency("agency-e", "trade", external);
            external.attestation = Some(edge.numbered("agency-a", &statement, sequence));
        });
    }

    /// A registrar and nothing else: no own node hears anybody.
    pub(super) fn without_own_nodes() -> Self {
        let mut scene = Self::new();
        scene.all = changed(&scene.all, "trade", |namespace| {
            namespace.groups.clear();
            namespace.nodes.clear();
            namespace.agencies.clear();
        });
        scene.edge.observed.processes.clear();
        scene.edge.observed.shown.clear();
        scene.edge.observed.statuses.clear();
        scene.taken_up.clear();
        scene
    }

    /// Every own node hears this from agency E's node.
    pub(super) fn e_says(&mut self, trusted: &[&str], shown: &str) {
        let word = TakenUp {
            trusted: trusted.iter().map(|&pem| pem.to_owned()).collect(),
            agency: shown.to_owned(),
        };
        for shown in self.edge.observed.shown.values_mut() {
            shown.peers.insert(e_id(), word.report());
        }
    }
}

pub(super) fn e_id() -> NodeId {
    NodeId::new([9; 64])
}

pub(super) fn chain_key(number: u16) -> Identity {
    Identity::ChainCa(ChainKeyName::new(ConsortiumName::new("trade").unwrap(), number))
}

pub(super) fn consortium(plan: &NamespacePlan) -> &althing_operator::status::ObjectStatus {
    let mut statuses = plan.statuses.iter();
    statuses.find(|status| status.object.kind() == "Consortium").unwrap()
}

pub(super) fn waits_for(plan: &NamespacePlan) -> Option<String> {
    let condition = consortium(plan).condition(ConditionType::InSync)?;
    (condition.status == Truth::False).then(|| {
        assert_eq!(condition.reason, Reason::RolloverWaits);
        condition.message.clone()
    })
}

pub(super) fn signs(plan: &NamespacePlan) -> &str {
    consortium(plan).facts.fingerprint.as_deref().unwrap()
}

pub(super) fn fingerprint(pem: &str) -> String {
    inspect::first(pem).unwrap().fingerprint
}
