//! The files of a node, read into values. Every error names the file and what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use althing_crypto::{NodeKey, Suite};
use althing_network::{Blacklist, Lists, PeerAddress, PemText, Settings};
use althing_types::config::{
    ConfigError, GroupConfig, NodeConfig, NodesJsonError, parse_group_config, parse_node_config, parse_nodes_json,
};
use althing_types::genesis::{GenesisError, parse_genesis};
use althing_types::{Genesis, GroupId, NodeId};

/// Why a node's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("{file}: cannot be read: {source}; {advice}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// `config.ini` or a `group.N.ini`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A `group.N.genesis`.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// `nodes.json`.
    #[error(transparent)]
    Nodes(#[from] NodesJsonError),
    /// A value that another room refuses.
    #[error("{file}: {what}")]
    Value {
        /// The file.
        file: PathBuf,
        /// What was found and what is accepted.
        what: String,
    },
}

/// The folder of a node and what `config.ini` in it says.
#[derive(Clone, Debug)]
pub struct NodeFiles {
    config_file: PathBuf,
    base: PathBuf,
}

impl NodeFiles {
    /// The files beside this `config.ini`.
    pub fn new(config_file: &Path) -> Self {
        let base = match config_file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            // An empty path joined with another is the other: names in errors stay as short as they were given.
            _ => PathBuf::new(),
        };
        Self {
            config_file: config_file.to_path_buf(),
            base,
        }
    }

    /// The folder that relative paths start from.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Reads `config.ini`.
    pub fn config(&self) -> Result<NodeConfig, FilesError> {
        let text = read(&self.config_file, "give the path of config.ini with -c")?;
        Ok(parse_node_config(&name(&self.config_file), &text)?)
    }

    fn security(&self, config: &NodeConfig, file: &str) -> PathBuf {
        self.base.join(&config.security.data_path).join(file)
    }

    /// The files whose change is a reload: certificates, lists, peers.
    pub fn watched(&self, config: &NodeConfig) -> Vec<PathBuf> {
        let security = &config.security;
        vec![
            self.config_file.clone(),
            self.security(config, &security.certificate),
            self.security(config, &security.key),
            self.security(config, &security.chain_certificates),
            self.nodes_json(config),
        ]
    }

    fn nodes_json(&self, config: &NodeConfig) -> PathBuf {
        self.base.join(&config.p2p.nodes_path).join(&config.p2p.nodes_file)
    }

    /// The node's private key.
    pub fn key(&self, config: &NodeConfig, suite: &dyn Suite) -> Result<Arc<dyn NodeKey>, FilesError> {
        let file = self.security(config, &config.security.key);
        let text = read(&file, "the key is made once; restore it from the agency's backup")?;
        suite.node_key(&text).map_err(|e| FilesError::Value {
            file,
            what: format!("{e}; accepted is one PEM block, PKCS#8 or SEC1; restore it from the agency's backup"),
        })
    }

    /// What the network reloads: certificates, trust, lists, peers.
    pub fn network_settings(&self, config: &NodeConfig) -> Result<Settings, FilesError> {
        let security = &config.security;
        let pem = |file: &str| {
            let path = self.security(config, file);
            let text = read(&path, "put the file there that the agency issued")?;
            Ok::<_, FilesError>(PemText::new(path.display().to_string(), text))
        };
        Ok(Settings {
            certificate: pem(&security.certificate)?,
            key: pem(&security.key)?,
            node_id: self.node_id(config)?,
            roots: vec![pem(&security.chain_certificates)?],
            lists: self.lists(config)?,
            peers: self.peers(config)?,
        })
    }

    /// `node.nodeid`, where it is.
    fn node_id(&self, config: &NodeConfig) -> Result<Option<NodeId>, FilesError> {
        let file = self.security(config, "node.nodeid");
        if !file.exists() {
            return Ok(None);
        }
        let text = read(&file, "make it readable or remove it")?;
        let parsed = text.trim().parse::<NodeId>();
        parsed.map(Some).map_err(|e| FilesError::Value {
            file,
            what: e.to_string(),
        })
    }

    fn lists(&self, config: &NodeConfig) -> Result<Lists, FilesError> {
        let serial = |text: &String| {
            text.parse()
                .map_err(|e: althing_network::SerialError| FilesError::Value {
                    file: self.config_file.clone(),
                    what: format!("[certificate_blacklist]: {e}"),
                })
        };
        Ok(Lists {
            blacklist: Blacklist {
                node_ids: config.blacklist.node_ids.clone(),
                agencies: config.blacklist.agencies.clone(),
                serials: config.blacklist.serials.iter().map(serial).collect::<Result<_, _>>()?,
            },
            whitelist: config.whitelist.clone(),
        })
    }

    /// The peers of `config.ini` and of `nodes.json` where that is there.
    fn peers(&self, config: &NodeConfig) -> Result<Vec<PeerAddress>, FilesError> {
        let mut addresses: Vec<String> = config.p2p.nodes.iter().map(ToString::to_string).collect();
        let file = self.nodes_json(config);
        if file.exists() {
            let text = read(&file, "make it readable or remove it")?;
            addresses.extend(parse_nodes_json(&name(&file), &text)?.iter().map(ToString::to_string));
        }
        addresses.sort();
        addresses.dedup();
        let parse = |address: &String| {
            address
                .parse()
                .map_err(|e: althing_network::PeerAddressError| FilesError::Value {
                    file: self.config_file.clone(),
                    what: format!("[p2p]: {e}"),
                })
        };
        addresses.iter().map(parse).collect()
    }

    /// The folder of a group's data.
    pub fn group_data(&self, config: &NodeConfig, group: GroupId) -> PathBuf {
        self.base.join(&config.groups.data_path).join(format!("group{group}"))
    }

    /// Every `group.N.genesis` with its `group.N.ini` (defaults where that is missing), or why it cannot be read.
    pub fn groups(&self, config: &NodeConfig) -> Result<BTreeMap<GroupId, GroupFiles>, FilesError> {
        let folder = self.base.join(&config.groups.config_path);
        let advice = "[group] group_config_path names the folder of group.N.genesis files";
        let entries = std::fs::read_dir(&folder).map_err(|source| FilesError::Read {
            file: folder.clone(),
            source,
            advice,
        })?;
        let mut groups = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(|source| FilesError::Read {
                file: folder.clone(),
                source,
                advice,
            })?;
            let Some(group) = group_of(&entry.file_name().to_string_lossy()) else {
                continue;
            };
            groups.insert(
                group,
                self.group(&entry.path(), &folder.join(format!("group.{group}.ini")), group),
            );
        }
        Ok(groups)
    }

    fn group(&self, genesis: &Path, settings: &Path, group: GroupId) -> GroupFiles {
        let text = read(genesis, "make it readable")?;
        let parsed = parse_genesis(&name(genesis), &text)?;
        if parsed.group_id != group {
            return Err(FilesError::Value {
                file: genesis.to_path_buf(),
                what: format!("[group] id is {}, the file's name says {group}", parsed.group_id),
            });
        }
        let config = match settings.exists() {
            true => parse_group_config(&name(settings), &read(settings, "make it readable")?)?,
            false => GroupConfig::default(),
        };
        Ok((parsed, config))
    }
}

/// A group's fixed config and settings, or why there are none.
pub type GroupFiles = Result<(Genesis, GroupConfig), FilesError>;

fn group_of(file_name: &str) -> Option<GroupId> {
    let number = file_name.strip_prefix("group.")?.strip_suffix(".genesis")?;
    GroupId::try_from(number.parse::<u32>().ok()?).ok()
}

fn read(file: &Path, advice: &'static str) -> Result<String, FilesError> {
    std::fs::read_to_string(file).map_err(|source| FilesError::Read {
        file: file.to_path_buf(),
        source,
        advice,
    })
}

fn name(file: &Path) -> String {
    file.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_file_is_told_by_its_name() {
        assert_eq!(group_of("group.7.genesis").map(GroupId::get), Some(7));
        for other in [
            "group.7.ini",
            "group.0.genesis",
            "group.x.genesis",
            "config.ini",
            "group.99999.genesis",
        ] {
            assert_eq!(group_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_missing_file_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = NodeFiles::new(&folder.path().join("config.ini"))
            .config()
            .unwrap_err()
            .to_string();
        assert!(error.contains("config.ini: cannot be read"), "{error}");
        assert!(error.contains("-c"), "{error}");
    }
}
