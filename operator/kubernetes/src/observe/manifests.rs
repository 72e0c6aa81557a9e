//! The manifests of a namespace among everything on its shelf.

use std::collections::BTreeMap;

use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, ConsortiumName, GroupName, Namespace, NodeName};
use althing_operator::status::ObjectRef;
use kube::Resource;

use crate::world::{Item, Kind, Shelf};

/// The manifests, and what could not be read of them.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// Those that can be read.
    pub manifests: NamespaceManifests,
    /// Those that cannot: made by an older or newer version of their definition.
    pub unreadable: Vec<Unreadable>,
    /// Objects that are being deleted: nothing is made for them any more.
    pub leaving: Vec<ObjectRef>,
}

/// A manifest that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Sorts a shelf.
pub fn gather(namespace: Namespace, shelf: &Shelf) -> Gathered {
    let mut gathered = Gathered {
        manifests: NamespaceManifests::new(namespace),
        unreadable: vec![],
        leaving: vec![],
    };
    for ((kind, name), entry) in shelf {
        let outcome = match &entry.item {
            Item::Consortium(Ok(object)) => {
                let read = ConsortiumName::new(name).map(|name| (name, *object.clone()));
                take(
                    read,
                    &mut gathered.manifests.consortiums,
                    &mut gathered.leaving,
                    ObjectRef::Consortium,
                )
            }
            Item::Agency(Ok(object)) => {
                let read = AgencyName::new(name).map(|name| (name, *object.clone()));
                take(
                    read,
                    &mut gathered.manifests.agencies,
                    &mut gathered.leaving,
                    ObjectRef::Agency,
                )
            }
            Item::Group(Ok(object)) => {
                let read = GroupName::new(name).map(|name| (name, *object.clone()));
                take(
                    read,
                    &mut gathered.manifests.groups,
                    &mut gathered.leaving,
                    ObjectRef::Group,
                )
            }
            Item::Node(Ok(object)) => {
                let read = NodeName::new(name).map(|name| (name, *object.clone()));
                take(
                    read,
                    &mut gathered.manifests.nodes,
                    &mut gathered.leaving,
                    ObjectRef::Node,
                )
            }
            Item::Consortium(Err(why)) | Item::Agency(Err(why)) | Item::Group(Err(why)) | Item::Node(Err(why)) => {
                Err(why.clone())
            }
            Item::Child(..) | Item::Secret(_) | Item::Pod(_) | Item::Warning(..) => Ok(()),
        };
        if let Err(why) = outcome {
            gathered.unreadable.push(Unreadable {
                kind: *kind,
                name: name.clone(),
                why,
            });
        }
    }
    gathered
}

fn take<N: Ord + Clone, K: Resource>(
    read: Result<(N, K), althing_operator::name::NameError>,
    into: &mut BTreeMap<N, K>,
    leaving: &mut Vec<ObjectRef>,
    reference: fn(N) -> ObjectRef,
) -> Result<(), String> {
    let (name, object) = read.map_err(|error| error.to_string())?;
    if object.meta().deletion_timestamp.is_some() {
        leaving.push(reference(name.clone()));
    }
    into.insert(name, object);
    Ok(())
}
