//! Findings → statuses: what every object came to, said once.

mod group;
mod node;

use std::collections::BTreeMap;
use std::iter;

use jiff::Timestamp;

use crate::controller::agency::AgencyFacts;
use crate::controller::certificate::Certificate;
use crate::controller::consortium::{ChainFacts, RevocationList};
use crate::controller::{Context, Hold, Outcome, progress};
use crate::governance::Agreement;
use crate::name::{AgencyName, ConsortiumName, GroupName};
use crate::namespace::{Findings, Runs};
use crate::pki::request;
use crate::plan::disruption::Scene;
use crate::plan::{Disruption, Identity, Step};
use crate::status::{
    ConditionType, Facts, Finding, ObjectRef, ObjectStatus, Reason, Truth, conditions, progress_findings,
};

/// Everything statuses are made of.
pub(crate) struct Report<'a> {
    pub(crate) ctx: &'a Context<'a>,
    pub(crate) findings: &'a Findings,
    pub(crate) runs: &'a Runs,
    pub(crate) scene: &'a Scene,
    pub(crate) agreements: &'a BTreeMap<GroupName, Agreement>,
    pub(crate) disruptions: &'a [Disruption],
    pub(crate) steps: &'a [Step],
}

impl Report<'_> {
    /// The statuses of all objects of the namespace.
    pub(crate) fn statuses(&self) -> Vec<ObjectStatus> {
        let findings = self.findings;
        let consortiums = findings.chains.iter().map(|(name, chain)| self.consortium(name, chain));
        let agencies = findings.agencies.iter().map(|(name, agency)| self.agency(name, agency));
        let groups = findings.groups.iter().map(|(name, group)| self.group(name, group));
        let nodes = findings.nodes.iter().map(|(name, node)| self.node(name, node));
        consortiums.chain(agencies).chain(groups).chain(nodes).collect()
    }

    pub(super) fn status(
        &self,
        object: ObjectRef,
        generation: Option<i64>,
        found: Vec<Finding>,
        facts: Facts,
    ) -> ObjectStatus {
        let before = self.ctx.observed.statuses.iter().find(|status| status.object == object);
        let before = before.map(|status| status.conditions.as_slice()).unwrap_or_default();
        ObjectStatus {
            conditions: conditions(&found, before, generation, self.ctx.now),
            object,
            facts,
        }
    }

    /// The facts written last: what was known once is not forgotten when an object is held.
    pub(super) fn known(&self, object: &ObjectRef) -> Facts {
        self.ctx.facts(object).cloned().unwrap_or_default()
    }

    /// Whether all of an object's certificates hold, and the first end of them.
    pub(super) fn certificates(&self, all: &[&Certificate]) -> (Finding, Option<Timestamp>) {
        let expired = all.iter().find(|it| !it.facts.holds_at(self.ctx.now));
        let first = all.iter().min_by_key(|it| it.facts.not_after);
        let (truth, reason) = match expired {
            None => (Truth::True, Reason::CertificatesCurrent),
            Some(_) => (Truth::False, Reason::CertificateExpired),
        };
        let told = expired.or(first).map(|told| &told.facts);
        let text = told.map_or_else(String::new, |facts| {
            format!("the certificate holds from {} to {}", facts.not_before, facts.not_after)
        });
        let end = first.map(|first| first.facts.not_after);
        (Finding::new(ConditionType::CertificatesValid, truth, reason, text), end)
    }

    pub(super) fn no_certificate() -> Finding {
        let text = "there is no usable certificate yet";
        Finding::new(
            ConditionType::CertificatesValid,
            Truth::Unknown,
            Reason::NotObserved,
            text,
        )
    }

    fn consortium(&self, name: &ConsortiumName, chain: &Outcome<ChainFacts>) -> ObjectStatus {
        let object = ObjectRef::Consortium(name.clone());
        let mut found = progress_findings(&progress(chain)).to_vec();
        let mut facts = self.known(&object);
        match chain {
            Ok(chain) => {
                let (valid, end) = self.certificates(&[&chain.issuing]);
                found.push(valid);
                facts.certificate = Some(chain.issuing.pem.clone());
                facts.fingerprint = Some(chain.issuing.facts.fingerprint.clone());
                facts.revocations = self.findings.signed.revocations.get(name).cloned();
                facts.trusted = chain.trusted.iter().map(|trusted| trusted.pem.clone()).collect();
                facts.certificate_not_after = end;
            }
            Err(_) => found.push(Self::no_certificate()),
        }
        found.extend(self.trust_in_sync(name));
        let generation = self
            .ctx
            .manifests
            .consortiums
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }

    /// Whether the nodes follow what is trusted and what is no more.
    fn trust_in_sync(&self, name: &ConsortiumName) -> Option<Finding> {
        let chain = self.findings.chains.get(name)?.as_ref().ok()?;
        let revoked = &self.findings.cut_offs.get(name)?.waiting;
        let (reason, waiting) = match chain.waiting.is_empty() {
            true => (Reason::RevocationWaits, revoked.clone()),
            false => (Reason::RolloverWaits, [chain.waiting.as_slice(), revoked].concat()),
        };
        let (truth, reason, text) = match waiting.is_empty() {
            true => (Truth::True, Reason::InSync, trusted(chain)),
            false => (Truth::False, reason, waiting.join("; ")),
        };
        Some(Finding::new(ConditionType::InSync, truth, reason, text))
    }

    fn agency(&self, name: &AgencyName, agency: &Outcome<AgencyFacts>) -> ObjectStatus {
        let object = ObjectRef::Agency(name.clone());
        let held = agency.as_ref().ok().and_then(|agency| agency.held.clone());
        let progress = held.map_or_else(|| progress(agency), Hold::progress);
        let mut found = progress_findings(&progress).to_vec();
        let mut facts = self.known(&object);
        if let Some(account) = self.findings.accounts.get(name) {
            facts.governance_account = Some(*account);
        }
        let observed = self.ctx.identity(&Identity::AgencyCa(name.clone()));
        if let Some(pem) = observed.and_then(|observed| observed.request.as_ref()) {
            facts.csr_fingerprint = request::verify(pem).ok().map(|request| request.fingerprint);
            facts.certificate_signing_request = Some(pem.clone());
        }
        match agency {
            Ok(agency) => {
                let authority = agency.client_authority.as_ref();
                let all: Vec<_> = iter::once(&agency.certificate).chain(authority).collect();
                let (valid, end) = self.certificates(&all);
                found.push(valid);
                facts.certificate = Some(agency.certificate.pem.clone());
                facts.client_authority = authority.map(|certificate| certificate.pem.clone());
                facts.certificate_not_after = end;
                let signed = match agency.is_own {
                    true => self.findings.signed.agencies.get(name).cloned(),
                    false => agency.attestation.clone().map(|it| (it, None)),
                };
                // What is not signed yet leaves the one before, and with it the sequence, in sight.
                if let Some((attestation, trust)) = signed {
                    (facts.attestation, facts.trust) = (Some(attestation), trust);
                }
            }
            Err(_) => found.push(Self::no_certificate()),
        }
        let generation = self
            .ctx
            .manifests
            .agencies
            .get(name)
            .and_then(|object| object.metadata.generation);
        self.status(object, generation, found, facts)
    }
}

fn trusted(chain: &ChainFacts) -> String {
    let signs = chain.issuing.facts.fingerprint.get(..16).unwrap_or_default();
    let mut text = vec![match chain.trusted.len() {
        1 => format!("the chain certificate {signs} is trusted"),
        several => format!("{several} chain certificates are trusted, {signs} signs"),
    }];
    if chain.consortium.revocations != RevocationList::default() {
        text.push("who is revoked is cut off".to_owned());
    }
    text.join("; ")
}
