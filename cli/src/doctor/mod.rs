//! `althing doctor`: what is wrong, where, why, and what to do.
//!
//! Every room looks at one kind of cause and returns findings; nothing is changed.

mod certificate;
mod disk;
mod genesis;
mod group;
mod log;
mod network;
mod process;
#[cfg(test)]
mod testing;

use std::fmt;

use althing_operator::edge::local::{Layout, LocalView};
use serde::Serialize;

use crate::facts::{self, NodeFacts};
use crate::output::{self, Format};
use crate::rpc::{NodeClient, Sample};
use crate::{Common, state};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Something does not work.
    Problem,
    /// Something will not work soon, or is odd.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// The node, group, file or port.
    #[serde(rename = "where")]
    pub place: String,
    /// What it comes from.
    pub why: String,
    /// What to do.
    pub advice: String,
}

impl Finding {
    fn problem(
        place: impl fmt::Display,
        what: impl Into<String>,
        why: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (what, why, advice) = (what.into(), why.into(), advice.into());
        Self {
            severity: Severity::Problem,
            what,
            place: place.to_string(),
            why,
            advice,
        }
    }

    fn warning(
        place: impl fmt::Display,
        what: impl Into<String>,
        why: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::problem(place, what, why, advice)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Problem => "PROBLEM",
            Severity::Warning => "warning",
        };
        writeln!(f, "{kind}  {}: {}", self.place, self.what)?;
        for (name, text) in [("why", &self.why), ("do", &self.advice)] {
            for (index, line) in text.lines().enumerate() {
                let name = if index == 0 { name } else { "" };
                writeln!(f, "  {name:<4} {line}")?;
            }
        }
        Ok(())
    }
}

/// A node under examination.
struct Patient<'a> {
    node: &'a althing_operator::edge::local::LocalNode,
    facts: &'a NodeFacts,
    layout: &'a Layout,
    metrics: Vec<Sample>,
}

impl Patient<'_> {
    fn name(&self) -> &str {
        &self.facts.name
    }

    /// Samples of a metric, with or without the suffix that counters get.
    fn samples<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Sample> {
        self.metrics
            .iter()
            .filter(move |sample| sample.name.strip_suffix("_total").unwrap_or(&sample.name) == name)
    }
}

/// Examines every node; false when a problem was found.
pub(crate) async fn run(common: &Common) -> anyhow::Result<bool> {
    let directory = state::directory(common)?;
    let view = LocalView::new(&directory);
    let facts = facts::gather(&view).await?;
    let mut findings = group::examine(&facts);
    for node in &view.nodes()? {
        let of_it = |found: &&NodeFacts| {
            found.name == node.process.node.as_str() && found.namespace == node.process.namespace.as_str()
        };
        let Some(found) = facts.nodes.iter().find(of_it) else {
            continue;
        };
        let client = NodeClient::new(node.process.ports.rpc, node.process.ports.metrics)?;
        let metrics = client.metrics().await.unwrap_or_default();
        let patient = Patient {
            node,
            facts: found,
            layout: view.layout(),
            metrics,
        };
        findings.extend(process::examine(&patient, &client).await);
        findings.extend(certificate::examine(&patient, jiff::Timestamp::now()));
        findings.extend(disk::examine(&patient));
        findings.extend(network::examine(&patient));
        findings.extend(group::examine_member(&patient));
    }
    findings.sort_by_key(|finding| finding.severity);
    match common.output {
        Format::Json => output::json(&findings)?,
        Format::Table => output::text(&report(&findings, facts.nodes.len(), &directory.display().to_string()))?,
    }
    Ok(findings.iter().all(|finding| finding.severity != Severity::Problem))
}

fn report(findings: &[Finding], nodes: usize, directory: &str) -> String {
    match (findings.is_empty(), nodes) {
        (true, 0) => format!("no node was started from {directory}; start some with althing up -f DIR\n"),
        (true, _) => format!("{nodes} nodes examined; nothing is wrong\n"),
        (false, _) => findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}
