//! Whatever somebody changes by hand is put right again, soon, and without a restart.

use std::time::{Duration, Instant};

use althing_e2e::cluster::Case;
use althing_e2e::operator::Watchdog;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::consortium::{self, CONVERGENCE, PROMISED, Running, get, patch};

/// How somebody interferes.
enum Injection {
    /// Merges this into the object.
    Merge(Value),
    /// Deletes the object.
    Delete,
    /// Deletes the StatefulSet and leaves its pod.
    Orphan,
}
use Injection::{Delete, Merge, Orphan};

/// One drift.
struct Drift {
    what: &'static str,
    object: &'static str,
    injection: Injection,
    /// The pod goes by the injection itself: Kubernetes takes it away.
    takes_pod: bool,
}

const fn drift(what: &'static str, object: &'static str, injection: Injection) -> Drift {
    Drift {
        what,
        object,
        injection,
        takes_pod: false,
    }
}

const fn with_pod(what: &'static str, object: &'static str, injection: Injection) -> Drift {
    Drift {
        what,
        object,
        injection,
        takes_pod: true,
    }
}

/// The table. Drifts of the StatefulSet that take the pod stand last: the pods of all others stay the same.
fn table() -> Vec<Drift> {
    let label = |key: &str| Merge(json!({"metadata": {"labels": {key: null}}}));
    let unowned = || Merge(json!({"metadata": {"ownerReferences": null}}));
    let managed_by = "app.kubernetes.io/managed-by";
    let container = |more: Value| {
        // A merge patch replaces the list: the container keeps what it cannot be without.
        let mut container = json!({"name": "node", "image": "localhost/althing/node:0.1.0"});
        for (key, value) in more.as_object().into_iter().flatten() {
            container[key] = value.clone();
        }
        Merge(json!({"spec": {"template": {"spec": {"containers": [container]}}}}))
    };
    let set = "statefulset/node-0";
    let port = json!([{"name": "rpc", "port": 9999, "targetPort": 9999}]);
    vec![
        drift("another image", set, container(json!({"image": "localhost/other:1"}))),
        drift(
            "a variable more",
            set,
            container(json!({"env": [{"name": "EVIL", "value": "1"}]})),
        ),
        drift("other arguments", set, container(json!({"args": ["-c", "/other"]}))),
        drift(
            "a token mounted",
            set,
            Merge(json!({"spec": {"template": {"spec": {"automountServiceAccountToken": true}}}})),
        ),
        drift(
            "another update strategy",
            set,
            Merge(json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 9}}}})),
        ),
        drift("no owner", set, unowned()),
        drift("deleted, its pod left", set, Orphan),
        drift("deleted", "service/node-0", Delete),
        drift(
            "another port",
            "service/node-0",
            Merge(json!({"spec": {"ports": port}})),
        ),
        drift(
            "another selector",
            "service/node-0",
            Merge(json!({"spec": {"selector": {"althing.dev/node": "nobody"}}})),
        ),
        drift("deleted", "service/node-0-p2p", Delete),
        drift(
            "a changed file",
            "configmap/node-0-config",
            Merge(json!({"data": {"config.ini": "[rpc]\nlisten_port=1\n"}})),
        ),
        drift(
            "a file more",
            "configmap/node-0-config",
            Merge(json!({"data": {"group.9.ini": "[tx_pool]\nlimit=1\n"}})),
        ),
        drift(
            "a file less",
            "configmap/node-0-config",
            Merge(json!({"data": {"nodes.json": null}})),
        ),
        drift("deleted", "configmap/node-0-config", Delete),
        drift("no managed-by label", "configmap/node-0-config", label(managed_by)),
        drift("no owner label", "configmap/node-0-config", label("althing.dev/owner")),
        drift("no owner", "configmap/node-0-config", unowned()),
        drift("deleted", "configmap/group-1-genesis", Delete),
        drift(
            "a changed certificate",
            "secret/node-0-certificate",
            Merge(json!({"data": {"node.crt": "bm9uZQ=="}})),
        ),
        drift(
            "changed trust",
            "secret/node-0-certificate",
            Merge(json!({"data": {"ca.crt": "bm9uZQ=="}})),
        ),
        drift("deleted", "secret/node-0-certificate", Delete),
        drift("no managed-by label", "secret/node-0-certificate", label(managed_by)),
        drift("no managed-by label", "secret/node-0-key", label(managed_by)),
        drift(
            "no managed-by label",
            "persistentvolumeclaim/node-0-data",
            label(managed_by),
        ),
        drift(
            "opened",
            "poddisruptionbudget/node-0",
            Merge(json!({"spec": {"maxUnavailable": 1}})),
        ),
        drift("deleted", "poddisruptionbudget/node-0", Delete),
        drift(
            "loosened",
            "networkpolicy/node-0",
            Merge(json!({"spec": {"ingress": [{}]}})),
        ),
        drift("deleted", "networkpolicy/node-0", Delete),
        drift(
            "a token mounted",
            "serviceaccount/node-0",
            Merge(json!({"automountServiceAccountToken": true})),
        ),
        drift("deleted", "serviceaccount/node-0", Delete),
        drift("deleted", "secret/agency-a-sdk", Delete),
        with_pod("scaled to nothing", set, Merge(json!({"spec": {"replicas": 0}}))),
        with_pod("deleted, its pod with it", set, Delete),
    ]
}

