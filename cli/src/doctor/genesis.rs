//! Whether `conf/group.N.genesis` is what the group began with.

use std::fs;

use althing_operator::plan::ProcessGroup;
use althing_types::genesis::{GenesisDifference, differences, parse_canonical, parse_genesis};

use super::{Finding, Patient};

/// Set while the file that a running node read at its start is not what block 0 says.
const DIFFERS: &str = "althing_genesis_differs";

/// Compares the file with the recorded genesis, and asks the node what it started with.
pub(super) fn examine(patient: &Patient<'_>, group: &ProcessGroup) -> Option<Finding> {
    let id = group.id.to_string();
    let place = format!("{}, group {id}", patient.name());
    let file = patient.node.folder.join(format!("conf/group.{id}.genesis"));
    let what = format!("conf/group.{id}.genesis is not what block 0 says");
    let why = match compare(patient, group, &file) {
        Ok(differing) if differing.is_empty() => {
            let was_edited = patient
                .samples(DIFFERS)
                .any(|sample| sample.label("group") == id && sample.value > 0.0);
            return was_edited.then(|| {
                Finding::warning(
                    place,
                    "the genesis file was not what block 0 says when the node started",
                    "the file is right again; the node goes on with block 0 and keeps the alarm up until its next start",
                    "nothing has to be done",
                )
            });
        }
        Ok(differing) => sentences(&differing),
        Err(why) => why,
    };
    Some(Finding::problem(
        place,
        what,
        why,
        "restore the file (althing up writes the recorded one); block 0 wins and nothing has changed. A genesis never changes: a different one is a new group",
    ))
}

/// The differences of file and record; what cannot be read is a reason of its own.
fn compare(
    patient: &Patient<'_>,
    group: &ProcessGroup,
    file: &std::path::Path,
) -> Result<Vec<GenesisDifference>, String> {
    let record = patient.layout.genesis(&patient.node.process.namespace, &group.name);
    let read = |path: &std::path::Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let recorded = parse_canonical(&read(&record)?).map_err(|error| format!("{}: {error}", record.display()))?;
    let text = String::from_utf8_lossy(&read(file)?).into_owned();
    let found = parse_genesis(&file.display().to_string(), &text).map_err(|error| error.to_string())?;
    Ok(differences(&found, &recorded))
}

fn sentences(differing: &[GenesisDifference]) -> String {
    let lines = differing
        .iter()
        .map(|one| format!("{} is {}, recorded is {}", one.field, one.left, one.right));
    lines.collect::<Vec<_>>().join("\n")
}
