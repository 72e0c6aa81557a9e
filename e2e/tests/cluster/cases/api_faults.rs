//! An API server that refuses, breaks off, hangs, or tells late: the operator goes on, says so, and never makes a second key.

use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Call, Fate, Inventory, Operator, Options, Proxy};
use anyhow::ensure;

use super::consortium::{CONVERGENCE, PROMISED, gone, ledger, manifests, uid, whole};

/// How long calls fail.
const FAULTS: Duration = Duration::from_secs(20);
/// How late watches tell.
const LATE: Duration = Duration::from_secs(4);
/// How long a watch lasts in these cases, in seconds.
const WATCH_SECONDS: &str = "5";
/// How soon a watch that is dead without a word must be noticed then: the watch, its margins, and a first list.
const NOTICED: Duration = Duration::from_secs(40);
/// How long nothing may be written in the end.
const QUIET: Duration = Duration::from_secs(8);
/// Something whose loss is repaired at once by whoever hears of it.
const REPAIRED: &str = "poddisruptionbudget/node-0";

/// An operator behind a proxy.
struct Behind {
    case: Case,
    proxy: Proxy,
    operator: Operator,
    audit: Option<Audit>,
}

impl Behind {
    async fn start(case: &Case) -> anyhow::Result<Self> {
        let audit = Audit::begin(case)?;
        let proxy = Proxy::start(case).await?;
        Ok(Self {
            operator: Operator::start_with(case, behind(&proxy)).await?,
            case: case.clone(),
            proxy,
            audit,
        })
    }

    /// Once calls pass again, everything is as it should be, and stays so.
    async fn recovers(&mut self) -> anyhow::Result<()> {
        whole(&self.case, CONVERGENCE).await?;
        ledger(&self.case, 1).goes_on(CONVERGENCE).await?;
        ensure!(
            self.operator.is_running(),
            "the operator has ended:\n{}",
            self.operator.log_tail()
        );
        ends_well(&self.case, self.audit.as_ref(), &[&self.operator]).await
    }

    /// Waits until the case's object is back, after it was deleted.
    async fn repairs(&self, patience: Duration) -> anyhow::Result<()> {
        is_there(&self.case, patience).await
    }
}

fn behind(proxy: &Proxy) -> Options {
    Options {
        server: Some(proxy.server()),
        environment: vec![("ALTHING_WATCH_SECONDS".to_owned(), WATCH_SECONDS.to_owned())],
        ..Options::default()
    }
}

async fn is_there(case: &Case, patience: Duration) -> anyhow::Result<()> {
    case.eventually("what was deleted to be made again", patience, || async {
        ensure!(uid(case, REPAIRED).await?.is_some(), "{REPAIRED} is gone");
        Ok(())
    })
    .await
}

/// Nothing is written any more, no key was made twice, and every rule of the audit log was kept.
async fn ends_well(case: &Case, audit: Option<&Audit>, operators: &[&Operator]) -> anyhow::Result<()> {
    let Some(audit) = audit else { return Ok(()) };
    let users: std::collections::BTreeSet<&str> = operators.iter().map(|operator| operator.user()).collect();
    for user in &users {
        audit.settled(case, user, QUIET, CONVERGENCE).await?;
        audit.check(user, &[case.namespace()])?;
    }
    let made = audit.keys_made_once(&users.into_iter().collect::<Vec<_>>())?;
    let keys = Inventory::of(case).await?.keys().len();
    ensure!(made == keys, "{made} keys were made, {keys} are there");
    Ok(())
}

/// Every way to fail, each on its share of the calls that are no watches; watches fail too, less often.
fn faults(call: &Call) -> Fate {
    const WAYS: [Fate; 7] = [
        Fate::Answer(409),
        Fate::Answer(429),
        Fate::Answer(500),
        Fate::Answer(503),
        Fate::Reset,
        Fate::ResetAfter,
        Fate::Hang,
    ];
    let share = if call.is_watch() { 8 } else { 4 };
    let (turn, is_hit) = (call.number / share, call.number.is_multiple_of(share));
    match (is_hit, WAYS.get(usize::try_from(turn).unwrap_or_default() % WAYS.len())) {
        // A watch that is not answered, and one whose end is waited for, are cases of their own.
        (true, Some(Fate::Hang | Fate::ResetAfter)) if call.is_watch() => Fate::Reset,
        (true, Some(way)) => *way,
        _ => Fate::Pass,
    }
}

