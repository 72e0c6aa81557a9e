//! End-to-end cases on a Kubernetes cluster: the one that `ALTHING_E2E_KUBECONFIG` names, else one of their own.
//!
//! A case is an async function in `cases`, named for its promise; `cases::all` lists them. Each has a namespace of its own.

mod cases;

fn main() -> std::process::ExitCode {
    althing_e2e::cluster::main(&cases::all())
}
