//! Answers as text: for people in FISCO's style, for scripts one JSON value on a line.

use serde_json::{Value, json};

use super::answer::{Answer, Sent, Tally};
use super::contract::Grant;
use super::error::Refusal;
use super::quiet::{plain, quoted};
use crate::output::Format;
use crate::table::Table;

/// Spaces before what is inside of something.
const INDENT: usize = 4;

/// An answer, without the end of its last line.
pub(super) fn answer(answer: &Answer, format: Format) -> String {
    match format {
        Format::Json => compact(&value(answer)),
        Format::Table => text(answer),
    }
}

/// Why there is none, as a script reads it, and as a person does where it has a code of FISCO's.
pub(super) fn refusal(refusal: &Refusal) -> String {
    let words = refusal.to_string();
    compact(&match refusal.code() {
        Some(code) => json!({"code": code, "msg": words}),
        None => json!({ "error": words }),
    })
}

fn text(answer: &Answer) -> String {
    match answer {
        Answer::Json(value) => pretty(value, 0),
        Answer::Line(Value::String(text)) => plain(text),
        Answer::Line(value) => line(value),
        Answer::Text(text, _) => text.lines().map(plain).collect::<Vec<_>>().join("\n"),
        Answer::Grants(grants) if grants.is_empty() => "Empty set.".to_owned(),
        Answer::Grants(grants) => table(grants).to_string().trim_end().to_owned(),
        Answer::Sent(sent) => sent_text(sent),
        Answer::Nothing(words) => (*words).to_owned(),
    }
}

fn value(answer: &Answer) -> Value {
    match answer {
        Answer::Json(value) | Answer::Line(value) | Answer::Text(_, value) => value.clone(),
        Answer::Grants(grants) => grants
            .iter()
            .map(|(grant, agency)| grant_value(grant, agency.as_ref()))
            .collect(),
        Answer::Sent(sent) => sent_value(sent),
        Answer::Nothing(_) => Value::Null,
    }
}

fn grant_value(grant: &Grant, agency: Option<&String>) -> Value {
    json!({"address": grant.address, "enable_num": grant.enable_num, "agency": agency})
}

fn table(grants: &[(Grant, Option<String>)]) -> Table {
    let mut table = Table::new(&["address", "enable_num", "agency"]);
    for (grant, agency) in grants {
        let agency = agency.as_deref().unwrap_or("-");
        table.row([grant.address.as_str(), &grant.enable_num, agency].map(plain).into());
    }
    table
}

/// FISCO's contracts return 0 for a vote that is recorded; its console says 0 for what is done. What is done is `success`.
fn outcome(sent: &Sent) -> &'static str {
    match sent.vote {
        Some(_) => "vote recorded",
        None => "success",
    }
}

fn sent_value(sent: &Sent) -> Value {
    let mut value = json!({"code": 0, "msg": outcome(sent), "transactionHash": sent.hash});
    if let Some(tally) = &sent.vote {
        let Tally {
            change,
            what,
            votes,
            needed,
            voted,
            missing,
            next: _,
        } = tally;
        value["vote"] = json!({
            "change": change, "what": what, "votes": votes, "needed": needed, "voted": voted, "missing": missing,
        });
    }
    value
}

fn sent_text(sent: &Sent) -> String {
    let code = compact(&json!({"code": 0, "msg": outcome(sent)}));
    let mut lines = vec![format!("TransactionHash: {}", plain(&sent.hash)), code];
    if let Some(tally) = &sent.vote {
        let listed = |names: &[String]| match names {
            [] => "-".to_owned(),
            names => plain(&names.join(", ")),
        };
        lines.extend([
            format!("change:  {} ({})", plain(&tally.change), plain(&tally.what)),
            format!("votes:   {} of {}", tally.votes, tally.needed),
            format!("voted:   {}", listed(&tally.voted)),
            format!("missing: {}", listed(&tally.missing)),
            plain(&tally.next),
        ]);
    }
    lines.join("\n")
}

/// JSON on one line.
fn compact(value: &Value) -> String {
    joined(value, ",", compact)
}

