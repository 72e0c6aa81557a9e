//! Who decides: the committee's seats, weights and threshold.

use super::{Kind, Parameter, Row, Section, Verb};
use crate::console::contract::{Function, View};

const ACCOUNT: Parameter = Parameter::new("account", Kind::Account);
const VOTES: &str = "A vote of this agency. When it passes, all open votes of the group are void.";

const fn vote(name: &'static str, parameters: &'static [Parameter], function: Function, summary: &'static str) -> Row {
    Row::new(Section::Governance, name, parameters, Verb::Send(function), summary).more(VOTES)
}

const fn read(name: &'static str, parameters: &'static [Parameter], view: View, summary: &'static str) -> Row {
    Row::new(Section::Governance, name, parameters, Verb::Read(view), summary)
}

pub(super) const ROWS: &[Row] = &[
    vote(
        "grantCommitteeMember",
        &[ACCOUNT],
        Function::GrantMember,
        "Votes for a seat of weight 1 for an account",
    ),
    vote(
        "revokeCommitteeMember",
        &[ACCOUNT],
        Function::RevokeMember,
        "Votes for taking a seat away",
    ),
    vote(
        "updateCommitteeMemberWeight",
        &[ACCOUNT, Parameter::new("weight", Kind::Weight)],
        Function::UpdateWeight,
        "Votes for another weight of a seat",
    ),
    vote(
        "updateThreshold",
        &[Parameter::new("threshold", Kind::Percent)],
        Function::UpdateThreshold,
        "Votes for the percentage of the weight above which changes pass",
    ),
    read(
        "listCommitteeMembers",
        &[],
        View::Members,
        "The accounts that have a seat",
    ),
    read(
        "queryCommitteeMemberWeight",
        &[ACCOUNT],
        View::MemberWeight,
        "The weight of a seat",
    ),
    read(
        "queryThreshold",
        &[],
        View::Threshold,
        "The percentage above which changes pass",
    ),
    read(
        "queryVotesOfMember",
        &[ACCOUNT],
        View::VotesOfMember,
        "The open votes on an account's seat",
    ),
    read(
        "queryVotesOfThreshold",
        &[],
        View::VotesOfThreshold,
        "The open votes on the threshold",
    ),
];
