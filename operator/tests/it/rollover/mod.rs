//! A chain certificate gives way to the next, and no node is a stranger to another on the way (GOVERNANCE.md 4).

mod scene;

use althing_operator::pki::{inspect, trust_hash};
use althing_operator::plan::KeyState;
use althing_operator::status::{ConditionType, Reason};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{cases, changed, now};
use scene::{Scene, chain_key, consortium, fingerprint, signs, waits_for};

#[test]
fn a_chain_key_rolls_over_in_two_changes() {
    let mut scene = Scene::new();
    scene.keys(&[1, 2]);
    let plan = scene.converge();
    let (old, new) = (scene.chain(1), scene.chain(2));
    assert_eq!(signs(&plan), fingerprint(&old), "the new one signs when all trust it");
    assert!(
        waits_for(&plan).unwrap().contains("node-0 has not taken it up yet"),
        "{:?}",
        waits_for(&plan)
    );
    assert_eq!(consortium(&plan).facts.trusted.len(), 2);
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    assert!(
        scene
            .taken_up
            .values()
            .all(|it| inspect::verify_issued_by(&it.agency, &new).is_ok())
    );
    scene.keys(&[2]);
    let plan = scene.settle();
    assert_eq!(consortium(&plan).facts.trusted.len(), 1);
    assert!(scene.taken_up.values().all(|it| it.trusted == [new.clone()]));
    assert!(scene.edge.keys.contains_key(&chain_key(1)), "keys outlive manifests");
}

#[test]
fn the_certificate_that_a_person_names_signs_until_the_name_is_taken_out() {
    let mut scene = Scene::new();
    let old = fingerprint(&scene.chain(1));
    scene.spec(|spec| spec.trust = Some(serde_json::from_value(json!({"issuing": old})).unwrap()));
    scene.keys(&[1, 2]);
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (old.as_str(), None));
    let both = consortium(&plan).facts.trusted.len();
    assert_eq!(both, 2, "every node, and every client, is given both");
    scene.spec(|spec| spec.trust = Some(serde_json::from_value(json!({})).unwrap()));
    assert_eq!(signs(&scene.settle()), fingerprint(&scene.chain(2)));
}

#[test]
fn both_changes_in_one_do_the_same_more_slowly() {
    let mut scene = Scene::new();
    scene.keys(&[2]);
    let plan = scene.converge();
    assert_eq!(consortium(&plan).facts.trusted.len(), 2, "the old one is still needed");
    let plan = scene.settle();
    assert_eq!((consortium(&plan).facts.trusted.len(), waits_for(&plan)), (1, None));
    assert_eq!(signs(&plan), fingerprint(&scene.chain(2)));
}

#[test]
fn who_is_silent_blocks_each_step_until_it_follows() {
    let mut scene = Scene::new();
    scene.agency_e(1);
    scene.keys(&[1, 2]);
    let plan = scene.settle();
    let (old, new) = (scene.chain(1), scene.chain(2));
    assert!(
        waits_for(&plan).unwrap().contains("node-e of agency-e is silent"),
        "{:?}",
        waits_for(&plan)
    );
    let shown = scene.certify_e(1);
    scene.e_says(&[&old], &shown);
    let plan = scene.settle();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("node-e of agency-e trusts another set")
    );
    assert_eq!(signs(&plan), fingerprint(&old));
    scene.e_says(&[&old, &new], &shown);
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    // It has no certificate under the new one yet; then it has, and its node does not show it.
    scene.keys(&[2]);
    let plan = scene.settle();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("agency-e has no certificate under a newer one")
    );
    scene.agency_e(2);
    let plan = scene.settle();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("node-e shows an older certificate of agency-e")
    );
    assert_eq!(consortium(&plan).facts.trusted.len(), 2);
    let shown = scene.certify_e(2);
    scene.e_says(&[&old, &new], &shown);
    let plan = scene.settle();
    assert_eq!((consortium(&plan).facts.trusted.len(), waits_for(&plan)), (1, None));
}