/// A list as FISCO's console shows those of numbers.
fn line(value: &Value) -> String {
    joined(value, ", ", line)
}

fn joined(value: &Value, between: &str, part: fn(&Value) -> String) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(part).collect::<Vec<_>>().join(between)),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}:{}", quoted(key), part(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(between))
        }
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// JSON over several lines, as FISCO's console lays it out.
fn pretty(value: &Value, depth: usize) -> String {
    let inside = |open: char, close: char, parts: Vec<String>| {
        let (inner, outer) = (" ".repeat(INDENT * (depth + 1)), " ".repeat(INDENT * depth));
        let parts: Vec<String> = parts.into_iter().map(|part| format!("{inner}{part}")).collect();
        format!("{open}\n{}\n{outer}{close}", parts.join(",\n"))
    };
    match value {
        Value::Array(values) if !values.is_empty() => {
            inside('[', ']', values.iter().map(|value| pretty(value, depth + 1)).collect())
        }
        Value::Object(fields) if !fields.is_empty() => {
            let field = |(key, value): (&String, &Value)| format!("{}:{}", quoted(key), pretty(value, depth + 1));
            inside('{', '}', fields.iter().map(field).collect())
        }
        other => compact(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(found: &Answer) -> String {
        format!(
            "{}\n--- json\n{}",
            answer(found, Format::Table),
            answer(found, Format::Json)
        )
    }

    fn tally() -> Tally {
        Tally {
            change: "0xd7238db5a6f5".to_owned(),
            what: "node-2 is to be a sealer".to_owned(),
            votes: 1,
            needed: 2,
            voted: vec!["agency-a".to_owned()],
            missing: vec!["agency-b".to_owned(), "agency-c".to_owned()],
            next: "others vote by: addSealer".to_owned(),
        }
    }

    #[test]
    fn answers_look_as_fisco_s_console_shows_them() {
        let grant = Grant {
            address: "0x22".to_owned(),
            enable_num: "0".to_owned(),
        };
        let sent = |vote| {
            Answer::Sent(Sent {
                hash: "0xab".to_owned(),
                vote,
            })
        };
        let answers = [
            Answer::Line(json!(12)),
            Answer::Line(json!("1000")),
            Answer::Line(json!([1, 2])),
            Answer::Json(json!([])),
            Answer::Json(json!({"nodeId": "ab", "peers": [{"view": 1}, {}], "none": null})),
            Answer::Text("threshold: 50%\n".to_owned(), json!({"threshold": 50})),
            Answer::Grants(vec![]),
            Answer::Grants(vec![(grant.clone(), Some("agency-a".to_owned())), (grant, None)]),
            sent(None),
            sent(Some(tally())),
            Answer::Nothing("no block has it"),
        ];
        insta::assert_snapshot!(answers.iter().map(both).collect::<Vec<_>>().join("\n=====\n"));
    }

    #[test]
    fn what_the_chain_says_steers_no_terminal() {
        let hostile = "\u{1b}[2J\u{9b}31m";
        let grant = Grant {
            address: hostile.to_owned(),
            enable_num: hostile.to_owned(),
        };
        let mut vote = tally();
        vote.what = hostile.to_owned();
        vote.missing = vec![hostile.to_owned()];
        for found in [
            Answer::Line(json!(hostile)),
            Answer::Line(json!([hostile])),
            Answer::Json(json!({hostile: [hostile]})),
            Answer::Text(hostile.to_owned(), json!(hostile)),
            Answer::Grants(vec![(grant, Some(hostile.to_owned()))]),
            Answer::Sent(Sent {
                hash: hostile.to_owned(),
                vote: Some(vote),
            }),
        ] {
            for format in [Format::Table, Format::Json] {
                let shown = answer(&found, format);
                assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
            }
        }
    }

    #[test]
    fn a_line_for_scripts_is_json() {
        let found = Answer::Json(json!({"a": ["\u{202e}", 1.5, true, null]}));
        let line = answer(&found, Format::Json);
        assert!(!line.contains('\n'));
        assert_eq!(
            serde_json::from_str::<Value>(&line).unwrap(),
            json!({"a": ["\u{202e}", 1.5, true, null]})
        );
    }
}
