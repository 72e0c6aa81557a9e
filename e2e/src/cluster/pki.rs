//! The cluster's keys: one authority, a certificate for each of its servers, and one for each of its clients.

use std::net::Ipv4Addr;

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// How long a test cluster's certificates last: longer than any test, too short to rely on.
const VALIDITY: Duration = Duration::days(30);
/// How far back they start, for clocks that run behind.
const GRACE: Duration = Duration::hours(1);

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub(super) struct Credential {
    /// The certificate.
    pub(super) certificate: String,
    /// Its private key, PKCS#8.
    pub(super) key: String,
}

/// The certificate authority of one cluster.
pub(super) struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// The key pair with which the API server signs the tokens of service accounts.
pub(super) struct TokenKey {
    /// PKCS#8, PEM.
    pub(super) private: String,
    /// SubjectPublicKeyInfo, PEM.
    pub(super) public: String,
}

impl Authority {
    /// A new one.
    pub(super) fn new(cluster: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("make the authority's key")?;
        let mut params = params(&format!("{cluster} cluster authority"), &[], &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).context("sign the authority")?.pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    /// What everybody trusts, PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// For a server that is dialled by these names and addresses.
    pub(super) fn server(&self, name: &str, names: &[&str], addresses: &[Ipv4Addr]) -> anyhow::Result<Credential> {
        let mut alternatives: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        alternatives.extend(addresses.iter().map(Ipv4Addr::to_string));
        self.issue(name, &[], &alternatives, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For a client: `user` in these groups, as the API server reads common name and organisations.
    pub(super) fn client(&self, user: &str, groups: &[&str]) -> anyhow::Result<Credential> {
        self.issue(user, groups, &[], ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        name: &str,
        groups: &[&str],
        alternatives: &[String],
        usage: ExtendedKeyUsagePurpose,
    ) -> anyhow::Result<Credential> {
        let key = KeyPair::generate().with_context(|| format!("make the key of {name}"))?;
        let mut params = params(name, groups, alternatives)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer);
        Ok(Credential {
            certificate: certificate.with_context(|| format!("sign {name}"))?.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl TokenKey {
    /// A new one.
    pub(super) fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("make the key for tokens")?;
        Ok(Self {
            private: key.serialize_pem(),
            public: key.public_key_pem(),
        })
    }
}

fn params(name: &str, groups: &[&str], alternatives: &[String]) -> anyhow::Result<CertificateParams> {
    let mut params =
        CertificateParams::new(alternatives.to_vec()).with_context(|| format!("names of {name}: {alternatives:?}"))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    for &group in groups {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    let now = OffsetDateTime::now_utc();
    params.not_before = now - GRACE;
    params.not_after = now + VALIDITY;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T>(pem: &str, look: impl FnOnce(&x509_parser::certificate::X509Certificate<'_>) -> T) -> T {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        look(&pem.parse_x509().unwrap())
    }

    #[test]
    fn a_client_is_the_user_and_group_that_its_certificate_names() {
        let authority = Authority::new("blue").unwrap();
        let admin = authority.client("admin", &["system:masters"]).unwrap();
        parse(authority.certificate(), |issuer| {
            parse(&admin.certificate, |certificate| {
                assert_eq!(certificate.subject().to_string(), "CN=admin, O=system:masters");
                certificate.verify_signature(Some(issuer.public_key())).unwrap();
                let usage = certificate.extended_key_usage().unwrap().unwrap().value;
                assert!(usage.client_auth && !usage.server_auth);
            });
        });
    }

    #[test]
    fn a_server_answers_by_every_name_it_is_dialled_by() {
        let authority = Authority::new("blue").unwrap();
        let server = authority
            .server("kube-apiserver", &["kubernetes.default.svc"], &[Ipv4Addr::LOCALHOST])
            .unwrap();
        parse(&server.certificate, |certificate| {
            let names = &certificate
                .subject_alternative_name()
                .unwrap()
                .unwrap()
                .value
                .general_names;
            assert_eq!(names.len(), 2, "{names:?}");
        });
    }
}
