//! The call object of `eth_call` and its family, and the overrides beside it. Unknown keys are accepted: tools send many.

use std::collections::BTreeMap;

use althing_types::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::backend::{AccountOverride, BlockOverrides, CallRequest, StateOverrides};
use crate::error::RpcError;
use crate::types::{Quantity, slot};

/// A call object.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CallArguments {
    from: Option<Address>,
    to: Option<Address>,
    gas: Option<Quantity>,
    gas_price: Option<U256>,
    max_fee_per_gas: Option<U256>,
    value: Option<U256>,
    input: Option<Bytes>,
    data: Option<Bytes>,
    nonce: Option<Quantity>,
    access_list: Option<Vec<AccessListItem>>,
    chain_id: Option<Quantity>,
}

/// A contract and its slots.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessListItem {
    address: Address,
    #[serde(default)]
    storage_keys: Vec<B256>,
}

impl CallArguments {
    /// The call for the chain with this id.
    pub(crate) fn request(self, chain_id: u64) -> Result<CallRequest, RpcError> {
        if let Some(Quantity(found)) = self.chain_id.filter(|id| id.0 != chain_id) {
            return Err(RpcError::invalid(format!(
                "chainId does not match node's (have={found}, want={chain_id})"
            )));
        }
        let input = match (self.input, self.data) {
            (Some(input), Some(data)) if input != data => {
                return Err(RpcError::invalid(
                    "both \"data\" and \"input\" are set and not equal; use \"input\"",
                ));
            }
            (input, data) => input.or(data).unwrap_or_default(),
        };
        let access_list = self.access_list.unwrap_or_default();
        Ok(CallRequest {
            from: self.from,
            to: self.to,
            gas: self.gas.map(|gas| gas.0),
            gas_price: self.gas_price.or(self.max_fee_per_gas),
            value: self.value.unwrap_or_default(),
            input,
            nonce: self.nonce.map(|nonce| nonce.0),
            access_list: access_list
                .into_iter()
                .map(|item| (item.address, item.storage_keys))
                .collect(),
        })
    }
}

