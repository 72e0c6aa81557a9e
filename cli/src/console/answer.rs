//! What commands answer.

use serde_json::Value;

use super::contract::Grant;

/// The answer to one command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// What was asked for.
    pub answer: Answer,
    /// What else the person should know; not part of the answer.
    pub note: Option<String>,
    /// Whether the answer is that it was not done.
    pub is_refused: bool,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            note: None,
            is_refused: false,
        }
    }
}

/// What was asked for, in the form in which it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// JSON over several lines.
    Json(Value),
    /// A number, a text or a list of them on one line.
    Line(Value),
    /// For people a text of our own making; for scripts a value.
    Text(String, Value),
    /// Accounts with what was granted to them, each with the name of its Agency.
    Grants(Vec<(Grant, Option<String>)>),
    /// A transaction that was carried out.
    Sent(Sent),
    /// There is nothing to answer with, in words for people.
    Nothing(&'static str),
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its hash.
    pub hash: String,
    /// Where it is one vote of those that are needed.
    pub vote: Option<Tally>,
}

/// How far a vote has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    /// The identity of the change.
    pub change: String,
    /// What is voted for.
    pub what: String,
    /// The weight of the votes for it.
    pub votes: u64,
    /// The weight that it needs.
    pub needed: u64,
    /// Who voted for it.
    pub voted: Vec<String>,
    /// Who did not.
    pub missing: Vec<String>,
    /// How it is looked at, and how others vote.
    pub next: String,
}
