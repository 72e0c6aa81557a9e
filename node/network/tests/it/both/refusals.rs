//! Who is not let in: refused, and counted by its reason on the serving side.

use althing_network::{Direction, Lane, PeerAddress, RefusalReason, Serial};
use althing_sm_tls::HANDSHAKE_IDENTIFIER;

use super::edition;
use super::pki::{self, Authority, Extended, Key, NodeFiles, Params, chain, days, usage};
use super::raw::{Dial, Raw, frame, hello};
use super::running::{Running, config, settings, start, start_with, within};

/// A consortium with one running node.
struct House {
    root: Authority,
    agency: Authority,
    node: Running,
}

async fn house() -> House {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let node = start(&agency.node("node-0"), &root, &[]).await;
    House { root, agency, node }
}

impl House {
    async fn refuses(&self, files: &NodeFiles, reason: RefusalReason) {
        self.refuses_dial(&Dial::new(files), reason).await;
    }

    async fn refuses_dial(&self, dial: &Dial, reason: RefusalReason) {
        assert!(within("refusal", dial.is_turned_away(self.node.local_address())).await);
        self.node.refuses(reason).await;
        assert!(self.node.peers().is_empty());
        let record = self.node.refusals().into_iter().next().unwrap();
        assert_eq!(
            (record.refusal.reason, record.direction, record.by_peer),
            (reason, Direction::Inbound, false)
        );
        self.node.shutdown().await;
    }

    async fn refuses_node(&self, change: impl FnOnce(&mut Params), reason: RefusalReason) {
        self.refuses(&self.agency.node_with("node-1", change), reason).await;
    }
}

#[tokio::test]
async fn a_foreign_chain_is_refused() {
    // The same names, another key: only the signature tells them apart.
    let foreign = chain("trade").agency("agency-a").node("node-1");
    house().await.refuses(&foreign, RefusalReason::ForeignChain).await;
}

#[tokio::test]
async fn a_missing_agency_certificate_is_a_foreign_chain() {
    let house = house().await;
    let mut files = house.agency.node("node-1");
    let end = files.certificate.find("-----END CERTIFICATE-----").unwrap() + "-----END CERTIFICATE-----\n".len();
    files.certificate.truncate(end);
    house.refuses(&files, RefusalReason::ForeignChain).await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let past = |params: &mut Params| {
        params.not_before = days(-3);
        params.not_after = days(-1);
    };
    house().await.refuses_node(past, RefusalReason::Expired).await;
}

