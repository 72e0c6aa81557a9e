//! Seed 000 between four agencies, each with a namespace, an operator and a folder of manifests of its own, which share nothing but
//! bundles (issue 5).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Ledger, Operator, Watchdog};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::consortium::{API, CONVERGENCE, RESOURCES, get};
use super::kubectl::Plugin;

/// The agencies with their nodes.
const AGENCIES: [(&str, &[&str]); 4] = [
    ("agency-a", &["node-0", "node-1", "node-2"]),
    ("agency-b", &["node-3"]),
    ("agency-c", &["node-4"]),
    ("agency-d", &["node-5"]),
];
/// The longest pause of a group that a change passes through.
const PAUSE: Duration = Duration::from_secs(20);

/// One agency: its namespace, its operator, its folder.
struct Home {
    case: Case,
    agency: &'static str,
    nodes: &'static [&'static str],
    plugin: Plugin,
    folder: TempDir,
    _operator: Operator,
}

impl Home {
    async fn new(case: &Case, agency: &'static str, nodes: &'static [&'static str]) -> anyhow::Result<Self> {
        let case = case.within(&case.another_namespace(agency).await?);
        Ok(Self {
            _operator: Operator::start(&case).await?,
            plugin: Plugin::new(&case)?,
            folder: tempfile::tempdir()?,
            case,
            agency,
            nodes,
        })
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes a file of the folder and applies the whole folder.
    async fn put(&self, file: &str, text: &str) -> anyhow::Result<()> {
        std::fs::write(self.path(file), text)?;
        let folder = self.folder.path().to_string_lossy();
        self.case
            .kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &folder])
            .await
            .map(drop)
    }

    /// A field of an object's status, once it is there.
    async fn status(&self, object: &str, field: &str) -> anyhow::Result<Value> {
        let what = format!("{object} of {} to have status.{field}", self.agency);
        self.case
            .eventually(&what, CONVERGENCE, || async {
                let found = get(&self.case, object).await?.context("it is not there")?;
                let value = found["status"][field].clone();
                ensure!(!value.is_null(), "{}", found["status"]);
                Ok(value)
            })
            .await
    }

    async fn text(&self, object: &str, field: &str) -> anyhow::Result<String> {
        let value = self.status(object, field).await?;
        Ok(value.as_str().context("a text")?.to_owned())
    }

    /// What it gives to others.
    async fn bundle(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let what = format!("a whole bundle of {}", self.agency);
        self.case
            .eventually(&what, CONVERGENCE, || async {
                let bundle = self.plugin.run(&[&["bundle", "export"], arguments].concat()).await?;
                ensure!(bundle.code == Some(0), "{bundle:?}");
                Ok(bundle.out)
            })
            .await
    }

    /// Waits until each of these objects is Ready for its present generation.
    async fn is_ready(&self, kind: &str, names: &[&str]) -> anyhow::Result<()> {
        for name in names {
            let kind = format!("althing.dev/v1alpha1/{kind}");
            self.case.condition(&kind, name, "Ready", CONVERGENCE).await?;
        }
        Ok(())
    }

    async fn declare(&self, group: &str, agreed: &Value) -> anyhow::Result<()> {
        let file = format!("{group}.yaml");
        let text = std::fs::read_to_string(self.path(&file))?;
        let mut manifest: Value = serde_yaml::from_str(&text)?;
        manifest["spec"]["agreed"] = agreed.clone();
        self.put(&file, &manifest.to_string()).await
    }

    /// Waits until the chain of a group holds what is declared here.
    async fn agrees(&self, group: &str) -> anyhow::Result<()> {
        self.case
            .condition("althing.dev/v1alpha1/Group", group, "InSync", CONVERGENCE)
            .await
    }

    fn ledger(&self, group: u32, members: &[&str]) -> Ledger {
        Ledger::new(&self.case, group, members)
    }
}

fn indented(pem: &str, by: usize) -> String {
    pem.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{:by$}{line}", "");
        text
    })
}

fn consortium(rest: &str) -> String {
    format!(
        "{API}\nkind: Consortium\nmetadata: {{name: trade}}\nspec:\n  chainId: 20260\n  cryptography: Standard\n{rest}"
    )
}

fn agency(name: &str, rest: &str) -> String {
    format!("{API}\nkind: Agency\nmetadata: {{name: {name}}}\nspec:\n  consortium: trade\n{rest}")
}

fn node(name: &str, agency: &str) -> String {
    format!(
        "{API}\nkind: Node\nmetadata: {{name: {name}}}\nspec: {{agency: {agency}, resources: {RESOURCES}, storage: {{size: 1Gi}}}}\n"
    )
}

/// A group's manifest, the same in every folder; as JSON, which is YAML.
fn group(id: u32, sealers: &[&str], seats: &[&str]) -> Value {
    let seats: Vec<_> = seats
        .iter()
        .map(|agency| json!({"agency": agency, "weight": 1}))
        .collect();
    json!({
        "apiVersion": "althing.dev/v1alpha1",
        "kind": "Group",
        "metadata": {"name": format!("group-{id}")},
        "spec": {
            "consortium": "trade",
            "groupId": id,
            "genesis": {
                "timestamp": "2026-01-01T00:00:00Z",
                "sealers": sealers,
                "committee": {"seats": seats, "threshold": 50},
            },
        },
    })
}

