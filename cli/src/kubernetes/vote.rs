//! `kubectl althing approvals` and `vote`: chains asked and votes brought by port-forward.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{Group, SignedWishes};
use althing_kubernetes::ask::ask_through;
use althing_kubernetes::{names, placement, secrets};
use althing_operator::controller::attestation::check_wishes;
use althing_operator::governance::{Act, Ask, ChainView, asked, rpc, signed};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::pki::inspect::first;
use althing_operator::plan::{Identity, PublicKey};
use althing_types::genesis::parse_canonical;
use althing_types::{Address, Genesis, GroupId, NodeId};
use anyhow::{Context, anyhow, bail};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::{Api, Client};
use serde_json::Value;

use super::heard::tunnel;
use super::seen::{self, Seen, sentence};
use super::target::{Scope, Target};
use crate::chain::keep_newest;
use crate::output::Format;
use crate::vote::{Decision, Known, Place, cast, show};

/// Questions on their way at the same time.
const SIDE_BY_SIDE: usize = 16;

/// `kubectl althing approvals`; false when no node answers.
pub(super) async fn approvals(target: &Target, output: Format) -> anyhow::Result<bool> {
    let (there, known) = There::find(target).await?;
    show(&there, known, output).await
}

/// `kubectl althing vote`.
pub(super) async fn vote(target: &Target, decision: &Decision) -> anyhow::Result<bool> {
    let (there, known) = There::find(target).await?;
    cast(&there, known, decision).await
}

/// A namespace of a cluster.
struct There {
    client: Client,
    seen: Seen,
    /// The nodes that run, with their RPC ports and the chain's certificates.
    doors: BTreeMap<NodeName, Door>,
}

struct Door {
    port: u16,
    trust: String,
}

impl There {
    async fn find(target: &Target) -> anyhow::Result<(Self, Known)> {
        let (client, scope) = target.connect().await?;
        if scope == Scope::All {
            bail!("an agency votes in its namespace; name it with -n");
        }
        let Some(seen) = seen::look(&client, &scope).await?.into_iter().next() else {
            bail!("no consortium, agency, group or node in {scope}");
        };
        let known = known(&seen.manifests);
        let mut there = Self {
            client,
            seen,
            doors: BTreeMap::new(),
        };
        there.doors = there.doors().await?;
        Ok((there, known))
    }

    fn namespace(&self) -> &str {
        self.seen.manifests.namespace.as_str()
    }

    async fn secret(&self, name: &str) -> anyhow::Result<Secret> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), self.namespace());
        api.get(name)
            .await
            .map_err(|error| anyhow!("read Secret {name} in {}: {}", self.namespace(), sentence(&error)))
    }

    async fn doors(&self) -> anyhow::Result<BTreeMap<NodeName, Door>> {
        // Neither setting reaches the ports.
        let settings = placement::Settings {
            node_image: String::new(),
            cluster_domain: String::new(),
        };
        let mut doors = BTreeMap::new();
        for (node, endpoint) in placement::placement(&self.seen.manifests, &settings) {
            if !self.seen.pods.get(&node).is_some_and(|pod| pod.is_running) {
                continue;
            }
            let name = names::certificate_secret(&Identity::Node(node.clone())).context("a node has a certificate")?;
            let files = secrets::texts(&self.secret(&name).await?);
            let trust = files.get(names::TRUST_FILE).cloned();
            let trust = trust.with_context(|| format!("Secret {name} has no {}", names::TRUST_FILE))?;
            let port = endpoint.ports.rpc;
            doors.insert(node, Door { port, trust });
        }
        Ok(doors)
    }

    async fn post(&self, node: &NodeName, group: GroupId, question: &Value) -> anyhow::Result<Value> {
        let door = self.doors.get(node).context("it does not run")?;
        let api: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace());
        let host = format!("{}.{}.svc", names::node(node), self.namespace());
        let (forwarder, stream) = tunnel(&api, &names::pod(node), door.port).await?;
        let answer = ask_through(stream, &door.trust, &host, group, question).await;
        forwarder.abort();
        answer.with_context(|| format!("ask Node {node}"))
    }

    async fn ask(&self, node: &NodeName, group: &GroupName, id: GroupId) -> anyhow::Result<(GroupName, ChainView)> {
        let answer = self.post(node, id, &rpc::ask_state()).await?;
        let told = rpc::told_state(&answer).with_context(|| format!("ask Node {node}"))?;
        Ok((group.clone(), told))
    }

    /// Brings an act to one node.
    async fn bring_to(
        &self,
        node: &NodeName,
        act: &Act,
        key: &althing_operator::pki::PrivateKey,
    ) -> anyhow::Result<()> {
        let PublicKey::Account(account) = key.public() else {
            bail!("the governance key of {} is no account's", act.agency);
        };
        let group = act.chain.id;
        let nonce = rpc::told_nonce(&self.post(node, group, &rpc::ask_nonce(account)).await?)?;
        let signed = signed(std::slice::from_ref(act), key, nonce)?;
        let answer = self.post(node, group, &rpc::send(&signed)).await?;
        rpc::told_sent(&answer, signed.len()).with_context(|| format!("Node {node}: send a transaction"))
    }
}

