//! What only Ethereum's signed formats have, which accounts of the standard edition alone sign: nonces.

use althing_rpc::Limits;
use serde_json::json;

use crate::standard::suite::chain::legacy;
use crate::standard::suite::server::start;

#[tokio::test]
async fn refusals_about_nonces_and_funds_use_the_words_that_tools_match() {
    let server = start(Limits::default()).await;
    for (nonce, words) in [
        (0, "nonce too low: next nonce 4, tx nonce 0"),
        (999, "insufficient funds for gas * price + value"),
    ] {
        let raw = legacy(nonce).transaction.raw().clone();
        let (code, message, _) = server.error("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(code, -32000);
        assert!(message.starts_with(words), "{message}");
    }
}
