//! Who a peer is: the one function both sides of a connection, our own certificate and every reload go through.
//!
//! Invariant: pure. Bytes, trust, lists and a time come in; an identity or a refusal goes out.

use althing_crypto::certificate::SM2_WITH_SM3;
use althing_crypto::{CertifiedKey, Curve, is_signature_in_der, verify_signed};
use althing_types::NodeId;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::der_parser::oid::Oid;
use x509_parser::oid_registry::OID_SIG_ECDSA_WITH_SHA256;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

use crate::api::PeerIdentity;
use crate::lists::{Blacklist, Lists, Serial};
use crate::refusal::{Direction, Refusal, RefusalReason};
use crate::trust::TrustSet;

/// The most certificates looked at in one chain.
const MAX_CHAIN: usize = 8;

/// The longest certificate looked at, bytes.
const MAX_CERTIFICATE_BYTES: usize = 16 << 10;

/// The longest common name, RFC 5280 `ub-common-name`.
const MAX_NAME_CHARS: usize = 64;

/// Decides who presents `chain` (leaf first, as in TLS), or why it is not let in.
///
/// In this order: it parses; a path leads to a root, every certificate on it within its validity and its extended usage
/// (RFC 5280 section 6, by webpki), signed with what the edition of the roots has; the leaf is a node's (not a CA,
/// `digitalSignature`, both extended usages if any, a key on the edition's curve); then the blacklist over the whole path;
/// then the whitelist. Names in certificates are not host names and are not compared with any: the identity is the key. The
/// lists come last because before the path is proven a certificate may claim anybody's name.
pub fn verify_peer(
    chain: &[CertificateDer<'_>],
    roots: &TrustSet,
    lists: &Lists,
    unix_time: u64,
    direction: Direction,
) -> Result<PeerIdentity, Refusal> {
    verify_as_of(chain, roots, lists, unix_time, unix_time, direction)
}

/// As [`verify_peer`], with the certificates' dates looked at as of when they were shown, and the roots' as of now: a chain certificate
/// that was renewed since did not hold then.
pub(crate) fn verify_as_of(
    chain: &[CertificateDer<'_>],
    roots: &TrustSet,
    lists: &Lists,
    now: u64,
    shown_at: u64,
    direction: Direction,
) -> Result<PeerIdentity, Refusal> {
    let (leaf_der, rest) = bounded(chain)?;
    let leaf = parse(leaf_der)?;
    let named = |refusal: Refusal| match key_of(&leaf) {
        Some(key) => refusal.of(NodeId::new(key.point)),
        None => refusal,
    };
    check_leaf_is_no_ca(&leaf).map_err(named)?;
    let path = check_path(leaf_der, &leaf, rest, roots, (now, shown_at), direction).map_err(named)?;
    check_leaf_usage(&leaf).map_err(named)?;
    let node_id = node_id_of(&leaf, roots.edition.curve).map_err(named)?;
    let identity = PeerIdentity {
        node_id,
        agency: path.agency().to_owned(),
        name: common_name(leaf.subject()).map_err(named)?,
        serial: Serial::new(leaf.raw_serial()),
        not_after: u64::try_from(leaf.validity().not_after.timestamp()).unwrap_or(0),
        issuer: path.issuer,
    };
    check_lists(&identity, &path, lists).map_err(named)?;
    Ok(identity)
}

/// Who a client of another listener is (JSON-RPC), as its verified certificate says: any kind of key, one usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// What the certificate is for, as its organisational unit says: `sdk`, `admin`, `node`; none when it does not say.
    pub role: Option<String>,
    /// The common name of the certificate right under the chain certificate; of the chain certificate if there is none.
    pub agency: String,
    /// The common name of the certificate itself.
    pub name: String,
    /// Its serial.
    pub serial: Serial,
    /// The last second (since 1970) of its validity.
    pub not_after: u64,
    /// The public key it was signed with, in DER: two certificates with the same one are of one agency, whatever its
    /// certificate is called or renewed to.
    pub issuer_key: Vec<u8>,
}

/// Decides who presents `chain` (leaf first) as a client of a listener that is not the peers', or why it is refused: as
/// [`verify_peer`], but the key may be of any kind, the extended usage has to allow a client only, and the whitelist,
/// which names nodes, is not asked.
pub fn verify_client(
    chain: &[CertificateDer<'_>],
    roots: &TrustSet,
    blacklist: &Blacklist,
    unix_time: u64,
) -> Result<ClientIdentity, Refusal> {
    let (leaf_der, rest) = bounded(chain)?;
    let leaf = parse(leaf_der)?;
    check_leaf_is_no_ca(&leaf)?;
    let path = check_path(leaf_der, &leaf, rest, roots, (unix_time, unix_time), Direction::Inbound)?;
    let serial = Serial::new(leaf.raw_serial());
    let node_id = key_of(&leaf).map(|key| NodeId::new(key.point));
    check_blacklist(node_id.as_ref(), &serial, &path, blacklist)?;
    Ok(ClientIdentity {
        role: one_unit(leaf.subject()),
        agency: path.agency().to_owned(),
        name: common_name(leaf.subject())?,
        serial,
        not_after: u64::try_from(leaf.validity().not_after.timestamp()).unwrap_or(0),
        issuer_key: path.issuer_key,
    })
}

/// The last second (since 1970) of a certificate's validity; 0 when it cannot be read.
pub fn not_after(certificate: &CertificateDer<'_>) -> u64 {
    let read = parse(certificate).map(|certificate| certificate.validity().not_after.timestamp());
    read.map_or(0, |end| u64::try_from(end).unwrap_or(0))
}

/// The one organisational unit of a name; several say nothing.
fn one_unit(name: &X509Name<'_>) -> Option<String> {
    let mut units = name.iter_organizational_unit();
    match (units.next(), units.next()) {
        (Some(only), None) => only.as_str().ok().map(str::to_owned),
        _ => None,
    }
}

fn bounded<'c, 'd>(
    chain: &'c [CertificateDer<'d>],
) -> Result<(&'c CertificateDer<'d>, &'c [CertificateDer<'d>]), Refusal> {
    let malformed = |detail: String| Refusal::new(RefusalReason::Malformed, detail);
    if chain.len() > MAX_CHAIN {
        return Err(malformed(format!(
            "a chain of {} certificates, accepted are {MAX_CHAIN}",
            chain.len()
        )));
    }
    if let Some(long) = chain.iter().find(|der| der.len() > MAX_CERTIFICATE_BYTES) {
        return Err(malformed(format!(
            "a certificate of {} bytes, accepted are {MAX_CERTIFICATE_BYTES}",
            long.len()
        )));
    }
    chain
        .split_first()
        .ok_or_else(|| malformed("no certificate presented".to_owned()))
}

