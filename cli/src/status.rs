//! `althing status`: what the nodes of this machine say.

use althing_operator::edge::local::LocalView;
use althing_operator::plan::ProcessState;

use crate::facts::{self, Facts, NodeFacts};
use crate::output::{self, Format};
use crate::table::{Table, or_dash};
use crate::{Common, state};

/// Prints facts; false when a node is not ready.
pub(crate) async fn run(common: &Common) -> anyhow::Result<bool> {
    let directory = state::directory(common)?;
    let facts = facts::gather(&LocalView::new(&directory)).await?;
    if facts.nodes.is_empty() && common.output == Format::Table {
        output::line_to_stderr(&format!(
            "no node runs from {}; start some with althing up -f DIR",
            directory.display()
        ));
    }
    show(common, &facts)?;
    Ok(facts.nodes.iter().all(|node| node.state == ProcessState::Ready))
}

/// The facts in the format asked for.
pub(crate) fn show(common: &Common, facts: &Facts) -> anyhow::Result<()> {
    match common.output {
        Format::Json => output::json(facts),
        Format::Table if facts.nodes.is_empty() => Ok(()),
        Format::Table => output::text(&format!("{}\n{}", node_table(facts), group_table(facts))),
    }
}

fn node_table(facts: &Facts) -> Table {
    let mut table = Table::new(&[
        "NODE",
        "AGENCY",
        "STATE",
        "GROUP",
        "ROLE",
        "HEIGHT",
        "VIEW",
        "LAG",
        "PEERS",
        "CERTIFICATE UNTIL",
        "RPC",
        "P2P",
    ]);
    for node in &facts.nodes {
        let shared = |rest: [String; 5]| {
            let mut cells = vec![name_of(facts, node), node.agency.clone(), word(node.state).to_owned()];
            cells.extend(rest);
            cells.push(or_dash(node.peers));
            cells.push(or_dash(
                node.certificate_not_after
                    .map(|moment| moment.strftime("%Y-%m-%d").to_string()),
            ));
            cells.extend([node.rpc.clone(), node.p2p.clone()]);
            cells
        };
        if node.groups.is_empty() {
            table.row(shared(["-".into(), "free".into(), "-".into(), "-".into(), "-".into()]));
        }
        for member in &node.groups {
            let numbers = [member.height, member.view, member.lag].map(or_dash);
            let [height, view, lag] = numbers;
            table.row(shared([
                member.group.to_string(),
                member.role.clone(),
                height,
                view,
                lag,
            ]));
        }
    }
    table
}

fn group_table(facts: &Facts) -> Table {
    let mut table = Table::new(&[
        "GROUP",
        "NAME",
        "SEALERS",
        "LIVE",
        "MAY FAIL",
        "HEIGHT",
        "ETHEREUM ENDPOINT",
    ]);
    for group in &facts.groups {
        table.row(vec![
            group.id.to_string(),
            group.name.clone(),
            group.sealers.to_string(),
            group.live_sealers.to_string(),
            group.faults_tolerable.to_string(),
            or_dash(group.height),
            or_dash(group.endpoint.as_deref()),
        ]);
    }
    table
}

/// The namespace is only said where there are several.
fn name_of(facts: &Facts, node: &NodeFacts) -> String {
    match facts.nodes.iter().all(|other| other.namespace == node.namespace) {
        true => node.name.clone(),
        false => format!("{}/{}", node.namespace, node.name),
    }
}

pub(crate) const fn word(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Ready => "ready",
        ProcessState::Running => "not ready",
        ProcessState::Stopped => "stopped",
    }
}
