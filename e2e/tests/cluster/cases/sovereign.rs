//! Agencies that share nothing but bundles: each has a namespace, an operator with a Role in it, and a folder of manifests.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use althing_e2e::Edition;
use althing_e2e::cluster::Case;
use althing_e2e::operator::{Ledger, Operator};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::consortium::{API, CONVERGENCE, RESOURCES, get};
use super::kubectl::Plugin;

/// How the nodes of an agency are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// By the names of their Services: everybody is on the same cluster.
    Names,
    /// At a port of their cluster's machine, from other clusters too.
    MachinePorts,
}

/// One agency: its namespace, its operator, its folder.
pub(crate) struct Home {
    pub(crate) case: Case,
    edition: Edition,
    pub(crate) agency: &'static str,
    nodes: &'static [&'static str],
    pub(crate) plugin: Plugin,
    folder: TempDir,
    inbox: TempDir,
    reach: Reach,
    pub(crate) operator: Operator,
}

impl Home {
    pub(crate) async fn new(
        case: &Case,
        edition: Edition,
        (agency, nodes): (&'static str, &'static [&'static str]),
        reach: Reach,
    ) -> anyhow::Result<Self> {
        let case = case.within(&case.another_namespace(agency).await?);
        Ok(Self {
            operator: Operator::start(&case).await?,
            plugin: Plugin::new(&case)?,
            folder: tempfile::tempdir()?,
            inbox: tempfile::tempdir()?,
            case,
            edition,
            agency,
            nodes,
            reach,
        })
    }

    /// Writes its nodes' manifests, with the addresses at which others reach them.
    async fn put_nodes(&self) -> anyhow::Result<()> {
        let plain = |p2p: &str| {
            self.nodes
                .iter()
                .map(|name| node(name, self.agency, p2p))
                .collect::<Vec<_>>()
        };
        if self.reach == Reach::Names {
            return self.put("nodes.yaml", &plain("").join("---\n")).await;
        }
        self.put("nodes.yaml", &plain("service: NodePort").join("---\n"))
            .await?;
        let cluster = self.case.target().cluster().context("a cluster of this machine")?;
        let machine = cluster.network().node();
        let mut nodes = vec![];
        for name in self.nodes {
            let port = self.machine_port(name).await?;
            let p2p = format!("service: NodePort, advertise: \"{machine}:{port}\"");
            nodes.push(node(name, self.agency, &p2p));
        }
        self.put("nodes.yaml", &nodes.join("---\n")).await
    }

    /// The port that the cluster chose for a node's Service.
    async fn machine_port(&self, node: &str) -> anyhow::Result<i32> {
        let services = self.case.api::<Service>();
        self.case
            .eventually("a port of the machine", CONVERGENCE, || async {
                let spec = services.get(&format!("{node}-external")).await?.spec;
                let port = spec.and_then(|spec| spec.ports?.first()?.node_port);
                port.context("no port yet")
            })
            .await
    }

    pub(crate) const fn nodes(&self) -> &'static [&'static str] {
        self.nodes
    }

    /// Where its manifests are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the bundles are that others gave it.
    pub(crate) fn inbox(&self) -> &Path {
        self.inbox.path()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes a file of the folder and applies the whole folder.
    pub(crate) async fn put(&self, file: &str, text: &str) -> anyhow::Result<()> {
        std::fs::write(self.path(file), text)?;
        let folder = self.folder.path().to_string_lossy();
        self.case
            .kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &folder])
            .await
            .map(drop)
    }

    /// Changes the text of its nodes' manifests.
    pub(crate) async fn change_nodes(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.path("nodes.yaml"))?;
        ensure!(text.contains(from), "no {from} in {text}");
        self.put("nodes.yaml", &text.replace(from, to)).await
    }

    /// A field of an object's status, once it is there.
    pub(crate) async fn status(&self, object: &str, field: &str) -> anyhow::Result<Value> {
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

    pub(crate) async fn text(&self, object: &str, field: &str) -> anyhow::Result<String> {
        let value = self.status(object, field).await?;
        Ok(value.as_str().context("a text")?.to_owned())
    }

    /// What it gives to others.
    pub(crate) async fn bundle(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let what = format!("a whole bundle of {}", self.agency);
        self.case
            .eventually(&what, CONVERGENCE, || async {
                let bundle = self.plugin.run(&[&["bundle", "export"], arguments].concat()).await?;
                ensure!(bundle.code == Some(0), "{bundle:?}");
                Ok(bundle.out)
            })
            .await
    }

    /// Puts a bundle that another agency gave it into its inbox and imports it.
    pub(crate) async fn import(&self, from: &str, bundle: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let file = self.inbox.path().join(format!("{from}.yaml"));
        std::fs::write(&file, bundle)?;
        let file = file.to_string_lossy();
        let imported = self
            .plugin
            .run(&[&["bundle", "import", &file], arguments].concat())
            .await?;
        ensure!(imported.code == Some(0), "{} imports {from}: {imported:?}", self.agency);
        Ok(())
    }

    /// Waits until each of these objects is Ready for its present generation.
    pub(crate) async fn is_ready(&self, kind: &str, names: &[&str]) -> anyhow::Result<()> {
        for name in names {
            let kind = format!("althing.dev/v1alpha1/{kind}");
            self.case.condition(&kind, name, "Ready", CONVERGENCE).await?;
        }
        Ok(())
    }

    pub(crate) async fn declare(&self, group: &str, agreed: &Value) -> anyhow::Result<()> {
        self.amend(&format!("{group}.yaml"), |spec| spec["agreed"] = agreed.clone())
            .await
    }

    /// Changes the spec of a file with one manifest, and applies the folder.
    pub(crate) async fn amend(&self, file: &str, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.path(file))?;
        let mut manifest: Value = serde_yaml::from_str(&text)?;
        change(&mut manifest["spec"]);
        self.put(file, &manifest.to_string()).await
    }

    /// Waits until the chain of a group holds what is declared here.
    pub(crate) async fn agrees(&self, group: &str) -> anyhow::Result<()> {
        self.case
            .condition("althing.dev/v1alpha1/Group", group, "InSync", CONVERGENCE)
            .await
    }

    pub(crate) fn ledger(&self, group: u32, members: &[&str]) -> Ledger {
        Ledger::new(&self.case, group, members)
    }
}

