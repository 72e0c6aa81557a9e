//! What can be voted on in a namespace, and by whom.

use std::time::{Duration, Instant};

use althing_operator::governance::{ChainView, Names, Open, entries, open, value_text};
use althing_operator::name::{AgencyName, GroupName};
use althing_operator::transaction::Chain;
use althing_types::Address;
use anyhow::{Context, bail, ensure};

use super::table::Row;
use super::{Decision, Known, Place};
use crate::output;

/// How long a vote may take to be seen on the chain.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(300);
/// The fewest letters that name a change.
const ID_LETTERS_MIN: usize = 6;

/// Everything that can be voted on in one group.
pub(super) struct Ballots {
    pub group: GroupName,
    pub chain: Chain,
    pub view: ChainView,
    open: Vec<Open>,
}

/// A namespace with its ballots.
pub(super) struct Scene {
    pub known: Known,
    pub groups: Vec<Ballots>,
}

impl Scene {
    pub(super) async fn look(place: &impl Place, known: Known) -> anyhow::Result<Self> {
        let mut scene = Self { known, groups: vec![] };
        for (group, view) in place.hear().await? {
            let agreed = scene.known.agreed.get(&group);
            let (mut declared, lacking) = entries(agreed, &scene.known.nodes, &scene.known.accounts);
            let asks = scene.known.asks.get(&group).into_iter().flatten();
            declared.extend(asks.map(|ask| ask.entry.clone()));
            for why in lacking {
                output::line_to_stderr(&format!("althing: group {group}: {why}"));
            }
            scene.groups.push(Ballots {
                chain: Chain::of(&place.genesis(&group).await?, &view),
                open: open(&view, &declared),
                group,
                view,
            });
        }
        Ok(scene)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
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
            asked_by: self.asked_by(ballots, open),
            effect: open.effect.clone(),
        }
    }

    fn asked_by(&self, ballots: &Ballots, open: &Open) -> Vec<String> {
        let holds = &ballots.view.governance;
        let asks = self.known.asks.get(&ballots.group).into_iter().flatten();
        let asks =
            asks.filter(|ask| ask.entry.wish == open.ballot.wish && ask.entry.number_on(holds) == open.ballot.number);
        asks.map(|ask| ask.agency.to_string()).collect()
    }

    pub(super) const fn names(&self) -> Names<'_> {
        Names {
            nodes: &self.known.nodes,
            accounts: &self.known.accounts,
        }
    }

    /// The change whose identity begins so.
    pub(super) fn find(&self, text: &str) -> anyhow::Result<(&Ballots, &Open)> {
        let wanted = text.strip_prefix("0x").unwrap_or(text).to_lowercase();
        ensure!(
            wanted.len() >= ID_LETTERS_MIN,
            "{text:?} names no change: at least {ID_LETTERS_MIN} letters of its id are needed; approvals shows them"
        );
        let all = self.groups.iter();
        let all = all.flat_map(|ballots| ballots.open.iter().map(move |open| (ballots, open)));
        let mut found = all.filter(|(_, open)| open.id.to_string().trim_start_matches("0x").starts_with(&wanted));
        let first = found.next().with_context(|| {
            format!(
                "no change whose id begins with {wanted} can be voted on in {}; approvals shows them all",
                self.known.namespace
            )
        })?;
        ensure!(
            found.next().is_none(),
            "more than one change begins with {wanted}: give more of its id"
        );
        Ok(first)
    }

    /// The agency that is asked for, or the only one that can.
    pub(super) fn voice(&self, ballots: &Ballots, open: &Open, decision: &Decision) -> anyhow::Result<AgencyName> {
        let holds = &ballots.view.governance;
        let can = |account: &Address| {
            let is_seated = holds.seats().is_empty() || holds.seats().contains_key(account);
            is_seated && holds.has_voted(account, &open.ballot) == decision.withdraw
        };
        if let Some(name) = &decision.agency {
            let known = self.known.accounts.get_key_value(name.as_str());
            let known = known.filter(|(agency, _)| self.known.own.contains(*agency));
            let (agency, account) = known.with_context(|| {
                let known: Vec<_> = self.known.own.iter().map(AgencyName::as_str).collect();
                format!(
                    "--as {name}: no governance key of it is in {}; there are {}",
                    self.known.namespace,
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
        let own = self
            .known
            .accounts
            .iter()
            .filter(|(agency, _)| self.known.own.contains(*agency));
        let able: Vec<_> = own.filter(|(_, account)| can(account)).collect();
        match able.as_slice() {
            [(agency, _)] => Ok((*agency).clone()),
            [] => bail!(
                "no agency of {} has a seat in group {} and a vote to give here",
                self.known.namespace,
                ballots.group
            ),
            several => {
                let names: Vec<_> = several.iter().map(|(agency, _)| agency.as_str()).collect();
                bail!("which agency? --as one of {}", names.join(", "))
            }
        }
    }

    /// Waits until the chain shows the vote.
    pub(super) async fn wait(
        &self,
        place: &impl Place,
        ballots: &Ballots,
        open: &Open,
        account: Address,
        is_withdrawn: bool,
    ) -> anyhow::Result<String> {
        let started = Instant::now();
        let subject = open.ballot.wish.subject();
        let name = self.names().subject(&subject);
        loop {
            let view = place.hear().await?.remove(&ballots.group);
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
                "the vote was sent and is in no block after {} s; doctor, or kubectl althing why, says what group {} lacks",
                PATIENCE.as_secs(),
                ballots.group
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
}
