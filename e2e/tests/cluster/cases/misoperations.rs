//! What people get wrong: applied, seen, put right again, and nothing else is needed.

use std::time::{Duration, Instant};

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Object, Watchdog};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::authority::Authority;
use super::certificates::text;
use super::consortium::{self, API, PROMISED, Running, bare, get, group, manifests, node, node_id, patch};

/// How soon what a kubelet or a scheduler has to try first is said.
const TRIED: Duration = Duration::from_secs(30);
/// The longest pause of a group of four that loses one: some rounds of view change.
const PAUSE: Duration = Duration::from_secs(40);

/// What is to be seen of a misoperation.
enum Sight {
    /// Plural, name, condition, reason, and a part of the message; how soon.
    Said(
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        Duration,
    ),
    /// Nothing: it is harmless, or repaired before anybody need know.
    Nothing,
}
use Sight::{Nothing, Said};

/// One thing done, or undone.
enum Deed {
    Apply(String),
    Patch(&'static str, Value),
    Delete(&'static str),
    /// Makes it anew with these fields instead of its own.
    Replace(&'static str, Value),
    /// Makes it as it was before the misoperation.
    Restore(&'static str),
}
use Deed::{Apply, Delete, Patch, Replace, Restore};

/// One misoperation.
struct Misoperation {
    name: &'static str,
    done: Vec<Deed>,
    seen: Sight,
    undone: Vec<Deed>,
}

const fn misoperation(name: &'static str, done: Vec<Deed>, seen: Sight, undone: Vec<Deed>) -> Misoperation {
    Misoperation {
        name,
        done,
        seen,
        undone,
    }
}

/// Does it, sees it, undoes it, and waits until all is well. What must be restored is remembered from before.
async fn happens(running: &Running, it: &Misoperation) -> anyhow::Result<()> {
    let case = &running.case;
    let mut before = vec![];
    for deed in &it.undone {
        if let Restore(object) = deed {
            before.push(bare(get(case, object).await?.context("the object before")?));
        }
    }
    let mut before = before.into_iter();
    for deed in &it.done {
        carry_out(case, deed, &mut before).await?;
    }
    let seen = see(case, &it.seen).await;
    for deed in &it.undone {
        carry_out(case, deed, &mut before).await?;
    }
    running.is_whole().await.context("after it was put right")?;
    seen
}

async fn see(case: &Case, sight: &Sight) -> anyhow::Result<()> {
    let Said(plural, name, condition, reason, part, soon) = sight else {
        return Ok(());
    };
    let message = Object::of(case, plural, name).says(condition, reason, *soon).await?;
    ensure!(message.contains(part), "it says {message:?}");
    Ok(())
}

async fn carry_out(case: &Case, deed: &Deed, before: &mut impl Iterator<Item = Value>) -> anyhow::Result<()> {
    match deed {
        Apply(yaml) => case.apply(yaml).await.map(drop),
        Patch(object, change) => patch(case, object, change).await,
        Delete(object) => case.kubectl(&["delete", object, "--wait=false"]).await.map(drop),
        Replace(object, fields) => {
            let mut other = bare(get(case, object).await?.context("the object to replace")?);
            for (key, value) in fields.as_object().into_iter().flatten() {
                other[key] = value.clone();
            }
            case.kubectl(&["delete", object]).await?;
            case.apply(&other.to_string()).await.map(drop)
        }
        Restore(object) => {
            case.kubectl(&["delete", object, "--ignore-not-found"]).await?;
            let before = before.next().context("as it was before")?;
            case.apply(&before.to_string()).await.map(drop)
        }
    }
}

/// All of a table on one consortium of four sealers; blocks go on meanwhile. `pods_stay`: no pod of a sealer may change.
async fn all(running: &Running, table: &[Misoperation], pods_stay: bool) -> anyhow::Result<()> {
    let case = &running.case;
    let watchdog = Watchdog::start(&running.ledger).await?;
    let before = sealers(case).await?;
    let mut wrong = vec![];
    for it in table {
        let started = Instant::now();
        if let Err(error) = happens(running, it).await {
            wrong.push(format!("{}: {error:#}", it.name));
        }
        eprintln!("    {:>6} ms  {}", started.elapsed().as_millis(), it.name);
        if pods_stay && sealers(case).await? != before {
            bail!("{}: a sealer was restarted; until then:\n{}", it.name, wrong.join("\n"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    watchdog.finish(PAUSE).await?;
    running.ends_well().await
}

/// The pods of the group's sealers.
async fn sealers(case: &Case) -> anyhow::Result<std::collections::BTreeMap<String, (String, i32)>> {
    let mut pods = consortium::pods(case).await?;
    pods.retain(|name, _| name.starts_with("node-"));
    Ok(pods)
}

/// What the operator finds in manifests, and in objects beside them.
fn seen_by_the_operator(peer: &str, twin: &Value, key: &Value) -> Vec<Misoperation> {
    let settings = |key: &str, value: &str| {
        let change = json!({"spec": {"local": {"settings": {key: value}}}});
        vec![Patch("ledgergroup/group-1", change)]
    };
    let no_settings = || vec![Patch("ledgergroup/group-1", json!({"spec": {"local": null}}))];
    let node_0 = |p2p: Value| vec![Patch("ledgernode/node-0", json!({"spec": {"p2p": p2p}}))];
    let group_invalid = |part| Said("ledgergroups", "group-1", "Stalled", "InvalidSpec", part, PROMISED);
    let said = |plural, name, condition, reason, part| Said(plural, name, condition, reason, part, PROMISED);
    let stalls = |node, reason, part| said("ledgernodes", node, "Stalled", reason, part);
    let agency_x = format!("{API}\nkind: Agency\nmetadata: {{name: agency-x}}\nspec: {{consortium: none}}\n");
    let stranger = |more: &str| {
        format!("{API}\nkind: Node\nmetadata: {{name: stranger}}\nspec: {{agency: agency-a, external: {{{more}}}}}\n")
    };
    let external = |facts: &Value| {
        let spec = json!({"agency": "agency-a", "external": facts});
        format!("{API}\nkind: Node\nmetadata: {{name: stranger}}\nspec: {spec}\n")
    };
    let no_certificate = format!("certificate: \"{}\"", "x".repeat(80));
    let copied = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "twin-key"}, "immutable": true, "data": key["data"],
    });
    let foreign = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: taken-config}\ndata: {mine: here}\n";
    let all = manifests(4);
    vec![
        misoperation(
            "a node of an agency that is not there",
            vec![Apply(node("lost", "").replace("agency-a", "agency-x"))],
            said("ledgernodes", "lost", "Reconciling", "ReferenceMissing", "agency-x"),
            vec![Delete("ledgernode/lost")],
        ),
        misoperation(
            "an agency of a consortium that is not there",
            vec![Apply(agency_x)],
            said("agencies", "agency-x", "Reconciling", "ReferenceMissing", "none"),
            vec![Delete("agency/agency-x")],
        ),
        misoperation(
            "a group whose sealer is not there",
            vec![Apply(group("group-8", 8, "sealers: [node-0, node-9]"))],
            said("ledgergroups", "group-8", "Reconciling", "ReferenceMissing", "node-9"),
            vec![Delete("ledgergroup/group-8")],
        ),
        misoperation(
            "a number that another group has",
            vec![Apply(group("group-9", 1, "sealers: [node-0]"))],
            said(
                "ledgergroups",
                "group-9",
                "Stalled",
                "InvalidSpec",
                "which Group group-1 has",
            ),
            vec![Delete("ledgergroup/group-9")],
        ),
        misoperation(
            "a pinned hash of another genesis",
            vec![Apply(group(
                "group-7",
                7,
                &format!("sealers: [node-0]\n    hash: \"0x{}\"", "1".repeat(64)),
            ))],
            said(
                "ledgergroups",
                "group-7",
                "Stalled",
                "GenesisHashDiffers",
                "spec.genesis.hash",
            ),
            vec![Delete("ledgergroup/group-7")],
        ),
        misoperation(
            "a setting that is none",
            settings("nonsense.key", "1"),
            group_invalid("accepted"),
            no_settings(),
        ),
        misoperation(
            "a setting that is no number",
            settings("tx_pool.limit", "many"),
            group_invalid("tx_pool"),
            no_settings(),
        ),
        misoperation(
            "a setting that would be another section",
            settings("tx_pool.limit", "1\n[storage]\npath=/"),
            group_invalid("spec.local.settings"),
            no_settings(),
        ),
        misoperation(
            "an address with a port that is none",
            node_0(json!({"advertise": "node-0.example.com:99999"})),
            stalls("node-0", "InvalidSpec", "host:port"),
            node_0(json!({"advertise": null})),
        ),
        misoperation(
            "a peer on the list of those never let in",
            node_0(json!({"deny": [peer]})),
            Nothing,
            node_0(json!({"deny": null})),
        ),
        misoperation(
            "somebody else's node with a certificate that is none",
            vec![Apply(stranger(&no_certificate))],
            stalls("stranger", "InvalidSpec", "spec.external.certificate"),
            vec![Delete("ledgernode/stranger")],
        ),
        misoperation(
            "somebody else's node with an own node's identity",
            vec![Apply(external(twin))],
            stalls("stranger", "KeyMismatch", "node-1"),
            vec![Delete("ledgernode/stranger")],
        ),
        misoperation(
            "somebody else's node without its agency's signature",
            vec![Apply(stranger(&format!("nodeId: \"{}\"", "5e".repeat(64))))],
            stalls("stranger", "AttestationMissing", "spec.external.attestation"),
            vec![Delete("ledgernode/stranger")],
        ),
        misoperation(
            "two nodes with one key",
            vec![Apply(copied.to_string()), Apply(node("twin", ""))],
            stalls("twin", "KeyMismatch", "node-0"),
            vec![Delete("ledgernode/twin"), Delete("secret/twin-key")],
        ),
        misoperation(
            "a key that is none",
            vec![Replace("secret/node-0-key", json!({"data": {"key.pem": "bm9uZQ=="}}))],
            stalls("node-0", "KeyUnreadable", "cannot be read"),
            vec![Restore("secret/node-0-key")],
        ),
        misoperation(
            "a ConfigMap of the same name in the way",
            vec![Apply(foreign.to_owned()), Apply(node("taken", ""))],
            stalls("taken", "NameTaken", "taken-config"),
            vec![Delete("configmap/taken-config"), Delete("ledgernode/taken")],
        ),
        misoperation(
            "requests above limits",
            vec![Apply(node("greedy", "").replace("memory: 32Mi", "memory: 32Gi"))],
            said("ledgernodes", "greedy", "Reconciling", "ApplyRefused", "requests"),
            vec![Delete("ledgernode/greedy")],
        ),
        misoperation(
            "an agency deleted while its nodes run",
            vec![Delete("agency/agency-a")],
            said("ledgernodes", "node-0", "Reconciling", "ReferenceMissing", "agency-a"),
            vec![Apply(all.clone())],
        ),
        misoperation(
            "a consortium deleted while it runs",
            vec![Delete("consortium/trade")],
            said("agencies", "agency-a", "Reconciling", "ReferenceMissing", "trade"),
            vec![Apply(all)],
        ),
        misoperation(
            "certificates emptied",
            vec![Patch("secret/node-0-certificate", json!({"data": null}))],
            Nothing,
            vec![],
        ),
        misoperation(
            "a ConfigMap made immutable by hand",
            vec![Patch("configmap/node-0-config", json!({"immutable": true}))],
            stalls("node-0", "ApplyRefused", "immutable"),
            vec![Delete("configmap/node-0-config")],
        ),
        misoperation(
            "a volume that should shrink",
            vec![Patch(
                "ledgernode/node-0",
                json!({"spec": {"storage": {"size": "512Mi"}}}),
            )],
            Nothing,
            vec![Patch(
                "ledgernode/node-0",
                json!({"spec": {"storage": {"size": "1Gi"}}}),
            )],
        ),
    ]
}

pub(crate) async fn what_only_the_operator_can_see_is_said_and_heals_without_a_restart(
    case: Case,
) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let key = get(&case, "secret/node-0-key").await?.context("a key")?;
    let peer = node_id(&case, "node-1").await?;
    let agency = Authority::of(
        &text(&case, "agency-a-ca-key", "key.pem").await?,
        &text(&case, "agency-a-ca", "tls.crt").await?,
    )?;
    let twin = agency.node_as_external("stranger", "agency-a", &json!({"nodeId": peer}))?;
    all(&running, &seen_by_the_operator(&peer, &twin, &key), true).await
}

/// What disturbs the pod of one node.
fn at_one_node() -> Vec<Misoperation> {
    let spec = |spec: Value| vec![Patch("ledgernode/node-1", json!({"spec": spec}))];
    let said = |name, reason, part| Said("ledgernodes", name, "Reconciling", reason, part, TRIED);
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: nothing}\nspec: {hard: {pods: \"0\"}}\n";
    let limits = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: tiny}\nspec: {limits: [{type: Container, max: {memory: 16Mi}}]}\n";
    let small = json!({"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "1Gi"}});
    let class = "storage: {storageClassName: none}";
    vec![
        misoperation("a pod deleted", vec![Delete("pod/node-0-0")], Nothing, vec![]),
        misoperation(
            "a StatefulSet scaled to nothing",
            vec![Patch("statefulset/node-2", json!({"spec": {"replicas": 0}}))],
            Nothing,
            vec![],
        ),
        misoperation(
            "a disruption budget deleted, and the pod after it",
            vec![Delete("poddisruptionbudget/node-3"), Delete("pod/node-3-0")],
            Nothing,
            vec![],
        ),
        misoperation(
            "an image that is not there",
            spec(json!({"image": "localhost/althing/none:1"})),
            said("node-1", "ImageCannotBePulled", "spec.image"),
            spec(json!({"image": null})),
        ),
        misoperation(
            "resources that no machine has",
            spec(json!({"resources": {"requests": {"cpu": "1000"}}})),
            said("node-1", "Unschedulable", "spec.resources"),
            spec(json!({"resources": small})),
        ),
        misoperation(
            "a quota that takes no pod",
            vec![Apply(quota.to_owned()), Delete("pod/node-1-0")],
            said("node-1", "PodRefused", "quota: nothing"),
            vec![Delete("resourcequota/nothing")],
        ),
        misoperation(
            "limits that its containers exceed",
            vec![Apply(limits.to_owned()), Delete("pod/node-2-0")],
            said("node-2", "PodRefused", "maximum"),
            vec![Delete("limitrange/tiny")],
        ),
        misoperation(
            "a storage class that is not there",
            vec![Apply(node("homeless", class))],
            said("homeless", "VolumeCannotBind", "storage class"),
            vec![Delete("ledgernode/homeless")],
        ),
        misoperation(
            "an image's name that is none",
            vec![Apply(node("nameless", "image: \"NO NAME\""))],
            said("nameless", "ImageCannotBePulled", "spec.image"),
            vec![Delete("ledgernode/nameless")],
        ),
    ]
}

pub(crate) async fn what_disturbs_one_node_leaves_the_quorum_and_heals(case: Case) -> anyhow::Result<()> {
    all(&Running::start(&case, 4).await?, &at_one_node(), false).await
}
