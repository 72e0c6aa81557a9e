//! `althing doctor` on a real state whose node does not stay up: what is wrong is explained in words.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

use crate::{Outcome, althing};

/// Ends at once, as a node does whose files are not accepted.
const NODE: &str =
    "#!/bin/sh\necho 'althing-node: config.ini line 7: [rpc] what it found; accepted is else' >&2\nexit 1\n";
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
        // Another test or program may have the ports of an offset: then the next is tried.
        let first = 5000 + u16::try_from(std::process::id() % 20_000).unwrap();
        let mut tries = (0..50).map(|step| Self::at(first + step * 100));
        tries
            .find(|sample| sample.up.err.contains("ended right after its start"))
            .unwrap()
    }

    fn at(offset: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("althing-node");
        fs::write(&binary, NODE).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/samples/four-agencies");
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

#[test]
fn an_expired_certificate_is_explained_with_its_date() {
    let sample = Sample::new();
    let agency = sample.state().join("trade/identities/agency-ca/agency-a");
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let above = read(agency.join("certificate.pem"));
    let issuer_key = KeyPair::from_pem(&read(agency.join("key.pem"))).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&above, issuer_key).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "node-0");
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1));
    let key = KeyPair::from_pem(&read(sample.node("conf/node.key"))).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap().pem();
    fs::write(sample.node("conf/node.crt"), leaf + &above).unwrap();
    let words = [
        "conf/node.crt",
        "has expired",
        "it ended at 2021-01-01T00:00:00Z",
        "althing up renews",
    ];
    assert_says(&sample.doctor(), &words);
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
    let sample = Sample::new();
    let key = sample.node("conf/node.key");
    let other = KeyPair::generate().unwrap();
    fs::write(&key, other.serialize_pem()).unwrap();
    let text = sample.doctor();
    assert_says(
        &text,
        &["the key does not match the certificate", "the key is another node's"],
    );
    fs::remove_file(&key).unwrap();
    assert_says(&sample.doctor(), &["conf/node.key", "the file cannot be read"]);
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
