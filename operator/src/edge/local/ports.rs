//! Which node has which ports: one above the other, and a place once taken stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::LocalError;
use crate::name::{Namespace, NodeName};
use crate::plan::Ports;

/// Nodes a machine may have: what fits between the first ports of two purposes.
const STEPS_MAX: u16 = 900;

/// A node's place among the nodes of this machine: its ports are the first ones plus this step, except those its manifest
/// names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Placed {
    /// The ports of step 0; none until the first node is placed.
    pub first: Option<Ports>,
    /// The steps taken. A node that is gone keeps its step, because its folder stays as well.
    pub steps: BTreeMap<Namespace, BTreeMap<NodeName, u16>>,
}

/// What a manifest says about a node's ports: p2p, channel, rpc, metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PortWishes(pub [Option<u16>; 4]);

/// The nodes of all namespaces and what their manifests ask for.
pub(super) type Wishes = BTreeMap<(Namespace, NodeName), PortWishes>;

impl Placed {
    /// Gives every node without a step the lowest one whose ports nobody else has.
    pub(super) fn take_steps(&mut self, wishes: &Wishes, first: Ports) -> Result<(), LocalError> {
        let first = *self.first.get_or_insert(first);
        let named: BTreeSet<u16> = wishes.values().flat_map(|wish| wish.0).flatten().collect();
        for ((namespace, node), wish) in wishes {
            if self.step_of(namespace, node).is_some() {
                continue;
            }
            let taken: BTreeSet<u16> = self.steps.values().flat_map(BTreeMap::values).copied().collect();
            let is_free = |step: &u16| {
                let given = ports_at(first, *step, PortWishes::default()).map(|ports| ports.all());
                let clashes = given
                    .iter()
                    .flatten()
                    .zip(wish.0)
                    .any(|(port, wished)| wished.is_none() && named.contains(port));
                !taken.contains(step) && given.is_some() && !clashes
            };
            let step = (0..STEPS_MAX).find(is_free).ok_or_else(|| LocalError::NoPortsLeft {
                namespace: namespace.clone(),
                node: node.clone(),
                first: format!("{:?}", first.all()),
            })?;
            self.steps
                .entry(namespace.clone())
                .or_default()
                .insert(node.clone(), step);
        }
        Ok(())
    }

    fn step_of(&self, namespace: &Namespace, node: &NodeName) -> Option<u16> {
        self.steps.get(namespace)?.get(node).copied()
    }

    /// The ports of a placed node.
    pub(super) fn ports_of(&self, namespace: &Namespace, node: &NodeName, wish: PortWishes) -> Option<Ports> {
        ports_at(self.first?, self.step_of(namespace, node)?, wish)
    }

    /// The ports of all nodes; two that want the same are refused.
    pub(super) fn all(&self, wishes: &Wishes) -> Result<BTreeMap<(Namespace, NodeName), Ports>, LocalError> {
        let mut ports = BTreeMap::new();
        let mut owners: BTreeMap<u16, String> = BTreeMap::new();
        for ((namespace, node), wish) in wishes {
            let Some(found) = self.ports_of(namespace, node, *wish) else {
                continue;
            };
            let name = format!("{namespace}/{node}");
            for port in found.all() {
                if let Some(first) = owners.insert(port, name.clone()) {
                    return Err(LocalError::PortTwice {
                        first,
                        second: name,
                        port,
                    });
                }
            }
            ports.insert((namespace.clone(), node.clone()), found);
        }
        Ok(ports)
    }
}

fn ports_at(first: Ports, step: u16, wish: PortWishes) -> Option<Ports> {
    let [p2p, channel, rpc, metrics] = wish.0;
    let port = |wished: Option<u16>, first: u16| wished.or_else(|| first.checked_add(step));
    Some(Ports {
        p2p: port(p2p, first.p2p)?,
        channel: port(channel, first.channel)?,
        rpc: port(rpc, first.rpc)?,
        metrics: port(metrics, first.metrics)?,
    })
}

/// The first ports of a machine, moved up; none beyond the last port.
pub(super) fn first_ports(offset: u16) -> Option<Ports> {
    ports_at(Ports::FIRST, offset, PortWishes::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(nodes: &[(&str, [Option<u16>; 4])]) -> Wishes {
        let namespace = Namespace::new("trade").unwrap();
        let key = |name: &str| (namespace.clone(), NodeName::new(name).unwrap());
        nodes
            .iter()
            .map(|(name, wish)| (key(name), PortWishes(*wish)))
            .collect()
    }

    fn rpc_ports(placed: &mut Placed, wishes: &Wishes) -> Vec<u16> {
        placed.take_steps(wishes, Ports::FIRST).unwrap();
        placed.all(wishes).unwrap().values().map(|ports| ports.rpc).collect()
    }

    #[test]
    fn every_node_takes_one_port_more_and_a_place_taken_stays() {
        let mut placed = Placed::default();
        assert_eq!(
            rpc_ports(&mut placed, &wishes(&[("b", [None; 4]), ("c", [None; 4])])),
            [8545, 8546]
        );
        assert_eq!(
            rpc_ports(&mut placed, &wishes(&[("a", [None; 4]), ("c", [None; 4])])),
            [8547, 8546]
        );
    }

    #[test]
    fn a_port_a_manifest_names_is_left_to_it() {
        let mut placed = Placed::default();
        let wished = wishes(&[("a", [None; 4]), ("b", [None, None, Some(8545), None])]);
        assert_eq!(rpc_ports(&mut placed, &wished), [8546, 8545]);
    }

    #[test]
    fn two_nodes_that_name_one_port_are_refused_by_name() {
        let mut placed = Placed::default();
        let wished = wishes(&[
            ("a", [None, None, Some(9000), None]),
            ("b", [None, None, Some(9000), None]),
        ]);
        placed.take_steps(&wished, Ports::FIRST).unwrap();
        let error = placed.all(&wished).unwrap_err().to_string();
        assert!(error.contains("trade/a and trade/b both ask for port 9000"), "{error}");
    }

    #[test]
    fn ports_end_at_the_last_port() {
        assert!(first_ports(40_000).is_none());
        let mut placed = Placed::default();
        let first = first_ports(35_234).unwrap();
        let wished = wishes(&[("a", [None; 4]), ("b", [None; 4]), ("c", [None; 4])]);
        assert!(matches!(
            placed.take_steps(&wished, first),
            Err(LocalError::NoPortsLeft { .. })
        ));
    }
}