pub(crate) fn parse<'d>(der: &'d CertificateDer<'_>) -> Result<X509Certificate<'d>, Refusal> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok((rest, _)) => Err(Refusal::new(
            RefusalReason::Malformed,
            format!("{} bytes after the certificate", rest.len()),
        )),
        Err(error) => Err(Refusal::new(
            RefusalReason::Malformed,
            format!("not an X.509 certificate ({error})"),
        )),
    }
}

/// The certificates above a leaf, as far as the lists care.
struct Path {
    root_name: String,
    /// From the leaf's issuer up: common name and serial.
    above: Vec<(String, Serial)>,
    /// The key that signed the leaf.
    issuer_key: Vec<u8>,
    /// SHA-256 of the certificate of that key; none when it is the root's.
    issuer: Option<[u8; 32]>,
}

impl Path {
    fn agency(&self) -> &str {
        self.above.last().map_or(self.root_name.as_str(), |(name, _)| name)
    }
}

/// Finds a path to a root that holds `now`, by certificates that hold at `time`, and says precisely why when there is none.
fn check_path(
    leaf_der: &CertificateDer<'_>,
    leaf: &X509Certificate<'_>,
    rest: &[CertificateDer<'_>],
    roots: &TrustSet,
    (now, time): (u64, u64),
    direction: Direction,
) -> Result<Path, Refusal> {
    let end_entity = EndEntityCert::try_from(leaf_der).map_err(|error| refuse_path(&error, leaf_der, leaf))?;
    let valid = roots.anchors_at(now);
    let algorithms = roots.edition.algorithms();
    match walk(&end_entity, rest, &valid, algorithms, time, direction) {
        Ok(path) => read_path(&path, roots, now),
        Err(error) => {
            // Trust anchors carry no dates for webpki; a path that only an outdated root completes is named so.
            let all: Vec<_> = roots.roots.iter().map(|root| root.anchor.clone()).collect();
            let outdated = if all.len() == valid.len() {
                None
            } else {
                walk(&end_entity, rest, &all, algorithms, time, direction).ok()
            };
            match outdated.and_then(|path| roots.root_of(path.anchor(), now)) {
                Some(root) => Err(refuse_dates(&root.name, root.not_before, root.not_after, now)),
                None => Err(refuse_path(&error, leaf_der, leaf)),
            }
        }
    }
}

fn walk<'p>(
    end_entity: &'p EndEntityCert<'p>,
    rest: &'p [CertificateDer<'p>],
    anchors: &'p [TrustAnchor<'p>],
    algorithms: &WebPkiSupportedAlgorithms,
    time: u64,
    direction: Direction,
) -> Result<VerifiedPath<'p>, webpki::Error> {
    let usage = match direction {
        Direction::Inbound => KeyUsage::client_auth(),
        Direction::Outbound => KeyUsage::server_auth(),
    };
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(time));
    end_entity.verify_for_usage(algorithms.all, anchors, rest, time, usage, None, None)
}

