//! An agency's administrator, with every right in one namespace and no manners, tries to get into another (issue 4, done when 9).
//!
//! One operator watches both namespaces, as a hosted one does. After every attempt nothing in the other namespace has been
//! written, nothing of it can be read here, and the operator goes on.

mod attempts;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Inventory, Operator, Options, Watchdog};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::consortium::{CONVERGENCE, PROMISED, get, ledger, manifests, node_id, objects, whole};
use attempts::{Attempt, Expected};

/// The name of the administrator's account.
const ADMIN: &str = "mallory";
/// How many nodes without an agency are thrown at the operator.
const FLOOD: usize = 300;
/// How soon a change of the other namespace must be carried out under the flood.
const NOT_STARVED: Duration = Duration::from_secs(5);
/// The longest pause of a group that nobody may disturb.
const PAUSE: Duration = Duration::from_secs(40);

/// Every right in the namespace: more than the ClusterRoles give, even the status of our kinds.
fn rights() -> String {
    let subject = format!("subjects: [{{kind: ServiceAccount, name: {ADMIN}}}]");
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding";
    format!(
        "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {ADMIN}}}}}\n---\n\
         {binding}\nmetadata: {{name: admin}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}}\n{subject}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: ledgers}}\n\
         rules:\n- {{apiGroups: [althing.dev], resources: ['*'], verbs: ['*']}}\n\
         - {{apiGroups: ['', apps, policy, networking.k8s.io, events.k8s.io, coordination.k8s.io], resources: ['*'], verbs: ['*']}}\n---\n\
         {binding}\nmetadata: {{name: ledgers}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: ledgers}}\n{subject}\n"
    )
}

/// The two namespaces and the operator between them.
struct Scene {
    /// Where the operator lives.
    case: Case,
    /// The one that is attacked, with the administrator's rights of the suite.
    bank: Case,
    /// The attacker's own, with the suite's rights.
    den: Case,
    /// The attacker's own, with the attacker's rights.
    mallory: Case,
    operator: Operator,
    audit: Option<Audit>,
    before: Inventory,
    secrets: BTreeMap<String, Vec<u8>>,
}

impl Scene {
    async fn start(case: &Case) -> anyhow::Result<Self> {
        let bank = case.within(&case.another_namespace("bank").await?);
        let den = case.within(&case.another_namespace("den").await?);
        let options = Options {
            namespaces: vec![bank.namespace().to_owned(), den.namespace().to_owned()],
            ..Options::default()
        };
        let operator = Operator::start_with(case, options).await?;
        bank.apply(&manifests(1)).await?;
        whole(&bank, CONVERGENCE).await?;
        ledger(&bank, 1).goes_on(CONVERGENCE).await?;
        den.apply(&rights()).await?;
        let token = den.kubectl(&["create", "token", ADMIN, "--duration=1h"]).await?;
        let mallory = den.with(client_of(case.target().kubeconfig(), token.trim()).await?);
        let probe = private(&mallory.within(bank.namespace())).await;
        ensure!(
            probe.is_err(),
            "the attacker reads Secrets of the other namespace by right"
        );
        if let Some(audit) = Audit::begin(case)? {
            audit
                .settled(case, operator.user(), Duration::from_secs(6), CONVERGENCE)
                .await?;
        }
        Ok(Self {
            audit: Audit::begin(case)?,
            before: Inventory::of(&bank).await?,
            secrets: private(&bank).await?,
            case: case.clone(),
            bank,
            den,
            mallory,
            operator,
        })
    }

    async fn attempt(&mut self, attempt: &Attempt) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        for yaml in &attempt.manifests {
            outcome = self.mallory.apply(yaml).await.map(drop);
            if outcome.is_err() {
                break;
            }
        }
        match (&attempt.expected, outcome) {
            (Expected::Refused, Ok(())) => anyhow::bail!("the API server accepted it"),
            (Expected::Refused, Err(_)) => {}
            (Expected::Says { object, reasons }, outcome) => {
                outcome?;
                self.says(object, reasons).await?;
            }
            (Expected::Nothing, outcome) => outcome?,
        }
        self.nothing_came_of_it().await
    }

    /// Waits until the object is not Ready for one of these reasons.
    async fn says(&self, object: &str, reasons: &[&str]) -> anyhow::Result<()> {
        let (kind, name) = object.split_once('/').context("Kind/name")?;
        let api = objects(&self.den, kind)?;
        self.den
            .eventually(&format!("{object} to say what is wrong"), PROMISED * 2, || async {
                let found = api.get(name).await?;
                let conditions = found.data["status"]["conditions"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let is_said = conditions.iter().any(|said| {
                    said["type"] == "Ready"
                        && said["status"] == "False"
                        && reasons.iter().any(|reason| said["reason"] == *reason)
                });
                ensure!(is_said, "it says {conditions:?}");
                Ok(())
            })
            .await
    }

    /// Nothing written there, nothing of it here, and the operator goes on.
    async fn nothing_came_of_it(&mut self) -> anyhow::Result<()> {
        ensure!(
            self.operator.is_running(),
            "the operator has ended:\n{}",
            self.operator.log_tail()
        );
        let now = Inventory::of(&self.bank).await?;
        ensure!(
            now.versions() == self.before.versions(),
            "the other namespace has changed:\n{:?}\n{:?}",
            self.before.versions(),
            now.versions()
        );
        let mut here = private(&self.den).await?;
        here.retain(|_, bytes| self.secrets.values().any(|secret| secret == bytes));
        ensure!(
            here.is_empty(),
            "Secrets of the other namespace are here: {:?}",
            here.keys()
        );
        let log = std::fs::read_to_string(self.operator.log())?;
        ensure!(
            !log.contains("panicked"),
            "the operator panicked:\n{}",
            self.operator.log_tail()
        );
        Ok(())
    }

    fn nothing_was_written_there(&self) -> anyhow::Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        let writes = audit.writes_of(self.operator.user())?;
        let there = writes.iter().find(|write| write.namespace() == self.bank.namespace());
        match there {
            None => Ok(()),
            Some(write) => anyhow::bail!("the operator wrote there: {write}"),
        }
    }

    /// Three hundred nodes that wait for an agency that never comes, and meanwhile a change of the other namespace.
    async fn flood(&self) -> anyhow::Result<()> {
        let nodes: Vec<String> = (0..FLOOD)
            .map(|number| {
                let metadata = json!({"name": format!("flood-{number}")});
                json!({"apiVersion": "althing.dev/v1alpha1", "kind": "Node", "metadata": metadata, "spec": {"agency": "nobody"}})
                    .to_string()
            })
            .collect();
        let flood = async {
            let applied = nodes.chunks(30).map(|chunk| {
                let text = chunk.join("\n---\n");
                async move { self.mallory.apply(&text).await }
            });
            futures::future::try_join_all(applied).await.map(drop)
        };
        let change = async {
            for size in 2..6 {
                let denied = size.to_string().repeat(128);
                let asked = json!({"spec": {"p2p": {"deny": [denied]}}});
                let started = Instant::now();
                super::consortium::patch(&self.bank, "ledgernode/node-0", &asked).await?;
                self.carried_out(&denied).await?;
                let took = started.elapsed();
                ensure!(took < NOT_STARVED, "under the flood a change took {took:?}");
            }
            Ok::<(), anyhow::Error>(())
        };
        futures::future::try_join(flood, change).await.map(drop)
    }

    async fn carried_out(&self, denied: &str) -> anyhow::Result<()> {
        self.bank
            .eventually("the change to be carried out", CONVERGENCE, || async {
                let config = get(&self.bank, "configmap/node-0-config")
                    .await?
                    .context("the config")?;
                ensure!(config["data"].to_string().contains(denied), "not yet");
                Ok(())
            })
            .await
    }
}

