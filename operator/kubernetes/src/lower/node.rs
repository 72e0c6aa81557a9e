//! One node: everything its children are rendered from.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{DeletionPolicy, NodeSpec};
use althing_operator::name::NodeName;
use althing_operator::plan::{File, FileContent, Process};
use althing_operator::status::ObjectRef;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Lowering, budget, certificate, config, identity, network, service, stateful_set, volume};
use crate::child::{Child, Family, Fate};
use crate::names::Mounted;

/// A node that has a process in the plan.
#[derive(Debug)]
pub(super) struct NodeParts<'a> {
    /// Everything else.
    pub lowering: &'a Lowering<'a>,
    /// What its children have in common.
    pub family: Family<'a>,
    /// What its manifest says.
    pub spec: &'a NodeSpec,
    /// What it runs with.
    pub process: &'a Process,
    /// Its public files by path.
    pub texts: Texts<'a>,
    /// Its certificates and keys.
    pub mounted: Vec<Mounted>,
}

/// Public files of one node by their path below the folder of its configuration.
pub(super) type Texts<'a> = BTreeMap<&'a str, &'a str>;

/// The public files of every node.
pub(super) fn texts(files: &[File]) -> BTreeMap<&NodeName, Texts<'_>> {
    let mut texts: BTreeMap<&NodeName, Texts<'_>> = BTreeMap::new();
    for file in files {
        if let FileContent::Text(text) = &file.content {
            texts.entry(&file.at.node).or_default().insert(&file.at.path, text);
        }
    }
    texts
}

impl<'a> NodeParts<'a> {
    /// The parts of a node; none when its manifest has gone since the plan was made.
    pub(super) fn find(lowering: &'a Lowering<'a>, process: &'a Process, texts: Texts<'a>) -> Option<Self> {
        Some(Self {
            texts,
            mounted: Mounted::of_node(lowering.manifests, &process.node),
            lowering,
            family: lowering.family(&ObjectRef::Node(process.node.clone()))?,
            spec: &lowering.manifests.nodes.get(&process.node)?.spec,
            process,
        })
    }

    /// All children of the node.
    pub(super) fn children(&self) -> Vec<Child> {
        let mut children = vec![
            identity::service_account(self),
            service::p2p(self),
            service::clients(self),
            config::config_map(self),
            volume::claim(self),
            network::policy(self),
            budget::budget(self),
            stateful_set::stateful_set(self),
        ];
        children.extend(self.mounted.iter().map(|mounted| certificate::mounted(self, mounted)));
        children.extend(service::external(self));
        children
    }

    /// What happens to its data when its manifest is deleted.
    pub(super) fn fate_of_data(&self) -> Fate {
        match self.spec.deletion_policy.unwrap_or_default() {
            DeletionPolicy::Retain => Fate::Stays,
            DeletionPolicy::Delete => Fate::Goes,
        }
    }
}

/// A typed value as JSON. The types are Kubernetes' own, whose keys are all texts: writing them has no failure.
pub(super) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// `{"spec": …}`.
pub(super) fn spec(spec: &impl Serialize) -> Map<String, Value> {
    Map::from_iter([("spec".to_owned(), json(spec))])
}
