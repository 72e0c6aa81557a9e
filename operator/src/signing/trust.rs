//! What an agency says in its bundle of the chain certificates that its nodes trust, so that a rollover need not hear each of them.

use std::collections::BTreeSet;

use althing_crds::v1alpha1::{AgencyTrust, ExternalAgency};

use crate::controller::Context;
use crate::controller::agency::AgencyFacts;
use crate::controller::attestation::{self, Before, Signing, Statement};
use crate::plan::ProcessState;
use crate::plan::report::CertificateReport;

/// What all of its running nodes say alike. While they differ, nothing; while one of them is silent, what was said last: a node that
/// restarts reads what its neighbours have.
pub(super) fn trust(
    ctx: &Context<'_>,
    agency: &AgencyFacts,
    stated: &ExternalAgency,
    signing: &Signing,
) -> Option<AgencyTrust> {
    let running = ctx
        .observed
        .processes
        .iter()
        .filter(|(_, found)| found.process.agency == agency.name && found.state != ProcessState::Stopped);
    let reports: Vec<_> = running
        .map(|(node, _)| ctx.observed.shown.get(node).and_then(|shown| shown.certificates))
        .collect();
    let said: BTreeSet<_> = reports.iter().flatten().map(|it| (it.trust, it.issuer)).collect();
    let is_complete = !reports.is_empty() && reports.iter().all(Option::is_some);
    match said.len() {
        1 if is_complete => reports.first().copied().flatten().and_then(told),
        0 | 1 => said_last(agency, stated, signing),
        _ => None,
    }
}

fn told(report: CertificateReport) -> Option<AgencyTrust> {
    Some(AgencyTrust {
        certificates: report.trust.to_string(),
        issuer: report.issuer?.to_string(),
    })
}

/// What the record of signatures holds, when the agency's key signed it beside the facts as they are: who may write a record puts no words
/// into an agency's mouth.
fn said_last(agency: &AgencyFacts, stated: &ExternalAgency, signing: &Signing) -> Option<AgencyTrust> {
    let of = |external| Statement::agency(agency.name.as_str(), agency.consortium.as_str(), external);
    let signed = signing.last(&of(stated).object())?;
    let before = ExternalAgency {
        trust: signed.trust.clone(),
        ..stated.clone()
    };
    let key = Before {
        key: agency.certificate.facts.key(),
        newest: None,
    };
    attestation::check(attestation::FIELD, Some(&signed.attestation()), &of(&before), key).ok()?;
    before.trust
}
