//! What the API server's audit log holds: every write, with who, what, where, and the answer.
//!
//! The log is what an oracle reads afterwards: nothing is written once all has converged, every delete has preconditions,
//! nobody writes into another's namespace. A write that changed nothing is told by the object's resource version in the
//! answer. The contents of Secrets never are in the log; the options of their deletion are.

use serde_json::{Value, json};

/// The policy. The first rule that matches a request holds.
pub(super) fn policy() -> Value {
    let writes = ["create", "update", "patch", "delete", "deletecollection"];
    let deletes = ["delete", "deletecollection"];
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": true,
        "rules": [
            {"level": "None", "verbs": ["get", "list", "watch"]},
            // Questions in the shape of a write; nothing is stored.
            {"level": "None", "resources": [
                {"group": "authentication.k8s.io", "resources": ["tokenreviews", "selfsubjectreviews"]},
                {"group": "authorization.k8s.io"},
            ]},
            // The pulse of the machine.
            {"level": "None", "namespaces": ["kube-node-lease"]},
            {"level": "Request", "verbs": deletes, "resources": [{"group": "", "resources": ["secrets"]}]},
            {"level": "Metadata", "resources": [
                {"group": "", "resources": ["secrets", "serviceaccounts/token", "nodes/status"]},
                {"group": "", "resources": ["events"]},
                {"group": "events.k8s.io"},
                {"group": "coordination.k8s.io"},
            ]},
            {"level": "RequestResponse", "verbs": writes},
            {"level": "Metadata"},
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level of the first rule for this verb on this resource.
    fn level(verb: &str, group: &str, resource: &str) -> String {
        let policy = policy();
        let matches = |rule: &&Value| {
            let verbs = rule["verbs"]
                .as_array()
                .is_none_or(|verbs| verbs.iter().any(|one| one == verb));
            let resources = rule["resources"].as_array().is_none_or(|resources| {
                resources.iter().any(|one| {
                    one["group"] == group
                        && one["resources"]
                            .as_array()
                            .is_none_or(|names| names.iter().any(|name| name == resource))
                })
            });
            verbs && resources && rule["namespaces"].is_null()
        };
        let rule = policy["rules"]
            .as_array()
            .unwrap()
            .iter()
            .find(matches)
            .unwrap()
            .clone();
        rule["level"].as_str().unwrap().to_owned()
    }

    #[test]
    fn no_body_of_a_secret_is_logged() {
        for verb in ["create", "update", "patch"] {
            assert_eq!(level(verb, "", "secrets"), "Metadata");
        }
        assert_eq!(level("get", "", "secrets"), "None");
    }

    #[test]
    fn the_preconditions_of_every_delete_are_logged() {
        assert_eq!(level("delete", "", "secrets"), "Request");
        assert_eq!(level("delete", "apps", "statefulsets"), "RequestResponse");
    }

    #[test]
    fn reads_and_questions_are_not_logged() {
        assert_eq!(level("watch", "althing.dev", "ledgernodes"), "None");
        assert_eq!(level("create", "authorization.k8s.io", "subjectaccessreviews"), "None");
    }
}
