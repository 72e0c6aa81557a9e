//! Explanations → text of at most 100 columns. Pure.

use super::explain::{Explanation, Verdict};
use crate::paint::{Hue, Paint};
use crate::wrap::{WIDTH, wrap};

/// Columns of what stands before a text.
const MARGIN: usize = 9;

/// One block an object, an empty line between two.
pub(crate) fn text(found: &[Explanation], paint: Paint) -> String {
    let blocks: Vec<String> = found.iter().map(|one| block(one, paint)).collect();
    // What is well takes a line.
    let is_short = found.iter().all(|one| one.verdict == Verdict::Fine);
    blocks.join(if is_short { "" } else { "\n" })
}

fn block(found: &Explanation, paint: Paint) -> String {
    let name = format!("{} in {}", found.object, found.namespace);
    if found.verdict == Verdict::Fine {
        let lines = wrap(&format!("{name}: {}", found.what), WIDTH);
        return lines.join("\n") + "\n";
    }
    let state = match &found.reason {
        Some(reason) => format!("{} ({reason})", found.state.as_str()),
        None => found.state.as_str().to_owned(),
    };
    let mut text = format!(
        "{}: {}\n",
        paint.paint(Hue::Strong, &name),
        paint.paint(found.state.hue(), &state)
    );
    let mut say = |label: &str, words: &str| {
        for (position, line) in wrap(words, WIDTH - MARGIN).into_iter().enumerate() {
            let label = if position == 0 { label } else { "" };
            let label = paint.paint(Hue::Dim, &format!("  {label:<width$}", width = MARGIN - 2));
            text.push_str(&format!("{label}{line}\n"));
        }
    };
    say("what", &found.what);
    if let Some(rule) = &found.rule {
        say("rule", rule);
    }
    for (position, line) in found.evidence.iter().enumerate() {
        say(if position == 0 { "found" } else { "" }, line);
    }
    if let Some(unblock) = &found.unblock {
        say("do", unblock);
    }
    if let Some(next) = &found.next {
        say("next", next);
    }
    if let Some(since) = found.since {
        say("since", &since.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::state::Word;

    #[test]
    fn an_explanation_reads_from_what_to_do_to_when() {
        let found = Explanation {
            namespace: "trade".to_owned(),
            object: "Node/node-0".to_owned(),
            verdict: Verdict::Waits,
            state: Word::Reconciling,
            reason: Some("DisruptionBlocked".to_owned()),
            what: "a restart for its image or resources waits".to_owned(),
            rule: Some("quorum first".to_owned()),
            evidence: vec!["one".to_owned(), "two ".repeat(40)],
            unblock: Some("bring back node-2".to_owned()),
            next: Some("by itself".to_owned()),
            since: Some(jiff::Timestamp::UNIX_EPOCH),
        };
        let shown = text(std::slice::from_ref(&found), Paint::OFF);
        let wanted = "\
Node/node-0 in trade: Reconciling (DisruptionBlocked)
  what   a restart for its image or resources waits
  rule   quorum first
  found  one
";
        assert!(shown.starts_with(wanted), "{shown}");
        let ends = "  do     bring back node-2\n  next   by itself\n  since  1970-01-01 00:00:00Z\n";
        assert!(shown.ends_with(ends), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
        let fine = Explanation {
            verdict: Verdict::Fine,
            what: "ready; nothing is in its way".to_owned(),
            ..found
        };
        assert_eq!(
            text(&[fine], Paint::OFF),
            "Node/node-0 in trade: ready; nothing is in its way\n"
        );
    }
}
