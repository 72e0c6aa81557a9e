//! The sovereign form: a registrar in one namespace, an agency in another, public facts between them.

use althing_crds::v1alpha1::Revocations;
use althing_operator::manifest::{Manifests, SourceFile};
use althing_operator::name::AgencyName;
use althing_operator::pki::{IssuerMaterial, Profile, Role, issue, request};
use althing_operator::plan::{CertificateOrder, Identity, IssueReason, NamespacePlan};
use althing_operator::status::{ConditionType, Facts, ObjectRef, Reason};

use crate::support::{EDITION, MemoryEdge, changed, manifests, now};

fn file(text: String) -> SourceFile {
    SourceFile {
        name: "test.yaml".into(),
        text,
    }
}

fn indent(pem: &str, by: usize) -> String {
    pem.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

fn registrar(agency_d: &str, admit: &str) -> Manifests {
    let text = format!(
        "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {{name: trade, namespace: hub}}\nspec:\n  chainId: 20260\n  cryptography: {EDITION}\n  registrar:\n    managed: {{}}\n{admit}{agency_d}"
    );
    manifests(&[file(text)])
}

fn sovereign(chain: &str, certificate: Option<&str>) -> Manifests {
    let certificate = certificate
        .map(|pem| format!("  certificate: |\n{}", indent(pem, 4)))
        .unwrap_or_default();
    let text = format!(
        "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {{name: trade, namespace: home}}\nspec:\n  chainId: 20260\n  cryptography: {EDITION}\n  trust:\n    certificates:\n    - |\n{}---\napiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: agency-d, namespace: home}}\nspec:\n  consortium: trade\n{certificate}",
        indent(chain, 6)
    );
    manifests(&[file(text)])
}

fn facts(plan: &NamespacePlan, object: &ObjectRef) -> Facts {
    plan.statuses
        .iter()
        .find(|status| status.object == *object)
        .unwrap()
        .facts
        .clone()
}

fn reason(plan: &NamespacePlan, object: &ObjectRef) -> Reason {
    let status = plan.statuses.iter().find(|status| status.object == *object).unwrap();
    status.condition(ConditionType::Ready).unwrap().reason
}

fn agency_d() -> ObjectRef {
    ObjectRef::Agency(AgencyName::new("agency-d").unwrap())
}

#[test]
fn an_agency_whose_chain_key_is_elsewhere_gets_its_certificate_by_request() {
    let (mut hub, mut home) = (
        MemoryEdge::default(),
        MemoryEdge {
            draws: 1000,
            ..MemoryEdge::default()
        },
    );
    let (_, plan) = hub.converge(&registrar("", ""), "hub", now());
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let chain = facts(&plan, &consortium).certificate.unwrap();

    let (steps, plan) = home.converge(&sovereign(&chain, None), "home", now());
    assert!(
        !steps.iter().any(|step| step.contains("chain-ca")),
        "the chain key is not here: {steps:#?}"
    );
    assert_eq!(reason(&plan, &agency_d()), Reason::AwaitingCertificate);
    let asked = facts(&plan, &agency_d());
    let request = asked.certificate_signing_request.unwrap();

    let external = format!(
        "---\napiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: agency-d, namespace: hub}}\nspec:\n  consortium: trade\n  external:\n    certificateSigningRequest: |\n{}",
        indent(&request, 6)
    );
    let (steps, plan) = hub.converge(&registrar(&external, ""), "hub", now());
    assert!(steps.is_empty(), "nobody is signed who is not admitted: {steps:#?}");
    assert_eq!(reason(&plan, &agency_d()), Reason::AwaitingCertificate);
    let wrong = format!(
        "    admit: [{{agency: agency-d, csrFingerprint: \"{}\"}}]\n",
        "0".repeat(64)
    );
    let (steps, _) = hub.converge(&registrar(&external, &wrong), "hub", now());
    assert!(steps.is_empty(), "nor who is admitted with another request: {steps:#?}");
    let admit = format!(
        "    admit: [{{agency: agency-d, csrFingerprint: \"{}\"}}]\n",
        asked.csr_fingerprint.unwrap()
    );
    let (steps, plan) = hub.converge(&registrar(&external, &admit), "hub", now());
    assert_eq!(
        steps,
        ["issue certificate of agency-ca/agency-d by chain-ca/trade", "--"]
    );
    let answer = facts(&plan, &agency_d());
    assert_eq!(
        answer.governance_account, asked.governance_account,
        "the account came through the request"
    );

    let (steps, plan) = home.converge(&sovereign(&chain, answer.certificate.as_deref()), "home", now());
    assert!(
        steps.contains(&"keep certificate of agency-ca/agency-d".to_owned()),
        "{steps:#?}"
    );
    assert_eq!(reason(&plan, &agency_d()), Reason::Done);
    let sdk = Identity::Sdk(AgencyName::new("agency-d").unwrap());
    assert!(
        home.observed.identities[&sdk].certificate.is_some(),
        "and issues its own from now on"
    );
}

/// What an authority signs that changes the subject and keeps of the request nothing but its key.
fn signed_elsewhere(authority: &mut MemoryEdge, request: &str) -> String {
    let chain = Identity::first_chain_ca("trade".to_owned().try_into().unwrap());
    let order = CertificateOrder {
        subject: Identity::AgencyCa(AgencyName::new("agency-d").unwrap()),
        issuer: chain.clone(),
        profile: Profile {
            role: Role::Agency,
            organization: "An SM Authority".to_owned(),
            governance_account: None,
        },
        common_name: "Subordinate 7".to_owned(),
        not_before: now(),
        not_after: now() + Role::Sdk.validity(),
        dns_names: vec![],
        request: None,
        reason: IssueReason::First,
    };
    let issuer = IssuerMaterial {
        key: &authority.keys[&chain],
        certificate: authority.observed.identities[&chain].certificate.as_deref(),
    };
    let subject = request::verify(request).unwrap().key();
    issue(&order, &subject, &issuer, &mut |bytes| bytes.fill(7)).unwrap()
}

#[test]
fn an_answer_that_names_no_account_is_taken_and_the_agency_s_own_is_told() {
    let mut authority = MemoryEdge::default();
    let (_, plan) = authority.converge(&registrar("", ""), "hub", now());
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let chain = facts(&plan, &consortium).certificate.unwrap();
    let mut home = MemoryEdge {
        draws: 1000,
        ..MemoryEdge::default()
    };
    let (_, plan) = home.converge(&sovereign(&chain, None), "home", now());
    let asked = facts(&plan, &agency_d());
    let answer = signed_elsewhere(&mut authority, &asked.certificate_signing_request.unwrap());
    let (_, plan) = home.converge(&sovereign(&chain, Some(&answer)), "home", now());
    assert_eq!(reason(&plan, &agency_d()), Reason::Done);
    let told = facts(&plan, &agency_d());
    assert!(told.governance_account.is_some());
    assert_eq!(told.governance_account, asked.governance_account);
}

#[test]
fn an_answer_of_another_chain_or_for_another_key_stalls_the_agency() {
    let (mut hub, mut other) = (
        MemoryEdge::default(),
        MemoryEdge {
            draws: 500,
            ..MemoryEdge::default()
        },
    );
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let chain_of = |edge: &mut MemoryEdge| {
        let (_, plan) = edge.converge(&registrar("", ""), "hub", now());
        facts(&plan, &consortium).certificate.unwrap()
    };
    let (chain, foreign) = (chain_of(&mut hub), chain_of(&mut other));
    let mut home = MemoryEdge {
        draws: 1000,
        ..MemoryEdge::default()
    };
    for (answer, expected) in [(&foreign, Reason::CertificateInvalid), (&chain, Reason::InvalidSpec)] {
        let (_, plan) = home.converge(&sovereign(&chain, Some(answer)), "home", now());
        let status = plan.statuses.iter().find(|status| status.object == agency_d()).unwrap();
        assert!(status.is(ConditionType::Stalled));
        assert_eq!(reason(&plan, &agency_d()), expected);
    }
}

#[test]
fn the_registrars_list_is_signed_for_other_namespaces_and_refused_with_any_entry_changed() {
    let mut hub = MemoryEdge::default();
    let id = "ab".repeat(64);
    let list = format!(
        "  revocations:\n    sequence: 3\n    nodeIds: [\"{id}\"]\n    agencies: [agency-x]\n    serials: [\"1f\"]\n"
    );
    let (steps, plan) = hub.converge(&registrar("", &list), "hub", now());
    assert!(
        steps.contains(&"attest for chain-ca/trade: Consortium/trade".to_owned()),
        "{steps:#?}"
    );
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let told = facts(&plan, &consortium);
    let (chain, signed) = (told.certificate.unwrap(), told.revocations.unwrap());
    let (steps, _) = hub.converge(&registrar("", &list), "hub", now());
    assert!(steps.is_empty(), "it is signed once: {steps:#?}");

    let taken = |list: &Revocations| {
        let all = changed(&sovereign(&chain, None), "home", |namespace| {
            let consortium = namespace.consortiums.values_mut().next().unwrap();
            consortium.spec.revocations = Some(list.clone());
        });
        let plan = MemoryEdge::default().plan(&all, "home", now());
        reason(&plan, &consortium)
    };
    assert_eq!(taken(&signed), Reason::Done);
    let changes: [fn(&mut Revocations); 6] = [
        |list| list.sequence += 1,
        |list| list.node_ids.clear(),
        |list| list.agencies.push("agency-y".to_owned()),
        |list| list.serials[0] = "2f".to_owned(),
        |list| list.force = true,
        |list| list.signature = Some("0".repeat(128)),
    ];
    for change in changes {
        let mut other = signed.clone();
        change(&mut other);
        assert_eq!(taken(&other), Reason::InvalidSpec, "{other:?}");
    }
}

/// The hub with agency D admitted, and D's home with the answer taken in; D's facts.
fn admitted() -> (MemoryEdge, String, Facts) {
    let (mut hub, mut home) = (
        MemoryEdge::default(),
        MemoryEdge {
            draws: 1000,
            ..MemoryEdge::default()
        },
    );
    let consortium = ObjectRef::Consortium("trade".to_owned().try_into().unwrap());
    let chain = facts(&hub.converge(&registrar("", ""), "hub", now()).1, &consortium)
        .certificate
        .unwrap();
    let asked = facts(&home.converge(&sovereign(&chain, None), "home", now()).1, &agency_d());
    let admit = format!(
        "    admit: [{{agency: agency-d, csrFingerprint: \"{}\"}}]\n",
        asked.csr_fingerprint.unwrap()
    );
    let request = asked.certificate_signing_request.unwrap();
    let external = format!("    certificateSigningRequest: |\n{}", indent(&request, 6));
    let plan = hub.converge(&registrar(&external_d(&external), &admit), "hub", now()).1;
    let answer = facts(&plan, &agency_d()).certificate.unwrap();
    let plan = home.converge(&sovereign(&chain, Some(&answer)), "home", now()).1;
    (hub, admit, facts(&plan, &agency_d()))
}

fn external_d(external: &str) -> String {
    format!(
        "---\napiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: agency-d, namespace: hub}}\nspec:\n  consortium: trade\n  external:\n{external}"
    )
}

/// What D's bundle says of it once it has a certificate.
fn told_d(told: &Facts) -> String {
    let attestation = told.attestation.as_ref().unwrap();
    external_d(&format!(
        "    certificate: |\n{}    certificateSigningRequest: |\n{}    governanceAccount: \"{}\"\n    attestation: {{sequence: {}, signature: \"{}\"}}\n",
        indent(told.certificate.as_ref().unwrap(), 6),
        indent(told.certificate_signing_request.as_ref().unwrap(), 6),
        told.governance_account.unwrap(),
        attestation.sequence,
        attestation.signature,
    ))
}

#[test]
fn the_registrar_renews_the_certificate_of_an_agency_whose_bundle_carries_the_present_one() {
    let (mut hub, admit, told) = admitted();
    let all = registrar(&told_d(&told), &admit);
    let (steps, plan) = hub.converge(&all, "hub", now());
    assert!(steps.is_empty(), "it holds: {steps:#?}");
    assert_eq!(reason(&plan, &agency_d()), Reason::Done);
    let later = now() + jiff::SignedDuration::from_hours(3 * 365 * 24);
    let (steps, plan) = hub.converge(&all, "hub", later);
    assert!(
        steps.contains(&"issue certificate of agency-ca/agency-d by chain-ca/trade".to_owned()),
        "{steps:#?}"
    );
    let renewed = facts(&plan, &agency_d()).certificate;
    assert!(
        renewed.is_some() && renewed != told.certificate,
        "it is told for D to take home"
    );
    assert_eq!(reason(&plan, &agency_d()), Reason::Done);
}

#[test]
fn a_request_beside_a_certificate_that_nobody_admitted_is_not_answered() {
    let (_, _, told) = admitted();
    let (mut stranger, _, _) = admitted();
    let later = now() + jiff::SignedDuration::from_hours(3 * 365 * 24);
    let (steps, plan) = stranger.converge(&registrar(&told_d(&told), ""), "hub", later);
    assert!(
        !steps.iter().any(|step| step.contains("agency-ca/agency-d")),
        "{steps:#?}"
    );
    assert_eq!(reason(&plan, &agency_d()), Reason::Done);
}

/// What the registrar says of a request under a name: the steps, the reason and the sentence.
fn told_of(name: &str, request: &str, fingerprint: &str) -> (Vec<String>, Reason, String) {
    let external = format!(
        "---\napiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: {name}, namespace: hub}}\nspec:\n  consortium: trade\n  external:\n    certificateSigningRequest: |\n{}",
        indent(request, 6)
    );
    let admit = format!("    admit: [{{agency: {name}, csrFingerprint: \"{fingerprint}\"}}]\n");
    let mut hub = MemoryEdge::default();
    hub.converge(&registrar("", ""), "hub", now());
    let (steps, plan) = hub.converge(&registrar(&external, &admit), "hub", now());
    let object = ObjectRef::Agency(AgencyName::new(name).unwrap());
    let status = plan.statuses.iter().find(|status| status.object == object).unwrap();
    let ready = status.condition(ConditionType::Ready).unwrap();
    (steps, ready.reason, ready.message.clone())
}

#[test]
fn a_request_for_somebody_else_s_name_is_not_signed_although_its_fingerprint_was_admitted() {
    let (_, _, told) = admitted();
    let (request, fingerprint) = (told.certificate_signing_request.unwrap(), told.csr_fingerprint.unwrap());
    let (steps, _, _) = told_of("agency-d", &request, &fingerprint);
    assert!(
        steps.iter().any(|step| step.contains("agency-ca/agency-d")),
        "{steps:#?}"
    );
    let (steps, reason, message) = told_of("agency-e", &request, &fingerprint);
    assert!(
        !steps.iter().any(|step| step.contains("agency-ca")),
        "nobody gets a certificate: {steps:#?}"
    );
    assert_eq!(reason, Reason::InvalidSpec, "{message}");
    for part in ["spec.external.certificateSigningRequest", "\"agency-d\"", "agency-e"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_request_that_was_swapped_in_a_bundle_is_refused_with_the_bundle() {
    let (mut hub, admit, told) = admitted();
    let plan = hub.converge(&registrar(&told_d(&told), &admit), "hub", now()).1;
    assert_eq!(reason(&plan, &agency_d()), Reason::Done);
    // Another agency of the same name asks, and somebody who writes to Git puts its request in.
    let mut other = MemoryEdge {
        draws: 5000,
        ..MemoryEdge::default()
    };
    let chain = facts(&plan, &ObjectRef::Consortium("trade".to_owned().try_into().unwrap())).certificate;
    let asked = facts(
        &other.converge(&sovereign(&chain.unwrap(), None), "home", now()).1,
        &agency_d(),
    );
    let swapped = Facts {
        certificate_signing_request: asked.certificate_signing_request,
        ..told
    };
    let (steps, plan) = hub.converge(&registrar(&told_d(&swapped), &admit), "hub", now());
    assert!(steps.is_empty(), "{steps:#?}");
    assert_eq!(reason(&plan, &agency_d()), Reason::AttestationInvalid);
}
