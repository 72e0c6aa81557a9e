//! Certificates: dates, chain, key.

use std::fs;
use std::path::Path;

use althing_crypto::verify_signed;
use althing_operator::pki::PrivateKey;
use althing_operator::plan::KeyPurpose;
use althing_types::NodeId;
use althing_types::config::{NetworkSecurity, parse_node_config};
use jiff::{SignedDuration, Timestamp};
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

use super::{Finding, Patient};

/// A certificate that ends sooner is worth a word: its renewal should have happened.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Bytes of a certificate or key file.
const FILE_MAX: u64 = 1024 * 1024;

pub(super) fn examine(patient: &Patient<'_>, now: Timestamp) -> Vec<Finding> {
    let folder = &patient.node.folder;
    let files = security(folder);
    let conf = folder.join(&files.data_path);
    examine_folder(patient.name(), &patient.facts.node_id, &conf, &files, now)
}

/// Which files the node reads. One whose `config.ini` cannot be read does not start, and says so itself.
fn security(folder: &Path) -> NetworkSecurity {
    let file = folder.join("config.ini");
    let config = fs::read_to_string(&file).ok();
    let config = config.and_then(|text| parse_node_config(&file.display().to_string(), &text).ok());
    config.map(|config| config.security).unwrap_or_default()
}

fn examine_folder(node: &str, node_id: &str, conf: &Path, files: &NetworkSecurity, now: Timestamp) -> Vec<Finding> {
    let [certificate, trust, secret] =
        [&files.certificate, &files.chain_certificates, &files.key].map(|name| conf.join(name));
    let (bundle, trusted, key) = match (read(node, &certificate), read(node, &trust), read(node, &secret)) {
        (Ok(bundle), Ok(trusted), Ok(key)) => (bundle, trusted, key),
        (bundle, trusted, key) => {
            return [bundle.err(), trusted.err(), key.err()].into_iter().flatten().collect();
        }
    };
    let mut findings = examine_dates(node, &certificate, &bundle, now);
    findings.extend(examine_dates(node, &trust, &trusted, now));
    findings.extend(examine_chain(node, (&certificate, &bundle), (&trust, &trusted)));
    findings.extend(examine_key(node, node_id, (&certificate, &bundle), (&secret, &key)));
    findings
}

