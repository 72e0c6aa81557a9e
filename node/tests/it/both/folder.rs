//! A node's folder as an operator writes it, to be damaged, and the program started in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use althing_types::config::IdentityFiles;

use super::edition;
use super::pki::{self, Extended, Key, Params};
use crate::ports::Ports;

/// How long the program may take to say how it stands.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with everything a node of group 1 needs; it is the group's only sealer.
pub(crate) struct Folder {
    pub(crate) path: tempfile::TempDir,
    pub(crate) ports: Ports,
    pub(crate) node_id: String,
    pub(crate) chain: Arc<Authority>,
    pub(crate) agency: Arc<Authority>,
    pub(crate) key: Key,
}

/// What issues certificates.
pub(crate) struct Authority(pki::Authority);

/// What the program said, in one line.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) line: String,
    /// None while it goes on running.
    pub(crate) code: Option<i32>,
}

pub(crate) fn key() -> Key {
    pki::key()
}

pub(crate) fn node_id(key: &Key) -> String {
    pki::node_id(key).to_string()
}

/// Where a file of the node's identity is, by its name in the standard edition.
pub(crate) fn identity(name: &str) -> String {
    let names = IdentityFiles::of(edition().cryptography());
    let name = match name {
        "ca.crt" => names.chain_certificates,
        "node.crt" => names.certificate,
        "node.key" => names.key,
        "node.nodeid" => names.node_id,
        other => panic!("{other} is no file of an identity"),
    };
    format!("conf/{name}")
}

impl Authority {
    pub(crate) fn chain() -> Self {
        Self(pki::chain("chain"))
    }

    /// An agency's client authority, which signs itself.
    pub(crate) fn of_clients(agency: &str) -> Self {
        Self(pki::chain(agency))
    }

    /// The certificate of such an authority once more, over its key.
    pub(crate) fn of_clients_again(agency: &str, before: &Self) -> Self {
        Self(pki::chain_over(agency, before.0.key.clone()))
    }

    pub(crate) fn agency(&self, name: &str) -> Self {
        Self(self.0.agency(name))
    }

    /// An agency's certificate once more, over its key and under this authority.
    pub(crate) fn agency_again(&self, name: &str, agency: &Self) -> Self {
        Self(self.0.agency_for(name, agency.0.key.clone(), |_| {}))
    }

    /// The certificate of a client with this role (organisational unit).
    pub(crate) fn client(&self, key: &Key, role: &str) -> String {
        self.issue(key, |params| {
            params.unit = Some(role.to_owned());
            params.extended_key_usages = vec![Extended::ClientAuth];
        })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.0.pem
    }

    /// A node's certificate with this authority's above it.
    pub(crate) fn issue(&self, key: &Key, change: impl FnOnce(&mut Params)) -> String {
        self.0.issue("node-0", key, change).certificate
    }
}

impl Folder {
    pub(crate) fn new() -> Self {
        let chain = Authority::chain();
        let agency = chain.agency("agency-a");
        Self::of(Arc::new(chain), Arc::new(agency))
    }

    /// Another node of the same agency; it too is the only sealer of its group 1.
    pub(crate) fn beside(&self) -> Self {
        Self::of(Arc::clone(&self.chain), Arc::clone(&self.agency))
    }

