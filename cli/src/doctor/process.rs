//! Whether the process lives, answers and is ready; and when not, whether somebody has its ports.

use althing_operator::edge::local::listener_on;
use althing_operator::plan::ProcessState;

use super::group::HALTED;
use super::{Finding, Patient, log};
use crate::rpc::NodeClient;

const LAST_LINES: usize = 8;

pub(super) async fn examine(patient: &Patient<'_>, client: &NodeClient) -> Vec<Finding> {
    match patient.node.pid {
        None => dead(patient),
        // Of a halted group there is a finding of its own, with what the log says.
        Some(_) if patient.samples(HALTED).any(|sample| sample.value > 0.0) => Vec::new(),
        Some(pid) if patient.facts.state != ProcessState::Ready => vec![not_ready(patient, client, pid).await],
        Some(_) => Vec::new(),
    }
}

fn dead(patient: &Patient<'_>) -> Vec<Finding> {
    let node = patient.node;
    let mut findings = Vec::new();
    let ports = node.process.ports;
    for (purpose, port) in [("p2p", ports.p2p), ("rpc", ports.rpc), ("metrics", ports.metrics)] {
        if let Some(holder) = listener_on(port) {
            findings.push(Finding::problem(
                format!("{}, {purpose} port {port}", patient.name()),
                "the port is taken",
                format!("{holder} listens on it"),
                format!(
                    "stop that process, or set spec.{purpose}.port of Node {} to a free port; then althing up",
                    patient.name()
                ),
            ));
        }
    }
    let lines = log::last_lines(&node.folder, &node.output, LAST_LINES);
    let why = match lines.is_empty() {
        true => format!("nothing is in its log ({})", node.output.display()),
        false => format!(
            "the end of what it said ({}):\n{lines}",
            node.folder.join("log").display()
        ),
    };
    let advice = match lines.contains("No space left") || lines.contains("Read-only file system") {
        true => "make room on the disk or mount it writable, then run althing up again",
        false => "remove the cause the log names, then run althing up again; keys and data are kept",
    };
    findings.push(Finding::problem(
        patient.name(),
        "the process is not running",
        why,
        advice,
    ));
    findings
}

async fn not_ready(patient: &Patient<'_>, client: &NodeClient, pid: u32) -> Finding {
    match client.readiness().await {
        Ok((_, text)) => Finding::problem(
            patient.name(),
            "runs, but is not in sync and connected",
            match text.trim() {
                "" => "its /readyz gives no reason".to_owned(),
                reason => format!("its /readyz says: {reason}"),
            },
            "wait while it catches up; if LAG does not shrink in althing status, see the other findings",
        ),
        Err(error) => Finding::problem(
            patient.name(),
            format!("process {pid} runs, but does not answer"),
            format!("{error:#}"),
            format!("it may still be opening its data; if it stays so, stop it (kill {pid}) and run althing up again"),
        ),
    }
}
