//! What can be voted on, as a table.

use althing_governance::ChangeId;
use althing_operator::governance::short;
use serde::Serialize;

use crate::table::Table;

/// Letters of a nodeID or an account in a table.
const SUBJECT_LETTERS: usize = 42;

/// One line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub group: String,
    pub id: ChangeId,
    pub subject: String,
    pub from: String,
    pub to: String,
    pub force: bool,
    pub votes: u64,
    pub needed: u64,
    pub voted: Vec<String>,
    pub missing: Vec<String>,
    /// The agencies without a seat that ask for it.
    pub asked_by: Vec<String>,
    pub effect: String,
}

/// All of them.
pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&["GROUP", "CHANGE", "WHAT", "VOTES", "VOTED", "MISSING", "WOULD BE"]);
    for row in rows {
        let force = if row.force { ", by force" } else { "" };
        let asked = match row.asked_by.as_slice() {
            [] => String::new(),
            names => format!(", asked by {}", names.join(" ")),
        };
        table.row(vec![
            row.group.clone(),
            short(&row.id),
            format!("{}: {} → {}{force}{asked}", clipped(&row.subject), row.from, row.to),
            format!("{} of {}", row.votes, row.needed),
            listed(&row.voted),
            listed(&row.missing),
            row.effect.clone(),
        ]);
    }
    table
}

/// A nodeID is shown by its beginning.
fn clipped(subject: &str) -> String {
    match subject.len() > SUBJECT_LETTERS {
        true => format!("{}…", subject.chars().take(8).collect::<String>()),
        false => subject.to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "-".to_owned(),
        names => names.join(" "),
    }
}
