//! Agencies with an operator each restart their sealers one after the other, because the chain says whose turn it is (GOVERNANCE.md 2).

use std::collections::BTreeMap;
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{PodWatch, Watchdog, is_up, pods, uid};
use anyhow::{Context, ensure};

use super::consortium::CONVERGENCE;
use super::sovereign::{Home, TWO_AGENCIES_NODES, form, group, two_agencies};

/// The longest pause of a group that loses one sealer: a few rounds' timeouts of 3 s, each longer than the last.
const ONE_SEALER_AWAY: Duration = Duration::from_secs(30);
/// Four restarts, each with a lease that is asked for, granted by proofs of life, and given back.
const FOUR_RESTARTS: Duration = Duration::from_secs(600);

pub(crate) async fn two_agencies_that_each_restart_one_of_four_sealers_at_once(case: Case) -> anyhow::Result<()> {
    let homes = two_agencies(&case).await?;
    let [a, b] = homes.as_slice() else {
        anyhow::bail!("two agencies")
    };
    form(&[a, b], &group(1, &TWO_AGENCIES_NODES, &["agency-a", "agency-b"])).await?;
    let ledger = a.ledger(1, &["node-0", "node-1"]);
    ledger.goes_on(CONVERGENCE).await?;
    all_in_sync(&homes).await?;

    let before = all_pods(&homes).await?;
    let watchdog = Watchdog::start(&ledger).await?;
    let watch = PodWatch::over(&[&a.case, &b.case]).await?;
    let (more, memory) = ("memory: 1100Mi", "memory: 1Gi");
    let (one, other) = tokio::join!(a.change_nodes(memory, more), b.change_nodes(memory, more));
    one.and(other)?;
    waits_for_the_lease(&case, &homes).await?;
    case.eventually("every pod to be replaced", FOUR_RESTARTS, || async {
        let now = all_pods(&homes).await?;
        for (node, (old, _)) in &before {
            let (new, is_up) = now.get(node).with_context(|| format!("{node} has no pod"))?;
            ensure!(new != old && *is_up, "{node} is not replaced yet");
        }
        Ok(())
    })
    .await?;
    all_in_sync(&homes).await?;

    let history = watch.finish().await?;
    history.one_at_a_time()?;
    ensure!(history.replaced.len() == 4, "replaced: {:?}", history.replaced);
    watchdog.finish(ONE_SEALER_AWAY).await.map(drop)
}

async fn all_in_sync(homes: &[Home]) -> anyhow::Result<()> {
    for home in homes {
        home.is_ready("Node", home.nodes()).await?;
        for node in home.nodes() {
            let kind = "althing.dev/v1alpha1/Node";
            home.case.condition(kind, node, "InSync", CONVERGENCE).await?;
        }
    }
    Ok(())
}

/// The pods of all agencies by node: which, and whether it is up.
async fn all_pods(homes: &[Home]) -> anyhow::Result<BTreeMap<String, (String, bool)>> {
    let mut all = BTreeMap::new();
    for home in homes {
        let found = pods(&home.case).await?;
        all.extend(found.into_iter().map(|(node, pod)| (node, (uid(&pod), is_up(&pod)))));
    }
    Ok(all)
}

/// Whoever waits says for what: a node of one of the agencies waits for the lease, as `why` tells.
async fn waits_for_the_lease(case: &Case, homes: &[Home]) -> anyhow::Result<()> {
    case.eventually("a node to say that it waits for the lease", CONVERGENCE, || async {
        let mut told = String::new();
        for home in homes {
            told += &home.plugin.run(&["why"]).await?.out;
        }
        ensure!(told.contains("rule   a lease on the chain first"), "{told}");
        Ok(())
    })
    .await
}
