//! A contract works where the EVM hashes as its compiler did (`fixtures/evm_hash` says who made the two).

use alloy_primitives::hex;
use alloy_sol_types::{SolCall, sol};
use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_execution::status;
use althing_types::genesis::EvmHash;
use althing_types::{Bytes, HashFn, U256};

use super::support::*;
use super::system::Chain;

sol! {
    function push(uint256 value);
    function list(uint256 index) view returns (uint256);
}

/// Code made by Solidity's own compiler.
const STOCK: &str = include_str!("../fixtures/evm_hash/stock.hex");
/// Code made by FISCO's compiler of the SM edition.
const OF_SM: &str = include_str!("../fixtures/evm_hash/ledger.hex");

/// A call as a compiler makes it whose hash this is.
pub(crate) fn called<C: SolCall>(hash: HashFn, call: &C) -> Vec<u8> {
    let mut input = call.abi_encode();
    input.splice(..4, hash(C::SIGNATURE.as_bytes())[..4].iter().copied());
    input
}

/// Deploys a contract, puts 7 into its empty array, and reads it back.
fn pushed_and_read(creation: &str, hash: HashFn) -> U256 {
    let mut chain = Chain::new();
    let (status, _, executed) = chain.transact(sender(7), None, hex::decode(creation.trim()).unwrap());
    assert_eq!(status, status::OK);
    let contract = executed.receipts[0].contract_address().unwrap();
    let mut ask = |input: Vec<u8>| -> Bytes {
        let (status, output, _) = chain.call(sender(7), contract, input);
        assert_eq!(status, status::OK);
        output
    };
    let value = U256::from(7);
    ask(called(hash, &pushCall { value }));
    let index = U256::ZERO;
    listCall::abi_decode_returns(&ask(called(hash, &listCall { index }))).unwrap()
}

/// The compiler writes the place of an array's elements into the code where it can, and has the EVM hash where it cannot: what the one
/// wrote, the other does not find. That is why Keccak-256 is the default, also of the SM edition.
#[test]
fn an_array_holds_what_was_put_into_it_where_the_evm_hashes_as_the_compiler_did_and_silently_0_where_not() {
    let (seven, nothing) = (U256::from(7), U256::ZERO);
    let (stock, of_sm) = match KIND.evm_hash {
        EvmHash::Keccak256 => (seven, nothing),
        EvmHash::Sm3 => (nothing, seven),
    };
    assert_eq!(pushed_and_read(STOCK, StandardSuite.hash_fn()), stock);
    assert_eq!(pushed_and_read(OF_SM, SmSuite.hash_fn()), of_sm);
}
