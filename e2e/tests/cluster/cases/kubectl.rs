//! What `kubectl althing` tells a person (DESIGN.md 7).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use althing_e2e::binary;
use althing_e2e::cluster::Case;
use althing_e2e::operator::Object;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::consortium::{self, PROMISED, Running, bare, get, patch};

/// A name of the program under which kubectl finds it.
const PLUGIN: &str = "kubectl-althing";

pub(crate) async fn status_why_and_bundle_say_what_a_person_needs(case: Case) -> anyhow::Result<()> {
    // Two sealers tolerate no fault, so that a restart has to wait.
    let running = Running::start(&case, 2).await?;
    let plugin = Plugin::new(&case)?;
    all_is_well(&plugin).await?;
    the_console_asks_and_administers(&plugin).await?;
    who_may_not_reach_pods_sees_question_marks(&case, &plugin).await?;
    a_bundle_is_accepted_elsewhere(&case, &plugin).await?;
    a_blocked_restart_is_explained(&case, &plugin).await?;
    running.is_whole().await?;
    a_missing_key_is_explained(&case, &plugin).await?;
    running.is_whole().await?;
    running.ends_well().await
}

async fn all_is_well(plugin: &Plugin) -> anyhow::Result<()> {
    let status = plugin.run(&["status"]).await?;
    ensure!(status.code == Some(0), "{status:?}");
    for words in [
        "Consortium/trade",
        "└─ Agency/agency-a",
        "├─ Node/node-0",
        "sealer",
        "in sync",
        "Group/group-1 (1)",
    ] {
        ensure!(status.out.contains(words), "no {words:?} in\n{}", status.out);
    }
    ensure!(
        status.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        status.out
    );
    ensure!(
        !status.out.contains('?') && !status.out.contains('\u{1b}'),
        "{}",
        status.out
    );
    let status = plugin.run(&["status", "-o", "json"]).await?;
    let tree: Value = serde_json::from_str(&status.out)?;
    let height = tree
        .pointer("/0/consortiums/0/agencies/0/nodes/1/groups/0/height")
        .and_then(Value::as_u64);
    ensure!(height.is_some_and(|height| height > 0), "{tree}");
    let why = plugin.run(&["why"]).await?;
    ensure!(
        why.code == Some(0) && why.out.contains("all ready and in sync"),
        "{why:?}"
    );
    let why = plugin.run(&["why", "group/group-1"]).await?;
    ensure!(why.code == Some(0) && why.out.contains("tolerates no fault"), "{why:?}");
    let why = plugin.run(&["why", "node/node-9"]).await?;
    ensure!(
        why.code == Some(1) && why.err.contains("there is no Node node-9"),
        "{why:?}"
    );
    Ok(())
}

async fn who_may_not_reach_pods_sees_question_marks(case: &Case, plugin: &Plugin) -> anyhow::Result<()> {
    let resources =
        "--resource=consortiums.althing.dev,agencies.althing.dev,ledgergroups.althing.dev,ledgernodes.althing.dev,pods";
    let account = format!("--serviceaccount={}:looker", case.namespace());
    case.kubectl(&["create", "serviceaccount", "looker"]).await?;
    case.kubectl(&["create", "role", "looker", "--verb=get,list", resources])
        .await?;
    case.kubectl(&["create", "rolebinding", "looker", "--role=looker", &account])
        .await?;
    let token = case.kubectl(&["create", "token", "looker"]).await?;
    let looker = plugin.as_holder_of(token.trim())?;
    let status = looker.run(&["status"]).await?;
    ensure!(status.code == Some(0), "{status:?}");
    ensure!(status.out.contains("sealer    ?"), "{}", status.out);
    ensure!(
        status
            .out
            .contains("? node-0, node-1: nodes are asked by port-forward, and you may not"),
        "{}",
        status.out
    );
    let refused = looker.run(&["bundle", "export"]).await?;
    ensure!(
        refused.code == Some(0) && refused.out.contains("attestation:"),
        "what is public needs no right to read a Secret: {refused:?}"
    );
    Ok(())
}

/// Reading asks whoever reaches the port; the state of a group is told to administrators only.
async fn the_console_asks_and_administers(plugin: &Plugin) -> anyhow::Result<()> {
    let sealers = plugin.run(&["console", "-o", "json", "getSealerList"]).await?;
    ensure!(sealers.code == Some(0), "{sealers:?}");
    let listed: Vec<String> = serde_json::from_str(&sealers.out)?;
    ensure!(listed.len() == 2, "{sealers:?}");
    let state = plugin
        .run(&["console", "-o", "json", "queryGroupStatus", "node-0", "1"])
        .await?;
    ensure!(state.code == Some(0), "{state:?}");
    let told: Value = serde_json::from_str(&state.out)?;
    ensure!(told["status"] == "RUNNING", "{state:?}");
    let mistyped = plugin.run(&["console", "getsealerlist"]).await?;
    ensure!(
        mistyped.code == Some(2) && mistyped.err.contains("getSealerList"),
        "{mistyped:?}"
    );
    Ok(())
}

