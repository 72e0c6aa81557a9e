//! The operator: watches manifests on a Kubernetes cluster and makes ledgers of them.

use std::process::ExitCode;

use althing_kubernetes::cli::{Cli, Command, LogFormat, RunArguments};
use clap::Parser;
use tracing::error;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let Command::Run(arguments) = Cli::parse().command;
    if let Err(error) = log(&arguments) {
        eprintln!("althing-operator: --log {:?}: {error}", arguments.log);
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!("the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(althing_kubernetes::run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log(arguments: &RunArguments) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&arguments.log)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}
