//! Rounds of plan and apply until nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use althing_operator::edge;
use althing_operator::edge::local::{Heard, LocalEdge, LocalView};
use althing_operator::governance::Stage;
use althing_operator::manifest::Manifests;
use althing_operator::name::NodeName;
use althing_operator::plan::{NamespacePlan, Step, Verdict};
use althing_operator::status::{ConditionType, ObjectRef, Reason, Truth};
use anyhow::bail;
use jiff::Timestamp;

use crate::chain;
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
    /// Groups whose chain does not hold what is declared, and nodes that are not in sync.
    pub(super) undecided: Vec<String>,
    /// Leases that own agencies still have, for nodes that are not back yet.
    pub(super) leases: Vec<String>,
    /// What the rollover of a chain certificate waits for.
    pub(super) rollovers: Vec<String>,
}

/// Applies until every namespace is at rest: no step is left, no vote is on its way, and, where `until_agreed` says so, no change
/// takes its steps on a chain, no lease is held there any more, and no node has yet to follow a chain certificate.
pub(super) async fn converge(
    edge: &mut LocalEdge,
    manifests: &Manifests,
    until_agreed: bool,
    timeout: Duration,
    progress: &mut Progress,
) -> anyhow::Result<Rest> {
    let view = LocalView::new(edge.layout().root());
    let mut starts = BTreeMap::new();
    let mut last_step = Instant::now();
    let mut rounds_with_steps = 0;
    let mut voted = BTreeSet::new();
    loop {
        let mut plans = Vec::new();
        for namespace in manifests.namespaces.values() {
            let heard = Heard {
                chains: chain::hear(&view, &namespace.namespace).await?,
                shown: chain::shown(&view, &namespace.namespace).await?,
            };
            edge.hear(&namespace.namespace, heard);
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
        let unsent = vote(&view, &plans, &mut voted, progress).await;
        let under_way = match until_agreed {
            true => [under_way(&plans), held(&plans), rollovers(&plans)].concat(),
            false => vec![],
        };
        let waits: Vec<String> = blocked.into_iter().chain(unsent).chain(under_way).collect();
        if waits.is_empty() {
            return Ok(Rest {
                stalled: objects(&plans, ConditionType::Stalled, Truth::True),
                waiting: objects(&plans, ConditionType::Reconciling, Truth::True),
                undecided: objects(&plans, ConditionType::InSync, Truth::False),
                leases: held(&plans),
                rollovers: rollovers(&plans),
            });
        }
        if last_step.elapsed() > timeout {
            bail!(
                "after {} s this is still waited for:\n{}",
                timeout.as_secs(),
                waits.join("\n")
            );
        }
        progress.waiting(&waits.join("; "));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends the votes of the plans; what is still to be seen on a chain, in words.
async fn vote(
    view: &LocalView,
    plans: &[NamespacePlan],
    voted: &mut BTreeSet<String>,
    progress: &mut Progress,
) -> Vec<String> {
    let mut waits = vec![];
    for plan in plans {
        for act in &plan.acts {
            if voted.insert(act.to_string()) {
                progress.done(&act.to_string());
            }
        }
        waits.extend(plan.acts.iter().map(ToString::to_string));
        // Whoever did not take it is asked again; at the end of the patience the reason is told.
        if let Err(error) = chain::bring(view, &plan.namespace, &plan.acts).await {
            waits.push(format!("{error:#}"));
        }
    }
    waits
}

/// The chain certificates that nodes have yet to follow.
fn rollovers(plans: &[NamespacePlan]) -> Vec<String> {
    let conditions = plans
        .iter()
        .flat_map(|plan| &plan.statuses)
        .flat_map(|status| status.conditions.iter().map(move |condition| (status, condition)));
    let waiting = conditions.filter(|(_, condition)| condition.reason == Reason::RolloverWaits);
    waiting
        .map(|(status, condition)| format!("{}: {}", status.object, condition.message))
        .collect()
}

/// The changes that take their steps, and the groups of which no node has said yet what holds.
fn under_way(plans: &[NamespacePlan]) -> Vec<String> {
    let groups = plans.iter().flat_map(|plan| &plan.statuses);
    groups
        .flat_map(|status| {
            let approved = status
                .facts
                .changes
                .iter()
                .filter(|change| change.stage == Stage::Approved);
            let approved = approved.map(|change| {
                let why = change.blocked_by.as_deref().unwrap_or("it takes its steps");
                format!("{} becomes {} in {}: {why}", change.subject, change.to, status.object)
            });
            let silent = status
                .condition(ConditionType::InSync)
                .filter(|found| found.status == Truth::Unknown && matches!(status.object, ObjectRef::Group(_)));
            approved
                .chain(silent.map(|found| format!("{}: {}", status.object, found.message)))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The leases of own agencies: others wait until they are given back, which nobody does once this program has ended.
fn held(plans: &[NamespacePlan]) -> Vec<String> {
    let leases = plans.iter().flat_map(|plan| &plan.leases);
    leases
        .map(|lease| format!("{} still has the lease of {}", lease.node, lease.group))
        .collect()
}

/// What is done so often that only the number is kept in sight.
const fn small_step(step: &Step) -> Option<&'static str> {
    match step {
        Step::MakeKey(_) => Some("keys made"),
        Step::MakeRequest(_) => Some("certificate requests made"),
        Step::IssueCertificate(_) | Step::KeepCertificate { .. } => Some("certificates issued"),
        Step::Attest(_) => Some("bundles signed"),
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
fn objects(plans: &[NamespacePlan], condition: ConditionType, truth: Truth) -> Vec<String> {
    let statuses = plans
        .iter()
        .flat_map(|plan| plan.statuses.iter().map(move |status| (&plan.namespace, status)));
    statuses
        .filter(|(_, status)| status.condition(condition).is_some_and(|found| found.status == truth))
        .map(|(namespace, status)| {
            let message = status
                .condition(condition)
                .map_or("", |condition| condition.message.as_str());
            format!("{namespace} {}: {message}", status.object)
        })
        .collect()
}
