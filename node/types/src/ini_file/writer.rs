//! Writes what reads back to the same values.

use super::section::digits;
use super::{IniError, is_plain_value, shortened};

pub(super) fn read_thousandths(text: &str) -> Option<u64> {
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

/// Thousandths as a decimal number, the way [`SectionReader::optional_thousandths`](super::SectionReader::optional_thousandths) reads them.
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
