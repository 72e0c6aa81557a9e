//! Own objects → external ones. The manifests are made purely; only certificates and addresses are asked for.

use std::collections::BTreeMap;

use althing_crds::API_VERSION;
use althing_crds::v1alpha1::{Agency, ExternalAgency, ExternalNode, Group, Node, NodeSpec, ServiceType};
use althing_kubernetes::names;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::NodeName;
use althing_operator::pki::inspect;
use althing_operator::plan::{Identity, Ports};
use anyhow::{Context, bail, ensure};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::Export;
use crate::kubernetes::seen::{self, Seen, sentence};
use crate::kubernetes::target::{Scope, Target};
use crate::output::{self, Format};

/// What no bundle may hold.
pub(super) const PRIVATE: &str = "PRIVATE KEY";

/// What is public of a node and in no manifest or status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Public {
    certificate: Option<String>,
    address: Option<String>,
}

/// Writes the bundle; false when something was left out of it.
pub(super) async fn run(target: &Target, wanted: &Export, output: Format) -> anyhow::Result<bool> {
    let (client, scope) = target.connect().await?;
    if scope == Scope::All {
        bail!("a bundle is of one namespace; name it with -n");
    }
    let seen = seen::look(&client, &scope).await?;
    let Some(seen) = seen.first() else {
        bail!("no consortium, agency, group or node in {scope}");
    };
    check_names(&seen.manifests, wanted)?;
    let mut notes = vec![];
    let public = gather(&client, seen, wanted, &mut notes).await;
    let documents = documents(&seen.manifests, wanted, &public, &mut notes);
    ensure!(
        !documents.is_empty(),
        "{scope} has nothing to export: {}",
        notes.join("; ")
    );
    let text = match output {
        Format::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": documents});
            serde_json::to_string_pretty(&list)? + "\n"
        }
        Format::Table => yaml(&documents)?,
    };
    ensure!(
        !text.contains(PRIVATE),
        "a private key is among what was to be exported; nothing is written"
    );
    notes
        .iter()
        .for_each(|note| output::line_to_stderr(&format!("althing: {note}")));
    output::text(&text)?;
    Ok(notes.is_empty())
}

fn check_names(manifests: &NamespaceManifests, wanted: &Export) -> anyhow::Result<()> {
    for name in &wanted.agencies {
        let agency = manifests.agencies.get(name.as_str());
        let agency =
            agency.with_context(|| format!("--agency {name}: there is no such Agency in {}", manifests.namespace))?;
        ensure!(
            agency.spec.external.is_none(),
            "--agency {name}: it is somebody else's; only own facts are exported"
        );
    }
    for name in &wanted.groups {
        let group = manifests.groups.get(name.as_str());
        group.with_context(|| format!("--group {name}: there is no such Group in {}", manifests.namespace))?;
    }
    Ok(())
}

fn own_agencies<'a>(
    manifests: &'a NamespaceManifests,
    wanted: &'a Export,
) -> impl Iterator<Item = (&'a str, &'a Agency)> + use<'a> {
    let own = manifests
        .agencies
        .iter()
        .filter(|(_, agency)| agency.spec.external.is_none());
    let own = own.map(|(name, agency)| (name.as_str(), agency));
    own.filter(move |(name, _)| wanted.agencies.is_empty() || wanted.agencies.iter().any(|wish| wish == name))
}

fn own_nodes<'a>(
    manifests: &'a NamespaceManifests,
    wanted: &'a Export,
) -> impl Iterator<Item = (&'a NodeName, &'a Node)> + use<'a> {
    let own = manifests.nodes.iter().filter(|(_, node)| node.spec.external.is_none());
    own.filter(move |(_, node)| own_agencies(manifests, wanted).any(|(name, _)| name == node.spec.agency))
}

async fn gather(client: &Client, seen: &Seen, wanted: &Export, notes: &mut Vec<String>) -> BTreeMap<NodeName, Public> {
    let namespace = seen.manifests.namespace.as_str();
    let mut found = BTreeMap::new();
    for (name, node) in own_nodes(&seen.manifests, wanted) {
        let certificate = match certificate(client, namespace, name).await {
            Ok(pem) => Some(pem),
            Err(error) => {
                notes.push(format!(
                    "Node/{name} goes without its certificate: {}",
                    crate::sentence(&error)
                ));
                None
            }
        };
        let address = match address(client, namespace, name, node).await {
            Ok(address) => Some(address),
            Err(error) => {
                notes.push(format!(
                    "Node/{name} goes without an address: {}",
                    crate::sentence(&error)
                ));
                None
            }
        };
        found.insert(name.clone(), Public { certificate, address });
    }
    found
}

