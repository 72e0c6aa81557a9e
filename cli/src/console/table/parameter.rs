//! What commands take: typed once, checked here, never again.

use althing_governance::{CONSENSUS_TIMEOUT, TX_COUNT_LIMIT, TX_GAS_LIMIT};
use althing_operator::governance::Names;
use althing_types::{Address, B256, GroupId, NodeId};
use serde_json::{Value, json};

/// The keys of the system configuration.
pub(crate) const KEYS: [&str; 3] = [TX_COUNT_LIMIT, TX_GAS_LIMIT, CONSENSUS_TIMEOUT];

/// One parameter of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    /// FISCO's name of it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// How often it is given.
    pub need: Need,
}

/// How often a parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Once.
    One,
    /// Once or not at all.
    Optional,
    /// Once or more.
    Several,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        let need = Need::One;
        Self { name, kind, need }
    }

    pub(super) const fn optional(name: &'static str, kind: Kind) -> Self {
        let need = Need::Optional;
        Self { name, kind, need }
    }

    pub(super) const fn several(name: &'static str, kind: Kind) -> Self {
        let need = Need::Several;
        Self { name, kind, need }
    }
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A node of the consortium.
    NodeId,
    /// An account.
    Account,
    /// A contract.
    Contract,
    /// The hash of a block or a transaction.
    Hash,
    /// The number of a block, or a place in one.
    Number,
    /// A group.
    Group,
    /// Yes or no.
    Boolean,
    /// A key of the system configuration.
    Key,
    /// A value of the system configuration; its key comes before it.
    Setting,
    /// The weight of a seat.
    Weight,
    /// A threshold.
    Percent,
    /// Milliseconds since 1970.
    Timestamp,
    /// A node that can be asked.
    EndPoint,
    /// A command.
    Command,
}

/// A parameter that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A nodeID.
    Node(NodeId),
    /// An account or a contract.
    Address(Address),
    /// A hash.
    Hash(B256),
    /// A number.
    Number(u64),
    /// A group.
    Group(GroupId),
    /// Yes or no.
    Boolean(bool),
    /// A key, or a value of one.
    Text(String),
    /// A node that can be asked, by its name or its `IP:Port`.
    EndPoint(String),
}

impl Argument {
    /// As FISCO's RPC takes it.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Node(node) => json!(node),
            Self::Address(address) => json!(address),
            Self::Hash(hash) => json!(hash),
            Self::Number(number) => json!(format!("{number:#x}")),
            Self::Group(group) => json!(group),
            Self::Boolean(boolean) => json!(boolean),
            Self::Text(text) | Self::EndPoint(text) => json!(text),
        }
    }
}

/// Why a parameter is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// FISCO's code for it, where there is one.
    pub code: Option<i64>,
    /// What is accepted.
    pub accepted: String,
}

/// FISCO's codes of parameters.
const BAD_NODE_ID: i64 = -51_100;
const BAD_SETTING: i64 = -51_300;
const OUT_OF_RANGE: i64 = -52_003;

