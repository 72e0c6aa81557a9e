//! The program `althing-node`: its arguments, its exit code. `main.rs` only calls it, so that linking the program another
//! way (statically, for the image) compiles nothing again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::app::{self, VERSION};
use crate::files::NodeFiles;
use crate::one_line::one_line;
use crate::telemetry;

/// The ledger node of Althing.
#[derive(Debug, Parser)]
#[command(name = "althing-node", version = VERSION)]
struct Arguments {
    /// The node's configuration; its other files are beside it.
    #[arg(short, long, default_value = "config.ini")]
    config: PathBuf,
}

/// Runs a node until SIGTERM; what keeps it from starting is told in one line, on the standard error and in the log.
pub fn main() -> ExitCode {
    let files = NodeFiles::new(&Arguments::parse().config);
    match start(files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let why = one_line(&error);
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
