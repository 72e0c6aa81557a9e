//! Nodes are asked in rounds, apart from reconciliation, so that one that does not answer holds nobody up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use althing_operator::governance::{ChainView, teller};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, GroupName, Namespace, NodeName};
use althing_operator::plan::Identity;
use althing_operator::plan::report::NodeReport;
use althing_types::GroupId;
use futures::{StreamExt, stream};
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Context;
use crate::ask::{AskError, Door, Heard, ask, ask_chain};
use crate::names;
use crate::observe::gather;
use crate::placement::placement;
use crate::secrets::{Contents, key_places};
use crate::world::{Item, Kind, Shelf};

/// The pause between two rounds over the namespaces that wait for an answer.
const BETWEEN: Duration = Duration::from_secs(1);
/// In the first of so many rounds, all namespaces are asked.
const ROUNDS: u32 = 5;
/// Namespaces asked at the same time.
const NAMESPACES: usize = 8;
/// Nodes of one namespace asked at the same time.
const NODES: usize = 32;

/// Asks until `stop`: what waits for its nodes' word every second, the others every five.
pub async fn ask_in_rounds(context: Arc<Context>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(BETWEEN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in (0..ROUNDS).cycle() {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let mut namespaces = context.world.namespaces();
        if round != 0 {
            let awaited = context.reports.awaited();
            namespaces.retain(|namespace| awaited.contains(namespace));
        }
        let asked = namespaces
            .into_iter()
            .map(|namespace| ask_and_push(Arc::clone(&context), namespace));
        let answers = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(NAMESPACES);
        tokio::select! {
            () = stop.cancelled() => return,
            () = answers.collect::<()>() => {}
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
    let doors = doors(context, &manifests, &shelf);
    if doors.is_empty() {
        return context.reports.set(namespace, Heard::default());
    }
    let places = key_places(&manifests);
    let Ok(contents) = context.secrets.read(&context.writer, namespace, &shelf, &places).await else {
        return false;
    };
    let asking = Asking {
        context,
        namespace,
        contents: &contents,
        doors: &doors,
    };
    let reports = asking.reports().await;
    let chains = asking.chains(&manifests, &reports).await;
    context.reports.set(namespace, Heard { reports, chains })
}

/// Where an own node that runs is reached.
pub(super) struct Doorway {
    agency: AgencyName,
    /// The identity that it shows there.
    listener: Identity,
    door: Door,
}

/// Where the own nodes that run are reached.
pub(super) type Doors = BTreeMap<NodeName, Doorway>;

/// Where the own nodes of a namespace are reached now.
pub(super) fn doors(context: &Context, manifests: &NamespaceManifests, shelf: &Shelf) -> Doors {
    let placement = placement(manifests, &context.settings);
    let namespace = &manifests.namespace;
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
        let doorway = Doorway {
            agency: agency.clone(),
            listener: manifests.shown_to_clients(node),
            door,
        };
        Some((node.clone(), doorway))
    });
    own.collect()
}

/// What is needed to ask the nodes of a namespace.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) context: &'a Context,
    pub(super) namespace: &'a str,
    pub(super) contents: &'a Contents,
    pub(super) doors: &'a Doors,
}

impl<'a> Asking<'a> {
    async fn reports(self) -> BTreeMap<NodeName, NodeReport> {
        let asked = self.doors.keys().map(|node| async move {
            let answer = match self.entrance(node).await {
                Ok((tls, door)) => ask(tls, door).await,
                Err(error) => Err(error),
            };
            self.heard(node, answer).map(|report| (node.clone(), report))
        });
        side_by_side(asked).await
    }

    /// What holds on each chain, as one node of it says.
    async fn chains(
        self,
        manifests: &NamespaceManifests,
        reports: &BTreeMap<NodeName, NodeReport>,
    ) -> BTreeMap<GroupName, ChainView> {
        let tellers = manifests.groups.iter().filter_map(|(name, object)| {
            let id = u32::try_from(object.spec.group_id).ok()?;
            let id = GroupId::try_from(id).ok()?;
            Some((name, id, teller(reports, id)?))
        });
        let asked = tellers.map(|(name, id, node)| async move {
            let answer = match self.entrance(node).await {
                Ok((tls, door)) => ask_chain(tls, door, id).await,
                Err(error) => Err(error),
            };
            self.heard(node, answer).map(|chain| (name.clone(), chain))
        });
        side_by_side(asked).await
    }

    /// The door of a node, and the credentials that open it.
    pub(super) async fn entrance(self, node: &NodeName) -> Result<(Arc<ClientConfig>, &'a Door), AskError> {
        let away = || AskError::Answer(format!("Node {node} does not run"));
        let Doorway { agency, listener, door } = self.doors.get(node).ok_or_else(away)?;
        let none = |of: &str| AskError::NoCertificate {
            agency: agency.clone(),
            why: format!("{of} is not there yet"),
        };
        let files = |identity: &Identity| {
            let name = names::certificate_secret(identity)?;
            self.contents.public.get(&name).cloned()
        };
        let admin = files(&Identity::Admin(agency.clone())).ok_or_else(|| none("it"))?;
        let trust = files(listener);
        let trust = trust.and_then(|files| files.get(names::TRUST_FILE).cloned());
        let trust = trust.ok_or_else(|| none("the certificate of its node's listener"))?;
        let (context, namespace) = (self.context, self.namespace);
        let tls = context
            .clients
            .of(&context.writer, namespace, agency, &admin, &trust)
            .await?;
        Ok((tls, door))
    }

    fn heard<T>(self, node: &NodeName, answer: Result<T, AskError>) -> Option<T> {
        answer
            .inspect_err(|error| debug!(namespace = %self.namespace, %node, "no answer: {error}"))
            .ok()
    }
}

/// What came of all questions that were answered.
async fn side_by_side<K: Ord, V>(asked: impl Iterator<Item = impl Future<Output = Option<(K, V)>>>) -> BTreeMap<K, V> {
    stream::iter(asked.collect::<Vec<_>>())
        .buffer_unordered(NODES)
        .filter_map(std::future::ready)
        .collect()
        .await
}
