//! The files a node reads, made by the typed writers of `althing_types`, parsed back and compared before they are in a plan:
//! text from a manifest is data (DESIGN.md 5.8).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::slice;

use alloy_primitives::keccak256;
use althing_types::config::{
    Blacklist, ChainConfig, ClientAuth, GroupConfig, GroupPaths, IdentityFiles, LogFormat, MetricsConfig,
    NetworkSecurity, NodeConfig, P2pConfig, PeerAddress, RpcConfig, RpcTls, parse_group_config, parse_node_config,
    parse_nodes_json, render_group_config, render_node_config, render_nodes_json,
};
use althing_types::genesis::{parse_genesis, render_genesis};
use althing_types::ini_file::IniWriter;
use althing_types::recovery::{parse_recovery, render_recovery};
use althing_types::{B256, GroupId, Recovery};

use crate::clients::ListenerFiles;
use crate::controller::certificate::Certificate;
use crate::controller::consortium::{ChainFacts, RevocationList};
use crate::controller::group::GroupFacts;
use crate::controller::node::{NodeFacts, OwnNode};
use crate::controller::{Hold, Outcome};
use crate::plan::{Endpoint, File, FileContent, FileRef, Identity, LogTarget, Peer, RpcSecurity};
use crate::status::Reason;

/// The sections of `group.N.ini` that a Group's `spec.local.settings` may name.
const SECTIONS: [&str; 7] = [
    "consensus",
    "tx_pool",
    "sync",
    "storage",
    "flow_control",
    "sdk_allowlist",
    "tx_execute",
];
/// Characters of a key: FISCO's longest has 36, list entries have a number behind a dot.
const KEY_CHARACTERS_MAX: usize = 64;

/// The files of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFiles {
    /// The files, by path.
    pub files: Vec<File>,
    /// Digest of what the node reads only at its start, its groups' files apart.
    pub restart_digest: B256,
    /// The digest of each group's `group.N.ini`.
    pub settings_digests: BTreeMap<GroupId, B256>,
}

/// Makes the files of one own node, which keeps out whom `cut_off` names. `groups` are those it takes part in, by ascending number.
pub fn node_files(
    node: &NodeFacts,
    own: &OwnNode,
    (chain, cut_off): (&ChainFacts, &RevocationList),
    groups: &[&GroupFacts],
    peers: &[Peer],
) -> Outcome<NodeFiles> {
    let config = node_config(own, chain, cut_off)?;
    // Lists are read again by a running node, so that they do not ask for a restart.
    let resting = NodeConfig {
        blacklist: Blacklist::default(),
        whitelist: Default::default(),
        ..config.clone()
    };
    let folders = &own.endpoint.folders;
    let names = IdentityFiles::of(chain.consortium.cryptography);
    let mut texts: Vec<(String, String)> = vec![
        ("config.ini".to_owned(), config_text(&config)?),
        ("nodes.json".to_owned(), peers_text(peers)?),
        (folders.configured(names.chain_certificates), bundle(&chain.trusted)),
        (
            folders.configured(names.certificate),
            bundle(&[own.certificate.clone(), own.agency_certificate.clone()]),
        ),
        (folders.configured(names.node_id), format!("{}\n", node.node_id)),
    ];
    let mut settings_digests = BTreeMap::new();
    for group in groups {
        let id = group.group.id;
        let settings = group_text(&group.group.settings)?;
        settings_digests.insert(id, keccak256(&settings));
        texts.push((folders.configured(&format!("group.{id}.genesis")), genesis_text(group)?));
        texts.push((folders.configured(&format!("group.{id}.ini")), settings));
        if let Some(recovery) = &group.group.recovery {
            let file = format!("group.{id}.recovery");
            texts.push((folders.configured(&file), recovery_text(&file, recovery)?));
        }
    }
    if let Some(listener) = &own.listener {
        let names = ListenerFiles::SECOND;
        texts.extend([
            (
                folders.configured(names.authority),
                bundle(slice::from_ref(&listener.authority)),
            ),
            (
                folders.configured(names.certificate),
                bundle(slice::from_ref(&listener.certificate)),
            ),
        ]);
    }
    let file = |path: String, content| File {
        at: FileRef {
            node: node.name.clone(),
            path,
        },
        content,
    };
    let mut files: Vec<File> = texts
        .into_iter()
        .map(|(path, text)| file(path, FileContent::Text(text)))
        .collect();
    files.push(file(
        folders.configured(names.key),
        FileContent::PrivateKey(Identity::Node(node.name.clone())),
    ));
    if own.listener.is_some() {
        files.push(file(
            folders.configured(ListenerFiles::SECOND.key),
            FileContent::PrivateKey(Identity::Listener(node.name.clone())),
        ));
    }
    files.sort_by(|one, other| one.at.cmp(&other.at));
    Ok(NodeFiles {
        files,
        restart_digest: keccak256(decisions(
            &config_text(&resting)?,
            &config_text(&NodeConfig::default())?,
        )),
        settings_digests,
    })
}