#[tokio::test]
async fn a_certificate_under_an_expired_agency_is_refused() {
    let house = house().await;
    let agency = house.root.agency_with("agency-b", |params| {
        params.not_before = days(-3);
        params.not_after = days(-1);
    });
    house.refuses(&agency.node("node-1"), RefusalReason::Expired).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_is_refused() {
    let future = |params: &mut Params| params.not_before = days(1);
    house().await.refuses_node(future, RefusalReason::NotYetValid).await;
}

#[tokio::test]
async fn a_certificate_with_the_wrong_key_usage_is_refused() {
    let other = |params: &mut Params| params.key_usages = usage::KEY_AGREEMENT;
    house().await.refuses_node(other, RefusalReason::WrongUsage).await;
    let none = |params: &mut Params| params.key_usages = 0;
    house().await.refuses_node(none, RefusalReason::WrongUsage).await;
}

#[tokio::test]
async fn a_certificate_with_another_extended_usage_is_refused() {
    let mail = |params: &mut Params| {
        params.extended_key_usages = vec![Extended::EmailProtection];
    };
    house().await.refuses_node(mail, RefusalReason::WrongUsage).await;
    let server = |params: &mut Params| {
        params.extended_key_usages = vec![Extended::ServerAuth];
    };
    house().await.refuses_node(server, RefusalReason::WrongUsage).await;
}

#[tokio::test]
async fn an_applications_certificate_does_not_pass_for_a_nodes() {
    let client = |params: &mut Params| {
        params.extended_key_usages = vec![Extended::ClientAuth];
    };
    house().await.refuses_node(client, RefusalReason::WrongUsage).await;
}

#[tokio::test]
async fn a_ca_certificate_does_not_pass_for_a_nodes() {
    let ca = |params: &mut Params| params.is_ca = true;
    house().await.refuses_node(ca, RefusalReason::WrongUsage).await;
}

#[tokio::test]
async fn a_node_certificate_does_not_pass_for_an_agencys() {
    let house = house().await;
    let false_agency = house.agency.agency_with("node-1", |params| params.is_ca = false);
    house
        .refuses(&false_agency.node("node-2"), RefusalReason::WrongUsage)
        .await;
}

/// A peer that shows a good certificate but for the change, and signs the handshake whatever its key is.
fn showing(agency: &Authority, change: impl FnOnce(&mut Params)) -> Dial {
    let key = pki::key();
    let files = agency.issue("node-1", &key, change);
    Dial::signing(&files, move |message| key.sign(message))
}

#[tokio::test]
async fn a_key_of_no_edition_is_refused() {
    let house = house().await;
    let dial = showing(&house.agency, |params| params.spki = Some(pki::foreign_spki()));
    house.refuses_dial(&dial, RefusalReason::WrongUsage).await;
}

#[tokio::test]
async fn a_key_on_the_other_editions_curve_under_an_agency_of_this_one_is_refused() {
    let house = house().await;
    let other = Key::on(edition().other().curve());
    let dial = showing(&house.agency, |params| params.spki = Some(other.spki()));
    house.refuses_dial(&dial, RefusalReason::OtherCurve).await;
}

#[tokio::test]
async fn an_agency_of_the_other_editions_curve_certifies_nobody() {
    let house = house().await;
    let key = Key::on(edition().other().curve());
    let agency = house.root.agency_for("agency-a", key, |_| {});
    let dial = showing(&agency, |params| params.spki = Some(pki::key().spki()));
    house.refuses_dial(&dial, RefusalReason::UnsupportedAlgorithm).await;
}

#[tokio::test]
async fn a_key_off_the_curve_is_refused() {
    let house = house().await;
    let mut spki = pki::key().spki();
    *spki.last_mut().unwrap() ^= 1;
    let dial = showing(&house.agency, |params| params.spki = Some(spki));
    house.refuses_dial(&dial, RefusalReason::KeyOffCurve).await;
}

#[tokio::test]
async fn a_certificate_whose_signature_is_cut_or_in_another_form_is_refused() {
    let changes: [fn(&mut Vec<u8>); 4] = [
        |signature| signature.truncate(20),
        Vec::clear,
        |signature| signature.push(0),
        // A zero before r, which DER does not have.
        |signature| {
            signature.insert(4, 0);
            signature[1] += 1;
            signature[3] += 1;
            // Where r had one for its sign, there are two now.
        },
    ];
    for change in changes {
        let house = house().await;
        let dial = showing(&house.agency, |params| params.signature = change);
        house.refuses_dial(&dial, RefusalReason::MalformedSignature).await;
    }
}

#[tokio::test]
async fn a_handshake_whose_signature_is_cut_or_in_another_form_is_refused() {
    let changes: [fn(&mut Vec<u8>); 3] = [
        |signature| signature.truncate(20),
        Vec::clear,
        |signature| signature.push(0),
    ];
    for change in changes {
        let house = house().await;
        let key = pki::key();
        let files = house.agency.issue("node-1", &key, |_| {});
        let dial = Dial::signing(&files, move |message| {
            let mut signature = key.sign_under(HANDSHAKE_IDENTIFIER, message);
            change(&mut signature);
            signature
        });
        house.refuses_dial(&dial, RefusalReason::MalformedSignature).await;
    }
}

#[tokio::test]
async fn a_handshake_with_a_share_off_the_curve_is_refused() {
    let house = house().await;
    let mut dial = Dial::new(&house.agency.node("node-1"));
    dial.has_bad_share = true;
    house.refuses_dial(&dial, RefusalReason::KeyOffCurve).await;
}

#[tokio::test]
async fn a_node_of_the_other_edition_is_refused_as_such_whoever_dials() {
    let house = house().await;
    let root = pki::chain_of(edition().other(), "trade");
    let mut config = config();
    config.edition = edition().other().tls();
    let wanted = settings(&root.agency("agency-a").node("node-1"), &root, &[&house.node]);
    let dialling = start_with(config, wanted).await;
    house.node.refuses(RefusalReason::OtherEdition).await;
    super::running::until("the reason is known", || !dialling.refusals().is_empty()).await;
    let record = &dialling.refusals()[0];
    assert_eq!(
        (record.refusal.reason, record.direction, record.by_peer),
        (RefusalReason::OtherEdition, Direction::Outbound, true),
        "{record:?}"
    );
    assert!(house.node.peers().is_empty() && dialling.peers().is_empty());
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let key = pki::key();
    let certificate = pki::self_signed(&pki::node_params("node-1"), &key);
    let files = NodeFiles {
        certificate,
        key: key.serialize_pem(),
        node_id: pki::node_id(&key),
    };
    house().await.refuses(&files, RefusalReason::SelfSigned).await;
}

#[tokio::test]
async fn a_blacklisted_node_id_is_refused_even_when_it_is_whitelisted() {
    let (root, agency, files, mut wanted) = parties();
    wanted.lists.blacklist.node_ids.insert(files.node_id);
    wanted.lists.whitelist.insert(files.node_id);
    listed(root, agency, files, wanted, RefusalReason::Blacklisted).await;
}

#[tokio::test]
async fn a_node_of_a_blacklisted_agency_is_refused() {
    let (root, agency, files, mut wanted) = parties();
    wanted.lists.blacklist.agencies.insert("agency-a".to_owned());
    listed(root, agency, files, wanted, RefusalReason::Blacklisted).await;
}

#[tokio::test]
async fn a_blacklisted_serial_is_refused_be_it_the_nodes_or_the_agencys() {
    for blacklisted in ["00:0a:0b", "7f:0c"] {
        let root = chain("trade");
        let agency = root.agency_with("agency-a", |params| params.serial_number = pki::serial(&[0x7f, 0x0c]));
        let files = agency.node_with("node-1", |params| params.serial_number = pki::serial(&[0x0a, 0x0b]));
        // The node that refuses has its own certificate under the same agency, which its list does not concern.
        let mut wanted = settings(&agency.node("node-0"), &root, &[]);
        wanted
            .lists
            .blacklist
            .serials
            .insert(blacklisted.parse::<Serial>().unwrap());
        listed(root, agency, files, wanted, RefusalReason::Blacklisted).await;
    }
}

#[tokio::test]
async fn with_a_whitelist_nobody_else_is_let_in() {
    let (root, agency, files, mut wanted) = parties();
    wanted.lists.whitelist.insert(agency.node("node-2").node_id);
    listed(root, agency, files, wanted, RefusalReason::NotWhitelisted).await;
}

fn parties() -> (Authority, Authority, NodeFiles, althing_network::Settings) {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let files = agency.node("node-1");
    let wanted = settings(&agency.node("node-0"), &root, &[]);
    (root, agency, files, wanted)
}

async fn listed(
    root: Authority,
    agency: Authority,
    files: NodeFiles,
    wanted: althing_network::Settings,
    reason: RefusalReason,
) {
    let node = start_with(config(), wanted).await;
    House { root, agency, node }.refuses(&files, reason).await;
}

#[tokio::test]
async fn a_node_id_that_is_not_the_keys_is_refused() {
    let house = house().await;
    let files = house.agency.node("node-1");
    let claimed = house.agency.node("node-2").node_id;
    let mut raw = Raw(Dial::new(&files).tls(house.node.local_address()).await.unwrap());
    raw.write(&frame(0, 1, &hello(claimed, Lane::Consensus))).await;
    let (group, module, payload) = within("answer", raw.read_frame()).await.unwrap();
    assert_eq!((group, module), (0, 2), "the answer is a refusal");
    assert!(String::from_utf8_lossy(&payload[1..]).contains(&claimed.to_string()));
    house.node.refuses(RefusalReason::IdentityMismatch).await;
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let house = house().await;
    let mut dial = Dial::new(&house.agency.node("node-1"));
    dial.key = house.agency.node("node-2").key;
    house.refuses_dial(&dial, RefusalReason::IdentityMismatch).await;
}

#[tokio::test]
async fn our_own_identity_from_elsewhere_is_refused() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let files = agency.node("node-0");
    let node = start(&files, &root, &[]).await;
    House { root, agency, node }
        .refuses(&files, RefusalReason::IdentityMismatch)
        .await;
}

