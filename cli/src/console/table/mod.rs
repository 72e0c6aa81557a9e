//! The commands as data: what each is called, takes and does. Names and parameters are FISCO's (FISCO BCOS 2.x console).

mod accounts;
mod chain;
mod governance;
mod groups;
mod membership;
mod own;
mod parameter;

pub(super) use parameter::{Argument, KEYS, Kind, Need, Parameter};

use super::contract::{Function, View};

/// One command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// As it is typed.
    pub name: &'static str,
    /// Other ways to type it.
    pub aliases: &'static [&'static str],
    /// Under which heading `help` lists it.
    pub section: Section,
    /// What it takes, in order.
    pub parameters: &'static [Parameter],
    /// What it does, in one line.
    pub summary: &'static str,
    /// What else there is to know; empty when nothing.
    pub more: &'static str,
    /// How it is carried out.
    pub verb: Verb,
}

/// The headings of `help`, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    /// What nodes and ledgers say.
    Chain,
    /// Who seals and who observes.
    Membership,
    /// Which groups a node runs.
    Groups,
    /// What blocks are held to.
    Configuration,
    /// Who decides.
    Governance,
    /// What accounts may do.
    Permissions,
    /// What may happen to contracts and accounts.
    LifeCycle,
    /// Who signs.
    Accounts,
    /// The console itself.
    Console,
}

impl Section {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Chain,
        Self::Membership,
        Self::Groups,
        Self::Configuration,
        Self::Governance,
        Self::Permissions,
        Self::LifeCycle,
        Self::Accounts,
        Self::Console,
    ];

    /// The heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Chain => "Chain and nodes",
            Self::Membership => "Membership of the group",
            Self::Groups => "Groups of one node",
            Self::Configuration => "System configuration",
            Self::Governance => "Committee",
            Self::Permissions => "Permissions",
            Self::LifeCycle => "Contracts and accounts, frozen or not",
            Self::Accounts => "Accounts that sign here",
            Self::Console => "Console",
        }
    }
}

/// How a command is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// A node is asked over RPC.
    Ask(Question),
    /// A node is asked to change or tell the state of one of its groups.
    Group(&'static str),
    /// An account's transaction calls a contract of the ledger.
    Send(Function),
    /// A contract of the ledger is read.
    Read(View),
    /// The nodes that can be named as endPoint.
    Connections,
    /// The edition of the cryptography.
    CryptoType,
    /// The account that signs.
    CurrentAccount,
    /// All accounts that can sign.
    Accounts,
    /// Goes to another group.
    Switch,
    /// Explains.
    Help,
    /// Ends the console.
    Quit,
}

/// A method of a node's RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Its name.
    pub method: &'static str,
    /// Whether the group is its first parameter.
    pub takes_group: bool,
    /// How its result is shown.
    pub shape: Shape,
}

/// How a result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As JSON.
    Json,
    /// A text or a short list on one line.
    Line,
    /// A quantity, as a decimal number.
    Number,
    /// The totals of a ledger, as decimal numbers.
    Totals,
    /// As JSON; null, or no code, is said in these words.
    OrNothing(&'static str),
}

impl Row {
    const fn new(
        section: Section,
        name: &'static str,
        parameters: &'static [Parameter],
        verb: Verb,
        summary: &'static str,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            section,
            parameters,
            summary,
            more: "",
            verb,
        }
    }

    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    /// How it is typed.
    pub(super) fn usage(&self) -> String {
        let mut text = self.name.to_owned();
        for parameter in self.parameters {
            let name = parameter.name;
            text += &match parameter.need {
                Need::One => format!(" {name}"),
                Need::Optional => format!(" [{name}]"),
                Need::Several => format!(" {name} ..."),
            };
        }
        text
    }
}

/// Every command, by section.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let all = [
        chain::ROWS,
        membership::ROWS,
        groups::ROWS,
        governance::ROWS,
        accounts::ROWS,
        own::ROWS,
    ];
    all.into_iter().flatten()
}

/// The command of this name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name || row.aliases.contains(&name))
}

/// The command whose name is the most like this one, if any is much like it.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    // A long name may be mistyped in more places than a short one.
    let most = (name.chars().count() / 3).max(1);
    let wanted = name.to_lowercase();
    let names = rows().map(|row| row.name);
    let ranked = names.map(|known| (strsim::damerau_levenshtein(&wanted, &known.to_lowercase()), known));
    let best = ranked.filter(|(distance, _)| *distance <= most).min();
    best.map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_one_command_s() {
        let names: Vec<&str> = rows()
            .flat_map(|row| row.aliases.iter().copied().chain([row.name]))
            .collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len());
    }

    #[test]
    fn only_last_parameters_may_be_left_out_or_be_several() {
        for row in rows() {
            let firsts = row
                .parameters
                .split_last()
                .map(|(_, firsts)| firsts)
                .unwrap_or_default();
            assert!(
                firsts.iter().all(|parameter| parameter.need != Need::Several),
                "{}",
                row.name
            );
            let needed = row
                .parameters
                .iter()
                .rposition(|parameter| parameter.need != Need::Optional);
            let optional = row
                .parameters
                .iter()
                .position(|parameter| parameter.need == Need::Optional);
            assert!(
                needed.zip(optional).is_none_or(|(needed, optional)| needed < optional),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn a_mistyped_name_is_recognised_and_a_strange_one_is_not() {
        for (typed, meant) in [
            ("getblocknumber", Some("getBlockNumber")),
            ("getSealrList", Some("getSealerList")),
            ("addSelaer", Some("addSealer")),
            ("quti", Some("quit")),
            ("deploy", None),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed), meant, "{typed}");
        }
    }
}
