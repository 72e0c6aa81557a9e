//! What of a bundle is not accepted. Each sentence names object, field, what was found and what is accepted.
//!
//! The operator checks the same at every look: here it is said before anything is written.

use std::collections::BTreeSet;

use althing_crds::v1alpha1::{Agency, ExternalAgency, ExternalNode, Group, Node};
use althing_operator::controller::Hold;
use althing_operator::controller::attestation::{Before, FIELD, Statement, check, check_genesis, check_wishes};
use althing_operator::controller::node::external_id;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::pki::inspect::{CertificateFacts, first, verify_issued_by};
use althing_operator::pki::request;
use althing_operator::plan::PublicKey;
use althing_types::NodeId;
use serde_json::json;

use super::super::export::takes_part;
use super::{Terms, differences, fields};

/// A bundle beside what it is judged by.
#[derive(Clone, Copy)]
pub(super) struct Checks<'a> {
    pub(super) terms: Terms<'a>,
    pub(super) bundle: &'a NamespaceManifests,
}

/// The refusals of one object.
struct Refusals {
    object: String,
    all: Vec<String>,
}

impl Refusals {
    fn of(kind: &str, name: &str) -> Self {
        Self {
            object: format!("{kind}/{name}"),
            all: vec![],
        }
    }

    fn refuse(&mut self, field: &str, found: &str, accepted: &str) {
        let text = format!("{}: {field}: found {found}; accepted: {accepted}", self.object);
        self.all.push(text);
    }

    fn held(&mut self, hold: Hold) {
        let (Hold::Pending(obstacle) | Hold::Wrong(obstacle)) = hold;
        self.all.push(obstacle.message);
    }

    /// The certificate, when it can be read; what is wrong with its dates.
    fn certificate(&mut self, pem: &str, terms: Terms<'_>) -> Option<CertificateFacts> {
        const CERTIFICATE: &str = "spec.external.certificate";
        let found = match first(pem) {
            Ok(found) => found,
            Err(error) => {
                self.refuse(CERTIFICATE, &error.to_string(), "a certificate in PEM");
                return None;
            }
        };
        if !found.holds_at(terms.now) {
            let dates = format!("one that holds from {} to {}", found.not_before, found.not_after);
            self.refuse(
                CERTIFICATE,
                &dates,
                "one that holds now; take a new bundle from the agency",
            );
        }
        Some(found)
    }
}