#[tokio::test]
async fn an_address_where_another_node_answers_than_configured_is_refused() {
    let house = house().await;
    let files = house.agency.node("node-1");
    let mut wanted = settings(&files, &house.root, &[]);
    let expected = house.agency.node("node-2").node_id;
    let address = house.node.local_address().to_string();
    wanted.peers = vec![PeerAddress {
        address,
        node_id: Some(expected),
    }];
    let dialling = start_with(config(), wanted).await;
    dialling.refuses(RefusalReason::IdentityMismatch).await;
    assert!(dialling.peers().is_empty());
    assert!(house.node.peers().is_empty());
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let house = house().await;
    let mut dial = Dial::new(&house.agency.node("node-1"));
    dial.version = &rustls::version::TLS12;
    // No edition but the standard one has it at all.
    dial.edition = pki::Edition::Standard;
    dial.certificate = None;
    house.refuses_dial(&dial, RefusalReason::ProtocolVersion).await;
}

#[tokio::test]
async fn another_protocol_version_is_refused() {
    let house = house().await;
    let files = house.agency.node("node-1");
    let mut raw = Raw(Dial::new(&files).tls(house.node.local_address()).await.unwrap());
    let mut other = hello(files.node_id, Lane::Bulk);
    other[1] = 9;
    raw.write(&frame(0, 1, &other)).await;
    house.node.refuses(RefusalReason::ProtocolVersion).await;
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let house = house().await;
    let mut dial = Dial::new(&house.agency.node("node-1"));
    dial.certificate = None;
    house.refuses_dial(&dial, RefusalReason::NoCertificate).await;
}

