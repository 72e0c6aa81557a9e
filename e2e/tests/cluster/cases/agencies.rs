//! An operator for every agency, each with Roles in its own namespace and nowhere else, on one cluster (issue 4, done when 10).

use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Operator, Options, Watchdog};
use anyhow::{Context, ensure};
use futures::future::try_join_all;

use super::consortium::{CONVERGENCE, PROMISED, Running, ledger, manifests, patch, uid, whole};

/// The agencies.
const AGENCIES: [&str; 3] = ["one", "two", "three"];
/// How long nothing may be written in the end.
const QUIET: Duration = Duration::from_secs(8);
/// The longest pause of a group that nobody disturbs.
const PAUSE: Duration = Duration::from_secs(20);

/// What an operator may do in its own namespace; in another, and in the whole cluster, none of it.
const OWN: [(&str, &str); 12] = [
    ("list", "secrets"),
    ("get", "secrets"),
    ("create", "secrets"),
    ("patch", "configmaps"),
    ("list", "ledgernodes.althing.dev"),
    ("patch", "ledgernodes.althing.dev/status"),
    ("create", "statefulsets.apps"),
    ("delete", "pods"),
    ("watch", "pods"),
    ("create", "poddisruptionbudgets.policy"),
    ("create", "networkpolicies.networking.k8s.io"),
    ("create", "events.events.k8s.io"),
];
/// What it may do nowhere.
const NOWHERE: [(&str, &str); 9] = [
    ("create", "pods"),
    ("create", "pods/exec"),
    ("create", "serviceaccounts/token"),
    ("patch", "ledgernodes.althing.dev"),
    ("create", "ledgergroups.althing.dev"),
    ("create", "roles.rbac.authorization.k8s.io"),
    ("deletecollection", "secrets"),
    ("list", "nodes"),
    ("list", "customresourcedefinitions.apiextensions.k8s.io"),
];

pub(crate) async fn every_agency_s_operator_works_in_its_own_namespace_alone(case: Case) -> anyhow::Result<()> {
    let mut homes = vec![];
    for agency in AGENCIES {
        homes.push(case.within(&case.another_namespace(agency).await?));
    }
    let started = homes.iter().map(|home| Running::start(home, 1));
    let running = try_join_all(started).await?;
    let watchdogs = try_join_all(running.iter().map(|one| Watchdog::start(&one.ledger))).await?;
    for (one, home) in running.iter().zip(&homes) {
        let elsewhere = homes.iter().filter(|other| other.namespace() != home.namespace());
        may(
            &case,
            one.operator.user(),
            home.namespace(),
            &elsewhere.collect::<Vec<_>>(),
        )
        .await?;
    }
    // Each carries out a change of its own at the same moment, with the others' names for everything.
    let grown = serde_json::json!({"spec": {"storage": {"size": "2Gi"}}});
    try_join_all(homes.iter().map(|home| patch(home, "ledgernode/node-0", &grown))).await?;
    for (home, one) in homes.iter().zip(&running) {
        whole(home, CONVERGENCE).await?;
        let size = "jsonpath={.spec.resources.requests.storage}";
        home.eventually("the volume to grow", PROMISED * 3, || async {
            let asked = home.kubectl(&["get", "pvc", "node-0-data", "--output", size]).await?;
            ensure!(asked == "2Gi", "{asked}");
            Ok(())
        })
        .await?;
        // Its own namespace is all it has ever written in: `Audit::check`.
        one.ends_well().await?;
    }
    // One that goes is missed by its own agency only, and its ledger goes on without it.
    let mut running = running;
    let left = running.pop().context("three")?;
    left.operator.stop().await?;
    left.ledger.goes_on(CONVERGENCE).await?;
    for watchdog in watchdogs {
        watchdog.finish(PAUSE).await?;
    }
    Ok(())
}

/// Asks the API server what the user may do.
async fn may(case: &Case, user: &str, home: &str, elsewhere: &[&Case]) -> anyhow::Result<()> {
    let asked = |verb, what, scope: Vec<String>| async move {
        let answer = can(case, user, verb, what, &scope).await?;
        Ok::<_, anyhow::Error>((
            format!("{user} may {verb} {what} {}: {answer}", scope.join(" ")),
            answer,
        ))
    };
    let within = |namespace: &str| vec![format!("--namespace={namespace}")];
    for (verb, what) in OWN {
        let (said, answer) = asked(verb, what, within(home)).await?;
        ensure!(answer, "{said}");
        let (said, answer) = asked(verb, what, vec!["--all-namespaces".to_owned()]).await?;
        ensure!(!answer, "{said}");
        for other in elsewhere.iter().take(1) {
            let (said, answer) = asked(verb, what, within(other.namespace())).await?;
            ensure!(!answer, "{said}");
        }
    }
    for (verb, what) in NOWHERE {
        let (said, answer) = asked(verb, what, within(home)).await?;
        ensure!(!answer, "{said}");
    }
    Ok(())
}

async fn can(case: &Case, user: &str, verb: &str, what: &str, scope: &[String]) -> anyhow::Result<bool> {
    use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
    let (what, subresource) = what
        .split_once('/')
        .map_or((what, None), |(what, sub)| (what, Some(sub)));
    let (resource, group) = what.split_once('.').unwrap_or((what, ""));
    let namespace = scope.iter().find_map(|scope| scope.strip_prefix("--namespace="));
    let (_, account) = user.split_once("system:serviceaccount:").context("a ServiceAccount")?;
    let (home, _) = account.split_once(':').context("a ServiceAccount")?;
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.to_owned()),
            groups: Some(vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{home}"),
                "system:authenticated".to_owned(),
            ]),
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                namespace: namespace.map(str::to_owned),
                resource: Some(resource.to_owned()),
                subresource: subresource.map(str::to_owned),
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: kube::Api<SubjectAccessReview> = kube::Api::all(case.client());
    let answer = reviews.create(&kube::api::PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

pub(crate) async fn operators_whose_namespaces_overlap_do_not_fight(case: Case) -> anyhow::Result<()> {
    let (mine, shared) = (
        case.within(&case.another_namespace("mine").await?),
        case.within(&case.another_namespace("shared").await?),
    );
    let audit = Audit::begin(&case)?;
    let both = Options {
        namespaces: vec![mine.namespace().to_owned(), shared.namespace().to_owned()],
        ..Options::default()
    };
    let first = Operator::start_with(&mine, both).await?;
    let second = Operator::start(&shared).await?;
    for home in [&mine, &shared] {
        home.apply(&manifests(1)).await?;
    }
    for home in [&mine, &shared] {
        whole(home, CONVERGENCE).await?;
        ledger(home, 1).goes_on(CONVERGENCE).await?;
    }
    let (ours, theirs) = (first.user(), second.user());
    if let Some(audit) = &audit {
        for user in [ours, theirs] {
            audit.settled(&case, user, QUIET, CONVERGENCE).await?;
        }
        audit.keys_made_once(&[ours, theirs])?;
        audit.check(ours, &[mine.namespace(), shared.namespace()])?;
        audit.check(theirs, &[shared.namespace()])?;
    }
    // Whichever is left keeps what both kept.
    second.stop().await?;
    let service = "service/node-0";
    let before = uid(&shared, service).await?;
    shared.kubectl(&["delete", service]).await?;
    shared
        .eventually("the Service to be made again", PROMISED * 2, || async {
            let now = uid(&shared, service).await?;
            ensure!(now.is_some() && now != before, "it is {now:?}");
            Ok(())
        })
        .await
}
