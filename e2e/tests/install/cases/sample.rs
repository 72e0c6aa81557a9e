//! From nothing to running ledgers by three lines of kubectl (issue 4, done when 1).

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::site::Site;
use crate::snapshot;

/// From the first apply to a second block on every member.
const PROMISED: Duration = Duration::from_secs(180);
/// The variable with another number of rounds.
const VARIABLE: &str = "ALTHING_SAMPLE_ROUNDS";
/// How many rounds there are otherwise.
const ROUNDS: usize = 3;

/// How many times the sample is made from nothing.
pub(crate) fn rounds() -> usize {
    let named = std::env::var(VARIABLE).ok();
    named.and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

pub(crate) async fn every_object_is_ready_and_every_ledger_goes_on_in_three_minutes(site: &Site) -> anyhow::Result<()> {
    let started = Instant::now();
    site.install_by_kubectl().await?;
    site.apply_sample().await?;
    site.is_ready().await?;
    let ready = started.elapsed();
    site.is_past_block_1().await?;
    let done = started.elapsed();
    eprintln!(
        "    by kubectl: all Ready after {:.1} s, past block 1 on every member after {:.1} s",
        ready.as_secs_f64(),
        done.as_secs_f64()
    );
    ensure!(done <= PROMISED, "it took {done:?}, {PROMISED:?} are promised");
    site.is_in_sync().await?;
    snapshot::of(site).await?.agrees_with_kubectl()
}

pub(crate) async fn an_operator_of_one_namespace_does_the_same(site: &Site) -> anyhow::Result<()> {
    every_object_is_ready_and_every_ledger_goes_on_in_three_minutes(site).await
}