impl Kind {
    /// What is accepted, in words.
    pub(crate) const fn accepts(self) -> &'static str {
        match self {
            Self::NodeId => "128 hex digits, or the name of a Node of this namespace",
            Self::Account => "0x and 40 hex digits, or the name of an Agency of this namespace",
            Self::Contract => "0x and 40 hex digits",
            Self::Hash => "0x and 64 hex digits",
            Self::Number => "a whole number from 0, in decimal or as 0x and hex digits",
            Self::Group => "a whole number from 1 to 32767",
            Self::Boolean => "true or false",
            Self::Key => "tx_count_limit, tx_gas_limit or consensus_timeout",
            Self::Setting => {
                "1 to 100000 for tx_count_limit, 10000000 to 2^53 - 1 for tx_gas_limit, 3 to 60 for consensus_timeout"
            }
            Self::Weight => "a whole number from 1 to 1000000",
            Self::Percent => "a whole number from 50 to 99",
            Self::Timestamp => "milliseconds since 1970, such as 1767225600000",
            Self::EndPoint => "the name of a Node that runs here, or its IP:Port; getAvailableConnections lists them",
            Self::Command => "the name of a command; help lists them",
        }
    }

    /// Reads a word. `before` is what was read before it, `names` what Nodes and Agencies are called here.
    pub(crate) fn read(self, word: &str, before: &[Argument], names: &Names<'_>) -> Result<Argument, Wrong> {
        let wrong = |code| Wrong {
            code,
            accepted: self.accepts().to_owned(),
        };
        let address = || word.starts_with("0x").then(|| word.parse().ok()).flatten();
        let read = match self {
            Self::NodeId => return node(word, names),
            Self::Account => {
                let named = names.accounts.iter().find(|(name, _)| name.as_str() == word);
                named
                    .map(|(_, account)| *account)
                    .or_else(address)
                    .map(Argument::Address)
            }
            Self::Contract => address().map(Argument::Address),
            Self::Hash => {
                let hash = word.starts_with("0x").then(|| word.parse().ok()).flatten();
                hash.map(Argument::Hash)
            }
            Self::Number => number(word).map(Argument::Number),
            Self::Group => {
                let group = decimal(word).and_then(|number| u32::try_from(number).ok());
                group.and_then(|id| GroupId::try_from(id).ok()).map(Argument::Group)
            }
            Self::Boolean => word.parse().ok().map(Argument::Boolean),
            Self::Key => {
                let key = word.to_lowercase();
                let known = KEYS.contains(&key.as_str());
                return known
                    .then_some(Argument::Text(key))
                    .ok_or_else(|| wrong(Some(BAD_SETTING)));
            }
            Self::Setting => return setting(word, before),
            Self::Weight => decimal(word)
                .filter(|weight| (1..=1_000_000).contains(weight))
                .map(Argument::Number),
            Self::Percent => decimal(word)
                .filter(|percent| (50..=99).contains(percent))
                .map(Argument::Number),
            Self::Timestamp => decimal(word).map(Argument::Number),
            Self::EndPoint => Some(Argument::EndPoint(word.to_owned())),
            Self::Command => super::find(word).map(|row| Argument::Text(row.name.to_owned())),
        };
        let is_ranged = matches!(self, Self::Weight | Self::Percent);
        read.ok_or_else(|| wrong(is_ranged.then_some(OUT_OF_RANGE)))
    }
}

fn node(word: &str, names: &Names<'_>) -> Result<Argument, Wrong> {
    if let Some((_, node)) = names.nodes.iter().find(|(name, _)| name.as_str() == word) {
        return Ok(Argument::Node(*node));
    }
    let read = word.parse::<NodeId>().map(Argument::Node);
    read.map_err(|error| Wrong {
        code: Some(BAD_NODE_ID),
        accepted: format!("{} ({error})", Kind::NodeId.accepts()),
    })
}

/// A value that the key before it takes.
fn setting(word: &str, before: &[Argument]) -> Result<Argument, Wrong> {
    let key = match before.last() {
        Some(Argument::Text(key)) => key.as_str(),
        _ => "",
    };
    let checked = althing_governance::check_setting(key, word);
    checked
        .map(|()| Argument::Text(word.to_owned()))
        .map_err(|refusal| Wrong {
            code: Some(BAD_SETTING),
            accepted: match refusal {
                althing_governance::Refusal::Config { accepted, .. } => accepted.to_owned(),
                other => other.to_string(),
            },
        })
}

fn decimal(word: &str) -> Option<u64> {
    let is_decimal = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| word.parse().ok()).flatten()
}

