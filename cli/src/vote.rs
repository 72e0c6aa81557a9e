//! `althing approvals` and `althing vote`: what is asked, by whom, what it would do; and a person's answer, which goes to the chain.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use althing_governance::ChangeId;
use althing_operator::edge::local::LocalView;
use althing_operator::governance::{Act, Call, Chain, ChainView, Names, Open, entries, open, short, value_text};
use althing_operator::manifest::Manifests;
use althing_operator::name::{AgencyName, GroupName, Namespace, NodeName};
use althing_operator::plan::PublicKey;
use althing_types::{Address, NodeId};
use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::output::{self, Format};
use crate::table::Table;
use crate::{Common, chain, state, up};

/// How long a vote may take to be seen on the chain.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(300);
/// The fewest letters that name a change.
const ID_LETTERS_MIN: usize = 6;
/// Letters of a nodeID or an account in a table.
const SUBJECT_LETTERS: usize = 42;

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
    /// The change, by the first letters of its id: althing approvals shows them
    change: String,
    /// Which agency votes [default: the only one that has a seat and has not voted]
    #[arg(long = "as", value_name = "AGENCY")]
    agency: Option<String>,
    /// Take the vote back instead
    #[arg(long)]
    withdraw: bool,
    #[command(flatten)]
    look: Look,
}

/// Everything that can be voted on in one group.
struct Ballots {
    group: GroupName,
    chain: Chain,
    view: ChainView,
    open: Vec<Open>,
}

/// A namespace with its names and its ballots.
struct Scene {
    local: LocalView,
    namespace: Namespace,
    nodes: BTreeMap<NodeName, NodeId>,
    accounts: BTreeMap<AgencyName, Address>,
    groups: Vec<Ballots>,
}

/// One line of `althing approvals`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    group: String,
    id: ChangeId,
    subject: String,
    from: String,
    to: String,
    force: bool,
    votes: u64,
    needed: u64,
    voted: Vec<String>,
    missing: Vec<String>,
    effect: String,
}

/// Shows what can be voted on; false when no node answers.
pub(crate) async fn approvals(common: &Common, look: &Look) -> anyhow::Result<bool> {
    let scene = Scene::look(common, look).await?;
    let rows: Vec<Row> = scene.rows().collect();
    match common.output {
        Format::Json => output::json(&rows)?,
        Format::Table if scene.groups.is_empty() => output::line_to_stderr(&format!(
            "no node of {} answers; start them with althing up -f DIR",
            scene.namespace
        )),
        Format::Table if rows.is_empty() => output::line_to_stderr(&format!(
            "nothing is voted on in the {} groups of {}",
            scene.groups.len(),
            scene.namespace
        )),
        Format::Table => output::text(&table(&rows).to_string())?,
    }
    Ok(!scene.groups.is_empty())
}

/// Brings a vote to the chain and says what came of it.
pub(crate) async fn vote(common: &Common, vote: &Vote) -> anyhow::Result<bool> {
    let scene = Scene::look(common, &vote.look).await?;
    let (ballots, open) = scene.find(&vote.change)?;
    let agency = scene.voice(ballots, open, vote)?;
    let subject = open.ballot.wish.subject();
    let act = Act {
        group: ballots.group.clone(),
        chain: ballots.chain,
        agency: agency.clone(),
        subject: scene.names().subject(&subject),
        call: match vote.withdraw {
            true => Call::Withdraw(subject.clone()),
            false => Call::Vote(open.ballot.clone()),
        },
    };
    output::line_to_stderr(&format!("{act}; {}", open.effect));
    chain::bring(&scene.local, &scene.namespace, std::slice::from_ref(&act)).await?;
    let account = scene.accounts.get(&agency).copied().unwrap_or_default();
    let told = scene.wait(ballots, open, account, vote.withdraw).await?;
    output::text(&(told + "\n"))?;
    Ok(true)
}

