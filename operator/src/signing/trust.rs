//! What an agency says in its bundle of the chain certificates that its nodes trust, so that a rollover need not hear each of them.

use std::collections::BTreeSet;

use althing_crds::v1alpha1::{AgencyTrust, ExternalAgency};

use crate::controller::Context;
use crate::controller::agency::AgencyFacts;
use crate::controller::attestation::{self, Before, Statement};
use crate::plan::ProcessState;
use crate::plan::report::CertificateReport;
use crate::status::ObjectRef;

/// What all of its running nodes say alike. While they differ, nothing; while one of them is silent, what was said last: a node that
/// restarts reads what its neighbours have.
pub(super) fn trust(ctx: &Context<'_>, agency: &AgencyFacts, stated: &ExternalAgency) -> Option<AgencyTrust> {
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
        0 | 1 => said_last(ctx, agency, stated),
        _ => None,
    }
}

fn told(report: CertificateReport) -> Option<AgencyTrust> {
    Some(AgencyTrust {
        certificates: report.trust.to_string(),
        issuer: report.issuer?.to_string(),
    })
}

/// What the status remembers, when the agency's key signed it beside the facts as they are: who may write a status puts no words into
/// an agency's mouth.
fn said_last(ctx: &Context<'_>, agency: &AgencyFacts, stated: &ExternalAgency) -> Option<AgencyTrust> {
    let known = ctx.facts(&ObjectRef::Agency(agency.name.clone()))?;
    let before = ExternalAgency {
        trust: known.trust.clone(),
        ..stated.clone()
    };
    let statement = Statement::agency(agency.name.as_str(), agency.consortium.as_str(), &before);
    let key = Before {
        key: agency.certificate.facts.key(),
        newest: None,
    };
    attestation::check(attestation::FIELD, known.attestation.as_ref(), &statement, key).ok()?;
    known.trust.clone()
}
