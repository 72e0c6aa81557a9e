//! What is found around an object that is not as it should be. Only names are asked of Secrets, never their content.

use std::collections::BTreeMap;

use althing_kubernetes::names;
use althing_kubernetes::secrets::key_places;
use althing_operator::status::ObjectRef;
use futures::future::join_all;
use kube::Client;

use super::subject::Subject;
use crate::kubernetes::seen::{self, Presence, Seen};

/// Warnings shown of one object.
const WARNINGS_MAX: usize = 3;

/// What was asked for about one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// The Secrets with its keys, by name.
    pub secrets: BTreeMap<String, Presence>,
    /// Of a node: its volume claim.
    pub claim: Option<(String, Presence)>,
    /// The newest warnings of Kubernetes about its children.
    pub warnings: Vec<String>,
}

/// Asks for what belongs to an object by name.
pub(crate) async fn gather(client: &Client, seen: &Seen, subject: &Subject) -> Around {
    let namespace = seen.manifests.namespace.as_str();
    let secrets = key_places(&seen.manifests);
    let own = secrets
        .into_iter()
        .filter(|(identity, _)| names::owner_of(identity) == *subject);
    let secrets = own.map(|(_, place)| async move {
        let found = seen::secret(client, namespace, &place.secret).await;
        (place.secret, found)
    });
    let secrets = join_all(secrets).await.into_iter().collect();
    let mut around = Around {
        secrets,
        ..Around::default()
    };
    if let ObjectRef::Node(node) = subject
        && seen
            .manifests
            .nodes
            .get(node)
            .is_some_and(|object| object.spec.external.is_none())
    {
        let claim = names::data(node);
        around.claim = Some((claim.clone(), seen::claim(client, namespace, &claim).await));
        let about = [names::node(node), names::pod(node), claim];
        around.warnings = seen::warnings(client, namespace, &about, WARNINGS_MAX).await;
    }
    around
}