impl Scene {
    async fn look(common: &Common, look: &Look) -> anyhow::Result<Self> {
        let local = LocalView::new(&state::directory(common)?);
        let namespace = namespace(&local, look.namespace.as_deref())?;
        let manifests = look.file.as_deref().map(up::read).transpose()?;
        let nodes = local.nodes()?.into_iter().map(|node| node.process);
        let nodes = nodes.filter(|process| process.namespace == namespace);
        let nodes: BTreeMap<_, _> = nodes.map(|process| (process.node, process.node_id)).collect();
        let mut accounts = BTreeMap::new();
        for agency in local.voices(&namespace)? {
            if let PublicKey::Account(account) = local.governance_key(&namespace, &agency)?.public() {
                accounts.insert(agency, account);
            }
        }
        let mut scene = Self {
            groups: vec![],
            local,
            namespace,
            nodes,
            accounts,
        };
        for (group, view) in chain::hear(&scene.local, &scene.namespace).await? {
            let ballots = scene.ballots(group, view, manifests.as_ref())?;
            scene.groups.push(ballots);
        }
        Ok(scene)
    }

    fn ballots(&self, group: GroupName, view: ChainView, manifests: Option<&Manifests>) -> anyhow::Result<Ballots> {
        let genesis = self.local.genesis(&self.namespace, &group)?;
        let genesis = genesis
            .with_context(|| format!("the genesis of group {group} is not recorded here"))?
            .genesis;
        let object = manifests.and_then(|all| all.namespaces.get(&self.namespace)?.groups.get(&group));
        let agreed = object.and_then(|object| object.spec.agreed.as_ref());
        let (declared, lacking) = entries(agreed, &self.nodes, &self.accounts);
        for why in lacking {
            output::line_to_stderr(&format!("althing: group {group}: {why}"));
        }
        Ok(Ballots {
            chain: Chain::of(&genesis, &view.governance),
            open: open(&view, &declared),
            group,
            view,
        })
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let groups = self.groups.iter();
        groups.flat_map(|ballots| ballots.open.iter().map(|open| self.row(ballots, open)))
    }

    fn row(&self, ballots: &Ballots, open: &Open) -> Row {
        let holds = &ballots.view.governance;
        let (subject, to) = (open.ballot.wish.subject(), open.ballot.wish.to());
        let seats = holds.seats().keys();
        let (voted, missing): (Vec<_>, Vec<_>) = seats.partition(|account| holds.has_voted(account, &open.ballot));
        let names = self.names();
        let named = |accounts: Vec<&Address>| accounts.into_iter().map(|account| names.agency(account)).collect();
        Row {
            group: ballots.group.to_string(),
            id: open.id,
            subject: names.subject(&subject),
            from: value_text(&holds.value(&subject)),
            to: value_text(&to),
            force: open.ballot.force,
            votes: holds.tally(&subject, &to, open.ballot.force).0,
            needed: holds.needed(),
            voted: named(voted),
            missing: named(missing),
            effect: open.effect.clone(),
        }
    }

