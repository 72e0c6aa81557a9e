//! A search for every private key of a consortium, over everything that is not its own Secret (DESIGN.md 5.3).

use std::collections::BTreeMap;

use althing_e2e::cluster::Case;
use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

use super::sovereign::Home;

/// Bytes of a private key of both curves.
const KEY_BYTES: usize = 32;
/// What stands before them in DER: an OCTET STRING of 32 bytes.
const BEFORE: [u8; 2] = [0x04, 0x20];
/// Letters of a base64 text that are looked for: more than chance finds.
const LETTERS: usize = 32;

/// A private key, and the forms in which it would be found.
struct Canary {
    namespace: String,
    secret: String,
    forms: Vec<Vec<u8>>,
}

/// Looks for the keys of all homes in all objects of all their namespaces, statuses and events among them, in every record of etcd, in the
/// logs of operators and nodes, in bundles, in the folders that would be in Git, and in the arguments and environments of every process.
pub(crate) async fn keys_are_found_nowhere_but_in_their_secret(homes: &[Home]) -> anyhow::Result<()> {
    let mut canaries = vec![];
    for home in homes {
        canaries.extend(keys_of(&home.case).await?);
    }
    // Four keys of an agency and one of each node, and the chain's.
    ensure!(
        canaries.len() >= homes.len() * 5,
        "only {} keys were found",
        canaries.len()
    );
    for home in homes {
        for (place, text) in places(home).await? {
            ensure!(!text.is_empty(), "{place} is empty: nothing was searched");
            not_in(&canaries, &place, &text)?;
        }
        secrets(&canaries, &home.case).await?;
    }
    for (place, text) in processes()? {
        not_in(&canaries, &place, &text)?;
    }
    for home in homes {
        stored(&canaries, &home.case).await?;
    }
    Ok(())
}

/// In the cluster's store a key is in the record of its Secret, and in no other of any namespace.
async fn stored(canaries: &[Canary], case: &Case) -> anyhow::Result<()> {
    // A cluster that was given shows its store to nobody.
    let Some(cluster) = case.target().cluster() else {
        return Ok(());
    };
    let records = cluster.stored().await?;
    for canary in canaries.iter().filter(|canary| canary.namespace == case.namespace()) {
        let own = format!("/registry/secrets/{}/{}", canary.namespace, canary.secret);
        let holders = records
            .iter()
            .filter(|(_, bytes)| canary.forms.iter().any(|form| contains(bytes, form)));
        let holders: Vec<&str> = holders.map(|(key, _)| key.as_str()).collect();
        ensure!(
            holders == [own.as_str()],
            "the key of Secret {} of {} is in the records {holders:?}; accepted: its own",
            canary.secret,
            canary.namespace
        );
    }
    Ok(())
}

async fn keys_of(case: &Case) -> anyhow::Result<Vec<Canary>> {
    let mut found = vec![];
    for secret in case.api::<Secret>().list(&ListParams::default()).await? {
        for (file, bytes) in secret.data.clone().unwrap_or_default() {
            if !bytes.0.windows(11).any(|part| part == b"PRIVATE KEY") {
                continue;
            }
            let forms = forms(&bytes.0).with_context(|| format!("Secret {} {file}", secret.name_any()))?;
            found.push(Canary {
                namespace: case.namespace().to_owned(),
                secret: secret.name_any(),
                forms,
            });
        }
    }
    Ok(found)
}

