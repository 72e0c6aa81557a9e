//! `althing doctor` on a real state whose node does not stay up: what is wrong is explained in words.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use althing_operator::name::{AgencyName, NodeName};
use althing_operator::pki::{IssuerMaterial, PrivateKey, Profile, Role, issue};
use althing_operator::plan::{CertificateOrder, Identity, IssueReason, KeyPurpose};
use althing_types::config::IdentityFiles;
use althing_types::genesis::Cryptography;

use crate::{Outcome, althing};

/// Ends at once, as a node does whose files are not accepted.
const NODE: &str =
    "#!/bin/sh\necho 'althing-node: config.ini line 7: [rpc] what it found; accepted is else' >&2\nexit 1\n";
/// The sample of each edition.
const SAMPLES: [(Cryptography, &str); 2] = [
    (Cryptography::Standard, "four-agencies"),
    (Cryptography::Sm, "four-agencies-sm"),
];
/// The first p2p port of this machine's nodes.
const P2P: u16 = 30300;

/// The sample, of which `up` tried to start the first node.
struct Sample {
    folder: tempfile::TempDir,
    offset: u16,
    up: Outcome,
}

impl Sample {
    fn new() -> Self {
        Self::of(SAMPLES[0].1)
    }

    fn of(name: &str) -> Self {
        // Another test or program may have the ports of an offset: then the next is tried.
        let first = 5000 + u16::try_from(std::process::id() % 20_000).unwrap();
        let mut tries = (0..50).map(|step| Self::at(name, first + step * 100));
        tries
            .find(|sample| sample.up.err.contains("ended right after its start"))
            .unwrap()
    }

