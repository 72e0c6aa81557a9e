//! Own objects → external ones, as their agencies signed them. Statuses hold everything but genesis documents. Pure.

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::API_VERSION;
use althing_crds::v1alpha1::{Agency, Group, MemberRole, Node, NodeSpec, SignedGenesis, SignedWishes};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{GroupName, NodeName};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::Export;
use super::facts::{external_agency, external_node, unknown_address};
use crate::output::{self, Format};

/// What no bundle may hold.
pub(super) const PRIVATE: &str = "PRIVATE KEY";

/// The canonical genesis documents.
pub(super) type Documents = BTreeMap<GroupName, String>;

/// Writes the bundle; false when something was left out of it, as `notes` say.
pub(super) fn write(documents: &[Value], notes: &[String], place: &str, output: Format) -> anyhow::Result<bool> {
    ensure!(
        !documents.is_empty(),
        "{place} has nothing to export: {}",
        notes.join("; ")
    );
    let text = match output {
        Format::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": documents});
            serde_json::to_string_pretty(&list)? + "\n"
        }
        Format::Table => yaml(documents)?,
    };
    ensure!(
        !text.contains(PRIVATE),
        "a private key is among what was to be exported; nothing is written"
    );
    notes
        .iter()
        .for_each(|note| output::line_to_stderr(&format!("althing: {note}")));
    output::text(&text)?;
    Ok(notes.is_empty())
}

/// Whether what is asked for is there, and own.
pub(super) fn check_names(manifests: &NamespaceManifests, wanted: &Export) -> anyhow::Result<()> {
    for name in &wanted.agencies {
        let agency = manifests.agencies.get(name.as_str());
        let agency =
            agency.with_context(|| format!("--agency {name}: there is no such Agency in {}", manifests.namespace))?;
        ensure!(
            agency.spec.external.is_none(),
            "--agency {name}: it is somebody else's; only own facts are exported"
        );
    }
    for name in &wanted.groups {
        let group = manifests.groups.get(name.as_str());
        let group =
            group.with_context(|| format!("--group {name}: there is no such Group in {}", manifests.namespace))?;
        if let Some(reader) = &wanted.reader {
            ensure!(
                takes_part(manifests, group, reader),
                "--group {name}: {reader} has neither seat nor node in it; a bundle names no group its reader is not in"
            );
        }
    }
    if let Some(reader) = &wanted.reader {
        ensure!(
            manifests.agencies.contains_key(reader.as_str()),
            "--for {reader}: there is no such Agency in {}",
            manifests.namespace
        );
    }
    Ok(())
}

fn own_agencies<'a>(
    manifests: &'a NamespaceManifests,
    wanted: &'a Export,
) -> impl Iterator<Item = (&'a str, &'a Agency)> + use<'a> {
    let own = manifests
        .agencies
        .iter()
        .filter(|(_, agency)| agency.spec.external.is_none());
    let own = own.map(|(name, agency)| (name.as_str(), agency));
    own.filter(move |(name, _)| wanted.agencies.is_empty() || wanted.agencies.iter().any(|wish| wish == name))
}

/// Own nodes of the agencies that are asked for.
pub(super) fn own_nodes<'a>(
    manifests: &'a NamespaceManifests,
    wanted: &'a Export,
) -> impl Iterator<Item = (&'a NodeName, &'a Node)> + use<'a> {
    let own = manifests.nodes.iter().filter(|(_, node)| node.spec.external.is_none());
    own.filter(move |(_, node)| own_agencies(manifests, wanted).any(|(name, _)| name == node.spec.agency))
}

/// Whether an agency has, had from the beginning, or is to have a seat or a node in a group.
pub(super) fn takes_part(manifests: &NamespaceManifests, group: &Group, agency: &str) -> bool {
    let (genesis, agreed) = (&group.spec.genesis, group.spec.agreed.as_ref());
    let seats = genesis.committee.iter().flat_map(|committee| &committee.seats);
    let mut seats = seats.map(|seat| &seat.agency).chain(
        agreed
            .into_iter()
            .flat_map(|agreed| &agreed.committee)
            .filter(|seat| seat.weight > 0)
            .map(|seat| &seat.agency),
    );
    let members = agreed.into_iter().flat_map(|agreed| &agreed.members);
    let members = members.filter(|member| member.role != MemberRole::Free);
    let named = genesis.sealers.iter().chain(members.map(|member| &member.node));
    let named: BTreeSet<&str> = named.map(String::as_str).collect();
    let status = group.status.iter();
    let on_chain: BTreeSet<&str> = status
        .flat_map(|status| status.sealers.iter().chain(&status.observers))
        .map(String::as_str)
        .collect();
    let mut nodes = manifests.nodes.iter().filter(|(_, node)| node.spec.agency == agency);
    seats.any(|seat| seat == agency)
        || nodes.any(|(name, node)| {
            let id = node.status.as_ref().and_then(|status| status.node_id.as_deref());
            named.contains(name.as_str()) || id.is_some_and(|id| on_chain.contains(id))
        })
}

