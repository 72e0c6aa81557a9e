//! `althing-node -c config.ini`: runs one node until SIGTERM.

use std::path::PathBuf;
use std::process::ExitCode;

use althing_node::app::{self, VERSION};
use althing_node::files::NodeFiles;
use althing_node::telemetry;
use clap::Parser;

/// The ledger node of Althing.
#[derive(Debug, Parser)]
#[command(name = "althing-node", version = VERSION)]
struct Arguments {
    /// The node's configuration; its other files are beside it.
    #[arg(short, long, default_value = "config.ini")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let files = NodeFiles::new(&Arguments::parse().config);
    match start(files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let why = app::one_line(&error);
            tracing::error!(alarm = "start_failed", "{why}");
            eprintln!("althing-node: {why}");
            ExitCode::FAILURE
        }
    }
}

fn start(files: NodeFiles) -> anyhow::Result<()> {
    let config = files.config()?;
    telemetry::install(&config.log, files.base())?;
    rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("parallel-{number}"))
        .build_global()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("network")
        .enable_all()
        .build()?;
    let ended = runtime.block_on(app::run(files, config));
    // Threads that wait for frames would be waited for otherwise.
    runtime.shutdown_background();
    ended
}
