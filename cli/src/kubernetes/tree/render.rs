//! The tree → text of at most 100 columns. Pure.

use std::fmt::Display;

use super::model::{AgencyBranch, ConsortiumBranch, GroupBranch, Membership, NodeBranch, Tree};
use crate::kubernetes::state::{State, Word};
use crate::paint::{Hue, Paint};
use crate::wrap::{WIDTH, shortened, wrap};

/// Columns of what follows the tree: role, state, height, lag, end of the certificate.
const COLUMNS: [usize; 5] = [8, 12, 9, 5, 10];
/// Columns of a group: state, sealers, live, may fail, height, genesis.
const GROUP_COLUMNS: [usize; 6] = [12, 7, 4, 8, 9, 14];
/// Between two columns.
const GAP: usize = 2;

/// The text of one namespace.
pub(crate) fn text(tree: &Tree, paint: Paint) -> String {
    let mut rows = vec![];
    for consortium in &tree.consortiums {
        consortium_rows(consortium, &mut rows);
    }
    let taken: usize = COLUMNS.iter().map(|width| width + GAP).sum();
    let names = rows
        .iter()
        .filter_map(|row| row.cells.as_ref().map(|_| row.label.chars().count()));
    let first = names
        .max()
        .unwrap_or(0)
        .max(tree.namespace.chars().count())
        .min(WIDTH - taken);
    let mut lines = vec![];
    let headers = ["ROLE", "STATE", "HEIGHT", "LAG", "CERT UNTIL"].map(|header| (header.to_owned(), Hue::Dim));
    lines.push(line((&tree.namespace, Hue::Strong), first, &COLUMNS, &headers, paint));
    for row in &rows {
        match &row.cells {
            Some(cells) => lines.push(line((&row.label, Hue::Plain), first, &COLUMNS, cells, paint)),
            None => lines.push(format!("{}{}", row.label, paint.paint(row.hue, &row.note))),
        }
    }
    group_lines(tree, paint, &mut lines);
    unknown_lines(tree, paint, &mut lines);
    lines.join("\n") + "\n"
}

/// One line of the tree: an object with its cells, or a note under one.
struct Row {
    label: String,
    cells: Option<[(String, Hue); 5]>,
    note: String,
    hue: Hue,
}

type Cell = (String, Hue);

fn cell(value: Option<impl Display>) -> Cell {
    (
        value.map_or_else(|| "?".to_owned(), |value| value.to_string()),
        Hue::Plain,
    )
}

fn nothing() -> Cell {
    (String::new(), Hue::Plain)
}

fn date(moment: Option<jiff::Timestamp>) -> Cell {
    (
        moment.map_or_else(String::new, |moment| moment.strftime("%Y-%m-%d").to_string()),
        Hue::Plain,
    )
}

fn word(state: &State) -> Cell {
    (state.state.as_str().to_owned(), state.state.hue())
}

fn consortium_rows(consortium: &ConsortiumBranch, rows: &mut Vec<Row>) {
    let label = format!("Consortium/{}", consortium.name);
    let until = date(consortium.certificate_not_after);
    rows.push(object(
        label,
        [nothing(), word(&consortium.state), nothing(), nothing(), until],
    ));
    let bar = if consortium.agencies.is_empty() { "   " } else { "│  " };
    notes(&consortium.state, bar, rows);
    for (position, agency) in consortium.agencies.iter().enumerate() {
        agency_rows(agency, position + 1 == consortium.agencies.len(), rows);
    }
}

fn agency_rows(agency: &AgencyBranch, is_last: bool, rows: &mut Vec<Row>) {
    let (branch, bar) = branch(is_last);
    let until = date(agency.certificate_not_after);
    let role = whose(agency.external);
    rows.push(object(
        format!("{branch}Agency/{}", agency.name),
        [role, word(&agency.state), nothing(), nothing(), until],
    ));
    let deeper = if agency.nodes.is_empty() { "   " } else { "│  " };
    notes(&agency.state, &format!("{bar}{deeper}"), rows);
    for (position, node) in agency.nodes.iter().enumerate() {
        node_rows(node, bar, position + 1 == agency.nodes.len(), rows);
    }
}

fn node_rows(node: &NodeBranch, above: &str, is_last: bool, rows: &mut Vec<Row>) {
    let (branch, bar) = branch(is_last);
    let role = match (node.external, node.groups.is_empty()) {
        (false, true) => ("free".to_owned(), Hue::Plain),
        (external, _) => whose(external),
    };
    let until = date(node.certificate_not_after);
    rows.push(object(
        format!("{above}{branch}Node/{}", node.name),
        [role, word(&node.state), nothing(), nothing(), until],
    ));
    let deeper = if node.groups.is_empty() { "   " } else { "│  " };
    notes(&node.state, &format!("{above}{bar}{deeper}"), rows);
    for (position, membership) in node.groups.iter().enumerate() {
        let is_last = position + 1 == node.groups.len();
        membership_rows(membership, node.external, &format!("{above}{bar}"), is_last, rows);
    }
}

