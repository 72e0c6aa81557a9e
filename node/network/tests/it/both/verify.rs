//! The one verification function, without a network.

use althing_network::{
    Blacklist, CertificateDer, Direction, Lists, PeerIdentity, Refusal, RefusalReason, TrustSet, verify_client,
    verify_peer,
};
use rustls::pki_types::pem::PemObject as _;

use super::edition;
use super::pki::{self, Authority, Extended, NodeFiles, chain, days};

fn ders(files: &NodeFiles) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(files.certificate.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap()
}

fn trust(roots: &[&Authority]) -> TrustSet {
    let files: Vec<_> = roots.iter().map(|root| root.root()).collect();
    TrustSet::from_pem(&files, &edition().tls()).unwrap()
}

fn now() -> u64 {
    days(0).unix_timestamp() as u64
}

fn verify(chain: &[CertificateDer<'_>], roots: &TrustSet) -> Result<PeerIdentity, Refusal> {
    verify_peer(chain, roots, &Lists::default(), now(), Direction::Inbound)
}

#[test]
fn an_identity_is_the_key_and_the_agency_is_the_name_under_the_chain() {
    let root = chain("trade");
    let files = root
        .agency("agency-a")
        .node_with("node-0", |params| params.serial_number = pki::serial(&[0, 7]));
    let identity = verify(&ders(&files), &trust(&[&root])).unwrap();
    assert_eq!(identity.node_id, files.node_id);
    assert_eq!(
        (identity.agency.as_str(), identity.name.as_str()),
        ("agency-a", "node-0")
    );
    assert_eq!(identity.serial.to_string(), "07");
    assert!(identity.not_after > now());
    // An agency may put an authority of its own between; the agency stays whom the chain certificate vouches for.
    let deeper = root.agency("agency-a").agency("site-1").node("node-0");
    assert_eq!(verify(&ders(&deeper), &trust(&[&root])).unwrap().agency, "agency-a");
    let direct = root.node("node-0");
    assert_eq!(verify(&ders(&direct), &trust(&[&root])).unwrap().agency, "trade");
}

#[test]
fn a_blacklisted_agency_is_out_whatever_stands_between_it_and_the_node() {
    let root = chain("trade");
    let files = root.agency("agency-a").agency("site-1").node("node-0");
    for name in ["agency-a", "site-1"] {
        let mut lists = Lists::default();
        lists.blacklist.agencies.insert(name.to_owned());
        let refusal = verify_peer(&ders(&files), &trust(&[&root]), &lists, now(), Direction::Outbound).unwrap_err();
        assert_eq!(
            (refusal.reason, refusal.node_id),
            (RefusalReason::Blacklisted, Some(files.node_id))
        );
    }
}

#[test]
fn several_chain_certificates_are_trusted_at_once_and_their_order_does_not_matter() {
    let (old, new) = (chain("trade"), chain("trade"));
    for root in [&old, &new] {
        assert!(verify(&ders(&root.agency("agency-a").node("node-0")), &trust(&[&old, &new])).is_ok());
    }
    assert_eq!(trust(&[&old, &new]).hash(), trust(&[&new, &old, &new]).hash());
    assert_ne!(trust(&[&old]).hash(), trust(&[&new]).hash());
}

#[test]
fn a_chain_certificate_out_of_its_validity_vouches_for_nobody() {
    let root = chain("trade");
    let files = root.agency("agency-a").node_with("node-0", |params| {
        params.not_before = days(-9_000);
        params.not_after = days(9_000);
    });
    let at = |when: i64| {
        let time = days(when).unix_timestamp() as u64;
        verify_peer(
            &ders(&files),
            &trust(&[&root]),
            &Lists::default(),
            time,
            Direction::Inbound,
        )
        .unwrap_err()
        .reason
    };
    assert_eq!(
        (at(1_000), at(-1_000)),
        (RefusalReason::Expired, RefusalReason::NotYetValid)
    );
}

#[test]
fn a_certificate_with_any_byte_changed_is_refused_without_a_panic() {
    let root = chain("trade");
    let good = ders(&root.agency("agency-a").node("node-0"));
    let roots = trust(&[&root]);
    assert!(verify(&good, &roots).is_ok());
    for (which, certificate) in good.iter().enumerate() {
        for at in 0..certificate.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = good.clone();
                let mut bytes = certificate.as_ref().to_vec();
                bytes[at] ^= flip;
                changed[which] = CertificateDer::from(bytes);
                assert!(
                    verify(&changed, &roots).is_err(),
                    "certificate {which}, byte {at}, flip {flip:#x}"
                );
            }
        }
        for end in 0..certificate.len() {
            let mut cut = good.clone();
            cut[which] = CertificateDer::from(certificate.as_ref()[..end].to_vec());
            assert!(verify(&cut, &roots).is_err(), "certificate {which} cut at {end}");
        }
    }
}

