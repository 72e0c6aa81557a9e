//! Somebody else's node: public facts, accepted when its agency's key stands behind them.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::ExternalNode;
use althing_types::NodeId;

use super::plan::agency_of;
use super::{NodeForm, ValidatedNode};
use crate::controller::agency::AgencyFacts;
use crate::controller::attestation::{self, Before, Statement};
use crate::controller::{Context, Hold, Outcome, edition};
use crate::name::AgencyName;
use crate::pki::inspect;
use crate::status::{ObjectRef, Reason};

/// A node as it counts.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// As its manifest says.
    AsWritten(ValidatedNode),
    /// As its agency gave it last, and why its manifest is refused or cannot be judged.
    AsKnown(ValidatedNode, Hold),
    /// Not at all: nothing of it was ever accepted.
    No(Hold),
}

/// The nodeID that a manifest of somebody else's node states, else its certificate's.
pub fn external_id(external: &ExternalNode) -> Option<NodeId> {
    let stated = external.node_id.as_ref().and_then(|id| id.parse().ok());
    stated.or_else(|| inspect::first(external.certificate.as_deref()?).ok()?.public_key)
}

/// Own nodes count as they are. What was accepted last of somebody else's stays in force beside a manifest that is refused, or
/// cannot be judged for now: a Git revert takes no peer away.
pub fn accept(
    ctx: &Context<'_>,
    node: ValidatedNode,
    agencies: &BTreeMap<AgencyName, Outcome<AgencyFacts>>,
) -> Accepted {
    match check(ctx, &node, agencies) {
        Ok(()) => Accepted::AsWritten(node),
        Err(hold) => match known(ctx, node) {
            Some(node) => Accepted::AsKnown(node, hold),
            None => Accepted::No(hold),
        },
    }
}

fn check(
    ctx: &Context<'_>,
    node: &ValidatedNode,
    agencies: &BTreeMap<AgencyName, Outcome<AgencyFacts>>,
) -> Outcome<()> {
    let NodeForm::External { certificate, .. } = &node.form else {
        return Ok(());
    };
    let object = ctx.manifests.nodes.get(&node.name);
    let Some(external) = object.and_then(|object| object.spec.external.as_ref()) else {
        return Ok(());
    };
    let agency = agency_of(node, agencies)?;
    if let Some(certificate) = certificate {
        let edition = edition::of_consortium(ctx, agency.consortium.as_str())?;
        edition::check_certificate("spec.external.certificate", &certificate.facts, edition)?;
        inspect::verify_issued_by(&certificate.pem, &agency.certificate.pem).map_err(|error| {
            let text = format!("spec.external.certificate: not by Agency {}: {error}", node.agency);
            Hold::wrong(Reason::CertificateInvalid, text)
        })?;
    }
    let known = ctx.facts(&ObjectRef::Node(node.name.clone()));
    let before = Before {
        key: agency.certificate.facts.key(),
        newest: known.and_then(|facts| facts.attestation.as_ref()),
    };
    let statement = Statement::node(node.name.as_str(), node.agency.as_str(), external);
    attestation::check(attestation::FIELD, external.attestation.as_ref(), &statement, before)
}

/// The node as its agency gave it last.
fn known(ctx: &Context<'_>, node: ValidatedNode) -> Option<ValidatedNode> {
    let facts = ctx.facts(&ObjectRef::Node(node.name.clone()))?;
    let form = NodeForm::External {
        node_id: Some(facts.node_id?),
        address: facts.address.as_deref().and_then(|address| address.parse().ok()),
        certificate: None,
    };
    // Without an attestation nothing was ever accepted: the status may be of an operator that asked for none.
    facts.attestation.as_ref().map(|_| ValidatedNode { form, ..node })
}
