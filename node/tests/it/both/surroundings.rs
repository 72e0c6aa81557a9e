//! What the machine refuses: ports, folders, disks.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::folder::{Folder, refuses};
use crate::ports::Ports;

#[test]
fn a_taken_port_is_named_with_its_section() {
    for (section, port) in [
        (
            "config.ini [p2p] listen_ip, listen_port",
            (|ports| ports.p2p) as fn(Ports) -> u16,
        ),
        ("config.ini [rpc]", |ports| ports.rpc),
        ("config.ini [metrics]", |ports| ports.metrics),
    ] {
        let folder = Folder::new();
        let taken = port(folder.ports);
        let _holder = TcpListener::bind(("127.0.0.1", taken)).unwrap();
        refuses(&folder, &[section, &format!("127.0.0.1:{taken}"), "in use", "stop"]);
    }
}

#[test]
fn a_port_taken_by_another_node_keeps_this_one_off_the_ledger() {
    let folder = Folder::new();
    let _holder = TcpListener::bind(("127.0.0.1", folder.ports.p2p)).unwrap();
    refuses(&folder, &["perhaps this node, already running"]);
    assert!(!folder.has_data());
}

#[test]
fn an_address_of_another_machine_is_named() {
    let folder = Folder::new();
    // TEST-NET-1 (RFC 5737) is nobody's.
    folder.replace("config.ini", "[p2p]\nlisten_ip=127.0.0.1", "[p2p]\nlisten_ip=192.0.2.1");
    refuses(&folder, &["config.ini [p2p]", "192.0.2.1", "no such address"]);
}

#[test]
fn a_file_where_a_folder_should_be_is_named() {
    let folder = Folder::new();
    folder.write("data", "");
    let said = folder.start();
    assert!(said.code.is_none() && said.line.contains("data/group1"), "{said:?}");
    assert!(said.line.contains("group 1 does not start") && said.line.contains("Not a directory"));

    let folder = Folder::new();
    folder.replace(
        "config.ini",
        "enable_console_output=true",
        "enable_console_output=false",
    );
    folder.write("log", "");
    refuses(
        &folder,
        &["config.ini [log] log_path", "make it writable or name another"],
    );
}

/// The program in a mount namespace of its own, with `data` a small file system mounted so. None where this machine
/// allows no such namespace.
fn start_on(folder: &Folder, options: &str) -> Option<super::folder::Said> {
    fs::create_dir_all(folder.file("data")).unwrap();
    let script = format!("mount -t tmpfs -o {options} tmpfs data");
    let command = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command
    };
    let mut trial = command(&script);
    let trial = trial
        .current_dir(&folder.path)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !trial.status().is_ok_and(|status| status.success()) {
        return None;
    }
    let program = env!("CARGO_BIN_EXE_althing-node");
    Some(folder.run(command(&format!("{script} && exec {program} -c config.ini"))))
}

#[test]
fn a_full_disk_and_a_read_only_one_halt_the_group_and_say_so() {
    for (options, words) in [
        ("size=16k", ["the disk is full", "free space, then restart"]),
        ("ro", ["Read-only file system", "right to write there"]),
    ] {
        let folder = Folder::new();
        let Some(said) = start_on(&folder, options) else {
            // The same words are tested on a path that is a file, above, and by the ledger's own tests.
            continue;
        };
        assert_eq!(said.code, None, "{said:?}");
        for word in words.into_iter().chain(["group 1 does not start", "data/group1"]) {
            assert!(said.line.contains(word), "no {word:?} in: {}", said.line);
        }
        assert_eq!(said.line.matches(words[0]).count(), 1, "{}", said.line);
    }
}
