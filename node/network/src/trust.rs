//! The chain certificates a node trusts, read from PEM.

use althing_crypto::Curve;
use ring::digest::{Context, SHA256};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use crate::edition::TlsEdition;
use crate::settings::{PemText, SettingsError};
use crate::verify::{common_name, parse};

/// One chain certificate.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) anchor: TrustAnchor<'static>,
    pub(crate) name: String,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl Root {
    fn read(der: &CertificateDer<'static>, edition: &TlsEdition) -> Result<Self, String> {
        let certificate = parse(der).map_err(|refusal| refusal.detail)?;
        if !certificate.is_ca() {
            return Err("basicConstraints without CA:TRUE".to_owned());
        }
        let curve = Curve::named_in(certificate.public_key().raw);
        if let Some(curve) = curve.filter(|curve| *curve != edition.curve) {
            let wanted = edition.curve;
            return Err(format!(
                "its key is on the curve {curve}, that of another edition; this one has {wanted}"
            ));
        }
        let anchor = webpki::anchor_from_trusted_cert(der)
            .map_err(|error| error.to_string())?
            .to_owned();
        Ok(Self {
            anchor,
            name: common_name(certificate.subject()).map_err(|refusal| refusal.detail)?,
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
        })
    }
}

/// The chain certificates a node trusts: one, or several while a chain certificate rolls over.
#[derive(Debug, Clone)]
pub struct TrustSet {
    pub(crate) roots: Vec<Root>,
    pub(crate) edition: TlsEdition,
    hash: [u8; 32],
}

impl TrustSet {
    /// Reads every certificate of every file; each has to be a CA's, and none of another edition.
    pub fn from_pem(files: &[PemText], edition: &TlsEdition) -> Result<Self, SettingsError> {
        let mut ders: Vec<CertificateDer<'static>> = Vec::new();
        let mut roots = Vec::new();
        for file in files {
            for (index, der) in certificates(file)?.into_iter().enumerate() {
                if ders.contains(&der) {
                    continue;
                }
                let root = Root::read(&der, edition).map_err(|found| SettingsError::Root {
                    file: file.file().to_owned(),
                    number: index + 1,
                    found,
                })?;
                roots.push(root);
                ders.push(der);
            }
        }
        if roots.is_empty() {
            return Err(SettingsError::NoRoots);
        }
        Ok(Self {
            roots,
            edition: edition.clone(),
            hash: hash_of(ders),
        })
    }

    /// SHA-256 over the certificates in ascending byte order, each after its length (4 bytes, big-endian).
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    pub(crate) fn anchors_at(&self, time: u64) -> Vec<TrustAnchor<'static>> {
        let valid = |root: &&Root| time_within(root, time);
        self.roots
            .iter()
            .filter(valid)
            .map(|root| root.anchor.clone())
            .collect()
    }

    /// The chain certificate an anchor came from, preferring one that is valid at `time`: a renewal keeps name and key.
    pub(crate) fn root_of(&self, anchor: &TrustAnchor<'_>, time: u64) -> Option<&Root> {
        let same = |root: &&Root| {
            root.anchor.subject == anchor.subject
                && root.anchor.subject_public_key_info == anchor.subject_public_key_info
        };
        let mut all = self.roots.iter().filter(same);
        let first = all.next()?;
        if time_within(first, time) {
            Some(first)
        } else {
            all.find(|root| time_within(root, time)).or(Some(first))
        }
    }
}

fn time_within(root: &Root, time: u64) -> bool {
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    (root.not_before..=root.not_after).contains(&time)
}

fn hash_of(mut ders: Vec<CertificateDer<'static>>) -> [u8; 32] {
    ders.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    let mut context = Context::new(&SHA256);
    for der in &ders {
        context.update(&u32::try_from(der.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(der);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Every certificate of a PEM file, at least one.
pub(crate) fn certificates(file: &PemText) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let bad = |found: String| SettingsError::Pem {
        file: file.file().to_owned(),
        found,
        accepted: "one or several PEM blocks `-----BEGIN CERTIFICATE-----`",
    };
    let ders: Vec<_> = CertificateDer::pem_slice_iter(file.bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| bad(format!("broken PEM ({error})")))?;
    if ders.is_empty() {
        Err(bad("no certificate".to_owned()))
    } else {
        Ok(ders)
    }
}
