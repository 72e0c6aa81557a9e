//! `althing` as a person meets it: exit codes, streams, sentences.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod doctor;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;

struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

fn althing(state: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_althing"));
    let assert: Assert = command
        .env("ALTHING_STATE", state)
        .env_remove("ALTHING_NODE_BINARY")
        .args(arguments)
        .assert();
    let output = assert.get_output();
    Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

#[test]
fn an_empty_state_is_nothing_wrong_and_is_not_made_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    for command in ["status", "doctor", "down"] {
        let outcome = althing(&state, &[command]);
        assert_eq!(outcome.code, Some(0), "{command}: {}", outcome.err);
    }
    assert!(!state.exists());
}

#[test]
fn json_is_one_document_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let status = althing(&folder.path().join("state"), &["status", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(document, serde_json::json!({"nodes": [], "groups": []}));
    let doctor = althing(&folder.path().join("state"), &["-o", "json", "doctor"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&doctor.out).unwrap(),
        serde_json::json!([])
    );
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(althing(folder.path(), &["fly"]).code, Some(2));
    assert_eq!(althing(folder.path(), &["up"]).code, Some(2));
    assert_eq!(althing(folder.path(), &["status", "-o", "xml"]).code, Some(2));
}

#[test]
fn manifests_that_are_not_accepted_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (state, manifests) = (folder.path().join("state"), folder.path().join("manifests"));
    fs::create_dir(&manifests).unwrap();
    let outcome = althing(&state, &["up", "-f", manifests.to_str().unwrap()]);
    assert!(
        outcome.code == Some(1) && outcome.err.contains("holds no manifest"),
        "{}",
        outcome.err
    );
    let text =
        "apiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {name: node-0}\nspec: {agency: a, colour: red}\n";
    fs::write(manifests.join("node.yaml"), text).unwrap();
    let outcome = althing(&state, &["up", "-f", manifests.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.err.contains("node.yaml") && outcome.err.contains("colour"),
        "{}",
        outcome.err
    );
    assert!(outcome.out.is_empty() && !state.exists());
}

#[test]
fn a_node_binary_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("node.yaml");
    fs::write(
        &manifest,
        "apiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {name: node-0}\nspec: {agency: a}\n",
    )
    .unwrap();
    let outcome = althing(
        &folder.path().join("state"),
        &[
            "up",
            "-f",
            manifest.to_str().unwrap(),
            "--node-binary",
            "/nowhere/althing-node",
        ],
    );
    assert!(
        outcome.code == Some(1) && outcome.err.contains("/nowhere/althing-node"),
        "{}",
        outcome.err
    );
}

#[test]
fn deleting_without_anybody_to_ask_needs_yes() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("format"), "1\n").unwrap();
    let outcome = althing(&state, &["down", "--delete"]);
    assert!(
        outcome.code == Some(1) && outcome.err.contains("--yes"),
        "{}",
        outcome.err
    );
    assert!(state.exists());
    let outcome = althing(&state, &["down", "--delete", "--yes"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert!(!state.exists());
}

#[test]
fn a_folder_that_is_no_state_of_ours_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "").unwrap();
    let outcome = althing(folder.path(), &["down", "--delete", "--yes"]);
    assert!(
        outcome.code == Some(0) && outcome.err.contains("nothing to stop"),
        "{}",
        outcome.err
    );
    assert!(folder.path().join("precious").exists());
}
