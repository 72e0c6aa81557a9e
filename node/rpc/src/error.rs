//! What a client is told when it gets no result: codes and texts that Ethereum's and FISCO's tools know.

use jsonrpsee::types::ErrorObjectOwned;

use crate::backend::{BackendError, CallFailure, GroupUnavailable, SubmitError};

/// The request is no JSON-RPC request.
pub(crate) const INVALID_REQUEST: i32 = -32600;
/// There is no such method.
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are wrong.
pub(crate) const INVALID_PARAMS: i32 = -32602;
/// The node failed.
pub(crate) const INTERNAL: i32 = -32603;
/// Ethereum's catch-all; tools match the text.
pub(crate) const SERVER: i32 = -32000;
/// Something named does not exist (EIP-1474).
pub(crate) const NOT_FOUND: i32 = -32001;
/// Not available now, or not in time (EIP-1474).
pub(crate) const UNAVAILABLE: i32 = -32002;
/// The group cannot do that (EIP-1474).
pub(crate) const UNSUPPORTED: i32 = -32004;
/// More than a limit allows (EIP-1474).
pub(crate) const LIMIT_EXCEEDED: i32 = -32005;
/// The client may not ask that (EIP-1193's number for it).
pub(crate) const UNAUTHORIZED: i32 = 4100;
/// The request is too long, as the transport numbers it.
pub(crate) const OVERSIZED: i32 = -32007;
/// `REVERT`, with the revert data.
const REVERTED: i32 = 3;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub(crate) struct RpcError {
    /// The JSON-RPC code.
    pub(crate) code: i32,
    /// The text.
    pub(crate) message: String,
    /// The data; always a string, since some clients fail on an object.
    pub(crate) data: Option<String>,
}

impl RpcError {
    /// An error without data.
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Wrong parameters.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// Beyond a limit.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(LIMIT_EXCEEDED, message)
    }

    /// No such method.
    pub(crate) fn no_method(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        Self::new(
            METHOD_NOT_FOUND,
            format!("the method {name} does not exist/is not available"),
        )
    }

    /// No block for what the client named.
    pub(crate) fn no_block(what: impl std::fmt::Display) -> Self {
        Self::new(SERVER, format!("header not found: {what}"))
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code, error.message, error.data)
    }
}

impl From<BackendError> for RpcError {
    fn from(error: BackendError) -> Self {
        let code = match &error {
            BackendError::Pruned { .. } | BackendError::UnknownBlock(_) => SERVER,
            BackendError::Unsupported(_) => UNSUPPORTED,
            BackendError::TooManyResults { .. } => LIMIT_EXCEEDED,
            BackendError::Cancelled | BackendError::NotReady(_) => UNAVAILABLE,
            BackendError::Internal(_) => INTERNAL,
        };
        Self::new(code, error.to_string())
    }
}

impl From<SubmitError> for RpcError {
    fn from(error: SubmitError) -> Self {
        let code = match &error {
            SubmitError::NotReady(_) => UNAVAILABLE,
            _ => SERVER,
        };
        Self::new(code, error.to_string())
    }
}

impl From<GroupUnavailable> for RpcError {
    fn from(error: GroupUnavailable) -> Self {
        let code = match error {
            GroupUnavailable::Missing(_) | GroupUnavailable::NotMember(_) => NOT_FOUND,
            GroupUnavailable::NotReady(_) => UNAVAILABLE,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CallFailure> for RpcError {
    /// go-ethereum's form, the only one that ethers, viem, web3.js and web3.py all decode.
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Reverted { output, reason, .. } => Self {
                code: REVERTED,
                message: match reason {
                    Some(reason) => format!("execution reverted: {reason}"),
                    None => "execution reverted".to_owned(),
                },
                data: Some(output.to_string()),
            },
            CallFailure::Halted { reason, .. } | CallFailure::Refused(reason) => Self::new(SERVER, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use althing_types::Bytes;

    use super::*;

    #[test]
    fn a_revert_carries_its_reason_as_text_and_its_data_as_a_hex_string() {
        let output = Bytes::from_static(&[1, 2, 3]);
        for (reason, message) in [
            (Some("too little".to_owned()), "execution reverted: too little"),
            (None, "execution reverted"),
        ] {
            let error = RpcError::from(CallFailure::Reverted {
                output: output.clone(),
                reason,
                gas_used: 1,
                status: 22,
            });
            assert_eq!((error.code, error.message.as_str()), (3, message));
            assert_eq!(error.data, Some(output.to_string()));
        }
    }
}
