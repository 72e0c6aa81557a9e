//! Certificates: dates, chain, key.

use std::fs;
use std::path::Path;

use althing_crypto::{StandardSuite, Suite};
use jiff::{SignedDuration, Timestamp};
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

use super::{Finding, Patient};

/// A certificate that ends sooner is worth a word: its renewal should have happened.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Bytes of a certificate or key file.
const FILE_MAX: u64 = 1024 * 1024;

pub(super) fn examine(patient: &Patient<'_>, now: Timestamp) -> Vec<Finding> {
    examine_folder(
        patient.name(),
        &patient.facts.node_id,
        &patient.node.folder.join("conf"),
        now,
    )
}

fn examine_folder(node: &str, node_id: &str, conf: &Path, now: Timestamp) -> Vec<Finding> {
    let read = |name: &str| read(node, &conf.join(name));
    let (bundle, trusted, key) = match (read("node.crt"), read("ca.crt"), read("node.key")) {
        (Ok(bundle), Ok(trusted), Ok(key)) => (bundle, trusted, key),
        (bundle, trusted, key) => {
            return [bundle.err(), trusted.err(), key.err()].into_iter().flatten().collect();
        }
    };
    let mut findings = examine_dates(node, &conf.join("node.crt"), &bundle, now);
    findings.extend(examine_dates(node, &conf.join("ca.crt"), &trusted, now));
    findings.extend(examine_chain(node, &conf.join("node.crt"), &bundle, &trusted));
    findings.extend(examine_key(node, node_id, conf, &bundle, &key));
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

/// Whether the leaf leads to a trusted chain certificate.
fn examine_chain(node: &str, path: &Path, bundle: &str, trusted: &str) -> Option<Finding> {
    let bundle: Vec<Pem> = Pem::iter_from_buffer(bundle.as_bytes()).flatten().collect();
    let trusted: Vec<Pem> = Pem::iter_from_buffer(trusted.as_bytes()).flatten().collect();
    let parse = |pems: &'_ [Pem]| -> usize { pems.iter().filter(|pem| pem.parse_x509().is_ok()).count() };
    if parse(&bundle) == 0 || parse(&trusted) == 0 {
        // Said already.
        return None;
    }
    let certificates: Vec<X509Certificate<'_>> = bundle.iter().filter_map(|pem| pem.parse_x509().ok()).collect();
    let roots: Vec<X509Certificate<'_>> = trusted.iter().filter_map(|pem| pem.parse_x509().ok()).collect();
    let is_signed = |one: &X509Certificate<'_>, by: &X509Certificate<'_>| {
        one.issuer() == by.subject() && one.verify_signature(Some(by.public_key())).is_ok()
    };
    let mut current = certificates.first()?;
    // A path is never longer than the bundle.
    for _ in 0..certificates.len() {
        if roots.iter().any(|root| is_signed(current, root)) {
            return None;
        }
        match certificates
            .iter()
            .find(|other| other.subject() != current.subject() && is_signed(current, other))
        {
            Some(issuer) => current = issuer,
            None => break,
        }
    }
    Some(Finding::problem(
        format!("{node}, {}", path.display()),
        "the certificate is of another chain",
        format!(
            "{} is issued by {}, which no certificate of conf/ca.crt is or signs",
            current.subject(),
            current.issuer()
        ),
        "put the certificate of this chain in place (althing up writes it), or the right chain certificate into ca.crt",
    ))
}

/// Whether certificate, key and the node's recorded identity are one.
fn examine_key(node: &str, node_id: &str, conf: &Path, bundle: &str, key: &str) -> Vec<Finding> {
    let place = |file: &str| format!("{node}, {}", conf.join(file).display());
    let mut findings = Vec::new();
    let key_id = match StandardSuite.node_key(key) {
        Ok(key) => hex(&key.public_key()),
        Err(error) => {
            let advice = "restore node.key: althing up copies it from identities";
            return vec![Finding::problem(
                place("node.key"),
                "the key cannot be read",
                error.to_string(),
                advice,
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
            place("node.crt"),
            "the key does not match the certificate",
            format!(
                "node.key is of {}…, node.crt of {}…",
                short(&key_id),
                short(leaf_id.as_deref().unwrap_or_default())
            ),
            "put key and certificate of the same node together: althing up writes both from identities",
        ));
    }
    if key_id != node_id {
        findings.push(Finding::problem(
            place("node.key"),
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
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    struct Folder {
        conf: tempfile::TempDir,
        node_id: String,
    }

    fn name(params: &mut CertificateParams, name: &str) {
        params.distinguished_name.push(DnType::CommonName, name);
    }

    fn chain(of: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        name(&mut params, of);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn folder(trust: &str, days: (i32, i32)) -> Folder {
        let issuer = chain("chain");
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        name(&mut params, "node-0");
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(days.0, 1, 1), rcgen::date_time_ymd(days.1, 1, 1));
        let leaf = params.signed_by(&key, &issuer).unwrap();
        let conf = tempfile::tempdir().unwrap();
        let trusted = if trust == "chain" {
            issuer.pem()
        } else {
            chain(trust).pem()
        };
        for (file, text) in [
            ("ca.crt", trusted),
            ("node.crt", leaf.pem()),
            ("node.key", key.serialize_pem()),
        ] {
            fs::write(conf.path().join(file), text).unwrap();
        }
        let node_id = hex(key.public_key_raw().get(1..).unwrap());
        Folder { conf, node_id }
    }

    fn whats(folder: &Folder) -> Vec<String> {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let findings = examine_folder("node-0", &folder.node_id, folder.conf.path(), now);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn nothing_is_said_about_a_sound_node() {
        assert_eq!(whats(&folder("chain", (2026, 2030))), [] as [String; 0]);
    }

    #[test]
    fn an_expired_certificate_and_one_of_tomorrow_are_told_apart() {
        assert_eq!(
            whats(&folder("chain", (2020, 2021))),
            ["the certificate of CN=node-0 has expired"]
        );
        assert_eq!(
            whats(&folder("chain", (2027, 2030))),
            ["the certificate of CN=node-0 is not valid yet"]
        );
    }

    #[test]
    fn a_certificate_of_another_chain_is_named_also_when_the_names_are_equal() {
        assert_eq!(
            whats(&folder("other", (2026, 2030))),
            ["the certificate is of another chain"]
        );
        let same_name = folder("chain", (2026, 2030));
        fs::write(same_name.conf.path().join("ca.crt"), chain("chain").pem()).unwrap();
        assert_eq!(whats(&same_name), ["the certificate is of another chain"]);
    }

    #[test]
    fn a_key_that_does_not_match_is_named() {
        let folder = folder("chain", (2026, 2030));
        fs::write(
            folder.conf.path().join("node.key"),
            KeyPair::generate().unwrap().serialize_pem(),
        )
        .unwrap();
        assert_eq!(
            whats(&folder),
            ["the key does not match the certificate", "the key is another node's"]
        );
        fs::write(folder.conf.path().join("node.key"), "no key").unwrap();
        assert_eq!(whats(&folder), ["the key cannot be read"]);
        fs::remove_file(folder.conf.path().join("node.key")).unwrap();
        assert_eq!(whats(&folder), ["the file cannot be read"]);
    }
}
