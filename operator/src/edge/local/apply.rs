//! One step of a plan, done completely or not at all.

use zeroize::Zeroizing;

use super::durable::{self, Mode};
use super::supervise::{Children, Supervisor};
use super::{LocalError, certificates, keys};
use crate::name::Namespace;
use crate::plan::{File, FileContent, GenesisRecord, Identity, KeyOrder, Step};

/// Carries a step out.
pub(super) fn apply(
    supervisor: &Supervisor,
    children: &mut Children,
    namespace: &Namespace,
    step: &Step,
) -> Result<(), LocalError> {
    let layout = &supervisor.layout;
    match step {
        Step::MakeKey(order) => make_key(supervisor, namespace, order),
        Step::MakeRequest(order) => {
            let request = certificates::request(layout, namespace, order)?;
            durable::replace(
                &layout.request(namespace, &order.identity),
                request.as_bytes(),
                Mode::Public,
            )
        }
        Step::IssueCertificate(order) => {
            let certificate = certificates::issue(layout, namespace, order)?;
            durable::replace(
                &layout.certificate(namespace, &order.subject),
                certificate.as_bytes(),
                Mode::Public,
            )
        }
        Step::KeepCertificate { subject, certificate } => durable::replace(
            &layout.certificate(namespace, subject),
            certificate.as_bytes(),
            Mode::Public,
        ),
        Step::Attest(order) => {
            let record = certificates::attest(layout, namespace, order)?;
            durable::replace(
                &layout.attestations(namespace, &order.signer),
                record.as_bytes(),
                Mode::Public,
            )
        }
        Step::RecordGenesis(record) => record_genesis(supervisor, namespace, record),
        Step::WriteFile(file) => write_file(supervisor, namespace, file),
        Step::StartProcess(process) => supervisor.start(process, children),
        Step::RestartProcess(process) => {
            supervisor.stop(namespace, &process.node)?;
            supervisor.start(process, children)
        }
        Step::AmendProcess(process) => supervisor.amend(process),
        Step::StopProcess(node) => supervisor.stop(namespace, node).map(drop),
    }
}

/// Makes a key unless there is one: "already exists" is read back by the next observation (DESIGN.md 5.1).
fn make_key(supervisor: &Supervisor, namespace: &Namespace, order: &KeyOrder) -> Result<(), LocalError> {
    let path = supervisor.layout.key(namespace, &order.identity);
    if path.exists() {
        return Ok(());
    }
    let pem = keys::make(&format!("make the key of {}", order.identity), order.kind)?;
    durable::create_once(&path, pem.as_bytes(), Mode::Private).map(drop)
}

/// Reads a private key that must be there.
pub(super) fn private_key(
    layout: &super::Layout,
    namespace: &Namespace,
    identity: &Identity,
) -> Result<Zeroizing<String>, LocalError> {
    let path = layout.key(namespace, identity);
    match durable::read_text(&path)? {
        Some(pem) => Ok(Zeroizing::new(pem)),
        None => Err(LocalError::KeyMissing {
            identity: identity.clone(),
            namespace: namespace.clone(),
            path,
        }),
    }
}

fn record_genesis(supervisor: &Supervisor, namespace: &Namespace, record: &GenesisRecord) -> Result<(), LocalError> {
    let path = supervisor.layout.genesis(namespace, &record.group);
    if durable::create_once(&path, record.document.as_bytes(), Mode::Public)? {
        return Ok(());
    }
    match durable::read(&path)?.is_some_and(|found| found == record.document.as_bytes()) {
        true => Ok(()),
        false => Err(LocalError::GenesisRecorded { path }),
    }
}

fn write_file(supervisor: &Supervisor, namespace: &Namespace, file: &File) -> Result<(), LocalError> {
    let path = supervisor.layout.file(namespace, &file.at);
    match &file.content {
        FileContent::Text(text) => durable::replace(&path, text.as_bytes(), Mode::Public),
        FileContent::PrivateKey(identity) => {
            let pem = private_key(&supervisor.layout, namespace, identity)?;
            durable::replace(&path, pem.as_bytes(), Mode::Private)
        }
    }
}
