//! Changes of every kind, between agencies with an operator each, while nodes and operators are killed and nodes are cut off, at random
//! points (issue 5): no fork, no halt that outlives the fault, and what is declared holds soon after it is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use althing_e2e::Dice;
use althing_e2e::cluster::Case;
use althing_e2e::operator::{Ledger, NodeProcess, Watchdog};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::consortium::CONVERGENCE;
use super::sovereign::{Home, TWO_AGENCIES_NODES as SEALERS, form, group, two_agencies};

/// The variable with another number of points. A hundred take longer than a case may: `ALTHING_PATIENCE` has to be given too.
const VARIABLE: &str = "ALTHING_POINTS";
/// How many there are otherwise.
const POINTS: usize = 5;
/// How soon manifests and chain agree after a fault is over (the bound).
const AGREED: Duration = Duration::from_secs(60);
/// The longest pause of a group through a fault and what heals it.
const PAUSE: Duration = Duration::from_secs(90);

/// What is changed.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// A sealer becomes an observer, or is no member any more.
    Leaves(usize, &'static str),
    /// Who left seals again.
    Seals(usize),
    /// Both nodes of an agency restart, under leases.
    Restart(usize),
    /// One more group is made.
    Group(u32),
}

/// What goes wrong meanwhile.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Killed(usize),
    CutOff(usize, Duration),
    OperatorKilled(usize),
}

struct Scene {
    homes: Vec<Home>,
    dice: Dice,
    ids: Vec<String>,
    /// Who does not seal group 1.
    away: Option<usize>,
    /// How often each node's role was changed.
    changes: [u32; 4],
    roles: [&'static str; 4],
    groups: u32,
    /// The limits of each agency's pods, as its manifests say them.
    limits: [String; 2],
    restarts: u32,
}

impl Scene {
    async fn start(case: &Case) -> anyhow::Result<Self> {
        let homes = two_agencies(case).await?;
        let mut ids = vec![];
        for home in &homes {
            for node in home.nodes() {
                ids.push(home.text(&format!("ledgernode/{node}"), "nodeId").await?);
            }
        }
        let scene = Self {
            homes,
            ids,
            dice: Dice::default(),
            away: None,
            changes: [0; 4],
            roles: ["Sealer"; 4],
            groups: 1,
            limits: ["limits: {memory: 1Gi}"; 2].map(str::to_owned),
            restarts: 0,
        };
        scene.form(1).await?;
        Ok(scene)
    }

    async fn form(&self, id: u32) -> anyhow::Result<()> {
        let both: Vec<&Home> = self.homes.iter().collect();
        form(&both, &group(id, &SEALERS, &["agency-a", "agency-b"])).await
    }

    fn ledger(&self, id: u32) -> anyhow::Result<Ledger> {
        Ok(self
            .homes
            .first()
            .context("agency A")?
            .ledger(id, &["node-0", "node-1"]))
    }

    fn next(&mut self) -> (Change, Fault) {
        let change = match (self.away, self.dice.index(4)) {
            (Some(node), 0..3) => Change::Seals(node),
            (None, 0) => Change::Leaves(self.dice.index(4), "Observer"),
            (None, 1) => Change::Leaves(self.dice.index(4), "Free"),
            (None, 2) => Change::Restart(self.dice.index(2)),
            _ if self.groups < 4 => Change::Group(self.groups + 1),
            (None, _) => Change::Restart(self.dice.index(2)),
            (Some(node), _) => Change::Seals(node),
        };
        let faults = if matches!(change, Change::Group(_)) { 2 } else { 3 };
        let fault = match self.dice.index(faults) {
            0 => Fault::Killed(self.dice.index(4)),
            1 => Fault::CutOff(
                self.dice.index(4),
                Duration::from_secs(2) + self.dice.milliseconds(8_000),
            ),
            _ => Fault::OperatorKilled(self.dice.index(2)),
        };
        (change, fault)
    }

