//! Starting, finding and stopping the nodes of this machine.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use super::LocalError;
use super::durable;
use super::layout::Layout;
use super::process::{ProcessId, health, pid, port, start, stop};
use super::record::{self, ProcessRecord};
use crate::name::{Namespace, NodeName};
use crate::plan::{ObservedProcess, Process, ProcessState};

/// Lines of a node's output that an error repeats.
const LAST_LINES: usize = 10;
/// How often a starting node is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// How nodes run.
#[derive(Clone, Debug)]
pub(super) struct Supervisor {
    pub layout: Layout,
    pub binary: PathBuf,
    pub listen: IpAddr,
    /// How long a start is watched for an early end.
    pub start_patience: Duration,
    /// How long a node may take to end before it is killed.
    pub stop_patience: Duration,
}

/// The children of this run, so that the dead are waited for.
pub(super) type Children = Vec<Child>;

impl Supervisor {
    /// The live process of a record, also when the run that started it died before it could record its id.
    fn live(&self, record: &ProcessRecord) -> Option<ProcessId> {
        let recorded = record.id.clone().filter(ProcessId::is_alive);
        let folder = self.layout.node(&record.process.namespace, &record.process.node);
        recorded.or_else(|| pid::find_in(&folder, &self.binary))
    }

    /// What is known of a recorded process.
    pub(super) fn observe(&self, record: &ProcessRecord) -> ObservedProcess {
        let state = match self.live(record) {
            None => ProcessState::Stopped,
            Some(_) if health::is_ready(self.listen, record.process.ports.metrics) => ProcessState::Ready,
            Some(_) => ProcessState::Running,
        };
        ObservedProcess {
            process: record.process.clone(),
            state,
        }
    }

    /// The pid of a recorded process that is alive.
    pub(super) fn pid(&self, record: &ProcessRecord) -> Option<u32> {
        self.live(record).map(|id| id.pid)
    }

    /// Starts a node, unless it runs already. What was started is recorded before and after, so that no run that dies in
    /// between leaves a process nobody knows.
    pub(super) fn start(&self, process: &Process, children: &mut Children) -> Result<(), LocalError> {
        let (namespace, node) = (&process.namespace, &process.node);
        let before = record::read(&self.layout, namespace, node)?;
        if let Some(id) = before.as_ref().and_then(|found| self.live(found)) {
            return record::write(
                &self.layout,
                &ProcessRecord {
                    process: process.clone(),
                    id: Some(id),
                },
            );
        }
        self.check_ports(process)?;
        durable::make_folder(&self.layout.data(namespace, node))?;
        record::write(
            &self.layout,
            &ProcessRecord {
                process: process.clone(),
                id: None,
            },
        )?;
        let output = self.layout.output(namespace, node);
        let (child, id) = start::start(&self.binary, &self.layout.node(namespace, node), &output)?;
        let recorded = record::write(
            &self.layout,
            &ProcessRecord {
                process: process.clone(),
                id: Some(id.clone()),
            },
        );
        if let Err(error) = recorded {
            stop::stop(&id, self.stop_patience);
            return Err(error);
        }
        self.watch(process, child, children)
    }

    /// Records that the node runs as given now, because it took up new groups by itself. One that has ended since is left
    /// to the next plan.
    pub(super) fn amend(&self, process: &Process) -> Result<(), LocalError> {
        let before = record::read(&self.layout, &process.namespace, &process.node)?;
        let Some(id) = before.and_then(|found| self.live(&found)) else {
            return Ok(());
        };
        record::write(
            &self.layout,
            &ProcessRecord {
                process: process.clone(),
                id: Some(id),
            },
        )
    }

    /// Waits until the node listens, or has ended, or patience ends: a slow start is not an error.
    fn watch(&self, process: &Process, mut child: Child, children: &mut Children) -> Result<(), LocalError> {
        let started = Instant::now();
        let output = self.layout.output(&process.namespace, &process.node);
        while started.elapsed() < self.start_patience {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(LocalError::EndedAtOnce {
                    node: process.node.clone(),
                    status: status.to_string(),
                    last_lines: start::last_lines(&output, LAST_LINES),
                    log: output,
                });
            }
            if health::is_listening(self.listen, process.ports.metrics) {
                break;
            }
            std::thread::sleep(GLANCE);
        }
        children.push(child);
        Ok(())
    }

    fn check_ports(&self, process: &Process) -> Result<(), LocalError> {
        let ports = [
            ("p2p", process.ports.p2p),
            ("rpc", process.ports.rpc),
            ("metrics", process.ports.metrics),
        ];
        match ports
            .into_iter()
            .find(|(_, number)| !port::is_free(self.listen, *number))
        {
            None => Ok(()),
            Some((purpose, number)) => {
                let (node, holder) = (process.node.clone(), port::holder(number));
                Err(LocalError::PortTaken {
                    node,
                    purpose,
                    port: number,
                    holder,
                })
            }
        }
    }

    /// Stops a node and keeps everything else of it. Returns the process that was ended; that none runs is fine.
    pub(super) fn stop(&self, namespace: &Namespace, node: &NodeName) -> Result<Option<ProcessId>, LocalError> {
        let path = self.layout.process(namespace, node);
        let Some(record) = record::read(&self.layout, namespace, node)? else {
            return Ok(None);
        };
        let process = self.live(&record);
        if let Some(id) = &process
            && !stop::stop(id, self.stop_patience)
        {
            return Err(LocalError::WillNotEnd {
                node: node.clone(),
                pid: id.pid,
            });
        }
        durable::remove(&path)?;
        Ok(process)
    }
}
