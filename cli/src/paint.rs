//! Colours: only for people, only on a terminal that wants them.

use std::io::{IsTerminal, stdout};

/// Paints words, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    is_on: bool,
}

/// What a word is painted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    /// As the terminal has it.
    Plain,
    /// All is well.
    Good,
    /// It goes on by itself.
    Waiting,
    /// A person is needed.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(crate) const OFF: Self = Self { is_on: false };

    /// Colours when standard output is a terminal and `NO_COLOR` is not set.
    pub(crate) fn for_stdout() -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            is_on: stdout().is_terminal() && !is_unwanted,
        }
    }

    /// The text, painted.
    pub(crate) fn paint(self, hue: Hue, text: &str) -> String {
        let code = match hue {
            Hue::Plain => return text.to_owned(),
            Hue::Good => "32",
            Hue::Waiting => "33",
            Hue::Bad => "31",
            Hue::Dim => "2",
            Hue::Strong => "1",
        };
        match self.is_on && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_painted_only_when_colours_are_on() {
        assert_eq!(Paint::OFF.paint(Hue::Bad, "stalled"), "stalled");
        let on = Paint { is_on: true };
        assert_eq!(on.paint(Hue::Bad, "stalled"), "\u{1b}[31mstalled\u{1b}[0m");
        assert_eq!(on.paint(Hue::Plain, "x"), "x");
    }
}
