//! What `pki` makes in the SM edition, read and verified by two implementations that nobody here wrote: OpenSSL 4 and Go's gmsm module,
//! which `scripts/setup.sh sm-peers` builds.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod made;
mod peer;

use althing_types::genesis::Cryptography;
use made::Made;
use peer::{PEERS, Peer};

fn in_sm() -> Made {
    Made::new(Cryptography::Sm, 1)
}

#[test]
fn a_node_leads_to_its_chain_by_its_agency_and_to_no_other() {
    let (ours, others) = (in_sm(), Made::new(Cryptography::Sm, 100));
    for peer in PEERS {
        peer.chain(&ours.chain, &ours.agency, &ours.node).unwrap();
        for (what, [chain, agency, node]) in [
            ("of another chain", [&others.chain, &ours.agency, &ours.node]),
            (
                "of another agency of the name",
                [&ours.chain, &others.agency, &ours.node],
            ),
            ("of a node of another agency", [&ours.chain, &ours.agency, &others.node]),
        ] {
            peer.chain(chain, agency, node)
                .expect_err(&format!("{peer:?} takes it {what}"));
        }
    }
}

#[test]
fn a_p_256_leaf_under_an_sm2_agency_of_the_same_name_is_refused() {
    let (ours, standard) = (in_sm(), Made::new(Cryptography::Standard, 1));
    for peer in PEERS {
        let refusal = peer.chain(&ours.chain, &ours.agency, &standard.node).unwrap_err();
        assert!(!refusal.is_empty(), "{peer:?}");
    }
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let made = in_sm();
    let changed = made.folder.file("changed.pem");
    for peer in PEERS {
        for signed in [&made.node, &made.request, &made.list] {
            made.folder.change(signed, &changed);
            let refused = match () {
                () if signed == &made.node => peer.chain(&made.chain, &made.agency, &changed),
                () if signed == &made.request => peer.request(&changed),
                () => peer.list(&made.agency, &changed).map(drop),
            };
            refused.expect_err(&format!("{peer:?} takes {} changed", signed.display()));
        }
    }
}

#[test]
fn a_request_is_signed_with_its_own_key() {
    for edition in [Cryptography::Sm, Cryptography::Standard] {
        let made = Made::new(edition, 1);
        for peer in PEERS {
            peer.request(&made.request).unwrap();
        }
    }
}

#[test]
fn a_list_is_its_agency_s_and_names_the_node_that_is_revoked() {
    let (made, others) = (in_sm(), Made::new(Cryptography::Sm, 100));
    for peer in PEERS {
        let serials = peer.list(&made.agency, &made.list).unwrap();
        assert_eq!(serials.as_slice(), [made.serial.as_str()], "{peer:?}");
        peer.list(&others.agency, &made.list)
            .expect_err(&format!("{peer:?} takes another agency's list"));
    }
    let refusal = Peer::revoked(&made.chain, &made.agency, &made.list, &made.node).unwrap_err();
    assert!(refusal.contains("revoked"), "{refusal}");
}

#[test]
fn the_second_set_of_an_agency_is_read_by_whoever_reads_the_standard_edition() {
    let made = in_sm();
    for peer in PEERS {
        peer.chain(&made.clients, &made.clients, &made.listener).unwrap();
        peer.chain(&made.chain, &made.agency, &made.listener)
            .expect_err(&format!("{peer:?} takes a listener for a node"));
    }
}
