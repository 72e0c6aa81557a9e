//! The keys of a section, read by type.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::file::{Entry, RawSection};
use super::writer::{read_thousandths, thousandths_text};
use super::{IniError, shortened};

/// The largest index in a list (`node.N`), and so the longest list.
const INDEX_MAX: u32 = 9_999;

/// The keys of one section, taken out by type. [`SectionReader::finish`] refuses what nobody asked for.
#[derive(Debug)]
pub struct SectionReader {
    pub(super) file: String,
    pub(super) section: RawSection,
    pub(super) present: bool,
    pub(super) accepted: Vec<String>,
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
pub(super) fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// The number behind `prefix.`, written without leading zeros so that no two keys mean the same entry.
fn index(text: &str) -> Option<u32> {
    let number: u32 = digits(text)?.parse().ok()?;
    (number <= INDEX_MAX && number.to_string() == text).then_some(number)
}
