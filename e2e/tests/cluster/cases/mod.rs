//! The cases, one file a subject.

mod consortium;
mod keys;
mod machine;

use althing_e2e::cluster::Named;

/// The case that an async function `fn(Case) -> anyhow::Result<()>` is, under its own name.
macro_rules! case {
    ($run:path) => {
        Named {
            name: stringify!($run),
            run: |case| Box::pin($run(case)),
            alone: false,
        }
    };
}

/// As `case!`, for one that no other case may run beside: it stops programs of the cluster.
macro_rules! alone {
    ($run:path) => {
        Named {
            alone: true,
            ..case!($run)
        }
    };
}

/// Every case, in the order in which they start.
pub(crate) fn all() -> Vec<Named> {
    vec![
        case!(machine::a_pod_with_a_claim_writes_to_its_volume),
        case!(machine::a_claim_grows),
        case!(machine::a_headless_service_s_name_is_that_of_its_pods),
        case!(machine::logs_and_exec_reach_a_pod),
        case!(machine::a_privileged_pod_is_refused_in_a_restricted_namespace),
        case!(machine::a_changed_secret_reaches_a_running_pod),
        case!(machine::a_pod_is_dialled_from_the_machine),
        case!(keys::a_missing_key_stalls_its_node_alone_and_is_never_made_again),
        alone!(machine::pods_go_on_while_the_api_server_is_killed_and_comes_back),
    ]
}