/// The groups whose signed genesis goes along: those that are named, and with a reader all that it takes part in.
pub(super) fn signed_groups<'a>(
    manifests: &'a NamespaceManifests,
    wanted: &'a Export,
) -> impl Iterator<Item = (&'a GroupName, &'a Group)> + use<'a> {
    manifests.groups.iter().filter(move |(name, group)| {
        let reader = wanted.reader.as_deref();
        wanted.groups.iter().any(|wish| wish == name.as_str())
            || reader.is_some_and(|reader| takes_part(manifests, group, reader))
    })
}

/// The manifests: agencies, their nodes, then groups. What is not known or not signed yet is left out and noted.
pub(super) fn documents(
    manifests: &NamespaceManifests,
    wanted: &Export,
    genesis: &Documents,
    notes: &mut Vec<String>,
) -> Vec<Value> {
    let mut found = vec![];
    for (name, agency) in own_agencies(manifests, wanted) {
        let external = external_agency(name, agency).map(|mut external| {
            external.genesis = signed_genesis(manifests, wanted, name, genesis, notes);
            external.wishes = signed_wishes(manifests, wanted, name);
            external
        });
        match external {
            Ok(external) => {
                let spec = json!({"consortium": agency.spec.consortium, "external": external});
                found.push(document("Agency", name, spec));
            }
            Err(why) => notes.push(format!("Agency/{name} is left out: {why}")),
        }
    }
    for (name, node) in own_nodes(manifests, wanted) {
        match external_node(manifests, name, node) {
            Ok(external) => {
                if external.address.is_none() {
                    notes.push(format!(
                        "Node/{name} goes without an address: {}",
                        unknown_address(node)
                    ));
                }
                let spec = NodeSpec {
                    external: Some(external),
                    ..NodeSpec::of(node.spec.agency.clone())
                };
                found.push(document("Node", name.as_str(), json!(spec)));
            }
            Err(why) => notes.push(format!("Node/{name} is left out: {why}")),
        }
    }
    for name in &wanted.groups {
        let group = manifests.groups.get(name.as_str());
        match group.and_then(pinned) {
            Some(spec) => found.push(document("Group", name, spec)),
            None => notes.push(format!("Group/{name} is left out: its genesis has no hash yet")),
        }
    }
    found
}

/// The genesis hashes that an agency signed for these readers.
fn signed_genesis(
    manifests: &NamespaceManifests,
    wanted: &Export,
    agency: &str,
    genesis: &Documents,
    notes: &mut Vec<String>,
) -> Vec<SignedGenesis> {
    let mut all = vec![];
    for (name, group) in signed_groups(manifests, wanted) {
        // An agency speaks about its own groups only.
        if !takes_part(manifests, group, agency) {
            continue;
        }
        let status = group.status.as_ref();
        let attestation = status.and_then(|status| status.attestations.iter().find(|it| it.agency == agency));
        let hash = status.and_then(|status| status.genesis_hash.clone());
        match (hash, attestation) {
            (Some(hash), Some(signed)) => all.push(SignedGenesis {
                group: name.to_string(),
                hash,
                document: genesis.get(name).cloned(),
                attestation: signed.attestation.clone(),
            }),
            _ => notes.push(format!(
                "Agency/{agency} has not signed the genesis of Group/{name} yet"
            )),
        }
    }
    all
}

/// What an agency asks these readers for.
fn signed_wishes(manifests: &NamespaceManifests, wanted: &Export, agency: &str) -> Vec<SignedWishes> {
    let groups = signed_groups(manifests, wanted);
    let of_group = |group: &Group| {
        let mut wishes = group.status.iter().flat_map(|status| &status.wishes);
        let found = wishes.find(|wishes| wishes.agency == agency);
        found.map(|found| found.wishes.clone())
    };
    groups.filter_map(|(_, group)| of_group(group)).collect()
}

/// A group as others need it: what block 0 holds, pinned. What is wished for or local stays here.
fn pinned(group: &Group) -> Option<Value> {
    let hash = group.status.as_ref()?.genesis_hash.clone()?;
    let mut spec = group.spec.clone();
    spec.genesis.hash = Some(hash);
    spec.agreed = None;
    spec.local = None;
    serde_json::to_value(spec).ok()
}

