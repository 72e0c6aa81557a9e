//! FISCO's INI files, read strictly and written by type.
//!
//! ```text
//! text ──IniFile::parse──▶ sections, keys, lines ──SectionReader (typed, asks for what it knows)──▶ finish: nothing unread
//! values ──IniWriter (checked)──▶ text that reads back to the same values
//! ```
//!
//! A line is a `[section]`, a `key=value`, a comment (`;` or `#` first) or blank. Values are data: no quoting, no escapes,
//! no comment behind a value. What could be read in two ways is refused, by the reader and by the writer alike.
//!
//! The reader is our own because an error must name the line, and `rust-ini` keeps none.

mod file;
mod section;
mod writer;

pub use file::IniFile;
pub use section::SectionReader;
pub use writer::{IniWriter, thousandths_text};

/// Bytes an INI file may have.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a wrong value or line that an error repeats.
const FOUND_MAX: usize = 80;

/// Why an INI file is not accepted. Every text names the file, the place, what was found and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IniError {
    /// The file is longer than [`FILE_BYTES_MAX`].
    #[error("{file} has {found} bytes; at most {FILE_BYTES_MAX} are accepted")]
    TooLong {
        /// The file.
        file: String,
        /// Its length.
        found: usize,
    },
    /// A line that is none of the four kinds.
    #[error(
        "{file} line {line}: found {found:?}; accepted are [section], key=value, and comments that begin with ; or #"
    )]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The line's beginning.
        found: String,
    },
    /// A key above the first section.
    #[error("{file} line {line}: the key {key:?} stands before any [section]")]
    NoSection {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// A section or key given twice, or under its old and its new name.
    #[error("{file} line {line}: {what} is given twice, first in line {first}; remove one of them")]
    Twice {
        /// The file.
        file: String,
        /// The second line.
        line: usize,
        /// The first line.
        first: usize,
        /// `[section]` or `[section] key`.
        what: String,
    },
    /// A section nobody reads.
    #[error("{file} line {line}: unknown section [{section}]; accepted are {accepted}")]
    UnknownSection {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The section.
        section: String,
        /// The sections that are known.
        accepted: String,
    },
    /// A key nobody reads.
    #[error("{file} line {line}: [{section}] has the unknown key {key:?}; accepted are {accepted}")]
    UnknownKey {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The keys that are known.
        accepted: String,
    },
    /// A value of a wrong type or out of its range.
    #[error("{file} line {line}: [{section}] {key}={found:?}; accepted is {accepted}")]
    Value {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The value's beginning.
        found: String,
        /// What would be accepted.
        accepted: String,
    },
    /// A key without which the file says too little.
    #[error("{file}: [{section}] {key} is missing; accepted is {accepted}")]
    Missing {
        /// The file.
        file: String,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// What would be accepted.
        accepted: String,
    },
    /// A value that cannot be written so that it reads back as itself.
    #[error(
        "[{section}] {key}: a value may not hold line breaks or other control characters, begin or end with white space, or hold ; or # at its beginning or after white space; found {found:?}"
    )]
    Unwritable {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The value's beginning.
        found: String,
    },
}

/// Whether a value reads back as itself.
pub fn is_plain_value(value: &str) -> bool {
    let comment_after_space = || {
        value
            .chars()
            .zip(value.chars().skip(1))
            .any(|(a, b)| a.is_whitespace() && matches!(b, ';' | '#'))
    };
    value.trim() == value
        && !value.chars().any(char::is_control)
        && !value.starts_with([';', '#'])
        && !comment_after_space()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(FOUND_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::writer::read_thousandths;
    use super::*;

    fn read(text: &str) -> Result<(u16, Vec<String>), IniError> {
        let mut file = IniFile::parse("config.ini", text)?;
        let mut section = file.section(&["p2p", "network"])?;
        let port = section.number(&["listen_port", "port"], 1..=65_535_u16, 30_300)?;
        let nodes = section.list("node", "host:port", |text| (text != "bad").then(|| text.to_owned()))?;
        section.finish()?;
        file.finish()?;
        Ok((port, nodes))
    }

    fn refusal(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn comments_blank_lines_and_either_spelling_are_read() {
        let text = "; a comment\n# another\r\n\n[ network ]\n port = 7 \nnode.1=b\nnode.0=a\n";
        assert_eq!(read(text).unwrap(), (7, vec!["a".into(), "b".into()]));
        assert_eq!(read("").unwrap(), (30_300, vec![]));
    }

    #[test]
    fn an_unknown_key_names_file_line_section_key_and_what_is_accepted() {
        assert_eq!(
            refusal("[p2p]\nlistenport=1\n"),
            "config.ini line 2: [p2p] has the unknown key \"listenport\"; accepted are listen_port, port, node.N"
        );
        assert_eq!(
            refusal("[p3p]"),
            "config.ini line 1: unknown section [p3p]; accepted are [p2p], [network]"
        );
    }

    #[test]
    fn a_wrong_type_or_a_number_out_of_range_names_what_is_accepted() {
        for wrong in ["0", "65536", "+1", "1.0", "", "one", "99999999999999999999999"] {
            assert_eq!(
                refusal(&format!("[p2p]\nlisten_port={wrong}\n")),
                format!("config.ini line 2: [p2p] listen_port={wrong:?}; accepted is a whole number from 1 to 65535")
            );
        }
        assert!(refusal("[p2p]\nnode.0=bad").contains("accepted is host:port"));
    }

    #[test]
    fn what_is_given_twice_is_refused_with_both_lines() {
        assert!(refusal("[p2p]\nport=1\nport=2").contains("line 3: [p2p] port is given twice, first in line 2"));
        assert!(refusal("[p2p]\nport=1\nlisten_port=2").contains("under its two names"));
        assert!(refusal("[p2p]\n[p2p]").contains("[p2p] is given twice"));
        assert!(refusal("[p2p]\n[network]").contains("under its two names"));
        assert!(refusal("[p2p]\nnode.0=a\nnode.00=b").contains("unknown key \"node.00\""));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for line in [
            "port",
            "port=1 ; the port",
            "port=;1",
            "[p2p",
            "po rt=1",
            "=1",
            "port=1\u{0}",
            "port=a #b",
        ] {
            assert!(
                refusal(&format!("[p2p]\n{line}\n")).starts_with("config.ini line 2: found "),
                "{line}"
            );
        }
        assert!(refusal("port=1").contains("before any [section]"));
        assert!(matches!(
            read(&" ".repeat(FILE_BYTES_MAX + 1)),
            Err(IniError::TooLong { .. })
        ));
    }

    #[test]
    fn a_value_that_would_not_read_back_as_itself_is_not_written() {
        let mut writer = IniWriter::default();
        writer.section("p2p");
        for wrong in ["a\nport=1", "a ;b", ";a", "#", " a", "a ", "a\r", "a\u{85}b"] {
            assert!(
                matches!(writer.text("node.0", wrong), Err(IniError::Unwritable { .. })),
                "{wrong:?}"
            );
        }
        writer.text("node.0", "a;b=c d").unwrap();
        assert_eq!(read(&writer.finish()).unwrap().1, ["a;b=c d"]);
    }

    #[test]
    fn decimals_are_thousandths() {
        for (text, number) in [("3", 3000), ("2.5", 2500), ("0.001", 1), ("60.125", 60_125)] {
            assert_eq!(read_thousandths(text), Some(number));
            assert_eq!(thousandths_text(number), text);
        }
        for wrong in ["", ".", "1.", ".5", "1.2345", "-1", "1e3"] {
            assert_eq!(read_thousandths(wrong), None, "{wrong}");
        }
    }
}
