//! Block 0 wins over an edited genesis file, with an alarm (issue: Done when 6).

use std::time::Duration;

use althing_e2e::{Consortium, Manifests, until_some};

use crate::room;

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_genesis_raises_the_alarm_and_changes_nothing() {
    let _room = room::enter().await;
    let consortium = Consortium::start(&Manifests::uniform(4, 1)).await.unwrap();
    let member = consortium.member(2).unwrap();
    let rpc = member.rpc(1).unwrap();
    let before = rpc.block_hash(0).await.unwrap();
    member.stop().await.unwrap();
    let file = member.folder.join("conf").join("group.1.genesis");
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = text
        .replace("gas_limit=300000000", "gas_limit=400000000")
        .replace("gas_limit = 300000000", "gas_limit = 400000000");
    assert_ne!(edited, text, "the gas limit stands in {}", file.display());
    std::fs::write(&file, edited).unwrap();

    let _process = member.start_as_it_is().unwrap();
    let alarm = || member.metric("althing_genesis_differs{group=\"1\"}");
    let differs = until_some("the metric", Duration::from_secs(30), alarm).await.unwrap();
    assert!(
        (differs - 1.0).abs() < f64::EPSILON,
        "althing_genesis_differs is {differs}"
    );
    assert_eq!(rpc.block_hash(0).await.unwrap(), before);
    let account = consortium.account("genesis", &rpc).await.unwrap();
    let (raw, hash) = account.nothing(0);
    rpc.send_raw(&raw).await.unwrap();
    rpc.mined(hash, Duration::from_secs(20)).await.unwrap();
    let nodes = consortium.members().unwrap();
    consortium
        .ledgers_are_equal(1, &nodes, Duration::from_secs(20))
        .await
        .unwrap();

    let doctor = consortium.althing().unwrap().arg("doctor").output().await.unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).to_lowercase();
    assert!(said.contains("genesis"), "doctor does not mention the genesis:\n{said}");
}
