//! The cases, one file a way to install.

mod git;
mod helm;
mod sample;

use althing_e2e::cluster::Named;

use crate::site::{Form, Site};

/// The case that an async function `fn(&Site) -> anyhow::Result<()>` is, under its own name.
macro_rules! case {
    ($run:path) => {
        case!($run, Form::Hosted)
    };
    ($run:path, $form:expr) => {
        Named {
            name: stringify!($run),
            run: |case| {
                Box::pin(async move {
                    let site = Site::begin(&case, $form).await?;
                    let ended = $run(&site).await;
                    site.end(ended).await
                })
            },
            alone: true,
        }
    };
}

/// Every case, in the order in which they run: the rounds by kubectl first, whose objects the others are held to.
pub(crate) fn all() -> Vec<Named> {
    let round = case!(sample::every_object_is_ready_and_every_ledger_goes_on_in_three_minutes);
    let mut cases = vec![round; sample::rounds()];
    cases.extend([
        case!(sample::an_operator_of_one_namespace_does_the_same, Form::Namespaced),
        case!(helm::helm_4_installs_upgrades_rolls_back_and_uninstalls_without_touching_a_ledger),
        case!(
            helm::helm_3_does_the_same_with_an_operator_of_one_namespace,
            Form::Namespaced
        ),
        case!(git::flux_syncs_repairs_prunes_and_reverts_from_a_git_repository),
        case!(
            git::flux_syncs_and_repairs_with_an_operator_of_one_namespace,
            Form::Namespaced
        ),
    ]);
    cases
}
