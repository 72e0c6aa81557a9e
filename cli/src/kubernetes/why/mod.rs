//! `kubectl althing why`: what is in the way of an object, and what would take it away.
//!
//! ```text
//! seen, heard ─▶ subject ─▶ explain ─▶ Explanation ─▶ render
//!                             ▲ advice: what each reason asks of whom
//!              evidence ──────┘ what was found around the object
//! ```

mod advice;
mod evidence;
mod explain;
mod render;
mod subject;

use clap::Args;
use futures::future::join_all;
use kube::Client;

use self::evidence::Around;
use self::explain::{Explanation, Verdict, explain};
use self::subject::{Subject, find, subjects};
use super::heard::{self, Heard};
use super::seen::{self, Seen};
use super::target::Target;
use crate::output::{self, Format};
use crate::paint::Paint;

/// What is asked about.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// KIND/NAME, such as node/node-0, or a name that only one object has; without it everything that is not as it should be
    #[arg(value_name = "KIND/NAME")]
    pub object: Option<String>,
}

/// Explains; false when something is in the way.
pub(super) async fn run(target: &Target, asked: &Asked, output: Format) -> anyhow::Result<bool> {
    let (client, scope) = target.connect().await?;
    let seen = seen::look(&client, &scope).await?;
    let wanted: Vec<(&Seen, Vec<Subject>)> = match &asked.object {
        Some(text) => find(&seen, text, &scope)?,
        None => seen.iter().map(|seen| (seen, subjects(&seen.manifests))).collect(),
    };
    let examined = wanted.iter().map(|(seen, subjects)| examine(&client, seen, subjects));
    let mut found: Vec<Explanation> = join_all(examined).await.into_iter().flatten().collect();
    let count = found.len();
    if asked.object.is_none() {
        found.retain(|one| one.verdict != Verdict::Fine);
    }
    match output {
        Format::Json => output::json(&found)?,
        Format::Table if found.is_empty() && count == 0 => {
            output::line_to_stderr(&format!("no consortium, agency, group or node in {scope}"));
        }
        Format::Table if found.is_empty() => {
            output::text(&format!(
                "{count} objects in {scope}: all ready and in sync, nothing waits\n"
            ))?;
        }
        Format::Table => output::text(&render::text(&found, Paint::for_stdout()))?,
    }
    Ok(found.iter().all(|one| one.verdict == Verdict::Fine))
}

/// Looks around whatever is not as it should be.
async fn examine(client: &Client, seen: &Seen, subjects: &[Subject]) -> Vec<Explanation> {
    let is_well = |subject: &Subject| subject::state_of(&seen.manifests, subject).is_some_and(|state| state.is_well());
    let unwell: Vec<&Subject> = subjects.iter().filter(|subject| !is_well(subject)).collect();
    let heard = match unwell.is_empty() {
        true => Heard::new(),
        false => heard::ask(client, seen).await,
    };
    let explained = subjects.iter().map(|subject| {
        let (heard, is_unwell) = (&heard, unwell.contains(&subject));
        async move {
            let around = match is_unwell {
                true => evidence::gather(client, seen, subject).await,
                false => Around::default(),
            };
            explain(seen, heard, &around, subject)
        }
    });
    join_all(explained).await
}
