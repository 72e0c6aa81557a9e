//! The policies, evaluated here as the API server does; the end-to-end suite tries them on a real one.

use althing_crds::{ALLOW_DELETE_ANNOTATION, admission, definitions, examples};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicySpec;
use kube::core::cel::{AdmissionRequest, VapEvaluator, VapExpression, VapResult};
use serde::Serialize;
use serde_json::{Value, json};

const PERSON: &str = "alice";

fn policy(plural: &str) -> ValidatingAdmissionPolicySpec {
    let specs = admission::policies().into_iter().filter_map(|(policy, _)| policy.spec);
    let is_of = |spec: &ValidatingAdmissionPolicySpec| {
        let rules = spec.match_constraints.iter().flat_map(|found| &found.resource_rules);
        rules
            .flatten()
            .any(|rule| rule.resources == Some(vec![plural.to_owned()]))
    };
    specs.into_iter().find(is_of).unwrap()
}

/// `None` when the policy does not look at the request, else what its validation said.
fn delete(plural: &str, object: &Value, user: &str, namespace: &Value) -> Option<VapResult> {
    let spec = policy(plural);
    let evaluator = VapEvaluator::builder()
        .old_object(object.clone())
        .namespace_object(namespace.clone())
        .request(AdmissionRequest {
            operation: "DELETE".into(),
            name: text(object, "/metadata/name"),
            namespace: text(namespace, "/metadata/name"),
            username: user.into(),
            ..AdmissionRequest::default()
        })
        .build();
    let check = |expression: &str, message_expression: Option<String>| {
        // The evaluator knows no variables: each is put where it is named.
        let variables = spec.variables.iter().flatten();
        let expression = variables.fold(expression.to_owned(), |text, variable| {
            text.replace(
                &format!("variables.{}", variable.name),
                &format!("({})", variable.expression),
            )
        });
        let expression = VapExpression {
            // It takes keys of maps for fields of a schema, whose names CEL knows escaped; the API server does not.
            expression: expression.replace(
                "'althing.dev/allow-delete'",
                "'althing__dot__dev__slash__allow__dash__delete'",
            ),
            message: None,
            message_expression,
        };
        evaluator.evaluate(&[expression]).remove(0)
    };
    let matches = spec
        .match_conditions
        .iter()
        .flatten()
        .all(|condition| check(&condition.expression, None).passed);
    let validation = spec.validations.as_ref().unwrap().first().unwrap();
    matches.then(|| check(&validation.expression, validation.message_expression.clone()))
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

fn namespace() -> Value {
    json!({"metadata": {"name": "trade"}})
}

fn passes(plural: &str, object: &Value) -> bool {
    delete(plural, object, PERSON, &namespace()).is_none_or(|result| result.passed)
}

fn object(example: &impl Serialize, status: Value) -> Value {
    let mut value = serde_json::to_value(example).unwrap();
    value["status"] = status;
    value
}

fn live_node() -> Value {
    object(&examples::node(), json!({"groups": ["group-1", "group-2"]}))
}

fn live_group() -> Value {
    object(
        &examples::group(),
        json!({"genesisHash": format!("0x{}", "1".repeat(64))}),
    )
}

#[test]
fn a_live_node_and_a_live_group_are_not_deleted_and_the_refusal_says_what_to_do() {
    for (plural, object, words) in [
        (
            "ledgernodes",
            live_node(),
            ["takes part in group-1, group-2", "role: Free"],
        ),
        ("ledgergroups", live_group(), ["is live with genesis 0x111", "leave it"]),
    ] {
        let result = delete(plural, &object, PERSON, &namespace()).unwrap();
        assert!(!result.passed, "{plural}");
        let said = result.message.unwrap();
        let name = text(&object, "/metadata/name");
        let command = format!(
            "{} {name} -n trade {ALLOW_DELETE_ANNOTATION}=true",
            plural.trim_end_matches('s')
        );
        for words in words.into_iter().chain([command.as_str()]) {
            assert!(said.contains(words), "{words:?} in {said:?}");
        }
    }
}

#[test]
fn an_annotation_allows_it_unless_it_says_false() {
    for (plural, mut object) in [("ledgernodes", live_node()), ("ledgergroups", live_group())] {
        for (value, passed) in [("true", true), ("", true), ("false", false)] {
            object["metadata"]["annotations"] = json!({"other": "true", ALLOW_DELETE_ANNOTATION: value});
            assert_eq!(passes(plural, &object), passed, "{plural} {value:?}");
        }
        object["metadata"]["annotations"] = json!({"other": "true"});
        assert!(!passes(plural, &object), "{plural}");
    }
}

#[test]
fn what_takes_part_in_nothing_is_deleted_freely() {
    for status in [Value::Null, json!({}), json!({"groups": []})] {
        assert!(
            passes("ledgernodes", &object(&examples::node(), status.clone())),
            "{status}"
        );
    }
    for status in [Value::Null, json!({}), json!({"genesisHash": ""})] {
        assert!(
            passes("ledgergroups", &object(&examples::group(), status.clone())),
            "{status}"
        );
    }
    for example in [
        serde_json::to_value(examples::node()),
        serde_json::to_value(examples::group()),
    ] {
        let example = example.unwrap();
        assert!(
            passes("ledgernodes", &example) && passes("ledgergroups", &example),
            "no status yet"
        );
    }
}

#[test]
fn somebody_elses_node_is_only_public_facts() {
    assert!(passes(
        "ledgernodes",
        &object(&examples::external_node(), json!({"groups": ["group-1"]}))
    ));
}

#[test]
fn the_namespace_controller_and_the_garbage_collector_are_exempt() {
    for (plural, object) in [("ledgernodes", live_node()), ("ledgergroups", live_group())] {
        for account in ["namespace-controller", "generic-garbage-collector"] {
            let user = format!("system:serviceaccount:kube-system:{account}");
            assert!(
                delete(plural, &object, &user, &namespace()).is_none(),
                "{plural} {user}"
            );
        }
        let user = "system:serviceaccount:trade:namespace-controller";
        assert!(
            !delete(plural, &object, user, &namespace()).unwrap().passed,
            "one of a tenant's own is not"
        );
    }
}

#[test]
fn a_namespace_that_goes_away_takes_everything_with_it() {
    let going = json!({"metadata": {"name": "trade", "deletionTimestamp": "2026-06-01T12:00:00Z"}});
    assert!(delete("ledgernodes", &live_node(), PERSON, &going).unwrap().passed);
    assert!(delete("ledgergroups", &live_group(), PERSON, &going).unwrap().passed);
}

#[test]
fn every_policy_is_in_force_and_is_of_one_of_our_kinds_or_of_their_definitions() {
    let ours = definitions().into_iter().map(|crd| crd.spec.names.plural);
    let plurals: Vec<_> = ours.chain(["customresourcedefinitions".to_owned()]).collect();
    for (policy, binding) in admission::policies() {
        let rules = policy.spec.unwrap().match_constraints.unwrap().resource_rules.unwrap();
        let [rule] = rules.as_slice() else {
            panic!("one rule, found {rules:?}")
        };
        let resources = rule.resources.as_ref().unwrap();
        assert!(
            resources.iter().all(|resource| plurals.contains(resource)),
            "{resources:?}"
        );
        assert_eq!(rule.operations.as_deref(), Some(&["DELETE".to_owned()][..]));
        assert_eq!(Some(binding.spec.policy_name), policy.metadata.name);
        assert_eq!(binding.spec.validation_actions, ["Deny"]);
    }
}

#[test]
fn our_definitions_are_not_deleted_and_those_of_others_are_nobody_s_business() {
    let plural = "customresourcedefinitions";
    for definition in definitions() {
        let mut definition = serde_json::to_value(definition).unwrap();
        let said = delete(plural, &definition, PERSON, &namespace()).unwrap();
        assert!(!said.passed);
        let message = said.message.unwrap();
        let name = text(&definition, "/metadata/name");
        for word in [&name, "every node that it runs stops", "althing.dev/allow-delete=true"] {
            assert!(message.contains(word), "{word} in {message}");
        }
        definition["metadata"]["annotations"] = json!({ALLOW_DELETE_ANNOTATION: "true"});
        assert!(passes(plural, &definition));
        definition["metadata"]["annotations"] = json!({});
        definition["spec"]["group"] = json!("example.com");
        assert!(passes(plural, &definition));
    }
}

#[test]
fn a_refusal_is_one_line() {
    for (policy, _) in admission::policies() {
        for validation in policy.spec.unwrap().validations.unwrap() {
            for text in [validation.message.unwrap(), validation.message_expression.unwrap()] {
                assert!(
                    !text.contains('\n'),
                    "the API server drops messages of several lines: {text}"
                );
            }
        }
    }
}
