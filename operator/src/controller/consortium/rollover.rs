//! The rollover of a chain certificate: which certificates are trusted, and which of them signs now.
//!
//! ```text
//! keys [1]        key 1 signs, everybody trusts 1
//! keys [1, 2]     everybody is given both; key 2 signs as soon as every node says that it trusts both
//!                 agencies are certified anew, and their nodes show it
//! keys [2]        key 1 goes as soon as no node shows a certificate under it any more
//! ```
//!
//! What nodes trust and show they say themselves, and their peers' word is heard from own nodes; for a node that no own node hears its
//! agency speaks, in its bundle. Who is silent blocks a step, unless `spec.trust.waivers` says until when it is not waited for. Nothing here is read from a status but which certificate signed last:
//! who may write a status can hold a step up, and add nothing to what is trusted.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{Agency, ExternalAgency};
use althing_types::{B256, NodeId};

use super::ValidatedConsortium;
use crate::controller::attestation::{self, Before, Statement};
use crate::controller::certificate::Certificate;
use crate::controller::node::external_id;
use crate::controller::{Context, Hold, Outcome};
use crate::name::{AgencyName, NodeName};
use crate::pki::{inspect, trust_hash};
use crate::plan::report::CertificateReport;
use crate::plan::{Identity, ProcessState};
use crate::status::{ObjectRef, Reason};

/// Where a consortium's chain certificates stand.
#[derive(Debug)]
pub(super) struct Rollover {
    /// Every certificate that is trusted, each once, the issuing one first.
    pub(super) trusted: Vec<Certificate>,
    /// What is waited for, in words.
    pub(super) waiting: Vec<String>,
}

/// Decides it. `own` are the registrar's certificates in the order of their keys, `former` those of older keys that no longer are in
/// the spec: of these only what somebody is under still stays, and only as long as it has not been taken out once.
pub(super) fn rollover(
    ctx: &Context<'_>,
    consortium: &ValidatedConsortium,
    own: &[Certificate],
    former: &[Certificate],
) -> Outcome<Rollover> {
    let wanted = each_once(own.iter().chain(&consortium.trusted));
    let members = Members::of(ctx, consortium, &each_once(wanted.iter().chain(former)));
    let (mut trusted, still) = members.keep(&wanted, former)?;
    let wished = wished(consortium, own, &wanted)?;
    let (issuing, not_yet) = match members.signed_last(ctx, consortium, &trusted) {
        Some(last) if consortium.registrar.is_some() && !has_same_key(last, &wished) => {
            members.succeed(last, wished, &trusted)
        }
        _ => (wished, None),
    };
    trusted.sort_by_key(|certificate| certificate.facts.fingerprint != issuing.facts.fingerprint);
    Ok(Rollover {
        trusted,
        waiting: still.into_iter().chain(not_yet).collect(),
    })
}

/// The certificate that is to sign: the named one, else the registrar's newest, else the only one.
fn wished(consortium: &ValidatedConsortium, own: &[Certificate], wanted: &[Certificate]) -> Outcome<Certificate> {
    let Some(fingerprint) = &consortium.issuing else {
        return own
            .last()
            .or_else(|| wanted.first())
            .cloned()
            .ok_or_else(|| Hold::field("spec.trust.certificates", "nothing", "at least one chain certificate"));
    };
    let named = wanted
        .iter()
        .find(|certificate| certificate.facts.fingerprint == *fingerprint);
    named.cloned().ok_or_else(|| {
        let known: Vec<_> = wanted.iter().map(|it| it.facts.fingerprint.as_str()).collect();
        let accepted = format!("the fingerprint of a trusted certificate: {}", known.join(", "));
        Hold::field("spec.trust.issuing", fingerprint, &accepted)
    })
}

fn each_once<'c>(certificates: impl Iterator<Item = &'c Certificate>) -> Vec<Certificate> {
    let mut all: Vec<Certificate> = vec![];
    for certificate in certificates {
        if all
            .iter()
            .all(|known| known.facts.fingerprint != certificate.facts.fingerprint)
        {
            all.push(certificate.clone());
        }
    }
    all
}

