//! The cases, one file a subject.

mod agencies;
mod api_faults;
mod authority;
mod canary;
mod certificates;
mod consortium;
mod deletion;
mod documents;
mod drift;
mod genesis;
mod groups;
mod hostile;
mod keys;
mod killed;
mod kubectl;
mod leases;
mod machine;
mod misoperations;
mod points;
mod refusals;
mod registry;
mod revocation;
mod rollout;
mod rotation;
mod scene;
mod seed_000;
mod sovereign;
mod votes;
mod waiting;

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
        case!(keys::a_node_without_its_ledger_abstains_until_it_is_safe_and_takes_part_again),
        case!(keys::two_operators_at_once_never_make_a_second_key),
        case!(keys::a_replica_that_takes_over_in_the_middle_makes_no_second_key),
        case!(seed_000::seed_000_between_four_agencies_that_share_nothing_but_bundles),
        case!(seed_000::seed_000_sm_between_four_agencies_that_share_nothing_but_bundles),
        case!(seed_000::seed_000_between_agencies_on_two_clusters_that_share_nothing_but_files),
        case!(genesis::a_group_that_two_agencies_wrote_differently_starts_nowhere_and_the_field_is_named),
        case!(documents::a_consortium_is_started_joined_rotated_and_revoked_as_the_pages_say),
        case!(points::changes_of_every_kind_survive_kills_and_partitions_at_random_points),
        case!(revocation::who_is_revoked_loses_every_connection_and_a_sealer_is_voted_out_first),
        case!(rotation::a_chain_key_rolls_over_without_a_lost_session_or_transaction),
        case!(registry::a_registrar_without_nodes_rolls_its_key_over_and_revokes_an_agency_elsewhere),
        case!(votes::a_role_declared_in_a_manifest_is_voted_for_and_carried_out),
        case!(leases::two_agencies_that_each_restart_one_of_four_sealers_at_once),
        case!(deletion::a_node_deleted_and_applied_again_keeps_its_identity_and_its_ledger),
        case!(deletion::the_deletion_policy_decides_about_key_and_volume),
        case!(deletion::a_group_and_a_consortium_deleted_leave_their_records_and_keys),
        case!(deletion::a_namespace_ends_with_everything_in_it_with_the_operator_and_without),
        case!(drift::what_somebody_changes_is_repaired_soon_and_without_a_restart),
        case!(refusals::what_a_schema_can_refuse_is_refused_with_what_is_accepted),
        case!(misoperations::what_only_the_operator_can_see_is_said_and_heals_without_a_restart),
        case!(misoperations::what_disturbs_one_node_leaves_the_quorum_and_heals),
        case!(rollout::a_changed_image_rolls_one_node_at_a_time),
        case!(rollout::the_leader_is_restarted_last),
        case!(rollout::a_group_without_a_fault_to_spare_waits_for_its_pause),
        case!(rollout::a_broken_image_stops_after_one_pod),
        case!(rollout::another_operator_restarts_no_pod),
        case!(rollout::a_drain_opens_one_budget_at_a_time),
        case!(waiting::what_is_not_there_yet_is_waited_for),
        case!(waiting::an_image_that_cannot_be_pulled_is_named_and_replaced),
        case!(waiting::a_volume_that_cannot_bind_is_named_and_made_again),
        case!(waiting::a_node_that_finds_no_room_says_so_though_its_claim_waits),
        case!(waiting::a_pod_that_a_quota_refuses_says_so_and_starts_when_the_quota_allows),
        case!(waiting::a_certificate_that_does_not_chain_is_refused_until_it_does),
        case!(waiting::a_genesis_that_differs_from_its_pin_starts_nothing),
        case!(waiting::what_is_wrong_in_itself_is_refused_with_what_is_accepted),
        case!(waiting::kubectl_wait_waits_for_what_is_ready),
        case!(certificates::a_lost_certificate_is_issued_again_under_the_same_key),
        case!(certificates::certificates_are_renewed_in_time_while_blocks_go_on),
        case!(groups::a_new_group_over_running_nodes_restarts_nobody),
        case!(groups::the_hash_of_a_genesis_is_told_and_may_be_pinned_once),
        case!(groups::somebody_else_s_node_is_dialled_and_never_run),
        case!(groups::a_volume_grows_under_a_running_node),
        case!(api_faults::calls_that_fail_in_every_way_are_tried_again),
        case!(api_faults::an_api_server_that_only_refuses_is_waited_for),
        case!(api_faults::a_watch_that_drops_or_goes_deaf_is_taken_up_again),
        case!(api_faults::operators_with_stale_caches_never_make_a_second_key),
        case!(agencies::every_agency_s_operator_works_in_its_own_namespace_alone),
        case!(agencies::operators_whose_namespaces_overlap_do_not_fight),
        case!(kubectl::status_why_and_bundle_say_what_a_person_needs),
        case!(killed::a_kill_at_every_write_ends_where_an_undisturbed_run_ends),
        case!(hostile::an_administrator_of_one_namespace_gets_nothing_of_another),
        alone!(machine::pods_go_on_while_the_api_server_is_killed_and_comes_back),
    ]
}