fn read_path(path: &VerifiedPath<'_>, roots: &TrustSet, time: u64) -> Result<Path, Refusal> {
    let (mut above, mut issuer_key, mut issuer) = (Vec::new(), None, None);
    for certificate in path.intermediate_certificates() {
        let der = certificate.der();
        let parsed = parse(&der)?;
        let signs = parsed
            .key_usage()
            .map_err(malformed_extension)?
            .is_none_or(|usage| usage.value.key_cert_sign());
        if !signs {
            let detail = format!(
                "the issuer {:?} has a keyUsage without keyCertSign",
                parsed.subject().to_string()
            );
            return Err(Refusal::new(RefusalReason::WrongUsage, detail));
        }
        above.push((common_name(parsed.subject())?, Serial::new(parsed.raw_serial())));
        issuer_key.get_or_insert_with(|| parsed.public_key().raw.to_vec());
        issuer.get_or_insert_with(|| sha256(&der));
    }
    let root_name = roots
        .root_of(path.anchor(), time)
        .map(|root| root.name.clone())
        .unwrap_or_default();
    let issuer_key = issuer_key.unwrap_or_else(|| path.anchor().subject_public_key_info.to_vec());
    Ok(Path {
        root_name,
        above,
        issuer_key,
        issuer,
    })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    hash
}

