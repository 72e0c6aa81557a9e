//! A Kubernetes cluster of its own on a bare machine: real programs, one node, no container engine, no download.
//!
//! ```text
//! up ──▶ folders, keys, configuration (layout, pki, configuration, …)
//!    ──▶ network namespace, control groups, namespaces of processes and mounts (network, cgroups, namespaces)
//!    ──▶ etcd, kube-apiserver, containerd ──▶ images ──▶ controllers, scheduler, proxy, kubelet, volumes (program, process)
//!    ──▶ storage class, name server (storage, dns) ──▶ node Ready ──▶ Cluster: kubeconfig, audit log, load, stop, start
//! down ─▶ process 1 is killed and everything with it ─▶ network, control groups, state folder
//! ```
//!
//! Cases do not care which cluster they run on: [`Target`] is one they are given by `ALTHING_E2E_KUBECONFIG` or one of their
//! own, and [`Case`] is what they know of it.

mod audit;
mod case;
mod cgroups;
mod command;
mod configuration;
mod containerd;
mod control_plane;
mod dns;
mod down;
mod given;
mod harness;
mod images;
mod kubelet;
mod layout;
mod namespaces;
mod network;
mod objects;
mod pki;
mod process;
mod program;
mod proxy;
mod running;
mod storage;
mod store;
mod up;

pub use case::Case;
pub use down::down;
pub use given::{Target, VARIABLE};
pub use harness::{Named, Plan, main};
pub use images::LOOKUP;
pub use layout::Layout;
pub use network::Network;
pub use objects::{FIELD_MANAGER, api, apply, client, documents, sentence};
pub use process::Process;
pub use running::Cluster;
pub use up::{Say, up};
