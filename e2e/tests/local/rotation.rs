//! Certificates of every kind are replaced under load, and years pass: by a clock that is moved, and by nothing else (issue 5).

use std::time::Duration;

use althing_e2e::{Consortium, Intervals, Manifests, Member, Pace, Session, until, until_some};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::load::{self, Load};
use crate::room;

/// How long a node may take from a changed file to what it shows.
const TAKEN_UP: Duration = Duration::from_secs(30);
/// The usual pace of blocks is watched for so long.
const USUAL: Duration = Duration::from_secs(4);
/// The longest pause between two blocks, on a machine that also builds.
const PAUSE: Duration = Duration::from_secs(10);
/// Days until every leaf is renewed; until every agency is as well; until the chain certificate is too; and long after everything has
/// run out with nobody there to renew it.
const DAYS: [u32; 4] = [262, 1_000, 2_160, 9_000];

/// A consortium under load, with a session to each node that is held on to.
struct Scene {
    consortium: Consortium,
    nodes: Vec<Member>,
    sessions: Vec<Session>,
    load: Load,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let consortium = Consortium::start_with_clock(&Manifests::uniform(4, 1)).await?;
        let nodes = consortium.members()?;
        let clients = nodes
            .iter()
            .map(|node| node.rpc(1))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (mut accounts, mut sessions) = (vec![], vec![]);
        for (node, client) in nodes.iter().zip(&clients) {
            accounts.push(consortium.account(&node.name, client).await?);
            sessions.push(node.session(1).await?);
        }
        Ok(Self {
            load: Load::start(accounts, &clients),
            consortium,
            nodes,
            sessions,
        })
    }

    async fn status(&self, node: &Member) -> anyhow::Result<Value> {
        Ok(node.rpc(1)?.call("althing_status", json!([])).await?)
    }

    fn pace(&self) -> anyhow::Result<Pace> {
        Ok(Pace::of(&self.nodes.first().context("a node")?.rpc(1)?))
    }

    /// How blocks follow each other while nothing changes.
    async fn usual(&self) -> anyhow::Result<Intervals> {
        let pace = self.pace()?;
        tokio::time::sleep(USUAL).await;
        pace.stop().await
    }

    /// `althing up`, and then every node shows the same as its files, and every session is alive.
    async fn renew(&mut self) -> anyhow::Result<()> {
        let before = self.load.count();
        self.consortium.up().await?;
        self.is_well(before).await
    }

    async fn is_well(&mut self, before: u64) -> anyhow::Result<()> {
        for session in &mut self.sessions {
            session.asks().await?;
        }
        let load = &self.load;
        until("transactions go on", TAKEN_UP, || async { load.count() > before + 20 }).await?;
        let now: Vec<u32> = self.consortium.members()?.iter().map(|node| node.pid).collect();
        let then: Vec<u32> = self.nodes.iter().map(|node| node.pid).collect();
        ensure!(now == then, "a node was started again");
        Ok(())
    }

    /// Waits until every node shows a certificate that ends after `seconds`, and says so of all its peers.
    async fn show_until(&self, seconds: u64) -> anyhow::Result<()> {
        for node in &self.nodes {
            let what = format!("{} and its peers to show certificates that hold", node.name);
            until(&what, TAKEN_UP, || async {
                let Ok(status) = self.status(node).await else {
                    return false;
                };
                let peers = status["peers"].as_object().into_iter().flatten().map(|(_, peer)| peer);
                let shown: Vec<&Value> = peers.chain([&status["certificates"]]).collect();
                let holds = |shown: &&Value| shown["notAfter"].as_u64().is_some_and(|end| end > seconds);
                shown.len() == self.nodes.len() && shown.iter().all(holds)
            })
            .await?;
        }
        Ok(())
    }

    /// The digests of what nodes trust and show, of themselves and of their peers, each once.
    async fn told(&self, field: &str) -> anyhow::Result<Vec<String>> {
        let mut told = vec![];
        for node in &self.nodes {
            let status = self.status(node).await?;
            let peers = status["peers"].as_object().into_iter().flatten().map(|(_, peer)| peer);
            told.extend(
                peers
                    .chain([&status["certificates"]])
                    .map(|shown| shown[field].to_string()),
            );
        }
        told.sort();
        told.dedup();
        Ok(told)
    }

    /// Waits until all say the same, and something else than before.
    async fn told_anew(&self, field: &str, before: &[String]) -> anyhow::Result<Vec<String>> {
        let what = format!("all nodes to say another {field} than {before:?}");
        until_some(&what, TAKEN_UP, || async {
            let told = self.told(field).await.ok()?;
            (told.len() == 1 && told != before).then_some(told)
        })
        .await
    }

    /// Declares the chain keys and has them carried out.
    async fn keys(&mut self, keys: &str) -> anyhow::Result<()> {
        let file = self.consortium.manifests().join("consortium.yaml");
        let text = std::fs::read_to_string(&file)?;
        let (before, rest) = text.split_once("registrar: {managed: {").context("the registrar")?;
        let (_, after) = rest.split_once('\n').context("more lines")?;
        let managed = format!("registrar: {{managed: {{validity: 87600h, keys: {keys}}}}}");
        std::fs::write(&file, format!("{before}{managed}\n{after}"))?;
        self.renew().await
    }

    async fn ends_well(self) -> anyhow::Result<()> {
        let acknowledged = self.load.stop().await;
        for node in &self.nodes {
            load::is_all_there(&acknowledged, &node.rpc(1)?).await;
        }
        self.consortium.ledgers_are_equal(1, &self.nodes, TAKEN_UP).await?;
        println!("{} transactions acknowledged", acknowledged.len());
        Ok(())
    }
}

