//! The files of a node, read into values. Every error names the file and what to do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::keccak256;
use althing_crypto::{NodeKey, Suite};
use althing_network::{Blacklist, Lists, PeerAddress, PemText, Settings};
use althing_types::config::{
    ConfigError, GroupConfig, IdentityFiles, NodeConfig, NodesJsonError, parse_group_config, parse_node_config,
    parse_nodes_json,
};
use althing_types::genesis::{GenesisError, parse_genesis};
use althing_types::recovery::parse_recovery;
use althing_types::{B256, Genesis, GroupId, NodeId};

use crate::group::Installed;

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
        let mut watched = vec![
            self.config_file.clone(),
            self.security(config, &security.certificate),
            self.security(config, &security.key),
            self.security(config, &security.chain_certificates),
            self.nodes_json(config),
        ];
        if let Some(tls) = &config.rpc.tls {
            let files = [Some(&tls.certificate), Some(&tls.key), tls.client_ca.as_ref()];
            watched.extend(files.into_iter().flatten().map(|file| self.base.join(file)));
        }
        watched
    }

    /// A PEM file beside `config.ini`.
    pub(crate) fn pem(&self, file: &str) -> Result<PemText, FilesError> {
        pem_text(self.base.join(file))
    }

    /// The node's certificate between peers.
    pub(crate) fn own_certificate(&self, config: &NodeConfig) -> Result<PemText, FilesError> {
        pem_text(self.security(config, &config.security.certificate))
    }

    /// The chain certificates that are trusted between peers.
    pub(crate) fn chain_certificates(&self, config: &NodeConfig) -> Result<PemText, FilesError> {
        pem_text(self.security(config, &config.security.chain_certificates))
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
        Ok(Settings {
            certificate: self.own_certificate(config)?,
            key: pem_text(self.security(config, &config.security.key))?,
            node_id: self.node_id(config)?,
            roots: vec![self.chain_certificates(config)?],
            lists: Lists {
                blacklist: self.blacklist(config)?,
                whitelist: config.whitelist.clone(),
            },
            peers: self.peers(config)?,
        })
    }

    /// `node.nodeid`, or what the edition calls it, where it is.
    fn node_id(&self, config: &NodeConfig) -> Result<Option<NodeId>, FilesError> {
        let file = self.security(config, IdentityFiles::of(config.chain.cryptography).node_id);
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

    /// Who is refused, by peers' port and by RPC.
    pub(crate) fn blacklist(&self, config: &NodeConfig) -> Result<Blacklist, FilesError> {
        let serial = |text: &String| {
            text.parse()
                .map_err(|e: althing_network::SerialError| FilesError::Value {
                    file: self.config_file.clone(),
                    what: format!("[certificate_blacklist]: {e}"),
                })
        };
        Ok(Blacklist {
            node_ids: config.blacklist.node_ids.clone(),
            agencies: config.blacklist.agencies.clone(),
            serials: config.blacklist.serials.iter().map(serial).collect::<Result<_, _>>()?,
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

    /// The folder of all groups' data.
    pub fn data_folder(&self, config: &NodeConfig) -> PathBuf {
        self.base.join(&config.groups.data_path)
    }

    /// The folder of a group's data.
    pub fn group_data(&self, config: &NodeConfig, group: GroupId) -> PathBuf {
        self.data_folder(config).join(format!("group{group}"))
    }

    /// The folder of the group files.
    pub fn group_folder(&self, config: &NodeConfig) -> PathBuf {
        self.base.join(&config.groups.config_path)
    }

    /// The groups that a `group.N.genesis` is there of.
    pub fn group_ids(&self, config: &NodeConfig) -> Result<BTreeSet<GroupId>, FilesError> {
        let folder = self.group_folder(config);
        let failed = |source| FilesError::Read {
            file: folder.clone(),
            source,
            advice: "[group] group_config_path names the folder of group.N.genesis files",
        };
        let mut groups = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            groups.extend(group_of(&entry.map_err(failed)?.file_name().to_string_lossy()));
        }
        Ok(groups)
    }

    /// The two files of a group: `group.N.genesis` and `group.N.ini`.
    pub fn group_paths(&self, config: &NodeConfig, group: GroupId) -> (PathBuf, PathBuf) {
        let folder = self.group_folder(config);
        let file = |kind: &str| folder.join(format!("group.{group}.{kind}"));
        (file("genesis"), file("ini"))
    }

    /// `group.N.recovery`, where there is one.
    pub fn recovery_path(&self, config: &NodeConfig, group: GroupId) -> PathBuf {
        self.group_folder(config).join(format!("group.{group}.recovery"))
    }

    /// What it says. One that cannot be used changes nothing, and is told about by the group.
    pub fn recovery(&self, config: &NodeConfig, group: GroupId) -> Installed {
        let file = self.recovery_path(config, group);
        if !file.exists() {
            return Installed::None;
        }
        let text = read(&file, "make it readable or remove it").map_err(|error| error.to_string());
        let parsed = text.and_then(|text| parse_recovery(&name(&file), &text).map_err(|error| error.to_string()));
        match parsed {
            Ok(recovery) => Installed::Document(Arc::new(recovery)),
            Err(why) => Installed::Unusable(why),
        }
    }

    /// Reads a group's genesis and its settings (defaults where that file is missing).
    pub fn group(&self, config: &NodeConfig, group: GroupId) -> Result<GroupFiles, FilesError> {
        let (genesis_file, settings_file) = self.group_paths(config, group);
        let text = read(&genesis_file, "make it readable")?;
        let genesis = parse_genesis(&name(&genesis_file), &text)?;
        if genesis.group_id != group {
            return Err(FilesError::Value {
                file: genesis_file,
                what: format!("[group] id is {}, the file's name says {group}", genesis.group_id),
            });
        }
        let settings = match settings_file.exists() {
            true => Some(read(&settings_file, "make it readable")?),
            false => None,
        };
        let config = match &settings {
            Some(text) => parse_group_config(&name(&settings_file), text)?,
            None => GroupConfig::default(),
        };
        Ok(GroupFiles {
            genesis,
            config,
            settings_digest: settings.map(keccak256),
        })
    }
}

/// What the two files of a group say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFiles {
    /// `group.N.genesis`.
    pub genesis: Genesis,
    /// `group.N.ini`.
    pub config: GroupConfig,
    /// Keccak-256 of the text of `group.N.ini`; none where there is no such file.
    pub settings_digest: Option<B256>,
}

fn pem_text(path: PathBuf) -> Result<PemText, FilesError> {
    let text = read(&path, "put the file there that the agency issued")?;
    Ok(PemText::new(path.display().to_string(), text))
}

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
