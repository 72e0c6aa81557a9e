//! Runs cases on one cluster: started when the first case needs it, stopped when the last is done, however they end.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::FutureExt;
use futures::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OnceCell, RwLock};

use super::case::Case;
use super::given::Target;
use super::objects::sentence;

/// No case takes that long; one that does is stuck.
const PATIENCE: Duration = Duration::from_secs(900);
/// How many cases run at once, unless `--test-threads` says otherwise.
const AT_ONCE: usize = 4;
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

/// What the cases share.
#[derive(Default)]
struct Shared {
    /// The one cluster of all; a start that failed is not tried again for each of them.
    target: OnceCell<Result<Arc<Target>, String>>,
    /// Held for reading by the cases that run, for writing by one that runs alone.
    turn: RwLock<()>,
}

/// The `main` of a test target. Arguments are those of Rust's own test harness.
pub fn main(cases: &[Named]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("start the runtime of the cases: {error}");
            return ExitCode::FAILURE;
        }
    };
    let shared = Arc::new(Shared::default());
    runtime.spawn(stop_when_told());
    let trials = cases
        .iter()
        .map(|&case| {
            let (runtime, shared) = (Arc::clone(&runtime), Arc::clone(&shared));
            Trial::test(case.name, move || {
                runtime
                    .block_on(run(case, &shared))
                    .map_err(|error| Failed::from(sentence(&error)))
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if shared.target.initialized()
        && let Err(error) = runtime.block_on(Target::release())
    {
        eprintln!("stop the cluster: {error:#}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

async fn run(case: Named, shared: &Shared) -> anyhow::Result<()> {
    let _turn = if case.alone {
        (Some(shared.turn.write().await), None)
    } else {
        (None, Some(shared.turn.read().await))
    };
    let started = shared.target.get_or_init(|| async {
        let say = |line: &str| eprintln!("    {line}");
        Target::choose(&say)
            .await
            .map(Arc::new)
            .map_err(|error| sentence(&error))
    });
    let target = started.await.as_ref().map_err(|error| anyhow!("{error}"))?;
    let context = Case::begin(case.name, Arc::clone(target)).await?;
    let ended = AssertUnwindSafe(tokio::time::timeout(PATIENCE, (case.run)(context.clone())))
        .catch_unwind()
        .await;
    let result = match ended {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(anyhow!("still running after {PATIENCE:?}")),
        Err(panic) => Err(anyhow!("panicked: {}", message(panic.as_ref()))),
    };
    let result = match result {
        Ok(()) => Ok(()),
        Err(error) => Err(anyhow!("{}\n{}", sentence(&error), context.evidence().await)),
    };
    let ended = context.end().await.context("end the case");
    result.and(ended)
}

/// Cases that are interrupted leave no cluster behind.
async fn stop_when_told() {
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
    if let Err(error) = Target::release().await {
        eprintln!("stop the cluster: {error:#}");
    }
    std::process::exit(INTERRUPTED);
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
