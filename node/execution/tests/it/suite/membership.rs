//! GOVERNANCE.md 1 where calls are executed: what is no call of it, and what is too old at its block.

use alloy_sol_types::SolCall;
use althing_execution::{CHAIN_GOVERNANCE, CONSENSUS, alive_call, alive_digest};
use althing_governance::abi::{askLeaseCall, returnLeaseCall, voteRoleCall, withdrawRoleCall};
use althing_governance::{Role, VOTE_BLOCKS};
use althing_types::B256;

use super::support::sender;
use super::support::suite;
use super::system::{
    BLOCK, Chain, GENESIS, NEWEST, NOW, grantCommitteeMemberCall, key, node, observer, revokeCommitteeMemberCall,
    updateCommitteeMemberWeightCall,
};

fn vote(node: &str, role: u8) -> Vec<u8> {
    let call = voteRoleCall {
        node: node.to_owned(),
        role,
        number: 1,
        force: false,
        seen: NEWEST,
    };
    call.abi_encode()
}

#[test]
fn a_node_id_of_the_wrong_form_is_refused_in_every_call_that_names_a_node() {
    let mut chain = Chain::new();
    let before = chain.group();
    for bad in [
        "",
        "node-0",
        &"a".repeat(127),
        &"a".repeat(129),
        &"g".repeat(128),
        &"ä".repeat(64),
    ] {
        let node = bad.to_owned();
        let lease = askLeaseCall {
            node: node.clone(),
            reason: "upgrade".to_owned(),
            untilMs: u64::MAX,
            pause: false,
            askedIn: 0,
        };
        let calls = [
            vote(bad, 1),
            withdrawRoleCall {
                node: node.clone(),
                votedIn: 1,
            }
            .abi_encode(),
            lease.abi_encode(),
            returnLeaseCall { node, askedIn: 1 }.abi_encode(),
        ];
        for call in calls {
            let told = chain.told(1, call);
            assert_eq!(
                told,
                (-51_100, "no nodeID: 128 hex digits are accepted".to_owned()),
                "{bad}"
            );
        }
    }
    assert_eq!(chain.group(), before);
}

#[test]
fn a_role_that_there_is_not_is_refused() {
    let mut chain = Chain::new();
    let (code, reason) = chain.told(1, vote(&node(7).to_string(), 3));
    assert_eq!(code, -50_000);
    assert!(reason.contains("0 is free, 1 observer, 2 sealer"), "{reason}");
    assert!(chain.group().votes().is_empty());
}

#[test]
fn who_has_no_seat_neither_votes_nor_withdraws_nor_takes_a_lease() {
    let mut chain = Chain::new();
    assert_eq!(chain.told(1, vote(&node(7).to_string(), 1)).0, 0);
    let before = chain.group();
    let named = node(1).to_string();
    let lease = askLeaseCall {
        node: named,
        reason: "upgrade".to_owned(),
        untilMs: (NOW + chain.height + 60) * 1_000,
        pause: false,
        askedIn: 0,
    };
    for call in [
        vote(&node(7).to_string(), 1),
        withdrawRoleCall {
            node: node(7).to_string(),
            votedIn: chain.height,
        }
        .abi_encode(),
        lease.abi_encode(),
    ] {
        let (code, reason) = chain.told(9, call);
        assert_eq!(code, -50_000);
        assert!(
            reason.contains("has no seat in the committee of this group"),
            "{reason}"
        );
    }
    assert_eq!(chain.group(), before);
}

#[test]
fn a_vote_that_is_too_old_at_the_block_of_the_next_one_does_not_count() {
    for (blocks, passes) in [(VOTE_BLOCKS, false), (VOTE_BLOCKS - 1, true)] {
        let mut chain = Chain::new();
        assert_eq!(chain.code(1, CONSENSUS, observer(7)), 0);
        let first = chain.height;
        assert_eq!(chain.code(2, CONSENSUS, observer(7)), 0);
        // A call is in the block after the height that the scene has reached.
        chain.height = first + blocks - 1;
        assert_eq!(chain.code(3, CONSENSUS, observer(7)), i64::from(passes), "{blocks}");
        assert_eq!(chain.group().role(&node(7)) == Role::Observer, passes);
    }
}

#[test]
fn a_proof_of_life_of_another_ledger_or_with_a_spoilt_signature_proves_nothing() {
    let mut chain = Chain::new();
    let height = chain.height;
    let signed = |genesis: &B256| key(1).sign(&alive_digest(suite().hash_fn(), genesis, &node(1), height, &BLOCK));
    let other_ledger = signed(&B256::repeat_byte(4)).to_vec();
    for signature in [
        other_ledger,
        vec![],
        vec![0; 64],
        vec![0xff; 64],
        vec![7; 65],
        vec![1; 4_096],
    ] {
        let (code, reason) = chain.told(9, alive_call(&node(1), height, BLOCK, &signature).to_vec());
        assert_eq!(code, -50_000);
        assert!(reason.contains("not signed by the node"), "{reason}");
    }
    let call = alive_call(&node(1), height, BLOCK, &signed(&GENESIS));
    assert_eq!(chain.told(9, call.to_vec()), (1, String::new()));
}

#[test]
fn a_seat_is_given_weighed_and_taken_by_votes_through_fisco_s_contract() {
    let mut chain = Chain::new();
    let by_three =
        |chain: &mut Chain, call: Vec<u8>| [1, 2, 3].map(|seat| chain.code(seat, CHAIN_GOVERNANCE, call.clone()));
    let user = sender(8);
    assert_eq!(
        by_three(&mut chain, grantCommitteeMemberCall { user }.abi_encode()),
        [0, 0, 1]
    );
    assert_eq!(chain.group().seats().get(&user), Some(&1));
    // Three of five are above half.
    let weight = alloy_primitives::I256::unchecked_from(3);
    let heavier = updateCommitteeMemberWeightCall { user, weight }.abi_encode();
    assert_eq!(by_three(&mut chain, heavier), [0, 0, 1]);
    assert_eq!(chain.group().seats().get(&user), Some(&3));
    // Three of seven are not, and the seat itself votes it out with one more.
    assert_eq!(
        by_three(&mut chain, revokeCommitteeMemberCall { user }.abi_encode()),
        [0, 0, 0]
    );
    let code = chain.code(4, CHAIN_GOVERNANCE, revokeCommitteeMemberCall { user }.abi_encode());
    assert_eq!((code, chain.group().seats().len(), chain.group().epoch()), (1, 4, 3));
}
