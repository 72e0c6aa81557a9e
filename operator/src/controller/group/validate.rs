//! Spec → [`ValidatedGroup`].

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::{Group, GroupGenesis, MemberRole};
use althing_types::recovery::parse_recovery;
use althing_types::{B256, GroupId, Recovery};
use jiff::Timestamp;

use crate::controller::{Context, Hold, Outcome, consortium_named};
use crate::name::{ConsortiumName, GroupName, NodeName};
use crate::node_files;
use crate::status::Reason;

/// A Group that is known to be right in itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedGroup {
    /// Its name.
    pub name: GroupName,
    /// Its number.
    pub id: GroupId,
    /// Its consortium.
    pub consortium: ConsortiumName,
    /// The first sealers, in the manifest's order.
    pub sealers: Vec<NodeName>,
    /// Everybody whose node holds the group's files: the sealers, and who is to become a sealer or an observer. Who is to
    /// leave keeps them: leaving happens on the chain.
    pub members: BTreeSet<NodeName>,
    /// The genesis as the manifest says.
    pub genesis: GroupGenesis,
    /// The hash it must have.
    pub pin: Option<B256>,
    /// By what the group goes on after its quorum was lost.
    pub recovery: Option<Recovery>,
    /// Settings of `group.N.ini`.
    pub settings: BTreeMap<String, String>,
    /// Until when the group may stand still.
    pub pause_until: Option<Timestamp>,
}

/// Checks a Group.
pub fn validate(ctx: &Context<'_>, name: &GroupName, object: &Group) -> Outcome<ValidatedGroup> {
    let spec = &object.spec;
    let consortium = consortium_named(&spec.consortium)?;
    let id = u32::try_from(spec.group_id)
        .ok()
        .and_then(|id| GroupId::try_from(id).ok());
    let id = id.ok_or_else(|| Hold::field("spec.groupId", spec.group_id, "1 to 32767"))?;
    check_unique(ctx, name, object)?;
    let node = |field: &str, text: &str| {
        NodeName::new(text).map_err(|error| Hold::field(field, format!("{:?}", error.found), "the name of a Node"))
    };
    let sealers = spec
        .genesis
        .sealers
        .iter()
        .map(|text| node("spec.genesis.sealers", text))
        .collect::<Outcome<Vec<_>>>()?;
    if sealers.is_empty() {
        return Err(Hold::field("spec.genesis.sealers", "nobody", "at least one Node"));
    }
    let mut members: BTreeSet<_> = sealers.iter().cloned().collect();
    if members.len() != sealers.len() {
        return Err(Hold::field("spec.genesis.sealers", "a Node twice", "every Node once"));
    }
    for member in spec
        .agreed
        .iter()
        .flat_map(|agreed| &agreed.members)
        .filter(|m| m.role != MemberRole::Free)
    {
        members.insert(node("spec.agreed.members", &member.node)?);
    }
    let pin = spec.genesis.hash.as_deref().map(|text| {
        text.parse::<B256>()
            .map_err(|_| Hold::field("spec.genesis.hash", format!("{text:?}"), "0x and 64 hex digits"))
    });
    let local = spec.local.clone().unwrap_or_default();
    node_files::check_settings(&local.settings)?;
    Ok(ValidatedGroup {
        name: name.clone(),
        id,
        consortium,
        sealers,
        members,
        genesis: spec.genesis.clone(),
        pin: pin.transpose()?,
        recovery: recovery(spec.recovery.as_deref(), id)?,
        settings: local.settings,
        pause_until: local.pause_until.map(|time| time.0),
    })
}

/// What a committee signed. Whether it counts is for the nodes, which have the block it names.
fn recovery(text: Option<&str>, group: GroupId) -> Outcome<Option<Recovery>> {
    let Some(text) = text else { return Ok(None) };
    let found = parse_recovery("spec.recovery", text);
    let found = found.map_err(|error| Hold::wrong(Reason::InvalidSpec, error.to_string()))?;
    match found.group == group {
        true => Ok(Some(found)),
        false => Err(Hold::field(
            "spec.recovery",
            format!("the recovery of group {}", found.group),
            &format!("one of group {group}"),
        )),
    }
}

/// One number names one group of a consortium. The one whose genesis is recorded keeps it; else the first by name.
fn check_unique(ctx: &Context<'_>, name: &GroupName, object: &Group) -> Outcome<()> {
    let recorded = |name: &GroupName| ctx.observed.genesis.contains_key(name);
    let mut rivals = ctx.manifests.groups.iter().filter(|(other, group)| {
        *other != name && group.spec.group_id == object.spec.group_id && group.spec.consortium == object.spec.consortium
    });
    let wins = |other: &GroupName| (recorded(other), name) > (recorded(name), other);
    match rivals.find(|(other, _)| wins(other)) {
        None => Ok(()),
        Some((other, _)) => Err(Hold::field(
            "spec.groupId",
            format!("{}, which Group {other} has", object.spec.group_id),
            "a number that no other group of the consortium has",
        )),
    }
}
