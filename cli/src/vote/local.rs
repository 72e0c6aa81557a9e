//! On this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use althing_operator::edge::local::LocalView;
use althing_operator::governance::{Act, ChainView};
use althing_operator::name::{GroupName, Namespace};
use althing_types::Genesis;
use anyhow::Context;
use clap::Args;

use super::{Decision, Known, Place, cast, show};
use crate::{Common, chain, state, up};

#[derive(Debug, Args)]
pub(crate) struct Look {
    /// The namespace of the agencies [default: the only one]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Manifests whose declared changes are shown too, beside those that have votes already
    #[arg(short, long, value_name = "DIR")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Vote {
    #[command(flatten)]
    decision: Decision,
    #[command(flatten)]
    look: Look,
}

/// `althing approvals`; false when no node answers.
pub(crate) async fn approvals(common: &Common, look: &Look) -> anyhow::Result<bool> {
    let (here, known) = Here::find(common, look)?;
    show(&here, known, common.output).await
}

/// `althing vote`.
pub(crate) async fn vote(common: &Common, vote: &Vote) -> anyhow::Result<bool> {
    let (here, known) = Here::find(common, &vote.look)?;
    cast(&here, known, &vote.decision).await
}

/// A namespace of this machine.
struct Here {
    local: LocalView,
    namespace: Namespace,
}

impl Here {
    fn find(common: &Common, look: &Look) -> anyhow::Result<(Self, Known)> {
        let local = LocalView::new(&state::directory(common)?);
        let namespace = state::namespace(&local, look.namespace.as_deref())?;
        let mut known = known(&local, &namespace)?;
        if let Some(folder) = look.file.as_deref() {
            let groups = up::read(folder)?.namespaces.remove(&namespace).map(|it| it.groups);
            let declared = groups.into_iter().flatten();
            known.agreed = declared
                .filter_map(|(name, group)| Some((name, group.spec.agreed?)))
                .collect();
        }
        Ok((Self { local, namespace }, known))
    }
}

/// What a namespace of this machine is known by; what its manifests declare is not recorded here.
pub(crate) fn known(local: &LocalView, namespace: &Namespace) -> anyhow::Result<Known> {
    let nodes = local.nodes()?.into_iter().map(|node| node.process);
    let nodes = nodes.filter(|process| process.namespace == *namespace);
    let mut known = Known {
        nodes: nodes.map(|process| (process.node, process.node_id)).collect(),
        accounts: BTreeMap::new(),
        own: local.voices(namespace)?.into_iter().collect(),
        agreed: BTreeMap::new(),
        asks: BTreeMap::new(),
        namespace: namespace.clone(),
        remedy: "start them with althing up -f DIR",
    };
    for agency in &known.own {
        if let Some(account) = local.governance_key(namespace, agency)?.public().account() {
            known.accounts.insert(agency.clone(), account);
        }
    }
    Ok(known)
}

impl Place for Here {
    async fn hear(&self) -> anyhow::Result<BTreeMap<GroupName, ChainView>> {
        chain::hear(&self.local, &self.namespace).await
    }

    async fn genesis(&self, group: &GroupName) -> anyhow::Result<Genesis> {
        let recorded = self.local.genesis(&self.namespace, group)?;
        let recorded = recorded.with_context(|| format!("the genesis of group {group} is not recorded here"))?;
        Ok(recorded.genesis)
    }

    async fn bring(&self, act: &Act) -> anyhow::Result<()> {
        chain::bring(&self.local, &self.namespace, std::slice::from_ref(act)).await
    }
}