    /// Declares a change in both folders, or in that of the agency whose business it is.
    async fn declare(&mut self, change: Change) -> anyhow::Result<()> {
        let role = |node: usize, role: &'static str, scene: &mut Self| {
            if let (Some(count), Some(held)) = (scene.changes.get_mut(node), scene.roles.get_mut(node)) {
                *count += 1;
                *held = role;
            }
            scene.away = (role != "Sealer").then_some(node);
        };
        match change {
            Change::Leaves(node, to) => role(node, to, self),
            Change::Seals(node) => role(node, "Sealer", self),
            Change::Restart(agency) => {
                self.restarts += 1;
                let limit = format!("limits: {{memory: {}Mi}}", 1024 + 16 * self.restarts);
                let limits = self.limits.get_mut(agency).context("an agency")?;
                let from = std::mem::replace(limits, limit.clone());
                let home = self.homes.get(agency).context("an agency")?;
                return home.change_nodes(&from, &limit).await;
            }
            Change::Group(id) => {
                self.groups = id;
                return Ok(());
            }
        }
        let agreed = self.agreed();
        for home in &self.homes {
            home.declare("group-1", &agreed).await?;
        }
        Ok(())
    }

    fn agreed(&self) -> Value {
        let changed = (0..4).filter(|node| self.changes.get(*node).is_some_and(|count| *count > 0));
        let members: Vec<Value> = changed
            .map(|node| json!({"node": SEALERS[node], "role": self.roles[node], "change": self.changes[node]}))
            .collect();
        json!({"members": members})
    }

    fn case_of(&self, node: usize) -> anyhow::Result<&Case> {
        Ok(&self.homes.get(node / 2).context("an agency")?.case)
    }

    /// Does it and undoes what does not undo itself.
    async fn suffer(&mut self, fault: Fault) -> anyhow::Result<()> {
        let Fault::OperatorKilled(agency) = fault else {
            return self.node_suffers(fault).await;
        };
        let operator = &mut self.homes.get_mut(agency).context("an agency")?.operator;
        operator.halt().await?;
        operator.restart()?;
        operator.ready().await
    }

    async fn node_suffers(&self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Killed(node) => NodeProcess::of(self.case_of(node)?, SEALERS[node]).await?.kill(),
            Fault::CutOff(node, time) => {
                let process = NodeProcess::of(self.case_of(node)?, SEALERS[node]).await?;
                process.cut_off().await?;
                tokio::time::sleep(time).await;
                let process = NodeProcess::of(self.case_of(node)?, SEALERS[node]).await?;
                process.join_again().await
            }
            Fault::OperatorKilled(_) => Ok(()),
        }
    }

    /// Both manifests and the chain of group 1 say the same, and what was changed beside it is done.
    async fn agrees(&self) -> anyhow::Result<()> {
        let what = "the chain to hold what is declared";
        self.case_of(0)?
            .eventually(what, AGREED, || self.chain_holds_it())
            .await?;
        for home in &self.homes {
            let group = "althing.dev/v1alpha1/Group";
            home.case.condition(group, "group-1", "InSync", AGREED).await?;
            for node in home.nodes() {
                let kind = "althing.dev/v1alpha1/Node";
                home.case.condition(kind, node, "Ready", AGREED).await?;
                home.case.condition(kind, node, "InSync", AGREED).await?;
            }
        }
        Ok(())
    }
}

impl Scene {
    /// Whether a node of each agency says the declared roles.
    async fn chain_holds_it(&self) -> anyhow::Result<()> {
        let with = |role: &str| {
            let held = SEALERS.iter().zip(&self.roles).filter(|(_, held)| **held == role);
            held.map(|(node, _)| node_id(self, node))
                .collect::<anyhow::Result<BTreeSet<_>>>()
        };
        let (sealers, observers) = (with("Sealer")?, with("Observer")?);
        for home in &self.homes {
            // Who left the group does not say what holds there.
            let member = home.nodes().iter().find(|node| {
                let held = SEALERS.iter().zip(&self.roles).find(|(name, _)| name == node);
                held.is_some_and(|(_, role)| *role != "Free")
            });
            let member = member.context("a member")?;
            let rpc = home.ledger(1, &[member]).rpc(member).await?;
            let listed: BTreeSet<String> = rpc.call("getSealerList", json!([1])).await?;
            ensure!(
                listed == sealers,
                "{member} lists {} sealers, {:?} is declared",
                listed.len(),
                self.roles
            );
            let listed: BTreeSet<String> = rpc.call("getObserverList", json!([1])).await?;
            ensure!(
                listed == observers,
                "{member} lists {} observers, {:?} is declared",
                listed.len(),
                self.roles
            );
        }
        Ok(())
    }
}

