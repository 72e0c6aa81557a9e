//! What was seen and heard → the tree. Pure.

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::{Agency, Group, Node};
use althing_operator::name::NodeName;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::model::{AgencyBranch, ConsortiumBranch, GroupBranch, Membership, NodeBranch, Tree};
use crate::kubernetes::heard::{GroupHeard, Heard};
use crate::kubernetes::seen::Seen;
use crate::kubernetes::state::{State, state};

/// The state of an object of one of the kinds.
macro_rules! state_of {
    ($object:expr) => {{
        let status = $object.status.as_ref();
        state(
            $object.metadata.generation,
            status.and_then(|status| status.observed_generation),
            status.map(|status| status.conditions.as_slice()).unwrap_or_default(),
        )
    }};
}

/// The tree of a namespace.
pub(crate) fn tree(seen: &Seen, heard: &Heard) -> Tree {
    let builder = Builder { seen, heard };
    let manifests = &seen.manifests;
    // What is named and not there has its place too, so that what hangs on it is shown.
    let mut names: BTreeSet<&str> = manifests.consortiums.keys().map(|name| name.as_str()).collect();
    names.extend(
        manifests
            .agencies
            .values()
            .map(|agency| agency.spec.consortium.as_str()),
    );
    names.extend(manifests.groups.values().map(|group| group.spec.consortium.as_str()));
    if !builder.lost_agencies().is_empty() && names.is_empty() {
        names.insert("?");
    }
    let first = names.iter().next().copied();
    Tree {
        namespace: manifests.namespace.to_string(),
        consortiums: names
            .iter()
            .map(|name| builder.consortium(name, first == Some(*name)))
            .collect(),
        unknown: builder.unknown(),
    }
}

struct Builder<'a> {
    seen: &'a Seen,
    heard: &'a Heard,
}

impl<'a> Builder<'a> {
    /// `is_first` takes the nodes whose agency is not there.
    fn consortium(&self, name: &str, is_first: bool) -> ConsortiumBranch {
        let manifests = &self.seen.manifests;
        let object = manifests.consortiums.get(name);
        let status = object.and_then(|object| object.status.as_ref());
        let own = manifests
            .agencies
            .iter()
            .filter(|(_, agency)| agency.spec.consortium == name);
        let mut agencies: Vec<_> = own.map(|(of, agency)| self.agency(of.as_str(), Some(agency))).collect();
        if is_first {
            agencies.extend(self.lost_agencies().into_iter().map(|lost| self.agency(lost, None)));
        }
        let groups = manifests
            .groups
            .iter()
            .filter(|(_, group)| group.spec.consortium == name);
        ConsortiumBranch {
            name: name.to_owned(),
            state: match object {
                Some(object) => state_of!(object),
                None => State::missing("agencies or groups name it, and it is not in this namespace".to_owned()),
            },
            chain_id: object.map(|object| object.spec.chain_id),
            certificate_not_after: end(status.and_then(|status| status.certificate_not_after.as_ref())),
            agencies,
            groups: groups.map(|(of, group)| self.group(of.as_str(), group)).collect(),
        }
    }

