//! What the nodes of this machine say about themselves.

use std::collections::{BTreeMap, BTreeSet};

use althing_operator::edge::local::{LocalNode, LocalView};
use althing_operator::name::Namespace;
use althing_operator::plan::ProcessState;
use althing_operator::status::ObjectRef;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::rpc::NodeClient;

/// Everything, for tables and for `-o json`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    pub nodes: Vec<NodeFacts>,
    pub groups: Vec<GroupFacts>,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeFacts {
    pub namespace: String,
    pub name: String,
    pub agency: String,
    pub node_id: String,
    pub state: ProcessState,
    /// Why it runs and is not ready, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_ready: Option<String>,
    pub pid: Option<u32>,
    pub peers: Option<usize>,
    pub certificate_not_after: Option<jiff::Timestamp>,
    pub p2p: String,
    pub rpc: String,
    pub metrics: String,
    pub groups: Vec<MemberFacts>,
}

/// A node in a group.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberFacts {
    pub group: u32,
    pub name: String,
    /// `sealer`, `observer`, `free`, or `-` while nobody knows.
    pub role: String,
    pub height: Option<u64>,
    pub view: Option<u64>,
    /// Blocks behind the highest of this machine's nodes.
    pub lag: Option<u64>,
    #[serde(skip)]
    sealers: Vec<String>,
    #[serde(skip)]
    observers: Vec<String>,
    /// The nodeIDs it is connected to, and its own.
    #[serde(skip)]
    connected: Vec<String>,
}

/// A group, over all nodes of this machine. Sealers elsewhere count as live while a node here is connected to them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupFacts {
    pub namespace: String,
    pub id: u32,
    pub name: String,
    pub sealers: usize,
    pub live_sealers: usize,
    pub faults_tolerable: usize,
    pub height: Option<u64>,
    pub endpoint: Option<String>,
}

/// Asks every node at the same time.
pub(crate) async fn gather(view: &LocalView) -> anyhow::Result<Facts> {
    let mut asked = JoinSet::new();
    for (position, node) in view.nodes()?.into_iter().enumerate() {
        asked.spawn(async move { (position, ask(node).await) });
    }
    let mut answers = BTreeMap::new();
    while let Some(answer) = asked.join_next().await {
        let (position, facts) = answer?;
        answers.insert(position, facts?);
    }
    let mut nodes: Vec<NodeFacts> = answers.into_values().collect();
    for namespace in view.namespaces()? {
        add_expiry(view, &namespace, &mut nodes)?;
    }
    compare(&mut nodes);
    let groups = groups(&nodes);
    Ok(Facts { nodes, groups })
}

async fn ask(node: LocalNode) -> anyhow::Result<NodeFacts> {
    let process = &node.process;
    let client = NodeClient::new(process.ports.rpc, process.ports.metrics)?;
    let mut groups = Vec::new();
    let mut peers = None;
    for group in &process.groups {
        let id = group.id.get();
        let mut member = MemberFacts {
            group: id,
            name: group.name.to_string(),
            role: "-".to_owned(),
            height: None,
            view: None,
            lag: None,
            sealers: Vec::new(),
            observers: Vec::new(),
            connected: Vec::new(),
        };
        if node.pid.is_some() {
            member.height = client.quantity("/", "getBlockNumber", json!([id])).await.ok();
            member.view = client.quantity("/", "getPbftView", json!([id])).await.ok();
            member.sealers = client.call("/", "getSealerList", json!([id])).await.unwrap_or_default();
            member.observers = client
                .call("/", "getObserverList", json!([id]))
                .await
                .unwrap_or_default();
            member.connected = client.call("/", "getNodeIDList", json!([id])).await.unwrap_or_default();
            let connected: Option<Vec<serde_json::Value>> = client.call("/", "getPeers", json!([id])).await.ok();
            peers = connected.map(|list| list.len()).or(peers);
        }
        groups.push(member);
    }
    let not_ready = match node.state {
        ProcessState::Running => client.readiness().await.ok().map(|(_, text)| text.trim().to_owned()),
        ProcessState::Ready | ProcessState::Stopped => None,
    };
    Ok(NodeFacts {
        namespace: process.namespace.to_string(),
        name: process.node.to_string(),
        agency: process.agency.to_string(),
        node_id: process.node_id.to_string(),
        state: node.state,
        not_ready,
        pid: node.pid,
        peers,
        certificate_not_after: None,
        p2p: format!("127.0.0.1:{}", process.ports.p2p),
        rpc: format!("http://127.0.0.1:{}", process.ports.rpc),
        metrics: format!("http://127.0.0.1:{}/metrics", process.ports.metrics),
        groups,
    })
}

fn add_expiry(view: &LocalView, namespace: &Namespace, nodes: &mut [NodeFacts]) -> anyhow::Result<()> {
    for status in view.statuses(namespace)? {
        let ObjectRef::Node(name) = &status.object else {
            continue;
        };
        let of_it = |node: &&mut NodeFacts| node.namespace == namespace.as_str() && node.name == name.as_str();
        if let Some(node) = nodes.iter_mut().find(of_it) {
            node.certificate_not_after = status.facts.certificate_not_after;
        }
    }
    Ok(())
}

/// The height at which a group's sealers and observers are these.
type Members = (Option<u64>, Vec<String>, Vec<String>);