fn indented(pem: &str, by: usize) -> String {
    pem.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{:by$}{line}", "");
        text
    })
}

fn consortium(edition: Edition, rest: &str) -> String {
    let edition = edition.word();
    format!(
        "{API}\nkind: Consortium\nmetadata: {{name: trade}}\nspec:\n  chainId: 20260\n  cryptography: {edition}\n{rest}"
    )
}

fn agency(name: &str, rest: &str) -> String {
    format!("{API}\nkind: Agency\nmetadata: {{name: {name}}}\nspec:\n  consortium: trade\n{rest}")
}

fn node(name: &str, agency: &str, p2p: &str) -> String {
    format!(
        "{API}\nkind: Node\nmetadata: {{name: {name}}}\nspec: {{agency: {agency}, resources: {RESOURCES}, storage: {{size: 1Gi}}, p2p: {{{p2p}}}}}\n"
    )
}

/// A group's manifest, the same in every folder; as JSON, which is YAML.
pub(crate) fn group(id: u32, sealers: &[&str], seats: &[&str]) -> Value {
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

/// Agency A is the registrar: the others hand in requests, and it admits those whose fingerprints they told over another channel.
pub(crate) async fn certify(homes: &[Home]) -> anyhow::Result<()> {
    let (registrar, others) = homes.split_first().context("a registrar")?;
    let managed = "  registrar:\n    managed: {validity: 87600h}\n";
    let edition = registrar.edition;
    registrar.put("consortium.yaml", &consortium(edition, managed)).await?;
    registrar.put("agency.yaml", &agency(registrar.agency, "")).await?;
    let chain = registrar.text("consortium/trade", "certificate").await?;
    let trust = format!("  trust:\n    certificates:\n    - |\n{}", indented(&chain, 6));
    let mut admitted = String::new();
    for home in others {
        home.put("consortium.yaml", &consortium(edition, &trust)).await?;
        home.put("agency.yaml", &agency(home.agency, "")).await?;
        let object = format!("agency/{}", home.agency);
        let fingerprint = home.text(&object, "csrFingerprint").await?;
        let _ = writeln!(
            admitted,
            "    - {{agency: {}, csrFingerprint: \"{fingerprint}\"}}",
            home.agency
        );
        registrar.import(home.agency, &home.bundle(&[]).await?, &[]).await?;
    }
    let admit = format!("{managed}    admit:\n{admitted}");
    registrar.put("consortium.yaml", &consortium(edition, &admit)).await?;
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
pub(crate) async fn meet(homes: &[Home]) -> anyhow::Result<()> {
    for home in homes {
        home.put_nodes().await?;
    }
    let mut bundles = BTreeMap::new();
    for home in homes {
        home.is_ready("Node", home.nodes).await?;
        bundles.insert(home.agency, home.bundle(&[]).await?);
    }
    for home in homes {
        for (agency, bundle) in bundles.iter().filter(|(agency, _)| **agency != home.agency) {
            home.import(agency, bundle, &[]).await?;
        }
    }
    Ok(())
}

/// The nodes of [`two_agencies`].
pub(crate) const TWO_AGENCIES_NODES: [&str; 4] = ["node-0", "node-1", "node-2", "node-3"];

/// Agency A with node-0 and node-1, agency B with node-2 and node-3: certified, and acquainted.
pub(crate) async fn two_agencies(case: &Case) -> anyhow::Result<Vec<Home>> {
    const AGENCIES: [(&str, &[&str]); 2] = [("agency-a", &["node-0", "node-1"]), ("agency-b", &["node-2", "node-3"])];
    let mut homes = vec![];
    for agency in AGENCIES {
        homes.push(Home::new(case, Edition::Standard, agency, Reach::Names).await?);
    }
    certify(&homes).await?;
    meet(&homes).await?;
    Ok(homes)
}

/// Agencies that write the same group into their folders compute the same genesis, and tell each other its hash in signed bundles:
/// nobody compares it by hand or pins it.
pub(crate) async fn form(homes: &[&Home], manifest: &Value) -> anyhow::Result<()> {
    let name = manifest["metadata"]["name"].as_str().context("a name")?;
    for home in homes {
        home.put(&format!("{name}.yaml"), &manifest.to_string()).await?;
    }
    for home in homes {
        home.text(&format!("ledgergroup/{name}"), "genesisHash").await?;
    }
    tell_each_other(homes).await?;
    for home in homes {
        home.is_ready("Group", &[name]).await?;
    }
    Ok(())
}

/// Each gives every other one a bundle that is made for it.
pub(crate) async fn tell_each_other(homes: &[&Home]) -> anyhow::Result<()> {
    for giver in homes {
        for reader in homes.iter().filter(|reader| reader.agency != giver.agency) {
            let bundle = giver.bundle(&["--for", reader.agency]).await?;
            reader.import(giver.agency, &bundle, &[]).await?;
        }
    }
    Ok(())
}
