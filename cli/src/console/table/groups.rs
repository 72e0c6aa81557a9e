//! Which groups a node runs. Each node is asked by itself.

use super::{Kind, Parameter, Row, Section, Verb};

const END_POINT: Parameter = Parameter::new("endPoint", Kind::EndPoint);
const ONE: &[Parameter] = &[END_POINT, Parameter::optional("groupId", Kind::Group)];
const CURRENT: &str = "Without groupId: the group of the prompt.";

const fn change(name: &'static str, summary: &'static str) -> Row {
    Row::new(Section::Groups, name, ONE, Verb::Group(name), summary).more(CURRENT)
}

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Section::Groups,
        "generateGroup",
        &[
            END_POINT,
            Parameter::new("groupId", Kind::Group),
            Parameter::new("timestamp", Kind::Timestamp),
            Parameter::several("sealer", Kind::NodeId),
        ],
        Verb::Group("generateGroup"),
        "Makes the files of a group on a node; startGroup starts it",
    )
    .more("Nodes that are asked for the same timestamp and sealers make the same group. It has no committee."),
    change("startGroup", "Starts a group that was made or stopped"),
    change(
        "stopGroup",
        "Stops a group on a node, which stays so after a restart too",
    ),
    change(
        "removeGroup",
        "Notes that a stopped group is gone; its files and data are kept",
    ),
    change("recoverGroup", "Takes removeGroup back; the group is stopped"),
    change("queryGroupStatus", "Whether a group runs on a node"),
];
