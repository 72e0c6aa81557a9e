//! Names, extensions and moments of certificates and requests, in the order and with the criticality they always had here: an edition
//! changes keys and signatures only.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::Result;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{Any, Ia5String, ObjectIdentifier, OctetString};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME};
use x509_cert::der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{self, DateTime, Decode, Encode, EncodePem, Tag};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::Time;

use super::profile::{Profile, Role};

/// The URI under which an agency's certificate and request name its governance account, before the `0x…` address.
pub(super) const GOVERNANCE_URI: &str = "urn:althing:governance:";
/// Bytes of a key identifier (RFC 7093, method 1).
const KEY_IDENTIFIER_BYTES: usize = 20;

/// CN, O and OU, each of its own.
pub(super) fn name(profile: &Profile, common_name: &str) -> der::Result<Name> {
    let parts = [
        (COMMON_NAME, common_name),
        (ORGANIZATION_NAME, profile.organization.as_str()),
        (ORGANIZATIONAL_UNIT_NAME, profile.role.as_str()),
    ];
    let mut sequence = RdnSequence::default();
    for (oid, text) in parts {
        let value = Any::new(Tag::Utf8String, text.as_bytes())?;
        let mut part = RelativeDistinguishedName::default();
        part.insert(AttributeTypeAndValue { oid, value })?;
        sequence.push(part);
    }
    Name::from_der(&sequence.to_der()?)
}

/// A moment; none before 1970 or after the year 9999.
pub(super) fn moment(at: Timestamp) -> Option<Time> {
    let seconds = u64::try_from(at.as_second()).ok()?;
    DateTime::from_unix_duration(Duration::from_secs(seconds))
        .ok()
        .map(Time::from)
}

/// The identifier of a key: the begin of SHA-256 over its SubjectPublicKeyInfo.
pub(super) fn key_identifier(key: SubjectPublicKeyInfoRef<'_>) -> der::Result<OctetString> {
    let hash = digest(&SHA256, &key.to_der()?);
    OctetString::new(hash.as_ref().get(..KEY_IDENTIFIER_BYTES).unwrap_or_default())
}

/// What a certificate and a request say beside name and key.
pub(super) struct Contents<'a> {
    pub(super) profile: &'a Profile,
    pub(super) dns_names: &'a [String],
}

impl Contents<'_> {
    /// DNS names and the governance account, where there are any.
    pub(super) fn names(&self) -> der::Result<Option<Extension>> {
        let names = self.alternative_names()?;
        let is_given = !names.is_empty();
        is_given.then(|| extension(false, &SubjectAltName(names))).transpose()
    }

    /// What the key may sign.
    pub(super) fn usage(&self) -> der::Result<Extension> {
        extension(true, &KeyUsage(self.key_usages()))
    }

    /// On which side of TLS it stands; authorities on none.
    fn side(&self) -> der::Result<Option<Extension>> {
        let sides = self.extended_usages();
        let is_given = !sides.is_empty();
        is_given.then(|| extension(false, &ExtendedKeyUsage(sides))).transpose()
    }

    /// Whether it is an authority's.
    pub(super) fn constraints(&self) -> der::Result<Extension> {
        let path_len_constraint = match self.profile.role {
            Role::Chain => Some(1),
            Role::Agency | Role::ClientAuthority => Some(0),
            Role::Node | Role::Sdk | Role::Admin => None,
        };
        let constraints = BasicConstraints {
            ca: self.profile.role.is_ca(),
            path_len_constraint,
        };
        extension(true, &constraints)
    }

    fn alternative_names(&self) -> der::Result<Vec<GeneralName>> {
        let names = self.dns_names.iter().map(|name| -> der::Result<GeneralName> {
            match name.parse::<IpAddr>() {
                Ok(address) => Ok(GeneralName::from(address)),
                Err(_) => Ok(GeneralName::DnsName(Ia5String::new(name)?)),
            }
        });
        let account = self.profile.governance_account.iter().map(|account| {
            let uri = format!("{GOVERNANCE_URI}{account:#x}");
            Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(&uri)?))
        });
        names.chain(account).collect()
    }

    fn key_usages(&self) -> FlagSet<KeyUsages> {
        match self.profile.role {
            Role::Chain | Role::ClientAuthority => KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            Role::Agency => KeyUsages::KeyCertSign | KeyUsages::CRLSign | KeyUsages::DigitalSignature,
            Role::Node | Role::Sdk | Role::Admin => {
                KeyUsages::DigitalSignature | KeyUsages::NonRepudiation | KeyUsages::KeyEncipherment
            }
        }
    }

    fn extended_usages(&self) -> Vec<ObjectIdentifier> {
        match self.profile.role {
            Role::Chain | Role::Agency | Role::ClientAuthority => vec![],
            // A node is server and client of every other node.
            Role::Node => vec![ID_KP_SERVER_AUTH, ID_KP_CLIENT_AUTH],
            Role::Sdk | Role::Admin => vec![ID_KP_CLIENT_AUTH],
        }
    }
}

/// The begin and the end of a certificate's extensions are about keys, which only the builder knows.
pub(super) struct CertificateContents<'a> {
    pub(super) subject: Name,
    /// The issuer's name and the identifier of its key; none when the subject signs itself.
    pub(super) issuer: Option<(Name, OctetString)>,
    pub(super) contents: Contents<'a>,
}

impl BuilderProfile for CertificateContents<'_> {
    fn get_issuer(&self, subject: &Name) -> Name {
        let issuer = self.issuer.as_ref().map(|(name, _)| name);
        issuer.unwrap_or(subject).clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        subject: SubjectPublicKeyInfoRef<'_>,
        _issuer: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let mut all = vec![];
        if let Some((_, identifier)) = &self.issuer {
            let authority = AuthorityKeyIdentifier {
                key_identifier: Some(identifier.clone()),
                ..AuthorityKeyIdentifier::default()
            };
            all.push(extension(false, &authority)?);
        }
        all.extend(self.contents.names()?);
        all.push(self.contents.usage()?);
        all.extend(self.contents.side()?);
        all.push(extension(false, &SubjectKeyIdentifier(key_identifier(subject)?))?);
        all.push(self.contents.constraints()?);
        Ok(all)
    }
}

pub(super) fn extension<E: der::Encode + der::oid::AssociatedOid>(critical: bool, value: &E) -> der::Result<Extension> {
    (critical, value).to_extension(&Name::default(), &[])
}

/// In PEM.
pub(super) fn to_pem(object: &impl EncodePem) -> der::Result<String> {
    object.to_pem(LineEnding::LF)
}