    fn of(chain: Arc<Authority>, agency: Arc<Authority>) -> Self {
        let key = key();
        let folder = Self {
            path: tempfile::tempdir().unwrap(),
            ports: Ports::free(),
            node_id: node_id(&key),
            chain,
            agency,
            key,
        };
        fs::create_dir(folder.path.path().join("conf")).unwrap();
        for (file, text) in [
            ("config.ini".to_owned(), config(folder.ports)),
            ("nodes.json".to_owned(), "{\"nodes\": []}\n".to_owned()),
            (identity("ca.crt"), folder.chain.pem().to_owned()),
            (identity("node.crt"), folder.agency.issue(&folder.key, |_| {})),
            (identity("node.key"), folder.key.serialize_pem()),
            (identity("node.nodeid"), folder.node_id.clone()),
            ("conf/group.1.genesis".to_owned(), genesis(&[&folder.node_id], 1)),
            (
                "conf/group.1.ini".to_owned(),
                "[consensus]\nmin_block_generation_time=100\n".to_owned(),
            ),
        ] {
            folder.write(&file, text);
        }
        folder
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).unwrap();
    }

    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, text.replacen(from, to, 1));
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    /// Whether any ledger was touched.
    pub(crate) fn has_data(&self) -> bool {
        self.file("data").exists()
    }

    /// Starts the program and returns its error, its first alarm, or that it started.
    pub(crate) fn start(&self) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_althing-node"));
        command.args(["-c", "config.ini"]);
        self.run(command)
    }

    /// Waits for what a command that becomes the program says.
    pub(crate) fn run(&self, mut command: Command) -> Said {
        let mut child = command
            .current_dir(&self.path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let said = listen(&mut child, &lines);
        // An alarm and a start leave it running.
        let _ = child.kill();
        child.wait().unwrap();
        said
    }
}

fn listen(child: &mut Child, lines: &mpsc::Receiver<String>) -> Said {
    let mut all = Vec::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        assert!(!line.contains("panicked"), "{line}");
        let alarm = line.contains(" ERROR ") && !line.contains("start_failed");
        if alarm || line.contains("node started") {
            return Said { line, code: None };
        }
        if let Some(error) = line.strip_prefix("althing-node: ") {
            let code = child.wait().unwrap().code();
            // Groups that ran already may say how far they came.
            let rest: Vec<String> = lines.iter().filter(|line| !line.contains(" INFO ")).collect();
            assert!(rest.is_empty(), "more than one line: {error}\n{rest:?}");
            return Said {
                line: error.to_owned(),
                code,
            };
        }
        all.push(line);
    }
    panic!("it said neither that it started nor why not: {all:?}");
}

/// The error of a folder that was damaged: one line with all these words, and exit code 1.
pub(crate) fn refuses(folder: &Folder, words: &[&str]) {
    let said = folder.start();
    assert_eq!(said.code, Some(1), "{}", said.line);
    for word in words {
        assert!(said.line.contains(word), "no {word:?} in: {}", said.line);
    }
}

fn config(ports: Ports) -> String {
    let Ports { p2p, rpc, metrics } = ports;
    let sm_crypto = edition().cryptography().sm_crypto();
    let IdentityFiles {
        chain_certificates: ca,
        certificate,
        key,
        ..
    } = IdentityFiles::of(edition().cryptography());
    format!(
        "[rpc]\njsonrpc_listen_ip=127.0.0.1\njsonrpc_listen_port={rpc}\nmax_batch_requests=1000\n\n\
         [p2p]\nlisten_ip=127.0.0.1\nlisten_port={p2p}\n\n\
         [metrics]\nlisten_ip=127.0.0.1\nlisten_port={metrics}\n\n\
         [certificate_blacklist]\n\n\
         [group]\ngroup_data_path=data/\ngroup_config_path=conf/\n\n\
         [network_security]\ndata_path=conf/\nkey={key}\ncert={certificate}\nca_cert={ca}\n\n\
         [chain]\nid=20260\nsm_crypto={sm_crypto}\n\n\
         [log]\nenable_console_output=true\nlog_path=./log\nlevel=info\n"
    )
}

/// A genesis with these sealers.
pub(crate) fn genesis(sealers: &[&str], group: u32) -> String {
    let nodes = sealers.iter().enumerate();
    let sm_crypto = edition().cryptography().sm_crypto();
    let nodes: String = nodes.map(|(index, id)| format!("node.{index}={id}\n")).collect();
    format!(
        "[consensus]\nconsensus_type=pbft\nmax_trans_num=1000\nconsensus_timeout=3\n{nodes}\n\
         [state]\ntype=storage\n\n[tx]\ngas_limit=300000000\n\n\
         [group]\nid={group}\ntimestamp=1767225600000\n\n[chain]\nid=20260\nsm_crypto={sm_crypto}\n"
    )
}
