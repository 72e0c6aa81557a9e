//! What nodes say: their metrics and readiness, asked through the API server as `kubectl port-forward` would, so that neither a
//! certificate nor a way into the pods' network is needed.

use std::collections::BTreeMap;
use std::time::Duration;

use althing_kubernetes::names;
use althing_kubernetes::placement::{Settings, placement};
use althing_operator::name::NodeName;
use anyhow::{Context, bail};
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Portforwarder;
use kube::client::UpgradeConnectionError;
use kube::{Api, Client};
use tokio::io::{AsyncRead, AsyncWrite};

use super::seen::Seen;
use crate::rpc::{Sample, sample};

/// How long one node may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nodes asked at the same time.
const SIDE_BY_SIDE: usize = 16;
/// What is said to whoever may not port-forward.
const NOT_ALLOWED: &str = "nodes are asked by port-forward, and you may not get and create pods/portforward here";
/// Bytes an answer may have.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// The answers of one namespace's own nodes.
pub(crate) type Heard = BTreeMap<NodeName, Result<NodeHeard, String>>;

/// One node's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeHeard {
    /// Every group it runs, by number.
    pub groups: BTreeMap<u32, GroupHeard>,
}

/// One group, as one node has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupHeard {
    /// Its last block.
    pub height: Option<u64>,
    /// Blocks to the highest a peer announced.
    pub behind: Option<u64>,
    /// The view of its consensus.
    pub view: Option<u64>,
    /// Whether the node is a sealer of the group.
    pub is_sealer: bool,
    /// Whether it holds the newest block it knows of and, as a sealer, votes.
    pub is_in_sync: bool,
    /// Whether the group has halted on this node.
    pub is_halted: bool,
    /// The sealers of the next block.
    pub sealers: Option<u64>,
    /// The sealers it sees connected and in sync, itself included when it is.
    pub sealers_live: Option<u64>,
    /// Connected members of the group.
    pub peers: Option<u64>,
    /// Why it is not ready, in its own words.
    pub not_ready: Option<String>,
}

/// Asks every own node of the namespace that has a pod. A node without one is silent.
pub(crate) async fn ask(client: &Client, seen: &Seen) -> Heard {
    // Neither setting reaches the ports.
    let settings = Settings {
        node_image: String::new(),
        cluster_domain: String::new(),
    };
    let api: Api<Pod> = Api::namespaced(client.clone(), seen.manifests.namespace.as_str());
    let places = placement(&seen.manifests, &settings);
    let asked = places.into_iter().map(|(node, endpoint)| {
        let (api, pod) = (api.clone(), seen.pods.get(&node));
        async move {
            let answer = match pod {
                None => Err("it has no pod".to_owned()),
                Some(pod) if !pod.is_running => Err("its pod does not run".to_owned()),
                Some(_) => ask_one(&api, &names::pod(&node), endpoint.ports.metrics).await,
            };
            (node, answer)
        }
    });
    let asked = stream::iter(asked.collect::<Vec<_>>());
    asked.buffer_unordered(SIDE_BY_SIDE).collect().await
}

