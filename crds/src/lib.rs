//! The one vocabulary: the four kinds of `althing.dev/v1alpha1`, their schemas and their rules.
//!
//! ```text
//! Consortium ◀── Agency ◀── Node
//!      ▲                     ▲          a name; it never leaves its namespace
//!      └──────── Group ──────┘
//!
//! these types ──crdgen──▶ manifests/*.yaml (CustomResourceDefinitions, then admission policies), examples/*.yaml
//! ```
//!
//! Invariant: no client, no IO, no clock. What a schema can say is said here (bounds, patterns, CEL rules), so that the API
//! server and the local reader of manifests refuse the same things for the same reasons.

pub mod admission;
pub mod examples;
pub mod generated;
pub mod v1alpha1;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The API group.
pub const GROUP: &str = "althing.dev";
/// The API version.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of every manifest.
pub const API_VERSION: &str = "althing.dev/v1alpha1";

/// The longest object name, in bytes: 52 (a StatefulSet's name plus a revision hash must fit a 63-byte label) less the longest
/// suffix a child has, `-certificate`.
pub const NAME_BYTES_MAX: usize = 40;
/// The largest chain id: `chainId · 32768 + groupId` stays below 2^53 for every group, as `althing_types` demands too.
pub const CHAIN_ID_MAX: u64 = (1 << 38) - 2;

/// The annotation that lets a live Node or Group be deleted.
pub const ALLOW_DELETE_ANNOTATION: &str = "althing.dev/allow-delete";

/// The definitions of all four kinds, in the order a reader meets them.
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![
        v1alpha1::Consortium::crd(),
        v1alpha1::Agency::crd(),
        v1alpha1::Group::crd(),
        v1alpha1::Node::crd(),
    ]
}
