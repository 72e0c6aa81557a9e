//! 0x5006: hashes of both editions, and SM2 (FISCO BCOS 2.x, `CryptoPrecompiled`). Nothing of it reads or writes state, and it is the
//! same in both editions. The gas is taken before the work is done.

use alloy_primitives::keccak256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_crypto::{AccountSignature, Signer, SmSuite, Suite};
use althing_types::{Address, U256};
use revm::interpreter::{Gas, InstructionResult};

use super::consensus::selector;
use super::{Failure, charge};

sol! {
    interface Crypto {
        function sm3(bytes data) view returns (bytes32);
        /// FISCO called it `keccak256` at first, which Solidity has a function of.
        function keccak256Hash(bytes data) view returns (bytes32);
        function keccak256(bytes data) view returns (bytes32);
        /// `message` is what was signed, which SM2 hashes once more; the key is 64 bytes. Who signed is 0 where nobody did.
        function sm2Verify(bytes32 message, bytes publicKey, bytes32 r, bytes32 s) view returns (bool, address);
    }
}

use Crypto::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = CryptoCalls::SIGNATURES;

/// Gas of a call, and of 32 bytes of its input: what Ethereum's precompiled SHA-256 costs.
const CALL_GAS: u64 = 60;
const WORD_GAS: u64 = 12;
/// Gas of a verification, which takes 55 µs: a block of 3·10^8 gas that is full of them takes about a quarter of a round (LEDGER.md 2).
const SM2_VERIFY_GAS: u64 = 20_000;

pub(super) fn call(input: &[u8], gas: &mut Gas) -> Result<Vec<u8>, Failure> {
    let words = input.len().div_ceil(32) as u64;
    charge(gas, CALL_GAS.saturating_add(words.saturating_mul(WORD_GAS)))?;
    let unknown = |_| Failure::Halt(InstructionResult::PrecompileError);
    match selector(input) {
        Some(sm3Call::SELECTOR) => {
            let data = sm3Call::abi_decode(input).map_err(unknown)?.data;
            Ok((SmSuite.hash_fn())(&data).abi_encode())
        }
        Some(keccak256HashCall::SELECTOR) => {
            let data = keccak256HashCall::abi_decode(input).map_err(unknown)?.data;
            Ok(keccak256(data).abi_encode())
        }
        Some(keccak256Call::SELECTOR) => {
            let data = keccak256Call::abi_decode(input).map_err(unknown)?.data;
            Ok(keccak256(data).abi_encode())
        }
        Some(sm2VerifyCall::SELECTOR) => {
            charge(gas, SM2_VERIFY_GAS)?;
            let call = sm2VerifyCall::abi_decode(input).map_err(unknown)?;
            let account = signer(&call);
            Ok((account.is_some(), account.unwrap_or_default()).abi_encode_params())
        }
        _ => Err(Failure::Halt(InstructionResult::PrecompileError)),
    }
}

/// Who signed: the account of the key, if the signature is one by it.
fn signer(call: &sm2VerifyCall) -> Option<Address> {
    let key = <[u8; 64]>::try_from(call.publicKey.as_ref()).ok()?;
    let signature = AccountSignature {
        r: U256::from_be_bytes(call.r.0),
        s: U256::from_be_bytes(call.s.0),
        signer: Signer::PublicKey(key),
    };
    SmSuite.recover_account(&call.message, &signature).ok()
}