/// Seconds since 1970 as RFC 3339 writes them.
fn moment(seconds: u64) -> String {
    let known = i64::try_from(seconds).ok().map(OffsetDateTime::from_unix_timestamp);
    let Some(Ok(at)) = known else {
        return format!("{seconds} s after 1970");
    };
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn refuse_dates(name: &str, not_before: i64, not_after: i64, time: u64) -> Refusal {
    if i64::try_from(time).is_ok_and(|time| time < not_before) {
        let detail = format!(
            "{name:?} is valid from {}, now is {}",
            moment(u64::try_from(not_before).unwrap_or(0)),
            moment(time)
        );
        return Refusal::new(RefusalReason::NotYetValid, detail);
    }
    let detail = format!(
        "{name:?} was valid until {}, now is {}",
        moment(u64::try_from(not_after).unwrap_or(0)),
        moment(time)
    );
    Refusal::new(RefusalReason::Expired, detail)
}

fn refuse_path(error: &webpki::Error, leaf_der: &CertificateDer<'_>, leaf: &X509Certificate<'_>) -> Refusal {
    use webpki::Error as E;
    let subject = leaf.subject().to_string();
    match error {
        E::CertExpired { time, not_after } => {
            let detail = format!(
                "the certificate of {subject:?} or one above it was valid until {}, now is {}",
                moment(not_after.as_secs()),
                moment(time.as_secs())
            );
            Refusal::new(RefusalReason::Expired, detail)
        }
        E::CertNotValidYet { time, not_before } => {
            let detail = format!(
                "the certificate of {subject:?} or one above it is valid from {}, now is {}",
                moment(not_before.as_secs()),
                moment(time.as_secs())
            );
            Refusal::new(RefusalReason::NotYetValid, detail)
        }
        E::CaUsedAsEndEntity | E::EndEntityUsedAsCa | E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => {
            Refusal::new(
                RefusalReason::WrongUsage,
                format!("the certificate of {subject:?}: {error}"),
            )
        }
        E::PathLenConstraintViolated | E::NameConstraintViolation | E::UnsupportedCriticalExtension => Refusal::new(
            RefusalReason::WrongUsage,
            format!("the certificate of {subject:?}: {error}"),
        ),
        E::UnknownIssuer | E::InvalidSignatureForPublicKey if signs_itself(leaf_der, leaf) => {
            let detail = format!("{subject:?} signs itself and is none of our chain certificates");
            Refusal::new(RefusalReason::SelfSigned, detail)
        }
        E::BadDer
        | E::BadDerTime
        | E::TrailingData(_)
        | E::MalformedExtensions
        | E::ExtensionValueInvalid
        | E::UnsupportedCertVersion
        | E::InvalidSerialNumber
        | E::InvalidCertValidity => Refusal::new(
            RefusalReason::Malformed,
            format!("the certificate of {subject:?}: {error}"),
        ),
        E::InvalidSignatureForPublicKey if has_broken_signature(leaf) => Refusal::new(
            RefusalReason::MalformedSignature,
            format!("the signature of the certificate of {subject:?} is no r and s in DER"),
        ),
        E::UnsupportedSignatureAlgorithmContext(_) | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            let detail = format!(
                "the certificate of {subject:?} or one above it is signed with an algorithm that this edition does not have ({error})"
            );
            Refusal::new(RefusalReason::UnsupportedAlgorithm, detail)
        }
        _ => {
            let issuer = leaf.issuer().to_string();
            let detail =
                format!("{subject:?}, issued by {issuer:?}, leads to none of our chain certificates ({error})");
            Refusal::new(RefusalReason::ForeignChain, detail)
        }
    }
}

fn signs_itself(leaf_der: &CertificateDer<'_>, leaf: &X509Certificate<'_>) -> bool {
    leaf.subject().as_raw() == leaf.issuer().as_raw() && verify_signed(leaf_der, leaf.public_key().raw).is_ok()
}

/// Whether a signature that should be r and s is not written as such.
fn has_broken_signature(leaf: &X509Certificate<'_>) -> bool {
    let is_on_a_curve = |name: &Oid<'_>| *name == SM2_WITH_SM3 || *name == OID_SIG_ECDSA_WITH_SHA256;
    is_on_a_curve(&leaf.signature_algorithm.algorithm) && !is_signature_in_der(&leaf.signature_value.data)
}

fn malformed_extension(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        RefusalReason::Malformed,
        format!("a certificate extension cannot be read ({error})"),
    )
}

fn check_leaf_is_no_ca(leaf: &X509Certificate<'_>) -> Result<(), Refusal> {
    let ca = leaf
        .basic_constraints()
        .map_err(malformed_extension)?
        .is_some_and(|extension| extension.value.ca);
    if ca {
        let detail = format!(
            "{:?} is the certificate of a CA, accepted is a node's (CA:FALSE)",
            leaf.subject().to_string()
        );
        return Err(Refusal::new(RefusalReason::WrongUsage, detail));
    }
    Ok(())
}

/// A node answers and dials: where the extended usage is given it has to allow both. That keeps an application's or
/// an administrator's certificate, which is a client's under the same chain, from passing for a node's.
fn check_leaf_usage(leaf: &X509Certificate<'_>) -> Result<(), Refusal> {
    let wrong = |what: &str| {
        let detail = format!("the certificate of {:?} has {what}", leaf.subject().to_string());
        Err(Refusal::new(RefusalReason::WrongUsage, detail))
    };
    let usage = leaf.key_usage().map_err(malformed_extension)?;
    if usage.is_none_or(|usage| !usage.value.digital_signature()) {
        return wrong("no keyUsage with digitalSignature");
    }
    let extended = leaf.extended_key_usage().map_err(malformed_extension)?;
    if extended.is_some_and(|usage| !(usage.value.any || usage.value.server_auth && usage.value.client_auth)) {
        return wrong("an extendedKeyUsage without both serverAuth and clientAuth, as a node's has");
    }
    Ok(())
}

