//! Two agencies, each with a state directory and a folder of manifests of its own, share nothing but bundles: they form a group and change
//! it by votes, by `althing` alone (GOVERNANCE.md 3).

use std::path::{Path, PathBuf};
use std::time::Duration;

use althing_e2e::{Consortium, run};
use serde_json::{Value, json};

use crate::room;

/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(60);
/// The part of a manifest that all have.
const API: &str = "apiVersion: althing.dev/v1alpha1";
/// The group, word for word in both folders.
const GROUP: &str = "kind: Group\nmetadata: {name: group-1}\nspec:\n  consortium: trade\n  groupId: 1\n  genesis:\n    \
    timestamp: \"2026-01-01T00:00:00Z\"\n    sealers: [node-0, node-1, node-2, node-3]\n    committee:\n      seats:\n        \
    - {agency: agency-a, weight: 1}\n        - {agency: agency-b, weight: 1}\n      threshold: 50\n";

fn write(folder: &Path, file: &str, manifest: &str) {
    std::fs::write(folder.join(file), format!("{API}\n{manifest}")).unwrap();
}

fn indented(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.lines().map(|line| format!("{space}{line}\n")).collect()
}

fn consortium(more: &str) -> String {
    format!("kind: Consortium\nmetadata: {{name: trade}}\nspec:\n  chainId: 20260\n  cryptography: Standard\n{more}")
}

fn nodes(folder: &Path, agency: &str, names: [&str; 2]) {
    for name in names {
        let node = format!("kind: Node\nmetadata: {{name: {name}}}\nspec: {{agency: {agency}}}\n");
        write(folder, &format!("{name}.yaml"), &node);
    }
}

/// An agency at home.
struct Home {
    /// Dropped after the consortium that reads it.
    consortium: Consortium,
    folder: PathBuf,
}

impl Home {
    async fn of(folder: PathBuf) -> Self {
        Self {
            consortium: Consortium::start_folder(&folder).await.unwrap(),
            folder,
        }
    }

    async fn bundle(&self, arguments: &[&str]) -> String {
        let mut command = self.consortium.althing().unwrap();
        command.arg("bundle").args(arguments);
        run(&mut command, COMMAND).await.unwrap()
    }

    /// Gives the other its bundle, as a file.
    async fn gives(&self, other: &Self, arguments: &[&str]) {
        let folder = self.folder.to_str().unwrap();
        let text = self.bundle(&[&["export", "-f", folder], arguments].concat()).await;
        assert!(!text.contains("PRIVATE KEY"));
        let file = self.folder.parent().unwrap().join("bundle");
        std::fs::write(&file, text).unwrap();
        let (file, theirs) = (file.to_str().unwrap(), other.folder.to_str().unwrap());
        other.bundle(&["inspect", file]).await;
        other.bundle(&["diff", file, "-f", theirs]).await;
        let told = other.bundle(&["import", file, "-f", theirs]).await;
        assert!(told.ends_with(": applied\n"), "{told}");
    }

    fn certificate(&self, identity: &str) -> String {
        let identities = self.consortium.state().join("default").join("identities");
        std::fs::read_to_string(identities.join(identity).join("certificate.pem")).unwrap()
    }

    async fn sealers(&self) -> Vec<String> {
        let member = self.consortium.members().unwrap().remove(0);
        let rpc = member.rpc(1).unwrap();
        rpc.call("getSealerList", json!([1])).await.unwrap()
    }
}

/// Both bring to life what their folders say; what the one waits for is the other's.
async fn both(a: &Home, b: &Home) {
    let (of_a, of_b) = tokio::join!(a.consortium.up(), b.consortium.up());
    of_a.unwrap();
    of_b.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agencies_that_share_only_bundles_form_a_group_and_change_it_by_votes() {
    let _room = room::enter().await;
    let (at_a, at_b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folders = [&at_a, &at_b].map(|home| home.path().join("manifests"));
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
    }
    let [of_a, of_b] = folders;
    write(
        &of_a,
        "trade.yaml",
        &consortium("  registrar: {managed: {validity: 87600h}}\n"),
    );
    write(
        &of_a,
        "agency.yaml",
        "kind: Agency\nmetadata: {name: agency-a}\nspec: {consortium: trade}\n",
    );
    let a = Home::of(of_a).await;
    let trust = format!(
        "  trust:\n    certificates:\n      - |\n{}",
        indented(&a.certificate("chain-ca/trade"), 8)
    );
    write(&of_b, "trade.yaml", &consortium(&trust));
    write(
        &of_b,
        "agency.yaml",
        "kind: Agency\nmetadata: {name: agency-b}\nspec: {consortium: trade}\n",
    );
    let b = Home::of(of_b).await;

    // B asks for a certificate; A admits the fingerprint that was spoken.
    b.gives(&a, &[]).await;
    let request = b.folder.parent().unwrap().join("bundle");
    let inspected = a.bundle(&["inspect", request.to_str().unwrap(), "-o", "json"]).await;
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let facts = inspected[0]["facts"].as_array().unwrap().iter();
    let spoken = facts
        .filter(|fact| fact[0] == "request")
        .map(|fact| fact[1].as_str().unwrap());
    let spoken = spoken.collect::<String>();
    let admit = format!(
        "  registrar:\n    managed: {{validity: 87600h}}\n    admit: [{{agency: agency-b, csrFingerprint: \"{spoken}\"}}]\n"
    );
    write(&a.folder, "trade.yaml", &consortium(&admit));
    a.consortium.up().await.unwrap();
    let answer = format!(
        "kind: Agency\nmetadata: {{name: agency-b}}\nspec:\n  consortium: trade\n  certificate: |\n{}",
        indented(&a.certificate("agency-ca/agency-b"), 4)
    );
    write(&b.folder, "agency.yaml", &answer);

    nodes(&a.folder, "agency-a", ["node-0", "node-1"]);
    nodes(&b.folder, "agency-b", ["node-2", "node-3"]);
    both(&a, &b).await;
    a.gives(&b, &[]).await;
    b.gives(&a, &[]).await;
    for home in [&a, &b] {
        write(&home.folder, "group-1.yaml", GROUP);
    }
    // Each computes the genesis and signs its hash; no node starts the group before both are known.
    both(&a, &b).await;
    a.gives(&b, &["--for", "agency-b"]).await;
    b.gives(&a, &["--for", "agency-a"]).await;
    both(&a, &b).await;
    assert_eq!(a.sealers().await, b.sealers().await);
    assert_eq!(a.sealers().await.len(), 4);

    let agreed = "  groupId: 1\n  agreed:\n    members: [{node: node-1, role: Observer, change: 1}]\n";
    for home in [&a, &b] {
        write(&home.folder, "group-1.yaml", &GROUP.replace("  groupId: 1\n", agreed));
    }
    both(&a, &b).await;
    assert_eq!(a.sealers().await.len(), 3);
    assert_eq!(a.sealers().await, b.sealers().await);
}
