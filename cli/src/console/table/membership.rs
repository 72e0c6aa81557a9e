//! Who takes part, and what blocks are held to.

use super::{Kind, Parameter, Question, Row, Section, Shape, Verb};
use crate::console::contract::Function;

const NODE: &[Parameter] = &[Parameter::new("nodeId", Kind::NodeId)];
const KEY: Parameter = Parameter::new("key", Kind::Key);
const VOTES: &str =
    "A vote of this agency. Enough votes carry it out, step by step and only while a quorum proves to live.";

const fn role(name: &'static str, function: Function, summary: &'static str) -> Row {
    Row::new(Section::Membership, name, NODE, Verb::Send(function), summary).more(VOTES)
}

pub(super) const ROWS: &[Row] = &[
    role("addSealer", Function::AddSealer, "Votes for a node to seal"),
    role(
        "addObserver",
        Function::AddObserver,
        "Votes for a node to follow without sealing",
    ),
    role(
        "removeNode",
        Function::RemoveNode,
        "Votes for a node to leave the group",
    ),
    Row::new(
        Section::Configuration,
        "setSystemConfigByKey",
        &[KEY, Parameter::new("value", Kind::Setting)],
        Verb::Send(Function::SetConfig),
        "Votes for a value of the system configuration",
    )
    .more("A vote of this agency. The value holds from the block after the one that passed it."),
    Row::new(
        Section::Configuration,
        "getSystemConfigByKey",
        &[KEY],
        Verb::Ask(Question {
            method: "getSystemConfigByKey",
            takes_group: true,
            shape: Shape::Line,
        }),
        "The value that the next block is held to",
    ),
];
