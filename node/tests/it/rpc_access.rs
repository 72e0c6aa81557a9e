//! Who may ask what over the RPC port: certificates of each role, plain ports, and what changes while the node runs.

use std::fs;

use serde_json::{Value, json};

use crate::standard::client::{Client, config};
use crate::standard::folder::{Authority, Folder, key, node_id};
use crate::standard::lifecycle::METHODS;
use crate::standard::pki::Key;
use crate::standard::running::Running;

/// A node whose RPC port speaks TLS with the node's own certificate.
pub(crate) fn with_tls(auth: &str) -> Folder {
    let folder = Folder::new();
    folder.write("conf/node.crt", certificate(&folder));
    let tls = "tls_cert=conf/node.crt\ntls_key=conf/node.key\ntls_client_ca=conf/ca.crt\n";
    folder.replace(
        "config.ini",
        "[rpc]\n",
        &format!("[rpc]\n{tls}tls_client_auth={auth}\n"),
    );
    folder
}

/// The node's certificate, good for a client on this machine.
fn certificate(folder: &Folder) -> String {
    folder.agency.issue(&folder.key, |params| {
        params.dns_names.push("localhost".to_owned());
    })
}

fn start(folder: &Folder) -> Running {
    Running::start(&folder.file("config.ini"), folder.ports)
}

/// A node that serves clients with certificates that its peers do not see: those of its agency's client authority.
struct Apart {
    folder: Folder,
    authority: Authority,
    key: Key,
}

impl Apart {
    fn new(auth: &str) -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.file("conf/origin_cert")).unwrap();
        let tls = ["cert=node.crt", "key=node.key", "client_ca=ca.crt"];
        let tls = tls.map(|line| format!("tls_{}\n", line.replace('=', "=conf/origin_cert/")));
        let lines = format!("[rpc]\n{}tls_client_auth={auth}\n", tls.concat());
        folder.replace("config.ini", "[rpc]\n", &lines);
        let apart = Self {
            folder,
            authority: Authority::of_clients("agency-a"),
            key: key(),
        };
        for (file, text) in [
            ("ca.crt", apart.authority.pem().to_owned()),
            ("node.crt", apart.listener(&apart.authority)),
            ("node.key", apart.key.serialize_pem()),
        ] {
            apart.folder.write(&format!("conf/origin_cert/{file}"), text);
        }
        apart
    }

    /// The listener's certificate.
    fn listener(&self, authority: &Authority) -> String {
        authority.issue(&self.key, |params| {
            params.dns_names.push("localhost".to_owned());
        })
    }

    fn client(&self, person: &Person) -> Client {
        let shown = (person.chain.as_str(), &person.key);
        Client::tls(self.folder.ports.rpc, &config(self.authority.pem(), Some(shown)))
    }

    /// Puts a file in place, as the node's surroundings do, and waits until the node has taken it up.
    fn put(&self, running: &mut Running, file: &str, text: &str) {
        self.folder.write("conf/next", text);
        let place = self.folder.file(&format!("conf/origin_cert/{file}"));
        fs::rename(self.folder.file("conf/next"), place).unwrap();
        running.until_said("certificates, lists and peers were reloaded");
    }
}

/// A client of this agency in this role.
pub(crate) struct Person {
    chain: String,
    key: Key,
}

impl Person {
    pub(crate) fn of(agency: &Authority, role: &str) -> Self {
        let key = key();
        Self {
            chain: agency.client(&key, role),
            key,
        }
    }

    pub(crate) fn connect(&self, folder: &Folder) -> Client {
        Client::tls(
            folder.ports.rpc,
            &config(folder.chain.pem(), Some((&self.chain, &self.key))),
        )
    }
}

fn anonymous(folder: &Folder) -> Client {
    Client::tls(folder.ports.rpc, &config(folder.chain.pem(), None))
}

fn refusal(answer: &Value) -> &str {
    assert_eq!(answer["error"]["code"], 4100, "{answer}");
    answer["error"]["message"].as_str().unwrap()
}

