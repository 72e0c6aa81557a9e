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

use std::ops::RangeInclusive;
use std::str::FromStr;

/// Bytes an INI file may have.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// The largest index in a list (`node.N`), and so the longest list.
const INDEX_MAX: u32 = 9_999;
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

/// A key with its value and where it stands.
#[derive(Debug, Clone)]
struct Entry {
    key: String,
    value: String,
    line: usize,
}

#[derive(Debug, Clone)]
struct RawSection {
    name: String,
    line: usize,
    entries: Vec<Entry>,
}

/// A file taken apart, whose sections are taken out one by one by who knows them.
#[derive(Debug)]
pub struct IniFile {
    file: String,
    sections: Vec<RawSection>,
    accepted: Vec<&'static str>,
}

impl IniFile {
    /// Takes a file apart. `file` is only its name for errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, IniError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(IniError::TooLong {
                file: file.to_owned(),
                found: text.len(),
            });
        }
        let mut ini = Self {
            file: file.to_owned(),
            sections: Vec::new(),
            accepted: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            ini.read_line(index + 1, line.trim())?;
        }
        Ok(ini)
    }

    fn read_line(&mut self, line: usize, text: &str) -> Result<(), IniError> {
        let malformed = || IniError::Line {
            file: self.file.clone(),
            line,
            found: shortened(text),
        };
        if text.is_empty() || text.starts_with([';', '#']) {
            return Ok(());
        }
        if let Some(rest) = text.strip_prefix('[') {
            let name = rest
                .strip_suffix(']')
                .map(str::trim)
                .filter(|name| is_name(name))
                .ok_or_else(malformed)?;
            return self.open_section(line, name.to_owned());
        }
        let (key, value) = text.split_once('=').ok_or_else(malformed)?;
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        if !is_name(&key) || !is_plain_value(&value) {
            return Err(malformed());
        }
        self.add_entry(Entry { key, value, line })
    }

    fn open_section(&mut self, line: usize, name: String) -> Result<(), IniError> {
        if let Some(first) = self.sections.iter().find(|section| section.name == name) {
            let what = format!("[{name}]");
            return Err(IniError::Twice {
                file: self.file.clone(),
                line,
                first: first.line,
                what,
            });
        }
        self.sections.push(RawSection {
            name,
            line,
            entries: Vec::new(),
        });
        Ok(())
    }

    fn add_entry(&mut self, entry: Entry) -> Result<(), IniError> {
        let Some(section) = self.sections.last_mut() else {
            return Err(IniError::NoSection {
                file: self.file.clone(),
                line: entry.line,
                key: entry.key,
            });
        };
        if let Some(first) = section.entries.iter().find(|other| other.key == entry.key) {
            let what = format!("[{}] {}", section.name, entry.key);
            return Err(IniError::Twice {
                file: self.file.clone(),
                line: entry.line,
                first: first.line,
                what,
            });
        }
        section.entries.push(entry);
        Ok(())
    }

    /// Takes a section out, under any of its names (the current one first); an absent section has no keys.
    pub fn section(&mut self, names: &[&'static str]) -> Result<SectionReader, IniError> {
        self.accepted.extend_from_slice(names);
        let mut found: Option<RawSection> = None;
        for name in names {
            let Some(position) = self.sections.iter().position(|section| section.name == *name) else {
                continue;
            };
            let section = self.sections.remove(position);
            if let Some(first) = &found {
                let what = format!("[{}] under its two names ({})", first.name, names.join(", "));
                return Err(IniError::Twice {
                    file: self.file.clone(),
                    line: section.line,
                    first: first.line,
                    what,
                });
            }
            found = Some(section);
        }
        let name = names.first().copied().unwrap_or_default();
        let present = found.is_some();
        let section = found.unwrap_or_else(|| RawSection {
            name: name.to_owned(),
            line: 0,
            entries: Vec::new(),
        });
        Ok(SectionReader {
            file: self.file.clone(),
            section,
            present,
            accepted: Vec::new(),
        })
    }

    /// Refuses the sections nobody took.
    pub fn finish(self) -> Result<(), IniError> {
        match self.sections.into_iter().next() {
            None => Ok(()),
            Some(section) => Err(IniError::UnknownSection {
                file: self.file,
                line: section.line,
                section: section.name,
                accepted: self
                    .accepted
                    .iter()
                    .map(|name| format!("[{name}]"))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}

/// Names of sections and keys: what FISCO uses, letters, digits, `_`, `.` and `-`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The keys of one section, taken out by type. [`SectionReader::finish`] refuses what nobody asked for.
#[derive(Debug)]
pub struct SectionReader {
    file: String,
    section: RawSection,
    present: bool,
    accepted: Vec<String>,
}

impl SectionReader {
    /// Whether the file has this section.
    pub const fn is_present(&self) -> bool {
        self.present
    }

    /// A value under any of its keys (the current one first), read by `read`; `accepted` completes "accepted is …".
    pub fn optional<T>(
        &mut self,
        keys: &[&'static str],
        accepted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, IniError> {
        self.accepted.extend(keys.iter().map(|key| (*key).to_owned()));
        let mut found: Option<Entry> = None;
        for key in keys {
            let Some(position) = self.section.entries.iter().position(|entry| entry.key == *key) else {
                continue;
            };
            let entry = self.section.entries.remove(position);
            if let Some(first) = &found {
                let what = format!(
                    "[{}] {} under its two names ({})",
                    self.section.name,
                    first.key,
                    keys.join(", ")
                );
                return Err(IniError::Twice {
                    file: self.file.clone(),
                    line: entry.line,
                    first: first.line,
                    what,
                });
            }
            found = Some(entry);
        }
        let Some(entry) = found else { return Ok(None) };
        read(&entry.value).map(Some).ok_or_else(|| self.wrong(&entry, accepted))
    }

    fn wrong(&self, entry: &Entry, accepted: &str) -> IniError {
        IniError::Value {
            file: self.file.clone(),
            line: entry.line,
            section: self.section.name.clone(),
            key: entry.key.clone(),
            found: shortened(&entry.value),
            accepted: accepted.to_owned(),
        }
    }

    /// The error for a key that must be there.
    pub fn missing(&self, key: &str, accepted: &str) -> IniError {
        IniError::Missing {
            file: self.file.clone(),
            section: self.section.name.clone(),
            key: key.to_owned(),
            accepted: accepted.to_owned(),
        }
    }

    /// A whole number in a range, none when absent.
    pub fn optional_number<T>(&mut self, keys: &[&'static str], range: RangeInclusive<T>) -> Result<Option<T>, IniError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.optional(keys, &accepted, |text| {
            digits(text)?.parse().ok().filter(|number| range.contains(number))
        })
    }

    /// A whole number in a range.
    pub fn number<T>(&mut self, keys: &[&'static str], range: RangeInclusive<T>, default: T) -> Result<T, IniError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        Ok(self.optional_number(keys, range)?.unwrap_or(default))
    }

    /// A decimal number of thousandths (`2.5` is 2500), none when absent.
    pub fn optional_thousandths(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, IniError> {
        let (low, high) = (thousandths_text(*range.start()), thousandths_text(*range.end()));
        let accepted = format!("a number from {low} to {high} with at most three decimals");
        self.optional(&[key], &accepted, |text| {
            read_thousandths(text).filter(|number| range.contains(number))
        })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &'static str, default: bool) -> Result<bool, IniError> {
        self.choice(&[key], &[("true", true), ("false", false)], default)
    }

    /// One of some words, in any case.
    pub fn choice<T: Copy>(
        &mut self,
        keys: &[&'static str],
        words: &[(&'static str, T)],
        default: T,
    ) -> Result<T, IniError> {
        let accepted = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let found = self.optional(keys, &accepted, |text| {
            words
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(text))
                .map(|(_, value)| *value)
        })?;
        Ok(found.unwrap_or(default))
    }

    /// Any text, none when absent or empty.
    pub fn optional_text(&mut self, key: &'static str) -> Result<Option<String>, IniError> {
        Ok(self
            .optional(&[key], "a text", |text| Some(text.to_owned()))?
            .filter(|text| !text.is_empty()))
    }

    /// Any text; an empty value counts as absent.
    pub fn text(&mut self, key: &'static str, default: &str) -> Result<String, IniError> {
        Ok(self.optional_text(key)?.unwrap_or_else(|| default.to_owned()))
    }

    /// The values of `prefix.0`, `prefix.1`, … in the order of their numbers; gaps are allowed.
    pub fn list<T>(
        &mut self,
        prefix: &'static str,
        accepted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, IniError> {
        self.accepted.push(format!("{prefix}.N"));
        let index_of = |key: &str| key.strip_prefix(prefix)?.strip_prefix('.').and_then(index);
        let mut found = Vec::new();
        for entry in std::mem::take(&mut self.section.entries) {
            match index_of(&entry.key) {
                Some(number) => found.push((number, read(&entry.value).ok_or_else(|| self.wrong(&entry, accepted))?)),
                None => self.section.entries.push(entry),
            }
        }
        found.sort_by_key(|(number, _)| *number);
        Ok(found.into_iter().map(|(_, value)| value).collect())
    }

    /// Accepts keys of FISCO's that change nothing here: any text.
    pub fn without_effect(&mut self, keys: &[&'static str]) -> Result<(), IniError> {
        keys.iter().try_for_each(|key| self.optional_text(key).map(|_| ()))
    }

    /// Refuses the keys nobody asked for.
    pub fn finish(self) -> Result<(), IniError> {
        match self.section.entries.into_iter().next() {
            None => Ok(()),
            Some(entry) => Err(IniError::UnknownKey {
                file: self.file,
                line: entry.line,
                section: self.section.name,
                key: entry.key,
                accepted: self.accepted.join(", "),
            }),
        }
    }
}

/// A text of decimal digits only: `+1` is no number of ours.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// The number behind `prefix.`, written without leading zeros so that no two keys mean the same entry.
fn index(text: &str) -> Option<u32> {
    let number: u32 = digits(text)?.parse().ok()?;
    (number <= INDEX_MAX && number.to_string() == text).then_some(number)
}

fn read_thousandths(text: &str) -> Option<u64> {
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, "0"), |(whole, fraction)| (whole, fraction));
    let digits_of_fraction = digits(fraction)?;
    if digits_of_fraction.len() > 3 {
        return None;
    }
    let thousandths: u64 = format!("{digits_of_fraction:0<3}").parse().ok()?;
    digits(whole)?
        .parse::<u64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(thousandths)
}

/// Thousandths as a decimal number, the way [`SectionReader::optional_thousandths`] reads them.
pub fn thousandths_text(number: u64) -> String {
    match number % 1000 {
        0 => (number / 1000).to_string(),
        rest => format!("{}.{rest:03}", number / 1000).trim_end_matches('0').to_owned(),
    }
}

/// Writes an INI file section by section.
#[derive(Debug, Default)]
pub struct IniWriter {
    text: String,
    section: &'static str,
}

impl IniWriter {
    /// Begins a section.
    pub fn section(&mut self, name: &'static str) -> &mut Self {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&format!("[{name}]\n"));
        self.section = name;
        self
    }

    /// Writes a value that cannot hold anything but plain characters: a number, a boolean, a word of ours.
    pub fn plain(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        self.text.push_str(&format!("{key}={value}\n"));
        self
    }

    /// Writes a text from outside, when it reads back as itself.
    pub fn text(&mut self, key: &str, value: &str) -> Result<&mut Self, IniError> {
        if !is_plain_value(value) {
            let (section, key) = (self.section.to_owned(), key.to_owned());
            return Err(IniError::Unwritable {
                section,
                key,
                found: shortened(value),
            });
        }
        Ok(self.plain(key, value))
    }

    /// The file.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
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
