//! What the API server refuses beyond the schemas: the deletion of what a live group needs, and of the definitions, with which
//! everything of their kinds would go.
//!
//! Prune, a wrong folder or a wrong namespace deletes a manifest as easily as a person does. There are no finalizers, so the API
//! server asks before, by ValidatingAdmissionPolicies, one a kind, so that each is checked against its kind's own schema.

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec, Validation,
    Variable,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::{ALLOW_DELETE_ANNOTATION, GROUP, VERSION};

/// Kubernetes' own users that delete what is gone already: the namespace, or the owner. The last one is who both are where the
/// controller manager runs without service accounts of their own.
const KUBERNETES: [&str; 3] = [
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
];

/// What is kept of one kind, and what to say.
struct Kept {
    /// Of policy and binding, before the group.
    name: &'static str,
    api_group: &'static str,
    api_version: &'static str,
    plural: &'static str,
    scope: &'static str,
    /// CEL: whether `oldObject` is needed, as by taking part in a live group.
    is_live: &'static str,
    /// Said when the expression below cannot be computed.
    message: &'static str,
    /// CEL: what is said, in one line.
    message_expression: &'static str,
}

const NODES: Kept = Kept {
    name: "live-ledgernodes",
    api_group: GROUP,
    api_version: VERSION,
    plural: "ledgernodes",
    scope: "Namespaced",
    is_live: "!has(oldObject.spec.external) && has(oldObject.status) && has(oldObject.status.groups) \
        && size(oldObject.status.groups) > 0",
    message: "the node takes part in live groups: make it a free node of them first, or annotate it althing.dev/allow-delete=true",
    message_expression: "'node ' + oldObject.metadata.name + ' takes part in ' + oldObject.status.groups.join(', ') \
        + ': without it the group may stop. Let the committee make it a free node first (spec.agreed.members of the group, \
        role: Free). If it is to go all the same: kubectl annotate ledgernode ' + oldObject.metadata.name + ' -n ' \
        + request.namespace + ' althing.dev/allow-delete=true, then delete it again'",
};

const GROUPS: Kept = Kept {
    name: "live-ledgergroups",
    api_group: GROUP,
    api_version: VERSION,
    plural: "ledgergroups",
    scope: "Namespaced",
    is_live: "has(oldObject.status) && has(oldObject.status.genesisHash) && oldObject.status.genesisHash != ''",
    message: "the group is live: without its manifest no node of this namespace takes part in it; annotate it althing.dev/allow-delete=true",
    message_expression: "'group ' + oldObject.metadata.name + ' is live with genesis ' + oldObject.status.genesisHash \
        + ': without its manifest the nodes of this namespace leave it. If it is to go all the same: \
        kubectl annotate ledgergroup ' + oldObject.metadata.name + ' -n ' + request.namespace \
        + ' althing.dev/allow-delete=true, then delete it again'",
};

const DEFINITIONS: Kept = Kept {
    name: "definitions",
    api_group: "apiextensions.k8s.io",
    api_version: "v1",
    plural: "customresourcedefinitions",
    scope: "Cluster",
    is_live: "oldObject.spec.group == 'althing.dev'",
    message: "with the definition every object of its kind goes, in every namespace; annotate it althing.dev/allow-delete=true",
    message_expression: "'with the definition of ' + oldObject.spec.names.kind + ' every ' + oldObject.spec.names.kind \
        + ' of this cluster goes, and every node that it runs stops. If that is wanted: kubectl annotate crd ' \
        + oldObject.metadata.name + ' althing.dev/allow-delete=true, then delete it again'",
};

/// The policies, each with the binding that puts it in force, in the order in which they are to be applied.
pub fn policies() -> Vec<(ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding)> {
    [NODES, GROUPS, DEFINITIONS]
        .iter()
        .map(|kept| (policy(kept), binding(kept)))
        .collect()
}

impl Kept {
    fn full_name(&self) -> String {
        format!("{}.{GROUP}", self.name)
    }
}

fn metadata(kept: &Kept) -> ObjectMeta {
    ObjectMeta {
        name: Some(kept.full_name()),
        ..ObjectMeta::default()
    }
}

fn policy(kept: &Kept) -> ValidatingAdmissionPolicy {
    let users: Vec<_> = KUBERNETES.iter().map(|user| format!("'{user}'")).collect();
    let one = |text: &str| Some(vec![text.to_owned()]);
    let rule = NamedRuleWithOperations {
        api_groups: one(kept.api_group),
        api_versions: one(kept.api_version),
        operations: one("DELETE"),
        resources: one(kept.plural),
        scope: Some(kept.scope.to_owned()),
        ..NamedRuleWithOperations::default()
    };
    let spec = ValidatingAdmissionPolicySpec {
        failure_policy: Some("Fail".to_owned()),
        match_constraints: Some(MatchResources {
            // Explicit, as the API server defaults them: this part is one value to it, and a second applier (Helm after kubectl)
            // would be told that they differ.
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: Some(LabelSelector::default()),
            object_selector: Some(LabelSelector::default()),
            resource_rules: Some(vec![rule]),
            ..MatchResources::default()
        }),
        match_conditions: Some(vec![MatchCondition {
            name: "not-kubernetes-itself".to_owned(),
            expression: format!("!(request.userInfo.username in [{}])", users.join(", ")),
        }]),
        variables: Some(vec![
            Variable {
                name: "isLive".to_owned(),
                expression: kept.is_live.to_owned(),
            },
            Variable {
                name: "isAllowed".to_owned(),
                expression: format!(
                    "has(oldObject.metadata.annotations) && '{ALLOW_DELETE_ANNOTATION}' in oldObject.metadata.annotations \
                     && oldObject.metadata.annotations['{ALLOW_DELETE_ANNOTATION}'] != 'false'"
                ),
            },
            // Whoever deletes it: nothing that is left in a namespace that goes away outlives it.
            Variable {
                name: "namespaceGoes".to_owned(),
                expression: "namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp)".to_owned(),
            },
        ]),
        validations: Some(vec![Validation {
            expression: "!variables.isLive || variables.isAllowed || variables.namespaceGoes".to_owned(),
            message: Some(kept.message.to_owned()),
            message_expression: Some(kept.message_expression.to_owned()),
            reason: Some("Forbidden".to_owned()),
        }]),
        ..ValidatingAdmissionPolicySpec::default()
    };
    ValidatingAdmissionPolicy {
        metadata: metadata(kept),
        spec: Some(spec),
        status: None,
    }
}

fn binding(kept: &Kept) -> ValidatingAdmissionPolicyBinding {
    ValidatingAdmissionPolicyBinding {
        metadata: metadata(kept),
        spec: ValidatingAdmissionPolicyBindingSpec {
            policy_name: kept.full_name(),
            validation_actions: vec!["Deny".to_owned()],
            ..ValidatingAdmissionPolicyBindingSpec::default()
        },
    }
}
