//! What only the SM edition has: an identifier in signatures, and more than one way to name a key.

use althing_network::RefusalReason;

use crate::sm::pki::{self, NodeFiles, SM2_CURVE, chain};
use crate::sm::raw::Dial;
use crate::sm::running::{start, within};

#[tokio::test]
async fn a_handshake_signed_under_the_identifier_of_certificates_is_refused() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let node = start(&agency.node("node-0"), &root, &[]).await;
    let key = pki::key();
    let files = agency.issue("node-1", &key, |_| {});
    let dial = Dial::signing(&files, move |message| key.sign(message));
    assert!(within("refusal", dial.is_turned_away(node.local_address())).await);
    node.refuses(RefusalReason::WrongIdentifier).await;
    assert!(node.peers().is_empty());
}

/// A node whose key, and whose agency's, is named by the curve alone, as commercial authorities may name it, and whose certificate is
/// signed with an algorithm that has NULL for parameters.
fn of_a_commercial_authority(root: &pki::Authority) -> NodeFiles {
    let other_form = |key: &pki::Key| Some(pki::spki(&[SM2_CURVE, SM2_CURVE], &key.point()));
    let (agency_key, key) = (pki::key(), pki::key());
    let agency_spki = other_form(&agency_key);
    let agency = root.agency_for("agency-b", agency_key, |params| {
        params.spki = agency_spki;
        params.has_null = true;
    });
    agency.issue("node-1", &key, |params| {
        params.spki = other_form(&key);
        params.has_null = true;
    })
}

#[tokio::test]
async fn nodes_whose_certificates_name_keys_and_signatures_in_either_form_connect_whoever_dials() {
    let root = chain("trade");
    let (one, other) = (root.agency("agency-a").node("node-0"), of_a_commercial_authority(&root));
    for (first, second) in [(&one, &other), (&other, &one)] {
        let serving = start(first, &root, &[]).await;
        let dialling = start(second, &root, &[&serving]).await;
        serving.is_connected_to(&second.node_id).await;
        dialling.is_connected_to(&first.node_id).await;
    }
}