#[test]
fn a_registrar_without_nodes_hears_an_agency_s_nodes_through_its_bundle() {
    let mut scene = Scene::without_own_nodes();
    scene.agency_e(1);
    scene.keys(&[1, 2]);
    let plan = scene.converge();
    assert!(
        waits_for(&plan)
            .unwrap()
            .contains("a new bundle of agency-e can speak for it")
    );
    let (old, new) = (scene.chain(1), scene.chain(2));
    let under_old = scene.certify_e(1);
    scene.e_tells(1, &[&old], &under_old);
    assert_eq!(
        signs(&scene.converge()),
        fingerprint(&old),
        "its nodes know the old one only"
    );
    scene.e_tells(1, &[&old, &new], &under_old);
    let plan = scene.converge();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    scene.keys(&[2]);
    assert_eq!(
        consortium(&scene.converge()).facts.trusted.len(),
        2,
        "E is under the old one"
    );
    scene.e_tells(2, &[&old, &new], &under_old);
    let waiting = waits_for(&scene.converge()).unwrap();
    assert!(
        waiting.contains("node-e shows an older certificate of agency-e"),
        "{waiting}"
    );
    let under_new = scene.certify_e(2);
    scene.e_tells(2, &[&old, &new], &under_new);
    let plan = scene.converge();
    assert_eq!((consortium(&plan).facts.trusted.len(), waits_for(&plan)), (1, None));
    // Now E has it as well, and whatever old bundle is applied, the old certificate does not come back.
    scene.e_tells(2, &[&new], &under_new);
    assert_eq!(consortium(&scene.converge()).facts.trusted.len(), 1);
}

#[test]
fn a_word_about_trust_that_the_agency_did_not_sign_moves_nothing() {
    let mut scene = Scene::without_own_nodes();
    scene.keys(&[1, 2]);
    scene.agency_e(1);
    scene.converge();
    let (old, new) = (scene.chain(1), scene.chain(2));
    let shown = scene.certify_e(1);
    scene.e_tells(1, &[&old], &shown);
    scene.converge();
    let both = trust_hash([old.as_str(), new.as_str()].into_iter());
    scene.all = changed(&scene.all, "trade", |namespace| {
        let agency = namespace.agencies.get_mut("agency-e").unwrap();
        let trust = agency.spec.external.as_mut().unwrap().trust.as_mut().unwrap();
        trust.certificates = both.to_string();
    });
    assert_eq!(signs(&scene.converge()), fingerprint(&old));
}

#[test]
fn a_waiver_ends_the_waiting_until_its_deadline() {
    let waive = |scene: &mut Scene, hours: i64| {
        let until = now() + SignedDuration::from_hours(hours);
        let trust = json!({"waivers": [{"agency": "agency-e", "until": until.to_string()}]});
        scene.spec(|spec| spec.trust = Some(serde_json::from_value(trust).unwrap()));
    };
    let mut scene = Scene::new();
    scene.agency_e(1);
    scene.keys(&[1, 2]);
    waive(&mut scene, -1);
    assert!(waits_for(&scene.settle()).is_some(), "that one is over");
    waive(&mut scene, 1);
    let plan = scene.settle();
    assert_eq!(
        (signs(&plan), waits_for(&plan)),
        (fingerprint(&scene.chain(2)).as_str(), None)
    );
}

#[test]
fn an_old_chain_certificate_does_not_come_back_once_it_is_out() {
    let mut scene = Scene::new();
    scene.keys(&[1, 2]);
    scene.settle();
    scene.keys(&[2]);
    scene.settle();
    // Somebody's old bundle is applied again.
    scene.agency_e(1);
    let plan = scene.settle();
    assert_eq!(
        consortium(&plan).facts.trusted,
        [scene.edge.observed.identities[&chain_key(2)]
            .certificate
            .clone()
            .unwrap()]
    );
}

#[test]
fn a_second_chain_key_is_made_once() {
    let mut scene = Scene::new();
    scene.keys(&[1, 2]);
    scene.settle();
    scene.edge.keys.remove(&chain_key(2));
    scene.edge.observed.identities.get_mut(&chain_key(2)).unwrap().key = KeyState::Missing;
    scene.keys(&[2]);
    let plan = scene.edge.plan(&scene.all, "trade", now());
    assert!(
        plan.steps.iter().all(|step| !step.to_string().contains("make key")),
        "{:#?}",
        plan.steps
    );
    let stalled = consortium(&plan).condition(ConditionType::Stalled).unwrap();
    assert_eq!(stalled.reason, Reason::KeyMissing, "{}", stalled.message);
}

