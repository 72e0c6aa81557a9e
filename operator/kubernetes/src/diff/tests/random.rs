//! Any field of any child, tampered with.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Case;
use crate::child::Child;
use crate::diff::{LiveChildren, Writes};

/// Every path of a value, as JSON pointers.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    let key = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            all.push(key(name));
            pointers(value, &key(name), all);
        }),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(i, value)| {
            all.push(format!("{at}/{i}"));
            pointers(value, &format!("{at}/{i}"), all);
        }),
        _ => {}
    }
}

#[derive(Clone, Copy, Debug)]
enum Tamper {
    Remove,
    Replace,
    Add,
}

fn tamper(body: &mut Value, pointer: &str, how: Tamper) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match (how, body.pointer_mut(parent).unwrap()) {
        (Tamper::Remove, Value::Object(fields)) => drop(fields.remove(&key)),
        (Tamper::Remove, Value::Array(elements)) => drop(elements.remove(key.parse().unwrap())),
        (Tamper::Replace, parent) => {
            let value = match parent {
                Value::Object(fields) => &mut fields[&key],
                parent => &mut parent[key.parse::<usize>().unwrap()],
            };
            *value = match &*value {
                Value::Bool(value) => json!(!*value),
                Value::Number(_) => json!(7),
                Value::String(_) => json!("tampered"),
                _ => Value::Null,
            };
        }
        (Tamper::Add, Value::Object(fields)) => drop(fields.insert("tampered".to_owned(), json!({"x": "y"}))),
        _ => {}
    }
}

thread_local! {
    static SAMPLE: (Vec<Child>, LiveChildren) = {
        let case = Case::new();
        (case.children, case.live)
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever field of whatever child somebody removes, replaces or adds: one round makes it right, or names it.
    #[test]
    fn any_edit_is_repaired_by_one_round_or_named(
        child in any::<prop::sample::Index>(),
        field in any::<prop::sample::Index>(),
        how in prop::sample::select(&[Tamper::Remove, Tamper::Replace, Tamper::Add][..]),
    ) {
        let (children, live) = SAMPLE.with(Clone::clone);
        let mut case = Case { children, live };
        let (kind, name) = {
            let child = child.get(&case.children);
            (child.kind, child.name.clone())
        };
        let before = case.live[&(kind, name.clone())].body().clone();
        let mut all = vec![];
        pointers(&before, "", &mut all);
        let pointer = field.get(&all).clone();
        case.edit(kind, &name, |body| tamper(body, &pointer, how));
        let writes = case.writes();
        prop_assert!(writes.delete.is_empty(), "{kind} {name} {pointer}: {writes:?}");
        if !writes.conflicts.is_empty() || !writes.taken.is_empty() || !writes.leaving.is_empty() {
            return Ok(());
        }
        case.carry_out(&writes);
        prop_assert_eq!(case.writes(), Writes::default(), "{} {} {}", kind, name, pointer);
    }
}
