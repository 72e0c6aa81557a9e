//! Why a write failed, for people and for metric labels.

use std::time::Duration;

/// A write that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The API server refuses it as it is: another try will fail in the same way until something is changed.
    #[error("{what}: the API server refuses it: {why}")]
    Refused {
        /// What was written.
        what: String,
        /// What the API server said.
        why: String,
    },
    /// The operator may not do it.
    #[error("{what}: the operator may not: {why}; give its Role the verb the message names")]
    Forbidden {
        /// What was written.
        what: String,
        /// What the API server said.
        why: String,
    },
    /// Somebody else wrote at the same time, or what was written about is another object by now.
    #[error("{what}: it changed meanwhile: {why}")]
    Conflict {
        /// What was written.
        what: String,
        /// What the API server said.
        why: String,
    },
    /// The API server is overloaded, broken or away.
    #[error("{what}: the API server gives no answer: {why}; it is tried again")]
    Unavailable {
        /// What was written.
        what: String,
        /// What was seen.
        why: String,
    },
    /// No answer in time.
    #[error("{what}: no answer within {} s; it is tried again", .after.as_secs())]
    TimedOut {
        /// What was written.
        what: String,
        /// After how long.
        after: Duration,
    },
    /// An object of that name is there, and is not the operator's to write.
    #[error("{what} is there already, {by}; it is not touched: rename or remove one of the two")]
    NameTaken {
        /// What was to be written.
        what: String,
        /// Whose it is.
        by: String,
    },
    /// What a step needs is not there.
    #[error("{what}: {why}")]
    Missing {
        /// What was to be done.
        what: String,
        /// What it needs.
        why: String,
    },
}

impl WriteError {
    /// The closed set of metric labels.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "Refused",
            Self::Forbidden { .. } => "Forbidden",
            Self::Conflict { .. } => "Conflict",
            Self::Unavailable { .. } => "Unavailable",
            Self::TimedOut { .. } => "TimedOut",
            Self::NameTaken { .. } => "NameTaken",
            Self::Missing { .. } => "Missing",
        }
    }

    /// Whether people should see it on the object: a conflict is over with the next look.
    pub const fn is_for_people(&self) -> bool {
        !matches!(self, Self::Conflict { .. })
    }

    /// From what the client said.
    pub(super) fn of(what: &str, error: &kube::Error) -> Self {
        let what = what.to_owned();
        match error {
            kube::Error::Api(status) if status.is_forbidden() && !is_admission(&status.message) => Self::Forbidden {
                what,
                why: status.message.clone(),
            },
            kube::Error::Api(status) if status.is_conflict() || status.is_not_found() || status.is_already_exists() => {
                Self::Conflict {
                    what,
                    why: status.message.clone(),
                }
            }
            kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429 => Self::Refused {
                what,
                why: status.message.clone(),
            },
            kube::Error::Api(status) => Self::Unavailable {
                what,
                why: format!("{} {}", status.code, status.message),
            },
            other => Self::Unavailable {
                what,
                why: other.to_string(),
            },
        }
    }
}

/// Admission, quota and Pod Security answer 403 as well: that is about the object, not about the operator's rights.
fn is_admission(message: &str) -> bool {
    [
        "exceeded quota",
        "violates PodSecurity",
        "denied the request",
        "ValidatingAdmissionPolicy",
        "being terminated",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}
