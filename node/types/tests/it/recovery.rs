//! `group.N.recovery`: what is written is read again, and nothing else is.

use althing_types::recovery::{AccountSignatureBytes, AccountSignatureLength, parse_recovery, render_recovery};
use althing_types::{B256, GroupId, NodeId, Recovery, SealerSet};
use proptest::prelude::*;

fn hash(bytes: &[u8]) -> B256 {
    alloy_primitives::keccak256(bytes)
}

fn recovery() -> Recovery {
    Recovery {
        genesis: B256::repeat_byte(1),
        group: GroupId::try_from(2).unwrap(),
        height: 41,
        block: B256::repeat_byte(3),
        replaces: None,
        sealers: SealerSet::new(vec![NodeId::new([9; 64]), NodeId::new([4; 64])]),
        signatures: vec![[7; 65].into(), [8; 128].into()],
    }
}

#[test]
fn a_recovery_reads_back_from_its_text_and_from_its_bytes() {
    let replacing = Recovery {
        replaces: Some(B256::repeat_byte(8)),
        signatures: vec![],
        ..recovery()
    };
    for recovery in [recovery(), replacing] {
        let text = render_recovery(&recovery);
        assert_eq!(
            parse_recovery("group.2.recovery", &text),
            Ok(recovery.clone()),
            "{text}"
        );
        assert_eq!(Recovery::decode(&recovery.encode()), Ok(recovery));
    }
}

#[test]
fn what_is_signed_is_everything_but_the_signatures() {
    let first = recovery();
    let digest = first.digest(hash);
    let signed_by_more = Recovery {
        signatures: vec![[9; 65].into()],
        ..first.clone()
    };
    assert_eq!(signed_by_more.digest(hash), digest);
    let others = [
        Recovery {
            genesis: B256::ZERO,
            ..first.clone()
        },
        Recovery {
            group: GroupId::try_from(3).unwrap(),
            ..first.clone()
        },
        Recovery {
            height: 42,
            ..first.clone()
        },
        Recovery {
            block: B256::ZERO,
            ..first.clone()
        },
        Recovery {
            replaces: Some(B256::ZERO),
            ..first.clone()
        },
        Recovery {
            sealers: SealerSet::new(vec![NodeId::new([4; 64])]),
            ..first
        },
    ];
    for other in others {
        assert_ne!(other.digest(hash), digest, "{other:?}");
    }
}

#[test]
fn signatures_are_added_in_any_order_and_none_twice() {
    let (mut a, mut b) = (recovery(), recovery());
    a.add_signatures([[5; 65].into(), [6; 128].into()]);
    b.add_signatures([[6; 128].into(), [7; 65].into(), [5; 65].into()]);
    assert_eq!(a, b);
    let sorted = [[5; 65].into(), [6; 128].into(), [7; 65].into(), [8; 128].into()];
    assert_eq!(a.signatures, sorted);
}

#[test]
fn what_is_no_recovery_is_refused_with_file_key_found_and_accepted() {
    let text = render_recovery(&recovery());
    let node = "04".repeat(64);
    let cases = [
        (
            "format=althing/recovery/v1",
            "format=v2",
            ["[recovery] format", "v2", "althing/recovery/v1"],
        ),
        ("group=2", "group=0", ["[recovery] group", "\"0\"", "1 to 32767"]),
        ("height=41", "height=-1", ["[recovery] height", "-1", "a whole number"]),
        ("height=41\n", "", ["[recovery] height", "is missing", "newest block"]),
        ("block=0x03", "block=03", ["[recovery] block", "03", "64 hex digits"]),
        ("node.0=04", "node.0=zz", ["[sealers] node.0", "zz", "128 hex digits"]),
        (
            "signature.0=0x07",
            "signature.0=0x",
            ["[signatures] signature.0", "0x", "130 or 256 hex digits"],
        ),
        (
            "[signatures]",
            "[sealer]",
            ["[sealer]", "unknown section", "signatures"],
        ),
    ];
    for (from, to, words) in cases {
        let error = parse_recovery("group.2.recovery", &text.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        for word in words.iter().chain(&["group.2.recovery"]) {
            assert!(error.contains(word), "{to}: {error:?} does not say {word:?}");
        }
    }
    let twice = text.replacen(&"09".repeat(64), &node, 1);
    let error = parse_recovery("group.2.recovery", &twice).unwrap_err().to_string();
    assert!(error.contains("ascending, none twice"), "{error}");
}

#[test]
fn a_signature_of_another_length_than_an_edition_has_is_refused_by_its_length() {
    for length in [0, 1, 64, 66, 127, 129] {
        let found = AccountSignatureBytes::try_from(&vec![8; length][..]);
        assert_eq!(found, Err(AccountSignatureLength(length)));
    }
    let text = render_recovery(&recovery());
    let longer = text.replacen(&"08".repeat(128), &"08".repeat(129), 1);
    let error = parse_recovery("group.2.recovery", &longer).unwrap_err().to_string();
    assert!(error.contains("130 or 256 hex digits"), "{error}");
}

#[test]
fn a_document_with_as_many_sealers_and_signatures_as_there_may_be_fits_its_bound() {
    let node = |number: u8| NodeId::new([number; 64]);
    let whole = Recovery {
        sealers: SealerSet::new((0..=255).map(node).collect()),
        signatures: (0..=255).map(|number| [number; 128].into()).collect(),
        ..recovery()
    };
    assert_eq!(Recovery::decode(&whole.encode()), Ok(whole));
}

#[test]
fn bytes_above_the_bound_or_with_a_sealer_twice_are_refused() {
    assert!(
        Recovery::decode(&vec![0; 1 << 20])
            .unwrap_err()
            .to_string()
            .contains("at most 65536")
    );
    let mut bytes = recovery().encode();
    let at = bytes.windows(64).position(|window| window == [9; 64]).unwrap();
    bytes[at..at + 64].copy_from_slice(&[4; 64]);
    assert!(Recovery::decode(&bytes).unwrap_err().to_string().contains("ascend"));
}

proptest! {
    #[test]
    fn any_bytes_are_a_recovery_that_encodes_to_them_or_an_error(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = recovery().encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(found) = Recovery::decode(&bytes) {
            prop_assert_eq!(found.encode(), bytes.clone());
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Recovery::decode(&bytes).is_err());
    }
}