/// A renewal keeps name and key: whatever is under one is under the other.
fn has_same_key(one: &Certificate, other: &Certificate) -> bool {
    one.facts.public_key == other.facts.public_key && one.facts.common_name == other.facts.common_name
}

fn is_among(all: &[Certificate], certificate: &Certificate) -> bool {
    all.iter().any(|known| has_same_key(known, certificate))
}

fn short(certificate: &Certificate) -> String {
    let fingerprint = &certificate.facts.fingerprint;
    fingerprint.get(..16).unwrap_or(fingerprint).to_owned()
}

/// The first few; a consortium may have hundreds of nodes.
fn listed(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let first = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    match all.len().checked_sub(SHOWN) {
        None | Some(0) => first,
        Some(more) => format!("{first}; and {more} more"),
    }
}

/// The agencies that a step waits for, with their nodes.
struct Members<'a> {
    agencies: BTreeMap<AgencyName, Member<'a>>,
    /// What own running nodes say of themselves; none of one that does not answer.
    own: BTreeMap<NodeName, Option<CertificateReport>>,
    /// What own nodes hear from others.
    heard: BTreeMap<NodeId, CertificateReport>,
}

struct Member<'a> {
    /// The certificate that is known of it.
    certificate: Option<Certificate>,
    /// What it says itself, in its bundle, that its nodes trust and show: heard where a node is not connected to an own one.
    told: Option<CertificateReport>,
    /// Its own running nodes.
    running: Vec<&'a NodeName>,
    /// Its nodes elsewhere.
    elsewhere: Vec<(&'a NodeName, NodeId)>,
}

impl<'a> Members<'a> {
    /// `chains` are all certificates that are or were trusted: who is under none of them says nothing.
    fn of(ctx: &Context<'a>, consortium: &ValidatedConsortium, chains: &[Certificate]) -> Self {
        let shown = |node: &NodeName| ctx.observed.shown.get(node);
        let mut all = Self {
            agencies: BTreeMap::new(),
            own: BTreeMap::new(),
            heard: ctx
                .observed
                .shown
                .values()
                .flat_map(|shown| &shown.peers)
                .map(|(id, report)| (*id, *report))
                .collect(),
        };
        let agencies = ctx.manifests.agencies.iter();
        let agencies = agencies.filter(|(_, agency)| agency.spec.consortium == consortium.name.as_str());
        let waived = |agency: &AgencyName| consortium.waivers.get(agency).is_some_and(|until| ctx.now < *until);
        let revoked = |agency: &AgencyName| consortium.revocations.agencies.contains(agency.as_str());
        for (name, agency) in agencies.filter(|(name, _)| !waived(name) && !revoked(name)) {
            let external = agency.spec.external.as_ref();
            let issued = ctx.identity(&Identity::AgencyCa(name.clone()));
            let issued = issued.and_then(|issued| issued.certificate.as_deref());
            let told = external.and_then(|external| external.certificate.as_deref());
            let certificate = told.or(issued).and_then(|pem| Certificate::read(pem).ok());
            let told = external.zip(certificate.as_ref());
            let told = told.filter(|(_, certificate)| is_under(certificate, chains));
            let told = told.and_then(|(external, certificate)| told_trust(ctx, name, agency, external, certificate));
            let member = Member {
                certificate,
                told,
                running: vec![],
                elsewhere: vec![],
            };
            all.agencies.insert(name.clone(), member);
        }
        for (name, node) in &ctx.manifests.nodes {
            let Some(member) = all.agencies.get_mut(node.spec.agency.as_str()) else {
                continue;
            };
            if let Some(external) = &node.spec.external {
                let id = external_id(external).filter(|id| !consortium.revocations.node_ids.contains(id));
                member.elsewhere.extend(id.map(|id| (name, id)));
            } else if ctx
                .observed
                .processes
                .get(name)
                .is_some_and(|found| found.state != ProcessState::Stopped)
            {
                member.running.push(name);
                all.own
                    .insert(name.clone(), shown(name).and_then(|shown| shown.certificates));
            }
        }
        all
    }

