//! `kubectl althing approvals` and `vote`: chains asked and votes brought by port-forward.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::Group;
use althing_kubernetes::names;
use althing_operator::governance::{Act, ChainView, rpc, signed};
use althing_operator::name::{GroupName, NodeName};
use althing_types::genesis::parse_canonical;
use althing_types::{Genesis, GroupId};
use anyhow::{Context, anyhow};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use super::seen::sentence;
use super::target::Target;
use super::there::There;
use crate::chain::keep_newest;
use crate::output::Format;
use crate::vote::{Decision, Place, cast, show};

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

impl There {
    async fn ask(&self, node: &NodeName, group: &GroupName, id: GroupId) -> anyhow::Result<(GroupName, ChainView)> {
        let answer = self.post_group(node, id, &rpc::ask_state()).await?;
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
        let group = act.chain.group;
        let signed = signed(std::slice::from_ref(act), key).with_context(|| format!("sign as {}", act.agency))?;
        let answer = self.post_group(node, group, &rpc::send(&signed)).await?;
        rpc::told_sent(&answer, signed.len()).with_context(|| format!("Node {node}: send a transaction"))
    }
}

impl Place for There {
    async fn hear(&self) -> anyhow::Result<BTreeMap<GroupName, ChainView>> {
        let groups = || self.manifests().groups.iter();
        let groups = || groups().filter_map(|(name, group)| Some((name, group_id(group)?)));
        let questions = self
            .doors()
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
        let api: Api<ConfigMap> = self.api();
        let object = api.get(&name).await;
        let object = object.map_err(|error| anyhow!("read ConfigMap {name}: {}", sentence(&error)))?;
        let document = object.data.unwrap_or_default().remove(names::GENESIS_FILE);
        let document = document.with_context(|| format!("ConfigMap {name} has no {}", names::GENESIS_FILE))?;
        parse_canonical(document.as_bytes()).with_context(|| format!("ConfigMap {name}"))
    }

    async fn bring(&self, act: &Act) -> anyhow::Result<()> {
        let key = self.governance_key(&act.agency).await?;
        let mut refused = anyhow!("no node of {} runs", self.namespace());
        for node in self.doors().keys() {
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
