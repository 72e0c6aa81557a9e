//! What is asked of the operator: namespaces that are alike, each a consortium of its own.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::place::MANAGER;

/// Manifests on their way at the same time, as a GitOps controller sends them.
const SIDE_BY_SIDE: usize = 8;
/// The four kinds and their plurals, in the order in which they are applied.
pub(super) const KINDS: [(&str, &str); 4] = [
    ("Consortium", "consortiums"),
    ("Agency", "agencies"),
    ("Group", "ledgergroups"),
    ("Node", "ledgernodes"),
];

/// How much of what is in each namespace.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The start of the namespaces' names.
    pub(crate) name: &'static str,
    pub(crate) namespaces: usize,
    pub(crate) agencies: usize,
    pub(crate) nodes: usize,
    pub(crate) groups: usize,
}

impl Shape {
    /// The names of its namespaces.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        (0..self.namespaces)
            .map(|number| format!("{}-{number}", self.name))
            .collect()
    }

    /// Manifests in all of them.
    pub(crate) const fn objects(&self) -> usize {
        self.namespaces * (1 + self.agencies + self.nodes + self.groups)
    }

    /// In words.
    pub(crate) fn text(&self) -> String {
        let Self {
            namespaces,
            agencies,
            nodes,
            groups,
            ..
        } = self;
        format!("{namespaces} namespaces, each with 1 Consortium, {agencies} Agencies, {nodes} Nodes, {groups} Groups")
    }

    /// The Nodes, as namespace and name.
    pub(crate) fn nodes(&self) -> Vec<(String, String)> {
        let of = |namespace: String| (0..self.nodes).map(move |number| (namespace.clone(), format!("node-{number}")));
        self.namespaces().into_iter().flat_map(of).collect()
    }

    /// Makes the namespaces. Everything in them passes the strictest Pod Security.
    pub(crate) async fn make_namespaces(&self, client: &Client) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        for name in self.namespaces() {
            let namespace = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
            });
            let made = namespaces
                .patch(&name, &PatchParams::apply(MANAGER), &Patch::Apply(&namespace))
                .await;
            made.with_context(|| format!("make the namespace {name}"))?;
        }
        Ok(())
    }

    /// Applies the manifests of some kinds, kind after kind.
    pub(crate) async fn apply(&self, client: &Client, kinds: &[&str]) -> anyhow::Result<()> {
        for (kind, plural) in KINDS.into_iter().filter(|(kind, _)| kinds.contains(kind)) {
            let resource = resource(kind, plural);
            let specs = self.specs(kind);
            let manifests = self
                .namespaces()
                .into_iter()
                .flat_map(|namespace| specs.iter().map(move |(name, spec)| (namespace.clone(), name, spec)));
            stream::iter(manifests)
                .map(Ok)
                .try_for_each_concurrent(SIDE_BY_SIDE, |(namespace, name, spec)| {
                    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &resource);
                    async move {
                        let manifest = json!({
                            "apiVersion": "althing.dev/v1alpha1",
                            "kind": kind,
                            "metadata": {"name": name},
                            "spec": spec,
                        });
                        let applied = api
                            .patch(name, &PatchParams::apply(MANAGER), &Patch::Apply(&manifest))
                            .await;
                        applied
                            .map(drop)
                            .with_context(|| format!("apply {kind} {namespace}/{name}"))
                    }
                })
                .await?;
        }
        Ok(())
    }

    /// The manifests of a kind in one namespace, by name.
    fn specs(&self, kind: &str) -> Vec<(String, Value)> {
        match kind {
            "Consortium" => vec![(
                "trade".to_owned(),
                json!({"chainId": 20260, "cryptography": "Standard", "registrar": {"managed": {"validity": "87600h"}}}),
            )],
            "Agency" => (0..self.agencies)
                .map(|number| (agency(number), json!({"consortium": "trade", "approval": "Manifest"})))
                .collect(),
            "Node" => (0..self.nodes)
                .map(|number| {
                    (
                        format!("node-{number}"),
                        json!({"agency": agency(number % self.agencies)}),
                    )
                })
                .collect(),
            _ => (0..self.groups).map(|number| self.group(number)).collect(),
        }
    }

    /// Every node is in one group; groups have from 4 to 10 sealers as far as there are nodes.
    fn group(&self, number: usize) -> (String, Value) {
        let each = (self.nodes / self.groups).clamp(4, 10);
        let sealers = (0..each).map(|sealer| format!("node-{}", (number * each + sealer) % self.nodes));
        let spec = json!({
            "consortium": "trade",
            "groupId": number + 1,
            "genesis": {
                "timestamp": "2026-01-01T00:00:00Z",
                "sealers": sealers.collect::<Vec<_>>(),
                "consensus": {"type": "PBFT", "maxTransactions": 1000, "timeout": "3s"},
                "state": "Storage",
                "committee": {"seats": [{"agency": agency(0), "weight": 1}], "threshold": 50},
            },
        });
        (format!("group-{}", number + 1), spec)
    }

    /// How many of its manifests of these kinds are Ready for their present generation.
    pub(crate) async fn ready(&self, client: &Client, kinds: &[&str]) -> anyhow::Result<usize> {
        let mut ready = 0;
        for (kind, plural) in KINDS.into_iter().filter(|(kind, _)| kinds.contains(kind)) {
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource(kind, plural));
            let list = api.list(&ListParams::default().match_any()).await?;
            let mine = |object: &&DynamicObject| {
                let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
                namespace
                    .strip_prefix(self.name)
                    .is_some_and(|rest| rest.starts_with('-'))
            };
            ready += list.iter().filter(mine).filter(|object| is_ready(object)).count();
        }
        Ok(ready)
    }
}

fn agency(number: usize) -> String {
    format!("agency-{number}")
}

/// One of the project's kinds.
pub(super) fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: "althing.dev".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "althing.dev/v1alpha1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

fn is_ready(object: &DynamicObject) -> bool {
    let conditions = object.data["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| {
        condition["type"] == "Ready"
            && condition["status"] == "True"
            && condition["observedGeneration"].as_i64() >= object.metadata.generation
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_of_the_full_shape_seals_in_one_group() {
        let shape = Shape {
            name: "scale",
            namespaces: 25,
            agencies: 2,
            nodes: 40,
            groups: 4,
        };
        assert_eq!((shape.nodes().len(), shape.objects()), (1000, 25 * 47));
        let sealers = |number| shape.group(number).1["genesis"]["sealers"].as_array().unwrap().clone();
        let all: std::collections::BTreeSet<String> = (0..4)
            .flat_map(sealers)
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(all.len(), 40);
    }

    #[test]
    fn ready_for_an_older_generation_is_not_ready() {
        let object = |observed| {
            serde_json::from_value::<DynamicObject>(json!({
                "metadata": {"name": "a", "generation": 2},
                "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": observed}]},
            }))
            .unwrap()
        };
        assert!(is_ready(&object(2)) && !is_ready(&object(1)));
    }
}
