//! Rounds of plan and apply until nothing is left to do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use althing_operator::edge::{self, local::LocalEdge};
use althing_operator::manifest::Manifests;
use althing_operator::name::NodeName;
use althing_operator::plan::{NamespacePlan, Step, Verdict};
use althing_operator::status::ConditionType;
use anyhow::bail;
use jiff::Timestamp;

use crate::progress::Progress;

/// How long to wait before looking again while a node waits for its turn.
const PAUSE: Duration = Duration::from_millis(500);
/// Starts of one node in one run; more means that it does not stay up.
const STARTS_MAX: u32 = 3;
/// Rounds with steps: keys, certificates, genesis, files, processes, and one for every node that restarts in turn.
const ROUNDS_MAX: u32 = 1000;

/// What is not done when nothing more can be done, in words.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Objects whose own manifest must change.
    pub(super) stalled: Vec<String>,
    /// Objects that wait for something that is not there yet.
    pub(super) waiting: Vec<String>,
}

/// Applies until every namespace is at rest.
pub(super) async fn converge(
    edge: &mut LocalEdge,
    manifests: &Manifests,
    timeout: Duration,
    progress: &mut Progress,
) -> anyhow::Result<Rest> {
    let mut starts = BTreeMap::new();
    let mut last_step = Instant::now();
    let mut rounds_with_steps = 0;
    loop {
        let mut plans = Vec::new();
        for namespace in manifests.namespaces.values() {
            let mut restless = None;
            let mut small = BTreeMap::new();
            let round = edge::round(edge, manifests, namespace, Timestamp::now(), |step| {
                match small_step(step) {
                    Some(kind) => *small.entry(kind).or_insert(0_u32) += 1,
                    None => progress.done(&step.to_string()),
                }
                progress.step(&step.to_string());
                restless = count_start(&mut starts, step).or_else(|| restless.take());
            });
            for (kind, count) in small {
                progress.done(&format!("{count} {kind}"));
            }
            let plan = round?;
            if let Some(node) = restless {
                bail!("{node} was started {STARTS_MAX} times and does not stay up; althing doctor says why");
            }
            plans.push(plan);
        }
        let blocked = blocked(&plans);
        if let Some(step) = plans.iter().find_map(|plan| plan.steps.last()) {
            rounds_with_steps += 1;
            if rounds_with_steps > ROUNDS_MAX {
                bail!("the plan does not come to rest; its last step is always: {step}");
            }
            last_step = Instant::now();
            continue;
        }
        if blocked.is_empty() {
            return Ok(Rest {
                stalled: objects(&plans, ConditionType::Stalled),
                waiting: objects(&plans, ConditionType::Reconciling),
            });
        }
        if last_step.elapsed() > timeout {
            bail!("these nodes wait for their turn to restart:\n{}", blocked.join("\n"));
        }
        progress.waiting(&blocked.join("; "));
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is done so often that only the number is kept in sight.
const fn small_step(step: &Step) -> Option<&'static str> {
    match step {
        Step::MakeKey(_) => Some("keys made"),
        Step::MakeRequest(_) => Some("certificate requests made"),
        Step::IssueCertificate(_) | Step::KeepCertificate { .. } => Some("certificates issued"),
        Step::WriteFile(_) => Some("files written"),
        _ => None,
    }
}

/// Counts starts; the node when it is one too many.
fn count_start(starts: &mut BTreeMap<NodeName, u32>, step: &Step) -> Option<NodeName> {
    let (Step::StartProcess(process) | Step::RestartProcess(process)) = step else {
        return None;
    };
    let count = starts.entry(process.node.clone()).or_insert(0);
    *count += 1;
    (*count > STARTS_MAX).then(|| process.node.clone())
}

/// Whatever waits for its turn, and why.
fn blocked(plans: &[NamespacePlan]) -> Vec<String> {
    let disruptions = plans.iter().flat_map(|plan| &plan.disruptions);
    disruptions
        .filter_map(|disruption| match &disruption.verdict {
            Verdict::Allowed => None,
            Verdict::Blocked { rule, why } => Some(format!("{} waits ({rule}): {why}", disruption.node)),
        })
        .collect()
}

/// Objects of which this holds, and why.
fn objects(plans: &[NamespacePlan], condition: ConditionType) -> Vec<String> {
    let statuses = plans
        .iter()
        .flat_map(|plan| plan.statuses.iter().map(move |status| (&plan.namespace, status)));
    statuses
        .filter(|(_, status)| status.is(condition))
        .map(|(namespace, status)| {
            let message = status
                .condition(condition)
                .map_or("", |condition| condition.message.as_str());
            format!("{namespace} {}: {message}", status.object)
        })
        .collect()
}
