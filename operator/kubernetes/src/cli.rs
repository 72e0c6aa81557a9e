//! What the operator is told: flags, each with its environment variable.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The Althing operator: manifests of consortiums, agencies, groups and nodes become running ledgers.
#[derive(Clone, Debug, Parser)]
#[command(name = "althing-operator", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the operator can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Watch manifests and reconcile them until SIGTERM.
    Run(RunArguments),
}

/// How it runs.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// The namespaces to watch, separated by commas; all of the cluster when there is none.
    #[arg(long, env = "ALTHING_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// The image of nodes whose manifest names none, and that have not run with another before.
    #[arg(long, env = "ALTHING_NODE_IMAGE", default_value = concat!("localhost/althing/node:", env!("CARGO_PKG_VERSION")))]
    pub node_image: String,
    /// The DNS domain of the cluster.
    #[arg(long, env = "ALTHING_CLUSTER_DOMAIN", default_value = "cluster.local")]
    pub cluster_domain: String,
    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, env = "ALTHING_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Work only while holding the Lease `althing-operator`, so that several replicas may run.
    #[arg(long, env = "ALTHING_LEADER_ELECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub leader_election: bool,
    /// Watch the cluster's machines, so that a drain opens the disruption budgets of the nodes on a cordoned one.
    #[arg(long, env = "ALTHING_WATCH_MACHINES", default_value_t = false, action = clap::ArgAction::Set)]
    pub watch_machines: bool,
    /// The namespace of the operator, where its Lease is.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub pod_namespace: String,
    /// The name of this replica.
    #[arg(long, env = "POD_NAME", default_value = "althing-operator")]
    pub pod_name: String,
    /// Namespaces that are reconciled at the same time; each holds its objects in memory meanwhile.
    #[arg(long, env = "ALTHING_CONCURRENCY", default_value_t = 4)]
    pub concurrency: usize,
    /// Seconds after which a watch is begun anew. One whose connection is dead without a word is noticed after as long.
    #[arg(long, env = "ALTHING_WATCH_SECONDS", default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..=290))]
    pub watch_seconds: u32,
    /// What is logged: a level, or `tracing` directives such as `info,althing_kubernetes=debug`.
    #[arg(long, env = "ALTHING_LOG", default_value = "info")]
    pub log: String,
    /// The form of log lines.
    #[arg(long, env = "ALTHING_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl RunArguments {
    /// The namespaces without empty entries: an empty environment variable is no namespace.
    pub fn namespaces(&self) -> Vec<String> {
        let mut list: Vec<String> = self
            .watch_namespaces
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        list.retain(|name| !name.is_empty());
        list.sort();
        list.dedup();
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_of_namespaces_is_all_of_them() {
        let parse = |list: &str| {
            let cli = Cli::try_parse_from(["althing-operator", "run", "--watch-namespaces", list]).unwrap();
            let Command::Run(arguments) = cli.command;
            arguments.namespaces()
        };
        assert!(parse("").is_empty());
        assert_eq!(parse("b, a,,a"), ["a", "b"]);
    }
}
