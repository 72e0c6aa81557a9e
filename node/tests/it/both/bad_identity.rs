//! Keys and certificates that are not this node's, or nobody's: the node says which and touches no ledger.

use time::{Duration, OffsetDateTime};

use super::edition;
use super::folder::{Authority, Folder, identity, key, refuses};
use super::pki::{self, Extended, Key, Params};

fn refuses_before_any_ledger(folder: &Folder, words: &[&str]) {
    refuses(folder, words);
    assert!(!folder.has_data(), "a ledger was made for whoever this is");
}

#[test]
fn a_node_id_of_the_wrong_length_is_named() {
    let folder = Folder::new();
    folder.write(&identity("node.nodeid"), "abcd");
    refuses_before_any_ledger(&folder, &[&identity("node.nodeid"), "128 hex digits", "found 4"]);
}

#[test]
fn an_unreadable_key_is_named_and_its_content_is_not() {
    let folder = Folder::new();
    folder.write(&identity("node.key"), "secret words\n");
    refuses_before_any_ledger(
        &folder,
        &[
            &identity("node.key"),
            edition().curve().as_str(),
            "PKCS#8 or SEC1",
            "backup",
        ],
    );
    assert!(!folder.start().line.contains("secret"));
    let (own, other) = (edition().curve(), edition().other().curve());
    folder.write(&identity("node.key"), Key::on(other).serialize_pem());
    refuses_before_any_ledger(&folder, &[&identity("node.key"), own.as_str(), other.as_str()]);
}

#[test]
fn a_key_that_does_not_match_its_certificate_is_named() {
    let folder = Folder::new();
    folder.write(&identity("node.key"), key().serialize_pem());
    refuses_before_any_ledger(
        &folder,
        &[
            &identity("node.key"),
            "does not belong to",
            &identity("node.crt"),
            &folder.node_id,
        ],
    );
}

#[test]
fn a_certificate_of_another_node_is_named() {
    let folder = Folder::new();
    let other = key();
    folder.write(&identity("node.crt"), folder.agency.issue(&other, |_| {}));
    folder.write(&identity("node.key"), other.serialize_pem());
    refuses_before_any_ledger(
        &folder,
        &[&identity("node.crt"), &folder.node_id, "a renewal keeps the key"],
    );
}

#[test]
fn a_certificate_of_another_chain_is_named() {
    let folder = Folder::new();
    folder.write(&identity("ca.crt"), Authority::chain().pem());
    refuses_before_any_ledger(&folder, &[&identity("node.crt"), "foreign_chain", "CN=agency-a"]);
}

#[test]
fn an_expired_certificate_one_of_tomorrow_and_a_clients_are_told_apart() {
    let now = OffsetDateTime::now_utc();
    for (change, words) in [
        (
            (|params, now| params.not_after = now - Duration::minutes(1)) as fn(&mut Params, _),
            ["expired", "CN=node-0"],
        ),
        (
            |params, now| params.not_before = now + Duration::days(1),
            ["not_yet_valid", "CN=node-0"],
        ),
        (
            |params, _| params.extended_key_usages = vec![Extended::ClientAuth],
            ["wrong_usage", "serverAuth"],
        ),
    ] {
        let folder = Folder::new();
        let certificate = folder.agency.issue(&folder.key, |params| change(params, now));
        folder.write(&identity("node.crt"), certificate);
        refuses_before_any_ledger(&folder, &[&identity("node.crt")]);
        refuses_before_any_ledger(&folder, &words);
    }
}

#[test]
fn what_is_no_certificate_is_named() {
    for file in ["node.crt", "ca.crt"].map(identity) {
        let folder = Folder::new();
        folder.write(&file, "nothing");
        refuses_before_any_ledger(&folder, &[&file, "found no certificate", "BEGIN CERTIFICATE"]);
        folder.write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        refuses_before_any_ledger(&folder, &[&file]);
    }
}

#[test]
fn a_chain_of_the_other_edition_is_told_as_such() {
    let folder = Folder::new();
    let other = pki::chain_of(edition().other(), "chain");
    folder.write(&identity("ca.crt"), other.pem);
    let curve = edition().other().curve();
    let words = [&identity("ca.crt"), curve.as_str(), "that of another edition"];
    refuses_before_any_ledger(&folder, &words);
}
