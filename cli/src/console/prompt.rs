//! A person at a terminal: lines with completion and history.

use std::path::PathBuf;

use anyhow::Context as _;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::{Words, complete};
use super::history;
use crate::output;

/// Lines that are remembered.
const REMEMBERED: usize = 1_000;

/// What a person typed.
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// Ctrl-C: the line was given up.
    Nothing,
    /// Ctrl-D.
    End,
}

/// The terminal.
pub(super) struct Prompt {
    editor: Editor<Completing, FileHistory>,
    /// Where lines are kept; none when they cannot be.
    history: Option<PathBuf>,
}

impl Prompt {
    /// Takes the terminal. A history that cannot be read or kept is told, and is no reason to stop.
    pub(super) fn open() -> anyhow::Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .max_history_size(REMEMBERED)
            .and_then(|builder| builder.history_ignore_dups(true))
            .context("set the prompt up")?
            .build();
        let mut editor = Editor::with_config(config).context("take the terminal")?;
        editor.set_helper(Some(Completing::default()));
        let history = match history::file() {
            Ok(file) => editor.load_history(&file).map(|()| file).map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        let history = history.inspect_err(|error| {
            output::line_to_stderr(&format!("althing: no history is kept: {}", crate::sentence(error)));
        });
        Ok(Self {
            editor,
            history: history.ok(),
        })
    }

    /// Completes with these words from now on.
    pub(super) fn learn(&mut self, words: Words) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.words = words;
        }
    }

    /// Waits for a line. Nothing else of this program has anything to do meanwhile.
    pub(super) fn read(&mut self, prompt: &str) -> anyhow::Result<Typed> {
        match self.editor.readline(prompt) {
            Ok(line) => {
                self.remember(&line);
                Ok(Typed::Line(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Nothing),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(error).context("read a line from the terminal"),
        }
    }

    /// At once, so that a console that is killed has kept it.
    fn remember(&mut self, line: &str) {
        let added = self.editor.add_history_entry(line);
        if let (Ok(true), Some(file)) = (added, &self.history)
            && let Err(error) = self.editor.append_history(file)
        {
            output::line_to_stderr(&format!("althing: the history cannot be kept: {error}"));
            self.history = None;
        }
    }
}

#[derive(Default)]
struct Completing {
    words: Words,
}

impl Completer for Completing {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line.get(..position).unwrap_or(line), &self.words))
    }
}

impl Hinter for Completing {
    type Hint = String;
}

impl Highlighter for Completing {}

impl Validator for Completing {}

impl Helper for Completing {}
