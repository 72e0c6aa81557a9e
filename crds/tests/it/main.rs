//! Tests of the vocabulary: every rule accepted and refused, definitions within bounds, generated files fresh.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod admission;
mod agency;
mod consortium;
mod definitions;
mod group;
mod node;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Sets a field, by JSON pointer, to a value; `null` removes it. Parents are made.
pub(crate) fn with<T: Serialize + DeserializeOwned>(object: &T, changes: &[(&str, Value)]) -> T {
    let mut value = serde_json::to_value(object).unwrap();
    for (pointer, change) in changes {
        let parts: Vec<_> = pointer.trim_start_matches('/').split('/').collect();
        let (last, parents) = parts.split_last().unwrap();
        let mut at = &mut value;
        for parent in parents {
            if at.get(*parent).is_none() {
                at[*parent] = json!({});
            }
            at = &mut at[*parent];
        }
        match change {
            Value::Null => drop(at.as_object_mut().unwrap().remove(*last)),
            change => at[*last] = change.clone(),
        }
    }
    serde_json::from_value(value).unwrap()
}

/// Asserts that a rule refused, and that its message holds these words.
pub(crate) fn refused<E: Debug + std::fmt::Display>(result: Result<(), E>, words: &str) {
    let error = result.expect_err(words).to_string();
    assert!(error.contains(words), "expected {words:?} in {error:?}");
}
