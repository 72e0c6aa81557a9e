//! What concerns the console itself.

use super::{Kind, Parameter, Row, Section, Verb};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Section::Accounts,
        "getCurrentAccount",
        &[],
        Verb::CurrentAccount,
        "The governance account that signs; --as chooses it",
    ),
    Row::new(
        Section::Accounts,
        "listAccount",
        &[],
        Verb::Accounts,
        "The agencies whose governance key is here",
    ),
    Row::new(
        Section::Console,
        "switch",
        &[Parameter::new("groupId", Kind::Group)],
        Verb::Switch,
        "Goes to another group",
    )
    .also(&["s"]),
    Row::new(
        Section::Console,
        "help",
        &[Parameter::optional("command", Kind::Command)],
        Verb::Help,
        "Lists the commands, or explains one",
    )
    .also(&["h"]),
    Row::new(Section::Console, "quit", &[], Verb::Quit, "Ends the console").also(&["q", "exit"]),
];
