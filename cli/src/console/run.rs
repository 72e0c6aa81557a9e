//! One command, a pipe of commands, or a person at a prompt.

use std::io::{BufRead, IsTerminal, stdin};

use anyhow::Context;

use super::answer::Reply;
use super::error::Refusal;
use super::parse::{self, Command, Mistake};
use super::place::Place;
use super::prompt::{Prompt, Typed};
use super::quiet::plain;
use super::session::Session;
use super::table::Verb;
use super::{Choice, render};
use crate::Ended;
use crate::output::{self, Format};

/// Bytes that a line of a pipe may have: the nodeIDs of a hundred sealers and more.
const LINE_MAX: usize = 64 * 1024;

/// Opens a console on a namespace.
pub(crate) async fn run<P: Place>(place: P, choice: &Choice, format: Format) -> anyhow::Result<Ended> {
    let session = Session::new(place, choice)?;
    let mut console = Console { session, format };
    match choice.command.as_slice() {
        [] if stdin().is_terminal() => console.converse().await,
        [] => console.drain(stdin().lock()).await,
        words => console.once(words).await,
    }
}

struct Console<P> {
    session: Session<P>,
    format: Format,
}

impl<P: Place> Console<P> {
    async fn once(&mut self, words: &[String]) -> anyhow::Result<Ended> {
        let read = parse::words(words, &self.session.names());
        Ok(self.answer(read).await?.unwrap_or(Ended::Well))
    }

    /// Line by line until one is refused.
    async fn drain(&mut self, input: impl BufRead) -> anyhow::Result<Ended> {
        for (index, line) in input.lines().enumerate() {
            let line = line.with_context(|| format!("read line {} of standard input", index + 1))?;
            let read = match line.len() > LINE_MAX {
                true => Err(Mistake::Long { most: LINE_MAX }),
                false => parse::line(&line, &self.session.names()),
            };
            match self.answer(read).await? {
                None => break,
                Some(Ended::Well) => {}
                Some(ended) => {
                    output::line_to_stderr(&format!(
                        "althing: line {} was not carried out; the rest was not read",
                        index + 1
                    ));
                    return Ok(ended);
                }
            }
        }
        Ok(Ended::Well)
    }

    /// Whatever is refused, the person goes on.
    async fn converse(&mut self) -> anyhow::Result<Ended> {
        let mut prompt = Prompt::open()?;
        output::line_to_stderr("help lists the commands, quit or Ctrl-D ends the console");
        prompt.learn(self.session.vocabulary().await);
        loop {
            let line = match prompt.read(&self.session.prompt())? {
                Typed::Line(line) => line,
                Typed::Nothing => continue,
                Typed::End => return Ok(Ended::Well),
            };
            let read = parse::line(&line, &self.session.names());
            let is_news = read
                .as_ref()
                .is_ok_and(|read| read.as_ref().is_some_and(Command::changes_what_there_is));
            if self.answer(read).await?.is_none() {
                return Ok(Ended::Well);
            }
            if is_news {
                prompt.learn(self.session.vocabulary().await);
            }
        }
    }

    /// Carries out what was read and shows what came of it; none when the console is to end.
    async fn answer(&mut self, read: Result<Option<Command>, Mistake>) -> anyhow::Result<Option<Ended>> {
        let replied = match read {
            Ok(None) => return Ok(Some(Ended::Well)),
            Ok(Some(command)) if command.row.verb == Verb::Quit => return Ok(None),
            Ok(Some(command)) => self.session.carry_out(&command).await,
            Err(mistake) => Err(mistake.into()),
        };
        match replied {
            Ok(reply) => self.show(&reply),
            Err(refusal) => self.show_refusal(&refusal),
        }
        .map(Some)
    }

    fn show(&self, reply: &Reply) -> anyhow::Result<Ended> {
        output::text(&(render::answer(&reply.answer, self.format) + "\n"))?;
        if let Some(note) = &reply.note {
            output::line_to_stderr(&format!("note: {}", plain(note)));
        }
        Ok(if reply.is_refused { Ended::Wrong } else { Ended::Well })
    }

    /// What has a code of FISCO's is an answer as FISCO's console gives it; the rest is an error of ours.
    fn show_refusal(&self, refusal: &Refusal) -> anyhow::Result<Ended> {
        match (self.format, refusal.code()) {
            (Format::Table, None) => output::line_to_stderr(&format!("althing: {}", plain(&refusal.to_string()))),
            _ => output::text(&(render::refusal(refusal) + "\n"))?,
        }
        Ok(match refusal {
            Refusal::Mistake(_) => Ended::Misused,
            _ => Ended::Wrong,
        })
    }
}
