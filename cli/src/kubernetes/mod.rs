//! `kubectl althing`: the same questions, asked of a cluster.
//!
//! ```text
//! target ─▶ seen ─────▶ heard ──┬─▶ tree    status
//!  where    API server  nodes   ├─▶ why     what is in the way, and what would take it away
//!                               └─▶ bundle  public facts as manifests
//! ```
//!
//! Nothing is written to the cluster, and no Secret with a private key is ever read: nodes are asked on their metrics port,
//! through the API server, as `kubectl port-forward` would.

mod bundle;
mod heard;
mod plugin;
mod seen;
mod state;
mod target;
#[cfg(test)]
mod testing;
mod tree;
mod why;

pub(crate) use plugin::{Command, NAME, Options, Plugin};

use crate::output::Format;

/// Carries a command out; false when something is wrong.
pub(crate) async fn run(options: &Options, output: Format) -> anyhow::Result<bool> {
    match &options.command {
        Command::Status => tree::run(&options.target, output).await,
        Command::Why(asked) => why::run(&options.target, asked, output).await,
        Command::Bundle(command) => bundle::run(&options.target, command, output).await,
    }
}