/// A certificate's key, where it is one of either edition's identities.
fn key_of(leaf: &X509Certificate<'_>) -> Option<CertifiedKey> {
    CertifiedKey::read(leaf.public_key().raw)
}

/// The nodeID of a certificate's key: X‖Y of an uncompressed point of this curve.
fn node_id_of(leaf: &X509Certificate<'_>, curve: Curve) -> Result<NodeId, Refusal> {
    let subject = leaf.subject().to_string();
    let found = key_of(leaf);
    let refuse = |reason, what: String| Refusal::new(reason, format!("the key of {subject:?} {what}"));
    match (found, Curve::named_in(leaf.public_key().raw)) {
        (Some(key), _) if key.curve == curve => Ok(NodeId::new(key.point)),
        (_, Some(other)) if other != curve => Err(refuse(
            RefusalReason::OtherCurve,
            format!("is on the curve {other}, that of another edition; the nodes of this one have keys on {curve}"),
        )),
        (_, Some(_)) => Err(refuse(
            RefusalReason::KeyOffCurve,
            format!("is no uncompressed point of the curve {curve}"),
        )),
        _ => Err(refuse(
            RefusalReason::WrongUsage,
            format!("is no uncompressed {curve} key"),
        )),
    }
}

/// The one common name of a distinguished name: exactly one, printable, bounded, so that lists and logs can rely on it.
pub(crate) fn common_name(name: &X509Name<'_>) -> Result<String, Refusal> {
    let malformed = |detail: String| Refusal::new(RefusalReason::Malformed, detail);
    let mut names = name.iter_common_name();
    let (Some(only), None) = (names.next(), names.next()) else {
        return Err(malformed(format!(
            "{:?} has no common name, or several",
            name.to_string()
        )));
    };
    let text = only
        .as_str()
        .map_err(|error| malformed(format!("a common name cannot be read ({error})")))?;
    if text.is_empty() || text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
        return Err(malformed(format!(
            "the common name {text:?} is empty, over {MAX_NAME_CHARS} long or not printable"
        )));
    }
    Ok(text.to_owned())
}

fn check_blacklist(
    node_id: Option<&NodeId>,
    serial: &Serial,
    path: &Path,
    blacklist: &Blacklist,
) -> Result<(), Refusal> {
    let blacklisted = |detail: String| Err(Refusal::new(RefusalReason::Blacklisted, detail));
    if let Some(node_id) = node_id.filter(|node_id| blacklist.node_ids.contains(*node_id)) {
        return blacklisted(format!("nodeID {node_id} is on the blacklist"));
    }
    let mut agencies = path.above.iter().map(|(name, _)| name.as_str()).chain([path.agency()]);
    if let Some(agency) = agencies.find(|name| blacklist.agencies.contains(*name)) {
        return blacklisted(format!("agency {agency:?} is on the blacklist"));
    }
    let mut serials = path.above.iter().map(|(_, serial)| serial).chain([serial]);
    if let Some(serial) = serials.find(|serial| blacklist.serials.contains(*serial)) {
        return blacklisted(format!("certificate serial {serial} is on the blacklist"));
    }
    Ok(())
}

fn check_lists(identity: &PeerIdentity, path: &Path, lists: &Lists) -> Result<(), Refusal> {
    check_blacklist(Some(&identity.node_id), &identity.serial, path, &lists.blacklist)?;
    if !lists.whitelist.is_empty() && !lists.whitelist.contains(&identity.node_id) {
        let detail = format!(
            "nodeID {} is not among the {} of the whitelist",
            identity.node_id,
            lists.whitelist.len()
        );
        return Err(Refusal::new(RefusalReason::NotWhitelisted, detail));
    }
    Ok(())
}
