//! What `help` says. Pure.

use serde_json::{Value, json};

use super::answer::Answer;
use super::table::{self, Need, Row, Section};
use crate::wrap::{WIDTH, wrap};

/// Spaces before what belongs to a line above.
const INDENT: usize = 2;

/// All commands, or one of them.
pub(super) fn answer(name: Option<&str>) -> Answer {
    match name.and_then(table::find) {
        Some(row) => Answer::Text(of_one(row), value(row)),
        None => Answer::Text(all(), table::rows().map(value).collect()),
    }
}

fn all() -> String {
    let width = table::rows().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for section in Section::ALL {
        text += &format!("{}\n", section.title());
        for row in table::rows().filter(|row| row.section == section) {
            text += &format!("  {:<width$}  {}\n", row.name, row.summary);
        }
    }
    text + "COMMAND -h, or help COMMAND, says what a command takes"
}

fn of_one(row: &Row) -> String {
    let mut lines = vec![row.summary.to_owned(), format!("usage: {}", row.usage())];
    if !row.aliases.is_empty() {
        lines.push(format!("also:  {}", row.aliases.join(", ")));
    }
    let width = row
        .parameters
        .iter()
        .map(|parameter| parameter.name.len())
        .max()
        .unwrap_or(0);
    for parameter in row.parameters {
        let need = match parameter.need {
            Need::One => "",
            Need::Optional => "may be left out; ",
            Need::Several => "one or more; ",
        };
        let about = format!("{need}{}", parameter.kind.accepts());
        let mut name = parameter.name;
        for line in wrap(&about, WIDTH - INDENT * 2 - width) {
            lines.push(format!("  {name:<width$}  {line}"));
            name = "";
        }
    }
    if !row.more.is_empty() {
        lines.extend(wrap(row.more, WIDTH));
    }
    lines.join("\n")
}

fn value(row: &Row) -> Value {
    let parameters = row.parameters.iter().map(|parameter| {
        let need = match parameter.need {
            Need::One => "one",
            Need::Optional => "optional",
            Need::Several => "several",
        };
        json!({"name": parameter.name, "accepts": parameter.kind.accepts(), "need": need})
    });
    json!({
        "name": row.name,
        "aliases": row.aliases,
        "section": row.section.title(),
        "summary": row.summary,
        "parameters": parameters.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::render;
    use crate::output::Format;

    #[test]
    fn help_lists_every_command_under_one_heading() {
        let text = all();
        for row in table::rows() {
            let line = |line: &&str| line.split_whitespace().next() == Some(row.name);
            assert_eq!(text.lines().filter(line).count(), 1, "{}", row.name);
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn help_of_a_command_says_what_it_takes() {
        let names = [
            "addSealer",
            "generateGroup",
            "getBlockByNumber",
            "switch",
            "setSystemConfigByKey",
        ];
        let texts = names.map(|name| render::answer(&answer(Some(name)), Format::Table));
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn every_command_has_help_that_names_its_parameters() {
        for row in table::rows() {
            let text = of_one(row);
            assert!(text.contains(&row.usage()), "{text}");
            assert!(
                row.parameters
                    .iter()
                    .all(|parameter| text.contains(parameter.kind.accepts().split(' ').next().unwrap()))
            );
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }
}