/// The JSON form of an access list.
pub(crate) fn access_list_object(list: Vec<(Address, Vec<B256>)>) -> Vec<AccessListItem> {
    list.into_iter()
        .map(|(address, storage_keys)| AccessListItem { address, storage_keys })
        .collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AccountOverrideObject {
    balance: Option<U256>,
    nonce: Option<Quantity>,
    code: Option<Bytes>,
    state: Option<BTreeMap<String, B256>>,
    state_diff: Option<BTreeMap<String, B256>>,
    move_precompile_to_address: Option<Address>,
}

/// Reads state overrides, at most `limit` accounts and slots together.
pub(crate) fn state_overrides(
    objects: BTreeMap<Address, AccountOverrideObject>,
    limit: usize,
) -> Result<StateOverrides, RpcError> {
    let count = |object: &AccountOverrideObject| {
        1 + object.state.as_ref().map_or(0, BTreeMap::len) + object.state_diff.as_ref().map_or(0, BTreeMap::len)
    };
    let found: usize = objects.values().map(count).sum();
    if found > limit {
        return Err(RpcError::limit(format!(
            "the state overrides name {found} accounts and slots, at most {limit}"
        )));
    }
    objects
        .into_iter()
        .map(|(address, object)| Ok((address, account_override(address, object)?)))
        .collect()
}

fn account_override(address: Address, object: AccountOverrideObject) -> Result<AccountOverride, RpcError> {
    if object.move_precompile_to_address.is_some() {
        return Err(RpcError::invalid(format!(
            "account {address}: movePrecompileToAddress is not supported"
        )));
    }
    if object.state.is_some() && object.state_diff.is_some() {
        return Err(RpcError::invalid(format!(
            "account {address} has both 'state' and 'stateDiff'"
        )));
    }
    Ok(AccountOverride {
        balance: object.balance,
        nonce: object.nonce.map(|nonce| nonce.0),
        code: object.code,
        state: object.state.map(|slots| storage(address, slots)).transpose()?,
        state_diff: storage(address, object.state_diff.unwrap_or_default())?,
    })
}

fn storage(address: Address, slots: BTreeMap<String, B256>) -> Result<BTreeMap<U256, U256>, RpcError> {
    let read = |(key, value): (String, B256)| match slot(&key) {
        Some(key) => Ok((key, U256::from_be_bytes(value.0))),
        None => Err(RpcError::invalid(format!(
            "account {address}: a slot is hex of at most 32 bytes with 0x"
        ))),
    };
    slots.into_iter().map(read).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BlockOverridesObject {
    number: Option<Quantity>,
    #[serde(alias = "timestamp")]
    time: Option<Quantity>,
    gas_limit: Option<Quantity>,
    #[serde(alias = "coinbase")]
    fee_recipient: Option<Address>,
    #[serde(alias = "random")]
    prev_randao: Option<B256>,
    #[serde(alias = "baseFee")]
    base_fee_per_gas: Option<U256>,
    block_hash: Option<BTreeMap<String, B256>>,
}

/// Reads block overrides, at most `limit` block hashes.
pub(crate) fn block_overrides(object: BlockOverridesObject, limit: usize) -> Result<BlockOverrides, RpcError> {
    let hashes = object.block_hash.unwrap_or_default();
    if hashes.len() > limit {
        return Err(RpcError::limit(format!(
            "the block overrides name {} hashes, at most {limit}",
            hashes.len()
        )));
    }
    let height = |text: &str| Quantity::parse(text).or_else(|| text.parse().ok());
    let read = |(key, hash): (String, B256)| match height(&key) {
        Some(height) => Ok((height, hash)),
        None => Err(RpcError::invalid(
            "block overrides: a key of blockHash is a block number",
        )),
    };
    Ok(BlockOverrides {
        number: object.number.map(|n| n.0),
        timestamp: object.time.map(|n| n.0),
        gas_limit: object.gas_limit.map(|n| n.0),
        beneficiary: object.fee_recipient,
        prev_randao: object.prev_randao,
        base_fee: object.base_fee_per_gas,
        block_hashes: hashes.into_iter().map(read).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<CallRequest, RpcError> {
        serde_json::from_str::<CallArguments>(json).unwrap().request(17)
    }

    #[test]
    fn input_and_data_are_accepted_alone_together_and_with_keys_nobody_knows() {
        let expected = CallRequest {
            input: Bytes::from_static(&[1, 2]),
            ..Default::default()
        };
        for json in [
            r#"{"input":"0x0102"}"#,
            r#"{"data":"0x0102"}"#,
            r#"{"data":"0x0102","input":"0x0102","type":"0x2","chainId":"0x11","customData":{"a":[]}}"#,
        ] {
            assert_eq!(read(json).unwrap(), expected, "{json}");
        }
        assert!(read(r#"{"data":"0x01","input":"0x02"}"#).is_err());
        assert!(
            read(r#"{"chainId":"0x12"}"#)
                .unwrap_err()
                .message
                .contains("have=18, want=17")
        );
    }

    #[test]
    fn state_overrides_refuse_state_beside_state_diff_and_too_many_slots() {
        let read = |json: &str, limit| state_overrides(serde_json::from_str(json).unwrap(), limit);
        let account = Address::repeat_byte(1);
        let zero = B256::ZERO;
        let both = format!(r#"{{"{account}":{{"state":{{"0x0":"{zero}"}},"stateDiff":{{}}}}}}"#);
        assert!(
            read(&both, 10)
                .unwrap_err()
                .message
                .contains("both 'state' and 'stateDiff'")
        );
        let one = format!(r#"{{"{account}":{{"stateDiff":{{"0x1":"{zero}"}},"balance":"0x5"}}}}"#);
        assert_eq!(read(&one, 2).unwrap()[&account].balance, Some(U256::from(5)));
        assert_eq!(read(&one, 1).unwrap_err().code, crate::error::LIMIT_EXCEEDED);
    }
}
