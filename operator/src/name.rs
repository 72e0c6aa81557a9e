//! Names that are known to be names: checked once, trusted afterwards.
//!
//! Every object name ends up as a folder, a Kubernetes object name, a DNS label and a certificate's common name, so the rule
//! is the narrowest of them: a DNS-1035 label, short enough for every child (`<node>-certificate` in a 52-byte name).
//! Namespaces are not ours to name: theirs is Kubernetes' own rule, an RFC 1123 label, which may begin with a digit.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use althing_crds::NAME_BYTES_MAX;

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} name {found:?}: accepted are 1 to {accepted} of the characters a-z, 0-9 and '-', beginning with a {} and ending with a letter or digit",
    first.as_str()
)]
pub struct NameError {
    /// Whose name it should be.
    pub kind: &'static str,
    /// The text.
    pub found: String,
    /// The longest accepted name, in bytes.
    pub accepted: usize,
    /// What it may begin with.
    pub first: First,
}

/// What a name may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// A letter: a DNS-1035 label.
    Letter,
    /// A letter or a digit: an RFC 1123 label.
    LetterOrDigit,
}

impl First {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::LetterOrDigit => "letter or digit",
        }
    }

    const fn accepts(self, byte: u8) -> bool {
        byte.is_ascii_lowercase() || matches!(self, Self::LetterOrDigit) && byte.is_ascii_digit()
    }
}

/// Whether the text is a label of at most `bytes_max` bytes.
fn is_label(text: &str, bytes_max: usize, first: First) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= bytes_max
        && bytes.first().is_some_and(|byte| first.accepts(*byte))
        && bytes.last().is_some_and(|last| *last != b'-')
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $bytes_max:expr, $first:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a text.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                match is_label(&text, $bytes_max, First::$first) {
                    true => Ok(Self(text)),
                    false => Err(NameError {
                        kind: $kind,
                        found: text,
                        accepted: $bytes_max,
                        first: First::$first,
                    }),
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )*};
}

names! {
    /// A namespace: one trust domain.
    Namespace, "namespace", 63, LetterOrDigit;
    /// The name of a Consortium.
    ConsortiumName, "Consortium", NAME_BYTES_MAX, Letter;
    /// The name of an Agency.
    AgencyName, "Agency", NAME_BYTES_MAX, Letter;
    /// The name of a Group.
    GroupName, "Group", NAME_BYTES_MAX, Letter;
    /// The name of a Node.
    NodeName, "Node", NAME_BYTES_MAX, Letter;
}

/// One of the chain keys of a consortium. The first is written as the consortium, `trade`; those that a chain certificate rolls
/// over to have their number behind it, `trade.2`. No other name has a dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainKeyName {
    consortium: ConsortiumName,
    number: u16,
    text: String,
}

impl ChainKeyName {
    /// The key of this number, from 1.
    pub fn new(consortium: ConsortiumName, number: u16) -> Self {
        let text = match number {
            0 | 1 => consortium.to_string(),
            number => format!("{consortium}.{number}"),
        };
        Self {
            consortium,
            number: number.max(1),
            text,
        }
    }

    /// The key every consortium begins with.
    pub fn first(consortium: ConsortiumName) -> Self {
        Self::new(consortium, 1)
    }

    /// Whose it is.
    pub const fn consortium(&self) -> &ConsortiumName {
        &self.consortium
    }

    /// Its number, from 1.
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ChainKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ChainKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl TryFrom<String> for ChainKeyName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let Some((consortium, number)) = text.split_once('.') else {
            return ConsortiumName::new(text).map(Self::first);
        };
        // Only the text that a key is written as: `trade.02` is another file name and no key.
        let read = number
            .parse()
            .ok()
            .filter(|read: &u16| *read > 1 && read.to_string() == number);
        let read = read.and_then(|number| Some(Self::new(ConsortiumName::new(consortium).ok()?, number)));
        read.ok_or(NameError {
            kind: "chain key",
            found: text,
            accepted: NAME_BYTES_MAX,
            first: First::Letter,
        })
    }
}

impl From<ChainKeyName> for String {
    fn from(name: ChainKeyName) -> Self {
        name.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label_that_leaves_room_for_its_longest_child() {
        for good in ["a", "node-0", "agency-a", &"n".repeat(NAME_BYTES_MAX)] {
            assert_eq!(NodeName::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "0node",
            "-a",
            "a-",
            "Node",
            "a.b",
            "a/b",
            "..",
            "a b",
            "é",
            &"n".repeat(NAME_BYTES_MAX + 1),
        ] {
            let error = NodeName::new(bad).unwrap_err().to_string();
            assert!(error.starts_with("Node name") && error.contains("accepted"), "{error}");
            assert!(error.contains("beginning with a letter and"), "{error}");
        }
    }

    #[test]
    fn a_namespace_is_whatever_kubernetes_calls_one() {
        for good in ["trade", "2026-trade", "7", "1e3", &"9".repeat(63)] {
            assert_eq!(Namespace::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-7", "7-", "7.a", "7/a", "7A", "..", &"9".repeat(64)] {
            let error = Namespace::new(bad).unwrap_err().to_string();
            assert!(
                error.starts_with("namespace name") && error.contains("beginning with a letter or digit"),
                "{error}"
            );
        }
    }
}