impl Place for There {
    async fn hear(&self) -> anyhow::Result<BTreeMap<GroupName, ChainView>> {
        let groups = || self.seen.manifests.groups.iter();
        let groups = || groups().filter_map(|(name, group)| Some((name, group_id(group)?)));
        let questions = self
            .doors
            .keys()
            .flat_map(|node| groups().map(move |(name, id)| (node, name, id)));
        let asked = questions.map(|(node, name, id)| self.ask(node, name, id));
        let asked = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
        let answers: Vec<_> = asked.collect().await;
        let (mut heard, mut error) = (BTreeMap::new(), None);
        for answer in answers {
            match answer {
                Ok((group, told)) => keep_newest(&mut heard, group, told),
                // A node that is in another group, or just starting: it matters when nobody else answers.
                Err(found) => error = Some(found),
            }
        }
        match (heard.is_empty(), error) {
            (true, Some(error)) => Err(error),
            _ => Ok(heard),
        }
    }

    async fn genesis(&self, group: &GroupName) -> anyhow::Result<Genesis> {
        let name = names::genesis(group);
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), self.namespace());
        let object = api.get(&name).await;
        let object = object.map_err(|error| anyhow!("read ConfigMap {name}: {}", sentence(&error)))?;
        let document = object.data.unwrap_or_default().remove(names::GENESIS_FILE);
        let document = document.with_context(|| format!("ConfigMap {name} has no {}", names::GENESIS_FILE))?;
        parse_canonical(document.as_bytes()).with_context(|| format!("ConfigMap {name}"))
    }

    async fn bring(&self, act: &Act) -> anyhow::Result<()> {
        let identity = Identity::Governance(act.agency.clone());
        let secret = self.secret(&names::key_secret(&identity)).await?;
        let key = secrets::private_key(&identity, &secret).map_err(|error| anyhow!(error))?;
        let mut refused = anyhow!("no node of {} runs", self.namespace());
        for node in self.doors.keys() {
            match self.bring_to(node, act, &key).await {
                Ok(()) => return Ok(()),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

fn group_id(group: &Group) -> Option<GroupId> {
    GroupId::try_from(u32::try_from(group.spec.group_id).ok()?).ok()
}

/// What the manifests and their statuses say.
fn known(manifests: &NamespaceManifests) -> Known {
    let nodes = manifests.nodes.iter().filter_map(|(name, node)| {
        let external = node.spec.external.as_ref().and_then(|facts| facts.node_id.as_ref());
        let own = || node.status.as_ref()?.node_id.as_ref();
        Some((name.clone(), external.or_else(own)?.parse::<NodeId>().ok()?))
    });
    let accounts = manifests.agencies.iter().filter_map(|(name, agency)| {
        let external = agency
            .spec
            .external
            .as_ref()
            .and_then(|facts| facts.governance_account.as_ref());
        let own = || agency.status.as_ref()?.governance_account.as_ref();
        Some((name.clone(), external.or_else(own)?.parse::<Address>().ok()?))
    });
    let own = manifests
        .agencies
        .iter()
        .filter(|(_, agency)| agency.spec.external.is_none());
    let agreed = manifests.groups.iter();
    let (nodes, accounts) = (nodes.collect(), accounts.collect());
    Known {
        namespace: manifests.namespace.clone(),
        asks: asks(manifests, &nodes, &accounts),
        nodes,
        accounts,
        own: own.map(|(name, _): (&AgencyName, _)| name.clone()).collect(),
        agreed: agreed
            .filter_map(|(name, group)| Some((name.clone(), group.spec.agreed.clone()?)))
            .collect(),
        remedy: "kubectl althing why says what its nodes lack",
    }
}

/// What agencies ask for in their bundles, as far as their keys stand behind it.
fn asks(
    manifests: &NamespaceManifests,
    nodes: &BTreeMap<NodeName, NodeId>,
    accounts: &BTreeMap<AgencyName, Address>,
) -> BTreeMap<GroupName, Vec<Ask>> {
    let mut all: BTreeMap<GroupName, Vec<Ask>> = BTreeMap::new();
    for (name, agency) in &manifests.agencies {
        let wishes = agency.spec.external.iter().flat_map(|external| &external.wishes);
        // The certificate that the operator accepted, not one that somebody wrote into the manifest.
        let key = agency
            .status
            .as_ref()
            .and_then(|status| first(status.certificate.as_deref()?).ok()?.public_key);
        let owner = |node: &str| Some(manifests.nodes.get(node)?.spec.agency.as_str());
        let stands = |wishes: &&SignedWishes| {
            check_wishes(name.as_str(), std::slice::from_ref(*wishes), key.as_ref(), owner).is_ok()
        };
        for wishes in wishes.filter(stands) {
            let Ok(group) = GroupName::new(wishes.group.as_str()) else {
                continue;
            };
            let entries = asked(name, wishes, nodes, accounts).into_iter();
            all.entry(group).or_default().extend(entries.map(|entry| Ask {
                agency: name.clone(),
                entry,
            }));
        }
    }
    all
}
