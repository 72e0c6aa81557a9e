//! From a line to a command. Pure.

use althing_operator::governance::Names;

use super::table::{self, Argument, Need, Row, Verb};

/// Letters of a mistaken word that a sentence has room for.
const SHOWN: usize = 140;
/// The words that ask for the help of the command before them, as FISCO's console takes them.
const HELP: [&str; 7] = ["-h", "-help", "--h", "--H", "--help", "-H", "help"];

/// A command with what it was given.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// Which.
    pub row: &'static Row,
    /// In the order of its parameters.
    pub arguments: Vec<Argument>,
}

impl Command {
    /// Whether there may be other nodes, groups or accounts to name after it.
    pub(super) const fn changes_what_there_is(&self) -> bool {
        matches!(self.row.verb, Verb::Switch | Verb::Group(_) | Verb::Send(_))
    }
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    /// A quotation mark without its other.
    #[error("a quotation mark has no other; write it as \\\" if it belongs to the word")]
    Quotes,
    /// More than a line may have.
    #[error("the line is longer than {most} bytes")]
    Long {
        /// What is accepted.
        most: usize,
    },
    /// Nothing is called so.
    #[error("there is no command {found:?}; {}", meant(*.nearest))]
    Unknown {
        /// What was typed.
        found: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// Too few parameters, or too many.
    #[error("{command}: {what}; usage: {usage}")]
    Count {
        /// The command.
        command: &'static str,
        /// What is missing or too much.
        what: String,
        /// How it is typed.
        usage: String,
    },
    /// A parameter that is not accepted.
    #[error("{command}: {parameter} is {found:?}; accepted: {accepted}")]
    Parameter {
        /// The command.
        command: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What was typed.
        found: String,
        /// What is accepted.
        accepted: String,
        /// FISCO's code, where it has one.
        code: Option<i64>,
    },
}

impl Mistake {
    /// FISCO's code for it.
    pub(super) const fn code(&self) -> Option<i64> {
        match self {
            Self::Parameter { code, .. } => *code,
            Self::Quotes | Self::Long { .. } | Self::Unknown { .. } | Self::Count { .. } => None,
        }
    }
}

fn meant(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean {name}? help lists all"),
        None => "help lists all there are".to_owned(),
    }
}

/// Reads a line; none when there is nothing on it, or only a comment after `#`.
pub(super) fn line(line: &str, names: &Names<'_>) -> Result<Option<Command>, Mistake> {
    let split = shlex::split(line).ok_or(Mistake::Quotes)?;
    words(&split, names)
}

/// Reads the words of a line.
pub(super) fn words(words: &[String], names: &Names<'_>) -> Result<Option<Command>, Mistake> {
    let Some((name, rest)) = words.split_first() else {
        return Ok(None);
    };
    let Some(row) = table::find(name) else {
        return Err(Mistake::Unknown {
            found: shown(name),
            nearest: table::nearest(name),
        });
    };
    if let (Some(help), [word]) = (table::find("help"), rest)
        && HELP.contains(&word.as_str())
    {
        let arguments = vec![Argument::Text(row.name.to_owned())];
        return Ok(Some(Command { row: help, arguments }));
    }
    let arguments = arguments(row, rest, names)?;
    Ok(Some(Command { row, arguments }))
}

fn arguments(row: &'static Row, words: &[String], names: &Names<'_>) -> Result<Vec<Argument>, Mistake> {
    let count = |what: String| Mistake::Count {
        command: row.name,
        what,
        usage: row.usage(),
    };
    let mut needed = row
        .parameters
        .iter()
        .filter(|parameter| parameter.need != Need::Optional);
    if let Some(missing) = needed.nth(words.len()) {
        let accepted = missing.kind.accepts();
        return Err(count(format!("{} is missing, accepted: {accepted}", missing.name)));
    }
    let mut read = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let several = || {
            row.parameters
                .last()
                .filter(|parameter| parameter.need == Need::Several)
        };
        let Some(parameter) = row.parameters.get(index).or_else(several) else {
            let extra = shown(word);
            return Err(count(format!("{extra:?} is one parameter too many")));
        };
        let argument = parameter.kind.read(word, &read, names);
        read.push(argument.map_err(|wrong| Mistake::Parameter {
            command: row.name,
            parameter: parameter.name,
            found: shown(word),
            accepted: wrong.accepted,
            code: wrong.code,
        })?);
    }
    Ok(read)
}

fn shown(word: &str) -> String {
    crate::wrap::shortened(word, SHOWN)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use althing_types::GroupId;

    use super::*;

    fn read(text: &str) -> Result<Option<Command>, Mistake> {
        let (nodes, accounts) = (BTreeMap::new(), BTreeMap::new());
        let names = Names {
            nodes: &nodes,
            accounts: &accounts,
        };
        line(text, &names)
    }

    #[test]
    fn a_line_is_a_command_with_its_arguments() {
        let command = read("  getBlockByNumber \"0x1b4\" true # the last one")
            .unwrap()
            .unwrap();
        assert_eq!(command.row.name, "getBlockByNumber");
        assert_eq!(command.arguments, [Argument::Number(436), Argument::Boolean(true)]);
        let group = |id| Argument::Group(GroupId::try_from(id).unwrap());
        assert_eq!(read("s 2").unwrap().unwrap().arguments, [group(2)]);
        let started = read("startGroup node-0").unwrap().unwrap();
        assert_eq!(started.arguments, [Argument::EndPoint("node-0".to_owned())]);
        for nothing in ["", "   ", "# getBlockNumber"] {
            assert!(read(nothing).unwrap().is_none(), "{nothing}");
        }
    }

    #[test]
    fn the_last_parameter_of_generate_group_may_be_several() {
        let sealers = ["ab".repeat(64), "cd".repeat(64)].join(" ");
        let command = read(&format!("generateGroup node-0 7 1767225600000 {sealers}"))
            .unwrap()
            .unwrap();
        assert_eq!(command.arguments.len(), 5);
        assert!(read("generateGroup node-0 7 1767225600000").is_err());
        assert!(read("generateGroup node-0 7 1767225600000 abc").is_err());
    }

    #[test]
    fn help_is_asked_for_in_every_way_that_fisco_s_console_takes() {
        for text in [
            "addSealer -h",
            "addSealer --help",
            "addSealer -H",
            "help addSealer",
            "h addSealer",
        ] {
            let command = read(text).unwrap().unwrap();
            assert_eq!(command.row.name, "help", "{text}");
            assert_eq!(command.arguments, [Argument::Text("addSealer".to_owned())], "{text}");
        }
    }

    #[test]
    fn mistakes_name_what_was_found_and_what_is_accepted() {
        let long = "x".repeat(200);
        let lines = [
            "getblocknumber",
            "deploy HelloWorld",
            "addSealer",
            "addSealer abc",
            "addSealer node-0 node-1",
            "getBlockByNumber -1",
            "getBlockByNumber 1 yes",
            "getBlockNumber 1",
            "switch 40000",
            "setSystemConfigByKey colour red",
            "setSystemConfigByKey consensus_timeout 1",
            "setSystemConfigByKey tx_count_limit",
            "updateThreshold 49",
            "grantCommitteeMember agency-a",
            "help deploy",
            "getCode 0x12",
            "getCode \"0x12",
            "getCode \u{1b}[31m",
            &format!("getCode {long}"),
        ];
        let told = |line: &&str| format!("{}\n  {}", line.escape_debug(), read(line).unwrap_err());
        insta::assert_snapshot!(lines.iter().map(told).collect::<Vec<_>>().join("\n"));
    }
}
