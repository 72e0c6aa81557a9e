//! 0x1000: FISCO's system configuration (FISCO BCOS 2.x, `SystemConfigPrecompiled`; `getValueByKey` as 3.x has it). A seat's
//! call records its vote and returns 0, or passes the change and returns 1.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::{Governance, SystemConfig, Wish};

use super::consensus::{reply, selector, vote};
use super::{Reply, Surroundings};

sol! {
    interface Configuration {
        function setValueByKey(string key, string value) returns (int256);
        function getValueByKey(string key) view returns (string, int256);
    }
}

use Configuration::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = ConfigurationCalls::SIGNATURES;

/// FISCO's code for a key there is not, or a value that the key does not take.
const NO_SYSTEM_CONFIG: i32 = -51_300;

/// `in_force` is what the block under way is held to.
pub(super) fn call(
    governance: &mut Governance,
    around: &impl Surroundings,
    in_force: &SystemConfig,
    input: &[u8],
) -> Reply {
    match selector(input) {
        Some(setValueByKeyCall::SELECTOR) => match setValueByKeyCall::abi_decode(input) {
            // FISCO takes a key in any case.
            Ok(call) => reply(&vote(
                governance,
                around,
                Wish::Config(call.key.to_lowercase(), call.value),
            )),
            Err(_) => Reply::Unknown,
        },
        Some(getValueByKeyCall::SELECTOR) => match getValueByKeyCall::abi_decode(input) {
            Ok(call) => value(governance, in_force, &call.key.to_lowercase()),
            Err(_) => Reply::Unknown,
        },
        _ => Reply::Unknown,
    }
}

/// The value that was decided last, with the first block that is held to it; genesis' is of block 0.
fn value(governance: &Governance, in_force: &SystemConfig, key: &str) -> Reply {
    let voted = governance.setting(key);
    let voted = voted.map(|setting| (setting.value.clone(), setting.since));
    match voted.or_else(|| Some((in_force.text(key)?, 0))) {
        Some((value, since)) => Reply::View((value, I256::try_from(since).unwrap_or(I256::MAX)).abi_encode_params()),
        None => {
            let code = I256::try_from(NO_SYSTEM_CONFIG).unwrap_or_default();
            Reply::View((String::new(), code).abi_encode_params())
        }
    }
}
