//! What is being done, on standard error: a moving line on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the moving line moves.
const TICK: Duration = Duration::from_millis(100);

/// The progress of one command.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let is_plain = !stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let bar = (!is_plain).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            bar,
            last: String::new(),
        }
    }

    /// Something was done; it stays visible.
    pub(crate) fn done(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => plain(text),
        }
    }

    /// Something is being done; only a terminal shows it, as the next comes soon.
    pub(crate) fn step(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// Something is waited for; the next replaces it.
    pub(crate) fn waiting(&mut self, text: &str) {
        if self.last == text {
            return;
        }
        self.last = text.to_owned();
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => plain(text),
        }
    }

    /// Clears the moving line.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn plain(text: &str) {
    // A closed standard error is no reason to stop.
    let _ = writeln!(stderr(), "{text}");
}
