//! The node as RPC sees it: the traits of `althing_rpc::backend` over the running groups.

mod calls;
mod group;
mod node;
mod reads;
mod submit;

pub use group::GroupRpc;
pub use node::{NodeFacts, NodeRpc};
