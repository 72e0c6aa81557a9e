//! Files with something in them that is not accepted: one line with file, field, what was found, what is accepted.

use std::fs;

use super::edition;
use super::folder::{Folder, identity, refuses};

#[test]
fn a_sound_folder_starts() {
    let said = Folder::new().start();
    assert!(said.code.is_none() && said.line.contains("node started"), "{said:?}");
}

#[test]
fn a_value_of_config_ini_that_is_not_accepted_is_named_with_its_line() {
    let sm_crypto = format!("sm_crypto={}", edition().cryptography().sm_crypto());
    for (from, to, words) in [
        (
            "max_batch_requests=1000",
            "max_batch_request=1000",
            ["[rpc]", "unknown key \"max_batch_request\"", "max_batch_requests"],
        ),
        ("[metrics]", "[metriks]", ["unknown section", "[metriks]", "[metrics]"]),
        (
            "max_batch_requests=1000",
            "max_batch_requests=many",
            ["[rpc] max_batch_requests", "\"many\"", "a whole number from 1 to 10000"],
        ),
        (
            "max_batch_requests=1000",
            "max_batch_requests=0",
            ["[rpc] max_batch_requests", "\"0\"", "a whole number from 1 to 10000"],
        ),
        (
            "max_batch_requests=1000",
            "max_batch_requests",
            ["\"max_batch_requests\"", "accepted", "key=value"],
        ),
        (
            "max_batch_requests=1000",
            "max_batch_requests=1\nmax_batch_requests=2",
            ["[rpc] max_batch_requests", "twice", "remove one"],
        ),
        (
            sm_crypto.as_str(),
            "sm_crypto=perhaps",
            ["[chain] sm_crypto", "\"perhaps\"", "true, false"],
        ),
        (
            "[p2p]\nlisten_ip=127.0.0.1",
            "[p2p]\nlisten_ip=here",
            ["[p2p] listen_ip", "\"here\"", "IPv4 or IPv6"],
        ),
        (
            "[certificate_blacklist]",
            "[certificate_blacklist]\ncrl.0=abcd",
            ["[certificate_blacklist] crl.0", "\"abcd\"", "128 hex digits"],
        ),
    ] {
        let folder = Folder::new();
        folder.replace("config.ini", from, to);
        refuses(&folder, &["config.ini line "]);
        refuses(&folder, &words);
        assert!(!folder.has_data());
    }
}

#[test]
fn a_port_out_of_range_is_named() {
    let folder = Folder::new();
    let port = format!("listen_port={}", folder.ports.p2p);
    folder.replace("config.ini", &port, "listen_port=70000");
    refuses(&folder, &["config.ini", "[p2p] listen_port", "\"70000\"", "1 to 65535"]);
}

#[test]
fn a_missing_file_is_named_once_with_what_to_do() {
    for (file, advice) in [
        ("config.ini".to_owned(), "-c"),
        (identity("node.key"), "restore it from the agency's backup"),
        (identity("node.crt"), "the agency issued"),
        (identity("ca.crt"), "the agency issued"),
    ] {
        let folder = Folder::new();
        folder.remove(&file);
        refuses(&folder, &[&file, "No such file", advice]);
        let line = folder.start().line;
        assert_eq!(line.matches("No such file").count(), 1, "{line}");
        assert!(line.starts_with(&file), "{line}");
    }
}

#[test]
fn a_file_that_is_no_text_or_far_too_long_is_named() {
    let folder = Folder::new();
    folder.write("config.ini", [0xff, 0xfe, 0]);
    refuses(&folder, &["config.ini", "UTF-8"]);
    folder.write("config.ini", vec![b'#'; 2 << 20]);
    refuses(&folder, &["config.ini", "2097152 bytes", "at most 1048576"]);
    folder.remove("config.ini");
    fs::create_dir(folder.file("config.ini")).unwrap();
    refuses(&folder, &["config.ini", "Is a directory"]);
}

#[test]
fn a_peer_list_that_is_not_accepted_is_named() {
    for (text, words) in [
        ("{\"nodes\": [", ["nodes.json", "line 1 column 11"]),
        ("{\"nodez\": []}", ["nodes.json", "`nodez`"]),
        ("{\"nodes\": [5]}", ["nodes.json", "expected a string"]),
        (
            "{\"nodes\": [\"127.0.0.1\"]}",
            ["nodes[0]", "name:port, ip:port or [ipv6]:port"],
        ),
        ("{\"nodes\": [\"a:99999\"]}", ["nodes[0]", "\"a:99999\""]),
    ] {
        let folder = Folder::new();
        folder.write("nodes.json", text);
        refuses(&folder, &words);
    }
}

#[test]
fn a_group_file_that_is_not_accepted_halts_its_group_and_not_the_node() {
    let genesis = "conf/group.1.genesis";
    let [own, other] = [edition(), edition().other()].map(|edition| {
        let sm_crypto = edition.cryptography().sm_crypto();
        format!("sm_crypto={sm_crypto}")
    });
    for (file, from, to, words) in [
        (
            genesis,
            "max_trans_num=1000",
            "max_tx=1000",
            ["unknown key \"max_tx\"", "max_trans_num"],
        ),
        (
            genesis,
            "max_trans_num=1000",
            "max_trans_num=many",
            ["\"many\"", "a whole number from 1 to 100000"],
        ),
        (
            genesis,
            "consensus_timeout=3",
            "consensus_timeout=0",
            ["[consensus] consensus_timeout=\"0\"", "from 0.1 to 60"],
        ),
        (
            genesis,
            "node.0=",
            "node.0=ab",
            ["[consensus] node.0=", "a nodeID of 128 hex digits"],
        ),
        (
            genesis,
            "[group]\nid=1",
            "[group]\nid=2",
            ["[group] id is 2", "name says 1"],
        ),
        (
            genesis,
            "[chain]\nid=20260",
            "[chain]\nid=7",
            ["is of chain 7", "config.ini [chain] id is 20260"],
        ),
        (
            genesis,
            own.as_str(),
            other.as_str(),
            [other.as_str(), "config.ini has"],
        ),
        (
            "conf/group.1.ini",
            "=100",
            "=-1",
            ["[consensus] min_block_generation_time=\"-1\"", "from 0 to 60000"],
        ),
        (
            "conf/group.1.ini",
            "min_block_generation_time",
            "min_block_time",
            ["unknown key \"min_block_time\"", "min_block_generation_time"],
        ),
    ] {
        let folder = Folder::new();
        folder.replace(file, from, to);
        let said = folder.start();
        assert_eq!(said.code, None, "{said:?}");
        for word in words
            .into_iter()
            .chain(["group 1 does not start", "alarm=\"group_halted\""])
        {
            assert!(said.line.contains(word), "no {word:?} in: {}", said.line);
        }
        assert!(!folder.has_data());
    }
}
