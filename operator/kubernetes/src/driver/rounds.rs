//! Nodes are asked in rounds, apart from reconciliation, so that one that does not answer holds nobody up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use althing_operator::name::{AgencyName, Namespace, NodeName};
use althing_operator::plan::Identity;
use althing_operator::plan::report::NodeReport;
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Context;
use crate::ask::{Door, ask};
use crate::names;
use crate::observe::gather;
use crate::placement::placement;
use crate::secrets::{Contents, key_places};
use crate::world::{Item, Kind};

/// The pause between two rounds.
const BETWEEN: Duration = Duration::from_secs(5);
/// Namespaces asked at the same time.
const NAMESPACES: usize = 8;
/// Nodes of one namespace asked at the same time.
const NODES: usize = 32;

/// Asks until `stop`.
pub async fn ask_in_rounds(context: Arc<Context>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(BETWEEN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let namespaces = context.world.namespaces().into_iter();
        let asked = namespaces.map(|namespace| ask_and_push(Arc::clone(&context), namespace));
        let round = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(NAMESPACES);
        tokio::select! {
            () = stop.cancelled() => return,
            () = round.collect::<()>() => {}
        }
    }
}

async fn ask_and_push(context: Arc<Context>, namespace: String) {
    if ask_now(&context, &namespace).await {
        context.queue.push(&namespace);
    }
}

/// Asks every running node of a namespace; true when the answers are news.
pub(super) async fn ask_now(context: &Context, namespace: &str) -> bool {
    let Ok(name) = Namespace::new(namespace) else {
        return false;
    };
    let shelf = context.world.shelf(namespace);
    let manifests = gather(name, &shelf).manifests;
    let placement = placement(&manifests, &context.settings);
    let own = manifests.nodes.iter().filter_map(|(node, object)| {
        let endpoint = placement.get(node)?;
        let Item::Pod(pod) = &shelf.get(&(Kind::Pod, names::pod(node)))?.item else {
            return None;
        };
        let address = pod.address.filter(|_| pod.is_running)?;
        let agency = manifests.agencies.get_key_value(object.spec.agency.as_str())?.0;
        let door = Door {
            host: format!("{}.{namespace}.svc", names::node(node)),
            address,
            port: endpoint.ports.rpc,
        };
        Some((node.clone(), agency.clone(), door))
    });
    let doors: Vec<_> = own.collect();
    if doors.is_empty() {
        return context.reports.set(namespace, BTreeMap::new());
    }
    let places = key_places(&manifests);
    let Ok(contents) = context.secrets.read(&context.writer, namespace, &shelf, &places).await else {
        return false;
    };
    let asked = doors
        .into_iter()
        .map(|(node, agency, door)| ask_one(context, namespace, &contents, node, agency, door));
    let asked = stream::iter(asked.collect::<Vec<_>>());
    let answers: BTreeMap<NodeName, NodeReport> = asked
        .buffer_unordered(NODES)
        .filter_map(std::future::ready)
        .collect()
        .await;
    context.reports.set(namespace, answers)
}

async fn ask_one(
    context: &Context,
    namespace: &str,
    contents: &Contents,
    node: NodeName,
    agency: AgencyName,
    door: Door,
) -> Option<(NodeName, NodeReport)> {
    let files = |identity: &Identity| {
        let name = names::certificate_secret(identity)?;
        contents.public.get(&name).cloned()
    };
    let admin = files(&Identity::Admin(agency.clone()))?;
    let trust = files(&Identity::Node(node.clone()))?.get(names::TRUST_FILE)?.clone();
    let credentials = context
        .clients
        .of(&context.writer, namespace, &agency, &admin, &trust)
        .await;
    let answer = match credentials {
        Ok(tls) => ask(tls, &door).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(report) => Some((node, report)),
        Err(error) => {
            debug!(%namespace, %node, "no report: {error}");
            None
        }
    }
}