async fn a_bundle_is_accepted_elsewhere(case: &Case, plugin: &Plugin) -> anyhow::Result<()> {
    let bundle = plugin.run(&["bundle", "export", "--group", "group-1"]).await?;
    ensure!(bundle.code == Some(0) && bundle.err.is_empty(), "{bundle:?}");
    ensure!(!bundle.out.contains("PRIVATE"), "{}", bundle.out);
    ensure!(bundle.out.matches("external:").count() == 3, "{}", bundle.out);
    let file = plugin.folder.path().join("bundle.yaml");
    std::fs::write(&file, &bundle.out)?;
    let file = file.to_string_lossy();
    let inspected = plugin.run(&["bundle", "inspect", &file]).await?;
    ensure!(inspected.code == Some(0), "{inspected:?}");
    let hash = get(case, "ledgergroup/group-1").await?.context("the group")?;
    let hash = hash["status"]["genesisHash"].as_str().unwrap_or("none").to_owned();
    ensure!(inspected.out.contains(&hash), "no {hash} in\n{}", inspected.out);
    let theirs = case.within(&case.another_namespace("theirs").await?);
    let reader = Plugin::new(&theirs)?;
    a_reader_without_the_chain_or_a_part_refuses(case, &theirs, &reader, &file).await?;

    let imported = reader.run(&["bundle", "import", &file, "--join", "group-1"]).await?;
    ensure!(
        imported.code == Some(0) && imported.out.ends_with("4 added: applied\n"),
        "{imported:?}"
    );
    let again = reader.run(&["bundle", "import", &file]).await?;
    ensure!(
        again.code == Some(0) && again.out.ends_with("4 same: applied\n"),
        "{again:?}"
    );
    let diff = reader.run(&["bundle", "diff", &file, "-o", "json"]).await?;
    let changes: Vec<Value> = serde_json::from_str(&diff.out).with_context(|| format!("{diff:?}"))?;
    ensure!(
        changes.len() == 4 && changes.iter().all(|change| change["fate"] == "same"),
        "{changes:?}"
    );
    what_somebody_changed_on_the_way_is_refused(&reader, &bundle.out).await?;
    let own = plugin.run(&["bundle", "import", &file]).await?;
    ensure!(
        own.code == Some(1)
            && own.out.contains("spec.external: found facts")
            && own.out.contains("nothing was applied"),
        "{own:?}"
    );
    Ok(())
}

/// Whoever does not know the chain, or has no part in a group, is told so, and nothing is written.
async fn a_reader_without_the_chain_or_a_part_refuses(
    case: &Case,
    theirs: &Case,
    reader: &Plugin,
    file: &str,
) -> anyhow::Result<()> {
    let diff = reader.run(&["bundle", "diff", file]).await?;
    ensure!(
        diff.code == Some(1)
            && diff
                .out
                .contains("Agency/agency-a: spec.consortium: found trade; accepted: a Consortium"),
        "{diff:?}"
    );
    let chain = get(case, "consortium/trade").await?.context("the consortium")?;
    let trust = json!({"certificates": [chain["status"]["certificate"]]});
    let consortium = json!({
        "apiVersion": "althing.dev/v1alpha1", "kind": "Consortium", "metadata": {"name": "trade"},
        "spec": {"chainId": chain["spec"]["chainId"], "cryptography": chain["spec"]["cryptography"], "trust": trust},
    });
    theirs.apply(&consortium.to_string()).await?;
    let diff = reader.run(&["bundle", "diff", file]).await?;
    for words in [
        "Agency/agency-a: added",
        "Node/node-0: added",
        "Group/group-1: REFUSED",
        "--join group-1",
        "3 added, 1 refused",
    ] {
        ensure!(
            diff.code == Some(1) && diff.out.contains(words),
            "no {words:?} in {diff:?}"
        );
    }
    let import = reader.run(&["bundle", "import", file]).await?;
    ensure!(
        import.code == Some(1) && import.out.contains("nothing was applied"),
        "{import:?}"
    );
    ensure!(get(theirs, "agency/agency-a").await?.is_none(), "something was applied");
    Ok(())
}

