//! Transactions of clients on their way into the pool.

use std::sync::Arc;

use althing_execution::InvalidReason;
use althing_rpc::backend::{BoxFuture, SubmitError};
use althing_types::{B256, Bytes};
use tokio::sync::oneshot;

use crate::group::Group;
use crate::txpool::{Origin, PoolError};

/// Recovers the senders on the parallel pool, off the runtime's threads, and answers in order.
pub(super) fn submit(
    group: Arc<Group>,
    transactions: Vec<Bytes>,
) -> BoxFuture<'static, Vec<Result<B256, SubmitError>>> {
    let (answer, answered) = oneshot::channel();
    let count = transactions.len();
    rayon::spawn(move || {
        let started = std::time::Instant::now();
        let state = group.ledger().state_latest();
        let answers = group.pool().submit(transactions, Origin::Client, &state);
        group.metrics().stage("submit", started.elapsed().as_secs_f64());
        let answers = answers
            .into_iter()
            .map(|answer| {
                answer.map_err(|error| {
                    group.metrics().pool_refused(error.reason());
                    refusal(error)
                })
            })
            .collect();
        // A client that hung up wants no answer.
        let _ = answer.send(answers);
    });
    Box::pin(async move {
        let lost = || vec![Err(SubmitError::NotReady("the node is stopping".to_owned())); count];
        answered.await.unwrap_or_else(|_| lost())
    })
}

fn refusal(error: PoolError) -> SubmitError {
    match error {
        PoolError::AlreadyKnown => SubmitError::AlreadyKnown,
        PoolError::NonceTooFar { next, found, .. } => SubmitError::NonceTooHigh { next, found },
        PoolError::ReplacementUnderpriced => SubmitError::ReplacementUnderpriced,
        PoolError::Full => SubmitError::PoolFull,
        PoolError::NotReady(why) | PoolError::State(why) => SubmitError::NotReady(why),
        PoolError::Invalid(reason) => invalid(reason),
        PoolError::Unprotected { .. } | PoolError::TipAboveCap | PoolError::Decode(_) | PoolError::Sender(_) => {
            SubmitError::Invalid(error.to_string())
        }
    }
}

fn invalid(reason: InvalidReason) -> SubmitError {
    match reason {
        InvalidReason::NonceTooLow { transaction, account } => {
            SubmitError::NonceTooLow { next: account, found: transaction }
        }
        InvalidReason::ChainId { found, expected } => SubmitError::ChainId { found, accepted: expected },
        InvalidReason::GasLimit { found, accepted } => SubmitError::GasOverLimit { found, limit: accepted },
        InvalidReason::IntrinsicGas { found, needed } => SubmitError::IntrinsicGas { found, needed },
        InvalidReason::InsufficientFunds { balance, value } => SubmitError::InsufficientFunds { balance, cost: value },
        other => SubmitError::Invalid(other.to_string()),
    }
}