fn node_id(scene: &Scene, node: &str) -> anyhow::Result<String> {
    let found = SEALERS.iter().zip(&scene.ids).find(|(name, _)| **name == node);
    Ok(found.context("a node")?.1.clone())
}

pub(crate) async fn changes_of_every_kind_survive_kills_and_partitions_at_random_points(
    case: Case,
) -> anyhow::Result<()> {
    let points = std::env::var(VARIABLE)
        .ok()
        .and_then(|points| points.parse().ok())
        .unwrap_or(POINTS);
    let mut scene = Scene::start(&case).await?;
    let ledger = scene.ledger(1)?;
    ledger.goes_on(CONVERGENCE).await?;
    let watchdog = Watchdog::start(&ledger).await?;
    let mut longest = Duration::ZERO;
    for point in 1..=points {
        let (change, fault) = scene.next();
        let what = format!("point {point}: {change:?} while {fault:?}");
        let delay = scene.dice.milliseconds(4_000);
        let took = scene.point(change, fault, delay).await.context(what.clone())?;
        eprintln!(
            "    {what} after {} ms: agreed {} ms later",
            delay.as_millis(),
            took.as_millis()
        );
        longest = longest.max(took);
    }
    for id in 1..=scene.groups {
        scene.ledger(id)?.goes_on(CONVERGENCE).await?;
    }
    let watched = watchdog.finish(PAUSE).await?;
    eprintln!(
        "    {points} points, {} transactions, longest pause {:?}, longest until all agreed {longest:?}",
        watched.acknowledged.len(),
        watched.longest_pause
    );
    // What every member of every group holds is one chain.
    for id in 1..=scene.groups {
        one_chain(&scene, id).await?;
    }
    Ok(())
}

impl Scene {
    async fn point(&mut self, change: Change, fault: Fault, delay: Duration) -> anyhow::Result<Duration> {
        self.declare(change).await?;
        if let Change::Group(id) = change {
            // Making a group takes its agencies several steps, which the fault falls between.
            let faulty = async {
                tokio::time::sleep(delay).await;
                self.node_suffers(fault).await
            };
            let (formed, suffered) = tokio::join!(self.form(id), faulty);
            suffered.and(formed)?;
        } else {
            tokio::time::sleep(delay).await;
            self.suffer(fault).await?;
        }
        let healed = Instant::now();
        self.agrees().await?;
        if let Change::Group(id) = change {
            self.ledger(id)?.goes_on(AGREED).await?;
        }
        Ok(healed.elapsed())
    }
}

/// The nodes of both agencies hold the same block at the height that all of them have.
async fn one_chain(scene: &Scene, id: u32) -> anyhow::Result<()> {
    let mut heights = vec![];
    let mut clients = vec![];
    for home in &scene.homes {
        let ledger = home.ledger(id, home.nodes());
        for node in home.nodes() {
            let rpc = ledger.rpc(node).await?;
            heights.push(rpc.height().await?);
            clients.push(rpc);
        }
    }
    let height = heights.into_iter().min().context("a height")?;
    let mut hashes = vec![];
    for rpc in &clients {
        hashes.push(
            rpc.block_hash(height)
                .await?
                .with_context(|| format!("{} has no block {height}", rpc.url()))?,
        );
    }
    hashes.dedup();
    ensure!(hashes.len() == 1, "group {id} forks at height {height}: {hashes:?}");
    Ok(())
}
