//! An edge in memory: real keys, real certificates, no disk and no process.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::Attestation;
use althing_operator::controller::attestation::Statement;
use althing_operator::edge::{Apply, Observe, Place, WriteStatus, round};
use althing_operator::manifest::{Manifests, NamespaceManifests, SourceFile, read};
use althing_operator::name::{AgencyName, Namespace, NodeName};
use althing_operator::pki::{IssuerMaterial, PrivateKey, inspect, issue, request, trust_hash};
use althing_operator::plan::report::CertificateReport;
use althing_operator::plan::{
    AttestationOrder, Attestations, Endpoint, File, FileContent, FileDigest, FileRef, Folders, GroupReport, Identity,
    KeyState, LogTarget, NamespacePlan, NodeReport, Observed, ObservedFile, ObservedIdentity, ObservedProcess,
    Placement, Ports, Process, ProcessState, RpcSecurity, Step,
};
use althing_operator::status::ObjectStatus;
use althing_types::genesis::Cryptography;
use jiff::Timestamp;

/// The edition that these tests are of. They are built once for each: the folder `it_sm` is this one.
pub(crate) const EDITION: Cryptography = match env!("CARGO_CRATE_NAME").as_bytes() {
    b"it_sm" => Cryptography::Sm,
    _ => Cryptography::Standard,
};
/// More rounds than any plan needs.
const ROUNDS_MAX: usize = 12;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MemoryError(String);

/// One namespace in memory.
#[derive(Default)]
pub(crate) struct MemoryEdge {
    pub keys: BTreeMap<Identity, PrivateKey>,
    pub observed: Observed,
    pub files: BTreeMap<FileRef, File>,
    pub draws: u64,
    pub start_as: Option<ProcessState>,
    /// Whether nodes stand where a cluster would place them.
    pub in_cluster: bool,
}

/// A pod of its own.
fn in_cluster(node: &NodeName) -> Endpoint {
    Endpoint {
        p2p_listen: "0.0.0.0".into(),
        client_listen: "0.0.0.0".into(),
        advertise: format!("{node}-p2p.trade.svc.cluster.local"),
        ports: Ports::FIRST,
        folders: Folders::in_container(),
        dns_names: vec![format!("{node}.trade.svc"), node.to_string()],
        rpc_security: RpcSecurity::Tls,
        log: LogTarget::Console,
        container: true,
    }
}

fn failed(why: impl std::fmt::Display) -> MemoryError {
    MemoryError(why.to_string())
}

impl MemoryEdge {
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

    fn identity(&mut self, identity: &Identity) -> &mut ObservedIdentity {
        self.observed.identities.entry(identity.clone()).or_default()
    }

    fn make_key(&mut self, order: &althing_operator::plan::KeyOrder) -> Result<(), MemoryError> {
        assert!(
            !self.keys.contains_key(&order.identity),
            "a key is made once: {}",
            order.identity
        );
        let key = PrivateKey::generate(order.kind, &mut self.entropy()).map_err(failed)?;
        self.identity(&order.identity).key = KeyState::Present(key.public());
        self.keys.insert(order.identity.clone(), key);
        Ok(())
    }

    fn issue(&mut self, order: &althing_operator::plan::CertificateOrder) -> Result<(), MemoryError> {
        let mut entropy = self.entropy();
        let subject = match &order.request {
            Some(pem) => request::verify(pem).map_err(failed)?.key(),
            None => self
                .keys
                .get(&order.subject)
                .ok_or_else(|| failed("no subject key"))?
                .public(),
        };
        let issuer_certificate = match order.subject == order.issuer {
            true => None,
            false => self.identity(&order.issuer).certificate.clone(),
        };
        let key = self.keys.get(&order.issuer).ok_or_else(|| failed("no issuer key"))?;
        let issuer = IssuerMaterial {
            key,
            certificate: issuer_certificate.as_deref(),
        };
        let pem = issue(order, &subject, &issuer, &mut entropy).map_err(failed)?;
        self.identity(&order.subject).certificate = Some(pem);
        Ok(())
    }

    /// The signature of an own agency over a statement.
    pub(crate) fn attestation(&self, agency: &str, statement: &Statement<'_>) -> Attestation {
        self.numbered(agency, statement, 1)
    }

    /// The same with this number.
    pub(crate) fn numbered(&self, agency: &str, statement: &Statement<'_>, sequence: i64) -> Attestation {
        let agency = AgencyName::new(agency).unwrap();
        let order = AttestationOrder {
            before: Attestations::default(),
            unsigned: vec![statement.unsigned(sequence)],
            signer: Identity::AgencyCa(agency.clone()),
        };
        let signed = order.carried_out(&self.keys[&Identity::AgencyCa(agency)]).unwrap();
        signed.0[&statement.object()].attestation()
    }