/// The lines of an INI text that are not those of the defaults, each behind its section. A version of this program that writes one
/// key more, at its default, decides nothing new, and no node is restarted for it.
fn decisions(text: &str, defaults: &str) -> String {
    fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
        let mut section = "";
        text.lines()
            .map(str::trim)
            .filter_map(move |line| match line.starts_with('[') {
                true => {
                    section = line;
                    None
                }
                false => (!line.is_empty()).then_some((section, line)),
            })
    }
    let defaults: BTreeSet<_> = lines(defaults).collect();
    let decided = lines(text).filter(|line| !defaults.contains(line));
    decided.map(|(section, line)| format!("{section} {line}\n")).collect()
}

/// A text that its reader reads as something else is a fault of ours or a trick of the manifest's: it goes nowhere.
fn read_back<T: PartialEq>(file: &str, written: &T, read: Result<T, impl std::fmt::Display>) -> Outcome<()> {
    let fault = |why: String| Hold::wrong(Reason::InvalidSpec, format!("{file} cannot be written: {why}"));
    match read {
        Ok(read) if read == *written => Ok(()),
        Ok(_) => Err(fault("it would be read as something else".to_owned())),
        Err(error) => Err(fault(error.to_string())),
    }
}

fn node_config(own: &OwnNode, chain: &ChainFacts, cut_off: &RevocationList) -> Outcome<NodeConfig> {
    let address = |what: &str, text: &str| {
        text.parse::<IpAddr>()
            .map_err(|_| Hold::field(what, format!("{text:?}"), "an IP address to listen on"))
    };
    let client = address("the client address", &own.endpoint.client_listen)?;
    let ports = own.endpoint.ports;
    let defaults = NodeConfig::default();
    let mut log = defaults.log.clone();
    log.level = own.settings.log_level.unwrap_or(log.level);
    log.max_file_mb = own.settings.log_file_mb.unwrap_or(log.max_file_mb);
    if own.endpoint.log == LogTarget::Console {
        log.console = true;
        log.format = LogFormat::Json;
    }
    let folders = &own.endpoint.folders;
    Ok(NodeConfig {
        rpc: RpcConfig {
            listen_ip: client,
            listen_port: ports.rpc,
            channel_listen_ip: client,
            channel_listen_port: ports.channel,
            tls: rpc_tls(
                &own.endpoint,
                ListenerFiles::in_consortium(chain.consortium.cryptography),
            ),
            ..RpcConfig::default()
        },
        p2p: P2pConfig {
            listen_ip: address("the p2p address", &own.endpoint.p2p_listen)?,
            listen_port: ports.p2p,
            ..P2pConfig::default()
        },
        metrics: MetricsConfig {
            listen_ip: client,
            listen_port: ports.metrics,
        },
        blacklist: Blacklist {
            node_ids: cut_off.node_ids.union(&own.settings.deny).copied().collect(),
            agencies: cut_off.agencies.clone(),
            serials: cut_off.serials.clone(),
        },
        whitelist: own.settings.allow.clone(),
        groups: GroupPaths {
            data_path: folders.data.clone(),
            config_path: folders.configuration.clone(),
        },
        security: NetworkSecurity {
            data_path: folders.configuration.clone(),
            ..NetworkSecurity::of(chain.consortium.cryptography)
        },
        chain: ChainConfig {
            id: chain.consortium.chain_id,
            cryptography: chain.consortium.cryptography,
        },
        log,
        ..defaults
    })
}

/// Which certificate serves RPC clients, and whose theirs are.
fn rpc_tls(endpoint: &Endpoint, names: ListenerFiles) -> Option<RpcTls> {
    let file = |name| endpoint.folders.configured(name);
    match endpoint.rpc_security {
        RpcSecurity::Plain => None,
        RpcSecurity::Tls => Some(RpcTls {
            certificate: file(names.certificate),
            key: file(names.key),
            client_ca: Some(file(names.authority)),
            // Whoever may reach the port reads and submits; only an administrator's certificate administers.
            client_auth: ClientAuth::Optional,
        }),
    }
}

fn config_text(config: &NodeConfig) -> Outcome<String> {
    let text = render_node_config(config)
        .map_err(|error| Hold::wrong(Reason::InvalidSpec, format!("config.ini cannot be written: {error}")))?;
    read_back("config.ini", config, parse_node_config("config.ini", &text))?;
    Ok(text)
}