/// What is compared: the object without what the API server counts, chooses or adds, and without what is made anew.
fn essence(object: &Value) -> Value {
    let mut essence = object.clone();
    let metadata = json!({
        "labels": object["metadata"]["labels"],
        "ownerReferences": object["metadata"]["ownerReferences"],
    });
    if let Some(fields) = essence.as_object_mut() {
        fields.insert("metadata".to_owned(), metadata);
        fields.remove("status");
    }
    for chosen in ["clusterIP", "clusterIPs"] {
        if essence["spec"][chosen] != "None"
            && essence["spec"][chosen] != json!(["None"])
            && let Some(spec) = essence["spec"].as_object_mut()
        {
            spec.remove(chosen);
        }
    }
    // A certificate that was lost is another one, for the same key.
    for certificate in ["node.crt", "tls.crt"] {
        if let Some(found) = essence["data"].get_mut(certificate) {
            *found = json!(found.as_str().is_some_and(|text| text.len() > 400));
        }
    }
    essence
}

/// An error that names the first field that differs.
fn same(path: &str, now: &Value, before: &Value) -> anyhow::Result<()> {
    if let (Value::Object(now), Value::Object(before)) = (now, before) {
        for key in now.keys().chain(before.keys()) {
            let of = |fields: &serde_json::Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
            same(&format!("{path}.{key}"), &of(now), &of(before))?;
        }
    }
    ensure!(now == before, "{path} is {now}, was {before}");
    Ok(())
}

async fn inject(case: &Case, drift: &Drift) -> anyhow::Result<()> {
    let done = match &drift.injection {
        Merge(change) => patch(case, drift.object, change).await,
        Delete => case.kubectl(&["delete", drift.object, "--wait=false"]).await.map(drop),
        Orphan => {
            let orphan = ["delete", drift.object, "--wait=false", "--cascade=orphan"];
            case.kubectl(&orphan).await.map(drop)
        }
    };
    done.with_context(|| format!("{}: {}", drift.object, drift.what))
}

/// Injects one drift; how long it took until the object was as before. What is deleted must have been made again.
async fn repaired(case: &Case, drift: &Drift) -> anyhow::Result<Duration> {
    let before = get(case, drift.object).await?.context("the object before its drift")?;
    let started = Instant::now();
    inject(case, drift).await?;
    let what = format!("{} ({}) to be as before", drift.object, drift.what);
    case.eventually(&what, PROMISED * 3, || async {
        let now = get(case, drift.object).await?.context("it is not there")?;
        ensure!(now["metadata"]["deletionTimestamp"].is_null(), "it is being deleted");
        let is_new = now["metadata"]["uid"] != before["metadata"]["uid"];
        ensure!(
            is_new == !matches!(drift.injection, Merge(_)),
            "the object is another one: {is_new}"
        );
        let (now, before) = (essence(&now), essence(&before));
        same("", &now, &before)
    })
    .await?;
    Ok(started.elapsed())
}

pub(crate) async fn what_somebody_changes_is_repaired_soon_and_without_a_restart(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let watchdog = Watchdog::start(&running.ledger).await?;
    let (mut times, mut wrong) = (vec![], vec![]);
    for drift in table() {
        let before = consortium::pods(&case).await?;
        let took = match repaired(&case, &drift).await {
            Ok(took) => took,
            Err(error) => {
                wrong.push(format!("{error:#}"));
                continue;
            }
        };
        eprintln!("    {:>5} ms  {}: {}", took.as_millis(), drift.object, drift.what);
        times.push(took);
        if drift.takes_pod {
            case.condition("v1/Pod", "node-0-0", "Ready", CONVERGENCE).await?;
            running.is_whole().await?;
        } else {
            let after = consortium::pods(&case).await?;
            ensure!(
                after == before,
                "{}: {}: {after:?}, were {before:?}",
                drift.object,
                drift.what
            );
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    times.sort();
    let p95 = times.get((times.len() * 95).div_ceil(100) - 1).context("no drift")?;
    eprintln!("    {} drifts, p95 {} ms", times.len(), p95.as_millis());
    ensure!(*p95 <= PROMISED, "p95 is {p95:?}");
    running.is_whole().await?;
    watchdog.finish(Duration::from_secs(40)).await?;
    running.ends_well().await
}