    const fn names(&self) -> Names<'_> {
        Names {
            nodes: &self.nodes,
            accounts: &self.accounts,
        }
    }

    /// The change whose identity begins so.
    fn find(&self, text: &str) -> anyhow::Result<(&Ballots, &Open)> {
        let wanted = text.strip_prefix("0x").unwrap_or(text).to_lowercase();
        ensure!(
            wanted.len() >= ID_LETTERS_MIN,
            "{text:?} names no change: at least {ID_LETTERS_MIN} letters of its id are needed; althing approvals shows them"
        );
        let all = self.groups.iter();
        let all = all.flat_map(|ballots| ballots.open.iter().map(move |open| (ballots, open)));
        let mut found = all.filter(|(_, open)| open.id.to_string().trim_start_matches("0x").starts_with(&wanted));
        let first = found.next().with_context(|| {
            format!(
                "no change whose id begins with {wanted} can be voted on in {}; a change that only manifests declare is found with -f DIR",
                self.namespace
            )
        })?;
        ensure!(
            found.next().is_none(),
            "more than one change begins with {wanted}: give more of its id"
        );
        Ok(first)
    }

    /// The agency that is asked for, or the only one that can.
    fn voice(&self, ballots: &Ballots, open: &Open, vote: &Vote) -> anyhow::Result<AgencyName> {
        let holds = &ballots.view.governance;
        let can = |account: &Address| {
            let is_seated = holds.seats().is_empty() || holds.seats().contains_key(account);
            is_seated && holds.has_voted(account, &open.ballot) == vote.withdraw
        };
        if let Some(name) = &vote.agency {
            let known = self.accounts.get_key_value(name.as_str());
            let (agency, account) = known.with_context(|| {
                let known: Vec<_> = self.accounts.keys().map(AgencyName::as_str).collect();
                format!(
                    "--as {name}: no governance key of it is in {}; there are {}",
                    self.namespace,
                    known.join(", ")
                )
            })?;
            ensure!(
                holds.seats().is_empty() || holds.seats().contains_key(account),
                "--as {name}: it has no seat in group {}",
                ballots.group
            );
            return Ok(agency.clone());
        }
        let able: Vec<_> = self.accounts.iter().filter(|(_, account)| can(account)).collect();
        match able.as_slice() {
            [(agency, _)] => Ok((*agency).clone()),
            [] => bail!(
                "no agency of {} has a seat in group {} and a vote to give here",
                self.namespace,
                ballots.group
            ),
            several => {
                let names: Vec<_> = several.iter().map(|(agency, _)| agency.as_str()).collect();
                bail!("which agency? --as one of {}", names.join(", "))
            }
        }
    }

    /// Waits until the chain shows the vote.
    async fn wait(
        &self,
        ballots: &Ballots,
        open: &Open,
        account: Address,
        is_withdrawn: bool,
    ) -> anyhow::Result<String> {
        let started = Instant::now();
        let subject = open.ballot.wish.subject();
        let name = self.names().subject(&subject);
        loop {
            let view = chain::hear(&self.local, &self.namespace).await?.remove(&ballots.group);
            if let Some(view) = view {
                let holds = &view.governance;
                if holds.next_number(&subject) > open.ballot.number {
                    return Ok(match holds.decided(&subject) == open.ballot.wish.to() {
                        true => format!("passed: {name} is to be {}", value_text(&open.ballot.wish.to())),
                        false => format!("another change of {name} passed first"),
                    });
                }
                if holds.has_voted(&account, &open.ballot) != is_withdrawn {
                    let (votes, _) = holds.tally(&subject, &open.ballot.wish.to(), open.ballot.force);
                    return Ok(format!("recorded: {votes} of {} votes for it", holds.needed()));
                }
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "the vote was sent and is in no block after {} s; althing doctor says what group {} lacks",
                PATIENCE.as_secs(),
                ballots.group
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
}

pub(crate) fn namespace(local: &LocalView, wanted: Option<&str>) -> anyhow::Result<Namespace> {
    let known = local.namespaces()?;
    let names = || known.iter().map(Namespace::as_str).collect::<Vec<_>>().join(", ");
    match (wanted, known.as_slice()) {
        (Some(wanted), _) => {
            let found = known.iter().find(|known| known.as_str() == wanted);
            found
                .cloned()
                .with_context(|| format!("no namespace {wanted} is here; there are: {}", names()))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => bail!("nothing runs here; start something with althing up -f DIR"),
        (None, _) => bail!("which namespace? -n one of {}", names()),
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&["GROUP", "CHANGE", "WHAT", "VOTES", "VOTED", "MISSING", "WOULD BE"]);
    for row in rows {
        let force = if row.force { ", by force" } else { "" };
        table.row(vec![
            row.group.clone(),
            short(&row.id),
            format!("{}: {} → {}{force}", clipped(&row.subject), row.from, row.to),
            format!("{} of {}", row.votes, row.needed),
            listed(&row.voted),
            listed(&row.missing),
            row.effect.clone(),
        ]);
    }
    table
}

/// A nodeID is shown by its beginning.
fn clipped(subject: &str) -> String {
    match subject.len() > SUBJECT_LETTERS {
        true => format!("{}…", subject.chars().take(8).collect::<String>()),
        false => subject.to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "-".to_owned(),
        names => names.join(" "),
    }
}