    /// Agencies that nodes name and that are not there.
    fn lost_agencies(&self) -> BTreeSet<&'a str> {
        let manifests = &self.seen.manifests;
        let named = manifests.nodes.values().map(|node| node.spec.agency.as_str());
        named.filter(|name| !manifests.agencies.contains_key(*name)).collect()
    }

    fn agency(&self, name: &str, object: Option<&Agency>) -> AgencyBranch {
        let status = object.and_then(|object| object.status.as_ref());
        let nodes = self
            .seen
            .manifests
            .nodes
            .iter()
            .filter(|(_, node)| node.spec.agency == name);
        AgencyBranch {
            name: name.to_owned(),
            state: match object {
                Some(object) => state_of!(object),
                None => State::missing("nodes name it, and it is not in this namespace".to_owned()),
            },
            external: object.is_some_and(|object| object.spec.external.is_some()),
            certificate_not_after: end(status.and_then(|status| status.certificate_not_after.as_ref())),
            nodes: nodes.map(|(of, node)| self.node(of, node)).collect(),
        }
    }

    fn node(&self, name: &NodeName, object: &Node) -> NodeBranch {
        let status = object.status.as_ref();
        let heard = self.heard.get(name).and_then(|answer| answer.as_ref().ok());
        let declared: Vec<&String> = status.iter().flat_map(|status| &status.groups).collect();
        let mut groups: Vec<Membership> = declared
            .iter()
            .map(|group| {
                let id = self
                    .seen
                    .manifests
                    .groups
                    .get(group.as_str())
                    .map(|group| group.spec.group_id);
                let found = id.and_then(|id| heard?.groups.get(&u32::try_from(id).ok()?));
                self.membership((*group).clone(), id, object, found, heard.is_some())
            })
            .collect();
        // What it runs besides what manifests give it is worth seeing.
        let known: BTreeSet<u32> = groups
            .iter()
            .filter_map(|group| u32::try_from(group.group_id?).ok())
            .collect();
        let others = heard
            .iter()
            .flat_map(|heard| &heard.groups)
            .filter(|(id, _)| !known.contains(*id));
        let others: Vec<_> = others
            .map(|(id, found)| self.membership(id.to_string(), i32::try_from(*id).ok(), object, Some(found), true))
            .collect();
        groups.extend(others);
        NodeBranch {
            name: name.to_string(),
            state: state_of!(object),
            external: object.spec.external.is_some(),
            node_id: status.and_then(|status| status.node_id.clone()),
            certificate_not_after: end(status.and_then(|status| status.certificate_not_after.as_ref())),
            groups,
        }
    }

    fn membership(
        &self,
        group: String,
        id: Option<i32>,
        node: &Node,
        found: Option<&GroupHeard>,
        is_asked: bool,
    ) -> Membership {
        let highest = id.and_then(|id| self.highest(id));
        let height = found.and_then(|found| found.height);
        let lag = highest.zip(height).map(|(highest, own)| highest.saturating_sub(own));
        Membership {
            role: match found {
                Some(found) if found.is_sealer => Some("sealer"),
                Some(_) => Some("observer"),
                None => self.recorded_role(&group, node),
            },
            state: match found {
                Some(found) if found.is_halted => Some("halted"),
                Some(found) if found.is_in_sync => Some("in sync"),
                Some(_) => Some("not ready"),
                None if is_asked => Some("not run"),
                None => None,
            },
            height,
            lag: lag.max(found.and_then(|found| found.behind)),
            view: found.and_then(|found| found.view),
            message: found.and_then(|found| found.not_ready.clone()),
            group,
            group_id: id,
        }
    }

    /// The role that the status of the group shows, for a node that does not say.
    fn recorded_role(&self, group: &str, node: &Node) -> Option<&'static str> {
        let status = self.seen.manifests.groups.get(group)?.status.as_ref()?;
        let id = node.status.as_ref()?.node_id.as_ref()?;
        match (status.sealers.contains(id), status.observers.contains(id)) {
            (true, _) => Some("sealer"),
            (_, true) => Some("observer"),
            _ => None,
        }
    }

    /// Everything that nodes said of a group.
    fn heard_of(&self, id: i32) -> impl Iterator<Item = &'a GroupHeard> + use<'a> {
        let answers = self.heard.values().filter_map(|answer| answer.as_ref().ok());
        let id = u32::try_from(id).ok();
        answers.filter_map(move |heard| heard.groups.get(&id?))
    }

    fn highest(&self, id: i32) -> Option<u64> {
        self.heard_of(id).filter_map(|found| found.height).max()
    }

    fn group(&self, name: &str, object: &Group) -> GroupBranch {
        let status = object.status.as_ref();
        let id = object.spec.group_id;
        GroupBranch {
            name: name.to_owned(),
            group_id: id,
            state: state_of!(object),
            sealers: status.map_or(0, |status| status.sealers.len()),
            sealers_live: self.heard_of(id).filter_map(|found| found.sealers_live).max(),
            faults_tolerable: status.and_then(|status| status.faults_tolerable),
            at_risk: at_risk(object),
            height: self.highest(id),
            genesis_hash: status.and_then(|status| status.genesis_hash.clone()),
        }
    }

    /// Who could not be asked: one line for each cause.
    fn unknown(&self) -> Vec<String> {
        let mut causes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (node, answer) in self.heard {
            if let Err(why) = answer {
                causes.entry(why.as_str()).or_default().push(node.as_str());
            }
        }
        let silent = causes
            .into_iter()
            .map(|(why, nodes)| format!("{}: {why}", nodes.join(", ")));
        silent.chain(self.seen.gaps.iter().cloned()).collect()
    }
}

