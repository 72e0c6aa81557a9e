//! Seed 000 between four agencies that share nothing but bundles (issue 5).

use std::time::Duration;

use althing_e2e::Edition;
use althing_e2e::cluster::Case;
use althing_e2e::operator::Watchdog;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::canary::keys_are_found_nowhere_but_in_their_secret;
use super::consortium::CONVERGENCE;
use super::sovereign::{Home, Reach, certify, form, group, meet};

/// The agencies with their nodes.
const AGENCIES: [(&str, &[&str]); 4] = [
    ("agency-a", &["node-0", "node-1", "node-2"]),
    ("agency-b", &["node-3"]),
    ("agency-c", &["node-4"]),
    ("agency-d", &["node-5"]),
];
/// The longest pause of a group that a change passes through.
const PAUSE: Duration = Duration::from_secs(20);

pub(crate) async fn seed_000_between_four_agencies_that_share_nothing_but_bundles(case: Case) -> anyhow::Result<()> {
    on_one_cluster(&case, Edition::Standard).await
}

pub(crate) async fn seed_000_sm_between_four_agencies_that_share_nothing_but_bundles(case: Case) -> anyhow::Result<()> {
    on_one_cluster(&case, Edition::Sm).await
}

async fn on_one_cluster(case: &Case, edition: Edition) -> anyhow::Result<()> {
    let mut homes = vec![];
    for agency in AGENCIES {
        homes.push(Home::new(case, edition, agency, Reach::Names).await?);
    }
    from_beginning_to_end(&homes).await?;
    keys_are_found_nowhere_but_in_their_secret(&homes).await
}

pub(crate) async fn seed_000_between_agencies_on_two_clusters_that_share_nothing_but_files(
    case: Case,
) -> anyhow::Result<()> {
    case.on_a_second_cluster(async |second| {
        let mut homes = vec![];
        // A and C on one, B and D on the other: every group spans both.
        for (place, agency) in [&case, &second, &case, &second].into_iter().zip(AGENCIES) {
            homes.push(Home::new(place, Edition::Standard, agency, Reach::MachinePorts).await?);
        }
        from_beginning_to_end(&homes).await
    })
    .await
}

async fn from_beginning_to_end(homes: &[Home]) -> anyhow::Result<()> {
    certify(homes).await?;
    meet(homes).await?;
    let [a, b, c, d] = homes else {
        anyhow::bail!("four agencies")
    };
    form(
        &[a, b],
        &group(1, &["node-0", "node-1", "node-2", "node-3"], &["agency-a", "agency-b"]),
    )
    .await?;
    form(&[b, c], &group(2, &["node-3", "node-4"], &["agency-b", "agency-c"])).await?;
    let (first, second) = (a.ledger(1, &["node-0"]), b.ledger(2, &["node-3"]));
    first.goes_on(CONVERGENCE).await?;
    second.goes_on(CONVERGENCE).await?;
    let watchdogs = [Watchdog::start(&first).await?, Watchdog::start(&second).await?];

    a_s_nodes_step_back(a, b).await?;
    d_joins(b, c, d).await?;
    form(&[b, d], &group(3, &["node-3", "node-5"], &["agency-b", "agency-d"])).await?;
    d.ledger(3, &["node-5"]).goes_on(CONVERGENCE).await?;
    for watchdog in watchdogs {
        watchdog.finish(PAUSE).await?;
    }
    Ok(())
}

/// Node 2 becomes a free node and node 1 an observer of group 1, when B agrees and not before.
async fn a_s_nodes_step_back(a: &Home, b: &Home) -> anyhow::Result<()> {
    let agreed = json!({"members": [
        {"node": "node-2", "role": "Free", "change": 1},
        {"node": "node-1", "role": "Observer", "change": 1},
    ]});
    a.declare("group-1", &agreed).await?;
    b.case
        .eventually("B to see what A votes for", CONVERGENCE, || async {
            let changes = b.status("ledgergroup/group-1", "changes").await?;
            let all = changes.as_array().context("a list")?;
            let open = |change: &Value| change["state"] == "Voting" && change["votes"] == 1 && change["needed"] == 2;
            ensure!(all.len() == 2 && all.iter().all(open), "{changes}");
            Ok(())
        })
        .await?;
    let sealers = a.status("ledgergroup/group-1", "sealers").await?;
    ensure!(sealers.as_array().map(Vec::len) == Some(4), "{sealers}");
    b.declare("group-1", &agreed).await?;
    for home in [a, b] {
        home.agrees("group-1").await?;
        let sealers = home.status("ledgergroup/group-1", "sealers").await?;
        ensure!(sealers.as_array().map(Vec::len) == Some(2), "{sealers}");
    }
    let observers = a.status("ledgergroup/group-1", "observers").await?;
    let id = a.text("ledgernode/node-1", "nodeId").await?;
    ensure!(observers == json!([id]), "{observers}");
    Ok(())
}

/// Agency D's node gets the group's facts in a bundle, becomes a sealer by the votes of B and C, and D gets a seat, which people
/// of B and C vote for.
async fn d_joins(b: &Home, c: &Home, d: &Home) -> anyhow::Result<()> {
    let bundle = b.bundle(&["--group", "group-2"]).await?;
    d.import("agency-b", &bundle, &["--join", "group-2"]).await?;
    let group = bundle.split("---\n").find(|document| document.contains("kind: Group"));
    d.put("group-2.yaml", group.context("group 2")?).await?;
    let agreed = json!({
        "members": [{"node": "node-5", "role": "Sealer", "change": 1}],
        "committee": [{"agency": "agency-d", "weight": 1, "change": 1}],
    });
    // D has no seat: what it declares gives its node the group's files and is a wish.
    for home in [d, b, c] {
        home.declare("group-2", &agreed).await?;
    }
    let seat = seat_asked_for(b).await?;
    for (home, says) in [(b, "recorded: 1 of 2"), (c, "passed: agency-d is to be 1")] {
        let voted = home.plugin.run(&["vote", &seat]).await?;
        ensure!(voted.code == Some(0) && voted.out.contains(says), "{voted:?}");
    }
    for home in [b, c, d] {
        home.agrees("group-2").await?;
        let sealers = home.status("ledgergroup/group-2", "sealers").await?;
        ensure!(
            sealers.as_array().map(Vec::len) == Some(3),
            "{}: {sealers}",
            home.agency
        );
    }
    Ok(())
}

/// The id of the change that gives D its seat, as `kubectl althing approvals` shows it once it is all that waits.
async fn seat_asked_for(home: &Home) -> anyhow::Result<String> {
    home.case
        .eventually("the seat of D alone to be asked for", CONVERGENCE, || async {
            let shown = home.plugin.run(&["approvals", "-o", "json"]).await?;
            let rows: Vec<Value> = serde_json::from_str(&shown.out).with_context(|| format!("{shown:?}"))?;
            let group_2: Vec<_> = rows.iter().filter(|row| row["group"] == "group-2").collect();
            ensure!(group_2.len() == 1 && group_2[0]["subject"] == "agency-d", "{rows:?}");
            ensure!(group_2[0]["missing"].as_array().map(Vec::len) == Some(2), "{rows:?}");
            Ok(group_2[0]["id"].as_str().context("an id")?.to_owned())
        })
        .await
}
