//! On this machine.

use std::time::Duration;

use althing_operator::edge::local::{LocalNode, LocalView};
use althing_operator::name::{AgencyName, Namespace};
use althing_operator::pki::PrivateKey;
use althing_types::genesis::Cryptography;
use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::{Access, Choice, Place, RunningNode, run};
use crate::rpc::NodeClient;
use crate::vote::Known;
use crate::{Common, Ended, state, vote};

/// How long a node may take to change one of its groups: it waits for the requests under way.
const ADMINISTERED: Duration = Duration::from_secs(30);

/// `althing console`.
#[derive(Debug, Args)]
pub(crate) struct Here {
    /// The namespace of the nodes [default: the only one]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    choice: Choice,
}

/// Opens the console on the nodes of this machine.
pub(crate) async fn console(common: &Common, here: &Here) -> anyhow::Result<Ended> {
    let local = LocalView::new(&state::directory(common)?);
    let namespace = state::namespace(&local, here.namespace.as_deref())?;
    let known = vote::known(&local, &namespace)?;
    let machine = Machine {
        local,
        namespace,
        known,
    };
    run(machine, &here.choice, common.output).await
}

/// A namespace of this machine. Its nodes listen in plain on loopback, where whoever reaches them administers them.
#[derive(Debug)]
struct Machine {
    local: LocalView,
    namespace: Namespace,
    known: Known,
}

impl Machine {
    fn running(&self) -> anyhow::Result<Vec<LocalNode>> {
        let nodes = self.local.nodes()?.into_iter();
        let own = nodes.filter(|node| node.process.namespace == self.namespace && node.pid.is_some());
        Ok(own.collect())
    }
}

impl Place for Machine {
    fn known(&self) -> &Known {
        &self.known
    }

    fn program(&self) -> &'static str {
        "althing"
    }

    fn nodes(&self) -> anyhow::Result<Vec<RunningNode>> {
        let running = self.running()?.into_iter().map(|node| node.process);
        let seen = running.map(|process| RunningNode {
            name: process.node,
            agency: process.agency,
            end_point: format!("127.0.0.1:{}", process.ports.rpc),
            groups: process
                .groups
                .into_iter()
                .map(|group| (group.id.get(), group.name))
                .collect(),
        });
        Ok(seen.collect())
    }

    async fn ask(&self, node: &RunningNode, path: &str, question: &Value, access: Access) -> anyhow::Result<Value> {
        let running = self.running()?;
        let found = running.iter().find(|running| running.process.node == node.name);
        let ports = &found.context("it does not run any more")?.process.ports;
        let client = match access {
            Access::Anyone => NodeClient::new(ports.rpc, ports.metrics)?,
            Access::Admin => NodeClient::with_patience(ports.rpc, ports.metrics, ADMINISTERED)?,
        };
        client.post(path, question).await
    }

    async fn key(&self, agency: &AgencyName) -> anyhow::Result<PrivateKey> {
        Ok(self.local.governance_key(&self.namespace, agency)?)
    }

    async fn cryptography(&self) -> anyhow::Result<Cryptography> {
        let nodes = self.local.nodes()?.into_iter();
        let own = nodes.filter(|node| node.process.namespace == self.namespace);
        for group in own.flat_map(|node| node.process.groups) {
            if let Some(recorded) = self.local.genesis(&self.namespace, &group.name)? {
                return Ok(recorded.genesis.cryptography);
            }
        }
        anyhow::bail!("no genesis of a group is recorded in {}", self.namespace)
    }
}