impl Checks<'_> {
    pub(super) fn agency(&self, name: &AgencyName, agency: &Agency) -> Vec<String> {
        let mut found = Refusals::of("Agency", name.as_str());
        self.consortium(&agency.spec.consortium, &mut found);
        let known = self.terms.known.agencies.get(name);
        let Some(external) = &agency.spec.external else {
            found.refuse(
                "spec.external",
                "none",
                "public facts; without them it would become an own agency",
            );
            return found.all;
        };
        if known.is_some_and(|known| known.spec.external.is_none()) {
            let accepted = "facts of other agencies; this one is your own";
            found.refuse("spec.external", "facts", accepted);
            return found.all;
        }
        if let Some(Err(error)) = external.certificate_signing_request.as_deref().map(request::verify) {
            let accepted = "a certificate signing request in PEM";
            found.refuse("spec.external.certificateSigningRequest", &error.to_string(), accepted);
        }
        let certificate = external.certificate.as_deref();
        let certificate = certificate.and_then(|pem| Some((pem, found.certificate(pem, self.terms)?)));
        if let Some((pem, facts)) = &certificate {
            if !facts.is_ca {
                found.refuse(
                    "spec.external.certificate",
                    "one that may not issue",
                    "an agency certificate",
                );
            }
            self.under_chain(&agency.spec.consortium, pem, &mut found);
            same_account(external, facts, &mut found);
        }
        let key = certificate.and_then(|(_, facts)| facts.key());
        same_key(known, key, &mut found);
        let newest = known.and_then(|known| known.status.as_ref()?.attestation.as_ref());
        // First contact: the registrar confirms the request by its fingerprint, over another channel.
        let is_first = external.certificate.is_none() && external.attestation.is_none() && newest.is_none();
        if !is_first {
            let before = Before { key, newest };
            let statement = Statement::agency(name.as_str(), &agency.spec.consortium, external);
            let checked = check(FIELD, external.attestation.as_ref(), &statement, before);
            checked.err().into_iter().for_each(|hold| found.held(hold));
        }
        let checked = check_genesis(&external.genesis, key);
        checked.err().into_iter().for_each(|hold| found.held(hold));
        let checked = check_wishes(name.as_str(), &external.wishes, key, |node| self.owner(node));
        checked.err().into_iter().for_each(|hold| found.held(hold));
        found.all
    }

    pub(super) fn node(&self, name: &NodeName, node: &Node) -> Vec<String> {
        let mut found = Refusals::of("Node", name.as_str());
        let known = self.terms.known.nodes.get(name);
        let Some(external) = &node.spec.external else {
            found.refuse(
                "spec.external",
                "none",
                "public facts; without them it would become an own node",
            );
            return found.all;
        };
        if known.is_some_and(|known| known.spec.external.is_none()) {
            found.refuse(
                "spec.external",
                "facts",
                "facts of other agencies' nodes; this one is your own",
            );
            return found.all;
        }
        let Some(issuer) = self.issuer(&node.spec.agency) else {
            let accepted = "an agency of this bundle, or somebody else's that is known here, with its certificate";
            found.refuse("spec.agency", &node.spec.agency, accepted);
            return found.all;
        };
        if let Some(pem) = &external.certificate {
            let facts = found.certificate(pem, self.terms);
            if let Err(error) = verify_issued_by(pem, issuer) {
                let accepted = format!("one by Agency/{}", node.spec.agency);
                found.refuse("spec.external.certificate", &format!("one that is {error}"), &accepted);
            }
            same_id(external, facts.and_then(|facts| facts.public_key), &mut found);
        }
        self.known_id(name, external, &mut found);
        let key = first(issuer).ok().and_then(|facts| facts.key());
        let newest = known.and_then(|known| known.status.as_ref()?.attestation.as_ref());
        let before = Before { key, newest };
        let statement = Statement::node(name.as_str(), &node.spec.agency, external);
        let checked = check(FIELD, external.attestation.as_ref(), &statement, before);
        checked.err().into_iter().for_each(|hold| found.held(hold));
        found.all
    }

    pub(super) fn group(&self, name: &GroupName, group: &Group) -> Vec<String> {
        let mut found = Refusals::of("Group", name.as_str());
        self.consortium(&group.spec.consortium, &mut found);
        for (field, is_given) in [
            ("spec.agreed", group.spec.agreed.is_some()),
            ("spec.local", group.spec.local.is_some()),
        ] {
            if is_given {
                found.refuse(
                    field,
                    "entries",
                    "none; what a namespace wants to hold is its own to write",
                );
            }
        }
        let known = self.terms.known.groups.get(name);
        let is_joined = self.terms.joins.iter().any(|join| join == name.as_str());
        if known.is_none() && !is_joined && !self.has_part(group) {
            let accepted =
                format!("a group in which an own agency has a seat or an own node seals; to join it, --join {name}");
            found.refuse("spec.genesis", "a group that you have no part in", &accepted);
        }
        if let Some(known) = known {
            as_known(known, group, &mut found);
        }
        found.all
    }

    fn consortium(&self, named: &str, found: &mut Refusals) {
        let known = &self.terms.known.consortiums;
        if known.keys().all(|name| name.as_str() != named) {
            let names: Vec<_> = known.keys().map(|name| name.as_str()).collect();
            let accepted = match names.is_empty() {
                true => format!(
                    "a Consortium of {}; apply its manifest first",
                    self.terms.known.namespace
                ),
                false => names.join(", "),
            };
            found.refuse("spec.consortium", named, &accepted);
        }
    }

    /// The certificate is under one of the chain certificates that are trusted here, where any is known.
    fn under_chain(&self, consortium: &str, pem: &str, found: &mut Refusals) {
        let Some(known) = self.terms.known.consortiums.get(consortium) else {
            return;
        };
        let listed = known.spec.trust.iter().flat_map(|trust| &trust.certificates);
        let own = known
            .status
            .iter()
            .flat_map(|status| status.certificate.iter().chain(&status.trusted));
        let mut errors = vec![];
        for chain in listed.chain(own) {
            match verify_issued_by(pem, chain) {
                Ok(()) => return,
                Err(error) => errors.push(error.to_string()),
            }
        }
        if !errors.is_empty() {
            let accepted = format!("one under a trusted chain certificate of Consortium/{consortium}");
            found.refuse(
                "spec.external.certificate",
                &format!("one that is {}", errors.join("; ")),
                &accepted,
            );
        }
    }

    /// The certificate of somebody else's agency: of this bundle, else as it is known here.
    fn issuer(&self, agency: &str) -> Option<&str> {
        let of_bundle = self.bundle.agencies.get(agency);
        let of_bundle = of_bundle.and_then(|agency| agency.spec.external.as_ref()?.certificate.as_deref());
        let known = self.terms.known.agencies.get(agency);
        let known = known.filter(|known| known.spec.external.is_some());
        let accepted = known.and_then(|known| known.status.as_ref()?.certificate.as_deref());
        of_bundle.or(accepted)
    }

    /// Whose a Node is: as the bundle says, else as it is known here.
    fn owner(&self, node: &str) -> Option<&str> {
        let found = self
            .bundle
            .nodes
            .get(node)
            .or_else(|| self.terms.known.nodes.get(node))?;
        Some(found.spec.agency.as_str())
    }

    /// An identity is written once and runs at most once.
    fn known_id(&self, name: &NodeName, external: &ExternalNode, found: &mut Refusals) {
        const ID: &str = "spec.external.nodeId";
        let Some(id) = external_id(external) else { return };
        for (other, node) in &self.terms.known.nodes {
            let Some(taken) = known_id(node) else { continue };
            match (other == name, taken == id) {
                (true, false) => {
                    let accepted = format!("{taken}, which is known under this name: another key is another node");
                    found.refuse(ID, &id.to_string(), &accepted);
                }
                (false, true) => found.refuse(ID, &format!("that of Node/{other}"), "an identity under one name"),
                _ => {}
            }
        }
    }

    fn has_part(&self, group: &Group) -> bool {
        let known = self.terms.known;
        let own = known
            .agencies
            .iter()
            .filter(|(_, agency)| agency.spec.external.is_none());
        let own: BTreeSet<&str> = own.map(|(name, _)| name.as_str()).collect();
        own.into_iter().any(|agency| takes_part(known, group, agency))
    }
}

