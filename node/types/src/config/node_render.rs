//! [`NodeConfig`] → `config.ini`, every default written out.

use super::group_file::write_flow_control;
use super::{Blacklist, ClientAuth, ConfigError, LogConfig, LogFormat, LogLevel, NodeConfig, P2pConfig, RpcConfig};
use crate::ini_file::{IniError, IniWriter};

/// Writes a `config.ini` that [`super::parse_node_config`] reads back to the same value; a text that would not is refused.
pub fn render_node_config(config: &NodeConfig) -> Result<String, ConfigError> {
    let mut ini = IniWriter::default();
    write_rpc(&mut ini, &config.rpc)?;
    write_p2p(&mut ini, &config.p2p)?;
    ini.section("metrics")
        .plain("listen_ip", config.metrics.listen_ip)
        .plain("listen_port", config.metrics.listen_port);
    write_blacklist(&mut ini, &config.blacklist)?;
    ini.section("certificate_whitelist");
    for (index, node) in config.whitelist.iter().enumerate() {
        ini.plain(&format!("cal.{index}"), node);
    }
    ini.section("group")
        .text("group_data_path", &config.groups.data_path)?
        .text("group_config_path", &config.groups.config_path)?;
    ini.section("network_security")
        .text("data_path", &config.security.data_path)?
        .text("key", &config.security.key)?
        .text("cert", &config.security.certificate)?
        .text("ca_cert", &config.security.chain_certificates)?;
    ini.section("chain")
        .plain("id", config.chain.id)
        .plain("sm_crypto", config.chain.cryptography.sm_crypto());
    if let Some(version) = &config.supported_version {
        ini.section("compatibility").text("supported_version", version)?;
    }
    write_log(&mut ini, &config.log)?;
    write_flow_control(&mut ini, &config.flow_control);
    Ok(ini.finish())
}

fn write_rpc(ini: &mut IniWriter, rpc: &RpcConfig) -> Result<(), IniError> {
    ini.section("rpc")
        .plain("jsonrpc_listen_ip", rpc.listen_ip)
        .plain("jsonrpc_listen_port", rpc.listen_port)
        .plain("channel_listen_ip", rpc.channel_listen_ip)
        .plain("channel_listen_port", rpc.channel_listen_port);
    if let Some(group) = rpc.default_group {
        ini.plain("default_group", group);
    }
    if let Some(tls) = &rpc.tls {
        ini.text("tls_cert", &tls.certificate)?.text("tls_key", &tls.key)?;
        if let Some(client_ca) = &tls.client_ca {
            let auth = match tls.client_auth {
                ClientAuth::Required => "required",
                ClientAuth::Optional => "optional",
            };
            ini.text("tls_client_ca", client_ca)?.plain("tls_client_auth", auth);
        }
    }
    for (index, origin) in rpc.cors_origins.iter().enumerate() {
        ini.text(&format!("cors_origin.{index}"), origin)?;
    }
    ini.plain("max_connections", rpc.max_connections)
        .plain("max_request_bytes", rpc.max_request_bytes)
        .plain("max_response_bytes", rpc.max_response_bytes)
        .plain("max_batch_requests", rpc.max_batch_requests)
        .plain("max_subscriptions", rpc.max_subscriptions)
        .plain("max_log_blocks", rpc.max_log_blocks)
        .plain("disable_dynamic_group", rpc.disable_dynamic_group);
    Ok(())
}

fn write_p2p(ini: &mut IniWriter, p2p: &P2pConfig) -> Result<(), IniError> {
    ini.section("p2p")
        .plain("listen_ip", p2p.listen_ip)
        .plain("listen_port", p2p.listen_port)
        .text("nodes_path", &p2p.nodes_path)?
        .text("nodes_file", &p2p.nodes_file)?
        .plain("max_nodes_limit", p2p.max_nodes);
    for (index, node) in p2p.nodes.iter().enumerate() {
        ini.plain(&format!("node.{index}"), node);
    }
    Ok(())
}

fn write_blacklist(ini: &mut IniWriter, blacklist: &Blacklist) -> Result<(), IniError> {
    ini.section("certificate_blacklist");
    for (index, node) in blacklist.node_ids.iter().enumerate() {
        ini.plain(&format!("crl.{index}"), node);
    }
    for (index, agency) in blacklist.agencies.iter().enumerate() {
        ini.text(&format!("agency.{index}"), agency)?;
    }
    for (index, serial) in blacklist.serials.iter().enumerate() {
        ini.text(&format!("serial.{index}"), serial)?;
    }
    Ok(())
}

fn write_log(ini: &mut IniWriter, log: &LogConfig) -> Result<(), IniError> {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warning => "warning",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let format = match log.format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    ini.section("log")
        .plain("enable", log.enable)
        .text("log_path", &log.path)?
        .plain("level", level)
        .plain("format", format)
        .plain("enable_console_output", log.console)
        .plain("max_log_file_size", log.max_file_mb)
        .plain("max_log_files", log.max_files);
    Ok(())
}
