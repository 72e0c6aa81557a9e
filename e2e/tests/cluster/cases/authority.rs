//! Keys and certificates that cases make themselves: those of other parties, and those that time would have made.

use althing_operator::controller::attestation::Statement;
use althing_operator::pki::key::KeyError;
use althing_operator::pki::{IssuerMaterial, PrivateKey, Profile, Role, inspect, issue};
use althing_operator::plan::{
    AttestationOrder, Attestations, CertificateOrder, Identity, IssueReason, KeyKind, KeyPurpose, PublicKey,
};
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

/// The organisation of all cases' certificates: the consortium.
const CONSORTIUM: &str = "trade";

/// Somebody who signs.
#[derive(Debug)]
pub(super) struct Authority {
    key: PrivateKey,
    /// Its certificate in PEM.
    pub(super) certificate: String,
}

impl Authority {
    /// A chain of its own.
    pub(super) fn chain() -> anyhow::Result<Self> {
        let key = key()?;
        let order = order(Role::Chain, CONSORTIUM, vec![])?;
        let issuer = IssuerMaterial {
            key: &key,
            certificate: None,
        };
        let certificate = issue(&order, &key.public(), &issuer, &mut entropy)?;
        Ok(Self { key, certificate })
    }

    /// One whose key and certificate are in these texts.
    pub(super) fn of(key: &str, certificate: &str) -> anyhow::Result<Self> {
        Ok(Self {
            key: PrivateKey::from_pem(KeyPurpose::Identity, key)?,
            certificate: certificate.to_owned(),
        })
    }

    /// An agency under it.
    pub(super) fn agency(&self, name: &str) -> anyhow::Result<Self> {
        let key = key()?;
        let certificate = self.sign(&order(Role::Agency, name, vec![])?, &key.public())?;
        Ok(Self { key, certificate })
    }

    /// The certificate of a node under it, and the node's identity.
    pub(super) fn node(&self, name: &str) -> anyhow::Result<(String, String)> {
        let key = key()?.public();
        let id = key.node_id().context("an identity")?;
        let certificate = self.sign(&order(Role::Node, name, vec![name.to_owned()])?, &key)?;
        Ok((certificate, id.to_string()))
    }

    /// The same certificate as if it had been issued `age` ago: all that differs is its dates and its serial.
    pub(super) fn aged(&self, certificate: &str, age: SignedDuration) -> anyhow::Result<String> {
        let facts = inspect::first(certificate)?;
        let role = facts.role.context("a role")?;
        let mut order = order(role, &facts.common_name, facts.dns_names.clone())?;
        order.profile.organization = facts.organization.clone();
        order.profile.governance_account = facts.governance_account;
        order.not_before = facts.not_before.checked_sub(age)?;
        order.not_after = facts.not_after.checked_sub(age)?;
        self.sign(&order, &facts.key().context("a key")?)
    }

    /// Its signature over what it gives to others; the first.
    fn attestation(&self, statement: &Statement<'_>) -> anyhow::Result<Value> {
        let object = statement.object();
        let order = AttestationOrder {
            signer: Identity::AgencyCa(CONSORTIUM.to_owned().try_into()?),
            before: Attestations::default(),
            unsigned: vec![statement.unsigned(1)],
        };
        let signed = order.carried_out(&self.key)?;
        let attested = signed.0.get(&object).context("what was signed")?;
        Ok(json!(attested.attestation()))
    }

    /// Itself as somebody else's agency.
    pub(super) fn as_external(&self, name: &str) -> anyhow::Result<Value> {
        let mut external = json!({"certificate": self.certificate});
        let typed = serde_json::from_value(external.clone())?;
        external["attestation"] = self.attestation(&Statement::agency(name, CONSORTIUM, &typed))?;
        Ok(external)
    }

    /// A node of it, as somebody else's, with these facts.
    pub(super) fn node_as_external(&self, name: &str, agency: &str, facts: &Value) -> anyhow::Result<Value> {
        let mut external = facts.clone();
        let typed = serde_json::from_value(external.clone())?;
        external["attestation"] = self.attestation(&Statement::node(name, agency, &typed))?;
        Ok(external)
    }

    fn sign(&self, order: &CertificateOrder, subject: &PublicKey) -> anyhow::Result<String> {
        let issuer = IssuerMaterial {
            key: &self.key,
            certificate: Some(&self.certificate),
        };
        Ok(issue(order, subject, &issuer, &mut entropy)?)
    }
}

fn key() -> Result<PrivateKey, KeyError> {
    PrivateKey::generate(KeyKind::P256, &mut entropy)
}

fn entropy(bytes: &mut [u8]) {
    // Without randomness a key is refused, and the case fails.
    let _ = SystemRandom::new().fill(bytes);
}

/// What goes into a certificate that begins now. Whose it is matters to error messages only.
fn order(role: Role, name: &str, dns_names: Vec<String>) -> anyhow::Result<CertificateOrder> {
    let subject = Identity::first_chain_ca(CONSORTIUM.to_owned().try_into()?);
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    Ok(CertificateOrder {
        subject: subject.clone(),
        issuer: subject,
        profile: Profile {
            role,
            organization: CONSORTIUM.to_owned(),
            governance_account: (role == Role::Agency).then(|| [7; 20].into()),
        },
        common_name: name.to_owned(),
        not_before: now.checked_sub(SignedDuration::from_mins(5))?,
        not_after: now.checked_add(role.validity())?,
        dns_names,
        request: None,
        reason: IssueReason::First,
    })
}
