//! `config.ini`, `group.N.ini` and `nodes.json`.

use althing_types::NodeId;
use althing_types::config::{
    ClientAuth, FlowControl, GroupConfig, LogFormat, LogLevel, NodeConfig, PeerAddress, RpcTls, parse_group_config,
    parse_node_config, parse_nodes_json, render_group_config, render_node_config, render_nodes_json,
};
use althing_types::genesis::Cryptography;
use althing_types::ini_file::is_plain_value;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    "\\PC{1,20}"
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("plain", |text| !text.is_empty() && is_plain_value(text))
}

fn node_ids() -> impl Strategy<Value = std::collections::BTreeSet<NodeId>> {
    prop::collection::btree_set(any::<u8>().prop_map(|byte| NodeId::new([byte; 64])), 0..4)
}

fn peer() -> impl Strategy<Value = PeerAddress> {
    let host = prop_oneof![
        any::<std::net::IpAddr>().prop_map(|ip| ip.to_string()),
        "[a-z][a-z0-9]{0,9}(\\.[a-z]{1,5}){0,2}",
    ];
    (host, 1..=u16::MAX).prop_map(|(host, port)| PeerAddress::new(&host, port).unwrap())
}

fn flow_control() -> impl Strategy<Value = FlowControl> {
    (
        prop::option::of(1..=10_000_000_u32),
        prop::option::of(1..=1_000_000_000_u64),
    )
        .prop_map(|(requests, outgoing)| FlowControl {
            requests_per_second: requests,
            outgoing_kilobits_per_second: outgoing,
        })
}

fn node_config() -> impl Strategy<Value = NodeConfig> {
    let addresses = (
        any::<std::net::IpAddr>(),
        prop::collection::vec(peer(), 0..4),
        prop::array::uniform4(1..=u16::MAX),
    );
    let texts = (
        prop::array::uniform8(text()),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..3),
    );
    let tls = prop::option::of((text(), text(), prop::option::of(text())));
    let rest = (
        1..1_u64 << 37,
        any::<bool>(),
        1..=4096_u32,
        prop::option::of(1..=32_767_u32),
    );
    (
        addresses,
        texts,
        tls,
        rest,
        node_ids(),
        node_ids(),
        "[1-9a-f][0-9a-f]{0,39}",
        flow_control(),
    )
        .prop_map(
            |((ip, nodes, ports), (texts, version, origins), tls, rest, black, white, serial, flow_control)| {
                let mut config = NodeConfig {
                    supported_version: version,
                    whitelist: white,
                    flow_control,
                    ..NodeConfig::default()
                };
                (config.rpc.listen_ip, config.p2p.listen_ip, config.metrics.listen_ip) = (ip, ip, ip);
                [
                    config.rpc.listen_port,
                    config.p2p.listen_port,
                    config.metrics.listen_port,
                    config.rpc.channel_listen_port,
                ] = ports;
                config.rpc.tls = tls.map(|(certificate, key, client_ca)| RpcTls {
                    certificate,
                    key,
                    client_auth: match client_ca.is_some() && rest.1 {
                        true => ClientAuth::Optional,
                        false => ClientAuth::Required,
                    },
                    client_ca,
                });
                config.rpc.cors_origins = origins.clone();
                config.rpc.default_group = rest.3.map(|id| id.try_into().unwrap());
                config.p2p.nodes = nodes;
                config.blacklist.node_ids = black;
                config.blacklist.agencies = origins.into_iter().collect();
                config.blacklist.serials.insert(serial);
                config.chain.id = rest.0;
                config.chain.cryptography = if rest.1 {
                    Cryptography::Sm
                } else {
                    Cryptography::Standard
                };
                config.log.level = if rest.1 { LogLevel::Trace } else { LogLevel::Warning };
                config.log.format = if rest.1 { LogFormat::Json } else { LogFormat::Text };
                config.log.max_file_mb = rest.2;
                [
                    config.p2p.nodes_path,
                    config.p2p.nodes_file,
                    config.groups.data_path,
                    config.groups.config_path,
                    config.security.data_path,
                    config.security.key,
                    config.security.certificate,
                    config.log.path,
                ] = texts;
                config
            },
        )
}

