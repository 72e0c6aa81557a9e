//! Fees: none. The methods exist, because clients without them guess a price of their own.

use serde::Serialize;

use crate::error::RpcError;
use crate::session::{Answer, Call};
use crate::types::{BlockSelector, Quantity};

/// Percentiles one request may ask for, as in go-ethereum.
const PERCENTILES_MAX: usize = 100;

/// `eth_gasPrice`, `eth_maxPriorityFeePerGas`.
pub(super) fn zero(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(0))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    oldest_block: Quantity,
    base_fee_per_gas: Vec<Quantity>,
    gas_used_ratio: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<Vec<Vec<Quantity>>>,
}

/// `eth_feeHistory`: zeros, and how full the blocks were.
pub(super) fn history(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let count = block_count(call)?.min(call.limits().fee_history_blocks);
    let newest = call
        .arguments
        .required::<BlockSelector>(1, "newest block")?
        .resolve(&*group)?;
    let percentiles: Option<Vec<f64>> = call.arguments.optional(2, "reward percentiles")?;
    check(percentiles.as_deref().unwrap_or_default())?;
    if count == 0 {
        let none = FeeHistory {
            oldest_block: Quantity(0),
            base_fee_per_gas: vec![],
            gas_used_ratio: vec![],
            reward: None,
        };
        return call.answer(&none);
    }
    let oldest = (newest + 1).saturating_sub(count);
    let mut gas_used_ratio = Vec::new();
    for height in oldest..=newest {
        let view = group.header(height)?.ok_or_else(|| RpcError::no_block(height))?;
        gas_used_ratio.push(view.header.gas_used as f64 / view.header.gas_limit.max(1) as f64);
    }
    let blocks = gas_used_ratio.len();
    call.answer(&FeeHistory {
        oldest_block: Quantity(oldest),
        base_fee_per_gas: vec![Quantity(0); blocks + 1],
        gas_used_ratio,
        reward: percentiles.map(|percentiles| vec![vec![Quantity(0); percentiles.len()]; blocks]),
    })
}

/// The count as hex, as a number, or as a decimal string: clients send all three.
fn block_count(call: &Call<'_>) -> Result<u64, RpcError> {
    if let Ok(text) = call.arguments.required::<&str>(0, "block count")
        && let Ok(count) = text.parse()
    {
        return Ok(count);
    }
    Ok(call.arguments.required::<Quantity>(0, "block count")?.0)
}

fn check(percentiles: &[f64]) -> Result<(), RpcError> {
    let found = percentiles.len();
    if found > PERCENTILES_MAX {
        return Err(RpcError::invalid(format!(
            "{found} reward percentiles are asked for, at most {PERCENTILES_MAX}"
        )));
    }
    let ascending = percentiles.is_sorted() && percentiles.iter().all(|p| (0.0..=100.0).contains(p));
    match ascending {
        true => Ok(()),
        false => Err(RpcError::invalid(
            "reward percentiles are ascending numbers from 0 to 100",
        )),
    }
}