#[test]
fn a_certificate_without_extended_usage_is_a_nodes_as_fisco_issues_them() {
    let root = chain("trade");
    let files = root
        .agency("agency-a")
        .node_with("node-0", |params| params.extended_key_usages = Vec::new());
    assert_eq!(verify(&ders(&files), &trust(&[&root])).unwrap().node_id, files.node_id);
}

#[test]
fn a_chain_is_bounded_before_it_is_read() {
    let root = chain("trade");
    let files = root.agency("agency-a").node("node-0");
    let many: Vec<_> = std::iter::repeat_n(ders(&files).remove(0), 9).collect();
    let long = vec![CertificateDer::from(vec![0x30; 20_000])];
    for chain in [many, long, Vec::new()] {
        assert_eq!(
            verify(&chain, &trust(&[&root])).unwrap_err().reason,
            RefusalReason::Malformed
        );
    }
}

#[test]
fn a_name_that_would_deceive_a_list_or_a_log_is_refused() {
    let root = chain("trade");
    let long = "n".repeat(65);
    for name in ["", "node\n0", long.as_str()] {
        let files = root.agency("agency-a").node(name);
        assert_eq!(
            verify(&ders(&files), &trust(&[&root])).unwrap_err().reason,
            RefusalReason::Malformed,
            "{name:?}"
        );
    }
}

/// A client's certificate with this organisational unit.
fn client(agency: &Authority, unit: &str) -> NodeFiles {
    agency.node_with("ops", |params| {
        params.unit = Some(unit.to_owned());
        params.extended_key_usages = vec![Extended::ClientAuth];
    })
}

#[test]
fn a_client_is_known_by_its_unit_and_by_the_key_of_the_agency_that_signed_it() {
    let root = chain("trade");
    let (a, b) = (root.agency("agency-a"), root.agency("agency-a"));
    let trust = trust(&[&root]);
    let known = |files: &NodeFiles| verify_client(&ders(files), &trust, &Blacklist::default(), now()).unwrap();
    let (admin, sdk, node) = (
        known(&client(&a, "admin")),
        known(&client(&a, "sdk")),
        known(&a.node("node-0")),
    );
    assert_eq!(admin.role.as_deref(), Some("admin"));
    assert_eq!((admin.agency.as_str(), admin.name.as_str()), ("agency-a", "ops"));
    assert_eq!((sdk.role.as_deref(), node.role), (Some("sdk"), None));
    assert_eq!(admin.issuer_key, node.issuer_key);
    // The same name under another key is another agency.
    assert_ne!(known(&client(&b, "admin")).issuer_key, node.issuer_key);
}

#[test]
fn a_client_of_another_chain_or_on_the_blacklist_is_refused() {
    let (root, other) = (chain("trade"), chain("other"));
    let agency = root.agency("agency-a");
    let trust = trust(&[&root]);
    let reason = |files: &NodeFiles, blacklist: &Blacklist| {
        verify_client(&ders(files), &trust, blacklist, now())
            .unwrap_err()
            .reason
    };
    let foreign = client(&other.agency("agency-a"), "admin");
    assert_eq!(reason(&foreign, &Blacklist::default()), RefusalReason::ForeignChain);
    let own = client(&agency, "admin");
    let agencies = Blacklist {
        agencies: ["agency-a".to_owned()].into(),
        ..Blacklist::default()
    };
    let node_ids = Blacklist {
        node_ids: [own.node_id].into(),
        ..Blacklist::default()
    };
    let serial = verify_client(&ders(&own), &trust, &Blacklist::default(), now())
        .unwrap()
        .serial;
    let serials = Blacklist {
        serials: [serial].into(),
        ..Blacklist::default()
    };
    for blacklist in [agencies, node_ids, serials] {
        assert_eq!(reason(&own, &blacklist), RefusalReason::Blacklisted, "{blacklist:?}");
    }
}