    /// Whether every own running node has taken up exactly these, or, where none runs, an agency says that its nodes have: then
    /// whatever was trusted before is gone, and does not come back.
    fn all_trust_only(&self, wanted: &[Certificate]) -> bool {
        let hash = hash_of(wanted);
        let is_told = |report: &Option<CertificateReport>| report.is_some_and(|report| report.trust == hash);
        match self.own.is_empty() {
            true => self.agencies.values().any(|member| is_told(&member.told)),
            false => self.own.values().all(is_told),
        }
    }

    /// What a node elsewhere trusts and shows: as an own node hears it, else as its agency says.
    fn report(&self, member: &Member<'_>, id: &NodeId) -> Option<CertificateReport> {
        self.heard.get(id).copied().or(member.told)
    }

    /// What is trusted: what is wanted, and of the former certificates those that somebody is under still; then who that is.
    fn keep(&self, wanted: &[Certificate], former: &[Certificate]) -> Outcome<(Vec<Certificate>, Option<String>)> {
        if self.all_trust_only(wanted) {
            return Ok((wanted.to_vec(), None));
        }
        let kept: Vec<&Certificate> = former.iter().filter(|old| !is_among(wanted, old)).collect();
        if kept.is_empty() {
            self.refuse_strangers(wanted)?;
            return Ok((wanted.to_vec(), None));
        }
        let stragglers = self.stragglers(wanted);
        if stragglers.is_empty() {
            return Ok((wanted.to_vec(), None));
        }
        let fingerprints: Vec<_> = kept.iter().map(|old| short(old)).collect();
        let text = format!(
            "the old chain certificate {} is still trusted: {}",
            fingerprints.join(", "),
            listed(&stragglers)
        );
        Ok((each_once(wanted.iter().chain(kept)), Some(text)))
    }

    /// Which of two signs: the wished one as soon as everybody trusts it; until then the last one, and who is waited for.
    fn succeed(
        &self,
        last: &Certificate,
        wished: Certificate,
        trusted: &[Certificate],
    ) -> (Certificate, Option<String>) {
        let unaware = self.unaware(trusted);
        if unaware.is_empty() {
            return (wished, None);
        }
        let text = format!(
            "the new chain certificate {} does not sign yet: {}",
            short(&wished),
            listed(&unaware)
        );
        (last.clone(), Some(text))
    }

    /// The nodes that do not say that they trust exactly these.
    fn unaware(&self, trusted: &[Certificate]) -> Vec<String> {
        let hash = hash_of(trusted);
        let own = self.own.iter().filter_map(|(node, report)| match report {
            Some(report) if report.trust == hash => None,
            Some(_) => Some(format!("{node} has not taken it up yet")),
            None => Some(format!("{node} has not said what it trusts")),
        });
        let elsewhere = self.agencies.iter().flat_map(|(agency, member)| {
            let nodes = member.elsewhere.iter();
            nodes.filter_map(move |(node, id)| match self.report(member, id) {
                Some(report) if report.trust == hash => None,
                Some(_) => Some(format!("{node} of {agency} trusts another set of chain certificates")),
                None => Some(silent(node, agency)),
            })
        });
        own.chain(elsewhere).collect()
    }

    /// The agencies that are not certified under any of these, and the nodes that do not show their agency's certificate yet.
    fn stragglers(&self, wanted: &[Certificate]) -> Vec<String> {
        let with_nodes = self.agencies.iter().filter(|(_, member)| member.has_nodes());
        let mut found = vec![];
        for (agency, member) in with_nodes {
            match member.certificate.as_ref().filter(|it| is_under(it, wanted)) {
                Some(certificate) => found.extend(self.late(agency, member, certificate)),
                None => found.push(format!("{agency} has no certificate under a newer one")),
            }
        }
        found
    }

    fn late(&self, agency: &AgencyName, member: &Member<'_>, certificate: &Certificate) -> Vec<String> {
        let fingerprint = certificate.facts.fingerprint.parse::<B256>().ok();
        let own = member.running.iter().filter_map(|node| {
            let shows = self.own.get(*node).copied().flatten().and_then(|report| report.issuer);
            (shows.is_none() || shows != fingerprint).then(|| format!("{node} shows an older certificate of {agency}"))
        });
        let elsewhere = member
            .elsewhere
            .iter()
            .filter_map(|(node, id)| match self.report(member, id) {
                Some(report) if report.issuer.is_some() && report.issuer == fingerprint => None,
                Some(_) => Some(format!("{node} shows an older certificate of {agency}")),
                None => Some(silent(node, agency)),
            });
        own.chain(elsewhere).collect()
    }

