//! What is asked of a node at `/group/<id>`, as JSON-RPC, and what its answers say. An edge only carries both.

use alloy_primitives::{Bytes, U64};
use althing_governance::{Moment, abi};
use althing_types::B256;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Answer, ChainView};
use crate::transaction::Signed;

/// How a node refuses a transaction that it has, or that is in a block.
const HAS_IT: [&str; 2] = ["already known", "randomid already used"];

/// Asks what holds after the newest block.
pub fn ask_state() -> Value {
    batch(&[
        ("eth_getBlockByNumber", json!(["latest", false])),
        (
            "eth_call",
            json!([{"to": abi::ADDRESS, "data": abi::state()}, "latest"]),
        ),
    ])
}

/// What a node answered to [`ask_state`].
pub fn told_state(answer: &Value) -> Result<ChainView, Answer> {
    let block: Value = told(answer, 0)?;
    let number = |field: &str| {
        let found = block.get(field).cloned().unwrap_or_default();
        let number = serde_json::from_value::<U64>(found.clone());
        number.map(|number| number.to::<u64>()).map_err(|_| Answer::Other {
            found: format!("a block whose {field} is {found}"),
        })
    };
    let now = Moment {
        height: number("number")?,
        unix_ms: number("timestamp")?.saturating_mul(1_000),
    };
    ChainView::read(now, &told::<Bytes>(answer, 1)?)
}

/// The hash of the newest block in an answer to [`ask_state`].
pub fn told_hash(answer: &Value) -> Result<B256, Answer> {
    let block: Value = told(answer, 0)?;
    let found = block.get("hash").cloned().unwrap_or_default();
    serde_json::from_value(found.clone()).map_err(|_| Answer::Other {
        found: format!("a block whose hash is {found}"),
    })
}

/// Brings transactions.
pub fn send(transactions: &[Signed]) -> Value {
    let calls: Vec<_> = transactions
        .iter()
        .map(|signed| ("eth_sendRawTransaction", json!([signed.raw])))
        .collect();
    batch(&calls)
}

/// Whether a node took the transactions of [`send`]; one that it has, or that is in a block, is taken too: no other one of its account
/// has its randomid.
pub fn told_sent(answer: &Value, count: usize) -> Result<(), Answer> {
    for id in 0..count {
        match told::<Value>(answer, id) {
            Err(Answer::Refused { message }) if HAS_IT.iter().any(|words| message.contains(words)) => {}
            other => drop(other?),
        }
    }
    Ok(())
}

fn batch(calls: &[(&str, Value)]) -> Value {
    let calls = calls.iter().enumerate();
    let calls =
        calls.map(|(id, (method, params))| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    calls.collect()
}

/// The result of one call of a batch, whose answers may come in any order.
fn told<T: DeserializeOwned>(answer: &Value, id: usize) -> Result<T, Answer> {
    let other = |found: &Value| Answer::Other {
        found: found.to_string().chars().take(200).collect(),
    };
    let of_it = |one: &&Value| one.get("id").and_then(Value::as_u64) == u64::try_from(id).ok();
    let one = answer.as_array().and_then(|all| all.iter().find(of_it));
    let one = one.ok_or_else(|| other(answer))?;
    match (one.get("result"), one.get("error")) {
        (_, Some(error)) if !error.is_null() => Err(Answer::Refused {
            message: error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("no reason")
                .to_owned(),
        }),
        (Some(result), _) => serde_json::from_value(result.clone()).map_err(|_| other(result)),
        (None, _) => Err(other(one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_an_error_that_says_what_was_found() {
        for (answer, says) in [
            (json!({}), "{}"),
            (json!([]), "[]"),
            (
                json!([{"id": 0, "error": {"message": "no such group"}}]),
                "no such group",
            ),
            (json!([{"id": 0, "result": 7}, {"id": 1, "result": "0x"}]), "number"),
            (
                json!([{"id": 0, "result": {"number": "0x1", "timestamp": "0x1"}}, {"id": 1, "result": "0x00"}]),
                "no state",
            ),
        ] {
            let error = told_state(&answer).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_transaction_that_is_known_already_is_as_good_as_sent() {
        let used = "randomid already used: the account has another transaction with randomid 7";
        for message in ["already known", used] {
            let known = json!([{"id": 0, "error": {"code": -32000, "message": message}}]);
            told_sent(&known, 1).unwrap();
            assert!(told_sent(&known, 2).is_err());
        }
        let refused = json!([{"id": 0, "error": {"code": -32000, "message": "txpool is full"}}]);
        assert_eq!(
            told_sent(&refused, 1).unwrap_err().to_string(),
            "the node refused: txpool is full"
        );
    }
}