/// The certificate of a node, from the Secret that holds it apart from its key.
async fn certificate(client: &Client, namespace: &str, node: &NodeName) -> anyhow::Result<String> {
    let identity = Identity::Node(node.clone());
    let name = names::certificate_secret(&identity).context("a node has a certificate")?;
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = api
        .get_opt(&name)
        .await
        .map_err(|error| anyhow::anyhow!("{}", sentence(&error)))?;
    let data = secret
        .and_then(|secret| secret.data)
        .with_context(|| format!("Secret/{name} is not there"))?;
    let file = names::certificate_file(&identity);
    let bytes = data.get(file).with_context(|| format!("Secret/{name} has no {file}"))?;
    first_certificate(std::str::from_utf8(&bytes.0)?)
}

/// The first certificate of a PEM text, and nothing of what else is in it.
fn first_certificate(text: &str) -> anyhow::Result<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let (_, rest) = text.split_once(BEGIN).context("it holds no certificate")?;
    let (body, _) = rest.split_once(END).context("its certificate does not end")?;
    let pem = format!("{BEGIN}{body}{END}\n");
    inspect::first(&pem).context("its certificate cannot be read")?;
    Ok(pem)
}

/// What others dial: what the manifest says, else the load balancer, else the Service inside the cluster.
async fn address(client: &Client, namespace: &str, name: &NodeName, node: &Node) -> anyhow::Result<String> {
    let p2p = node.spec.p2p.clone().unwrap_or_default();
    if let Some(advertise) = p2p.advertise {
        return Ok(advertise);
    }
    let port = p2p.port.unwrap_or_else(|| i32::from(Ports::FIRST.p2p));
    match p2p.service {
        None | Some(ServiceType::ClusterIP) => Ok(format!("{}.{namespace}.svc:{port}", names::p2p_service(name))),
        Some(ServiceType::NodePort) => {
            bail!("a NodePort has an address on every machine; say which in spec.p2p.advertise")
        }
        Some(ServiceType::LoadBalancer) => {
            let api: Api<Service> = Api::namespaced(client.clone(), namespace);
            let service = names::external_service(name);
            let found = api
                .get(&service)
                .await
                .map_err(|error| anyhow::anyhow!("{}", sentence(&error)))?;
            let balancer = found.status.and_then(|status| status.load_balancer);
            let ingress = balancer.and_then(|balancer| balancer.ingress?.into_iter().next());
            let host = ingress.and_then(|ingress| ingress.hostname.or(ingress.ip));
            let host = host.with_context(|| format!("the load balancer of Service/{service} has no address yet"))?;
            Ok(if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            })
        }
    }
}

/// The manifests: agencies, their nodes, then groups. What is not known yet is left out and noted.
fn documents(
    manifests: &NamespaceManifests,
    wanted: &Export,
    public: &BTreeMap<NodeName, Public>,
    notes: &mut Vec<String>,
) -> Vec<Value> {
    let mut found = vec![];
    for (name, agency) in own_agencies(manifests, wanted) {
        match external_agency(agency) {
            Some(external) => {
                let spec = json!({"consortium": agency.spec.consortium, "external": external});
                found.push(document("Agency", name, spec));
            }
            None => notes.push(format!(
                "Agency/{name} is left out: it has neither certificate nor request yet"
            )),
        }
    }
    for (name, node) in own_nodes(manifests, wanted) {
        let known = public.get(name).cloned().unwrap_or_default();
        match external_node(node, known) {
            Some(spec) => found.push(document("Node", name.as_str(), json!(spec))),
            None => notes.push(format!("Node/{name} is left out: it has no nodeID yet")),
        }
    }
    for name in &wanted.groups {
        let group = manifests.groups.get(name.as_str());
        match group.and_then(pinned) {
            Some(spec) => found.push(document("Group", name, spec)),
            None => notes.push(format!("Group/{name} is left out: its genesis has no hash yet")),
        }
    }
    found
}

fn external_agency(agency: &Agency) -> Option<ExternalAgency> {
    let status = agency.status.as_ref()?;
    let certificate = status.certificate.clone();
    let request = status
        .certificate_signing_request
        .clone()
        .filter(|_| certificate.is_none());
    (certificate.is_some() || request.is_some()).then(|| ExternalAgency {
        certificate,
        certificate_signing_request: request,
        governance_account: status.governance_account.clone(),
        attestation: None,
    })
}

