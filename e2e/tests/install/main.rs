//! The ways to install Althing, as a person does it: by kubectl, by Helm, from Git. The operator runs in the cluster, from its
//! image.
//!
//! ```text
//! Site (the sample's namespace) ─▶ installed by kubectl │ Helm 4, Helm 3 │ Flux from a Git repository
//!   └─▶ every object Ready, every ledger past block 1 ─▶ Snapshot: the same objects whichever way
//! ```
//!
//! Every case starts from nothing, on a cluster made for it. On one that `ALTHING_E2E_KUBECONFIG` names, nothing of Althing may be
//! there, and nothing is left.

mod cases;
mod flux;
mod repository;
mod site;
mod snapshot;

use althing_e2e::cluster::Plan;

/// A cluster of its own name for each case.
const PLAN: Plan = Plan {
    cluster: "install",
    anew: true,
    at_once: 1,
};

fn main() -> std::process::ExitCode {
    althing_e2e::cluster::main(PLAN, &cases::all())
}
