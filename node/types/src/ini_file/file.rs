//! A file taken apart into sections and lines.

use super::{FILE_BYTES_MAX, IniError, SectionReader, is_plain_value, shortened};

/// A key with its value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) line: usize,
}

#[derive(Debug, Clone)]
pub(super) struct RawSection {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) entries: Vec<Entry>,
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
