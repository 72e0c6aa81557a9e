//! The operator: watches manifests on a Kubernetes cluster and makes ledgers of them.

fn main() {}
