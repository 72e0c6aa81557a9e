//! Transactions of clients on their way into the pool.

use std::sync::Arc;

use althing_execution::{InvalidReason, SenderError};
use althing_rpc::backend::{BoxFuture, SubmitError};
use althing_types::{B256, Bytes};

use crate::group::Group;
use crate::txpool::{Origin, PoolError};

/// Recovers the senders in parallel and answers in order. The work waits on a thread of its own, so that a group whose disk
/// hangs holds up neither the runtime nor the parallel pool that all groups share.
pub(super) fn submit(
    group: Arc<Group>,
    transactions: Vec<Bytes>,
) -> BoxFuture<'static, Vec<Result<B256, SubmitError>>> {
    let count = transactions.len();
    let submitted = tokio::task::spawn_blocking(move || {
        let state = group.ledger().state_latest();
        let answers = group.pool().submit(transactions, Origin::Client, &state);
        answers
            .into_iter()
            .map(|answer| {
                answer.map_err(|error| {
                    group.metrics().pool_refused(error.reason());
                    refusal(error)
                })
            })
            .collect()
    });
    Box::pin(async move {
        let lost = || vec![Err(SubmitError::NotReady("the node is stopping".to_owned())); count];
        submitted.await.unwrap_or_else(|_| lost())
    })
}

fn refusal(error: PoolError) -> SubmitError {
    match error {
        PoolError::AlreadyKnown => SubmitError::AlreadyKnown,
        PoolError::NonceTooFar { next, found, .. } => SubmitError::NonceTooHigh { next, found },
        PoolError::ReplacementUnderpriced => SubmitError::ReplacementUnderpriced,
        PoolError::Full => SubmitError::PoolFull,
        PoolError::NotReady(why) | PoolError::State(why) => SubmitError::NotReady(why),
        PoolError::RandomIdWaits(id) => SubmitError::RandomIdUsed(id),
        PoolError::Invalid(reason) => invalid(reason),
        PoolError::Decode(error) => SubmitError::Malformed(error.to_string()),
        PoolError::Sender(SenderError::ChainId { found, expected }) => SubmitError::ChainId {
            found,
            accepted: expected,
        },
        PoolError::Sender(error @ SenderError::Signature(_)) => SubmitError::Signature(error.to_string()),
        PoolError::Unprotected { .. } | PoolError::TipAboveCap => SubmitError::Invalid(error.to_string()),
    }
}

fn invalid(reason: InvalidReason) -> SubmitError {
    match reason {
        InvalidReason::NonceTooLow { transaction, account } => SubmitError::NonceTooLow {
            next: account,
            found: transaction,
        },
        InvalidReason::ChainId { found, expected } => SubmitError::ChainId {
            found,
            accepted: expected,
        },
        InvalidReason::GroupId { found, expected } => SubmitError::GroupId {
            found,
            accepted: expected,
        },
        InvalidReason::BlockLimit { found, first, last } => SubmitError::BlockLimit { found, first, last },
        InvalidReason::RandomIdUsed(id) => SubmitError::RandomIdUsed(id),
        InvalidReason::GasLimit { found, accepted } => SubmitError::GasOverLimit { found, limit: accepted },
        InvalidReason::IntrinsicGas { found, needed } => SubmitError::IntrinsicGas { found, needed },
        InvalidReason::InsufficientFunds { balance, value } => SubmitError::InsufficientFunds { balance, cost: value },
        other => SubmitError::Invalid(other.to_string()),
    }
}
