//! End-to-end cases on a Kubernetes cluster: the one that `ALTHING_E2E_KUBECONFIG` names, else one of their own.
//!
//! A case is an async function in `cases`, named for its promise; `cases::all` lists them. Each has a namespace of its own.

mod cases;

use althing_e2e::cluster::Plan;

/// Many cases share one cluster.
const PLAN: Plan = Plan {
    cluster: "cases",
    anew: false,
    at_once: 4,
};

fn main() -> std::process::ExitCode {
    althing_e2e::cluster::main(PLAN, &cases::all())
}