pub(crate) async fn seed_000_between_four_agencies_that_share_nothing_but_bundles(case: Case) -> anyhow::Result<()> {
    let mut homes = vec![];
    for (agency, nodes) in AGENCIES {
        homes.push(Home::new(&case, agency, nodes).await?);
    }
    certify(&homes).await?;
    meet(&homes).await?;
    let [a, b, c, d] = homes.as_slice() else {
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

/// Agency A is the registrar: the others hand in requests, and it admits those whose fingerprints they told over another channel.
async fn certify(homes: &[Home]) -> anyhow::Result<()> {
    let (registrar, others) = homes.split_first().context("a registrar")?;
    let managed = "  registrar:\n    managed: {validity: 87600h}\n";
    registrar.put("consortium.yaml", &consortium(managed)).await?;
    registrar.put("agency.yaml", &agency(registrar.agency, "")).await?;
    let chain = registrar.text("consortium/trade", "certificate").await?;
    let trust = format!("  trust:\n    certificates:\n    - |\n{}", indented(&chain, 6));
    let mut admitted = String::new();
    for home in others {
        home.put("consortium.yaml", &consortium(&trust)).await?;
        home.put("agency.yaml", &agency(home.agency, "")).await?;
        let object = format!("agency/{}", home.agency);
        let fingerprint = home.text(&object, "csrFingerprint").await?;
        let _ = writeln!(
            admitted,
            "    - {{agency: {}, csrFingerprint: \"{fingerprint}\"}}",
            home.agency
        );
        let file = format!("{}.yaml", home.agency);
        registrar.put(&file, &home.bundle(&[]).await?).await?;
    }
    let admit = format!("{managed}    admit:\n{admitted}");
    registrar.put("consortium.yaml", &consortium(&admit)).await?;
    for home in others {
        let object = format!("agency/{}", home.agency);
        let answer = registrar.text(&object, "certificate").await?;
        let certificate = format!("  certificate: |\n{}", indented(&answer, 4));
        home.put("agency.yaml", &agency(home.agency, &certificate)).await?;
        home.is_ready("Agency", &[home.agency]).await?;
    }
    Ok(())
}

/// Every agency has its nodes made, and the public facts about all others.
async fn meet(homes: &[Home]) -> anyhow::Result<()> {
    for home in homes {
        let nodes: Vec<_> = home.nodes.iter().map(|name| node(name, home.agency)).collect();
        home.put("nodes.yaml", &nodes.join("---\n")).await?;
    }
    let mut bundles = BTreeMap::new();
    for home in homes {
        home.is_ready("Node", home.nodes).await?;
        bundles.insert(home.agency, home.bundle(&[]).await?);
    }
    for home in homes {
        for (agency, bundle) in bundles.iter().filter(|(agency, _)| **agency != home.agency) {
            home.put(&format!("{agency}.yaml"), bundle).await?;
        }
    }
    Ok(())
}

/// Agencies that write the same group into their folders compute the same genesis, compare its hash and pin it.
async fn form(homes: &[&Home], manifest: &Value) -> anyhow::Result<()> {
    let name = manifest["metadata"]["name"].as_str().context("a name")?;
    let (file, object) = (format!("{name}.yaml"), format!("ledgergroup/{name}"));
    let mut hashes = vec![];
    for home in homes {
        home.put(&file, &manifest.to_string()).await?;
    }
    for home in homes {
        hashes.push(home.text(&object, "genesisHash").await?);
    }
    ensure!(hashes.iter().all(|hash| hash == &hashes[0]), "{hashes:?}");
    let mut pinned = manifest.clone();
    pinned["spec"]["genesis"]["hash"] = json!(hashes[0]);
    for home in homes {
        home.put(&file, &pinned.to_string()).await?;
    }
    for home in homes {
        home.is_ready("Group", &[name]).await?;
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

/// Agency D's node gets the group's facts in a bundle, and becomes a sealer by the votes of B and C.
async fn d_joins(b: &Home, c: &Home, d: &Home) -> anyhow::Result<()> {
    let bundle = b.bundle(&["--group", "group-2"]).await?;
    let group = bundle.split("---\n").find(|document| document.contains("kind: Group"));
    d.put("group-2.yaml", group.context("group 2")?).await?;
    let agreed = json!({"members": [{"node": "node-5", "role": "Sealer", "change": 1}]});
    // D has no seat: what it declares gives its node the group's files and is a wish.
    for home in [d, b, c] {
        home.declare("group-2", &agreed).await?;
    }
    for home in [b, c, d] {
        home.agrees("group-2").await?;
        let sealers = home.status("ledgergroup/group-2", "sealers").await?;
        ensure!(sealers.as_array().map(Vec::len) == Some(3), "{sealers}");
    }
    Ok(())
}
