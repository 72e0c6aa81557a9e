//! Reading a namespace's folder: public facts only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::layout::Layout;
use super::supervise::Supervisor;
use super::{LocalError, durable, keys, record};
use crate::name::{AgencyName, ChainKeyName, GroupName, Namespace, NodeName};
use crate::plan::{FileDigest, FileRef, Identity, IdentityKind, KeyState, Observed, ObservedFile, ObservedIdentity};

/// Everything a plan of the namespace depends on.
pub(super) fn observe(supervisor: &Supervisor, namespace: &Namespace) -> Result<Observed, LocalError> {
    let layout = &supervisor.layout;
    let processes = record::all(layout, namespace)?;
    let processes = processes
        .iter()
        .map(|found| (found.process.node.clone(), supervisor.observe(found)))
        .collect();
    Ok(Observed {
        identities: identities(layout, namespace)?,
        genesis: genesis(layout, namespace)?,
        files: files(layout, namespace)?,
        data: data(layout, namespace)?,
        processes,
        statuses: durable::read_json(&layout.statuses(namespace))?.unwrap_or_default(),
        ..Observed::default()
    })
}

/// The identity a folder is of; none when its name is no name.
fn identity_of(kind: IdentityKind, owner: &str) -> Option<Identity> {
    let agency = || AgencyName::new(owner).ok();
    match kind {
        IdentityKind::ChainCa => ChainKeyName::try_from(owner.to_owned()).ok().map(Identity::ChainCa),
        IdentityKind::AgencyCa => agency().map(Identity::AgencyCa),
        IdentityKind::Governance => agency().map(Identity::Governance),
        IdentityKind::Sdk => agency().map(Identity::Sdk),
        IdentityKind::Admin => agency().map(Identity::Admin),
        IdentityKind::Node => NodeName::new(owner).ok().map(Identity::Node),
        IdentityKind::ClientAuthority => agency().map(Identity::ClientAuthority),
        IdentityKind::Listener => NodeName::new(owner).ok().map(Identity::Listener),
    }
}

fn identities(layout: &Layout, namespace: &Namespace) -> Result<BTreeMap<Identity, ObservedIdentity>, LocalError> {
    let mut found = BTreeMap::new();
    for kind in IdentityKind::ALL {
        let folder = layout.identities(namespace).join(kind.as_str());
        for owner in durable::entries(&folder)? {
            let Some(identity) = identity_of(kind, &owner) else {
                continue;
            };
            let observed = ObservedIdentity {
                key: key_state(layout, namespace, &identity)?,
                certificate: durable::read_text(&layout.certificate(namespace, &identity))?,
                request: durable::read_text(&layout.request(namespace, &identity))?,
                trusted: None,
                attestations: durable::read_text(&layout.attestations(namespace, &identity))?,
            };
            if observed != ObservedIdentity::default() {
                found.insert(identity, observed);
            }
        }
    }
    Ok(found)
}

fn key_state(layout: &Layout, namespace: &Namespace, identity: &Identity) -> Result<KeyState, LocalError> {
    Ok(
        match durable::read(&layout.key(namespace, identity))?.map(Zeroizing::new) {
            None => KeyState::Missing,
            Some(bytes) => match keys::public_half(identity.purpose(), &bytes) {
                Ok(public) => KeyState::Present(public),
                Err(why) => KeyState::Unreadable(why),
            },
        },
    )
}

fn genesis(layout: &Layout, namespace: &Namespace) -> Result<BTreeMap<GroupName, String>, LocalError> {
    let folder = layout.all_genesis(namespace);
    let mut found = BTreeMap::new();
    for name in durable::entries(&folder)? {
        let group = name.strip_suffix(".json").and_then(|group| GroupName::new(group).ok());
        if let (Some(group), Some(text)) = (group, durable::read_text(&folder.join(&name))?) {
            found.insert(group, text);
        }
    }
    Ok(found)
}

fn nodes(layout: &Layout, namespace: &Namespace) -> Result<Vec<NodeName>, LocalError> {
    Ok(durable::entries(&layout.nodes(namespace))?
        .into_iter()
        .filter_map(|name| NodeName::new(name).ok())
        .collect())
}

fn data(layout: &Layout, namespace: &Namespace) -> Result<BTreeSet<NodeName>, LocalError> {
    let has_data = |node: &NodeName| layout.data(namespace, node).is_dir();
    Ok(nodes(layout, namespace)?.into_iter().filter(has_data).collect())
}

/// The folders below a node's whose files a plan may name.
const FOLDERS: [&str; 3] = ["", "conf", "conf/origin_cert"];

/// The files a plan may name.
fn files(layout: &Layout, namespace: &Namespace) -> Result<BTreeMap<FileRef, ObservedFile>, LocalError> {
    let mut found = BTreeMap::new();
    for node in nodes(layout, namespace)? {
        let folder = layout.node(namespace, &node);
        let own = OwnKeys::read(layout, namespace, &node)?;
        for below in FOLDERS {
            for name in durable::entries(&folder.join(below))? {
                let path = Path::new(below).join(&name);
                if folder.join(&path).is_dir() {
                    continue;
                }
                let at = FileRef {
                    node: node.clone(),
                    path: path.to_string_lossy().into_owned(),
                };
                found.insert(at, own.observe(&folder.join(&path)));
            }
        }
    }
    Ok(found)
}

/// The keys that may be in a node's folder.
struct OwnKeys(Vec<(Identity, Zeroizing<Vec<u8>>)>);

impl OwnKeys {
    fn read(layout: &Layout, namespace: &Namespace, node: &NodeName) -> Result<Self, LocalError> {
        let mut keys = Vec::new();
        for identity in [Identity::Node, Identity::Listener].map(|kind| kind(node.clone())) {
            if let Some(key) = durable::read(&layout.key(namespace, &identity))? {
                keys.push((identity, Zeroizing::new(key)));
            }
        }
        Ok(Self(keys))
    }

    /// What a file is, in the plan's terms. One that cannot be read is to be written again, which then says why it cannot be.
    fn observe(&self, path: &Path) -> ObservedFile {
        let Ok(Some(bytes)) = durable::read(path).map(|bytes| bytes.map(Zeroizing::new)) else {
            return ObservedFile::Other;
        };
        let private = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0);
        if let Some((identity, _)) = self.0.iter().find(|(_, key)| *key == bytes) {
            return match private {
                true => ObservedFile::PrivateKey(identity.clone()),
                false => ObservedFile::Other,
            };
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => ObservedFile::Text(FileDigest::of(text)),
            Err(_) => ObservedFile::Other,
        }
    }
}
