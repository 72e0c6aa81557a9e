//! `althing-bench`: what a group of four sealers on this machine does, with TLS and synced writes, in figures.
//!
//! ```text
//! throughput  ERC-20 transfers a second, and the processor time of each by stage
//! latency     time to receipt at half that load        idle   of one transaction on an idle group
//! memory      of a node with two idle groups           restart  of a node with 100,000 transactions
//! editions    throughput in each edition, and the ratio
//! crypto      SM2 and SM3 beside OpenSSL 4
//! peers       the same load on public peers, and our figures by theirs
//! scale       the operator with a thousand Nodes on a real API server, their pods played
//! ```
//!
//! Everything is medians over `--runs`. The load is signed before the clock starts.

mod chain;
mod crypto;
mod idle;
mod latency;
mod load;
mod memory;
mod peers;
mod report;
mod restart;
mod scale;
mod throughput;
mod token;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use althing_e2e::Edition;

/// Benchmarks of a group of four sealers on this machine.
#[derive(Debug, Parser)]
#[command(name = "althing-bench", version)]
struct Cli {
    #[command(subcommand)]
    part: Part,
    #[command(flatten)]
    options: Options,
}

/// What every part takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How long a load is sustained
    #[arg(long, global = true, default_value_t = 60)]
    seconds: u64,
    /// How often each part is run; the figures are medians
    #[arg(long, global = true, default_value_t = 3)]
    runs: usize,
    /// The edition of the group
    #[arg(long, global = true, value_enum, default_value_t = Edition::Standard)]
    edition: Edition,
    /// Transactions in one JSON-RPC batch
    #[arg(long, global = true, default_value_t = 100)]
    batch: usize,
    /// Accounts that send, each in the order of its nonces
    #[arg(long, global = true, default_value_t = 200)]
    accounts: usize,
    /// Transfers a second to sign for the throughput run; more than the group takes
    #[arg(long, global = true, default_value_t = 6000)]
    offered: u64,
    /// Transfers a second of the latency run; half the measured throughput when not given
    #[arg(long, global = true)]
    rate: Option<u64>,
    /// Gas of a block of geth; 40000000 are about 1,100 transfers, about as many as a block of ours has
    #[arg(long, global = true, default_value_t = 40_000_000)]
    gas_limit: u64,
    /// Transactions of the restart run
    #[arg(long, global = true, default_value_t = 100_000)]
    transactions: u64,
}

impl Options {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Transfers that each account signs before a load, so that they outlast it.
    fn signed_by_each(&self) -> u64 {
        (self.offered * (self.seconds + load::WARM_UP.as_secs())).div_ceil(self.accounts as u64)
    }

    /// The options that show a load's figures again.
    fn of_a_load(&self) -> String {
        let Self {
            seconds,
            batch,
            accounts,
            offered,
            runs,
            edition,
            ..
        } = self;
        let edition = edition.word().to_lowercase();
        format!(
            "--edition {edition} --seconds {seconds} --batch {batch} --accounts {accounts} --offered {offered} --runs {runs}"
        )
    }
}

#[derive(Clone, Debug, Subcommand)]
enum Part {
    /// Transfers included a second under a load beyond what the group takes
    Throughput,
    /// Time to receipt at half the throughput
    Latency,
    /// Time to receipt of a single transaction on an idle group
    Idle,
    /// Memory of a node with two idle groups
    Memory,
    /// Restart of a node with many transactions
    Restart,
    /// Throughput of both editions, and what part of the standard one's the SM edition has
    Editions,
    /// SM2 and SM3 beside OpenSSL 4
    Crypto,
    /// The same client on public peers; runs our throughput first, for the ratios
    Peers,
    /// The operator with a thousand Nodes on a cluster of its own; needs root
    Scale(scale::Settings),
    /// All of them but scale
    All,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let Cli { part, options } = Cli::parse();
    report::machine()?;
    match part {
        Part::Throughput => throughput::run(&options).await.map(|_| ()),
        Part::Latency => latency::run(&options, None).await,
        Part::Idle => idle::run(&options).await,
        Part::Memory => memory::run(&options).await,
        Part::Restart => restart::run(&options).await,
        Part::Editions => throughput::editions(&options).await,
        Part::Crypto => crypto::run(&options),
        Part::Peers => peers::run(&options, throughput::run(&options).await?).await,
        Part::Scale(settings) => scale::run(&settings).await,
        Part::All => all(&options).await,
    }
}

async fn all(options: &Options) -> anyhow::Result<()> {
    let ours = throughput::run(options).await?;
    latency::run(options, Some(ours.per_second)).await?;
    idle::run(options).await?;
    memory::run(options).await?;
    restart::run(options).await?;
    throughput::editions(options).await?;
    crypto::run(options)?;
    peers::run(options, ours).await
}
