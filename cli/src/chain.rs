//! What holds on the chains of this machine's groups, and what agencies do there.

use std::collections::BTreeMap;

use althing_operator::edge::local::{LocalNode, LocalView};
use althing_operator::governance::{Act, ChainView, by_account, rpc, signed};
use althing_operator::name::{GroupName, Namespace, NodeName};
use althing_operator::pki::PrivateKey;
use althing_operator::plan::NodeReport;
use althing_operator::plan::report::Shown;
use althing_types::{B256, GroupId};
use anyhow::Context;
use serde_json::{Value, json};

use crate::rpc::NodeClient;

/// What the nodes of a namespace say holds on its chains: of each, what the node with the most blocks says. A group of which no
/// node answers is missing.
pub(crate) async fn hear(view: &LocalView, namespace: &Namespace) -> anyhow::Result<BTreeMap<GroupName, ChainView>> {
    let mut heard: BTreeMap<GroupName, ChainView> = BTreeMap::new();
    for node in running(view, namespace)? {
        for group in &node.process.groups {
            // A node that is just starting answers nothing, or that it has no such group yet.
            let Ok(answer) = post(&node, group.id, &rpc::ask_state()).await else {
                continue;
            };
            let Ok(told) = rpc::told_state(&answer) else {
                continue;
            };
            keep_newest(&mut heard, group.name.clone(), told);
        }
    }
    Ok(heard)
}

/// What the running nodes of a namespace show their peers and trust; one that does not answer is missing.
pub(crate) async fn shown(view: &LocalView, namespace: &Namespace) -> anyhow::Result<BTreeMap<NodeName, Shown>> {
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "althing_status", "params": []});
    let mut all = BTreeMap::new();
    for node in running(view, namespace)? {
        let ports = &node.process.ports;
        let Ok::<Value, _>(mut answer) = NodeClient::new(ports.rpc, ports.metrics)?.post("/", &ask).await else {
            continue;
        };
        if let Ok(report) = serde_json::from_value::<NodeReport>(answer["result"].take()) {
            all.insert(node.process.node, report.shown);
        }
    }
    Ok(all)
}

/// Of what several nodes say about a group, that of the one with the most blocks.
pub(crate) fn keep_newest(heard: &mut BTreeMap<GroupName, ChainView>, group: GroupName, told: ChainView) {
    let known = heard.get(&group).map(|known| known.now.height);
    if known.is_none_or(|height| height < told.now.height) {
        heard.insert(group, told);
    }
}

/// The running node of a namespace that has the most blocks of a group, what it says, and the hash of its newest block.
pub(crate) async fn newest(
    view: &LocalView,
    namespace: &Namespace,
    group: &GroupName,
) -> anyhow::Result<Option<(NodeName, ChainView, B256)>> {
    let mut newest: Option<(NodeName, ChainView, B256)> = None;
    for node in running(view, namespace)? {
        let Some(member) = node.process.groups.iter().find(|member| member.name == *group) else {
            continue;
        };
        let Ok(answer) = post(&node, member.id, &rpc::ask_state()).await else {
            continue;
        };
        let (Ok(told), Ok(hash)) = (rpc::told_state(&answer), rpc::told_hash(&answer)) else {
            continue;
        };
        let height = newest.as_ref().map(|(_, told, _)| told.now.height);
        if height.is_none_or(|height| height < told.now.height) {
            newest = Some((node.process.node, told, hash));
        }
    }
    Ok(newest)
}

/// Brings what agencies of a namespace do to the first node of each group that takes it. It is done when the chain shows it.
pub(crate) async fn bring(view: &LocalView, namespace: &Namespace, acts: &[Act]) -> anyhow::Result<()> {
    for ((_, agency), acts) in by_account(acts) {
        let key = view.governance_key(namespace, &agency)?;
        let mut refused = None;
        for node in running(view, namespace)? {
            match bring_to(&node, &key, &acts).await {
                Some(Ok(())) => {
                    refused = None;
                    break;
                }
                Some(Err(error)) => refused = Some(error.context(format!("Node {}", node.process.node))),
                None => {}
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
    }
    Ok(())
}

/// Brings the acts of one account in one group to a node; none when the node does not run the group.
async fn bring_to(node: &LocalNode, key: &PrivateKey, acts: &[Act]) -> Option<anyhow::Result<()>> {
    let group = acts.first()?.chain.group;
    let runs = node.process.groups.iter().any(|member| member.id == group);
    let sent = async {
        let signed = signed(acts, key)?;
        let answer = post(node, group, &rpc::send(&signed)).await?;
        rpc::told_sent(&answer, signed.len()).context("send a transaction")
    };
    match runs {
        true => Some(sent.await),
        false => None,
    }
}

fn running(view: &LocalView, namespace: &Namespace) -> anyhow::Result<Vec<LocalNode>> {
    let nodes = view.nodes()?.into_iter();
    let running = nodes.filter(|node| node.process.namespace == *namespace && node.pid.is_some());
    Ok(running.collect())
}

async fn post(node: &LocalNode, group: GroupId, question: &Value) -> anyhow::Result<Value> {
    let ports = &node.process.ports;
    NodeClient::new(ports.rpc, ports.metrics)?
        .post(&format!("/group/{group}"), question)
        .await
}
