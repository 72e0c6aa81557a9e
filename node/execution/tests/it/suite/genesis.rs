//! The state of block 0.

use alloy_primitives::hex;
use althing_execution::memory::MemoryState;
use althing_execution::{
    CHAIN_GOVERNANCE, CONSENSUS, CREATE2_DEPLOYER, CRYPTO, GOVERNANCE, LIFE_CYCLE, MULTICALL3, PERMISSION,
    SYSTEM_CONFIG, SYSTEM_CONTRACTS, genesis_changes, status,
};
use althing_types::genesis::Predeploy;
use althing_types::{Address, B256, ChangeSet, Genesis, GroupId, NodeId, SealerSet, StateReader, U256};

use super::support::*;

pub(crate) fn genesis(predeploys: &[Predeploy]) -> Genesis {
    let sealers = SealerSet::new(vec![NodeId::new([1; 64])]);
    Genesis {
        evm_chain_id: CHAIN_ID,
        cryptography: KIND.cryptography,
        evm_hash: KIND.evm_hash,
        gas_limit: GAS,
        predeploys: predeploys.iter().copied().collect(),
        ..Genesis::with_defaults(20_260, GroupId::try_from(1).unwrap(), sealers).unwrap()
    }
}

fn changes(predeploys: &[Predeploy]) -> ChangeSet {
    genesis_changes(&genesis(predeploys), B256::repeat_byte(1))
}

#[test]
fn predeploys_are_there_when_genesis_asks_for_them() {
    let none = changes(&[]);
    assert!(!none.accounts.contains_key(&MULTICALL3) && !none.accounts.contains_key(&CREATE2_DEPLOYER));
    assert_eq!(none.accounts.len(), SYSTEM_CONTRACTS.len());
    assert_eq!(none.code.len(), 1);
    let both = changes(&[Predeploy::Multicall3, Predeploy::Create2]);
    assert_eq!(both.accounts.len(), SYSTEM_CONTRACTS.len() + 2);
    for account in both.accounts.values() {
        let account = account.unwrap();
        assert_eq!((account.nonce, account.balance), (1, U256::ZERO));
        assert!(both.code.contains_key(&account.code_hash));
    }
}

#[test]
fn multicall3_and_the_create2_deployer_work() {
    let state = MemoryState::new(&changes(&[Predeploy::Multicall3, Predeploy::Create2]));
    // getBlockNumber()
    let (status, output) = run_one(&state, &Tx::call(sender(1), 0, MULTICALL3, hex!("42cbb15c").to_vec()));
    assert_eq!((status, &output[..]), (status::OK, &word(1)[..]));
    let init = init_code(STORE);
    let (status, output) = run_one(
        &state,
        &Tx::call(sender(1), 0, CREATE2_DEPLOYER, [&word(4)[..], &init].concat()),
    );
    let expected = created2(CREATE2_DEPLOYER, word(4), &init);
    assert_eq!((status, Address::from_slice(&output)), (status::OK, expected));
}

#[test]
fn system_contract_addresses_carry_stub_code_that_never_looks_like_success() {
    let state = MemoryState::new(&changes(&[]));
    for address in SYSTEM_CONTRACTS {
        let there = [
            SYSTEM_CONFIG,
            CONSENSUS,
            PERMISSION,
            LIFE_CYCLE,
            CHAIN_GOVERNANCE,
            CRYPTO,
            GOVERNANCE,
        ];
        let is_there = there.contains(&address);
        let account = state.account(&address).unwrap().unwrap();
        assert_eq!(
            state.code(&account.code_hash).unwrap().len(),
            1,
            "Solidity's size check passes"
        );
        let (status, _) = run_one(&state, &Tx::call(sender(1), 0, address, words(&[1])));
        let expected = match is_there {
            true => status::PRECOMPILED_ERROR,
            false => status::BAD_INSTRUCTION,
        };
        assert_eq!(status, expected);
    }
}