async fn what_somebody_changed_on_the_way_is_refused(reader: &Plugin, bundle: &str) -> anyhow::Result<()> {
    let file = reader.folder.path().join("changed.yaml");
    std::fs::write(&file, bundle.replace(":30300", ":30301"))?;
    let import = reader
        .run(&["bundle", "import", &file.to_string_lossy(), "-o", "json"])
        .await?;
    let told: Value = serde_json::from_str(&import.out).with_context(|| format!("{import:?}"))?;
    ensure!(
        import.code == Some(1) && told["applied"] == false && told["changes"][1]["fate"] == "refused",
        "{told}"
    );
    let why = told["changes"][1]["refusals"][0].as_str().unwrap_or_default();
    ensure!(
        why.starts_with("Node/node-0: spec.external.attestation.signature: found"),
        "{told}"
    );
    std::fs::write(&file, format!("{bundle}# -----BEGIN PRIVATE KEY-----\n"))?;
    let import = reader.run(&["bundle", "import", &file.to_string_lossy()]).await?;
    ensure!(
        import.code == Some(1) && import.err.contains("holds a private key"),
        "{import:?}"
    );
    Ok(())
}

async fn a_blocked_restart_is_explained(case: &Case, plugin: &Plugin) -> anyhow::Result<()> {
    let node = "ledgernode/node-0";
    let before = get(case, node).await?.context("node-0")?["spec"]["resources"].clone();
    let memory = |amount: &str| json!({"spec": {"resources": {"limits": {"memory": amount}}}});
    patch(case, node, &memory("900Mi")).await?;
    case.eventually("the restart to wait", PROMISED * 2, || async {
        let why = plugin.run(&["why", "node/node-0"]).await?;
        ensure!(why.code == Some(1), "{why:?}");
        for words in [
            "Node/node-0 in ",
            "Reconciling (DisruptionBlocked)",
            "what   a restart for its image or resources waits",
            "rule   only in an announced pause",
            "found  group group-1 of 2 sealers tolerates no fault",
            "do     set spec.local.pauseUntil on it",
            "next   by itself",
        ] {
            ensure!(why.out.contains(words), "no {words:?} in\n{}", why.out);
        }
        Ok(())
    })
    .await?;
    let status = plugin.run(&["status"]).await?;
    ensure!(
        status.code == Some(1) && status.out.contains("DisruptionBlocked: "),
        "{status:?}"
    );
    let amount = before["limits"]["memory"].as_str().context("the limit that was")?;
    patch(case, node, &memory(amount)).await
}

async fn a_missing_key_is_explained(case: &Case, plugin: &Plugin) -> anyhow::Result<()> {
    let key = get(case, "secret/node-1-key").await?.context("the key")?;
    case.kubectl(&["delete", "secret/node-1-key"]).await?;
    Object::node(case, "node-1")
        .says("Stalled", "KeyMissing", PROMISED)
        .await?;
    let why = plugin.run(&["why"]).await?;
    ensure!(why.code == Some(1), "{why:?}");
    for words in [
        "Node/node-1 in ",
        "Stalled (KeyMissing)",
        "found  Secret/node-1-key is not there",
        "from a backup",
    ] {
        ensure!(why.out.contains(words), "no {words:?} in\n{}", why.out);
    }
    ensure!(
        !why.out.contains("Node/node-0 in "),
        "node-0 lacks nothing:\n{}",
        why.out
    );
    case.apply(&bare(key).to_string()).await?;
    consortium::whole(case, PROMISED * 6).await
}

/// The program, called as kubectl calls it.
pub(crate) struct Plugin {
    program: PathBuf,
    kubeconfig: PathBuf,
    namespace: String,
    folder: TempDir,
}

/// How a call of it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Plugin {
    pub(crate) fn new(case: &Case) -> anyhow::Result<Self> {
        Self::with(case.target().kubeconfig(), case.namespace())
    }

    fn with(kubeconfig: &Path, namespace: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join(PLUGIN);
        std::os::unix::fs::symlink(binary("althing")?, &program)?;
        Ok(Self {
            program,
            kubeconfig: kubeconfig.to_owned(),
            namespace: namespace.to_owned(),
            folder,
        })
    }

    /// The same for whoever has this token.
    fn as_holder_of(&self, token: &str) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(&self.kubeconfig)?;
        let mut config: Value = serde_yaml::from_str(&text).context("the kubeconfig")?;
        let user = config.pointer_mut("/users/0/user").context("it names a user")?;
        *user = json!({"token": token});
        let mut holder = Self::with(&self.kubeconfig, &self.namespace)?;
        holder.kubeconfig = holder.folder.path().join("kubeconfig");
        std::fs::write(&holder.kubeconfig, config.to_string())?;
        Ok(holder)
    }

    pub(crate) async fn run(&self, args: &[&str]) -> anyhow::Result<Outcome> {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .args(["--namespace", &self.namespace])
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.context("start kubectl-althing")?;
        Ok(Outcome {
            code: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }
}
