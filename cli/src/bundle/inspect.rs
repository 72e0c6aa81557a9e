//! What a bundle holds, and whether it holds together. No cluster is asked.

use althing_crds::v1alpha1::{Agency, Attestation, Group, Node, SignedWishes};
use althing_operator::controller::Hold;
use althing_operator::controller::attestation::{Before, FIELD, Statement, check, check_genesis, check_wishes};
use althing_operator::manifest::{Manifests, NamespaceManifests};
use althing_operator::name::Namespace;
use althing_operator::pki::inspect::{first, verify_issued_by};
use althing_operator::pki::request;
use althing_operator::plan::PublicKey;
use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use super::{Inspect, read};
use crate::output::{self, Format};
use crate::wrap::{WIDTH, wrap};

/// Columns of a label.
const MARGIN: usize = 16;

/// One object of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fact {
    /// `Kind/name`.
    object: String,
    /// Label and value, in the order in which they are shown.
    facts: Vec<(&'static str, String)>,
    /// What is wrong with it.
    problems: Vec<String>,
}

/// Shows the bundle; false when something is wrong with it.
pub(super) fn run(wanted: &Inspect, output: Format) -> anyhow::Result<bool> {
    // Where the manifests go is the reader's business; here they need some namespace.
    let namespace = Namespace::new("bundle").context("a namespace")?;
    let found = facts(&read::bundle(&wanted.file, &namespace)?, Timestamp::now());
    match output {
        Format::Json => output::json(&found)?,
        Format::Table => output::text(&found.iter().map(block).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(found.iter().all(|fact| fact.problems.is_empty()))
}

fn facts(bundle: &Manifests, now: Timestamp) -> Vec<Fact> {
    let namespaces = bundle.namespaces.values();
    namespaces.flat_map(|manifests| of(manifests, now)).collect()
}

fn of(manifests: &NamespaceManifests, now: Timestamp) -> Vec<Fact> {
    let consortiums = manifests.consortiums.keys().map(|name| Fact {
        object: format!("Consortium/{name}"),
        problems: vec![
            "a bundle has agencies, nodes and groups; the chain's identity is every namespace's own".to_owned(),
        ],
        ..Fact::default()
    });
    let agencies = manifests
        .agencies
        .iter()
        .map(|(name, agency)| of_agency(name.as_str(), agency, manifests, now));
    let nodes = manifests
        .nodes
        .iter()
        .map(|(name, node)| of_node(name.as_str(), node, manifests, now));
    let groups = manifests
        .groups
        .iter()
        .map(|(name, group)| of_group(name.as_str(), group));
    consortiums.chain(agencies).chain(nodes).chain(groups).collect()
}

fn of_agency(name: &str, agency: &Agency, manifests: &NamespaceManifests, now: Timestamp) -> Fact {
    let mut fact = Fact {
        object: format!("Agency/{name}"),
        ..Fact::default()
    };
    fact.say("consortium", &agency.spec.consortium);
    let Some(external) = &agency.spec.external else {
        fact.wrong("it has no spec.external: applied, it would become an own agency");
        return fact;
    };
    fact.certificate(external.certificate.as_deref(), now);
    match external.certificate_signing_request.as_deref().map(request::verify) {
        None => {}
        Some(Ok(request)) => fact.say("request", &request.fingerprint),
        Some(Err(error)) => fact.wrong(&format!("its request: {error}")),
    }
    fact.say("account", external.governance_account.as_deref().unwrap_or("none"));
    let key = external.certificate.as_deref().and_then(|pem| first(pem).ok()?.key());
    let statement = Statement::agency(name, &agency.spec.consortium, external);
    match (&external.certificate, &external.attestation) {
        (None, None) => fact.say(
            "attestation",
            "none: compare the fingerprint with the agency over another channel",
        ),
        (_, attestation) => fact.attestation(attestation.as_ref(), &statement, key),
    }
    for signed in &external.genesis {
        fact.say("genesis", &format!("{} {}", signed.group, signed.hash));
        if check_genesis(std::slice::from_ref(signed), key).is_ok() {
            let sequence = signed.attestation.sequence;
            fact.say("", &format!("attestation holds, sequence {sequence}"));
        }
    }
    if let Err(hold) = check_genesis(&external.genesis, key) {
        fact.held(hold);
    }
    if let Some(trust) = &external.trust {
        fact.say(
            "trusts",
            &format!("{} (SHA-256 of the set of chain certificates)", trust.certificates),
        );
    }
    external.wishes.iter().for_each(|wishes| fact.wishes(wishes));
    let owner = |node: &str| Some(manifests.nodes.get(node)?.spec.agency.as_str());
    if let Err(hold) = check_wishes(name, &external.wishes, key, owner) {
        fact.held(hold);
    }
    fact
}

fn of_node(name: &str, node: &Node, manifests: &NamespaceManifests, now: Timestamp) -> Fact {
    let mut fact = Fact {
        object: format!("Node/{name}"),
        ..Fact::default()
    };
    fact.say("agency", &node.spec.agency);
    let Some(external) = &node.spec.external else {
        fact.wrong("it has no spec.external: applied, it would become an own node");
        return fact;
    };
    fact.say("nodeID", external.node_id.as_deref().unwrap_or("none"));
    fact.say("address", external.address.as_deref().unwrap_or("none"));
    fact.certificate(external.certificate.as_deref(), now);
    let issuer = manifests.agencies.get(node.spec.agency.as_str());
    let issuer = issuer.and_then(|agency| agency.spec.external.as_ref()?.certificate.as_ref());
    match issuer {
        Some(issuer) => {
            let key = first(issuer).ok().and_then(|found| found.key());
            let statement = Statement::node(name, &node.spec.agency, external);
            fact.attestation(external.attestation.as_ref(), &statement, key);
        }
        None => fact.say(
            "attestation",
            "not checked: the certificate of its agency is not in this file",
        ),
    }
    let Some(pem) = &external.certificate else { return fact };
    let certified = first(pem)
        .ok()
        .and_then(|found| found.public_key)
        .map(|id| id.to_string());
    if let (Some(stated), Some(certified)) = (&external.node_id, certified)
        && !stated.eq_ignore_ascii_case(&certified)
    {
        fact.wrong(&format!("its certificate is of another nodeID: {certified}"));
    }
    if let Some(Err(error)) = issuer.map(|issuer| verify_issued_by(pem, issuer)) {
        fact.wrong(&format!(
            "its certificate is not by Agency/{}: {error}",
            node.spec.agency
        ));
    }
    fact
}

fn of_group(name: &str, group: &Group) -> Fact {
    let spec = &group.spec;
    let mut fact = Fact {
        object: format!("Group/{name}"),
        ..Fact::default()
    };
    fact.say("consortium", &spec.consortium);
    fact.say("group ID", &spec.group_id.to_string());
    fact.say("sealers", &spec.genesis.sealers.join(", "));
    match &spec.genesis.hash {
        Some(hash) => fact.say("genesis", hash),
        None => fact.wrong("spec.genesis.hash is not given: nothing pins the genesis"),
    }
    if spec.local.is_some() {
        fact.wrong("spec.local is a namespace's own business and in no bundle");
    }
    fact
}

impl Fact {
    fn say(&mut self, label: &'static str, value: &str) {
        self.facts.push((label, value.to_owned()));
    }

    fn wrong(&mut self, problem: &str) {
        self.problems.push(problem.to_owned());
    }

    fn certificate(&mut self, pem: Option<&str>, now: Timestamp) {
        let Some(pem) = pem else {
            self.say("certificate", "none");
            return;
        };
        match first(pem) {
            Ok(found) => {
                self.say("certificate", &found.fingerprint);
                self.say("until", &found.not_after.to_string());
                if !found.holds_at(now) {
                    self.wrong(&format!(
                        "its certificate holds from {} to {}",
                        found.not_before, found.not_after
                    ));
                }
            }
            Err(error) => self.wrong(&format!("its certificate: {error}")),
        }
    }

    fn attestation(&mut self, found: Option<&Attestation>, statement: &Statement<'_>, key: Option<PublicKey>) {
        let before = Before { key, newest: None };
        match check(FIELD, found, statement, before) {
            Ok(()) => {
                let sequence = found.map(|attestation| attestation.sequence).unwrap_or_default();
                self.say("attestation", &format!("holds, sequence {sequence}"));
            }
            Err(hold) => self.held(hold),
        }
    }

    fn wishes(&mut self, wishes: &SignedWishes) {
        let members = wishes.members.iter();
        let members = members.map(|it| format!("{}: {} as {:?}, change {}", wishes.group, it.node, it.role, it.change));
        let seat = wishes.seat.iter();
        let seat = seat.map(|it| format!("{}: a seat of weight {}, change {}", wishes.group, it.weight, it.change));
        let lines: Vec<String> = members.chain(seat).collect();
        lines.iter().for_each(|line| self.say("asks for", line));
    }

    fn held(&mut self, hold: Hold) {
        let (Hold::Pending(obstacle) | Hold::Wrong(obstacle)) = hold;
        self.problems.push(obstacle.message);
    }
}

fn block(fact: &Fact) -> String {
    let mut text = format!("{}\n", fact.object);
    let facts = fact.facts.iter().map(|(label, value)| (*label, value));
    for (label, value) in facts.chain(fact.problems.iter().map(|problem| ("PROBLEM", problem))) {
        for (position, line) in wrap(value, WIDTH - MARGIN).into_iter().enumerate() {
            let label = if position == 0 { label } else { "" };
            text.push_str(&format!("  {label:<width$}{line}\n", width = MARGIN - 2));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The agency certificate of the examples, which is also an authority.
    const AGENCY: &str = include_str!("../../../crds/examples/agency-external.yaml");

    fn at(text: &str, now: &str) -> Vec<Fact> {
        let namespace = Namespace::new("bundle").unwrap();
        let bundle = read::manifests("bundle.yaml", text.to_owned(), &namespace).unwrap();
        facts(&bundle, now.parse().unwrap())
    }

    fn found(text: &str) -> Vec<Fact> {
        at(text, "2027-01-01T00:00:00Z")
    }

    #[test]
    fn an_agency_s_fingerprint_and_account_are_shown() {
        let found = found(AGENCY);
        let text = block(&found[0]);
        assert!(
            text.starts_with("Agency/agency-b\n  consortium    trade\n  certificate   "),
            "{text}"
        );
        assert!(
            text.contains("account       0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f\n"),
            "{text}"
        );
        assert!(
            found[0].problems[0].contains("spec.external.attestation: found none"),
            "{text}"
        );
    }

    #[test]
    fn a_node_whose_certificate_is_another_s_is_found_out() {
        let agency: serde_json::Value = serde_yaml::from_str(AGENCY).unwrap();
        let certificate = &agency["spec"]["external"]["certificate"];
        let node = serde_json::json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": "Node", "metadata": {"name": "node-3"},
            "spec": {"agency": "agency-b", "external": {"nodeId": "6b".repeat(64), "certificate": certificate}},
        });
        let found = found(&format!("{AGENCY}---\n{node}\n"));
        let problems = found[1].problems.join("; ");
        assert!(problems.contains("of another nodeID"), "{problems}");
        let late = at(AGENCY, "2050-01-01T00:00:00Z");
        let problems = late[0].problems.join("; ");
        assert!(problems.contains("holds from"), "{problems}");
    }

    #[test]
    fn what_is_no_public_fact_is_a_problem() {
        let own = "apiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {name: a}\nspec: {consortium: trade}\n";
        assert!(found(own)[0].problems[0].contains("would become an own agency"));
    }
}
