//! Text from a manifest is data (DESIGN.md 5.8).

use althing_crds::v1alpha1::NodeStorage;
use althing_operator::manifest::{SourceFile, read};
use althing_operator::name::Namespace;
use serde_json::{Value, json};

use crate::child::ChildKind;
use crate::lower::testing::{Town, node};

/// Every text a manifest may hold that nothing refuses earlier, as nasty as its schema lets it be.
const NASTY: &str = "\"}], \"hostNetwork\": true, \"x\": [{\"\n---\nkind: Secret\n${HOME} $(id) {{ .Values }}";

#[test]
fn rule_8_text_from_a_manifest_reaches_a_body_as_one_text_and_nothing_else() {
    let mut town = Town::four_agencies();
    let clean = town.child(ChildKind::StatefulSet, "node-0");
    let spec = &mut town.manifests.nodes.get_mut(&node("node-0")).unwrap().spec;
    spec.image = Some(NASTY.to_owned());
    spec.storage = Some(NodeStorage {
        size: None,
        storage_class_name: Some(NASTY.to_owned()),
        engine: None,
    });
    let set = town.child(ChildKind::StatefulSet, "node-0");
    let read: Value = serde_json::from_str(&set.body.to_string()).unwrap();
    assert_eq!(read, set.body, "what is written is what is read");
    let mut patched = clean.body;
    patched["spec"]["template"]["spec"]["containers"][0]["image"] = json!(NASTY);
    let annotations = patched["metadata"].as_object_mut().unwrap().remove("annotations");
    assert_eq!(
        annotations.unwrap().as_object().unwrap().len(),
        1,
        "the image an operator chose"
    );
    assert_eq!(
        set.body, patched,
        "the image is a text in one place, and every other field is as it was"
    );
    let claim = town.child(ChildKind::PersistentVolumeClaim, "node-0-data");
    assert_eq!(claim.body["spec"]["storageClassName"], NASTY);
}

#[test]
fn rule_8_names_that_are_none_never_get_as_far_as_a_child() {
    let hostile = ["../other", "a.b", "A", "a\nb", "a/b", "kube-system/x", "a--'\"", ""];
    for name in hostile {
        let text = json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": "Node",
            "metadata": {"name": name, "namespace": "trade"}, "spec": {"agency": "agency-a"},
        });
        let file = SourceFile {
            name: "hostile.yaml".to_owned(),
            text: text.to_string(),
        };
        let namespace = Namespace::new("trade").unwrap();
        assert!(read(&[file], &namespace).is_err(), "{name:?}");
    }
}

#[test]
fn keys_of_data_are_names_of_files_and_never_paths() {
    let children = Town::four_agencies().children();
    let data = children.iter().filter_map(|child| child.body.get("data")?.as_object());
    for key in data.flat_map(|data| data.keys()) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        assert!(
            !key.is_empty() && !key.starts_with('.') && key.chars().all(is_plain),
            "{key:?}"
        );
    }
}
