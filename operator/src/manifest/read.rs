//! Files → documents → objects.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use althing_crds::API_VERSION;
use althing_crds::v1alpha1::{Agency, Consortium, Group, Node};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::cel::{ValidationErrors, Validator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::{FieldError, check};
use super::{DOCUMENTS_MAX, FILE_BYTES_MAX, ManifestError, ManifestFault, Manifests, NamespaceManifests};
use crate::name::{AgencyName, ConsortiumName, GroupName, NameError, Namespace, NodeName};

/// One file of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, for errors.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// Reads all files. Objects without `metadata.namespace` go to `default_namespace`. Either everything is right or every
/// mistake of every document is returned.
pub fn read(files: &[SourceFile], default_namespace: &Namespace) -> Result<Manifests, Vec<ManifestError>> {
    let mut reader = Reader {
        default_namespace,
        manifests: Manifests::default(),
        seen: BTreeMap::new(),
        errors: vec![],
    };
    let mut documents = 0;
    for file in files {
        let values = match cut(file) {
            Ok(values) => values,
            Err(error) => {
                reader.errors.push(error);
                continue;
            }
        };
        documents += values.len();
        if documents > DOCUMENTS_MAX {
            let what = ManifestFault::TooMuch {
                what: "documents",
                found: documents,
                accepted: DOCUMENTS_MAX,
            };
            reader.errors.push(ManifestError {
                file: file.name.clone(),
                document: 0,
                object: None,
                what,
            });
            break;
        }
        for (index, value) in values.into_iter().enumerate().filter(|(_, value)| !value.is_null()) {
            reader.document(
                Place {
                    file: &file.name,
                    document: index + 1,
                },
                value,
            );
        }
    }
    match reader.errors.is_empty() {
        true => Ok(reader.manifests),
        false => Err(reader.errors),
    }
}

fn cut(file: &SourceFile) -> Result<Vec<Value>, ManifestError> {
    let error = |what| ManifestError {
        file: file.name.clone(),
        document: 0,
        object: None,
        what,
    };
    if file.text.len() > FILE_BYTES_MAX {
        let what = ManifestFault::TooMuch {
            what: "bytes",
            found: file.text.len(),
            accepted: FILE_BYTES_MAX,
        };
        return Err(error(what));
    }
    serde_yaml::from_multiple::<Value>(&file.text).map_err(|e| error(ManifestFault::Yaml(first_line(&e.to_string()))))
}

#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    document: usize,
}

/// The schema of every kind.
fn schemas() -> &'static BTreeMap<String, Value> {
    static SCHEMAS: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let schema = |crd: CustomResourceDefinition| {
            let version = crd.spec.versions.first().and_then(|version| version.schema.as_ref());
            let schema = serde_json::to_value(version.and_then(|schema| schema.open_api_v3_schema.as_ref()));
            (crd.spec.names.kind, schema.unwrap_or_default())
        };
        althing_crds::definitions().into_iter().map(schema).collect()
    })
}

struct Reader<'a> {
    default_namespace: &'a Namespace,
    manifests: Manifests,
    seen: BTreeMap<(Namespace, String), (String, usize)>,
    errors: Vec<ManifestError>,
}

impl Reader<'_> {
    fn document(&mut self, place: Place<'_>, value: Value) {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let object = match (text("/kind"), text("/metadata/name")) {
            (Some(kind), Some(name)) => Some(format!("{kind}/{name}")),
            (Some(kind), None) => Some(kind),
            _ => None,
        };
        if let Err(faults) = self.object(place, object.as_deref(), value) {
            let error = |what| ManifestError {
                file: place.file.to_owned(),
                document: place.document,
                object: object.clone(),
                what,
            };
            self.errors.extend(faults.into_iter().map(error));
        }
    }

    fn object(&mut self, place: Place<'_>, object: Option<&str>, mut value: Value) -> Result<(), Vec<ManifestFault>> {
        let kind_name = kind_of(&value).map_err(|e| vec![e.into()])?;
        let namespace = self.namespace_of(&value, &kind_name).map_err(|e| vec![e.into()])?;
        if kind_name == "Namespace" {
            self.namespace(namespace);
            return Ok(());
        }
        let Some(schema) = schemas().get(&kind_name) else {
            return Ok(());
        };
        // Status is the operator's word, never the manifest's.
        if let Some(map) = value.as_object_mut() {
            map.remove("status");
        }
        let faults: Vec<_> = check_metadata(&value)
            .into_iter()
            .chain(check_body(&value, schema))
            .collect();
        if !faults.is_empty() {
            return Err(faults.into_iter().map(ManifestFault::from).collect());
        }
        Validator::new().validate(schema, &value, None).map_err(rule_faults)?;
        let key = (namespace.clone(), object.unwrap_or_default().to_owned());
        if let Some((first_file, first_document)) = self.seen.get(&key).cloned() {
            return Err(vec![ManifestFault::Twice {
                first_file,
                first_document,
            }]);
        }
        self.seen.insert(key, (place.file.to_owned(), place.document));
        insert(self.namespace(namespace), &kind_name, value).map_err(|fault| vec![fault])
    }

    fn namespace(&mut self, namespace: Namespace) -> &mut NamespaceManifests {
        let entry = self.manifests.namespaces.entry(namespace.clone());
        entry.or_insert_with(|| NamespaceManifests::new(namespace))
    }

    fn namespace_of(&self, value: &Value, kind: &str) -> Result<Namespace, FieldError> {
        let pointer = if kind == "Namespace" {
            "/metadata/name"
        } else {
            "/metadata/namespace"
        };
        match value.pointer(pointer) {
            None if kind != "Namespace" => Ok(self.default_namespace.clone()),
            found => {
                let text = found.and_then(Value::as_str).unwrap_or_default();
                Namespace::new(text).map_err(|error| name_fault(pointer, &error))
            }
        }
    }
}