fn read(node: &str, path: &Path) -> Result<String, Finding> {
    let length = fs::metadata(path).map(|found| found.len());
    let text = match length {
        Ok(length) if length > FILE_MAX => Err(format!("it has {length} bytes; a certificate has a few thousand")),
        Ok(_) => fs::read_to_string(path).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    text.map_err(|why| {
        let place = format!("{node}, {}", path.display());
        Finding::problem(place, "the file cannot be read", why, "althing up writes certificates again and copies the key from identities; if the key is missing there too, restore it from a copy")
    })
}

/// Calls `look` with every certificate of a file, the leaf first.
fn each(text: &str, mut look: impl FnMut(&X509Certificate<'_>)) -> Result<usize, String> {
    let mut count = 0;
    for pem in Pem::iter_from_buffer(text.as_bytes()) {
        let pem = pem.map_err(|error| error.to_string())?;
        look(&pem.parse_x509().map_err(|error| error.to_string())?);
        count += 1;
    }
    Ok(count)
}

fn examine_dates(node: &str, path: &Path, text: &str, now: Timestamp) -> Vec<Finding> {
    let place = format!("{node}, {}", path.display());
    let mut findings = Vec::new();
    let looked = each(text, |certificate| {
        let subject = certificate.subject().to_string();
        let moment =
            |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
        let (from, until) = (
            moment(certificate.validity().not_before),
            moment(certificate.validity().not_after),
        );
        let finding = match () {
            () if now > until => Finding::problem(
                &place,
                format!("the certificate of {subject} has expired"),
                format!("it ended at {until}, now is {}", seconds(now)),
                "althing up renews what is issued on this machine; an agency certificate from elsewhere must be issued anew there",
            ),
            () if now < from => Finding::problem(
                &place,
                format!("the certificate of {subject} is not valid yet"),
                format!("it begins at {from}, now is {}", seconds(now)),
                "set this machine's clock, or that of the machine that issued it",
            ),
            () if until.duration_since(now) < SOON => Finding::warning(
                &place,
                format!("the certificate of {subject} ends soon"),
                format!("it ends at {until}"),
                "run althing up: it renews at two thirds of the lifetime",
            ),
            () => return,
        };
        findings.push(finding);
    });
    match looked {
        Ok(1..) => findings,
        Ok(0) => vec![Finding::problem(
            place,
            "the file holds no certificate",
            "no PEM block is in it",
            "run althing up: it writes the file again",
        )],
        Err(why) => vec![Finding::problem(
            place,
            "the file is not a certificate",
            why,
            "run althing up: it writes the file again",
        )],
    }
}

/// A moment without what certificates do not count in.
fn seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// A certificate with the bytes it was read from, over which it is signed.
struct Read<'a> {
    der: &'a [u8],
    certificate: X509Certificate<'a>,
}

impl<'a> Read<'a> {
    fn one(pem: &'a Pem) -> Option<Self> {
        let certificate = pem.parse_x509().ok()?;
        let der = &pem.contents;
        Some(Self { der, certificate })
    }

    fn all(pems: &'a [Pem]) -> Vec<Self> {
        pems.iter().filter_map(Self::one).collect()
    }

    fn is_signed(&self, by: &Self) -> bool {
        let is_named = self.certificate.issuer() == by.certificate.subject();
        is_named && verify_signed(self.der, by.certificate.public_key().raw).is_ok()
    }
}

/// Whether the leaf leads to a trusted chain certificate.
fn examine_chain(node: &str, (path, bundle): (&Path, &str), (trust, trusted): (&Path, &str)) -> Option<Finding> {
    let [bundle, trusted] =
        [bundle, trusted].map(|text| Pem::iter_from_buffer(text.as_bytes()).flatten().collect::<Vec<_>>());
    let (certificates, roots) = (Read::all(&bundle), Read::all(&trusted));
    if roots.is_empty() {
        // Said already.
        return None;
    }
    let mut current = certificates.first()?;
    // A path is never longer than the bundle.
    for _ in 0..certificates.len() {
        if roots.iter().any(|root| current.is_signed(root)) {
            return None;
        }
        match certificates
            .iter()
            .find(|other| other.certificate.subject() != current.certificate.subject() && current.is_signed(other))
        {
            Some(issuer) => current = issuer,
            None => break,
        }
    }
    Some(Finding::problem(
        format!("{node}, {}", path.display()),
        "the certificate is of another chain",
        format!(
            "{} is issued by {}, which no certificate of {} is or signs",
            current.certificate.subject(),
            current.certificate.issuer(),
            trust.display()
        ),
        format!(
            "put the certificate of this chain in place (althing up writes it), or the right chain certificate into {}",
            trust.display()
        ),
    ))
}

/// Whether certificate, key and the node's recorded identity are one.
fn examine_key(node: &str, node_id: &str, (path, bundle): (&Path, &str), (secret, key): (&Path, &str)) -> Vec<Finding> {
    let place = |file: &Path| format!("{node}, {}", file.display());
    let file = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut findings = Vec::new();
    let key_id = match PrivateKey::from_pem(KeyPurpose::Identity, key) {
        Ok(key) => key
            .public()
            .node_id()
            .as_ref()
            .map(NodeId::to_string)
            .unwrap_or_default(),
        Err(error) => {
            return vec![Finding::problem(
                place(secret),
                "the key cannot be read",
                error.to_string(),
                format!("restore {}: althing up copies it from identities", file(secret)),
            )];
        }
    };
    let mut leaf_id = None;
    let _ = each(bundle, |certificate| {
        let point = certificate.public_key().subject_public_key.data.as_ref();
        leaf_id.get_or_insert_with(|| hex(point.get(1..).unwrap_or_default()));
    });
    if leaf_id.as_ref().is_some_and(|leaf| *leaf != key_id) {
        findings.push(Finding::problem(
            place(path),
            "the key does not match the certificate",
            format!(
                "{} is of {}…, {} of {}…",
                file(secret),
                short(&key_id),
                file(path),
                short(leaf_id.as_deref().unwrap_or_default())
            ),
            "put key and certificate of the same node together: althing up writes both from identities",
        ));
    }
    if key_id != node_id {
        findings.push(Finding::problem(
            place(secret),
            "the key is another node's",
            format!(
                "the groups know this node as {}…, the key is of {}…",
                short(node_id),
                short(&key_id)
            ),
            "restore the node's own key; a new key is a new node, which joins like one",
        ));
    }
    findings
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode(bytes)
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use althing_operator::name::{ConsortiumName, NodeName};
    use althing_operator::pki::{IssuerMaterial, Profile, Role, issue};
    use althing_operator::plan::{CertificateOrder, Identity, IssueReason, KeyKind};
    use althing_types::config::{NodeConfig, render_node_config};
    use althing_types::genesis::Cryptography;

    use super::*;

    const EDITIONS: [Cryptography; 2] = [Cryptography::Standard, Cryptography::Sm];

    /// One node of an edition.
    struct Folder {
        conf: tempfile::TempDir,
        files: NetworkSecurity,
        node_id: String,
    }

    fn key(edition: Cryptography, seed: u8) -> PrivateKey {
        let kind = KeyKind::new(KeyPurpose::Identity, edition);
        PrivateKey::generate(kind, &mut |bytes| bytes.fill(seed)).unwrap()
    }

    fn moment(year: i32) -> Timestamp {
        format!("{year}-01-01T00:00:00Z").parse().unwrap()
    }

    fn order(subject: Identity, role: Role, name: &str, (from, until): (i32, i32)) -> CertificateOrder {
        CertificateOrder {
            subject,
            issuer: Identity::first_chain_ca(ConsortiumName::new("trade").unwrap()),
            profile: Profile {
                role,
                organization: "trade".to_owned(),
                governance_account: None,
            },
            common_name: name.to_owned(),
            not_before: moment(from),
            not_after: moment(until),
            dns_names: vec![],
            request: None,
            reason: IssueReason::First,
        }
    }

    /// The chain certificate of this name over this key.
    fn chain(of: &str, key: &PrivateKey) -> String {
        let identity = Identity::first_chain_ca(ConsortiumName::new("trade").unwrap());
        let itself = IssuerMaterial { key, certificate: None };
        let order = order(identity, Role::Chain, of, (2020, 2040));
        issue(&order, &key.public(), &itself, &mut |bytes| bytes.fill(3)).unwrap()
    }

    fn folder(edition: Cryptography, trust: &str, years: (i32, i32)) -> Folder {
        let (ca, key) = (key(edition, 1), key(edition, 2));
        let issuer = chain("chain", &ca);
        let material = IssuerMaterial {
            key: &ca,
            certificate: Some(&issuer),
        };
        let node = Identity::Node(NodeName::new("node-0").unwrap());
        let order = order(node, Role::Node, "node-0", years);
        let leaf = issue(&order, &key.public(), &material, &mut |bytes| bytes.fill(4)).unwrap();
        let trusted = if trust == "chain" {
            issuer
        } else {
            chain(trust, &self::key(edition, 9))
        };
        let (conf, files) = (tempfile::tempdir().unwrap(), NetworkSecurity::of(edition));
        for (file, text) in [
            (&files.chain_certificates, &trusted),
            (&files.certificate, &leaf),
            (&files.key, &*key.to_pem()),
        ] {
            fs::write(conf.path().join(file), text).unwrap();
        }
        let node_id = key.public().node_id().unwrap().to_string();
        Folder { conf, files, node_id }
    }

    fn whats(folder: &Folder) -> Vec<String> {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let findings = examine_folder("node-0", &folder.node_id, folder.conf.path(), &folder.files, now);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn nothing_is_said_about_a_sound_node() {
        for edition in EDITIONS {
            assert_eq!(whats(&folder(edition, "chain", (2026, 2030))), [] as [String; 0]);
        }
    }

    #[test]
    fn an_expired_certificate_and_one_of_tomorrow_are_told_apart() {
        for edition in EDITIONS {
            let [expired] = &whats(&folder(edition, "chain", (2020, 2021)))[..] else {
                panic!("one thing is wrong")
            };
            assert!(
                expired.contains("CN=node-0") && expired.ends_with("has expired"),
                "{expired}"
            );
            let [early] = &whats(&folder(edition, "chain", (2027, 2030)))[..] else {
                panic!("one thing is wrong")
            };
            assert!(
                early.contains("CN=node-0") && early.ends_with("is not valid yet"),
                "{early}"
            );
        }
    }

    #[test]
    fn a_certificate_of_another_chain_is_named_also_when_the_names_are_equal() {
        for edition in EDITIONS {
            assert_eq!(
                whats(&folder(edition, "other", (2026, 2030))),
                ["the certificate is of another chain"]
            );
            let same_name = folder(edition, "chain", (2026, 2030));
            let trust = same_name.conf.path().join(&same_name.files.chain_certificates);
            fs::write(trust, chain("chain", &key(edition, 9))).unwrap();
            assert_eq!(whats(&same_name), ["the certificate is of another chain"]);
        }
    }

    #[test]
    fn a_key_that_does_not_match_is_named() {
        for edition in EDITIONS {
            let folder = folder(edition, "chain", (2026, 2030));
            let file = folder.conf.path().join(&folder.files.key);
            fs::write(&file, &*key(edition, 9).to_pem()).unwrap();
            assert_eq!(
                whats(&folder),
                ["the key does not match the certificate", "the key is another node's"]
            );
            fs::write(&file, "no key").unwrap();
            assert_eq!(whats(&folder), ["the key cannot be read"]);
            fs::remove_file(&file).unwrap();
            assert_eq!(whats(&folder), ["the file cannot be read"]);
        }
    }

    #[test]
    fn the_files_are_those_that_config_ini_names() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(security(folder.path()), NetworkSecurity::default());
        let mut config = NodeConfig::default();
        config.chain.cryptography = Cryptography::Sm;
        config.security = NetworkSecurity::of(Cryptography::Sm);
        fs::write(folder.path().join("config.ini"), render_node_config(&config).unwrap()).unwrap();
        assert_eq!(security(folder.path()), config.security);
    }
}
