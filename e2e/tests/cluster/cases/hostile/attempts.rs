//! What the attacker tries.

use serde_json::{Value, json};

/// Public facts of the other namespace.
pub(super) struct Known {
    pub(super) namespace: String,
    pub(super) node_uid: String,
    pub(super) node_id: String,
    pub(super) agency_uid: String,
    pub(super) genesis: String,
    pub(super) certificate: String,
    pub(super) trust: String,
}

/// What must come of it in the attacker's own namespace.
pub(super) enum Expected {
    /// The API server refuses the last of the manifests, or one before it.
    Refused,
    /// Accepted; the object is not Ready for one of these reasons.
    Says {
        object: &'static str,
        reasons: &'static [&'static str],
    },
    /// Accepted; whatever comes of it stays at home.
    Nothing,
}

/// One way in.
pub(super) struct Attempt {
    pub(super) name: &'static str,
    pub(super) manifests: Vec<String>,
    pub(super) expected: Expected,
}

fn attempt(name: &'static str, expected: Expected, manifests: Vec<Value>) -> Attempt {
    Attempt {
        name,
        manifests: manifests.iter().map(ToString::to_string).collect(),
        expected,
    }
}

fn ours(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "althing.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn node(name: &str, spec: Value) -> Value {
    ours("Node", name, spec)
}

fn group(name: &str, id: u32, sealers: Value) -> Value {
    let genesis = json!({"timestamp": "2026-01-01T00:00:00Z", "sealers": sealers, "consensus": {"type": "PBFT"}});
    ours(
        "Group",
        name,
        json!({"consortium": "trade", "groupId": id, "genesis": genesis}),
    )
}

/// Labels that claim an object.
fn claim(kind: &str, owner: &str) -> Value {
    json!({
        "app.kubernetes.io/managed-by": "althing",
        "app.kubernetes.io/name": format!("althing-{}", kind.to_lowercase()),
        "app.kubernetes.io/instance": owner,
        "althing.dev/kind": kind,
        "althing.dev/owner": owner,
    })
}

fn secret(name: &str, labels: Value, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels}, "stringData": data})
}

fn config_map(name: &str, labels: Value, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": data})
}

fn owned(mut object: Value, kind: &str, name: &str, uid: &str) -> Value {
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "althing.dev/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": true,
        "blockOwnerDeletion": false,
    }]);
    object
}

fn within(mut object: Value, namespace: &str) -> Value {
    object["metadata"]["namespace"] = json!(namespace);
    object
}

const fn says(object: &'static str, reasons: &'static [&'static str]) -> Expected {
    Expected::Says { object, reasons }
}

/// Where a key should be, there is something else.
const NO_KEY: &[&str] = &["KeyUnreadable", "KeyMissing", "NameTaken"];

/// Every way in.
pub(super) fn all(known: &Known) -> Vec<Attempt> {
    let mut all = across(known);
    all.extend(injected(known));
    all.extend(claimed(known));
    all.extend(forged(known));
    all.extend(oversized());
    all
}

/// References that leave the namespace.
fn across(known: &Known) -> Vec<Attempt> {
    use Expected::{Nothing, Refused};
    let there = known.namespace.as_str();
    vec![
        attempt(
            "a node in the other namespace",
            Refused,
            vec![within(node("x", json!({"agency": "agency-a"})), there)],
        ),
        attempt(
            "a Secret in the other namespace",
            Refused,
            vec![within(secret("node-0-key", json!({}), json!({"key.pem": "x"})), there)],
        ),
        attempt(
            "an agency with a namespace before it",
            Refused,
            vec![node("x", json!({"agency": format!("{there}/agency-a")}))],
        ),
        attempt(
            "an agency above",
            Refused,
            vec![node("x", json!({"agency": "../agency-a"}))],
        ),
        attempt(
            "a sealer with a namespace before it",
            Refused,
            vec![group("x", 7, json!([format!("{there}/node-0")]))],
        ),
        attempt(
            "a chain key with a namespace before it",
            Refused,
            vec![ours(
                "Consortium",
                "x",
                json!({"chainId": 1, "registrar": {"secretName": format!("{there}/trade-chain-key")}}),
            )],
        ),
        attempt(
            "a chain key of the name it has there",
            says("Consortium/other", &["KeyMissing", "ReferenceMissing"]),
            vec![ours(
                "Consortium",
                "other",
                json!({"chainId": 20260, "registrar": {"secretName": "trade-chain-key"}}),
            )],
        ),
        attempt(
            "a consortium, an agency and a group of the very names there",
            says("Group/group-1", &["ReferenceMissing"]),
            vec![
                ours(
                    "Consortium",
                    "trade",
                    json!({"chainId": 20260, "registrar": {"managed": {"validity": "87600h"}}}),
                ),
                ours("Agency", "agency-a", json!({"consortium": "trade"})),
                group("group-1", 1, json!(["node-0"])),
            ],
        ),
        attempt(
            "a sealer that is only there",
            says("Group/group-8", &["ReferenceMissing"]),
            vec![group("group-8", 8, json!(["node-0"]))],
        ),
        attempt(
            "the other node's address as one's own",
            Nothing,
            vec![node(
                "twin",
                json!({"agency": "agency-a", "p2p": {"advertise": format!("node-0-p2p.{there}.svc.cluster.local:30300")}}),
            )],
        ),
        attempt(
            "a Service that leads to the other namespace",
            Nothing,
            vec![json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "away-p2p", "labels": claim("Node", "away")},
                "spec": {"type": "ExternalName", "externalName": format!("node-0.{there}.svc.cluster.local")},
            })],
        ),
    ]
}

