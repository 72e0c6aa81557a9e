//! Waiting until every group has committed a block, with one transaction where there would be none.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use althing_operator::edge::local::LocalView;
use anyhow::bail;

use crate::facts::{self, Facts, GroupFacts};
use crate::progress::Progress;
use crate::rpc::NodeClient;
use crate::{first_block, status};

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(200);

/// Waits until every node is ready and every group is past block 0.
pub(super) async fn for_first_blocks(
    view: &LocalView,
    timeout: Duration,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut sent = BTreeSet::new();
    loop {
        let facts = facts::gather(view).await?;
        for group in facts.groups.iter().filter(|group| group.height == Some(0)) {
            let key = (group.namespace.clone(), group.id);
            if has_quorum(group) && !sent.contains(&key) && send(view, group).await {
                progress.done(&format!("first transaction of group {} sent", group.id));
                sent.insert(key);
            }
        }
        let missing = missing(&facts);
        if missing.is_empty() {
            return Ok(());
        }
        if started.elapsed() > timeout {
            let seconds = timeout.as_secs();
            bail!(
                "after {seconds} s this is still missing:\n{}\nalthing doctor says why",
                missing.join("\n")
            );
        }
        progress.waiting(&format!("waiting: {}", missing.join(", ")));
        tokio::time::sleep(PAUSE).await;
    }
}

fn has_quorum(group: &GroupFacts) -> bool {
    group.live_sealers >= althing_types::quorum(group.sealers)
}

/// Sends it through the first node of the group that takes it; a node that is not ready for it is asked again later.
async fn send(view: &LocalView, group: &GroupFacts) -> bool {
    let Ok(nodes) = view.nodes() else { return false };
    for node in nodes {
        let process = &node.process;
        let is_member = process.groups.iter().any(|member| member.id.get() == group.id);
        if !is_member || process.namespace.as_str() != group.namespace || node.pid.is_none() {
            continue;
        }
        let Ok(client) = NodeClient::new(process.ports.rpc, process.ports.metrics) else {
            continue;
        };
        if first_block::send(&client, group.id).await.is_ok() {
            return true;
        }
    }
    false
}

/// What is still waited for, in words.
fn missing(facts: &Facts) -> Vec<String> {
    let nodes = facts
        .nodes
        .iter()
        .filter(|node| node.state != althing_operator::plan::ProcessState::Ready);
    let nodes = nodes.map(|node| format!("{} is {}", node.name, status::word(node.state)));
    let groups = facts.groups.iter().filter(|group| group.height.unwrap_or(0) == 0);
    let groups = groups.map(|group| match group.sealers {
        0 => format!("group {} does not answer", group.id),
        sealers => format!(
            "group {} has no block yet ({} of {sealers} sealers live)",
            group.id, group.live_sealers
        ),
    });
    nodes.chain(groups).collect()
}
