//! The pid file of a node: what was started, and which process that became.

use serde::{Deserialize, Serialize};

use super::LocalError;
use super::durable::{self, Mode};
use super::layout::Layout;
use super::process::ProcessId;
use crate::name::{Namespace, NodeName};
use crate::plan::Process;

/// What was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProcessRecord {
    /// What the plan asked for.
    pub process: Process,
    /// Which process it became; none between the decision to start it and its start.
    pub id: Option<ProcessId>,
}

pub(super) fn read(
    layout: &Layout,
    namespace: &Namespace,
    node: &NodeName,
) -> Result<Option<ProcessRecord>, LocalError> {
    durable::read_json(&layout.process(namespace, node))
}

pub(super) fn write(layout: &Layout, record: &ProcessRecord) -> Result<(), LocalError> {
    let path = layout.process(&record.process.namespace, &record.process.node);
    durable::write_json(&path, record, Mode::Private)
}

/// All records of a namespace, ascending by node.
pub(super) fn all(layout: &Layout, namespace: &Namespace) -> Result<Vec<ProcessRecord>, LocalError> {
    let mut records = Vec::new();
    for name in durable::entries(&layout.processes(namespace))? {
        let path = layout.processes(namespace).join(&name);
        let Some(record) = durable::read_json::<ProcessRecord>(&path)? else {
            continue;
        };
        if layout.process(namespace, &record.process.node) != path {
            return Err(LocalError::Malformed {
                path,
                why: format!("it records {}", record.process.node),
            });
        }
        records.push(record);
    }
    Ok(records)
}
