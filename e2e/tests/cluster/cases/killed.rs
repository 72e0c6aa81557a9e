//! The operator is killed before and after every one of its writes (issue 4, done when 4).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Call, Fate, Inventory, Operator, Options, Proxy};
use anyhow::{Context, ensure};
use tokio::time::Instant;

use super::consortium::{CONVERGENCE, manifests, node, whole};

/// How long no write must be tried before what is there is looked at.
const QUIET: Duration = Duration::from_secs(3);
/// One step, with a start of the operator for each of its writes.
const PATIENCE: Duration = Duration::from_secs(300);
/// The number of points.
const POINTS_MIN: usize = 100;
/// What goes in the last step.
const GOES: [&str; 3] = ["ledgergroup/group-2", "ledgernode/node-9", "agency/agency-b"];

/// The steps of the sample.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create,
    Change,
    Delete,
}

impl Step {
    async fn take(self, case: &Case) -> anyhow::Result<()> {
        match self {
            Self::Create => case.apply(&manifests(4)).await.map(drop),
            Self::Change => case.apply(&changed()).await.map(drop),
            Self::Delete => {
                for object in GOES {
                    if !object.starts_with("agency") {
                        case.kubectl(&["annotate", object, "althing.dev/allow-delete=true"])
                            .await?;
                    }
                    case.kubectl(&["delete", object]).await?;
                }
                Ok(())
            }
        }
    }

    /// Waits until the step is done as far as the objects say.
    async fn is_done(self, case: &Case) -> anyhow::Result<()> {
        whole(case, CONVERGENCE).await?;
        match self {
            Self::Delete => {
                case.eventually("the deleted node's set to go", CONVERGENCE, || async {
                    let left = case.kubectl(&["get", "statefulsets,services", "--output=name"]).await?;
                    ensure!(!left.contains("/node-9"), "{left}");
                    Ok(())
                })
                .await
            }
            _ => Ok(()),
        }
    }
}

/// A volume that grows, a list of a running node, one more agency with a node that takes everything along when it goes, one more
/// group.
fn changed() -> String {
    let denied = "ab".repeat(64);
    let grown = node("node-0", &format!("storage: {{size: 2Gi}}, p2p: {{deny: [{denied}]}}"));
    let other = node("node-9", "storage: {size: 1Gi}, deletionPolicy: Delete").replace("agency-a", "agency-b");
    let group = "{apiVersion: althing.dev/v1alpha1, kind: Group, metadata: {name: group-2}, spec: {consortium: trade, \
                 groupId: 2, genesis: {timestamp: \"2026-01-01T00:00:00Z\", sealers: [node-9], consensus: {type: PBFT}}}}\n";
    let agency =
        "{apiVersion: althing.dev/v1alpha1, kind: Agency, metadata: {name: agency-b}, spec: {consortium: trade}}\n";
    [agency, &other, group, &grown].join("---\n")
}

pub(crate) async fn a_kill_at_every_write_ends_where_an_undisturbed_run_ends(case: Case) -> anyhow::Result<()> {
    let calm = case.within(&case.another_namespace("calm").await?);
    let mut wanted = vec![];
    {
        let audit = Audit::begin(&calm)?;
        let undisturbed = Operator::start(&calm).await?;
        for step in [Step::Create, Step::Change, Step::Delete] {
            step.take(&calm).await?;
            step.is_done(&calm)
                .await
                .with_context(|| format!("{step:?}, undisturbed"))?;
            if let Some(audit) = &audit {
                audit.settled(&calm, undisturbed.user(), QUIET * 2, CONVERGENCE).await?;
            }
            let found = Inventory::of(&calm).await?.essence();
            wanted.push((step, found));
        }
        if let Some(audit) = &audit {
            eprintln!(
                "undisturbed: {} writes",
                audit.check(undisturbed.user(), &[calm.namespace()])?
            );
        }
        undisturbed.stop().await?;
    }
    let audit = Audit::begin(&case)?;
    let mut killed = Killed::start(&case).await?;
    let mut keys = None;
    for (step, wanted) in &wanted {
        step.take(&case).await?;
        let points = killed.until_it_is(wanted).await.with_context(|| format!("{step:?}"))?;
        eprintln!("{step:?}: {points} kills");
        let found = Inventory::of(&case).await?;
        // Keys outlive everything: those of the first step are those of the last.
        let first = keys.get_or_insert_with(|| found.clone());
        ensure!(
            first
                .keys()
                .iter()
                .all(|(name, uid)| found.keys().get(name) == Some(uid)),
            "a key is another one: {:?}, then {:?}",
            first.keys(),
            found.keys()
        );
    }
    eprintln!("{} kills in all", killed.points);
    ensure!(killed.points >= POINTS_MIN, "only {} points", killed.points);
    if let Some(audit) = audit {
        audit.keys_made_once(&[killed.operator.user()])?;
        audit.check(killed.operator.user(), &[case.namespace()])?;
    }
    Ok(())
}

/// An operator that lives for one write at a time.
struct Killed {
    case: Case,
    proxy: Proxy,
    operator: Operator,
    points: usize,
    /// Whether the next write is one that is killed before, or one that is killed after.
    is_before: bool,
}

impl Killed {
    async fn start(case: &Case) -> anyhow::Result<Self> {
        let proxy = Proxy::start(case).await?;
        let options = Options {
            server: Some(proxy.server()),
            ..Options::default()
        };
        Ok(Self {
            operator: Operator::start_with(case, options).await?,
            case: case.clone(),
            proxy,
            points: 0,
            is_before: true,
        })
    }

    /// Kills it at every write until nothing is written and the namespace is as it should be; the number of kills.
    async fn until_it_is(&mut self, wanted: &Inventory) -> anyhow::Result<usize> {
        let (before, deadline) = (self.points, Instant::now() + PATIENCE);
        loop {
            let mut held = self.proxy.held();
            self.operator.halt().await?;
            self.proxy.cut();
            self.arm();
            self.operator.restart()?;
            loop {
                if tokio::time::timeout(QUIET, held.changed()).await.is_ok() {
                    break;
                }
                let found = Inventory::of(&self.case).await?.essence();
                match found.same_as(wanted) {
                    Ok(()) => return Ok(self.points - before),
                    Err(difference) if Instant::now() > deadline => {
                        return Err(difference.context(self.operator.log_tail()));
                    }
                    Err(_) => {}
                }
            }
            self.points += 1;
            self.is_before = !self.is_before;
            ensure!(
                Instant::now() < deadline,
                "after {} kills it still writes",
                self.points - before
            );
        }
    }

    /// The first write is held, before it is forwarded or after it was answered; no later one gets through.
    fn arm(&self) {
        let (armed, is_before) = (AtomicBool::new(true), self.is_before);
        self.proxy.schedule(move |call: &Call| match call.is_write() {
            false => Fate::Pass,
            true if !armed.swap(false, Ordering::Relaxed) => Fate::Hang,
            true if is_before => Fate::Hold,
            true => Fate::HoldAfter,
        });
    }
}
