//! What every look at a namespace holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Backoff, Queue};
use crate::apply::Writer;
use crate::ask::{Clients, Reports};
use crate::events::Events;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::placement::Settings;
use crate::secrets::Secrets;
use crate::world::World;

/// What every look at a namespace holds.
#[derive(Debug)]
pub struct Context {
    /// What the watches have seen.
    pub world: Arc<World>,
    /// Namespaces that wait.
    pub queue: Arc<Queue>,
    /// The one writer.
    pub writer: Writer,
    /// What Secrets hold.
    pub secrets: Secrets,
    /// What nodes said.
    pub reports: Reports,
    /// For asking them.
    pub clients: Clients,
    /// For telling people.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// What the operator was started with.
    pub settings: Settings,
    /// Whether it may act.
    pub leadership: Leadership,
    /// What failed lately, by namespace.
    pub backoffs: Backoffs,
}

/// The failures of all namespaces.
#[derive(Debug, Default)]
pub struct Backoffs(Mutex<HashMap<String, Backoff>>);

impl Backoffs {
    /// Of one namespace. It is looked at by one task at a time, which puts it back.
    pub fn take(&self, namespace: &str) -> Backoff {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(namespace)
            .unwrap_or_default()
    }

    /// Keeps it until the next look.
    pub fn put(&self, namespace: &str, backoff: Backoff) {
        if !backoff.is_empty() {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(namespace.to_owned(), backoff);
        }
    }
}

impl Context {
    /// A namespace is empty: nothing of it is remembered.
    pub fn forget(&self, namespace: &str) {
        self.reports.forget(namespace);
        self.clients.forget(namespace);
        self.metrics.forget(namespace);
    }
}