#[tokio::test]
async fn bytes_that_are_no_tls_are_refused() {
    use tokio::io::AsyncWriteExt as _;
    let house = house().await;
    let mut tcp = tokio::net::TcpStream::connect(house.node.local_address())
        .await
        .unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    house.node.refuses(RefusalReason::Malformed).await;
}

#[tokio::test]
async fn a_refused_node_learns_why() {
    let house = house().await;
    let files = house.agency.node("node-1");
    let mut wanted = settings(&files, &house.root, &[&house.node]);
    let mut blacklisting = settings(&house.agency.node("node-3"), &house.root, &[]);
    blacklisting.lists.blacklist.node_ids.insert(files.node_id);
    let strict = start_with(config(), blacklisting).await;
    wanted.peers = vec![super::running::at(strict.local_address())];
    let dialling = start_with(config(), wanted).await;
    strict.refuses(RefusalReason::Blacklisted).await;
    super::running::until("the reason is known", || !dialling.refusals().is_empty()).await;
    let record = &dialling.refusals()[0];
    assert_eq!(
        (record.refusal.reason, record.by_peer),
        (RefusalReason::Blacklisted, true),
        "{record:?}"
    );
    assert_eq!(
        dialling.refused(RefusalReason::Blacklisted),
        0,
        "it is the other side's refusal"
    );
}