proptest! {
    #[test]
    fn a_rendered_node_config_is_parsed_back_to_the_same_value(config in node_config()) {
        let text = render_node_config(&config).unwrap();
        prop_assert_eq!(parse_node_config("config.ini", &text).unwrap(), config);
    }

    #[test]
    fn a_rendered_group_config_is_parsed_back_to_the_same_value(
        numbers in (0..=60_000_u64, 1..=10_000_000_u32, 1..=65_536_u32, 32..=65_536_u32, 1000..=3000_u32),
        allowed in any::<bool>(),
        keys in node_ids(),
        flow_control in flow_control(),
    ) {
        let mut config = GroupConfig { flow_control, sdk_allowlist: keys, ..GroupConfig::default() };
        config.min_block_generation_ms = numbers.0;
        (config.tx_pool.limit, config.tx_pool.memory_mb) = (numbers.1, numbers.2);
        (config.sync.max_block_memory_mb, config.sync.gossip_interval_ms) = (numbers.3, numbers.4);
        (config.sync.allow_free_node, config.parallel_execution) = (allowed, !allowed);
        prop_assert_eq!(parse_group_config("group.1.ini", &render_group_config(&config)).unwrap(), config);
    }

    #[test]
    fn rendered_peers_are_parsed_back_to_the_same_value(peers in prop::collection::vec(peer(), 0..10)) {
        prop_assert_eq!(parse_nodes_json("nodes.json", &render_nodes_json(&peers)).unwrap(), peers);
    }

    #[test]
    fn hostile_text_never_panics(text in "\\PC{0,400}") {
        let _ = parse_node_config("config.ini", &text);
        let _ = parse_node_config("config.ini", &format!("[p2p]\n{text}"));
        let _ = parse_group_config("group.1.ini", &text);
        let _ = parse_nodes_json("nodes.json", &text);
    }
}

#[test]
fn empty_files_are_all_defaults() {
    assert_eq!(parse_node_config("config.ini", "").unwrap(), NodeConfig::default());
    assert_eq!(parse_group_config("group.1.ini", "").unwrap(), GroupConfig::default());
}

/// Every key a 2.x deployment's tools write.
const FISCO: &str = "\
[rpc]
    channel_listen_ip=0.0.0.0
    channel_listen_port=20200
    jsonrpc_listen_ip=127.0.0.1
    jsonrpc_listen_port=8546
    disable_dynamic_group=false
[p2p]
    listen_ip=0.0.0.0
    listen_port=30301
    enable_compress=true
    ; nodes to connect
    node.0=127.0.0.1:30300
    node.1=[::1]:30301
    node.2=node-2.agency-b:30302
[certificate_blacklist]
    ; crl.0 should be nodeid, nodeid's length is 128
    ;crl.0=
[certificate_whitelist]
[group]
    group_data_path=data/
    group_config_path=conf/
[network_security]
    data_path=conf/
    key=node.key
    cert=node.crt
    ca_cert=ca.crt
    ca_path=
[storage_security]
    enable=false
    key_manager_ip=
    key_manager_port=
    cipher_data_key=
[chain]
    id=7
    sm_crypto=false
    rsa_crypto_channel=true
    sm_crypto_channel=false
[compatibility]
    supported_version=2.9.0
[log]
    enable=true
    log_path=./log
    enable_statistic=false
    stat_flush_interval=60
    level=debug
    max_log_file_size=100
    flush=true
[flow_control]
    ; limit_req=1000
    outgoing_bandwidth_limit=2.5
";

#[test]
fn a_fisco_2_config_is_read() {
    let config = parse_node_config("config.ini", FISCO).unwrap();
    assert_eq!(
        (config.rpc.listen_port, config.p2p.listen_port, config.chain.id),
        (8546, 30_301, 7)
    );
    assert_eq!(
        config.p2p.nodes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["127.0.0.1:30300", "[::1]:30301", "node-2.agency-b:30302"]
    );
    assert_eq!((config.log.level, config.log.max_file_mb), (LogLevel::Debug, 100));
    assert_eq!(config.flow_control.outgoing_kilobits_per_second, Some(2500));
}

