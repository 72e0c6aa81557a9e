//! `althing-cluster`: a Kubernetes cluster on this machine, for the end-to-end suite and for trying things out.

#![allow(clippy::print_stdout, reason = "what a person asked for")]

use std::path::PathBuf;
use std::process::ExitCode;

use althing_e2e::cluster::{Cluster, Layout, down, sentence, up};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// A real Kubernetes cluster of one node on this machine, without a container engine. Needs root.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start it, or say that it is up
    Up {
        #[command(flatten)]
        which: Which,
        /// The number that its address ranges are made from, 0 to 15; the first that is free when not given
        #[arg(long)]
        number: Option<u8>,
    },
    /// Stop it and remove all of it, half-made or whole
    Down {
        #[command(flatten)]
        which: Which,
    },
    /// Give it images, as docker-archive or OCI tar files; without any, those that scripts/images.sh built
    Load {
        #[command(flatten)]
        which: Which,
        /// The files
        images: Vec<PathBuf>,
    },
    /// Print the path of its kubeconfig
    Kubeconfig {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
struct Which {
    /// The cluster's name
    #[arg(long, default_value = "althing")]
    name: String,
    /// The folder with all its state; below the cache when not given
    #[arg(long)]
    state: Option<PathBuf>,
}

impl Which {
    fn layout(&self) -> anyhow::Result<Layout> {
        Layout::new(&self.name, self.state.as_deref())
    }

    fn cluster(&self) -> anyhow::Result<Cluster> {
        let layout = self.layout()?;
        Cluster::find(&layout)?
            .with_context(|| format!("no cluster {} is up; start it with althing-cluster up", self.name))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("althing-cluster: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up { which, number } => start(&which.layout()?, number).await,
        Command::Down { which } => {
            let layout = which.layout()?;
            let was_there = down(&layout).await?;
            println!("{} {}", layout.name(), if was_there { "is gone" } else { "was not up" });
            Ok(())
        }
        Command::Load { which, images } => load(&which.cluster()?, images).await,
        Command::Kubeconfig { which } => {
            println!("{}", which.cluster()?.kubeconfig().display());
            Ok(())
        }
    }
}

/// A start that is interrupted leaves nothing behind.
async fn start(layout: &Layout, number: Option<u8>) -> anyhow::Result<()> {
    let mut interrupted = signal(SignalKind::interrupt()).context("listen for signals")?;
    let mut terminated = signal(SignalKind::terminate()).context("listen for signals")?;
    let say = |line: &str| println!("    {line}");
    let started = {
        let starting = up(layout, number, &say);
        tokio::select! {
            started = starting => Some(started),
            _ = interrupted.recv() => None,
            _ = terminated.recv() => None,
        }
    };
    let Some(started) = started else {
        down(layout).await?;
        anyhow::bail!("interrupted; {} is gone", layout.name());
    };
    println!("export KUBECONFIG={}", started?.kubeconfig().display());
    Ok(())
}

async fn load(cluster: &Cluster, images: Vec<PathBuf>) -> anyhow::Result<()> {
    if images.is_empty() {
        for image in cluster.load_built().await? {
            println!("loaded {}", image.display());
        }
        return Ok(());
    }
    for image in images {
        cluster.load(&image).await?;
        println!("loaded {}", image.display());
    }
    Ok(())
}
