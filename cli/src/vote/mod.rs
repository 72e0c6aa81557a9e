//! `approvals` and `vote`: what is asked, by whom, what it would do; and a person's answer, which goes to the chain.
//!
//! The same on this machine and of a cluster: a [`Place`] says what chains hold and brings the vote.

mod local;
mod scene;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::Agreed;
use althing_operator::governance::{Act, Ask, Call, ChainView};
use althing_operator::name::{AgencyName, GroupName, Namespace, NodeName};
use althing_types::{Address, Genesis, NodeId};
use anyhow::Context;
use clap::Args;

pub(crate) use local::{Look, Vote, approvals, known, vote};

use crate::output::{self, Format};
use scene::Scene;

/// What a person decides.
#[derive(Debug, Args)]
pub(crate) struct Decision {
    /// The change, by the first letters of its id: approvals shows them
    change: String,
    /// Which agency votes [default: the only one that has a seat and has not voted]
    #[arg(long = "as", value_name = "AGENCY")]
    agency: Option<String>,
    /// Take the vote back instead
    #[arg(long)]
    withdraw: bool,
}

/// What a namespace is known by, its chains apart.
#[derive(Debug)]
pub(crate) struct Known {
    /// The namespace.
    pub namespace: Namespace,
    /// Its Nodes.
    pub nodes: BTreeMap<NodeName, NodeId>,
    /// Its Agencies' accounts.
    pub accounts: BTreeMap<AgencyName, Address>,
    /// Those of them that may vote from here.
    pub own: BTreeSet<AgencyName>,
    /// What its manifests declare, group by group.
    pub agreed: BTreeMap<GroupName, Agreed>,
    /// What agencies without a seat ask for.
    pub asks: BTreeMap<GroupName, Vec<Ask>>,
    /// What starts its nodes, when none answers.
    pub remedy: &'static str,
}

/// Where chains are asked and votes are brought.
pub(crate) trait Place {
    /// What holds on each chain: of each, what the own node with the most blocks says. A group of which none answers is missing.
    async fn hear(&self) -> anyhow::Result<BTreeMap<GroupName, ChainView>>;

    /// The recorded genesis of a group.
    async fn genesis(&self, group: &GroupName) -> anyhow::Result<Genesis>;

    /// Signs with the governance key of its agency and brings it to a node. It is done when the chain shows it.
    async fn bring(&self, act: &Act) -> anyhow::Result<()>;
}

/// Shows what can be voted on; false when no node answers.
pub(crate) async fn show(place: &impl Place, known: Known, format: Format) -> anyhow::Result<bool> {
    let scene = Scene::look(place, known).await?;
    let rows: Vec<_> = scene.rows().collect();
    match format {
        Format::Json => output::json(&rows)?,
        Format::Table if scene.groups.is_empty() => output::line_to_stderr(&format!(
            "no node of {} answers; {}",
            scene.known.namespace, scene.known.remedy
        )),
        Format::Table if rows.is_empty() => output::line_to_stderr(&format!(
            "nothing is voted on in the {} groups of {}",
            scene.groups.len(),
            scene.known.namespace
        )),
        Format::Table => output::text(&table::table(&rows).to_string())?,
    }
    Ok(!scene.groups.is_empty())
}

/// Brings a vote to the chain and says what came of it.
pub(crate) async fn cast(place: &impl Place, known: Known, decision: &Decision) -> anyhow::Result<bool> {
    let scene = Scene::look(place, known).await?;
    let (ballots, open) = scene.find(&decision.change)?;
    let agency = scene.voice(ballots, open, decision)?;
    let subject = open.ballot.wish.subject();
    let account = scene.known.accounts.get(&agency).copied().unwrap_or_default();
    let name = scene.names().subject(&subject);
    let call = match decision.withdraw {
        true => {
            let found = ballots.view.governance.vote_of(&subject, &account);
            let found = found
                .with_context(|| format!("{agency} has no vote on {name} in group {} to take back", ballots.group))?;
            Call::Withdraw {
                subject,
                voted_in: found.at.height,
            }
        }
        false => Call::Vote {
            ballot: open.ballot.clone(),
            seen: ballots.view.now.height,
        },
    };
    let act = Act {
        group: ballots.group.clone(),
        chain: ballots.chain,
        agency: agency.clone(),
        subject: name,
        call,
    };
    output::line_to_stderr(&format!("{act}; {}", open.effect));
    place.bring(&act).await?;
    let told = scene.wait(place, ballots, open, account, decision.withdraw).await?;
    output::text(&(told + "\n"))?;
    Ok(true)
}