fn membership_rows(found: &Membership, external: bool, above: &str, is_last: bool, rows: &mut Vec<Row>) {
    let (branch, bar) = branch(is_last);
    // Nobody here may ask somebody else's node.
    let known = |value: Option<u64>| if external { nothing() } else { cell(value) };
    let state = match found.state {
        None if external => nothing(),
        None => ("?".to_owned(), Hue::Waiting),
        Some("in sync") => ("in sync".to_owned(), Hue::Good),
        Some("halted") => ("halted".to_owned(), Hue::Bad),
        Some(other) => (other.to_owned(), Hue::Waiting),
    };
    rows.push(object(
        format!("{above}{branch}{}", found.group),
        [
            cell(found.role),
            state,
            known(found.height),
            known(found.lag),
            nothing(),
        ],
    ));
    if let Some(message) = &found.message {
        note(message, &format!("{above}{bar}   "), Hue::Waiting, rows);
    }
}

fn whose(external: bool) -> Cell {
    (if external { "external" } else { "" }.to_owned(), Hue::Dim)
}

const fn branch(is_last: bool) -> (&'static str, &'static str) {
    match is_last {
        true => ("└─ ", "   "),
        false => ("├─ ", "│  "),
    }
}

fn object(label: String, cells: [Cell; 5]) -> Row {
    Row {
        label,
        cells: Some(cells),
        note: String::new(),
        hue: Hue::Plain,
    }
}

/// Why an object is not as it should be, under it.
fn notes(state: &State, bars: &str, rows: &mut Vec<Row>) {
    if let Some(text) = reasoned(state) {
        note(&text, bars, state.state.hue(), rows);
    }
}

fn reasoned(state: &State) -> Option<String> {
    let message = state.message.as_ref()?;
    Some(match &state.reason {
        Some(reason) if state.state != Word::Ready => format!("{reason}: {message}"),
        _ => message.clone(),
    })
}

fn note(text: &str, bars: &str, hue: Hue, rows: &mut Vec<Row>) {
    for text in wrap(text, WIDTH.saturating_sub(bars.chars().count())) {
        rows.push(Row {
            label: bars.to_owned(),
            cells: None,
            note: text,
            hue,
        });
    }
}

/// A name and its cells, each as wide as its column; nothing after the last word.
fn line(name: (&str, Hue), first: usize, columns: &[usize], cells: &[Cell], paint: Paint) -> String {
    let mut text = String::new();
    // Spaces are written only before the next word.
    let mut owed = 0;
    for (width, (word, hue)) in std::iter::once(&first)
        .chain(columns)
        .zip(std::iter::once(&(name.0.to_owned(), name.1)).chain(cells))
    {
        let word = shortened(word, *width);
        if !word.is_empty() {
            text.extend(std::iter::repeat_n(' ', owed));
            owed = 0;
            text.push_str(&paint.paint(*hue, &word));
        }
        owed += width - word.chars().count() + GAP;
    }
    text
}

fn group_lines(tree: &Tree, paint: Paint, lines: &mut Vec<String>) {
    let groups: Vec<&GroupBranch> = tree
        .consortiums
        .iter()
        .flat_map(|consortium| &consortium.groups)
        .collect();
    if groups.is_empty() {
        return;
    }
    let taken: usize = GROUP_COLUMNS.iter().map(|width| width + GAP).sum();
    let label = |group: &GroupBranch| format!("Group/{} ({})", group.name, group.group_id);
    let longest = groups.iter().map(|group| label(group).chars().count()).max();
    let first = longest.unwrap_or(0).min(WIDTH - taken);
    let headers = ["STATE", "SEALERS", "LIVE", "MAY FAIL", "HEIGHT", "GENESIS"];
    let headers = headers.map(|header| (header.to_owned(), Hue::Dim));
    lines.push(String::new());
    lines.push(line(("GROUP", Hue::Dim), first, &GROUP_COLUMNS, &headers, paint));
    for group in groups {
        let cells = [
            word(&group.state),
            cell(Some(group.sealers)),
            cell(group.sealers_live),
            cell(group.faults_tolerable),
            cell(group.height),
            cell(
                group
                    .genesis_hash
                    .as_ref()
                    .map(|hash| hash.chars().take(14).collect::<String>()),
            ),
        ];
        lines.push(line((&label(group), Hue::Plain), first, &GROUP_COLUMNS, &cells, paint));
        let state = reasoned(&group.state).map(|text| (text, group.state.state.hue()));
        let risk = group
            .at_risk
            .as_ref()
            .map(|text| (format!("quorum at risk: {text}"), Hue::Waiting));
        for (text, hue) in state.into_iter().chain(risk) {
            let said = wrap(&text, WIDTH - 3).into_iter();
            lines.extend(said.map(|text| format!("   {}", paint.paint(hue, &text))));
        }
    }
}