/// Fills in what only several nodes together know: roles of silent nodes, and lag.
fn compare(nodes: &mut [NodeFacts]) {
    let mut lists: BTreeMap<(String, u32), Members> = BTreeMap::new();
    for node in nodes.iter() {
        for member in &node.groups {
            let list = lists.entry((node.namespace.clone(), member.group)).or_default();
            // The lists of whoever is highest are the newest.
            if member.height.is_some() && (list.1.is_empty() || member.height > list.0) {
                *list = (member.height, member.sealers.clone(), member.observers.clone());
            }
        }
    }
    for node in nodes {
        for member in &mut node.groups {
            let Some((highest, sealers, observers)) = lists.get(&(node.namespace.clone(), member.group)) else {
                continue;
            };
            member.lag = highest
                .zip(member.height)
                .map(|(highest, own)| highest.saturating_sub(own));
            member.role = match node.node_id.as_str() {
                id if sealers.iter().any(|sealer| sealer == id) => "sealer".to_owned(),
                id if observers.iter().any(|observer| observer == id) => "observer".to_owned(),
                // In no list of the group: it gets nothing of it any more.
                _ if !sealers.is_empty() => {
                    member.lag = None;
                    "free".to_owned()
                }
                _ => member.role.clone(),
            };
            (member.sealers, member.observers) = (sealers.clone(), observers.clone());
        }
    }
}

fn groups(nodes: &[NodeFacts]) -> Vec<GroupFacts> {
    let mut found: BTreeMap<(String, u32), GroupFacts> = BTreeMap::new();
    for node in nodes {
        for member in &node.groups {
            let group = found
                .entry((node.namespace.clone(), member.group))
                .or_insert_with(|| GroupFacts {
                    namespace: node.namespace.clone(),
                    id: member.group,
                    name: member.name.clone(),
                    sealers: member.sealers.len(),
                    live_sealers: 0,
                    faults_tolerable: althing_types::sealers::faults_tolerable(member.sealers.len()),
                    height: None,
                    endpoint: None,
                });
            group.height = group.height.max(member.height);
            let is_live = node.pid.is_some() && member.height.is_some();
            group.live_sealers += usize::from(is_live && member.role == "sealer");
            if is_live && group.endpoint.is_none() {
                group.endpoint = Some(format!("{}/group/{}", node.rpc, member.group));
            }
        }
    }
    for group in found.values_mut() {
        group.live_sealers += sealers_elsewhere(nodes, group).len();
    }
    found.into_values().collect()
}

/// The sealers of a group that are no nodes of this machine, as far as a node of it is connected to them.
fn sealers_elsewhere(nodes: &[NodeFacts], group: &GroupFacts) -> BTreeSet<String> {
    let here = || nodes.iter().filter(|node| node.namespace == group.namespace);
    let own: BTreeSet<&String> = here().map(|node| &node.node_id).collect();
    let members = here().flat_map(|node| &node.groups);
    let members = members.filter(|member| member.group == group.id);
    let connected = members.flat_map(|member| member.connected.iter().filter(|id| member.sealers.contains(id)));
    connected.filter(|id| !own.contains(id)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, height: Option<u64>, sealers: &[&str]) -> NodeFacts {
        NodeFacts {
            namespace: "trade".into(),
            name: name.into(),
            agency: "a".into(),
            node_id: name.into(),
            state: ProcessState::Ready,
            not_ready: None,
            pid: height.map(|_| 1),
            peers: None,
            certificate_not_after: None,
            p2p: String::new(),
            rpc: "http://127.0.0.1:1".into(),
            metrics: String::new(),
            groups: vec![MemberFacts {
                group: 1,
                name: "group-1".into(),
                role: "-".into(),
                height,
                view: None,
                lag: None,
                sealers: sealers.iter().map(|sealer| (*sealer).to_owned()).collect(),
                observers: vec!["c".into()],
                connected: vec![],
            }],
        }
    }

    #[test]
    fn what_a_silent_node_does_not_say_others_know() {
        let mut nodes = vec![
            node("a", Some(7), &["a", "b"]),
            node("b", None, &[]),
            node("c", Some(5), &["a"]),
        ];
        compare(&mut nodes);
        let seen: Vec<_> = nodes
            .iter()
            .map(|node| (node.groups[0].role.as_str(), node.groups[0].lag))
            .collect();
        assert_eq!(seen, [("sealer", Some(0)), ("sealer", None), ("observer", Some(2))]);
        let group = &groups(&nodes)[0];
        assert_eq!(
            (group.sealers, group.live_sealers, group.faults_tolerable, group.height),
            (2, 1, 0, Some(7))
        );
        assert_eq!(group.endpoint.as_deref(), Some("http://127.0.0.1:1/group/1"));
    }

    #[test]
    fn a_sealer_elsewhere_is_live_while_a_node_here_is_connected_to_it() {
        let mut nodes = vec![
            node("a", Some(7), &["a", "b", "elsewhere", "away"]),
            node("b", None, &["a", "b", "elsewhere", "away"]),
        ];
        nodes[0].groups[0].connected = ["a", "b", "elsewhere", "stranger"].map(str::to_owned).to_vec();
        compare(&mut nodes);
        // Of the two here one is silent, whatever it is connected to.
        assert_eq!(groups(&nodes)[0].live_sealers, 2);
    }
}
