//! Keys and certificates that are not this node's, or nobody's: the node says which and touches no ledger.

use rcgen::{ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P384_SHA384};
use time::{Duration, OffsetDateTime};

use super::folder::{Authority, Folder, key, refuses};

fn refuses_before_any_ledger(folder: &Folder, words: &[&str]) {
    refuses(folder, words);
    assert!(!folder.has_data(), "a ledger was made for whoever this is");
}

#[test]
fn a_node_id_of_the_wrong_length_is_named() {
    let folder = Folder::new();
    folder.write("conf/node.nodeid", "abcd");
    refuses_before_any_ledger(&folder, &["conf/node.nodeid", "128 hex digits", "found 4"]);
}

#[test]
fn an_unreadable_key_is_named_and_its_content_is_not() {
    let folder = Folder::new();
    folder.write("conf/node.key", "secret words\n");
    refuses_before_any_ledger(&folder, &["conf/node.key", "P-256", "PKCS#8 or SEC1", "backup"]);
    assert!(!folder.start().line.contains("secret"));
    let other_curve = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    folder.write("conf/node.key", other_curve.serialize_pem());
    refuses_before_any_ledger(&folder, &["conf/node.key", "P-256"]);
}

#[test]
fn a_key_that_does_not_match_its_certificate_is_named() {
    let folder = Folder::new();
    folder.write("conf/node.key", key().serialize_pem());
    refuses_before_any_ledger(
        &folder,
        &["conf/node.key", "does not belong to", "conf/node.crt", &folder.node_id],
    );
}

#[test]
fn a_certificate_of_another_node_is_named() {
    let folder = Folder::new();
    let other = key();
    folder.write("conf/node.crt", folder.agency.issue(&other, |_| {}));
    folder.write("conf/node.key", other.serialize_pem());
    refuses_before_any_ledger(&folder, &["conf/node.crt", &folder.node_id, "a renewal keeps the key"]);
}

#[test]
fn a_certificate_of_another_chain_is_named() {
    let folder = Folder::new();
    folder.write("conf/ca.crt", Authority::chain().pem());
    refuses_before_any_ledger(&folder, &["conf/node.crt", "foreign_chain", "CN=agency-a"]);
}

#[test]
fn an_expired_certificate_one_of_tomorrow_and_a_clients_are_told_apart() {
    let now = OffsetDateTime::now_utc();
    for (change, words) in [
        (
            (|params, now| params.not_after = now - Duration::minutes(1)) as fn(&mut rcgen::CertificateParams, _),
            ["expired", "CN=node-0"],
        ),
        (
            |params, now| params.not_before = now + Duration::days(1),
            ["not_yet_valid", "CN=node-0"],
        ),
        (
            |params, _| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            ["wrong_usage", "serverAuth"],
        ),
    ] {
        let folder = Folder::new();
        let certificate = folder.agency.issue(&folder.key, |params| change(params, now));
        folder.write("conf/node.crt", certificate);
        refuses_before_any_ledger(&folder, &["conf/node.crt"]);
        refuses_before_any_ledger(&folder, &words);
    }
}

#[test]
fn what_is_no_certificate_is_named() {
    for file in ["conf/node.crt", "conf/ca.crt"] {
        let folder = Folder::new();
        folder.write(file, "nothing");
        refuses_before_any_ledger(&folder, &[file, "found no certificate", "BEGIN CERTIFICATE"]);
        folder.write(file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        refuses_before_any_ledger(&folder, &[file]);
    }
}