fn unknown_lines(tree: &Tree, paint: Paint, lines: &mut Vec<String>) {
    if !tree.unknown.is_empty() {
        lines.push(String::new());
    }
    for text in &tree.unknown {
        for (position, text) in wrap(text, WIDTH - 2).into_iter().enumerate() {
            let mark = if position == 0 { "? " } else { "  " };
            lines.push(format!("{mark}{}", paint.paint(Hue::Dim, &text)));
        }
    }
    if !tree.is_well() {
        lines.push(String::new());
        let hint = format!("kubectl althing why -n {} says what would change it", tree.namespace);
        lines.push(paint.paint(Hue::Dim, &hint));
    }
}

#[cfg(test)]
mod tests {
    use althing_operator::name::{GroupName, NodeName};

    use super::super::super::testing::{condition, node_name, says, whole};
    use super::super::build;
    use super::*;

    #[test]
    fn a_whole_consortium_reads_as_a_tree() {
        let (seen, heard) = whole();
        let text = text(&build::tree(&seen, &heard), Paint::OFF);
        let expected = "\
trade               ROLE      STATE         HEIGHT     LAG    CERT UNTIL
Consortium/trade              Ready
└─ Agency/agency-a            Ready
   ├─ Node/node-0             Ready                           2027-02-19
   │  └─ group-1    sealer    in sync       7          0
   ├─ Node/node-1             Ready                           2027-02-19
   │  └─ group-1    sealer    in sync       7          0
   ├─ Node/node-2             Ready                           2027-02-19
   │  └─ group-1    sealer    in sync       7          0
   └─ Node/node-3             Ready                           2027-02-19
      └─ group-1    sealer    in sync       7          0

GROUP              STATE         SEALERS  LIVE  MAY FAIL  HEIGHT     GENESIS
Group/group-1 (1)  Ready         4        4     1         7          0xabababababab
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_wrong_stands_under_its_object_and_what_is_unknown_at_the_end() {
        let (mut seen, mut heard) = whole();
        let said = "the key of node node-1 is missing, but its public half is recorded: it is never made again; put it back from a backup";
        says(&mut seen, 1, condition("Stalled", "True", "KeyMissing", said));
        heard.insert(node_name(1), Err("its pod does not run".to_owned()));
        let text = text(&build::tree(&seen, &heard), Paint::OFF);
        let wanted = "
   ├─ Node/node-1             Stalled                         2027-02-19
   │  │  KeyMissing: the key of node node-1 is missing, but its public half is recorded: it is never
   │  │  made again; put it back from a backup
   │  └─ group-1    sealer    ?             ?          ?
";
        assert!(text.contains(wanted), "{text}");
        assert!(text.contains("\n? node-1: its pod does not run\n"), "{text}");
        assert!(text.ends_with("kubectl althing why -n trade says what would change it\n"));
    }

    #[test]
    fn a_group_at_risk_says_so_under_its_line() {
        let (mut seen, heard) = whole();
        let group = seen.manifests.groups.values_mut().next().unwrap();
        let said = "1 of 4 sealers may fail; 1 are down and 3 must be live";
        let risk = condition("QuorumAtRisk", "True", "NoFaultTolerable", said);
        group.status.as_mut().unwrap().conditions.push(risk);
        let found = build::tree(&seen, &heard);
        let text = text(&found, Paint::OFF);
        assert!(text.ends_with(&format!("\n   quorum at risk: {said}\n")), "{text}");
        assert!(found.is_well(), "its part is done");
    }

    #[test]
    fn no_line_is_longer_than_a_hundred_columns_however_long_the_names() {
        let (mut seen, heard) = whole();
        let long = "n".repeat(40);
        let mut node = seen.manifests.nodes.remove("node-0").unwrap();
        node.metadata.name = Some(long.clone());
        node.status.as_mut().unwrap().groups = vec!["g".repeat(40)];
        seen.manifests.nodes.insert(NodeName::new(long).unwrap(), node);
        let mut group = seen.manifests.groups.remove("group-1").unwrap();
        group.spec.group_id = 32767;
        seen.manifests
            .groups
            .insert(GroupName::new("g".repeat(40)).unwrap(), group);
        says(
            &mut seen,
            1,
            condition("Ready", "False", "Progressing", &"very ".repeat(80)),
        );
        let text = text(&build::tree(&seen, &heard), Paint::OFF);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}