    fn write(&mut self, file: &File) {
        let found = match &file.content {
            FileContent::Text(text) => ObservedFile::Text(FileDigest::of(text)),
            FileContent::PrivateKey(identity) => ObservedFile::PrivateKey(identity.clone()),
        };
        self.observed.files.insert(file.at.clone(), found);
        self.files.insert(file.at.clone(), file.clone());
    }

    fn start(&mut self, process: &Process) {
        let state = self.start_as.unwrap_or(ProcessState::Ready);
        self.observed.data.insert(process.node.clone());
        self.observed.processes.insert(
            process.node.clone(),
            ObservedProcess {
                process: process.clone(),
                state,
            },
        );
    }

    /// Rounds until nothing is left to do; every step as text, a line `--` between rounds. The last plan.
    pub(crate) fn converge(
        &mut self,
        all: &Manifests,
        namespace: &str,
        now: Timestamp,
    ) -> (Vec<String>, NamespacePlan) {
        let manifests = namespace_of(all, namespace);
        let mut lines = vec![];
        for _ in 0..ROUNDS_MAX {
            let plan = round(self, all, &manifests, now, |step| lines.push(step.to_string())).unwrap();
            if plan.is_at_rest() {
                return (lines, plan);
            }
            lines.push("--".to_owned());
        }
        panic!("no fix point after {ROUNDS_MAX} rounds: {lines:#?}");
    }

    /// Plans once, changing nothing.
    pub(crate) fn plan(&mut self, all: &Manifests, namespace: &str, now: Timestamp) -> NamespacePlan {
        althing_operator::edge::plan_once(self, all, &namespace_of(all, namespace), now).unwrap()
    }
}

impl Observe for MemoryEdge {
    type Error = MemoryError;

    fn observe(&mut self, _: &Namespace) -> Result<Observed, MemoryError> {
        Ok(self.observed.clone())
    }
}

impl Place for MemoryEdge {
    fn place(&mut self, all: &Manifests, namespace: &Namespace) -> Result<Placement, MemoryError> {
        let mut placement = Placement::new();
        let mut step = 0;
        for manifests in all.namespaces.values() {
            for (name, _) in manifests.nodes.iter().filter(|(_, node)| node.spec.external.is_none()) {
                let first = Ports::FIRST;
                let ports = Ports {
                    p2p: first.p2p + step,
                    channel: first.channel + step,
                    rpc: first.rpc + step,
                    metrics: first.metrics + step,
                };
                step += 1;
                let endpoint = match self.in_cluster {
                    true => in_cluster(name),
                    false => Endpoint::on_machine("127.0.0.1", ports),
                };
                if manifests.namespace == *namespace {
                    placement.insert(name.clone(), endpoint);
                }
            }
        }
        Ok(placement)
    }
}

impl Apply for MemoryEdge {
    fn apply(&mut self, _: &Namespace, step: &Step, _: Timestamp) -> Result<(), MemoryError> {
        match step {
            Step::MakeKey(order) => self.make_key(order)?,
            Step::MakeRequest(order) => {
                let key = self.keys.get(&order.identity).ok_or_else(|| failed("no key"))?;
                let pem = request::make(order, key).map_err(failed)?;
                self.identity(&order.identity).request = Some(pem);
            }
            Step::IssueCertificate(order) => self.issue(order)?,
            Step::KeepCertificate { subject, certificate } => {
                self.identity(subject).certificate = Some(certificate.clone());
            }
            Step::Attest(order) => {
                let key = self.keys.get(&order.signer).ok_or_else(|| failed("no key"))?;
                let record = order.carried_out(key).map_err(failed)?.to_text();
                self.identity(&order.signer).attestations = Some(record);
            }
            Step::RecordGenesis(record) => {
                let before = self
                    .observed
                    .genesis
                    .insert(record.group.clone(), record.document.clone());
                assert_eq!(before, None, "a genesis is recorded once");
            }
            Step::WriteFile(file) => self.write(file),
            Step::StartProcess(process) | Step::RestartProcess(process) => self.start(process),
            Step::AmendProcess(process) => {
                self.observed.processes.get_mut(&process.node).unwrap().process = process.clone();
            }
            Step::StopProcess(node) => {
                if let Some(found) = self.observed.processes.get_mut(node) {
                    found.state = ProcessState::Stopped;
                }
            }
        }
        Ok(())
    }
}

impl WriteStatus for MemoryEdge {
    fn write_statuses(&mut self, _: &Namespace, statuses: &[ObjectStatus]) -> Result<(), MemoryError> {
        self.observed.statuses = statuses.to_vec();
        Ok(())
    }
}

/// The moment all tests begin at.
pub(crate) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// So many cases of a property in both editions together.
pub(crate) const fn cases(both: u32) -> u32 {
    both / 2
}