    /// Where the chain keys are elsewhere, or a person brings them, nothing remembers a certificate that was taken out of the spec: as
    /// long as that would make strangers of nodes that are connected now, everything stays as it is.
    fn refuse_strangers(&self, wanted: &[Certificate]) -> Outcome<()> {
        let is_connected = |member: &Member<'_>| {
            !member.running.is_empty() || member.elsewhere.iter().any(|(_, id)| self.heard.contains_key(id))
        };
        let strangers = self.agencies.iter().filter(|(_, member)| is_connected(member));
        let strangers = strangers.filter(|(_, member)| {
            let certificate = member.certificate.as_ref();
            certificate.is_some_and(|certificate| !is_under(certificate, wanted))
        });
        let names: Vec<String> = strangers.map(|(agency, _)| agency.to_string()).collect();
        match names.is_empty() {
            true => Ok(()),
            false => Err(Hold::pending(
                Reason::RolloverWaits,
                format!(
                    "spec.trust.certificates: the certificate of {} is under none of them, and its nodes are connected; nothing is \
                     changed until the chain certificate it is under is listed again, it has a new one, or spec.trust.waivers names it",
                    names.join(", ")
                ),
            )),
        }
    }

    /// The certificate that signed last: as the status says, else as the agencies' certificates do.
    fn signed_last<'c>(
        &self,
        ctx: &Context<'_>,
        consortium: &ValidatedConsortium,
        trusted: &'c [Certificate],
    ) -> Option<&'c Certificate> {
        let facts = ctx.facts(&ObjectRef::Consortium(consortium.name.clone()));
        let told = facts.and_then(|facts| facts.fingerprint.as_ref());
        let told = told.and_then(|told| trusted.iter().find(|it| it.facts.fingerprint == *told));
        told.or_else(|| {
            let mut certificates = self.agencies.values().filter_map(|member| member.certificate.as_ref());
            let signed = |certificate: &Certificate| {
                let mut trusted = trusted.iter();
                trusted.find(|it| inspect::verify_issued_by(&certificate.pem, &it.pem).is_ok())
            };
            certificates.find_map(signed)
        })
    }
}

impl Member<'_> {
    const fn has_nodes(&self) -> bool {
        !self.running.is_empty() || !self.elsewhere.is_empty()
    }
}

/// What an agency says of all its nodes, when its key stands behind it. Whoever may write a manifest here could say anything.
fn told_trust(
    ctx: &Context<'_>,
    name: &AgencyName,
    agency: &Agency,
    external: &ExternalAgency,
    certificate: &Certificate,
) -> Option<CertificateReport> {
    let trust = external.trust.as_ref()?;
    let known = ctx.facts(&ObjectRef::Agency(name.clone()));
    let before = Before {
        key: certificate.facts.key(),
        newest: known.and_then(|facts| facts.attestation.as_ref()),
    };
    let statement = Statement::agency(name.as_str(), &agency.spec.consortium, external);
    attestation::check(attestation::FIELD, external.attestation.as_ref(), &statement, before).ok()?;
    Some(CertificateReport {
        trust: trust.certificates.parse().ok()?,
        issuer: trust.issuer.parse().ok(),
    })
}

fn silent(node: &NodeName, agency: &AgencyName) -> String {
    format!(
        "{node} of {agency} is silent: a new bundle of {agency} can speak for it, spec.trust.waivers can end the waiting"
    )
}

fn is_under(certificate: &Certificate, wanted: &[Certificate]) -> bool {
    let mut wanted = wanted.iter();
    wanted.any(|it| inspect::verify_issued_by(&certificate.pem, &it.pem).is_ok())
}

fn hash_of(certificates: &[Certificate]) -> B256 {
    trust_hash(certificates.iter().map(|it| it.pem.as_str()))
}
