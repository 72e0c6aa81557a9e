//! Which object is meant.

use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, ConsortiumName, GroupName, NodeName};
use althing_operator::status::ObjectRef;
use anyhow::bail;

use crate::kubernetes::seen::Seen;
use crate::kubernetes::state::{State, state};
use crate::kubernetes::target::Scope;

/// One object of a namespace.
pub(crate) type Subject = ObjectRef;

/// What people call the kinds: kubectl's names of them, in lower case.
const KINDS: [(&str, &[&str]); 4] = [
    ("Consortium", &["consortium", "consortiums", "csm"]),
    ("Agency", &["agency", "agencies", "agcy"]),
    ("Group", &["group", "ledgergroup", "ledgergroups", "lgroup"]),
    ("Node", &["node", "ledgernode", "ledgernodes", "lnode"]),
];

/// Every object, what others hang on first.
pub(crate) fn subjects(manifests: &NamespaceManifests) -> Vec<Subject> {
    let consortiums = manifests.consortiums.keys().cloned().map(ObjectRef::Consortium);
    let agencies = manifests.agencies.keys().cloned().map(ObjectRef::Agency);
    let groups = manifests.groups.keys().cloned().map(ObjectRef::Group);
    let nodes = manifests.nodes.keys().cloned().map(ObjectRef::Node);
    consortiums.chain(agencies).chain(groups).chain(nodes).collect()
}

/// Where an object stands; none when it is not there.
pub(crate) fn state_of(manifests: &NamespaceManifests, subject: &Subject) -> Option<State> {
    macro_rules! state_of {
        ($objects:ident, $name:expr) => {{
            let object = manifests.$objects.get($name)?;
            let status = object.status.as_ref();
            state(
                object.metadata.generation,
                status.and_then(|status| status.observed_generation),
                status.map(|status| status.conditions.as_slice()).unwrap_or_default(),
            )
        }};
    }
    Some(match subject {
        ObjectRef::Consortium(name) => state_of!(consortiums, name),
        ObjectRef::Agency(name) => state_of!(agencies, name),
        ObjectRef::Group(name) => state_of!(groups, name),
        ObjectRef::Node(name) => state_of!(nodes, name),
    })
}

/// The objects meant by `KIND/NAME` or `NAME`, in every namespace that has one.
pub(crate) fn find<'a>(seen: &'a [Seen], text: &str, scope: &Scope) -> anyhow::Result<Vec<(&'a Seen, Vec<Subject>)>> {
    let (kind, name) = match text.split_once('/') {
        Some((kind, name)) => (Some(kind_named(kind)?), name),
        None => (None, text),
    };
    let meant = |manifests: &NamespaceManifests| -> Vec<Subject> {
        let candidates = [
            ConsortiumName::new(name)
                .ok()
                .filter(|name| manifests.consortiums.contains_key(name))
                .map(ObjectRef::Consortium),
            AgencyName::new(name)
                .ok()
                .filter(|name| manifests.agencies.contains_key(name))
                .map(ObjectRef::Agency),
            GroupName::new(name)
                .ok()
                .filter(|name| manifests.groups.contains_key(name))
                .map(ObjectRef::Group),
            NodeName::new(name)
                .ok()
                .filter(|name| manifests.nodes.contains_key(name))
                .map(ObjectRef::Node),
        ];
        let of_kind = |subject: &Subject| kind.is_none_or(|kind| subject.to_string().starts_with(&format!("{kind}/")));
        candidates.into_iter().flatten().filter(of_kind).collect()
    };
    let found: Vec<_> = seen
        .iter()
        .map(|seen| (seen, meant(&seen.manifests)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    if found.is_empty() {
        let what = kind.unwrap_or("object");
        bail!("there is no {what} {name} in {scope}; kubectl get althing lists what there is");
    }
    if let Some((_, several)) = found.iter().find(|(_, found)| found.len() > 1) {
        let names: Vec<_> = several.iter().map(ToString::to_string).collect();
        bail!("{name} may be {}; say which", names.join(" or "));
    }
    Ok(found)
}

fn kind_named(text: &str) -> anyhow::Result<&'static str> {
    let lower = text.to_lowercase();
    // kubectl's `-o name` writes `ledgernode.althing.dev/node-0`.
    let lower = lower.strip_suffix(".althing.dev").unwrap_or(&lower);
    match KINDS.iter().find(|(_, names)| names.contains(&lower)) {
        Some((kind, _)) => Ok(*kind),
        None => bail!("{text:?} is no kind; accepted are consortium, agency, group, node"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::whole;
    use super::*;

    fn found(text: &str) -> Result<String, String> {
        let (seen, _) = whole();
        let scope = Scope::Namespace("trade".to_owned());
        let seen = [seen];
        let found = find(&seen, text, &scope).map_err(|error| error.to_string())?;
        Ok(found[0].1[0].to_string())
    }

    #[test]
    fn objects_are_called_as_kubectl_calls_them() {
        for text in [
            "node-1",
            "Node/node-1",
            "lnode/node-1",
            "ledgernodes/node-1",
            "node.althing.dev/node-1",
        ] {
            assert_eq!(found(text).as_deref(), Ok("Node/node-1"), "{text}");
        }
        assert_eq!(found("agcy/agency-a").as_deref(), Ok("Agency/agency-a"));
    }

    #[test]
    fn what_is_not_there_and_what_is_no_kind_is_said() {
        assert!(
            found("node/node-9")
                .unwrap_err()
                .contains("no Node node-9 in namespace trade")
        );
        assert!(found("group/node-1").unwrap_err().contains("no Group node-1"));
        assert!(
            found("pod/node-1-0")
                .unwrap_err()
                .contains("accepted are consortium, agency, group, node")
        );
    }
}