/// Text that would be more than text.
fn injected(known: &Known) -> Vec<Attempt> {
    use Expected::{Nothing, Refused};
    let with = |spec: Value| node("x", spec);
    let settings = |settings: Value| {
        let mut found = group("group-1", 1, json!(["node-0"]));
        found["spec"]["local"] = json!({"settings": settings});
        found
    };
    vec![
        attempt(
            "a section of config.ini in an address",
            Refused,
            vec![with(
                json!({"agency": "agency-a", "p2p": {"advertise": "a:1\n[rpc]\nlisten_ip=0.0.0.0"}}),
            )],
        ),
        attempt(
            "a JSON object in an address",
            Refused,
            vec![with(
                json!({"agency": "agency-a", "p2p": {"advertise": "a\",\"b\":\"c:1"}}),
            )],
        ),
        attempt(
            "a section of group.ini in a setting",
            Nothing,
            vec![settings(json!({"tx_pool.limit": "1\n[storage]\ndata_path=/etc"}))],
        ),
        attempt(
            "a path in a setting's name",
            Nothing,
            vec![settings(json!({"../../x\n[y]": "z"}))],
        ),
        attempt(
            "an image that is a command",
            Nothing,
            vec![with(
                json!({"agency": "agency-a", "image": "a b; cat /etc/althing/node.key\nimage: c"}),
            )],
        ),
        attempt(
            "the other agency's certificates as one's own agency's",
            Nothing,
            vec![ours(
                "Agency",
                "copy",
                json!({"consortium": "trade", "certificate": known.certificate}),
            )],
        ),
        attempt(
            "the other chain's certificate as one's own trust",
            Nothing,
            vec![ours(
                "Consortium",
                "copied",
                json!({"chainId": 20260, "trust": {"certificates": [known.trust]}}),
            )],
        ),
    ]
}

/// Objects that claim to be another's.
fn claimed(known: &Known) -> Vec<Attempt> {
    use Expected::Nothing;
    let garbage = json!({"key.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"});
    vec![
        attempt(
            "an object owned by a node of the other namespace",
            Nothing,
            vec![owned(
                config_map("loot", claim("Node", "node-0"), json!({"x": "y"})),
                "Node",
                "node-0",
                &known.node_uid,
            )],
        ),
        attempt(
            "a Secret owned by an agency of the other namespace",
            Nothing,
            vec![owned(
                secret(
                    "loot-sdk",
                    claim("Agency", "agency-a"),
                    json!({"tls.crt": known.certificate}),
                ),
                "Agency",
                "agency-a",
                &known.agency_uid,
            )],
        ),
        attempt(
            "labels that name the other node",
            Nothing,
            vec![secret(
                "node-0-certificate",
                claim("Node", "node-0"),
                json!({"node.crt": known.certificate, "ca.crt": known.trust}),
            )],
        ),
        attempt(
            "something that is no key where a key will be",
            says("Node/trap", NO_KEY),
            vec![
                secret("trap-key", claim("Node", "trap"), garbage.clone()),
                node("trap", json!({"agency": "agency-a"})),
            ],
        ),
        attempt(
            "the key of one object for another",
            says("Node/thief", NO_KEY),
            vec![
                secret("thief-key", claim("Agency", "agency-a"), garbage),
                node("thief", json!({"agency": "agency-a"})),
            ],
        ),
        attempt(
            "a node whose key Secret is an agency's CA key",
            says("Node/agency-a-ca", NO_KEY),
            vec![node("agency-a-ca", json!({"agency": "agency-a"}))],
        ),
        attempt(
            "the other group's record as one's own",
            Nothing,
            vec![
                config_map(
                    "group-9-genesis",
                    claim("Group", "group-9"),
                    json!({"genesis.json": known.genesis}),
                ),
                group("group-9", 9, json!(["twin"])),
            ],
        ),
        attempt(
            "an administrator's certificate of another authority",
            Nothing,
            vec![secret(
                "agency-a-admin",
                claim("Agency", "agency-a"),
                json!({"tls.crt": known.certificate, "ca.crt": known.trust}),
            )],
        ),
    ]
}

