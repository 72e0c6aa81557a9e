//! Where nodes listen: loopback, the first ports of the machine, one step up per node.

use althing_crds::v1alpha1::Node;

use super::layout::Layout;
use super::ports::{Placed, PortWishes, Wishes};
use super::{LOOPBACK, LocalError, durable};
use crate::edge::local::durable::Mode;
use crate::manifest::Manifests;
use crate::name::Namespace;
use crate::plan::{Endpoint, Placement, Ports};

/// The endpoints of a namespace's own nodes. New places are made durable before anybody hears of them.
pub(super) fn place(
    layout: &Layout,
    first: Ports,
    all: &Manifests,
    namespace: &Namespace,
) -> Result<Placement, LocalError> {
    let wishes = wishes(all);
    let path = layout.placement();
    let mut placed: Placed = durable::read_json(&path)?.unwrap_or_default();
    let before = placed.clone();
    placed.take_steps(&wishes, first)?;
    let ports = placed.all(&wishes)?;
    if placed != before {
        durable::write_json(&path, &placed, Mode::Public)?;
    }
    let own = ports.into_iter().filter(|((of, _), _)| of == namespace);
    Ok(own
        .map(|((_, node), ports)| (node, Endpoint::on_machine(LOOPBACK.to_string(), ports)))
        .collect())
}

/// The own nodes of all namespaces, and the ports their manifests name.
fn wishes(all: &Manifests) -> Wishes {
    let own = all.namespaces.values().flat_map(|manifests| {
        let nodes = manifests.nodes.iter().filter(|(_, node)| node.spec.external.is_none());
        nodes.map(|(name, node)| ((manifests.namespace.clone(), name.clone()), wish(node)))
    });
    own.collect()
}

fn wish(node: &Node) -> PortWishes {
    let spec = &node.spec;
    let ports = [
        spec.p2p.as_ref().and_then(|p2p| p2p.port),
        spec.channel.as_ref().and_then(|listener| listener.port),
        spec.rpc.as_ref().and_then(|listener| listener.port),
        spec.metrics.as_ref().and_then(|listener| listener.port),
    ];
    // The schema holds ports to 1 to 65535 already.
    PortWishes(ports.map(|port| port.and_then(|number| u16::try_from(number).ok())))
}