#[test]
fn only_the_admin_certificate_of_the_nodes_own_agency_administers() {
    let folder = with_tls("optional");
    let _running = start(&folder);
    let status = |mut client: Client| {
        // Reading is everybody's.
        assert_eq!(client.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
        client.ask("althing_status", json!([])).unwrap()
    };
    let admin = status(Person::of(&folder.agency, "admin").connect(&folder));
    assert_eq!(admin["result"]["nodeId"], folder.node_id, "{admin}");

    let other = folder.chain.agency("agency-b");
    // The same name over another key is another agency.
    let namesake = folder.chain.agency("agency-a");
    for (person, words) in [
        (Person::of(&folder.agency, "sdk"), "(its own agency), has the role sdk"),
        (Person::of(&folder.agency, "node"), "has the role node"),
        (
            Person::of(&other, "admin"),
            "of \"agency-b\" (another agency), has the role admin",
        ),
        (Person::of(&namesake, "admin"), "of \"agency-a\" (another agency)"),
    ] {
        let answer = status(person.connect(&folder));
        let message = refusal(&answer);
        assert!(
            message.contains("needs the admin certificate of this node's own agency"),
            "{message}"
        );
        assert!(message.contains(words), "{message}");
    }
    let answer = status(anonymous(&folder));
    assert!(refusal(&answer).contains("no client certificate was shown"), "{answer}");
}

#[test]
fn a_certificate_that_is_shown_is_checked_even_where_none_is_asked_for() {
    let folder = with_tls("optional");
    let _running = start(&folder);
    let foreign = Authority::chain().agency("agency-a");
    let mut client = Person::of(&foreign, "admin").connect(&folder);
    assert!(client.ask("getBlockNumber", json!([1])).is_err());
}

#[test]
fn where_client_certificates_are_required_nobody_else_is_served() {
    let folder = with_tls("required");
    let _running = start(&folder);
    assert!(anonymous(&folder).ask("getBlockNumber", json!([1])).is_err());
    let mut sdk = Person::of(&folder.agency, "sdk").connect(&folder);
    assert_eq!(sdk.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
}

#[test]
fn a_renewed_certificate_is_served_without_a_restart_and_connections_go_on() {
    let folder = with_tls("optional");
    let mut running = start(&folder);
    let mut before = Person::of(&folder.agency, "admin").connect(&folder);
    assert!(before.ask("althing_status", json!([])).unwrap()["result"].is_object());
    // Under another chain: whoever trusts only that one sees the new certificate.
    let chain = Authority::chain();
    let agency = chain.agency("agency-a");
    let renewed = agency.issue(&folder.key, |params| {
        params.dns_names.push("localhost".to_owned());
    });
    folder.write("conf/rpc.crt.new", renewed);
    let both = format!("{}{}", folder.chain.pem(), chain.pem());
    folder.write("conf/ca.crt", both);
    running.until_said("certificates, lists and peers were reloaded");
    fs::rename(folder.file("conf/rpc.crt.new"), folder.file("conf/node.crt")).unwrap();
    running.until_said("certificates, lists and peers were reloaded");
    let mut after = Client::tls(folder.ports.rpc, &config(chain.pem(), None));
    assert_eq!(after.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
    // Who administered by the old agency key still reads over the connection that it has.
    assert_eq!(before.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
}

#[test]
fn a_session_outlives_the_chain_certificate_it_began_under() {
    let folder = with_tls("required");
    let mut running = start(&folder);
    let (own, foreign) = (
        Person::of(&folder.agency, "admin"),
        Person::of(&folder.chain.agency("agency-b"), "sdk"),
    );
    let (mut session, mut stranger) = (own.connect(&folder), foreign.connect(&folder));
    for client in [&mut session, &mut stranger] {
        assert_eq!(client.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
    }
    // The agency is certified again under another chain certificate, and the old one goes; the client has heard of neither.
    let chain = Authority::chain();
    let agency = chain.agency_again("agency-a", &folder.agency);
    let renewed = agency.issue(&folder.key, |params| {
        params.dns_names.push("localhost".to_owned());
    });
    let mut step = |file: &str, text: String| {
        folder.write("conf/next", text);
        fs::rename(folder.file("conf/next"), folder.file(file)).unwrap();
        running.until_said("certificates, lists and peers were reloaded")
    };
    step("conf/ca.crt", format!("{}{}", folder.chain.pem(), chain.pem()));
    step("conf/node.crt", renewed);
    let line = step("conf/ca.crt", chain.pem().to_owned());
    assert!(line.contains("agency-b") && !line.contains("agency-a"), "{line}");
    assert!(session.ask("althing_status", json!([])).unwrap()["result"].is_object());
    assert!(stranger.ask("getBlockNumber", json!([1])).is_err());
    // It may even begin another session with what it has, as long as it trusts the node.
    let mut again = Client::tls(folder.ports.rpc, &config(chain.pem(), Some((&own.chain, &own.key))));
    assert!(again.ask("althing_status", json!([])).unwrap()["result"].is_object());
}

#[test]
fn a_client_put_on_the_blacklist_loses_its_connection_and_gets_no_other() {
    let folder = with_tls("optional");
    let mut running = start(&folder);
    let (good, bad) = (
        Person::of(&folder.agency, "sdk"),
        Person::of(&folder.chain.agency("agency-b"), "sdk"),
    );
    let (mut stays, mut goes) = (good.connect(&folder), bad.connect(&folder));
    for client in [&mut stays, &mut goes] {
        assert_eq!(client.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
    }
    folder.replace(
        "config.ini",
        "[certificate_blacklist]\n",
        "[certificate_blacklist]\nagency.0=agency-b\n",
    );
    let line = running.until_said("certificates, lists and peers were reloaded");
    assert!(line.contains("agency-b"), "{line}");
    assert!(goes.ask("getBlockNumber", json!([1])).is_err());
    assert!(bad.connect(&folder).ask("getBlockNumber", json!([1])).is_err());
    assert_eq!(stays.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
}

#[test]
fn only_administrators_change_groups() {
    let folder = with_tls("optional");
    let _running = start(&folder);
    let (mut sdk, mut admin) = (
        Person::of(&folder.agency, "sdk").connect(&folder),
        Person::of(&folder.agency, "admin").connect(&folder),
    );
    for method in METHODS {
        let asked = json!({"timestamp": "1767225600000", "sealers": [folder.node_id]});
        let answer = sdk.ask(method, json!([1, asked])).unwrap();
        assert_eq!(answer["error"]["code"], 4100, "{method}: {answer}");
    }
    let answer = admin.ask("queryGroupStatus", json!([1])).unwrap();
    assert_eq!(answer["result"]["status"], "RUNNING", "{answer}");
}

#[test]
fn metrics_have_what_alerts_need() {
    let folder = with_tls("optional");
    let running = start(&folder);
    running.until("ready", |running| running.page("/readyz") == "ready\n");
    let page = running.page("/metrics");
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}"))
            .parse::<f64>()
            .unwrap()
    };
    for (name, expected) in [
        ("block_height", 0.0),
        ("blocks_behind", 0.0),
        ("view", 0.0),
        ("sealers", 1.0),
        ("sealers_live", 1.0),
        ("quorum", 1.0),
        ("sealing", 1.0),
        ("group_peers", 0.0),
        ("in_sync", 1.0),
        ("group_ready", 1.0),
        ("group_halted", 0.0),
        ("txpool_executable", 0.0),
        ("block_timestamp_seconds", 1_767_225_600.0),
    ] {
        assert_eq!(value(&format!("althing_{name}{{group=\"1\"}}")), expected, "{name}");
    }
    assert!(value("althing_data_free_bytes") > 0.0 && value("althing_data_size_bytes") > 0.0);
    for purpose in ["p2p", "rpc"] {
        assert!(
            value(&format!("althing_certificate_not_after_seconds{{use=\"{purpose}\"}}")) > 1.8e9 - 1e8,
            "{purpose}"
        );
    }
}

#[test]
fn clients_under_an_authority_of_their_own_are_known_by_it_and_the_chain_s_are_not_let_in() {
    let apart = Apart::new("optional");
    let _running = start(&apart.folder);
    let mut admin = apart.client(&Person::of(&apart.authority, "admin"));
    let told = admin.ask("althing_status", json!([])).unwrap();
    assert_eq!(told["result"]["nodeId"], apart.folder.node_id, "{told}");
    let mut sdk = apart.client(&Person::of(&apart.authority, "sdk"));
    assert_eq!(sdk.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
    let told = sdk.ask("althing_status", json!([])).unwrap();
    let words = "of \"agency-a\" (its own agency), has the role sdk";
    assert!(refusal(&told).contains(words), "{told}");
    // Another agency's authority, one that only has the name of ours, and our own agency under the chain of the peers.
    for stranger in [
        &Authority::of_clients("agency-b"),
        &Authority::of_clients("agency-a"),
        &apart.folder.agency,
    ] {
        let mut client = apart.client(&Person::of(stranger, "admin"));
        assert!(client.ask("getBlockNumber", json!([1])).is_err());
    }
}

#[test]
fn a_client_authority_renewed_over_its_key_costs_no_session_and_no_client_its_access() {
    let apart = Apart::new("required");
    let mut running = start(&apart.folder);
    let person = Person::of(&apart.authority, "admin");
    let mut session = apart.client(&person);
    assert!(session.ask("althing_status", json!([])).unwrap()["result"].is_object());
    let renewed = Authority::of_clients_again("agency-a", &apart.authority);
    apart.put(&mut running, "ca.crt", renewed.pem());
    apart.put(&mut running, "node.crt", &apart.listener(&renewed));
    assert!(session.ask("althing_status", json!([])).unwrap()["result"].is_object());
    // Who has heard of nothing, and who trusts and shows only what is new.
    let mut before = apart.client(&person);
    let shown = Person::of(&renewed, "admin");
    let shown = (shown.chain.as_str(), &shown.key);
    let mut after = Client::tls(apart.folder.ports.rpc, &config(renewed.pem(), Some(shown)));
    for client in [&mut before, &mut after] {
        assert!(client.ask("althing_status", json!([])).unwrap()["result"].is_object());
    }
}

#[test]
fn the_blacklist_holds_for_clients_under_an_authority_of_their_own() {
    let apart = Apart::new("optional");
    let mut running = start(&apart.folder);
    let (good, bad) = (Person::of(&apart.authority, "sdk"), Person::of(&apart.authority, "sdk"));
    let (mut stays, mut goes) = (apart.client(&good), apart.client(&bad));
    for client in [&mut stays, &mut goes] {
        assert_eq!(client.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
    }
    let listed = format!("[certificate_blacklist]\ncrl.0={}\n", node_id(&bad.key));
    apart.folder.replace("config.ini", "[certificate_blacklist]\n", &listed);
    running.until_said("certificates, lists and peers were reloaded");
    assert!(goes.ask("getBlockNumber", json!([1])).is_err());
    assert!(apart.client(&bad).ask("getBlockNumber", json!([1])).is_err());
    assert_eq!(stays.ask("getBlockNumber", json!([1])).unwrap()["result"], "0x0");
}

#[test]
fn administrators_are_known_by_the_node_s_certificate_where_somebody_else_issued_the_listener_s() {
    let apart = Apart::new("optional");
    apart.folder.write("conf/origin_cert/ca.crt", apart.folder.chain.pem());
    let _running = start(&apart.folder);
    let mut admin = apart.client(&Person::of(&apart.folder.agency, "admin"));
    assert!(admin.ask("althing_status", json!([])).unwrap()["result"].is_object());
    let other = apart.folder.chain.agency("agency-b");
    let told = apart
        .client(&Person::of(&other, "admin"))
        .ask("althing_status", json!([]))
        .unwrap();
    assert!(refusal(&told).contains("(another agency)"), "{told}");
    // Whoever issued the listener's certificate is no client's authority here.
    let mut issued = apart.client(&Person::of(&apart.authority, "admin"));
    assert!(issued.ask("getBlockNumber", json!([1])).is_err());
}