fn number(word: &str) -> Option<u64> {
    let Some(digits) = word.strip_prefix("0x") else {
        return decimal(word);
    };
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use althing_operator::name::{AgencyName, NodeName};

    use super::*;

    fn read(kind: Kind, word: &str, before: &[Argument]) -> Result<Argument, Wrong> {
        let nodes = BTreeMap::from([(NodeName::new("node-0").unwrap(), NodeId::new([7; 64]))]);
        let account = (AgencyName::new("agency-a").unwrap(), Address::repeat_byte(9));
        let accounts = BTreeMap::from([account]);
        let names = Names {
            nodes: &nodes,
            accounts: &accounts,
        };
        kind.read(word, before, &names)
    }

    #[test]
    fn what_is_accepted_is_read() {
        let long = "0x".to_owned() + &"ab".repeat(32);
        for (kind, word, wanted) in [
            (Kind::NodeId, "node-0", Argument::Node(NodeId::new([7; 64]))),
            (Kind::NodeId, &"AB".repeat(64), Argument::Node(NodeId::new([0xab; 64]))),
            (Kind::Account, "agency-a", Argument::Address(Address::repeat_byte(9))),
            (
                Kind::Contract,
                &("0x".to_owned() + &"22".repeat(20)),
                Argument::Address(Address::repeat_byte(0x22)),
            ),
            (Kind::Hash, &long, Argument::Hash(B256::repeat_byte(0xab))),
            (Kind::Number, "0x1b4", Argument::Number(436)),
            (Kind::Number, "436", Argument::Number(436)),
            (
                Kind::Group,
                "32767",
                Argument::Group(GroupId::try_from(32_767).unwrap()),
            ),
            (Kind::Boolean, "true", Argument::Boolean(true)),
            (Kind::Key, "TX_Count_Limit", Argument::Text("tx_count_limit".to_owned())),
            (Kind::Weight, "1000000", Argument::Number(1_000_000)),
            (Kind::Percent, "50", Argument::Number(50)),
            (
                Kind::EndPoint,
                "127.0.0.1:8545",
                Argument::EndPoint("127.0.0.1:8545".to_owned()),
            ),
        ] {
            assert_eq!(read(kind, word, &[]).unwrap(), wanted, "{kind:?} {word}");
        }
    }

    #[test]
    fn what_is_not_accepted_is_refused_with_fisco_s_code_where_it_has_one() {
        for (kind, word, code) in [
            (Kind::NodeId, "abc", Some(-51_100)),
            (Kind::NodeId, &"zz".repeat(64), Some(-51_100)),
            (Kind::NodeId, &format!("0x{}", "ab".repeat(64)), Some(-51_100)),
            (Kind::Account, "agency-z", None),
            (Kind::Account, &"22".repeat(20), None),
            (Kind::Contract, "agency-a", None),
            (Kind::Hash, "0x12", None),
            (Kind::Number, "-1", None),
            (Kind::Number, "+1", None),
            (Kind::Number, "0x", None),
            (Kind::Number, "99999999999999999999", None),
            (Kind::Group, "0", None),
            (Kind::Group, "32768", None),
            (Kind::Boolean, "yes", None),
            (Kind::Key, "colour", Some(-51_300)),
            (Kind::Weight, "0", Some(-52_003)),
            (Kind::Percent, "49", Some(-52_003)),
            (Kind::Percent, "100", Some(-52_003)),
            (Kind::Timestamp, "soon", None),
            (Kind::Command, "deploy", None),
        ] {
            let wrong = read(kind, word, &[]).unwrap_err();
            assert_eq!(wrong.code, code, "{kind:?} {word}");
            assert!(
                wrong.accepted.starts_with(kind.accepts()),
                "{kind:?} {word}: {}",
                wrong.accepted
            );
        }
    }

    #[test]
    fn a_value_is_held_to_what_its_key_takes() {
        let key = |key: &str| [Argument::Text(key.to_owned())];
        assert!(read(Kind::Setting, "2000", &key("tx_count_limit")).is_ok());
        let wrong = read(Kind::Setting, "2000", &key("consensus_timeout")).unwrap_err();
        assert_eq!(
            (wrong.code, wrong.accepted.as_str()),
            (Some(-51_300), "3 to 60 seconds")
        );
        assert!(read(Kind::Setting, "007", &key("tx_count_limit")).is_err());
    }
}
