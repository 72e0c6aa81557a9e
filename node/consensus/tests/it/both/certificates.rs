//! Certificates and votes.

use alloy_primitives::B256;
use althing_consensus::*;
use althing_types::SealerSet;

use super::house::*;
use super::suite;

const SLOT: Slot = Slot { height: 1, view: 0 };
const BLOCK: B256 = B256::repeat_byte(1);

#[test]
fn a_quorum_of_one_heights_sealers_certifies_and_nothing_less_does() {
    let house = House::new(4, 0);
    let check =
        |c: &althing_types::CommitCertificate, sealers: &SealerSet| verify_certificate(c, suite(), GENESIS, sealers);
    let sealers = house.sealers();
    let good = house
        .certificate(&[0, 1, 2], SLOT, Phase::Commit, BLOCK)
        .to_commit_certificate(&sealers);
    assert_eq!(check(&good, &sealers), Ok(()));

    let few = house
        .certificate(&[0, 1], SLOT, Phase::Commit, BLOCK)
        .to_commit_certificate(&sealers);
    assert_eq!(
        check(&few, &sealers),
        Err(CertificateError::TooFew {
            height: 1,
            found: 2,
            quorum: 3
        })
    );

    let mut twice = good.clone();
    twice.signatures[1] = twice.signatures[0].clone();
    assert_eq!(
        check(&twice, &sealers),
        Err(CertificateError::Unordered { height: 1, sealer: 0 })
    );

    let mut unsorted = good.clone();
    unsorted.signatures.swap(0, 2);
    assert!(matches!(
        check(&unsorted, &sealers),
        Err(CertificateError::Unordered { .. })
    ));

    let mut nobody = good;
    nobody.signatures[2].sealer = 4;
    assert_eq!(
        check(&nobody, &sealers),
        Err(CertificateError::NoSuchSealer {
            height: 1,
            sealer: 4,
            sealers: 4
        })
    );

    let prepares = house
        .certificate(&[0, 1, 2], SLOT, Phase::Prepare, BLOCK)
        .to_commit_certificate(&sealers);
    assert!(
        matches!(check(&prepares, &sealers), Err(CertificateError::Signature { .. })),
        "PREPAREs commit nothing"
    );
}

#[test]
fn validity_of_a_certificate_reads_only_the_sealer_set_of_its_height() {
    let house = House::new(4, 0);
    let certificate = house.certificate(&[0, 1, 2], SLOT, Phase::Commit, BLOCK);
    let stored = certificate.to_commit_certificate(&house.sealers());
    let other = SealerSet::new(house.ids[1..].to_vec());
    assert!(verify_certificate(&stored, suite(), GENESIS, &house.sealers()).is_ok());
    assert!(
        verify_certificate(&stored, suite(), GENESIS, &other).is_err(),
        "another height's set refuses it"
    );
    assert!(
        verify_certificate(&stored, suite(), B256::ZERO, &house.sealers()).is_err(),
        "and another ledger"
    );
    let empty = SealerSet::new(vec![]);
    assert!(
        verify_certificate(&stored, suite(), GENESIS, &empty).is_err(),
        "nobody certifies nothing"
    );
}

#[test]
fn a_vote_is_over_genesis_height_view_phase_and_block() {
    let house = House::new(4, 0);
    let good = Vote {
        slot: SLOT,
        phase: Phase::Prepare,
        block: BLOCK,
        by: house.by(1, SLOT, Phase::Prepare, BLOCK),
    };
    let check = |vote: Vote, genesis| verify_message(Message::Vote(vote), suite(), genesis).map(|_| ());
    assert_eq!(check(good, GENESIS), Ok(()));
    let changed = [
        Vote {
            slot: Slot { height: 2, view: 0 },
            ..good
        },
        Vote {
            slot: Slot { height: 1, view: 1 },
            ..good
        },
        Vote {
            phase: Phase::Commit,
            ..good
        },
        Vote {
            block: B256::ZERO,
            ..good
        },
        Vote {
            by: SignedBy {
                sealer: house.ids[2],
                ..good.by
            },
            ..good
        },
    ];
    for vote in changed {
        assert!(
            matches!(check(vote, GENESIS), Err(Refused::Signature { .. })),
            "{vote:?}"
        );
    }
    assert!(check(good, B256::ZERO).is_err(), "a vote of another ledger");
}

#[test]
fn a_certificate_inside_a_message_names_each_sealer_once() {
    let house = House::new(4, 0);
    let mut certificate = house.certificate(&[0, 1, 2], SLOT, Phase::Commit, BLOCK);
    certificate.votes[1] = certificate.votes[0];
    let message = Message::Committed(Committed {
        certificate: certificate.into(),
    });
    assert!(matches!(
        verify_message(message, suite(), GENESIS),
        Err(Refused::Unordered { .. })
    ));
}

#[test]
fn a_proof_belongs_to_the_message_around_it() {
    let house = House::new(4, 0);
    let at = Slot { height: 1, view: 2 };
    let claim = PreparedClaim { view: 0, block: BLOCK };
    let proof = |slot, block| Some(house.certificate(&[0, 1, 2], slot, Phase::Prepare, block).into());
    let message = |certificate| {
        let change = house.change(1, at, Some(claim));
        Message::RoundChange(Box::new(RoundChangeMessage {
            change,
            certificate,
            candidate: None,
        }))
    };
    let check = |message| verify_message(message, suite(), GENESIS).map(|_| ());
    assert_eq!(check(message(proof(SLOT, BLOCK))), Ok(()));
    for foreign in [
        proof(Slot { height: 1, view: 1 }, BLOCK),
        proof(SLOT, B256::ZERO),
        proof(Slot { height: 2, view: 0 }, BLOCK),
    ] {
        assert!(matches!(check(message(foreign)), Err(Refused::Foreign { .. })));
    }
}