/// What the sample calls a file of a node's identity, in the words of the standard edition.
pub(crate) fn identity_file(standard: &str) -> String {
    match EDITION {
        Cryptography::Standard => standard.to_owned(),
        Cryptography::Sm => format!("gm{standard}"),
    }
}

/// The files of `deploy/samples/four-agencies`, or of its twin.
pub(crate) fn sample_files() -> Vec<SourceFile> {
    let sample = match EDITION {
        Cryptography::Standard => "four-agencies",
        Cryptography::Sm => "four-agencies-sm",
    };
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/samples");
    let folder = samples.join(sample);
    let file = |name: &str| SourceFile {
        name: name.to_owned(),
        text: std::fs::read_to_string(folder.join(name)).unwrap(),
    };
    ["agencies.yaml", "consortium.yaml", "groups.yaml", "nodes.yaml"]
        .map(file)
        .to_vec()
}

/// Reads manifests that are right.
pub(crate) fn manifests(files: &[SourceFile]) -> Manifests {
    read(files, &Namespace::new("default").unwrap()).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// The sample.
pub(crate) fn sample() -> Manifests {
    manifests(&sample_files())
}

/// The objects of one namespace.
pub(crate) fn namespace_of(all: &Manifests, namespace: &str) -> NamespaceManifests {
    let namespace = Namespace::new(namespace).unwrap();
    all.namespaces
        .get(&namespace)
        .cloned()
        .unwrap_or_else(|| NamespaceManifests::new(namespace))
}

/// Changes one namespace.
pub(crate) fn changed(all: &Manifests, namespace: &str, change: impl FnOnce(&mut NamespaceManifests)) -> Manifests {
    let mut all = all.clone();
    change(all.namespaces.get_mut(&Namespace::new(namespace).unwrap()).unwrap());
    all
}

/// A node's name.
pub(crate) fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

/// The sample, running.
pub(crate) fn running() -> (Manifests, MemoryEdge) {
    let (all, mut edge) = (sample(), MemoryEdge::default());
    edge.converge(&all, "trade", now());
    (all, edge)
}

/// The sample, running in a cluster, every node saying that all is well.
pub(crate) fn running_in_cluster() -> (Manifests, MemoryEdge) {
    let edge = MemoryEdge {
        in_cluster: true,
        ..MemoryEdge::default()
    };
    let (all, mut edge) = (sample(), edge);
    edge.converge(&all, "trade", now());
    edge.everybody_reports(&all);
    edge.converge(&all, "trade", now());
    (all, edge)
}

impl MemoryEdge {
    /// Every node says that it trusts what was given out, and shows its certificate.
    pub(crate) fn everybody_shows(&mut self, plan: &NamespacePlan) {
        let trusted = plan.statuses.iter().flat_map(|status| &status.facts.trusted);
        let trust = trust_hash(trusted.map(String::as_str));
        for (node, found) in &self.observed.processes {
            let agency = &self.observed.identities[&Identity::AgencyCa(found.process.agency.clone())];
            let issuer = inspect::first(agency.certificate.as_deref().unwrap()).unwrap();
            let certificates = CertificateReport {
                trust,
                issuer: issuer.fingerprint.parse().ok(),
            };
            self.observed.shown.entry(node.clone()).or_default().certificates = Some(certificates);
        }
    }

    /// Every node says of every group it was started with that all is well.
    pub(crate) fn everybody_reports(&mut self, all: &Manifests) {
        let genesis = self.plan(all, "trade", now()).desired.genesis;
        let processes: Vec<_> = self
            .observed
            .processes
            .values()
            .map(|found| found.process.clone())
            .collect();
        for process in &processes {
            let mut report = NodeReport::default();
            for group in &process.groups {
                let peers = processes
                    .iter()
                    .filter(|other| other.groups.iter().any(|it| it.id == group.id));
                let sealers: Vec<_> = peers.map(|other| other.node_id).collect();
                let word = GroupReport {
                    genesis_hash: genesis
                        .iter()
                        .find(|record| record.id == group.id)
                        .map(|record| record.hash),
                    settings_digest: Some(group.settings_digest),
                    height: 3,
                    leader: sealers.first().copied(),
                    live: sealers.iter().copied().collect(),
                    sealers,
                    in_sync: true,
                    ..GroupReport::default()
                };
                report.groups.insert(group.id, word);
            }
            self.observed.reports.insert(process.node.clone(), report);
        }
    }

    /// What a node says of a group.
    pub(crate) fn word(&mut self, node: &str, group: u32) -> &mut GroupReport {
        let report = self.observed.reports.get_mut(&self::node(node)).unwrap();
        report.groups.get_mut(&group.try_into().unwrap()).unwrap()
    }
}
