//! Keys are made once, and a node that lost its data is no danger (DESIGN.md 5.1, 5.5).

use std::collections::BTreeMap;
use std::time::Duration;

use althing_e2e::cluster::{Case, documents};
use althing_e2e::operator::{Audit, Ledger, Object, Operator, Options, Watchdog, four_agencies};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use serde_json::json;

use super::consortium::{self, CONVERGENCE, PROMISED, Running, bare, get, node_id, uid, whole};

/// The longest pause of a group of four that loses one: some rounds of view change.
const PAUSE: Duration = Duration::from_secs(40);

pub(crate) async fn a_missing_key_stalls_its_node_alone_and_is_never_made_again(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let watchdog = Watchdog::start(&running.ledger).await?;
    let pods = consortium::pods(&case).await?;
    let (key, id) = ("secret/node-0-key", node_id(&case, "node-0").await?);
    let first = get(&case, key).await?.context("the key")?;
    for is_labelled in [true, false] {
        case.kubectl(&["delete", key]).await?;
        let said = Object::node(&case, "node-0")
            .says("Stalled", "KeyMissing", PROMISED)
            .await?;
        ensure!(said.contains("put it back from a backup"), "{said}");
        // The others go on, and their changes are still carried out.
        let pdb = "poddisruptionbudget/node-1";
        case.kubectl(&["delete", pdb]).await?;
        case.eventually("what the others need to be kept", PROMISED, || async {
            uid(&case, pdb).await?.context("it is gone")
        })
        .await?;
        ensure!(uid(&case, key).await?.is_none(), "the key was made again");
        ensure!(node_id(&case, "node-0").await? == id, "the status forgot the nodeID");
        let mut restored = bare(first.clone());
        if !is_labelled && let Some(metadata) = restored["metadata"].as_object_mut() {
            metadata.remove("labels");
        }
        case.apply(&restored.to_string()).await?;
        case.condition("althing.dev/v1alpha1/Node", "node-0", "Ready", PROMISED * 2)
            .await?;
        let kept = get(&case, key).await?.context("the key that was restored")?;
        ensure!(kept["data"] == first["data"], "the key is another one");
        let label = &kept["metadata"]["labels"]["app.kubernetes.io/managed-by"];
        ensure!(
            label == "althing",
            "the restored key has no labels: {}",
            kept["metadata"]
        );
    }
    ensure!(node_id(&case, "node-0").await? == id, "the nodeID is another one");
    ensure!(consortium::pods(&case).await? == pods, "a pod was restarted");
    watchdog.finish(PAUSE).await?;
    running.ends_well().await
}

pub(crate) async fn a_node_without_its_ledger_abstains_until_it_is_safe_and_takes_part_again(
    case: Case,
) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let (claim, id) = ("persistentvolumeclaim/node-0-data", node_id(&case, "node-0").await?);
    let (key, lost) = (uid(&case, "secret/node-0-key").await?, uid(&case, claim).await?);
    case.kubectl(&["delete", claim, "pod/node-0-0", "--wait=false"]).await?;
    Ledger::new(&case, 1, &["node-1", "node-2", "node-3"])
        .goes_on(CONVERGENCE)
        .await?;
    case.eventually("another volume", CONVERGENCE, || async {
        let found = uid(&case, claim).await?.context("no claim")?;
        ensure!(Some(&found) != lost.as_ref(), "the old one is still there");
        Ok(())
    })
    .await?;
    // The group is idle now: what makes voting safe, one block more, is not there.
    case.eventually("node-0 to abstain", CONVERGENCE, || async {
        let node = get(&case, "ledgernode/node-0").await?.context("the node")?;
        let said = node["status"]["conditions"].to_string();
        ensure!(said.contains("abstains"), "{said}");
        Ok(())
    })
    .await?;
    let watchdog = Watchdog::start(&running.ledger).await?;
    running.is_whole().await?;
    ensure!(node_id(&case, "node-0").await? == id, "the nodeID is another one");
    ensure!(uid(&case, "secret/node-0-key").await? == key, "the key was made again");
    // It votes again: with another one gone the group needs it.
    case.kubectl(&["delete", "pod/node-1-0", "--wait=false"]).await?;
    Ledger::new(&case, 1, &["node-0", "node-2", "node-3"])
        .goes_on(CONVERGENCE)
        .await?;
    running.is_whole().await?;
    watchdog.finish(PAUSE).await?;
    running.ends_well().await
}

