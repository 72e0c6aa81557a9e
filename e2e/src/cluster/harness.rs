//! Runs cases on one cluster, or on a new one for each: started when a case needs it, stopped when the last is done, however
//! they end.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use futures::FutureExt;
use futures::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OnceCell, RwLock};

use super::case::Case;
use super::given::{Target, VARIABLE};
use super::objects::sentence;

/// No case takes that long; one that does is stuck.
const PATIENCE: Duration = Duration::from_secs(900);
/// The variable with another patience, in seconds, for cases that were told to do more than usual.
const PATIENCE_VARIABLE: &str = "ALTHING_PATIENCE";
/// What a program killed by Ctrl-C ends with.
const INTERRUPTED: i32 = 130;

/// A case with its name, which is the promise that it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// What it does.
    pub run: fn(Case) -> BoxFuture<'static, anyhow::Result<()>>,
    /// Whether no other case may run meanwhile: it stops programs of the cluster, or changes what all cases share.
    pub alone: bool,
}

/// How the cases of a test target run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The name of the cluster that they start for themselves. No two targets share one.
    pub cluster: &'static str,
    /// Whether each case has a new cluster; then they run one after the other. One they are given stays the same.
    pub anew: bool,
    /// How many cases run at once, unless `--test-threads` says otherwise.
    pub at_once: usize,
}

/// What the cases share.
struct Shared {
    plan: Plan,
    /// Whether a cluster was asked for.
    started: AtomicBool,
    /// The one cluster of all; a start that failed is not tried again for each of them.
    target: OnceCell<Result<Arc<Target>, String>>,
    /// Held for reading by the cases that run, for writing by one that runs alone.
    turn: RwLock<()>,
}

/// The `main` of a test target. Arguments are those of Rust's own test harness.
pub fn main(plan: Plan, cases: &[Named]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(plan.at_once));
    let is_skipped = cannot_run();
    if is_skipped && !arguments.list {
        eprintln!("skipped: these cases start a cluster, which needs root; or name a cluster of yours in {VARIABLE}");
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("start the runtime of the cases: {error}");
            return ExitCode::FAILURE;
        }
    };
    let shared = Arc::new(Shared {
        plan,
        started: AtomicBool::new(false),
        target: OnceCell::new(),
        turn: RwLock::new(()),
    });
    runtime.spawn(stop_when_told(plan.cluster));
    let trials = cases
        .iter()
        .map(|&case| {
            let (runtime, shared) = (Arc::clone(&runtime), Arc::clone(&shared));
            Trial::test(case.name, move || {
                runtime
                    .block_on(run(case, &shared))
                    .map_err(|error| Failed::from(sentence(&error)))
            })
            .with_ignored_flag(is_skipped)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if shared.started.load(Ordering::Relaxed)
        && let Err(error) = runtime.block_on(Target::release(plan.cluster))
    {
        eprintln!("stop the cluster: {error:#}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Whether there is no cluster to be had here. In CI that is no excuse: there the cases fail.
fn cannot_run() -> bool {
    std::env::var_os(VARIABLE).is_none() && std::env::var_os("CI").is_none() && !rustix::process::geteuid().is_root()
}

/// The cluster of a case.
async fn target(shared: &Shared) -> anyhow::Result<Arc<Target>> {
    let say = |line: &str| eprintln!("    {line}");
    shared.started.store(true, Ordering::Relaxed);
    if shared.plan.anew {
        return Target::choose(shared.plan.cluster, &say).await.map(Arc::new);
    }
    let started = shared.target.get_or_init(|| async {
        Target::choose(shared.plan.cluster, &say)
            .await
            .map(Arc::new)
            .map_err(|error| sentence(&error))
    });
    started.await.clone().map_err(|error| anyhow!("{error}"))
}

fn patience() -> anyhow::Result<Duration> {
    match std::env::var(PATIENCE_VARIABLE) {
        Ok(text) => {
            let seconds = text.parse::<u64>();
            let seconds = seconds.with_context(|| format!("{PATIENCE_VARIABLE}: found {text:?}; accepted: seconds"))?;
            Ok(Duration::from_secs(seconds))
        }
        Err(_) => Ok(PATIENCE),
    }
}

async fn run(case: Named, shared: &Shared) -> anyhow::Result<()> {
    let _turn = if case.alone || shared.plan.anew {
        (Some(shared.turn.write().await), None)
    } else {
        (None, Some(shared.turn.read().await))
    };
    let asked = Instant::now();
    let context = Case::begin(case.name, target(shared).await?).await?;
    let begun = Instant::now();
    let patience = patience()?;
    let ended = AssertUnwindSafe(tokio::time::timeout(patience, (case.run)(context.clone())))
        .catch_unwind()
        .await;
    let result = match ended {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(anyhow!(
            "still running after {patience:?}; {PATIENCE_VARIABLE} gives a case more seconds"
        )),
        Err(panic) => Err(anyhow!("panicked: {}", message(panic.as_ref()))),
    };
    let result = match result {
        Ok(()) => Ok(()),
        Err(error) => {
            // The report of all failures comes at the end of the run, which is far away.
            let what = sentence(&error);
            eprintln!("    {} failed: {what}", case.name);
            Err(anyhow!("{what}\n{}", context.evidence().await))
        }
    };
    if shared.plan.anew {
        let (whole, cluster) = (asked.elapsed().as_secs(), (begun - asked).as_secs());
        eprintln!("    {whole} s, of which the cluster took {cluster} s");
    }
    let ended = context.end().await.context("end the case");
    result.and(ended)
}

/// Cases that are interrupted leave no cluster behind.
async fn stop_when_told(cluster: &str) {
    let (Ok(mut interrupted), Ok(mut terminated)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        eprintln!("no signal can be listened for: an interrupted run may leave its cluster behind");
        return;
    };
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    eprintln!("interrupted: stopping the cluster");
    if let Err(error) = Target::release(cluster).await {
        eprintln!("stop the cluster: {error:#}");
    }
    std::process::exit(INTERRUPTED);
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