#[test]
fn a_renewal_of_the_chain_certificate_keeps_its_key_and_waits_for_nobody() {
    let mut scene = Scene::new();
    let before = scene.chain(1);
    let later = now() + SignedDuration::from_hours(6 * 365 * 24);
    let (_, plan) = scene.edge.converge(&scene.all, "trade", later);
    let after = scene.chain(1);
    assert_ne!(before, after);
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&after).as_str(), None));
    assert_eq!(
        scene.edge.observed.identities[&chain_key(1)].key.public(),
        inspect::first(&before).unwrap().key().as_ref()
    );
    scene.everybody_takes_up();
}

#[test]
fn a_bought_chain_key_is_replaced_once_everybody_trusts_the_new_certificate() {
    let mut scene = Scene::new();
    // The registrar of this test bought its keys: what the operator made stands in for a pair from a certificate authority.
    let bought = |scene: &mut Scene, secret: &str, trust: Option<&str>| {
        scene.spec(|spec| {
            let registrar = spec.registrar.as_mut().unwrap();
            (registrar.managed, registrar.secret_name) = (None, Some(secret.to_owned()));
            spec.trust = trust.map(|pem| serde_json::from_value(json!({"certificates": [pem]})).unwrap());
        });
    };
    scene.keys(&[1, 2]);
    scene.converge();
    scene.keys(&[1]);
    let (old, new) = (scene.chain(1), scene.chain(2));
    let next = scene.edge.observed.identities.remove(&chain_key(2)).unwrap();
    let next_key = scene.edge.keys.remove(&chain_key(2)).unwrap();
    bought(&mut scene, "bought-2026", None);
    assert_eq!(waits_for(&scene.settle()), None);
    // The Secret changes without a word about the old certificate, under which everybody lives.
    let first = scene.edge.observed.identities.insert(chain_key(1), next).unwrap();
    let first_key = scene.edge.keys.insert(chain_key(1), next_key).unwrap();
    bought(&mut scene, "bought-2036", None);
    let plan = scene.converge();
    let ready = consortium(&plan).condition(ConditionType::Ready).unwrap();
    assert_eq!(ready.reason, Reason::RolloverWaits, "{}", ready.message);
    assert!(
        ready.message.contains("agency-a, agency-b, agency-c, agency-d"),
        "{}",
        ready.message
    );
    scene.everybody_takes_up();
    assert!(
        scene.taken_up.values().all(|it| it.trusted == [old.clone()]),
        "nothing changed"
    );
    // With the old one listed, everybody is given both before the new one signs.
    bought(&mut scene, "bought-2036", Some(&old));
    let plan = scene.converge();
    assert_eq!(signs(&plan), fingerprint(&old));
    assert!(waits_for(&plan).unwrap().contains("does not sign yet"));
    let plan = scene.settle();
    assert_eq!((signs(&plan), waits_for(&plan)), (fingerprint(&new).as_str(), None));
    bought(&mut scene, "bought-2036", None);
    let plan = scene.settle();
    assert_eq!(consortium(&plan).facts.trusted.len(), 1);
    drop((first, first_key));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64), failure_persistence: None, ..ProptestConfig::default() })]

    /// Nodes take their files up in any order and as late as they like, and the spec changes whenever it does: `take_up` looks at
    /// every pair of nodes after every event.
    #[test]
    fn no_node_is_ever_a_stranger_to_another(
        events in proptest::collection::vec(0_usize..12, 0..60),
        changes in (0_usize..30, 0_usize..60),
    ) {
        let mut scene = Scene::new();
        let nodes = scene.nodes();
        for (at, event) in events.into_iter().enumerate() {
            if at == changes.0 {
                scene.keys(&[1, 2]);
            }
            if at == changes.0.max(changes.1) {
                scene.keys(&[2]);
            }
            match nodes.get(event) {
                Some(node) => scene.take_up(node),
                None => drop(scene.edge.converge(&scene.all, "trade", now())),
            }
        }
        scene.keys(&[1, 2]);
        scene.settle();
        scene.keys(&[2]);
        let plan = scene.settle();
        prop_assert_eq!(waits_for(&plan), None);
        prop_assert_eq!(consortium(&plan).facts.trusted.len(), 1);
    }
}
