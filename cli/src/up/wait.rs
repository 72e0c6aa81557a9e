//! Waiting until every group has committed its first blocks, with a transaction for each that there would not be otherwise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use althing_operator::edge::local::LocalView;
use althing_operator::name::{GroupName, Namespace};
use anyhow::bail;

use crate::facts::{self, Facts, GroupFacts};
use crate::progress::Progress;
use crate::rpc::NodeClient;
use crate::{first_block, status};

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a transaction may take to become a block before another is sent: a pool forgets when its node restarts.
const SEND_AGAIN: Duration = Duration::from_secs(10);

/// Waits until every node is ready and every group has its first blocks.
pub(super) async fn for_first_blocks(
    view: &LocalView,
    timeout: Duration,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut senders = BTreeMap::<_, Sender>::new();
    loop {
        let facts = facts::gather(view).await?;
        for group in &facts.groups {
            let sender = senders.entry((group.namespace.clone(), group.id)).or_default();
            let Some(height) = sender.height_to_leave(group, Instant::now()) else {
                continue;
            };
            if send(view, group, height).await {
                sender.last = Some((height, Instant::now()));
                progress.done(&format!(
                    "transaction for block {} of group {} sent",
                    height + 1,
                    group.id
                ));
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

/// What was sent to one group.
#[derive(Debug, Default)]
struct Sender {
    /// At which height, and when.
    last: Option<(u64, Instant)>,
}

impl Sender {
    /// The height that only a transaction of ours makes the group leave.
    fn height_to_leave(&self, group: &GroupFacts, now: Instant) -> Option<u64> {
        let height = group.height.filter(|height| *height < first_block::HEIGHT)?;
        let is_under_way = self
            .last
            .is_some_and(|(at, sent)| at == height && now.duration_since(sent) < SEND_AGAIN);
        (has_quorum(group) && !is_under_way).then_some(height)
    }
}

fn has_quorum(group: &GroupFacts) -> bool {
    group.live_sealers >= althing_types::quorum(group.sealers)
}

/// Sends it through the first node of the group that takes it; a node that is not ready for it is asked again later.
async fn send(view: &LocalView, group: &GroupFacts, height: u64) -> bool {
    let names = Namespace::new(&*group.namespace)
        .ok()
        .zip(GroupName::new(&*group.name).ok());
    let genesis = names.and_then(|(namespace, name)| view.genesis(&namespace, &name).ok()?);
    let (Some(genesis), Ok(nodes)) = (genesis, view.nodes()) else {
        return false;
    };
    for node in nodes {
        let process = &node.process;
        let is_member = process.groups.iter().any(|member| member.id.get() == group.id);
        if !is_member || process.namespace.as_str() != group.namespace || node.pid.is_none() {
            continue;
        }
        let Ok(client) = NodeClient::new(process.ports.rpc, process.ports.metrics) else {
            continue;
        };
        if first_block::send(&client, &genesis.genesis, height).await.is_ok() {
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
    let nodes = nodes.map(|node| match &node.not_ready {
        Some(why) if !why.is_empty() => format!("{} is not ready: {why}", node.name),
        _ => format!("{} is {}", node.name, status::word(node.state)),
    });
    let groups = facts
        .groups
        .iter()
        .filter(|group| group.height.is_none_or(|height| height < first_block::HEIGHT));
    let groups = groups.map(|group| match group.sealers {
        0 => format!("group {} does not answer", group.id),
        sealers => format!(
            "group {} is at block {} of {} ({} of {sealers} sealers live)",
            group.id,
            group.height.unwrap_or(0),
            first_block::HEIGHT,
            group.live_sealers
        ),
    });
    nodes.chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(height: u64, live_sealers: usize) -> GroupFacts {
        GroupFacts {
            namespace: "trade".into(),
            id: 1,
            name: "group-1".into(),
            sealers: 4,
            live_sealers,
            faults_tolerable: 1,
            height: Some(height),
            endpoint: None,
        }
    }

    #[test]
    fn each_of_the_first_blocks_gets_one_transaction_and_a_group_past_them_none() {
        let now = Instant::now();
        let mut sender = Sender::default();
        assert_eq!(sender.height_to_leave(&group(0, 4), now), Some(0));
        sender.last = Some((0, now));
        assert_eq!(sender.height_to_leave(&group(0, 4), now), None);
        assert_eq!(sender.height_to_leave(&group(1, 4), now), Some(1));
        assert_eq!(sender.height_to_leave(&group(2, 4), now), None);
    }

    #[test]
    fn without_a_quorum_nothing_is_sent_and_what_was_lost_is_sent_again() {
        let now = Instant::now();
        let sender = Sender { last: Some((1, now)) };
        assert_eq!(sender.height_to_leave(&group(1, 2), now + SEND_AGAIN), None);
        assert_eq!(sender.height_to_leave(&group(1, 3), now + SEND_AGAIN), Some(1));
    }
}
