//! What Secrets hold, as far as planning asks: public halves of keys, certificates, requests. Read when their version is new,
//! remembered until it changes; of a key only the public half is remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

use althing_operator::controller::consortium;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::pki::PrivateKey;
use althing_operator::plan::{Identity, KeyState};
use althing_operator::status::ObjectRef;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;

use crate::apply::{WriteError, Writer};
use crate::names::{self, label};
use crate::world::{Entry, Item, Kind, SecretFacts, Shelf};

/// Reads on their way at the same time.
const SIDE_BY_SIDE: usize = 16;

/// The names of the files a key may be in: the operator's own, and that of a pair bought from a certificate authority.
const KEY_FILES: [&str; 2] = [names::KEY_FILE, "tls.key"];
/// The certificate of a bought pair.
pub const BOUGHT_CERTIFICATE_FILE: &str = "tls.crt";

/// Where the key of an identity is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// The Secret.
    pub secret: String,
    /// Whether a person brought it (`spec.registrar.secretName`): then it is read, and never labelled or made.
    pub is_brought: bool,
}

/// Every identity whose key belongs to the namespace, and where its key is.
pub fn key_places(manifests: &NamespaceManifests) -> BTreeMap<Identity, KeyPlace> {
    let own = |identity: Identity| {
        let place = KeyPlace {
            secret: names::key_secret(&identity),
            is_brought: false,
        };
        (identity, place)
    };
    let chains = manifests.consortiums.iter().flat_map(|(name, object)| {
        let registrar = object.spec.registrar.as_ref();
        let brought = registrar.and_then(|registrar| registrar.secret_name.as_ref());
        let brought = brought.map(|secret| KeyPlace {
            secret: secret.clone(),
            is_brought: true,
        });
        let keys = consortium::known_chain_keys(name, registrar).into_iter().map(own);
        keys.map(move |(identity, made)| (identity, brought.clone().unwrap_or(made)))
    });
    let agencies = manifests
        .agencies
        .iter()
        .filter(|(_, object)| object.spec.external.is_none());
    let agencies = agencies.flat_map(|(name, _)| manifests.keys_of_agency(name).map(own));
    let nodes = manifests
        .nodes
        .iter()
        .filter(|(_, object)| object.spec.external.is_none());
    let nodes = nodes.flat_map(|(name, _)| {
        let identities = iter::once(Identity::Node(name.clone())).chain(manifests.listener(name));
        identities.map(own)
    });
    chains.chain(agencies).chain(nodes).collect()
}

/// The text files of a Secret that holds nothing private.
pub type PublicFiles = BTreeMap<String, String>;

/// What was found in the Secrets of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Keys, by identity.
    pub keys: BTreeMap<Identity, KeyState>,
    /// Everything else, by the name of the Secret.
    pub public: BTreeMap<String, Arc<PublicFiles>>,
    /// The certificate beside a key that a person brought.
    pub bought: BTreeMap<Identity, String>,
    /// Identities whose Secret is not there.
    pub missing: Vec<Identity>,
}

/// Remembers what was read.
#[derive(Debug, Default)]
pub struct Secrets {
    known: Mutex<HashMap<(String, String), Remembered>>,
}

#[derive(Clone, Debug)]
struct Remembered {
    uid: String,
    resource_version: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// As this identity's: two objects may want one Secret, and what it is to one it is not to the other.
    Key(Identity, FoundKey),
    Public(Arc<PublicFiles>),
}

#[derive(Clone, Debug)]
struct FoundKey {
    state: KeyState,
    bought: Option<String>,
}