fn external_node(node: &Node, known: Public) -> Option<NodeSpec> {
    let node_id = node.status.as_ref()?.node_id.clone()?;
    let external = ExternalNode {
        node_id: Some(node_id),
        address: known.address,
        certificate: known.certificate,
        attestation: None,
    };
    Some(NodeSpec {
        external: Some(external),
        ..NodeSpec::of(node.spec.agency.clone())
    })
}

/// A group as others need it: what block 0 holds, pinned. What is wished for or local stays here.
fn pinned(group: &Group) -> Option<Value> {
    let hash = group.status.as_ref()?.genesis_hash.clone()?;
    let mut spec = group.spec.clone();
    spec.genesis.hash = Some(hash);
    spec.agreed = None;
    spec.local = None;
    serde_json::to_value(spec).ok()
}

fn document(kind: &str, name: &str, mut spec: Value) -> Value {
    without_nulls(&mut spec);
    json!({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn yaml(documents: &[Value]) -> anyhow::Result<String> {
    let texts: Result<Vec<_>, _> = documents.iter().map(serde_yaml::to_string).collect();
    Ok(texts.context("write YAML")?.join("---\n"))
}

#[cfg(test)]
mod tests {
    use althing_operator::manifest::{SourceFile, read};
    use althing_operator::name::Namespace;

    use super::super::super::testing::{node_name, whole};
    use super::*;

    fn everything() -> Export {
        Export {
            agencies: vec![],
            groups: vec!["group-1".to_owned()],
        }
    }

    fn public() -> BTreeMap<NodeName, Public> {
        let known = |number: usize| Public {
            certificate: None,
            address: Some(format!("node-{number}-p2p.trade.svc:30300")),
        };
        (0..4).map(|number| (node_name(number), known(number))).collect()
    }

    fn certified() -> NamespaceManifests {
        let mut manifests = whole().0.manifests;
        for agency in manifests.agencies.values_mut() {
            let status = agency.status.as_mut().unwrap();
            status.certificate = Some(format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                "A".repeat(64)
            ));
            status.governance_account = Some(format!("0x{}", "Ab".repeat(20)));
        }
        manifests
    }

    #[test]
    fn a_bundle_is_read_as_manifests_of_somebody_else_s_objects() {
        let mut notes = vec![];
        let documents = documents(&certified(), &everything(), &public(), &mut notes);
        assert_eq!(notes, Vec::<String>::new());
        let text = yaml(&documents).unwrap();
        let namespace = Namespace::new("theirs").unwrap();
        let file = SourceFile {
            name: "bundle".to_owned(),
            text,
        };
        let found = read(&[file], &namespace)
            .unwrap()
            .namespaces
            .remove(&namespace)
            .unwrap();
        assert!(found.consortiums.is_empty());
        assert!(found.agencies.values().all(|agency| agency.spec.external.is_some()));
        assert!(found.nodes.len() == 4 && found.nodes.values().all(|node| node.spec.external.is_some()));
        let group = found.groups.values().next().unwrap();
        assert_eq!(group.spec.genesis.hash, Some(format!("0x{}", "ab".repeat(32))));
        assert!(group.spec.local.is_none() && group.spec.agreed.is_none());
    }

    #[test]
    fn no_group_is_named_unless_it_is_asked_for() {
        let mut notes = vec![];
        let mut wanted = everything();
        wanted.groups.clear();
        let text = yaml(&documents(&certified(), &wanted, &public(), &mut notes)).unwrap();
        assert!(!text.contains("group"), "{text}");
    }

    #[test]
    fn what_has_no_identity_yet_is_left_out_and_said() {
        let (seen, _) = whole();
        let mut manifests = seen.manifests;
        manifests.nodes.get_mut("node-2").unwrap().status = None;
        let mut notes = vec![];
        let documents = documents(&manifests, &everything(), &public(), &mut notes);
        assert_eq!(documents.len(), 4, "three nodes and the group");
        assert_eq!(
            notes,
            [
                "Agency/agency-a is left out: it has neither certificate nor request yet",
                "Node/node-2 is left out: it has no nodeID yet"
            ]
        );
    }

    #[test]
    fn of_a_file_only_its_first_certificate_is_taken() {
        assert!(first_certificate("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n").is_err());
        let issued = rcgen::generate_simple_self_signed(["node-0".to_owned()]).unwrap();
        let pem = issued.cert.pem().replace("\r\n", "\n");
        let key = issued.signing_key.serialize_pem();
        assert_eq!(first_certificate(&format!("{pem}{key}")).unwrap(), pem);
    }
}