#[test]
fn old_section_names_and_the_seeds_keys_are_read() {
    let id = "ab".repeat(64);
    let text = format!(
        "[rpc]\nlisten_ip=10.0.0.1\n[p2p]\nsm_ssl=false\nnodes_path=./\nnodes_file=peers.json\n[crl]\ncrl.0={id}\n\
         agency.0=agency-b\nserial.0=00:0A:1b\n[cal]\ncal.0={}\n[secure]\nkey=other.key\n",
        id.to_uppercase()
    );
    let config = parse_node_config("config.ini", &text).unwrap();
    assert_eq!(
        (config.rpc.listen_ip, config.rpc.channel_listen_ip),
        ("10.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap())
    );
    assert_eq!(
        (config.p2p.nodes_file.as_str(), config.security.key.as_str()),
        ("peers.json", "other.key")
    );
    assert!(
        config.blacklist.node_ids.contains(&id.parse().unwrap()) && config.whitelist.contains(&id.parse().unwrap())
    );
    assert_eq!(config.blacklist.serials.into_iter().collect::<Vec<_>>(), ["a1b"]);
}

fn refusal(text: &str) -> String {
    parse_node_config("config.ini", text).unwrap_err().to_string()
}

#[test]
fn a_wrong_value_is_named_with_file_section_key_found_and_accepted() {
    assert!(
        refusal("[p2p]\nlisten_port=0")
            .contains("line 2: [p2p] listen_port=\"0\"; accepted is a whole number from 1 to 65535")
    );
    assert!(refusal("[p2p]\nnode.0=nowhere").contains("accepted is name:port, ip:port or [ipv6]:port"));
    assert!(refusal("[rpc]\njsonrpc_listen_ip=localhost").contains("accepted is an IPv4 or IPv6 address"));
    assert!(refusal("[certificate_blacklist]\ncrl.0=ab").contains("accepted is a nodeID of 128 hex digits"));
    assert!(refusal("[chain]\nsm_crypto=yes").contains("accepted is true, false"));
    assert!(refusal("[rpc]\ntls_cert=a.crt").contains("tls_cert and tls_key go together"));
    let tls = "[rpc]\ntls_cert=a.crt\ntls_key=a.key\n";
    assert!(
        refusal(&format!("{tls}tls_client_ca=ca.crt\ntls_client_auth=maybe"))
            .contains("[rpc] tls_client_auth=\"maybe\"; accepted is required, optional")
    );
    assert!(
        refusal(&format!("{tls}tls_client_auth=optional")).contains("tls_client_auth says how tls_client_ca is used")
    );
    assert!(refusal("[storage_security]\nenable=true").contains("accepted is false"));
    assert!(
        parse_group_config("group.1.ini", "[storage]\ntype=mysql")
            .unwrap_err()
            .to_string()
            .contains("accepted is rocksdb")
    );
}

#[test]
fn a_wrong_nodes_json_names_the_entry() {
    let refusal = |text: &str| parse_nodes_json("nodes.json", text).unwrap_err().to_string();
    assert!(refusal("{\"nodes\":[\"a:1\",\"b\"]}").contains("nodes[1]: a peer is name:port"));
    assert!(refusal("{\"peers\":[]}").contains("unknown field `peers`"));
    assert!(refusal("[").contains("line 1 column 1"));
    assert!(refusal(&" ".repeat(2_000_000)).contains("2000000 bytes"));
}

#[test]
fn client_certificates_are_required_unless_the_config_says_optional() {
    let auth = |line: &str| {
        let text = format!("[rpc]\ntls_cert=a.crt\ntls_key=a.key\ntls_client_ca=ca.crt\n{line}");
        parse_node_config("config.ini", &text)
            .unwrap()
            .rpc
            .tls
            .unwrap()
            .client_auth
    };
    assert_eq!(auth(""), ClientAuth::Required);
    assert_eq!(auth("tls_client_auth=required"), ClientAuth::Required);
    assert_eq!(auth("tls_client_auth=optional"), ClientAuth::Optional);
}

#[test]
fn an_sm_node_s_identity_is_looked_for_under_fisco_s_sm_names_unless_the_file_says_otherwise() {
    let names = |text: &str| {
        let security = parse_node_config("config.ini", text).unwrap().security;
        (security.chain_certificates, security.certificate, security.key)
    };
    let expected = |names: [&str; 3]| (names[0].to_owned(), names[1].to_owned(), names[2].to_owned());
    assert_eq!(names(""), expected(["ca.crt", "node.crt", "node.key"]));
    assert_eq!(
        names("[chain]\nsm_crypto=true\n"),
        expected(["gmca.crt", "gmnode.crt", "gmnode.key"])
    );
    assert_eq!(
        names("[network_security]\nkey=own.key\n[chain]\nsm_crypto=true\n"),
        expected(["gmca.crt", "gmnode.crt", "own.key"])
    );
}