    fn at(name: &str, offset: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("althing-node");
        fs::write(&binary, NODE).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../deploy/samples")
            .join(name);
        let (offset_text, binary) = (offset.to_string(), binary.display().to_string());
        let arguments = ["--port-offset", &offset_text, "--node-binary", &binary];
        let up = [&["up", "-f", manifests.to_str().unwrap()][..], &arguments].concat();
        let up = althing(&folder.path().join("state"), &up);
        Self { folder, offset, up }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn node(&self, file: &str) -> PathBuf {
        self.state().join("trade/nodes/node-0").join(file)
    }

    fn doctor(&self) -> String {
        let outcome = althing(&self.state(), &["doctor"]);
        assert_eq!(outcome.code, Some(1), "{}", outcome.err);
        outcome.out
    }
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
}

#[test]
fn a_node_that_did_not_start_is_explained_with_the_one_line_it_said() {
    let sample = Sample::new();
    assert_eq!(sample.up.code, Some(1));
    assert_says(
        &sample.up.err,
        &["node-0 ended right after its start", "config.ini line 7"],
    );
    let text = sample.doctor();
    assert_says(
        &text,
        &[
            "node-0: the process is not running",
            "config.ini line 7: [rpc]",
            "althing up",
        ],
    );
    assert!(!text.contains("genesis") && !text.contains("certificate of"), "{text}");
}

#[test]
fn a_taken_port_is_explained_by_doctor_and_up_with_who_has_it() {
    let sample = Sample::new();
    let holder = TcpListener::bind(("127.0.0.1", P2P + sample.offset)).unwrap();
    let place = format!("node-0, p2p port {}", P2P + sample.offset);
    let own = format!("process {}", std::process::id());
    assert_says(&sample.doctor(), &[&place, "the port is taken", &own, "spec.p2p.port"]);
    drop(holder);
    assert!(!sample.doctor().contains("the port is taken"));
}

fn read_key(path: PathBuf) -> PrivateKey {
    PrivateKey::from_pem(KeyPurpose::Identity, &fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn an_expired_certificate_is_explained_with_its_date() {
    for (edition, name) in SAMPLES {
        let (sample, files) = (Sample::of(name), IdentityFiles::of(edition));
        let agency = sample.state().join("trade/identities/agency-ca/agency-a");
        let above = fs::read_to_string(agency.join("certificate.pem")).unwrap();
        let order = CertificateOrder {
            subject: Identity::Node(NodeName::new("node-0").unwrap()),
            issuer: Identity::AgencyCa(AgencyName::new("agency-a").unwrap()),
            profile: Profile {
                role: Role::Node,
                organization: "trade".to_owned(),
                governance_account: None,
            },
            common_name: "node-0".to_owned(),
            not_before: "2020-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2021-01-01T00:00:00Z".parse().unwrap(),
            dns_names: vec![],
            request: None,
            reason: IssueReason::First,
        };
        let issuer = IssuerMaterial {
            key: &read_key(agency.join("key.pem")),
            certificate: Some(&above),
        };
        let key = read_key(sample.node("conf").join(files.key));
        let leaf = issue(&order, &key.public(), &issuer, &mut |bytes| bytes.fill(7)).unwrap();
        let file = format!("conf/{}", files.certificate);
        fs::write(sample.node(&file), leaf + &above).unwrap();
        let words = [
            &*file,
            "has expired",
            "it ended at 2021-01-01T00:00:00Z",
            "althing up renews",
        ];
        assert_says(&sample.doctor(), &words);
    }
}

#[test]
fn a_genesis_that_differs_is_explained_by_field_until_it_is_put_back() {
    let sample = Sample::new();
    let file = sample.node("conf/group.1.genesis");
    let sound = fs::read_to_string(&file).unwrap();
    fs::write(&file, sound.replace("consensus_timeout=3", "consensus_timeout=4")).unwrap();
    let words = [
        "conf/group.1.genesis is not what block 0 says",
        "consensus.timeoutMs is 4000, recorded is 3000",
    ];
    assert_says(&sample.doctor(), &words);
    fs::write(&file, sound.replace("consensus_timeout", "consensus_time")).unwrap();
    assert_says(
        &sample.doctor(),
        &["unknown key \"consensus_time\"", "restore the file"],
    );
    fs::remove_file(&file).unwrap();
    assert_says(&sample.doctor(), &["group.1.genesis", "No such file"]);
    fs::write(&file, sound).unwrap();
    assert!(!sample.doctor().contains("genesis"));
}

#[test]
fn a_missing_key_and_one_of_another_node_are_explained() {
    for (edition, name) in SAMPLES {
        let sample = Sample::of(name);
        let file = format!("conf/{}", IdentityFiles::of(edition).key);
        let key = sample.node(&file);
        let other = sample.state().join("trade/identities/node/node-1/key.pem");
        fs::write(&key, fs::read_to_string(other).unwrap()).unwrap();
        let text = sample.doctor();
        assert_says(
            &text,
            &["the key does not match the certificate", "the key is another node's"],
        );
        fs::remove_file(&key).unwrap();
        assert_says(&sample.doctor(), &[&file, "the file cannot be read"]);
    }
}

#[test]
fn a_full_disk_is_explained_with_its_folder() {
    let sample = Sample::new();
    let data = sample.node("data");
    let program = env!("CARGO_BIN_EXE_althing");
    // A small file system in a mount namespace of its own, which ends with the command.
    let mount = "mount -t tmpfs -o size=4k tmpfs \"$1\" && { head -c 8192 /dev/zero > \"$1/fill\" || true; }";
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        let folders = [data.as_os_str(), sample.folder.path().join("state").as_os_str()].map(ToOwned::to_owned);
        command.args(folders).arg(program).output()
    };
    if !run(mount).is_ok_and(|output| output.status.success()) {
        // No such namespace on this machine; what the words are made of is tested in the room itself.
        return;
    }
    let output = run(&format!("{mount}; exec \"$3\" --state \"$2\" doctor")).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_says(
        &text,
        &[
            "nodes/node-0/data",
            "the disk is full",
            "No space left on device",
            "free space",
        ],
    );
}
