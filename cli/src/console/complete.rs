//! What a word that was begun may become. Pure.

use super::table::{self, KEYS, Kind, Need};

/// What is known to complete with, beside the commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The names of Nodes.
    pub nodes: Vec<String>,
    /// The nodeIDs of Nodes and of connected nodes.
    pub node_ids: Vec<String>,
    /// The names of Agencies.
    pub agencies: Vec<String>,
    /// The accounts of Agencies.
    pub accounts: Vec<String>,
    /// The groups of the nodes.
    pub groups: Vec<String>,
    /// What can be named as endPoint.
    pub end_points: Vec<String>,
}

/// Where the word at the end of a line begins, and what it may become.
pub(super) fn complete(line: &str, words: &Words) -> (usize, Vec<String>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |space| {
        let width = line[space..].chars().next().map_or(1, char::len_utf8);
        space + width
    });
    let begun = &line[start..];
    let mut before = line[..start].split_whitespace();
    let Some(name) = before.next() else {
        let names = table::rows().map(|row| row.name.to_owned());
        return (start, begun_so(names, begun));
    };
    let place = before.count();
    let Some(row) = table::find(name) else {
        return (start, vec![]);
    };
    let last = row
        .parameters
        .last()
        .filter(|parameter| parameter.need == Need::Several);
    let parameter = row.parameters.get(place).or(last);
    let candidates = parameter.map(|parameter| candidates(parameter.kind, begun, words));
    (start, candidates.unwrap_or_default())
}

fn candidates(kind: Kind, begun: &str, words: &Words) -> Vec<String> {
    let known = |lists: &[&Vec<String>]| {
        let all = lists.iter().flat_map(|list| list.iter().cloned());
        begun_so(all, begun)
    };
    match kind {
        // A nodeID says nothing to a person: it is offered to who has begun it.
        Kind::NodeId if begun.is_empty() => known(&[&words.nodes]),
        Kind::NodeId => known(&[&words.nodes, &words.node_ids]),
        Kind::Account if begun.is_empty() => known(&[&words.agencies]),
        Kind::Account => known(&[&words.agencies, &words.accounts]),
        Kind::Group => known(&[&words.groups]),
        Kind::EndPoint => known(&[&words.end_points]),
        Kind::Key => begun_so(KEYS.map(str::to_owned).into_iter(), begun),
        Kind::Boolean => begun_so(["true", "false"].map(str::to_owned).into_iter(), begun),
        Kind::Command => begun_so(table::rows().map(|row| row.name.to_owned()), begun),
        Kind::Contract | Kind::Hash | Kind::Number | Kind::Setting | Kind::Weight | Kind::Percent | Kind::Timestamp => {
            vec![]
        }
    }
}

/// Those that begin so, in whatever case, each once and in order.
fn begun_so(all: impl Iterator<Item = String>, begun: &str) -> Vec<String> {
    let begun = begun.to_lowercase();
    let mut found: Vec<String> = all.filter(|word| word.to_lowercase().starts_with(&begun)).collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let own = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Words {
            nodes: own(&["node-0", "node-1"]),
            node_ids: own(&["abcd", "abef", "12"]),
            agencies: own(&["agency-a"]),
            accounts: own(&["0x22"]),
            groups: own(&["1", "2", "12"]),
            end_points: own(&["127.0.0.1:8545", "node-0"]),
        }
    }

    #[test]
    fn the_word_that_was_begun_becomes_what_its_place_takes() {
        for (line, start, wanted) in [
            ("getSe", 0, &["getSealerList"][..]),
            ("  getcode", 2, &["getCode"]),
            ("addSealer ", 10, &["node-0", "node-1"]),
            ("addSealer ab", 10, &["abcd", "abef"]),
            ("addSealer node-0 ", 17, &[]),
            ("generateGroup node-0 7 1 abcd a", 30, &["abcd", "abef"]),
            ("switch 1", 7, &["1", "12"]),
            ("startGroup n", 11, &["node-0"]),
            ("startGroup node-0 2", 18, &["2"]),
            ("setSystemConfigByKey tx", 21, &["tx_count_limit", "tx_gas_limit"]),
            ("grantCommitteeMember ", 21, &["agency-a"]),
            ("grantCommitteeMember 0", 21, &["0x22"]),
            ("getBlockByNumber 1 t", 19, &["true"]),
            ("help addO", 5, &["addObserver"]),
            ("nothing ", 8, &[]),
            ("getBlockByHash 0x", 15, &[]),
        ] {
            let (found, candidates) = complete(line, &words());
            assert_eq!(
                (found, candidates.as_slice()),
                (
                    start,
                    wanted
                        .iter()
                        .map(|word| (*word).to_owned())
                        .collect::<Vec<_>>()
                        .as_slice()
                ),
                "{line}"
            );
        }
    }

    #[test]
    fn an_empty_line_may_become_every_command() {
        let (_, all) = complete("", &words());
        assert_eq!(all.len(), table::rows().count());
    }

    #[test]
    fn a_line_in_any_script_is_cut_between_characters() {
        assert_eq!(complete("é\u{3000}ü", &words()), ("é\u{3000}".len(), vec![]));
    }
}