/// A manifest.
pub(super) fn document(kind: &str, name: &str, mut spec: Value) -> Value {
    without_nulls(&mut spec);
    json!({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Documents as a file holds them.
pub(super) fn yaml(documents: &[Value]) -> anyhow::Result<String> {
    let texts: Result<Vec<_>, _> = documents.iter().map(serde_yaml::to_string).collect();
    Ok(texts.context("write YAML")?.join("---\n"))
}

#[cfg(test)]
mod tests {
    use althing_crds::v1alpha1::GenesisSeat;
    use althing_operator::manifest::{SourceFile, read};
    use althing_operator::name::Namespace;

    use super::super::testing::certified;
    use super::*;

    fn everything() -> Export {
        Export {
            agencies: vec![],
            groups: vec!["group-1".to_owned()],
            reader: None,
        }
    }

    #[test]
    fn a_bundle_is_read_as_manifests_of_somebody_else_s_objects() {
        let mut notes = vec![];
        let documents = documents(&certified().manifests, &everything(), &Documents::new(), &mut notes);
        assert_eq!(notes, Vec::<String>::new());
        let text = yaml(&documents).unwrap();
        let namespace = Namespace::new("theirs").unwrap();
        let file = SourceFile {
            name: "bundle".to_owned(),
            text,
        };
        let found = read(&[file], &namespace)
            .unwrap()
            .namespaces
            .remove(&namespace)
            .unwrap();
        assert!(found.consortiums.is_empty());
        let agency = found.agencies.values().next().unwrap().spec.external.as_ref().unwrap();
        assert!(agency.attestation.is_some() && agency.genesis.len() == 1);
        assert!(found.nodes.len() == 4 && found.nodes.values().all(|node| node.spec.external.is_some()));
        let group = found.groups.values().next().unwrap();
        assert_eq!(group.spec.genesis.hash, Some(format!("0x{}", "ab".repeat(32))));
        assert!(group.spec.local.is_none() && group.spec.agreed.is_none());
    }

    #[test]
    fn no_group_is_named_unless_it_is_asked_for() {
        let mut notes = vec![];
        let mut wanted = everything();
        wanted.groups.clear();
        let text = yaml(&documents(
            &certified().manifests,
            &wanted,
            &Documents::new(),
            &mut notes,
        ))
        .unwrap();
        assert!(!text.contains("group"), "{text}");
    }

    #[test]
    fn a_bundle_names_no_group_its_reader_is_not_in() {
        let mut manifests = certified().manifests;
        let reader = Agency::new("agency-b", manifests.agencies["agency-a"].spec.clone());
        manifests
            .agencies
            .insert("agency-b".to_owned().try_into().unwrap(), reader);
        let mut wanted = everything();
        wanted.agencies = vec!["agency-a".to_owned()];
        wanted.reader = Some("agency-b".to_owned());
        let error = check_names(&manifests, &wanted).unwrap_err().to_string();
        assert!(error.contains("neither seat nor node"), "{error}");
        wanted.groups.clear();
        check_names(&manifests, &wanted).unwrap();
        let mut notes = vec![];
        let text = yaml(&documents(&manifests, &wanted, &Documents::new(), &mut notes)).unwrap();
        assert!(!text.contains("group"), "{text}");
        let group = manifests.groups.get_mut("group-1").unwrap();
        let seat = GenesisSeat {
            agency: "agency-b".to_owned(),
            weight: 1,
        };
        group.spec.genesis.committee.as_mut().unwrap().seats.push(seat);
        let text = yaml(&documents(&manifests, &wanted, &Documents::new(), &mut notes)).unwrap();
        assert!(text.contains("group: group-1"), "the signed hash goes along: {text}");
    }

    #[test]
    fn what_is_not_signed_as_it_is_now_is_left_out_and_said() {
        let mut manifests = certified().manifests;
        let node = manifests.nodes.get_mut("node-1").unwrap();
        node.status.as_mut().unwrap().address = Some("moved:30300".to_owned());
        let mut notes = vec![];
        assert_eq!(
            documents(&manifests, &everything(), &Documents::new(), &mut notes).len(),
            5
        );
        assert!(
            notes[0].contains("Node/node-1") && notes[0].contains("status.attestation"),
            "{notes:?}"
        );
    }

    #[test]
    fn a_load_balancer_whose_address_no_manifest_names_is_noted() {
        let mut giver = certified();
        let node = giver.manifests.nodes.get_mut("node-1").unwrap();
        node.spec.p2p = Some(serde_json::from_value(json!({"service": "LoadBalancer"})).unwrap());
        node.status.as_mut().unwrap().address = None;
        giver.sign(2);
        let mut notes = vec![];
        let documents = documents(&giver.manifests, &everything(), &Documents::new(), &mut notes);
        assert_eq!(documents.len(), 6, "it goes along without an address");
        let expected = "Node/node-1 goes without an address: its agency signs the address; put that of the load balancer into spec.p2p.advertise";
        assert_eq!(notes, [expected]);
    }

    #[test]
    fn what_has_no_identity_yet_is_left_out_and_said() {
        let mut manifests = certified().manifests;
        manifests.nodes.get_mut("node-2").unwrap().status = None;
        manifests
            .agencies
            .get_mut("agency-a")
            .unwrap()
            .status
            .as_mut()
            .unwrap()
            .certificate = None;
        let mut notes = vec![];
        let documents = documents(&manifests, &everything(), &Documents::new(), &mut notes);
        assert_eq!(documents.len(), 1, "the group");
        assert_eq!(
            notes[0],
            "Agency/agency-a is left out: it has neither certificate nor request yet"
        );
        assert!(
            notes.contains(&"Node/node-2 is left out: it has no nodeID yet".to_owned()),
            "{notes:?}"
        );
    }
}