fn seconds_ahead(days: u32) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().as_secs() + u64::from(days) * 86_400
}

fn compare(what: &str, usual: &Intervals, during: &Intervals) {
    println!("usual: {usual}");
    println!("{what}: {during}");
    assert!(during.longest() <= PAUSE, "{what}: {during}");
}

#[tokio::test]
async fn years_pass_and_every_certificate_is_renewed_without_a_lost_session_or_transaction() {
    let _room = room::enter().await;
    let mut scene = Scene::start().await.unwrap();
    let usual = scene.usual().await.unwrap();
    for days in DAYS {
        let issuers = scene.told("issuer").await.unwrap();
        let before = scene.load.count();
        scene.consortium.set_ahead(days).unwrap();
        // Nobody has renewed anything yet: what is connected stays connected, whatever its dates say.
        scene.is_well(before).await.unwrap();
        let pace = scene.pace().unwrap();
        scene.renew().await.unwrap();
        scene.show_until(seconds_ahead(days)).await.unwrap();
        compare(&format!("{days} days later"), &usual, &pace.stop().await.unwrap());
        let is_renewed = scene.told("issuer").await.unwrap() != issuers;
        assert_eq!(is_renewed, days > 900, "the agency's certificate after {days} days");
    }
    scene.ends_well().await.unwrap();
}

#[tokio::test]
async fn the_chain_key_rolls_over_without_a_lost_session_or_transaction() {
    let _room = room::enter().await;
    let mut scene = Scene::start().await.unwrap();
    let usual = scene.usual().await.unwrap();
    let (trust, issuer) = (scene.told("trust").await.unwrap(), scene.told("issuer").await.unwrap());
    let pace = scene.pace().unwrap();
    scene.keys("[1, 2]").await.unwrap();
    let both = scene.told_anew("trust", &trust).await.unwrap();
    scene.told_anew("issuer", &issuer).await.unwrap();
    scene.keys("[2]").await.unwrap();
    let alone = scene.told_anew("trust", &both).await.unwrap();
    compare("during the rollover", &usual, &pace.stop().await.unwrap());
    assert_ne!(alone, trust);
    let before = scene.load.count();
    scene.is_well(before).await.unwrap();
    scene.ends_well().await.unwrap();
}
