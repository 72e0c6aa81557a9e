use althing_crds::{definitions, generated};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

#[test]
fn generated_manifests_and_examples_are_fresh() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, content) in generated::files() {
        let found = std::fs::read_to_string(root.join(&path)).unwrap_or_default();
        assert!(
            found == content,
            "{path} is stale: run `cargo run -p althing-crds --bin crdgen`"
        );
    }
}

#[test]
fn every_definition_is_below_200_kib_of_json() {
    for crd in definitions() {
        let bytes = serde_json::to_vec(&crd).unwrap().len();
        assert!(bytes < 200 * 1024, "{}: {bytes} bytes", crd.spec.names.plural);
    }
}

#[test]
fn names_leave_kubernetes_own_words_alone() {
    let names: Vec<_> = definitions().into_iter().map(|crd| crd.spec.names).collect();
    let plurals: Vec<_> = names.iter().map(|names| names.plural.as_str()).collect();
    assert_eq!(plurals, ["consortiums", "agencies", "ledgergroups", "ledgernodes"]);
    for names in &names {
        assert_eq!(names.categories.as_deref(), Some(&["althing".to_owned()][..]));
        assert_eq!(names.short_names.as_ref().map(Vec::len), Some(1), "{}", names.kind);
    }
}

#[test]
fn a_list_of_any_kind_tells_ready_why_and_since_when() {
    for crd in definitions() {
        let columns = crd.spec.versions[0]
            .additional_printer_columns
            .clone()
            .unwrap_or_default();
        let priorities = |name: &str| {
            let column = columns.iter().find(|column| column.name == name);
            column.map(|column| column.priority.unwrap_or_default())
        };
        for (name, priority) in [("Ready", 0), ("Reason", 0), ("Age", 0), ("Message", 1)] {
            assert_eq!(priorities(name), Some(priority), "{} {name}", crd.spec.names.kind);
        }
        assert!(
            columns.iter().all(|column| column.description.is_some()),
            "{}",
            crd.spec.names.kind
        );
    }
}

/// kubectl shows a `date` as the time since then: of a time to come it says `<invalid>`.
#[test]
fn a_column_counts_from_what_has_been_and_shows_what_is_to_come_as_it_is() {
    for crd in definitions() {
        let columns = crd.spec.versions[0].additional_printer_columns.iter().flatten();
        for column in columns {
            let is_past = column.json_path == ".metadata.creationTimestamp";
            assert_eq!(
                column.type_ == "date",
                is_past,
                "{} {}",
                crd.spec.names.kind,
                column.name
            );
        }
    }
}

/// Walks a schema; `leaf` sees every node with its path.
fn walk(path: &str, schema: &Value, leaf: &mut dyn FnMut(&str, &Value)) {
    leaf(path, schema);
    for (name, inner) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        walk(&format!("{path}.{name}"), inner, leaf);
    }
    if let Some(items) = schema.get("items") {
        walk(&format!("{path}[]"), items, leaf);
    }
}

/// The schema at this pointer below the root, of every kind.
fn schemas(pointer: &str) -> Vec<(String, Value)> {
    let part = |crd: CustomResourceDefinition| {
        let schema = serde_json::to_value(&crd.spec.versions[0].schema).unwrap();
        let schema = schema.pointer(&format!("/openAPIV3Schema{pointer}")).unwrap().clone();
        (crd.spec.names.kind, schema)
    };
    definitions().into_iter().map(part).collect()
}

fn spec_schemas() -> Vec<(String, Value)> {
    schemas("/properties/spec")
}

#[test]
fn every_field_is_documented() {
    for (kind, schema) in schemas("") {
        walk(&kind, &schema, &mut |path, schema| {
            let is_item = path.ends_with("[]");
            assert!(
                is_item || schema.get("description").is_some(),
                "{path} has no description"
            );
        });
    }
}

#[test]
fn every_list_and_text_of_a_spec_is_bounded() {
    for (kind, schema) in spec_schemas() {
        walk(&kind, &schema, &mut |path, schema| {
            // Resources are Kubernetes' own type.
            if path.starts_with("Node.resources") {
                return;
            }
            let has = |name: &str| schema.get(name).is_some();
            match schema.get("type").and_then(Value::as_str) {
                Some("string") => {
                    assert!(
                        has("maxLength") || has("enum") || has("format"),
                        "{path} has no maxLength"
                    );
                }
                Some("array") => assert!(has("maxItems"), "{path} has no maxItems"),
                Some("integer") => assert!(has("minimum") && has("maximum"), "{path} has no range"),
                _ => {}
            }
        });
    }
}
