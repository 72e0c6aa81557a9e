//! A registrar that has neither nodes nor a seat: it rolls its key over and revokes an agency, and agencies in other namespaces follow.
//! Nothing but bundles, certificates and its signed list passes between them (GOVERNANCE.md 3 and 4).

use std::time::{Duration, Instant};

use althing_e2e::Edition;
use althing_e2e::cluster::Case;
use althing_e2e::operator::Watchdog;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::consortium::{CONVERGENCE, get};
use super::rotation::session;
use super::sovereign::{Home, Reach, certify, form, group, meet, tell_each_other};

const AGENCIES: [(&str, &[&str]); 3] = [
    ("registry", &[]),
    ("agency-a", &["node-0", "node-1", "node-2"]),
    ("agency-b", &["node-3"]),
];
const SEALERS: [&str; 4] = ["node-0", "node-1", "node-2", "node-3"];
/// How long a revocation may take from its apply to the last closed connection.
const CUT_OFF: Duration = Duration::from_secs(90);
/// The longest pause of the group, on a machine that is busy.
const PAUSE: Duration = Duration::from_secs(20);

struct Scene {
    registry: Home,
    /// Agencies A and B.
    members: [Home; 2],
}

impl Scene {
    async fn start(case: &Case) -> anyhow::Result<Self> {
        let mut homes = vec![];
        for agency in AGENCIES {
            homes.push(Home::new(case, Edition::Standard, agency, Reach::Names).await?);
        }
        certify(&homes).await?;
        meet(&homes).await?;
        let [registry, a, b]: [Home; 3] = homes.try_into().ok().context("three agencies")?;
        form(&[&a, &b], &group(1, &SEALERS, &["agency-a"])).await?;
        Ok(Self {
            registry,
            members: [a, b],
        })
    }

    async fn keys(&self, keys: &[u32]) -> anyhow::Result<()> {
        let registry = &self.registry;
        registry
            .amend("consortium.yaml", |spec| {
                spec["registrar"]["managed"]["keys"] = json!(keys)
            })
            .await
    }

    /// What the members' bundles say is carried to the registrar, again and again, until its status is as it should be.
    async fn until<T>(&self, what: &str, is_so: impl Fn(&Value) -> Option<T> + Sync) -> anyhow::Result<T> {
        let case = &self.registry.case;
        case.eventually(what, CONVERGENCE, || async {
            for member in &self.members {
                let bundle = member.bundle(&[]).await?;
                self.registry.import(member.agency, &bundle, &[]).await?;
            }
            let consortium = get(case, "consortium/trade").await?.context("the consortium")?;
            is_so(&consortium["status"]).with_context(|| consortium["status"]["conditions"].to_string())
        })
        .await
    }

    /// Every member is told what to trust and which certificate signs.
    async fn members_trust(&self, certificates: &Value, signs: &str) -> anyhow::Result<()> {
        for member in &self.members {
            let trust = json!({"certificates": certificates, "issuing": signs});
            member.amend("consortium.yaml", |spec| spec["trust"] = trust).await?;
        }
        Ok(())
    }

    /// Every member takes the certificate home that the registrar made for it under its new key.
    async fn members_are_certified_anew(&self) -> anyhow::Result<()> {
        for member in &self.members {
            let object = format!("agency/{}", member.agency);
            let before = member.text(&object, "certificate").await?;
            let case = &self.registry.case;
            let issued = case.eventually("a certificate under the new key", CONVERGENCE, || async {
                let issued = self.registry.text(&object, "certificate").await?;
                ensure!(issued != before, "it is the old one");
                Ok(issued)
            });
            let issued = issued.await?;
            member
                .amend("agency.yaml", |spec| spec["certificate"] = json!(issued))
                .await?;
            // Until its operator has taken it up, its bundle speaks of the old one.
            let taken_up = member
                .case
                .eventually("the certificate to be taken up", CONVERGENCE, || async {
                    let shown = member.text(&object, "certificate").await?;
                    ensure!(shown.trim() == issued.trim(), "it shows the old one");
                    Ok(())
                });
            taken_up.await?;
        }
        Ok(())
    }