/// Things only the operator should say.
fn forged(known: &Known) -> Vec<Attempt> {
    use Expected::Nothing;
    let process = "{\"node\":\"node-0\",\"image\":\"x\",\"groups\":[".repeat(200);
    vec![
        attempt(
            "a pod of the other node's name that says what it runs",
            Nothing,
            vec![json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {
                    "name": "node-0-0",
                    "labels": {"app.kubernetes.io/managed-by": "althing", "app.kubernetes.io/name": "althing-node", "althing.dev/node": "node-0", "althing.dev/agency": "agency-a"},
                    "annotations": {"althing.dev/process": process},
                },
                "spec": {
                    "automountServiceAccountToken": false,
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{
                        "name": "node", "image": "localhost/none:0", "imagePullPolicy": "Never",
                        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                    }],
                },
            })],
        ),
        attempt(
            "the other node's identity as an external node",
            Nothing,
            vec![node(
                "ghost",
                json!({"agency": "agency-a", "external": {"nodeId": known.node_id, "address": format!("node-0-p2p.{}.svc:30300", known.namespace)}}),
            )],
        ),
        attempt(
            "the other agency's certificate as an external agency",
            Nothing,
            vec![ours(
                "Agency",
                "shadow",
                json!({"consortium": "trade", "external": {"certificate": known.certificate}}),
            )],
        ),
        attempt(
            "an annotation that asks for the other node's drain, and a finalizer nobody removes",
            Nothing,
            vec![json!({
                "apiVersion": "althing.dev/v1alpha1", "kind": "Node",
                "metadata": {"name": "sticky", "annotations": {"althing.dev/evict": "node-0", "althing.dev/image": "x"}, "finalizers": ["example.com/never"]},
                "spec": {"agency": "agency-a"},
            })],
        ),
    ]
}

/// Much of everything.
fn oversized() -> Vec<Attempt> {
    use Expected::{Nothing, Refused};
    let names: Vec<String> = (0..5000).map(|number| format!("n{number}")).collect();
    let certificates = vec!["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".repeat(100); 8];
    let mut large = node("large", json!({"agency": "agency-a"}));
    large["metadata"]["annotations"] = json!({"example.com/x": "x".repeat(200_000)});
    vec![
        attempt("five thousand sealers", Refused, vec![group("many", 11, json!(names))]),
        attempt(
            "a name of a thousand letters",
            Refused,
            vec![node(&"n".repeat(1000), json!({"agency": "agency-a"}))],
        ),
        attempt(
            "an agency of ten thousand letters",
            Refused,
            vec![node("x", json!({"agency": "a".repeat(10_000)}))],
        ),
        attempt(
            "certificates that are none, many of them",
            Nothing,
            vec![ours(
                "Consortium",
                "heap",
                json!({"chainId": 5, "trust": {"certificates": certificates}}),
            )],
        ),
        attempt("a node with a huge annotation", Nothing, vec![large]),
        attempt(
            "a ConfigMap of half a megabyte that claims to be a node's",
            Nothing,
            vec![config_map(
                "huge-config",
                claim("Node", "huge"),
                json!({"config.ini": "x".repeat(500_000)}),
            )],
        ),
    ]
}