impl Secrets {
    fn remembered(&self, namespace: &str, entry: &Entry) -> Option<Content> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&(namespace.to_owned(), entry.name.clone()))?;
        let is_it = found.uid == entry.uid && found.resource_version == entry.resource_version;
        is_it.then(|| found.content.clone())
    }

    /// What is remembered of a key, if it was read as this identity's.
    fn remembered_key(&self, namespace: &str, entry: &Entry, identity: &Identity) -> Option<FoundKey> {
        match self.remembered(namespace, entry)? {
            Content::Key(of, found) if of == *identity => Some(found),
            Content::Key(..) | Content::Public(_) => None,
        }
    }

    fn remember(&self, namespace: &str, entry: &Entry, content: Content) {
        let remembered = Remembered {
            uid: entry.uid.clone(),
            resource_version: entry.resource_version.clone(),
            content,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((namespace.to_owned(), entry.name.clone()), remembered);
    }

    /// Forgets what is not in the namespace any more.
    pub fn forget(&self, namespace: &str, shelf: &Shelf) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, name), _| of != namespace || shelf.contains_key(&(Kind::Secret, name.clone())));
    }

    /// The keys in these places and the files of every public Secret of the namespace.
    ///
    /// A key that the watch does not show is asked for by name: the watch may lag behind, and a Secret that a person restored
    /// may lack the labels it selects by. One that is found so is given its labels.
    pub async fn read(
        &self,
        writer: &Writer,
        namespace: &str,
        shelf: &Shelf,
        places: &BTreeMap<Identity, KeyPlace>,
    ) -> Result<Contents, WriteError> {
        let mut contents = Contents::default();
        let keys = places.iter().map(|(identity, place)| async move {
            (
                identity.clone(),
                self.key(writer, namespace, shelf, identity, place).await,
            )
        });
        let mut keys = stream::iter(keys.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
        while let Some((identity, found)) = keys.next().await {
            match found? {
                None => contents.missing.push(identity),
                Some(found) => {
                    contents.bought.extend(found.bought.map(|pem| (identity.clone(), pem)));
                    contents.keys.insert(identity, found.state);
                }
            }
        }
        drop(keys);
        let private: BTreeSet<&str> = places.values().map(|place| place.secret.as_str()).collect();
        let public = shelf.iter().filter_map(|((kind, name), entry)| {
            (*kind == Kind::Secret && !private.contains(name.as_str()) && is_certificate(entry)).then_some(entry)
        });
        let public =
            public.map(|entry| async move { (entry.name.clone(), self.public(writer, namespace, entry).await) });
        let mut public = stream::iter(public.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
        while let Some((name, files)) = public.next().await {
            if let Some(files) = files? {
                contents.public.insert(name, files);
            }
        }
        Ok(contents)
    }

    async fn key(
        &self,
        writer: &Writer,
        namespace: &str,
        shelf: &Shelf,
        identity: &Identity,
        place: &KeyPlace,
    ) -> Result<Option<FoundKey>, WriteError> {
        let watched = shelf.get(&(Kind::Secret, place.secret.clone()));
        if let Some(found) = watched.and_then(|entry| self.remembered_key(namespace, entry, identity)) {
            return Ok(Some(found));
        }
        let Some(secret) = writer.secret(namespace, &place.secret).await? else {
            return Ok(None);
        };
        let entry = Entry::of(&secret.metadata, Item::Secret(SecretFacts::of(&secret.metadata)));
        let found = FoundKey {
            state: key_state(identity, place, &secret),
            bought: place
                .is_brought
                .then(|| texts(&secret).remove(BOUGHT_CERTIFICATE_FILE))
                .flatten(),
        };
        let is_adopted = place.is_brought || watched.is_some() || is_labelled(&secret, identity);
        if matches!(found.state, KeyState::Present(_)) && !is_adopted {
            crate::apply::adopt_key(writer, namespace, identity, &entry).await?;
        }
        self.remember(namespace, &entry, Content::Key(identity.clone(), found.clone()));
        Ok(Some(found))
    }

    async fn public(
        &self,
        writer: &Writer,
        namespace: &str,
        entry: &Entry,
    ) -> Result<Option<Arc<PublicFiles>>, WriteError> {
        if let Some(Content::Public(files)) = self.remembered(namespace, entry) {
            return Ok(Some(files));
        }
        let Some(secret) = writer.secret(namespace, &entry.name).await? else {
            return Ok(None);
        };
        let files = Arc::new(texts(&secret));
        let read = Entry::of(&secret.metadata, Item::Secret(SecretFacts::of(&secret.metadata)));
        self.remember(namespace, &read, Content::Public(Arc::clone(&files)));
        Ok(Some(files))
    }
}

/// The readable text of a Secret's files.
pub fn texts(secret: &Secret) -> PublicFiles {
    let data = secret.data.iter().flatten();
    let text = |(name, bytes): (&String, &k8s_openapi::ByteString)| {
        Some((name.clone(), String::from_utf8(bytes.0.clone()).ok()?))
    };
    data.filter_map(text).collect()
}

/// Whether the Secret was made for certificates. Whatever else a person labelled as the operator's is not read.
fn is_certificate(entry: &Entry) -> bool {
    let Item::Secret(facts) = &entry.item else {
        return false;
    };
    facts.labels.contains_key(label::OWNER) && !entry.name.ends_with("-key") && !entry.name.ends_with("-governance")
}

fn is_labelled(secret: &Secret, identity: &Identity) -> bool {
    let wanted = names::labels(&names::owner_of(identity), None);
    let found = secret.metadata.labels.clone().unwrap_or_default();
    wanted.iter().all(|(key, value)| found.get(key) == Some(value))
}

/// Who a Secret says it belongs to, when that is another object than `wanted`.
fn other_owner(secret: &Secret, wanted: &ObjectRef) -> Option<String> {
    let labels = secret.metadata.labels.as_ref()?;
    let found = format!("{}/{}", labels.get(label::KIND)?, labels.get(label::OWNER)?);
    (found != wanted.to_string()).then_some(found)
}

fn key_state(identity: &Identity, place: &KeyPlace, secret: &Secret) -> KeyState {
    if let Some(other) = other_owner(secret, &names::owner_of(identity)) {
        let name = &place.secret;
        return KeyState::Unreadable(format!(
            "Secret {name} is {other}'s; one of the two objects needs another name"
        ));
    }
    match private_key(identity, secret) {
        Ok(key) => KeyState::Present(key.public()),
        Err(why) => KeyState::Unreadable(why),
    }
}

/// The private key in a Secret; the error never holds any of it.
pub fn private_key(identity: &Identity, secret: &Secret) -> Result<PrivateKey, String> {
    let data = secret.data.as_ref();
    let found = KEY_FILES.iter().find_map(|file| data?.get(*file));
    let bytes = found.ok_or_else(|| format!("it has none of {}", KEY_FILES.join(", ")))?;
    let text = std::str::from_utf8(&bytes.0).map_err(|_| "it is not text".to_owned())?;
    PrivateKey::from_pem(identity.purpose(), text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use althing_operator::name::{AgencyName, NodeName};

    use super::*;

    #[test]
    fn what_a_secret_is_to_one_object_is_not_remembered_for_another_that_wants_its_name() {
        let agency = Identity::AgencyCa(AgencyName::new("agency-a").unwrap());
        let node = Identity::Node(NodeName::new("agency-a-ca").unwrap());
        assert_eq!(names::key_secret(&agency), names::key_secret(&node));
        let entry = Entry {
            name: names::key_secret(&agency),
            uid: "1".to_owned(),
            resource_version: "1".to_owned(),
            item: Item::Secret(SecretFacts::default()),
        };
        let found = FoundKey {
            state: KeyState::Unreadable("as the agency's".to_owned()),
            bought: None,
        };
        let secrets = Secrets::default();
        secrets.remember("a", &entry, Content::Key(agency.clone(), found));
        assert!(secrets.remembered_key("a", &entry, &agency).is_some());
        assert!(secrets.remembered_key("a", &entry, &node).is_none());
    }
}