pub(crate) async fn calls_that_fail_in_every_way_are_tried_again(case: Case) -> anyhow::Result<()> {
    let mut behind = Behind::start(&case).await?;
    behind.proxy.schedule(faults);
    case.apply(&manifests(1)).await?;
    // Not a wait for an event: that is how long the API server is ill.
    tokio::time::sleep(FAULTS).await;
    behind
        .operator
        .shows("althing_reconcile_errors_total{", PROMISED)
        .await?;
    ensure!(
        behind.operator.is_running(),
        "the operator has ended:\n{}",
        behind.operator.log_tail()
    );
    behind.proxy.pass();
    behind.recovers().await
}

pub(crate) async fn an_api_server_that_only_refuses_is_waited_for(case: Case) -> anyhow::Result<()> {
    let mut behind = Behind::start(&case).await?;
    case.apply(&manifests(1)).await?;
    whole(&case, CONVERGENCE).await?;
    for way in [
        Fate::Answer(429),
        Fate::Answer(503),
        Fate::Answer(500),
        Fate::Answer(409),
        Fate::Reset,
    ] {
        behind
            .proxy
            .schedule(move |call| if call.is_write() { way } else { Fate::Pass });
        let before = errors(&behind.operator).await?;
        case.kubectl(&["delete", REPAIRED]).await?;
        case.eventually("the failed writes to be counted", PROMISED, || async {
            let now = errors(&behind.operator).await?;
            ensure!(now > before, "{way:?}: {now} errors");
            Ok(())
        })
        .await?;
        behind.proxy.pass();
        behind.repairs(CONVERGENCE).await?;
    }
    behind.recovers().await
}

/// How many writes have failed, as the metrics say.
async fn errors(operator: &Operator) -> anyhow::Result<u64> {
    let page = operator.page("/metrics").await?;
    let lines = page
        .lines()
        .filter(|line| line.starts_with("althing_reconcile_errors_total{"));
    let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    Ok(counts.sum())
}

pub(crate) async fn a_watch_that_drops_or_goes_deaf_is_taken_up_again(case: Case) -> anyhow::Result<()> {
    let mut behind = Behind::start(&case).await?;
    case.apply(&manifests(1)).await?;
    whole(&case, CONVERGENCE).await?;
    // Dropped: again and again, once while something changes.
    for _ in 0..3 {
        behind.proxy.cut();
        case.kubectl(&["delete", REPAIRED]).await?;
        behind.repairs(NOTICED).await?;
    }
    // Deaf: new watches and lists are taken and never answered, nor is anything else.
    behind.proxy.schedule(|_| Fate::Hang);
    behind.proxy.cut();
    case.kubectl(&["delete", REPAIRED]).await?;
    tokio::time::sleep(LATE).await;
    ensure!(uid(&case, REPAIRED).await?.is_none(), "nobody can have repaired it");
    behind.proxy.pass();
    behind.repairs(NOTICED).await?;
    behind.recovers().await
}

pub(crate) async fn operators_with_stale_caches_never_make_a_second_key(case: Case) -> anyhow::Result<()> {
    let late = |call: &Call| match call.is_watch() {
        true => Fate::Late(LATE),
        false => Fate::Pass,
    };
    let mut first = Behind::start(&case).await?;
    first.proxy.schedule(late);
    first.proxy.cut();
    // Another one without a Lease between them: what a Lease that is lost unnoticed would be for a while.
    let proxy = Proxy::start(&case).await?;
    proxy.schedule(late);
    let mut second = Operator::start_with(&case, behind(&proxy)).await?;
    case.apply(&manifests(1)).await?;
    whole(&case, CONVERGENCE).await?;
    // A certificate that goes is issued again under the same key, and an operator that starts meanwhile knows nothing of it.
    let key = uid(&case, "secret/node-0-key").await?;
    case.kubectl(&["delete", "secret/node-0-certificate"]).await?;
    second.halt().await?;
    proxy.cut();
    second.restart()?;
    case.eventually("the certificate to be issued again", CONVERGENCE, || async {
        ensure!(uid(&case, "secret/node-0-certificate").await?.is_some(), "it is gone");
        Ok(())
    })
    .await?;
    ensure!(uid(&case, "secret/node-0-key").await? == key, "the key is another one");
    case.kubectl(&["delete", "agency/agency-a", "--wait=true"]).await?;
    gone(&case, "agency/agency-a", PROMISED).await?;
    case.apply(&manifests(1)).await?;
    whole(&case, CONVERGENCE).await?;
    first.operator.shows("althing_writes_total", PROMISED).await?;
    ensure!(
        second.is_running(),
        "the second operator has ended:\n{}",
        second.log_tail()
    );
    first.recovers().await
}
