//! `config.ini` → [`NodeConfig`].

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::group_file::read_flow_control;
use super::{
    Blacklist, ChainConfig, ClientAuth, ConfigError, GroupPaths, LogConfig, LogFormat, LogLevel, MetricsConfig,
    NetworkSecurity, NodeConfig, P2pConfig, RpcConfig, RpcTls,
};
use crate::genesis::{CHAIN_IDS, Cryptography};
use crate::ini_file::{IniError, IniFile, SectionReader};
use crate::{GroupId, NodeId};

const PORTS: RangeInclusive<u16> = 1..=65_535;
const MEBIBYTE: u32 = 1024 * 1024;
const NODE_ID: &str = "a nodeID of 128 hex digits";

/// Reads a `config.ini`; `file_name` is for errors only.
pub fn parse_node_config(file_name: &str, text: &str) -> Result<NodeConfig, ConfigError> {
    let mut file = IniFile::parse(file_name, text)?;
    let chain = read_chain(file.section(&["chain"])?)?;
    let config = NodeConfig {
        rpc: read_rpc(file_name, file.section(&["rpc"])?)?,
        p2p: read_p2p(file.section(&["p2p"])?)?,
        metrics: read_metrics(file.section(&["metrics"])?)?,
        blacklist: read_blacklist(file.section(&["certificate_blacklist", "crl"])?)?,
        whitelist: read_whitelist(file.section(&["certificate_whitelist", "cal"])?)?,
        groups: read_groups(file.section(&["group"])?)?,
        security: read_security(file.section(&["network_security", "secure"])?, chain.cryptography)?,
        chain,
        supported_version: read_compatibility(file.section(&["compatibility"])?)?,
        log: read_log(file.section(&["log"])?)?,
        flow_control: read_flow_control(file.section(&["flow_control"])?)?,
    };
    refuse_storage_security(file.section(&["storage_security", "data_secure"])?)?;
    file.finish()?;
    Ok(config)
}

fn read_ip(section: &mut SectionReader, keys: &[&'static str]) -> Result<Option<IpAddr>, IniError> {
    section.optional(keys, "an IPv4 or IPv6 address", |text| text.parse().ok())
}

fn read_rpc(file: &str, mut section: SectionReader) -> Result<RpcConfig, ConfigError> {
    let default = RpcConfig::default();
    let shared_ip = read_ip(&mut section, &["listen_ip"])?;
    let ip = |own: Option<IpAddr>, default| own.or(shared_ip).unwrap_or(default);
    let config = RpcConfig {
        listen_ip: ip(read_ip(&mut section, &["jsonrpc_listen_ip"])?, default.listen_ip),
        listen_port: section.number(&["jsonrpc_listen_port"], PORTS, default.listen_port)?,
        channel_listen_ip: ip(
            read_ip(&mut section, &["channel_listen_ip"])?,
            default.channel_listen_ip,
        ),
        channel_listen_port: section.number(&["channel_listen_port"], PORTS, default.channel_listen_port)?,
        default_group: section.optional(&["default_group"], "a group id from 1 to 32767", |text| {
            GroupId::try_from(text.parse::<u32>().ok()?).ok()
        })?,
        tls: read_rpc_tls(file, &mut section)?,
        cors_origins: section.list("cors_origin", "an origin such as https://example.org, or *", |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })?,
        max_connections: section.number(&["max_connections"], 1..=100_000, default.max_connections)?,
        max_request_bytes: section.number(&["max_request_bytes"], 1024..=64 * MEBIBYTE, default.max_request_bytes)?,
        max_response_bytes: section.number(
            &["max_response_bytes"],
            1024..=512 * MEBIBYTE,
            default.max_response_bytes,
        )?,
        max_batch_requests: section.number(&["max_batch_requests"], 1..=10_000, default.max_batch_requests)?,
        max_subscriptions: section.number(&["max_subscriptions"], 1..=10_000, default.max_subscriptions)?,
        max_log_blocks: section.number(&["max_log_blocks"], 1..=10_000_000, default.max_log_blocks)?,
        disable_dynamic_group: section.boolean("disable_dynamic_group", default.disable_dynamic_group)?,
    };
    section.without_effect(&["channel_thread_count", "jsonrpc_thread_count", "act_as_group_member"])?;
    section.finish()?;
    Ok(config)
}

fn read_rpc_tls(file: &str, section: &mut SectionReader) -> Result<Option<RpcTls>, ConfigError> {
    let certificate = section.optional_text("tls_cert")?;
    let key = section.optional_text("tls_key")?;
    let client_ca = section.optional_text("tls_client_ca")?;
    let client_auth = section.optional(&["tls_client_auth"], "required, optional", |text| match text {
        "required" => Some(ClientAuth::Required),
        "optional" => Some(ClientAuth::Optional),
        _ => None,
    })?;
    let rule = |what: &str| {
        Err(ConfigError::Rule {
            file: file.to_owned(),
            what: what.to_owned(),
        })
    };
    if client_auth.is_some() && client_ca.is_none() {
        return rule("[rpc] tls_client_auth says how tls_client_ca is used; give that one too, or neither");
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(RpcTls {
            certificate,
            key,
            client_ca,
            client_auth: client_auth.unwrap_or_default(),
        })),
        (None, None) if client_ca.is_none() => Ok(None),
        _ => rule("[rpc] tls_cert and tls_key go together, and tls_client_ca only with them; give both or none"),
    }
}

