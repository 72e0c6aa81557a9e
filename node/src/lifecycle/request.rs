//! What `generateGroup` asks for, turned into the genesis that this node's own rules make of it: two nodes that are asked for the
//! same make the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use althing_types::genesis::{Cryptography, parse_genesis};
use althing_types::{Genesis, GroupId, NodeId};
use serde_json::Value;

/// The keys of a request.
const KEYS: [&str; 3] = ["timestamp", "sealers", "enable_free_storage"];

/// The genesis of a group of a chain.
///
/// # Errors
/// What is wrong with the request, in one sentence.
pub(super) fn genesis(
    chain_id: u64,
    cryptography: Cryptography,
    group: GroupId,
    asked: &Value,
) -> Result<Genesis, String> {
    let asked = asked.as_object().ok_or(
        "the second parameter is not an object; accepted is {\"timestamp\": \"ms\", \"sealers\": [nodeID, ...]}",
    )?;
    if let Some(unknown) = asked.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!(
            "{:?} is not known; {} are",
            shortened(unknown),
            KEYS.join(", ")
        ));
    }
    match asked.get("enable_free_storage") {
        None | Some(Value::Bool(false)) => {}
        Some(_) => return Err("enable_free_storage: this ledger has one gas table; false is accepted".to_owned()),
    }
    let timestamp = timestamp(asked.get("timestamp"))?;
    let sealers = sealers(asked.get("sealers"))?;
    // Absent keys take the defaults of group.N.genesis, which is read here as from a file.
    let mut text = "[consensus]\n".to_owned();
    for (index, sealer) in sealers.iter().enumerate() {
        let _ = writeln!(text, "node.{index}={sealer}");
    }
    let _ = writeln!(text, "\n[group]\nid={group}\ntimestamp={timestamp}\n");
    let sm_crypto = cryptography.sm_crypto();
    let _ = writeln!(text, "[chain]\nid={chain_id}\nsm_crypto={sm_crypto}");
    parse_genesis("the request", &text).map_err(|error| error.to_string())
}

/// Milliseconds since 1970, as decimal text.
fn timestamp(asked: Option<&Value>) -> Result<u64, String> {
    let accepted = "accepted are milliseconds since 1970 as decimal text, such as \"1767225600000\"";
    let asked = asked.ok_or_else(|| format!("timestamp is missing; {accepted}"))?;
    let text = asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("timestamp is {:?}; {accepted}", shortened(&text)))
}

fn sealers(asked: Option<&Value>) -> Result<BTreeSet<NodeId>, String> {
    let accepted = "accepted is a list of nodeIDs, 128 hex digits each";
    let asked = asked.and_then(Value::as_array);
    let asked = asked.ok_or_else(|| format!("sealers is missing or no list; {accepted}"))?;
    if asked.is_empty() {
        return Err(format!("sealers is empty; {accepted}"));
    }
    let mut sealers = BTreeSet::new();
    for (index, sealer) in asked.iter().enumerate() {
        let text = sealer.as_str().map_or_else(|| sealer.to_string(), str::to_lowercase);
        let node: NodeId = text
            .parse()
            .map_err(|_| format!("sealers[{index}] is {:?}; {accepted}", shortened(&text)))?;
        if !sealers.insert(node) {
            return Err(format!("sealers[{index}], node {}, is named twice", node.short()));
        }
    }
    Ok(sealers)
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use althing_types::genesis::{canonical_document, render_genesis};
    use serde_json::json;

    use super::*;

    fn asked(asked: &Value) -> Result<Genesis, String> {
        genesis(20_260, Cryptography::Standard, GroupId::try_from(7).unwrap(), asked)
    }

    #[test]
    fn the_same_request_makes_the_same_genesis_in_whatever_order_and_case() {
        let (a, b) = ("ab".repeat(64), "cd".repeat(64));
        let one = asked(&json!({"timestamp": "1767225600000", "sealers": [a, b]})).unwrap();
        let other = asked(&json!({"sealers": [b, a.to_uppercase()], "timestamp": 1_767_225_600_000_u64})).unwrap();
        assert_eq!(canonical_document(&one), canonical_document(&other));
        assert_eq!(parse_genesis("group.7.genesis", &render_genesis(&one)).unwrap(), one);
        assert_eq!(
            (one.group_id.get(), one.chain_id, one.timestamp_ms),
            (7, 20_260, 1_767_225_600_000)
        );
    }

    #[test]
    fn what_is_not_accepted_is_named_with_what_is() {
        let node = "ab".repeat(64);
        for (request, words) in [
            (json!([]), "not an object"),
            (json!({"sealers": [node]}), "timestamp is missing"),
            (json!({"timestamp": "soon", "sealers": [node]}), "timestamp is \"soon\""),
            (json!({"timestamp": "-1", "sealers": [node]}), "timestamp is \"-1\""),
            (json!({"timestamp": -1, "sealers": [node]}), "timestamp is \"-1\""),
            (
                json!({"timestamp": "99999999999999999999", "sealers": [node]}),
                "milliseconds",
            ),
            (
                json!({"timestamp": "9999999999999999", "sealers": [node]}),
                "9007199254740991",
            ),
            (json!({"timestamp": "1"}), "sealers is missing"),
            (json!({"timestamp": "1", "sealers": []}), "sealers is empty"),
            (json!({"timestamp": "1", "sealers": ["abc"]}), "sealers[0] is \"abc\""),
            (json!({"timestamp": "1", "sealers": [node, 5]}), "sealers[1] is \"5\""),
            (json!({"timestamp": "1", "sealers": [node, node]}), "is named twice"),
            (
                json!({"timestamp": "1", "sealers": [node], "enable_free_storage": true}),
                "one gas table",
            ),
            (
                json!({"timestamp": "1", "sealers": [node], "colour": 1}),
                "\"colour\" is not known",
            ),
        ] {
            let error = asked(&request).unwrap_err();
            assert!(error.contains(words), "{request}: {error}");
        }
    }
}