pub(crate) async fn two_operators_at_once_never_make_a_second_key(case: Case) -> anyhow::Result<()> {
    let audit = Audit::begin(&case)?;
    let operators = [Operator::start(&case).await?, Operator::start(&case).await?];
    let uids = made_once(&case, operators[0].user(), audit.as_ref(), KEYS).await?;
    for operator in operators {
        operator.stop().await?;
    }
    ensure!(key_uids(&case).await? == uids, "keys have changed");
    Ok(())
}

pub(crate) async fn a_replica_that_takes_over_in_the_middle_makes_no_second_key(case: Case) -> anyhow::Result<()> {
    let replica = |name: &str| Options {
        replica: Some(name.to_owned()),
        ..Options::default()
    };
    let audit = Audit::begin(&case)?;
    let leader = Operator::start_with(&case, replica("one")).await?;
    leader.shows("althing_leader 1", CONVERGENCE).await?;
    let second = Operator::start_with(&case, replica("two")).await?;
    second.shows("althing_leader 0", CONVERGENCE).await?;
    case.apply(&light(&four_agencies(case.namespace())?)?).await?;
    case.eventually("the first key", CONVERGENCE, || async {
        key_uids(&case).await?.first_key_value().map(drop).context("none yet")
    })
    .await?;
    let first = key_uids(&case).await?;
    leader.kill().await?;
    second.shows("althing_leader 1", CONVERGENCE).await?;
    // Who is killed may not hear of the last keys that it made, and the API server then logs no answer to it.
    let uids = made_once(&case, second.user(), audit.as_ref(), KEYS - AT_ONCE).await?;
    let is_kept = |(name, uid): (&String, &String)| uids.get(name) == Some(uid);
    ensure!(first.iter().all(is_kept), "keys of the first replica were made again");
    second.stop().await
}

/// The sample's keys: one of the chain, four of each of four agencies, one of each of six nodes.
const KEYS: usize = 23;
/// How many of them an operator makes at the same time.
const AT_ONCE: usize = 16;

/// The sample, whose nodes ask for little, so that many fit a machine.
fn light(yaml: &str) -> anyhow::Result<String> {
    let mut texts = vec![];
    for mut object in documents(yaml)? {
        if object.types.as_ref().is_some_and(|types| types.kind == "Node") {
            object.data["spec"]["resources"] = json!({"requests": {"cpu": "10m", "memory": "32Mi"}});
        }
        texts.push(serde_json::to_string(&object)?);
    }
    Ok(texts.join("\n---\n"))
}

/// Applies the sample, watches its keys until all is Ready, and has each made by exactly one request. Gives their uids.
/// At least `heard` of those requests were answered.
async fn made_once(
    case: &Case,
    user: &str,
    audit: Option<&Audit>,
    heard: usize,
) -> anyhow::Result<BTreeMap<String, String>> {
    case.apply(&light(&four_agencies(case.namespace())?)?).await?;
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let deadline = tokio::time::Instant::now() + CONVERGENCE;
    while let Err(unready) = whole(case, Duration::from_secs(1)).await {
        for (name, uid) in key_uids(case).await? {
            let known = first.entry(name.clone()).or_insert_with(|| uid.clone());
            ensure!(*known == uid, "{name} was made again");
        }
        ensure!(tokio::time::Instant::now() < deadline, "{unready:#}");
    }
    let uids = key_uids(case).await?;
    ensure!(uids.len() == KEYS, "{} keys: {uids:?}", uids.len());
    ensure!(
        first.iter().all(|(name, uid)| uids.get(name) == Some(uid)),
        "a key was made again"
    );
    if let Some(audit) = audit {
        audit.settled(case, user, Duration::from_secs(10), CONVERGENCE).await?;
        audit.check(user, &[case.namespace()])?;
        let made = keys_made(audit, user)?;
        ensure!(
            made.len() >= heard && made.values().all(|count| *count == 1),
            "made: {made:?}"
        );
    }
    Ok(uids)
}

/// What the API server answered to every request that made a key: by the name of its Secret, how often one came of it.
fn keys_made(audit: &Audit, user: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut made = BTreeMap::new();
    for write in audit.writes_of(user)? {
        if write.verb() == "create" && write.resource() == "secrets" && write.code() == 201 {
            *made.entry(write.name().to_owned()).or_default() += 1;
        }
    }
    Ok(made)
}

/// The uid of every Secret that holds a key.
async fn key_uids(case: &Case) -> anyhow::Result<BTreeMap<String, String>> {
    let secrets = case.api::<Secret>().list(&ListParams::default()).await?;
    let keys = secrets.into_iter().filter(|secret| {
        let data = secret.data.as_ref();
        data.is_some_and(|data| data.contains_key("key.pem"))
    });
    let uid = |secret: Secret| Some((secret.metadata.name?, secret.metadata.uid?));
    Ok(keys.filter_map(uid).collect())
}
