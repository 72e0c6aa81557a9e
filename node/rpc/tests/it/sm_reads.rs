//! Ethereum's clients read a group of the SM edition: whatever they would refuse to read is as they know it (LEDGER.md 2 and 5).

use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use althing_crypto::{SmSuite, Suite};
use althing_rpc::Limits;
use althing_rpc::backend::GroupBackend;
use serde_json::json;

use crate::sm::suite::server::start;

#[tokio::test]
async fn blocks_have_keccaks_constants_for_what_is_empty_and_hashes_by_sm3() {
    let server = start(Limits::default()).await;
    server.group.commit(vec![]);
    let block = server.result("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["sha3Uncles"], json!(EMPTY_OMMER_ROOT_HASH));
    assert_eq!(block["transactionsRoot"], json!(EMPTY_ROOT_HASH));
    assert_eq!(block["receiptsRoot"], json!(EMPTY_ROOT_HASH));
    let header = server.group.header(3).unwrap().unwrap().header;
    assert_eq!(block["hash"], json!((SmSuite.hash_fn())(&alloy_rlp::encode(header))));
}

#[tokio::test]
async fn transactions_are_of_type_0_without_a_signature_and_found_by_their_sm3() {
    let server = start(Limits::default()).await;
    let block = server.result("eth_getBlockByNumber", json!(["0x1", true])).await;
    let shown = block["transactions"].as_array().unwrap();
    let view = server.group.block(1).unwrap().unwrap();
    assert_eq!((shown.len(), view.block.transactions.len()), (3, 3));
    for (shown, transaction) in shown.iter().zip(&view.block.transactions) {
        let hash = json!((SmSuite.hash_fn())(transaction.raw()));
        assert_eq!(shown["hash"], hash);
        for (field, value) in [("type", "0x0"), ("r", "0x0"), ("s", "0x0"), ("v", "0x0")] {
            assert_eq!(shown[field], value, "{field}");
        }
        let receipt = server.result("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!((&receipt["type"], &receipt["status"]), (&json!("0x0"), &json!("0x1")));
        assert_eq!(&server.result("eth_getTransactionByHash", json!([hash])).await, shown);
    }
}
