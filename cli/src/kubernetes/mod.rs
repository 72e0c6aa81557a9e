//! `kubectl althing`: the same questions, asked of a cluster.
//!
//! ```text
//! target ─▶ seen ─────▶ heard ──┬─▶ tree    status
//!  where    API server  nodes   ├─▶ why     what is in the way, and what would take it away
//!                               ├─▶ bundle  public facts as manifests: given, compared, taken in
//!                               ├─▶ vote    what can be voted on, and a person's vote
//!                               └─▶ console FISCO's console commands
//! ```
//!
//! Nothing is written to the cluster but by `bundle import`: nodes are asked through the API server, as `kubectl port-forward`
//! would; `there` is a namespace whose nodes and keys are at hand. No Secret with a private key is read but two: `vote` and `console`
//! sign with the governance key of the agency that votes, and `console` administers groups with the admin key of a node's agency.

mod console;
mod heard;
mod known;
mod plugin;
pub(crate) mod seen;
mod state;
pub(crate) mod target;
#[cfg(test)]
pub(crate) mod testing;
mod there;
mod tree;
mod vote;
mod why;

pub(crate) use plugin::{Command, NAME, Options, Plugin};

use crate::output::Format;
use crate::{Ended, bundle};

/// Carries a command out.
pub(crate) async fn run(options: &Options, output: Format) -> anyhow::Result<Ended> {
    let is_well = match &options.command {
        Command::Console(choice) => return console::console(&options.target, choice, output).await,
        Command::Status => tree::run(&options.target, output).await,
        Command::Why(asked) => why::run(&options.target, asked, output).await,
        Command::Approvals => vote::approvals(&options.target, output).await,
        Command::Vote(decision) => vote::vote(&options.target, decision).await,
        Command::Bundle(command) => bundle::run(&options.target, command, output).await,
    };
    is_well.map(Ended::from)
}
