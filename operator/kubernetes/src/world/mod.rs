//! What the watches have seen: one shelf a namespace, so that a reconciliation reads one consistent picture.
//!
//! Invariants: private keys are never in it (Secrets are watched as metadata); an older version of an object never replaces
//! a newer one, so that what the operator has just written is not forgotten when the watch lags behind; no warning about a pod
//! outlives the pod's coming.

mod item;
mod warning;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use item::{Entry, Item, Kind, Manifest, PodFacts, SecretFacts, StatefulSetFacts, child_entry};
pub use warning::{WarningFacts, warning};
pub use watch::{Extent, Watching, start};

/// The objects of one namespace.
pub type Shelf = BTreeMap<(Kind, String), Arc<Entry>>;

/// Everything that is watched, by namespace.
#[derive(Debug, Default)]
pub struct World {
    shelves: Mutex<HashMap<String, Shelf>>,
    /// Cordoned machines, where machines are watched.
    cordoned: Mutex<BTreeSet<String>>,
}

impl World {
    fn shelves(&self) -> MutexGuard<'_, HashMap<String, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The namespace as it is known now.
    pub fn shelf(&self, namespace: &str) -> Shelf {
        self.shelves().get(namespace).cloned().unwrap_or_default()
    }

    /// The namespaces that hold anything.
    pub fn namespaces(&self) -> Vec<String> {
        self.shelves().keys().cloned().collect()
    }

    /// Takes an object in; false when a newer version of it is there already, or this very one, or a warning is of the past.
    pub fn put(&self, namespace: &str, entry: Entry) -> bool {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(namespace.to_owned()).or_default();
        let key = (entry.kind(), entry.name.clone());
        let is_news =
            shelf.get(&key).is_none_or(|known| entry.is_newer_than(known)) && !warning::is_past(shelf, &entry);
        if is_news {
            if let Some(past) = warning::ended_by(shelf, &entry) {
                shelf.remove(&past);
            }
            shelf.insert(key, Arc::new(entry));
        }
        is_news
    }

    /// Forgets an object; one of another uid that has taken its name stays.
    pub fn remove(&self, namespace: &str, kind: Kind, name: &str, uid: Option<&str>) -> bool {
        let mut shelves = self.shelves();
        let Some(shelf) = shelves.get_mut(namespace) else {
            return false;
        };
        let key = (kind, name.to_owned());
        let is_it = shelf
            .get(&key)
            .is_some_and(|known| uid.is_none_or(|uid| known.uid == uid));
        if is_it {
            shelf.remove(&key);
        }
        if shelf.is_empty() {
            shelves.remove(namespace);
        }
        is_it
    }

    /// After a complete list of one kind: whatever was not listed is gone. `scope` is one namespace, or all. Returns the
    /// namespaces that lost something.
    pub fn retain(&self, scope: Option<&str>, kind: Kind, listed: &BTreeSet<(String, String)>) -> Vec<String> {
        let mut changed = vec![];
        let mut shelves = self.shelves();
        for (namespace, shelf) in shelves.iter_mut() {
            if scope.is_some_and(|only| only != namespace) {
                continue;
            }
            let before = shelf.len();
            shelf.retain(|(of, name), _| *of != kind || listed.contains(&(namespace.clone(), name.clone())));
            if shelf.len() != before {
                changed.push(namespace.clone());
            }
        }
        shelves.retain(|_, shelf| !shelf.is_empty());
        changed
    }

    /// Notes whether a machine is cordoned; true when that is news.
    pub fn set_cordoned(&self, machine: &str, cordoned: bool) -> bool {
        let mut machines = self.cordoned.lock().unwrap_or_else(PoisonError::into_inner);
        match cordoned {
            true => machines.insert(machine.to_owned()),
            false => machines.remove(machine),
        }
    }

    /// The cordoned machines.
    pub fn cordoned(&self) -> BTreeSet<String> {
        self.cordoned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The namespaces with a pod on this machine.
    pub fn namespaces_on(&self, machine: &str) -> Vec<String> {
        let on_it =
            |entry: &Arc<Entry>| matches!(&entry.item, Item::Pod(pod) if pod.machine.as_deref() == Some(machine));
        let shelves = self.shelves();
        let found = shelves.iter().filter(|(_, shelf)| shelf.values().any(on_it));
        found.map(|(namespace, _)| namespace.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, uid: &str, version: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            uid: uid.to_owned(),
            resource_version: version.to_owned(),
            item: Item::Secret(SecretFacts::default()),
        }
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one() {
        let world = World::default();
        assert!(world.put("a", entry("s", "1", "10")));
        assert!(!world.put("a", entry("s", "1", "9")), "a watch that lags behind");
        assert!(!world.put("a", entry("s", "1", "10")), "what was written comes back");
        assert!(world.put("a", entry("s", "2", "11")), "made again");
        assert_eq!(world.shelf("a").len(), 1);
    }

    #[test]
    fn a_late_deletion_spares_what_was_made_again() {
        let world = World::default();
        world.put("a", entry("s", "2", "11"));
        assert!(!world.remove("a", Kind::Secret, "s", Some("1")));
        assert!(world.remove("a", Kind::Secret, "s", Some("2")));
        assert!(world.namespaces().is_empty());
    }

    #[test]
    fn a_list_of_one_namespace_clears_no_other() {
        let world = World::default();
        world.put("a", entry("s", "1", "1"));
        world.put("b", entry("s", "2", "2"));
        assert_eq!(world.retain(Some("a"), Kind::Secret, &BTreeSet::new()), ["a"]);
        assert_eq!(world.namespaces(), ["b"]);
    }
}