/// What the status says of a quorum at risk. A group whose size tolerates no fault is always at risk, which its numbers show.
pub(crate) fn at_risk(group: &Group) -> Option<String> {
    let status = group.status.as_ref()?;
    let found = status
        .conditions
        .iter()
        .find(|found| found.type_ == "QuorumAtRisk" && found.status == "True")?;
    (status.faults_tolerable != Some(0)).then(|| found.message.clone())
}

fn end(time: Option<&Time>) -> Option<jiff::Timestamp> {
    time.map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{condition, node_name, says, whole};
    use super::*;

    #[test]
    fn a_whole_consortium_is_well() {
        let (seen, heard) = whole();
        let tree = tree(&seen, &heard);
        assert!(tree.is_well() && tree.unknown.is_empty(), "{tree:#?}");
        let [consortium] = tree.consortiums.as_slice() else {
            panic!("one consortium")
        };
        assert_eq!(consortium.agencies[0].nodes.len(), 4);
        let group = &consortium.groups[0];
        assert_eq!((group.sealers, group.sealers_live, group.height), (4, Some(4), Some(7)));
    }

    #[test]
    fn a_silent_node_has_its_recorded_role_and_a_line_that_says_why() {
        let (seen, mut heard) = whole();
        for node in [1, 2] {
            heard.insert(node_name(node), Err("its pod does not run".to_owned()));
        }
        heard
            .get_mut(&node_name(3))
            .unwrap()
            .as_mut()
            .unwrap()
            .groups
            .get_mut(&1)
            .unwrap()
            .height = Some(5);
        let tree = tree(&seen, &heard);
        assert_eq!(tree.unknown, ["node-1, node-2: its pod does not run"]);
        let nodes = &tree.consortiums[0].agencies[0].nodes;
        let of = |node: usize| {
            (
                nodes[node].groups[0].role,
                nodes[node].groups[0].height,
                nodes[node].groups[0].lag,
            )
        };
        assert_eq!(of(1), (Some("sealer"), None, None));
        assert_eq!(of(3), (Some("sealer"), Some(5), Some(2)));
    }

    #[test]
    fn what_hangs_on_something_that_is_not_there_is_shown_under_it() {
        let (mut seen, heard) = whole();
        seen.manifests.agencies.clear();
        let mut found = tree(&seen, &heard);
        assert_eq!(found.consortiums[0].agencies[0].name, "agency-a");
        assert_eq!(found.consortiums[0].agencies[0].nodes.len(), 4);
        assert!(!found.is_well());
        seen.manifests.consortiums.clear();
        seen.manifests.groups.clear();
        found = tree(&seen, &heard);
        assert_eq!(found.consortiums[0].name, "?");
    }

    #[test]
    fn a_stalled_node_makes_the_whole_not_well() {
        let (mut seen, heard) = whole();
        says(
            &mut seen,
            2,
            condition("Stalled", "True", "KeyMissing", "the key is missing"),
        );
        assert!(!tree(&seen, &heard).is_well());
    }
}
