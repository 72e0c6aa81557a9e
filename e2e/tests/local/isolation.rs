//! One group's misfortune is not another's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use althing_e2e::{Consortium, Manifests, until};

use crate::room;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_halted_by_corruption_leaves_the_nodes_other_group_running() {
    let _room = room::enter().await;
    let consortium = Consortium::start(&Manifests::uniform(4, 2)).await.unwrap();
    let sick = consortium.member(3).unwrap();
    sick.stop().await.unwrap();
    let damaged = corrupt(&sick.folder.join("data").join("group1"));
    assert!(damaged > 0, "there was nothing to corrupt");
    let mut process = sick.start_as_it_is().unwrap();

    let halted = || async { sick.metric("althing_group_halted{group=\"1\"}").await == Some(1.0) };
    until("the alarm of group 1", Duration::from_secs(30), halted)
        .await
        .unwrap();
    let rpc = sick.rpc(2).unwrap();
    let account = consortium.account("isolation", &rpc).await.unwrap();
    let (raw, hash) = account.nothing(0);
    rpc.send_raw(&raw).await.unwrap();
    rpc.mined(hash, Duration::from_secs(20)).await.unwrap();
    assert_eq!(
        sick.metric("althing_group_halted{group=\"2\"}").await.unwrap_or(0.0),
        0.0
    );
    assert!(process.try_wait().unwrap().is_none(), "the node is still there");
}

/// Overwrites the middle of every file that holds blocks or state; gives how many.
fn corrupt(folder: &Path) -> usize {
    let mut damaged = 0;
    for path in files(folder) {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let is_data = name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST-");
        let mut bytes = std::fs::read(&path).unwrap();
        if !is_data || bytes.is_empty() {
            continue;
        }
        for byte in &mut bytes {
            *byte ^= 0x5a;
        }
        std::fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    damaged
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}
