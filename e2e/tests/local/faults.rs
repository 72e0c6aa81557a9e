//! Killed sealers: one is nothing, two stop the chain, both back resume it (issue: Done when 4).

use std::time::{Duration, Instant};

use althing_e2e::{Account, Consortium, Manifests, Member, Rpc, until};

use crate::room;

/// A block that is not held up.
const BLOCK: Duration = Duration::from_secs(15);

async fn block_comes(account: &Account, nonce: u64, rpc: &Rpc) -> anyhow::Result<u64> {
    let (raw, hash) = account.nothing(nonce);
    rpc.send_raw(&raw).await?;
    let receipt = rpc.mined(hash, BLOCK).await?;
    Ok(u64::from_str_radix(receipt.block_number.trim_start_matches("0x"), 16)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_dead_goes_on_two_stop_without_a_fork_and_both_back_go_on() {
    let _room = room::enter().await;
    let consortium = Consortium::start(&Manifests::uniform(4, 1)).await.unwrap();
    let nodes = consortium.members().unwrap();
    let rpc = nodes[0].rpc(1).unwrap();
    let account = consortium.account("faults", &rpc).await.unwrap();
    block_comes(&account, 0, &rpc).await.unwrap();

    nodes[3].kill().await.unwrap();
    // Four heights in a row, so that the dead sealer's turn to lead is among them.
    for nonce in 1..=4 {
        block_comes(&account, nonce, &rpc).await.unwrap();
    }

    nodes[2].kill().await.unwrap();
    let stopped_at = rpc.height().await.unwrap();
    let (raw, hash) = account.nothing(5);
    rpc.send_raw(&raw).await.unwrap();
    let patience = Duration::from_secs(8);
    let moved = until("a block without a quorum", patience, || async {
        rpc.height().await.unwrap() > stopped_at
    })
    .await;
    assert!(moved.is_err(), "two of four sealers made a block");
    consortium.agreed(&nodes[..2], 1, stopped_at, BLOCK).await.unwrap();

    let back = Instant::now();
    let (up, mined) = tokio::join!(consortium.up(), rpc.mined(hash, Duration::from_secs(10)));
    mined.unwrap();
    println!(
        "{} ms from the start of `althing up`, which waits for readiness, to its end",
        back.elapsed().as_millis()
    );
    up.unwrap();
    let nodes = consortium.members().unwrap();
    consortium.ledgers_are_equal(1, &nodes, BLOCK).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_wiped_data_resyncs_abstains_and_then_votes_again() {
    let _room = room::enter().await;
    let consortium = Consortium::start(&Manifests::uniform(4, 1)).await.unwrap();
    let nodes = consortium.members().unwrap();
    let rpc = nodes[0].rpc(1).unwrap();
    let account = consortium.account("wiped", &rpc).await.unwrap();
    for nonce in 0..5 {
        block_comes(&account, nonce, &rpc).await.unwrap();
    }

    nodes[3].kill().await.unwrap();
    wipe(&nodes[3]);
    consortium.up().await.unwrap();
    let nodes = consortium.members().unwrap();
    let head = rpc.height().await.unwrap();
    consortium
        .agreed(&nodes, 1, head, Duration::from_secs(30))
        .await
        .unwrap();
    // It abstains through the height after the highest certified one: that block needs the other three.
    block_comes(&account, 5, &rpc).await.unwrap();
    block_comes(&account, 6, &rpc).await.unwrap();

    // Without node 2 the quorum is 3 of {0, 1, 3}: a block is proof that the wiped node votes.
    nodes[2].kill().await.unwrap();
    for nonce in 7..10 {
        block_comes(&account, nonce, &rpc).await.unwrap();
    }
}

/// Takes a stopped node's data away.
pub(crate) fn wipe(member: &Member) {
    let data = member.folder.join("data");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::create_dir(&data).unwrap();
}
