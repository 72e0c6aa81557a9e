//! A namespace in memory, converged by the real plan with real keys and certificates, for the tests of the pure rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use althing_operator::manifest::{NamespaceManifests, SourceFile, read};
use althing_operator::name::{Namespace, NodeName};
use althing_operator::pki::{IssuerMaterial, PrivateKey, issue, request};
use althing_operator::plan::{
    CertificateOrder, File, FileContent, FileDigest, Identity, KeyState, NamespacePlan, Observed, ObservedFile,
    ObservedProcess, ProcessState, Step,
};
use althing_operator::plan_namespace;
use althing_types::genesis::Cryptography;

use super::{LiveFacts, Lowering, lower};
use crate::child::{Child, ChildKind};
use crate::diff::{LiveChild, LiveChildren};
use crate::placement::{Settings, placement};

/// More rounds than any plan needs.
const ROUNDS_MAX: usize = 16;

/// One namespace.
pub(crate) struct Town {
    pub manifests: NamespaceManifests,
    pub observed: Observed,
    pub plan: Option<NamespacePlan>,
    pub settings: Settings,
    pub facts: LiveFacts,
    pub open_budgets: BTreeSet<NodeName>,
    keys: BTreeMap<Identity, PrivateKey>,
    draws: u64,
}

/// A node's name.
pub(crate) fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

impl Town {
    /// The sample of four agencies, as an API server would hold it, and everything it needs to run.
    pub(crate) fn four_agencies() -> Self {
        Self::in_edition(Cryptography::Standard)
    }

    /// The same in this edition.
    pub(crate) fn in_edition(edition: Cryptography) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/samples/four-agencies");
        let declared = format!("cryptography: {edition}");
        let file = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            SourceFile {
                name: name.to_owned(),
                text: match name {
                    "consortium.yaml" => text.replace("cryptography: Standard", &declared),
                    _ => text,
                },
            }
        };
        let files = ["agencies.yaml", "consortium.yaml", "groups.yaml", "nodes.yaml"].map(file);
        Self::of(&files)
    }

    /// What these files say.
    pub(crate) fn of(files: &[SourceFile]) -> Self {
        let namespace = Namespace::new("trade").unwrap();
        let mut all = read(files, &namespace).unwrap_or_else(|errors| panic!("{errors:#?}"));
        let mut town = Self {
            manifests: all.namespaces.remove(&namespace).unwrap(),
            observed: Observed::default(),
            plan: None,
            settings: Settings {
                node_image: "localhost/althing/node:0.1.0".to_owned(),
                cluster_domain: "cluster.local".to_owned(),
            },
            facts: LiveFacts::default(),
            open_budgets: BTreeSet::new(),
            keys: BTreeMap::new(),
            draws: 0,
        };
        town.admit();
        town.converge();
        town
    }

    /// Gives every object the uid and generation an API server would.
    pub(crate) fn admit(&mut self) {
        macro_rules! admit {
            ($($objects:ident)*) => {$(
                for (name, object) in &mut self.manifests.$objects {
                    let kind = stringify!($objects);
                    object.metadata.uid.get_or_insert_with(|| format!("uid-of-{kind}-{name}"));
                    object.metadata.generation.get_or_insert(1);
                }
            )*};
        }
        admit!(consortiums agencies groups nodes);
    }

    /// Plans and carries out until nothing is left to do.
    pub(crate) fn converge(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let placement = placement(&self.manifests, &self.settings);
            let now = "2026-06-01T12:00:00Z".parse().unwrap();
            let plan = plan_namespace(&self.manifests, &self.observed, &placement, now);
            for step in &plan.steps {
                self.carry_out(step);
            }
            self.observed.statuses = plan.statuses.clone();
            let is_at_rest = plan.is_at_rest();
            self.plan = Some(plan);
            if is_at_rest {
                return;
            }
        }
        panic!(
            "no fix point after {ROUNDS_MAX} rounds: {:#?}",
            self.plan.as_ref().unwrap().steps
        );
    }

    /// The children of the plan.
    pub(crate) fn children(&self) -> Vec<Child> {
        lower(&self.lowering())
    }

    /// What the plan is lowered with.
    pub(crate) fn lowering(&self) -> Lowering<'_> {
        Lowering {
            manifests: &self.manifests,
            desired: &self.plan.as_ref().unwrap().desired,
            identities: &self.observed.identities,
            settings: &self.settings,
            live: &self.facts,
            open_budgets: &self.open_budgets,
        }
    }

    /// One child.
    pub(crate) fn child(&self, kind: ChildKind, name: &str) -> Child {
        self.children()
            .into_iter()
            .find(|child| child.at() == (kind, name))
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    fn carry_out(&mut self, step: &Step) {
        match step {
            Step::MakeKey(order) => {
                let key = PrivateKey::generate(order.kind, &mut self.entropy()).unwrap();
                let observed = self.observed.identities.entry(order.identity.clone()).or_default();
                observed.key = KeyState::Present(key.public());
                self.keys.insert(order.identity.clone(), key);
            }
            Step::MakeRequest(order) => {
                let pem = request::make(order, &self.keys[&order.identity]).unwrap();
                self.observed
                    .identities
                    .entry(order.identity.clone())
                    .or_default()
                    .request = Some(pem);
            }
            Step::IssueCertificate(order) => self.issue(order),
            Step::KeepCertificate { subject, certificate } => {
                let observed = self.observed.identities.entry(subject.clone()).or_default();
                observed.certificate = Some(certificate.clone());
            }
            Step::Attest(order) => {
                let record = order.carried_out(&self.keys[&order.signer]).unwrap().to_text();
                self.observed.identities.get_mut(&order.signer).unwrap().attestations = Some(record);
            }
            Step::RecordGenesis(record) => {
                let document = record.document.clone();
                self.observed.genesis.insert(record.group.clone(), document);
            }
            Step::WriteFile(File { at, content }) => {
                let found = match content {
                    FileContent::Text(text) => ObservedFile::Text(FileDigest::of(text)),
                    FileContent::PrivateKey(identity) => ObservedFile::PrivateKey(identity.clone()),
                };
                self.observed.files.insert(at.clone(), found);
            }
            Step::StartProcess(process) | Step::RestartProcess(process) | Step::AmendProcess(process) => {
                let running = ObservedProcess {
                    process: process.clone(),
                    state: ProcessState::Ready,
                };
                self.observed.data.insert(process.node.clone());
                self.observed.processes.insert(process.node.clone(), running);
            }
            Step::StopProcess(node) => drop(self.observed.processes.remove(node)),
        }
    }

    fn issue(&mut self, order: &CertificateOrder) {
        let mut entropy = self.entropy();
        let subject = match &order.request {
            Some(pem) => request::verify(pem).unwrap().key(),
            None => self.keys[&order.subject].public(),
        };
        let issuer_certificate = match order.subject == order.issuer {
            true => None,
            false => self.observed.identities[&order.issuer].certificate.clone(),
        };
        let issuer = IssuerMaterial {
            key: &self.keys[&order.issuer],
            certificate: issuer_certificate.as_deref(),
        };
        let pem = issue(order, &subject, &issuer, &mut entropy).unwrap();
        self.observed
            .identities
            .entry(order.subject.clone())
            .or_default()
            .certificate = Some(pem);
    }

    fn entropy(&mut self) -> impl FnMut(&mut [u8]) + use<> {
        self.draws += 1;
        let (seed, mut counter) = (self.draws, 0_u64);
        move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                counter += 1;
                let digest = alloy_primitives::keccak256([seed.to_be_bytes(), counter.to_be_bytes()].concat());
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
        }
    }

    /// The first signature of an own agency over a statement.
    pub(crate) fn attestation(
        &self,
        agency: &str,
        statement: &althing_operator::controller::attestation::Statement<'_>,
    ) -> althing_crds::v1alpha1::Attestation {
        let agency = althing_operator::name::AgencyName::new(agency).unwrap();
        let order = althing_operator::plan::AttestationOrder {
            signer: Identity::AgencyCa(agency.clone()),
            before: althing_operator::plan::Attestations::default(),
            unsigned: vec![statement.unsigned(1)],
        };
        let signed = order.carried_out(&self.keys[&Identity::AgencyCa(agency)]).unwrap();
        signed.0[&statement.object()].attestation()
    }

    /// The private keys in PEM, to look for them where they must not be.
    pub(crate) fn private_keys(&self) -> Vec<String> {
        self.keys.values().map(|key| key.to_pem().to_string()).collect()
    }
}