    /// The chain key gives way to the next one.
    async fn roll(&self) -> anyhow::Result<()> {
        let first = self.registry.text("consortium/trade", "fingerprint").await?;
        self.keys(&[1, 2]).await?;
        let trusted = |status: &Value| status["trusted"].as_array().cloned().unwrap_or_default();
        let both = self
            .until("two chain certificates", |status| {
                (trusted(status).len() == 2).then(|| status["trusted"].clone())
            })
            .await?;
        let now = self.registry.text("consortium/trade", "fingerprint").await?;
        ensure!(now == first, "the new key signs before anybody trusts it");
        self.members_trust(&both, &first).await?;
        let second = self
            .until(
                "the new key to sign once the members' bundles say that they trust it",
                |status| {
                    let signs = status["fingerprint"].as_str()?;
                    (signs != first).then(|| signs.to_owned())
                },
            )
            .await?;
        self.members_trust(&both, &second).await?;
        self.members_are_certified_anew().await?;
        // They have each other's certificates under the new key before anybody drops the old one.
        let [a, b] = &self.members;
        tell_each_other(&[a, b]).await?;
        self.keys(&[2]).await?;
        let only = self
            .until("the old chain certificate to go", |status| {
                (trusted(status).len() == 1).then(|| status["trusted"].clone())
            })
            .await?;
        self.members_trust(&only, &second).await?;
        let said = self.members.iter().map(|member| async move {
            let object = format!("agency/{}", member.agency);
            let what = format!("the nodes of {} to trust one chain certificate", member.agency);
            let case = &member.case;
            case.eventually(&what, CONVERGENCE, || async {
                let trust = member.status(&object, "trust").await?;
                let files = super::certificates::text(case, &format!("{}-sdk", member.agency), "ca.crt").await?;
                ensure!(files.matches("BEGIN CERTIFICATE").count() == 1, "{files}");
                Ok(trust["certificates"].to_string())
            })
            .await
        });
        let said: Vec<String> = futures::future::try_join_all(said).await?;
        ensure!(said.windows(2).all(|pair| pair[0] == pair[1]), "{said:?}");
        Ok(())
    }

    /// Agency B is revoked: its sealer by A's vote first, then everything that B issued.
    async fn revoke_b(&self) -> anyhow::Result<()> {
        let [a, b] = &self.members;
        let node_3 = b.text("ledgernode/node-3", "nodeId").await?;
        session((&b.case, "agency-b"), (&a.case, "node-0"))
            .await?
            .asks()
            .await?;
        let list = json!({"sequence": 1, "agencies": ["agency-b"]});
        let registry = &self.registry;
        registry
            .amend("consortium.yaml", |spec| spec["revocations"] = list)
            .await?;
        let signed = registry.status("consortium/trade", "revocations").await?;
        a.amend("consortium.yaml", |spec| spec["revocations"] = signed).await?;
        a.case
            .eventually("the revocation to wait for a vote", CONVERGENCE, || async {
                let found = get(&a.case, "consortium/trade").await?.context("the consortium")?;
                let told = found["status"]["conditions"].to_string();
                ensure!(told.contains("RevocationWaits") && told.contains("node-3"), "{told}");
                Ok(())
            })
            .await?;
        let since = Instant::now();
        a.declare(
            "group-1",
            &json!({"members": [{"node": "node-3", "role": "Free", "change": 1}]}),
        )
        .await?;
        let ledger = a.ledger(1, &SEALERS[..3]);
        for node in &SEALERS[..3] {
            let rpc = ledger.rpc(node).await?;
            let left = CUT_OFF.saturating_sub(since.elapsed());
            let what = format!("{node} to cut node-3 off");
            a.case
                .eventually(&what, left, || async {
                    let peers: Value = rpc.call("getPeers", json!([1])).await?;
                    ensure!(!peers.to_string().contains(&node_3), "it is connected");
                    Ok(())
                })
                .await?;
        }
        eprintln!(
            "    {} s from the vote's apply to the last closed connection",
            since.elapsed().as_secs()
        );
        let refused = match session((&b.case, "agency-b"), (&a.case, "node-0")).await {
            Ok(mut session) => session.asks().await.err(),
            Err(error) => Some(error),
        };
        ensure!(refused.is_some(), "a client of the revoked agency was let in");
        session((&a.case, "agency-a"), (&a.case, "node-0"))
            .await?
            .asks()
            .await
            .map(drop)
    }
}

pub(crate) async fn a_registrar_without_nodes_rolls_its_key_over_and_revokes_an_agency_elsewhere(
    case: Case,
) -> anyhow::Result<()> {
    let scene = Scene::start(&case).await?;
    let [a, _] = &scene.members;
    let ledger = a.ledger(1, &SEALERS[..3]);
    ledger.goes_on(CONVERGENCE).await?;
    let watchdog = Watchdog::start(&ledger).await?;
    scene.roll().await?;
    scene.revoke_b().await?;
    watchdog.finish(PAUSE).await?;
    Ok(())
}