async fn ask_one(api: &Api<Pod>, pod: &str, port: u16) -> Result<NodeHeard, String> {
    match tokio::time::timeout(PATIENCE, exchange(api, pod, port)).await {
        Ok(Ok(heard)) => Ok(heard),
        Ok(Err(error)) => Err(crate::sentence(&error)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// A connection to a port of a pod, and what carries it: to be aborted when it is no longer needed.
pub(super) async fn tunnel(
    api: &Api<Pod>,
    pod: &str,
    port: u16,
) -> anyhow::Result<(Portforwarder, impl AsyncRead + AsyncWrite + Unpin + use<>)> {
    let mut forwarder = match api.portforward(pod, &[port]).await {
        Ok(forwarder) => forwarder,
        Err(kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(StatusCode::FORBIDDEN))) => {
            bail!("{NOT_ALLOWED}")
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => bail!("{NOT_ALLOWED}"),
        Err(error) => bail!("port-forward: {}", super::seen::sentence(&error)),
    };
    let stream = forwarder.take_stream(port).context("the port is not forwarded")?;
    Ok((forwarder, stream))
}

async fn exchange(api: &Api<Pod>, pod: &str, port: u16) -> anyhow::Result<NodeHeard> {
    let (forwarder, tunnel) = tunnel(api, pod, port).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(tunnel)).await?;
    let exchange = async {
        let (_, text) = get(&mut sender, "/metrics").await?;
        let mut heard = heard(text.lines().filter_map(sample));
        for (group, found) in heard
            .groups
            .iter_mut()
            .filter(|(_, found)| !found.is_in_sync || found.is_halted)
        {
            let (is_ready, words) = get(&mut sender, &format!("/readyz?group={group}")).await?;
            found.not_ready = (!is_ready).then(|| words.trim().to_owned());
        }
        Ok::<_, anyhow::Error>(heard)
    };
    tokio::pin!(connection);
    tokio::pin!(exchange);
    // The connection moves the bytes; it ends after the last answer, or tells why there is none.
    let heard = tokio::select! {
        heard = &mut exchange => heard?,
        ended = &mut connection => {
            ended?;
            exchange.await?
        }
    };
    forwarder.abort();
    Ok(heard)
}

async fn get(sender: &mut SendRequest<Empty<Bytes>>, path: &str) -> anyhow::Result<(bool, String)> {
    let request = Request::get(path)
        .header(header::HOST, "localhost")
        .body(Empty::new())?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let is_success = response.status().is_success();
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
    let bytes = body.map_err(|error| anyhow::anyhow!("{path}: {error}"))?.to_bytes();
    Ok((is_success, String::from_utf8_lossy(&bytes).into_owned()))
}

/// What the samples say of each group.
fn heard(samples: impl Iterator<Item = Sample>) -> NodeHeard {
    let mut heard = NodeHeard::default();
    for sample in samples {
        let Ok(id) = sample.label("group").parse::<u32>() else {
            continue;
        };
        let (holds, number) = (sample.value > 0.0, Some(whole(sample.value)));
        let group = heard.groups.entry(id).or_default();
        match sample.name.as_str() {
            "althing_block_height" => group.height = number,
            "althing_blocks_behind" => group.behind = number,
            "althing_view" => group.view = number,
            "althing_sealing" => group.is_sealer = holds,
            // Ready is in sync, and connected to a quorum: one that has just started knows of no newer block either.
            "althing_group_ready" => group.is_in_sync = holds,
            "althing_group_halted" => group.is_halted = holds,
            "althing_sealers" => group.sealers = number,
            "althing_sealers_live" => group.sealers_live = number,
            "althing_group_peers" => group.peers = number,
            _ => {}
        }
    }
    heard
}

/// A gauge as a count. Heights stay far below what a float holds exactly.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative and fractional counts are none"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_s_page_says_where_it_stands_in_each_group() {
        let page = "# TYPE althing_block_height gauge\n\
            althing_block_height{group=\"1\"} 12\nalthing_sealing{group=\"1\"} 1\nalthing_group_ready{group=\"1\"} 1\n\
            althing_sealers{group=\"1\"} 4\nalthing_sealers_live{group=\"1\"} 3\nalthing_view{group=\"1\"} 2\n\
            althing_block_height{group=\"7\"} 3\nalthing_blocks_behind{group=\"7\"} 5\nalthing_group_halted{group=\"7\"} 1\n\
            althing_data_free_bytes 10\n";
        let heard = heard(page.lines().filter_map(sample));
        let first = GroupHeard {
            height: Some(12),
            view: Some(2),
            is_sealer: true,
            is_in_sync: true,
            sealers: Some(4),
            sealers_live: Some(3),
            ..GroupHeard::default()
        };
        let seventh = GroupHeard {
            height: Some(3),
            behind: Some(5),
            is_halted: true,
            ..GroupHeard::default()
        };
        assert_eq!(heard.groups, BTreeMap::from([(1, first), (7, seventh)]));
    }
}