fn kind_of(value: &Value) -> Result<String, FieldError> {
    let fault = |field: &str, found: Option<&Value>, accepted: &str| FieldError {
        field: field.to_owned(),
        found: found.map_or_else(|| "nothing".to_owned(), Value::to_string),
        accepted: accepted.to_owned(),
    };
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let accepted = match kind {
        "Namespace" => "v1",
        "Consortium" | "Agency" | "Group" | "Node" => API_VERSION,
        _ => {
            return Err(fault(
                "kind",
                value.get("kind"),
                "Consortium, Agency, Group, Node, Namespace",
            ));
        }
    };
    match value.get("apiVersion").and_then(Value::as_str) == Some(accepted) {
        true => Ok(kind.to_owned()),
        false => Err(fault("apiVersion", value.get("apiVersion"), accepted)),
    }
}

fn check_metadata(value: &Value) -> Vec<FieldError> {
    let Some(metadata) = value.get("metadata").and_then(Value::as_object) else {
        let found = if value.get("metadata").is_some() {
            "something else"
        } else {
            "nothing"
        };
        return vec![FieldError {
            field: "metadata".into(),
            found: found.into(),
            accepted: "a mapping with a name".into(),
        }];
    };
    let texts = serde_json::json!({"type": "object", "additionalProperties": {"type": "string"}});
    let text = serde_json::json!({"type": "string", "maxLength": 253});
    let properties = serde_json::json!({"name": text, "namespace": text, "labels": texts, "annotations": texts});
    let schema = serde_json::json!({"type": "object", "required": ["name"], "properties": properties});
    let prefixed = |error: FieldError| FieldError {
        field: format!("metadata.{}", error.field),
        ..error
    };
    check(&Value::Object(metadata.clone()), &schema)
        .into_iter()
        .map(prefixed)
        .collect()
}

/// The body without `metadata`, of which the definition's schema says nothing.
fn check_body(value: &Value, schema: &Value) -> Vec<FieldError> {
    let mut body = value.clone();
    if let Some(map) = body.as_object_mut() {
        for field in ["apiVersion", "kind", "metadata"] {
            map.remove(field);
        }
    }
    check(&body, schema)
}

fn rule_faults(errors: ValidationErrors) -> Vec<ManifestFault> {
    let fault = |error: &kube::core::cel::ValidationError| ManifestFault::Rule {
        field: if error.field_path.is_empty() {
            "the object".to_owned()
        } else {
            error.field_path.clone()
        },
        rule: error.message.clone(),
    };
    errors.as_slice().iter().map(fault).collect()
}

fn name_fault(field: &str, error: &NameError) -> FieldError {
    FieldError {
        field: field.trim_start_matches('/').replace('/', "."),
        found: format!("{:?}", error.found),
        accepted: format!("1 to {} of a-z, 0-9 and '-', beginning with a letter", error.accepted),
    }
}

fn insert(namespace: &mut NamespaceManifests, kind: &str, value: Value) -> Result<(), ManifestFault> {
    let name = value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let named = |error: NameError| ManifestFault::from(name_fault("/metadata/name", &error));
    match kind {
        "Consortium" => {
            namespace
                .consortiums
                .insert(ConsortiumName::new(name).map_err(named)?, typed::<Consortium>(value)?);
        }
        "Agency" => {
            namespace
                .agencies
                .insert(AgencyName::new(name).map_err(named)?, typed::<Agency>(value)?);
        }
        "Group" => {
            namespace
                .groups
                .insert(GroupName::new(name).map_err(named)?, typed::<Group>(value)?);
        }
        _ => {
            namespace
                .nodes
                .insert(NodeName::new(name).map_err(named)?, typed::<Node>(value)?);
        }
    }
    Ok(())
}

/// The schema has passed, so what fails here is a part the schema does not describe.
fn typed<T: DeserializeOwned>(value: Value) -> Result<T, ManifestFault> {
    serde_json::from_value(value).map_err(|error| ManifestFault::Yaml(error.to_string()))
}

/// What is wrong and where; the lines after it draw a picture of the text.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}