fn read_p2p(mut section: SectionReader) -> Result<P2pConfig, IniError> {
    let default = P2pConfig::default();
    let config = P2pConfig {
        listen_ip: read_ip(&mut section, &["listen_ip"])?.unwrap_or(default.listen_ip),
        listen_port: section.number(&["listen_port"], PORTS, default.listen_port)?,
        nodes: section.list("node", "name:port, ip:port or [ipv6]:port", |text| text.parse().ok())?,
        nodes_path: section.text("nodes_path", &default.nodes_path)?,
        nodes_file: section.text("nodes_file", &default.nodes_file)?,
        max_nodes: section.number(&["max_nodes_limit"], 1..=10_000, default.max_nodes)?,
    };
    // The edition says which TLS is spoken; FISCO 3.x repeats it here.
    section.without_effect(&["enable_compress", "peers_param_limit", "connection_warning", "sm_ssl"])?;
    section.finish()?;
    Ok(config)
}

fn read_metrics(mut section: SectionReader) -> Result<MetricsConfig, IniError> {
    let default = MetricsConfig::default();
    let config = MetricsConfig {
        listen_ip: read_ip(&mut section, &["listen_ip"])?.unwrap_or(default.listen_ip),
        listen_port: section.number(&["listen_port"], PORTS, default.listen_port)?,
    };
    section.finish()?;
    Ok(config)
}

fn read_blacklist(mut section: SectionReader) -> Result<Blacklist, IniError> {
    let node_ids: Vec<NodeId> = section.list("crl", NODE_ID, |text| text.parse().ok())?;
    let agencies = section.list("agency", "the name of an agency", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    })?;
    let serials = section.list("serial", "a certificate serial of at most 40 hex digits", read_serial)?;
    section.finish()?;
    Ok(Blacklist {
        node_ids: node_ids.into_iter().collect(),
        agencies: agencies.into_iter().collect(),
        serials: serials.into_iter().collect(),
    })
}

/// Serials are written in many ways (`0A:1b`); kept is the one without separators and leading zeros.
fn read_serial(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| *c != ':')
        .collect::<String>()
        .to_ascii_lowercase();
    let short = digits.trim_start_matches('0');
    let valid = !short.is_empty() && short.len() <= 40 && short.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| short.to_owned())
}

fn read_whitelist(mut section: SectionReader) -> Result<std::collections::BTreeSet<NodeId>, IniError> {
    let nodes: Vec<NodeId> = section.list("cal", NODE_ID, |text| text.parse().ok())?;
    section.finish()?;
    Ok(nodes.into_iter().collect())
}

fn read_groups(mut section: SectionReader) -> Result<GroupPaths, IniError> {
    let default = GroupPaths::default();
    let config = GroupPaths {
        data_path: section.text("group_data_path", &default.data_path)?,
        config_path: section.text("group_config_path", &default.config_path)?,
    };
    // The release candidates listed the files; every group.N.genesis of the folder is read anyway.
    section.list("group_config", "a path", |_| Some(()))?;
    section.finish()?;
    Ok(config)
}

fn read_security(mut section: SectionReader, cryptography: Cryptography) -> Result<NetworkSecurity, IniError> {
    let default = NetworkSecurity::of(cryptography);
    let config = NetworkSecurity {
        data_path: section.text("data_path", &default.data_path)?,
        key: section.text("key", &default.key)?,
        certificate: section.text("cert", &default.certificate)?,
        chain_certificates: section.text("ca_cert", &default.chain_certificates)?,
    };
    section.without_effect(&["ca_path", "check_cert_issuer", "en_key", "en_cert"])?;
    section.choice(&["crypto_provider"], &[("ssm", ())], ())?;
    section.finish()?;
    Ok(config)
}

fn read_chain(mut section: SectionReader) -> Result<ChainConfig, IniError> {
    let default = ChainConfig::default();
    let id = section.number(&["id"], CHAIN_IDS, default.id)?;
    let cryptography = Cryptography::of_sm_crypto(section.boolean("sm_crypto", false)?);
    section.without_effect(&["sm_crypto_channel", "rsa_crypto_channel"])?;
    section.finish()?;
    Ok(ChainConfig { id, cryptography })
}

fn read_compatibility(mut section: SectionReader) -> Result<Option<String>, IniError> {
    let version = section.optional_text("supported_version")?;
    section.finish()?;
    Ok(version)
}

fn read_log(mut section: SectionReader) -> Result<LogConfig, IniError> {
    let default = LogConfig::default();
    let levels = [
        ("trace", LogLevel::Trace),
        ("debug", LogLevel::Debug),
        ("info", LogLevel::Info),
        ("warning", LogLevel::Warning),
        ("warn", LogLevel::Warning),
        ("error", LogLevel::Error),
    ];
    let config = LogConfig {
        enable: section.boolean("enable", default.enable)?,
        path: section.text("log_path", &default.path)?,
        level: section.choice(&["level"], &levels, default.level)?,
        format: section.choice(
            &["format"],
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            default.format,
        )?,
        console: section.boolean("enable_console_output", default.console)?,
        max_file_mb: section.number(&["max_log_file_size"], 1..=4096, default.max_file_mb)?,
        max_files: section.number(&["max_log_files"], 1..=1000, default.max_files)?,
    };
    section.without_effect(&[
        "enable_statistic",
        "stat_flush_interval",
        "flush",
        "log_flush_threshold",
    ])?;
    section.finish()?;
    Ok(config)
}

/// Who asks for encrypted storage must not get plain storage in silence.
fn refuse_storage_security(mut section: SectionReader) -> Result<(), IniError> {
    section.choice(&["enable"], &[("false", ())], ())?;
    section.without_effect(&["key_manager_ip", "key_manager_port", "cipher_data_key"])?;
    section.finish()
}