fn peers_text(peers: &[Peer]) -> Outcome<String> {
    let addresses = peers.iter().map(|peer| {
        let read = peer.address.parse::<PeerAddress>();
        read.map_err(|error| {
            Hold::wrong(
                Reason::InvalidSpec,
                format!("the address of Node {}: {error}", peer.node),
            )
        })
    });
    let addresses = addresses.collect::<Outcome<Vec<_>>>()?;
    let text = render_nodes_json(&addresses);
    read_back("nodes.json", &addresses, parse_nodes_json("nodes.json", &text))?;
    Ok(text)
}

fn bundle(certificates: &[Certificate]) -> String {
    let block = |certificate: &Certificate| format!("{}\n", certificate.pem.trim());
    certificates.iter().map(block).collect()
}

fn genesis_text(group: &GroupFacts) -> Outcome<String> {
    let file = format!("group.{}.genesis", group.group.id);
    let text = render_genesis(&group.genesis.genesis);
    read_back(&file, &group.genesis.genesis, parse_genesis(&file, &text))?;
    Ok(text)
}

/// A running node takes it over without a restart.
fn recovery_text(file: &str, recovery: &Recovery) -> Outcome<String> {
    let text = render_recovery(recovery);
    read_back(file, recovery, parse_recovery(file, &text))?;
    Ok(text)
}

fn group_text(settings: &BTreeMap<String, String>) -> Outcome<String> {
    let config = group_config(settings)?;
    let text = render_group_config(&config);
    read_back("group.N.ini", &config, parse_group_config("group.N.ini", &text))?;
    Ok(text)
}

/// Checks `spec.local.settings` of a Group.
pub fn check_settings(settings: &BTreeMap<String, String>) -> Outcome<()> {
    group_config(settings).map(drop)
}

/// The settings as the node will understand them: written as a file by the typed writer and read by the node's own reader.
fn group_config(settings: &BTreeMap<String, String>) -> Outcome<GroupConfig> {
    let mut sections: BTreeMap<&'static str, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, value) in settings {
        let field = format!("spec.local.settings[{name:?}]");
        let accepted = format!("section.key with a section of {}", SECTIONS.join(", "));
        let wrong = || Hold::field(&field, "no key of group.N.ini", &accepted);
        let (section, key) = name.split_once('.').ok_or_else(wrong)?;
        let section = SECTIONS.into_iter().find(|known| *known == section).ok_or_else(wrong)?;
        let is_key = key.len() <= KEY_CHARACTERS_MAX
            && key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        if !is_key {
            return Err(wrong());
        }
        sections.entry(section).or_default().push((key, value));
    }
    let mut ini = IniWriter::default();
    for (section, entries) in sections {
        ini.section(section);
        for (key, value) in entries {
            ini.text(key, value)
                .map_err(|error| Hold::wrong(Reason::InvalidSpec, format!("spec.local.settings: {error}")))?;
        }
    }
    parse_group_config("spec.local.settings", &ini.finish())
        .map_err(|error| Hold::wrong(Reason::InvalidSpec, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_key_that_a_newer_operator_writes_at_its_default_asks_for_no_restart() {
        let older = decisions("[rpc]\nport=1\n[p2p]\nport=2\n", "[rpc]\nport=9\n[p2p]\nport=2\n");
        let newer = decisions(
            "[rpc]\nnew=7\nport=1\n[p2p]\nport=2\n",
            "[rpc]\nnew=7\nport=9\n[p2p]\nport=2\n",
        );
        assert_eq!(older, "[rpc] port=1\n");
        assert_eq!(older, newer);
        let decided = decisions("[rpc]\nnew=8\nport=1\n", "[rpc]\nnew=7\nport=9\n");
        assert_ne!(older, decided, "what it decides otherwise does");
    }

    #[test]
    fn settings_reach_the_node_as_they_were_meant() {
        let config = group_config(&settings(&[
            ("tx_pool.limit", "20000"),
            ("sync.allow_free_node", "true"),
        ]))
        .unwrap();
        assert_eq!((config.tx_pool.limit, config.sync.allow_free_node), (20_000, true));
        assert_eq!(group_config(&settings(&[])).unwrap(), GroupConfig::default());
    }

    #[test]
    fn rule_8_text_from_a_manifest_is_data_and_opens_no_section_and_no_key() {
        for (key, value) in [
            ("tx_pool.limit", "1\n[consensus]\nttl=3"),
            ("tx_pool.limit\nx", "1"),
            ("tx_pool]\n[sync.x", "1"),
            ("tx_pool.limit", "1;2"),
            ("tx_pool.no_such_key", "1"),
            ("no_such_section.key", "1"),
            ("limit", "1"),
            ("tx_pool.limit", "many"),
            ("tx_pool.", "1"),
        ] {
            let error = check_settings(&settings(&[(key, value)])).unwrap_err();
            assert!(matches!(error, Hold::Wrong(_)), "{key:?} = {value:?}");
        }
    }
}