/// The key raw, as hex digits of both cases, as base64 wherever it begins, as the lines of its file, and as its file in base64.
fn forms(pem: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let text = std::str::from_utf8(pem)?;
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(&body)?;
    let at = der.windows(2).position(|pair| pair == BEFORE).context("no key in it")? + BEFORE.len();
    let key = der.get(at..at + KEY_BYTES).context("a key that ends too early")?;
    let hex = alloy_primitives::hex::encode(key);
    let mut forms = vec![key.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    // A base64 text depends on what stands before: one form for each of three positions, without the letters that mix.
    for before in 0..3 {
        let shifted = [vec![0; before], key.to_vec()].concat();
        let letters = STANDARD.encode(shifted);
        forms.push(letters.as_bytes()[4..4 + LETTERS].to_vec());
    }
    let lines = text
        .lines()
        .filter(|line| line.len() >= LETTERS && !line.starts_with("-----"));
    forms.extend(lines.take(2).map(|line| line.as_bytes().to_vec()));
    // Behind the words that all files begin with.
    let file = STANDARD.encode(pem);
    forms.push(
        file.as_bytes()
            .get(100..164)
            .context("a file that is too short")?
            .to_vec(),
    );
    Ok(forms)
}

fn not_in(canaries: &[Canary], place: &str, text: &[u8]) -> anyhow::Result<()> {
    for canary in canaries {
        for form in &canary.forms {
            ensure!(
                !contains(text, form),
                "the key of Secret {} of {} is in {place}",
                canary.secret,
                canary.namespace
            );
        }
    }
    Ok(())
}

fn contains(text: &[u8], form: &[u8]) -> bool {
    memchr::memmem::find(text, form).is_some()
}

/// Everything of one agency that is not a Secret.
async fn places(home: &Home) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let case = &home.case;
    let kinds = case
        .kubectl(&["api-resources", "--verbs=list", "--namespaced", "--output=name"])
        .await?;
    let kinds: Vec<_> = kinds.lines().filter(|kind| *kind != "secrets").collect();
    ensure!(kinds.len() > 10, "{kinds:?}");
    let mut found = BTreeMap::new();
    let objects = case
        .kubectl(&["get", &kinds.join(","), "--output=json", "--ignore-not-found"])
        .await?;
    found.insert(format!("the objects of {}", home.agency), objects.into_bytes());
    for node in home.nodes() {
        let log = case.kubectl(&["logs", &format!("{node}-0")]).await?;
        found.insert(format!("the log of {node}"), log.into_bytes());
    }
    let log = std::fs::read(home.operator.log())?;
    found.insert(format!("the log of {}'s operator", home.agency), log);
    found.insert(
        format!("the bundle of {}", home.agency),
        home.bundle(&[]).await?.into_bytes(),
    );
    let inbox = std::fs::read_dir(home.inbox())?;
    for entry in std::fs::read_dir(home.folder())?.chain(inbox) {
        let path = entry?.path();
        found.insert(path.display().to_string(), std::fs::read(&path)?);
    }
    Ok(found)
}

/// Secrets hold their own key and no other.
async fn secrets(canaries: &[Canary], case: &Case) -> anyhow::Result<()> {
    for secret in case.api::<Secret>().list(&ListParams::default()).await? {
        let others = canaries.iter();
        let others =
            others.filter(|canary| (canary.secret != secret.name_any()) || canary.namespace != case.namespace());
        let others: Vec<_> = others.map(|canary| (&canary.forms, &canary.secret)).collect();
        let metadata: Value = serde_json::to_value(&secret.metadata)?;
        for (file, bytes) in secret.data.clone().unwrap_or_default() {
            let text = [&bytes.0[..], metadata.to_string().as_bytes()].concat();
            let found = others
                .iter()
                .find(|(forms, _)| forms.iter().any(|form| contains(&text, form)));
            ensure!(
                found.is_none(),
                "the key of {:?} is in {} {file}",
                found.map(|(_, name)| name),
                secret.name_any()
            );
        }
    }
    Ok(())
}

/// Arguments and environments of every process of this machine that can be read.
fn processes() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let folder = entry?.path();
        for file in ["cmdline", "environ"] {
            let path = folder.join(file);
            // A process may end while it is looked at.
            if let Ok(text) = std::fs::read(&path) {
                found.insert(path.display().to_string(), text);
            }
        }
    }
    ensure!(found.len() > 2, "no process can be looked at");
    Ok(found)
}