/// Children as an API server holds them once they are applied: with uids, versions and its own defaults.
pub(crate) fn applied(children: &[Child]) -> LiveChildren {
    children
        .iter()
        .map(|child| ((child.kind, child.name.clone()), live(child)))
        .collect()
}

fn live(child: &Child) -> LiveChild {
    let mut body = child.body.clone();
    merge(
        &mut body,
        serde_json::json!({"metadata": {
            "uid": format!("uid-of-{}-{}", child.kind, child.name),
            "resourceVersion": "7",
            "creationTimestamp": "2026-06-01T12:00:00Z",
            "managedFields": [{"manager": "althing-operator"}],
        }}),
    );
    match child.kind {
        ChildKind::Service => merge(
            &mut body,
            serde_json::json!({"spec": {"clusterIPs": ["10.0.0.7"], "internalTrafficPolicy": "Cluster",
                "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}, "status": {"loadBalancer": {}}}),
        ),
        ChildKind::PersistentVolumeClaim => merge(
            &mut body,
            serde_json::json!({"spec": {"storageClassName": "standard", "volumeMode": "Filesystem", "volumeName": "pv-7"},
                "status": {"phase": "Bound"}}),
        ),
        ChildKind::StatefulSet => {
            merge(
                &mut body,
                serde_json::json!({"spec": {
                    "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
                    "template": {"metadata": {"creationTimestamp": null}, "spec": {
                        "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
                        "serviceAccount": child.name,
                    }},
                }, "status": {"replicas": 1}}),
            );
            let container = body.pointer_mut("/spec/template/spec/containers/0").unwrap();
            let probe = serde_json::json!({"successThreshold": 1, "httpGet": {"scheme": "HTTP"}});
            merge(
                container,
                serde_json::json!({"terminationMessagePath": "/dev/termination-log", "startupProbe": probe,
                    "livenessProbe": probe, "readinessProbe": probe}),
            );
        }
        _ => {}
    }
    LiveChild::new(child.kind, &child.name, body)
}

/// Puts the fields of one value into another.
pub(crate) fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