async fn client_of(kubeconfig: &Path, token: &str) -> anyhow::Result<Client> {
    let mut config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await?;
    config.auth_info = serde_json::from_value::<AuthInfo>(json!({ "token": token })).context("a token")?;
    Ok(Client::try_from(config)?)
}

/// What is private in a namespace: every value of a Secret that holds a key.
async fn private(case: &Case) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let secrets = case.api::<Secret>().list(&ListParams::default()).await?;
    let mut found = BTreeMap::new();
    for secret in secrets {
        let name = secret.metadata.name.unwrap_or_default();
        for (file, bytes) in secret.data.into_iter().flatten() {
            if bytes.0.windows(11).any(|part| part == b"PRIVATE KEY") {
                found.insert(format!("{name}/{file}"), bytes.0);
            }
        }
    }
    Ok(found)
}

/// What the attacker knows of the other namespace: what anybody who once saw its manifests and its public facts knows.
async fn known(bank: &Case) -> anyhow::Result<attempts::Known> {
    let of = |object: &'static str| async move { get(bank, object).await?.context(object) };
    let node = of("ledgernode/node-0").await?;
    let genesis = of("configmap/group-1-genesis").await?;
    let agency = of("agency/agency-a").await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let certificate = of("secret/node-0-certificate").await?;
    let pem = |file: &str| -> anyhow::Result<String> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text(&certificate["data"][file]))?;
        Ok(String::from_utf8(bytes)?)
    };
    Ok(attempts::Known {
        namespace: bank.namespace().to_owned(),
        node_uid: text(&node["metadata"]["uid"]),
        node_id: node_id(bank, "node-0").await?,
        agency_uid: text(&agency["metadata"]["uid"]),
        genesis: text(&genesis["data"]["genesis.json"]),
        certificate: pem("node.crt")?,
        trust: pem("ca.crt")?,
    })
}

pub(crate) async fn an_administrator_of_one_namespace_gets_nothing_of_another(case: Case) -> anyhow::Result<()> {
    let mut scene = Scene::start(&case).await?;
    let outcome = attack(&mut scene).await;
    // A namespace with a finalizer that nobody removes never ends.
    let free = r#"--patch={"metadata":{"finalizers":null}}"#;
    let freed = scene
        .den
        .kubectl(&["patch", "ledgernode/sticky", "--type=merge", free])
        .await;
    outcome?;
    freed.map(drop)
}

async fn attack(scene: &mut Scene) -> anyhow::Result<()> {
    let watchdog = Watchdog::start(&ledger(&scene.bank, 1)).await?;
    let attempts = attempts::all(&known(&scene.bank).await?);
    ensure!(attempts.len() >= 20, "only {} attempts", attempts.len());
    for attempt in &attempts {
        scene.attempt(attempt).await.with_context(|| attempt.name)?;
    }
    eprintln!("{} attempts", attempts.len());
    scene.nothing_came_of_it().await?;
    scene.nothing_was_written_there()?;
    scene.flood().await?;
    watchdog.finish(PAUSE).await?;
    ledger(&scene.bank, 1).goes_on(CONVERGENCE).await?;
    ensure!(
        scene.operator.is_running(),
        "the operator has ended:\n{}",
        scene.operator.log_tail()
    );
    scene.operator.page("/livez").await?;
    if let Some(audit) = &scene.audit {
        let namespaces = [scene.bank.namespace(), scene.den.namespace()];
        audit.check(scene.operator.user(), &namespaces)?;
    }
    scene.case.kubectl(&["get", "--raw", "/readyz"]).await.map(drop)
}