/// The account is the one that the certificate names.
fn same_account(external: &ExternalAgency, certificate: &CertificateFacts, found: &mut Refusals) {
    let (Some(signed), Some(stated)) = (certificate.governance_account, &external.governance_account) else {
        return;
    };
    if stated.parse() != Ok(signed) {
        let accepted = format!("{signed}, which the agency's certificate names");
        found.refuse("spec.external.governanceAccount", stated, &accepted);
    }
}

/// The key is the one that is known under this name.
fn same_key(known: Option<&Agency>, key: Option<PublicKey>, found: &mut Refusals) {
    let known = known.and_then(|known| known.status.as_ref()?.certificate.as_deref());
    let known = known.and_then(|pem| first(pem).ok()?.key());
    if let (Some(known), Some(key)) = (known, key)
        && known != key
    {
        let accepted = format!(
            "one over the key that is known under this name, {}…; two agencies claim one name, or this bundle is not the agency's",
            known.node_id().map(|id| id.short()).unwrap_or_default()
        );
        found.refuse("spec.external.certificate", "a certificate over another key", &accepted);
    }
}

fn same_id(external: &ExternalNode, certified: Option<NodeId>, found: &mut Refusals) {
    let (Some(stated), Some(certified)) = (&external.node_id, certified) else {
        return;
    };
    if !stated.eq_ignore_ascii_case(&certified.to_string()) {
        let accepted = format!("{certified}, which its certificate is of");
        found.refuse("spec.external.nodeId", stated, &accepted);
    }
}

fn known_id(node: &Node) -> Option<NodeId> {
    let told = || node.status.as_ref()?.node_id.as_ref()?.parse().ok();
    let external = node.spec.external.as_ref().and_then(external_id);
    external.or_else(told)
}

/// What block 0 holds is immutable: a group that is known is the same one.
fn as_known(known: &Group, group: &Group, found: &mut Refusals) {
    let fixed = |group: &Group| {
        let mut genesis = group.spec.genesis.clone();
        genesis.hash = None;
        let spec = json!({"consortium": group.spec.consortium, "groupId": group.spec.group_id, "genesis": genesis});
        fields(&spec)
    };
    let word = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    for change in differences(&fixed(known), &fixed(group)) {
        let accepted = format!(
            "{}, as it is known here: block 0 holds it for ever",
            word(change.before)
        );
        found.refuse(&change.field, &word(change.after), &accepted);
    }
    let here = known.status.as_ref().and_then(|status| status.genesis_hash.as_ref());
    if let (Some(here), Some(pinned)) = (here, &group.spec.genesis.hash)
        && here != pinned
    {
        found.refuse("spec.genesis.hash", pinned, &format!("{here}, which was computed here"));
    }
}
