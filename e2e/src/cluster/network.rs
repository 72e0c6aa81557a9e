//! The cluster's network: a namespace of its own, joined to the machine by one pair of interfaces.
//!
//! ```text
//! machine  10.99.N.1 <name>-gw ══ eth0 10.99.N.2  namespace <name> ── cni0 10.244.N.1 ── pods 10.244.N.0/24
//!          routes: pods and services by way of 10.99.N.2
//! ```
//!
//! So cases dial pods and Services by their own addresses, and nothing of the machine's own network changes.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Context;

use super::command::{run, succeeds};

/// Where the kernel's network namespaces have names.
const FOLDER: &str = "/run/netns";

/// How many clusters a machine can hold: the ranges of Services are that many parts of 10.96.0.0/16.
pub(super) const CLUSTERS: u8 = 16;

/// The addresses of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    number: u8,
}

impl Network {
    /// Of the cluster with this number, which no other on this machine has.
    pub fn new(number: u8) -> anyhow::Result<Self> {
        anyhow::ensure!(
            number < CLUSTERS,
            "cluster number {number}: accepted are 0 to {}",
            CLUSTERS - 1
        );
        Ok(Self { number })
    }

    /// The first that no cluster on this machine uses.
    pub async fn free() -> anyhow::Result<Self> {
        let taken = run("ip", &["-oneline", "-4", "address", "show"]).await?;
        (0..CLUSTERS)
            .map(|number| Self { number })
            .find(|network| !taken.contains(&format!(" {}/24 ", network.gateway())))
            .with_context(|| {
                format!("{CLUSTERS} clusters are up already; stop one with althing-cluster down --name NAME")
            })
    }

    /// The number that the ranges are made from.
    pub fn number(self) -> u8 {
        self.number
    }

    /// The machine's end of the pair.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 99, self.number, 1)
    }

    /// The cluster's end: the node's address and the API server's.
    pub fn node(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 99, self.number, 2)
    }

    /// The range of the pods.
    pub fn pods(self) -> String {
        format!("10.244.{}.0/24", self.number)
    }

    /// The range of the Services.
    pub fn services(self) -> String {
        format!("{}/20", self.service(0))
    }

    /// The Service `kubernetes`: the first address of the range.
    pub fn kubernetes(self) -> Ipv4Addr {
        self.service(1)
    }

    /// The Service of the name server.
    pub fn dns(self) -> Ipv4Addr {
        self.service(10)
    }

    fn service(self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 96, self.number << 4, host)
    }

    /// Where the API server answers, from the machine and from pods.
    pub fn api_server(self) -> String {
        format!("https://{}:6443", self.node())
    }

    /// What makes namespace, pair, addresses and routes, in order: the arguments of `ip`.
    fn making(self, name: &str) -> Vec<String> {
        let outer = interface(name);
        let (gateway, node) = (self.gateway(), self.node());
        vec![
            format!("netns add {name}"),
            format!("link add {outer} type veth peer name eth0 netns {name}"),
            format!("address add {gateway}/24 dev {outer}"),
            format!("link set {outer} up"),
            format!("-netns {name} link set lo up"),
            format!("-netns {name} address add {node}/24 dev eth0"),
            format!("-netns {name} link set eth0 up"),
            format!("-netns {name} route add default via {gateway}"),
            format!("route add {} via {node} dev {outer}", self.pods()),
            format!("route add {} via {node} dev {outer}", self.services()),
        ]
    }

    /// What lays a wire to another cluster's machine: the two meet there and nowhere else, as those of two companies would.
    fn wiring(self, name: &str, other: Self, other_name: &str) -> Vec<String> {
        let end = |from: Self, from_name: &str, to: Self, to_name: &str| {
            let (own, far, wire) = (from.node(), to.node(), format!("to-{to_name}"));
            [
                format!("-netns {from_name} address add {own}/32 dev {wire}"),
                format!("-netns {from_name} link set {wire} up"),
                format!("-netns {from_name} route add {far}/32 dev {wire} src {own}"),
            ]
        };
        let ends = [end(self, name, other, other_name), end(other, other_name, self, name)];
        let pair = format!("link add to-{other_name} netns {name} type veth peer name to-{name} netns {other_name}");
        [pair].into_iter().chain(ends.into_iter().flatten()).collect()
    }

    /// Lays a wire to another cluster of this machine. It goes with either of the two.
    pub async fn wire(self, name: &str, other: Self, other_name: &str) -> anyhow::Result<()> {
        for line in self.wiring(name, other, other_name) {
            run("ip", &line.split(' ').collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Makes all of it.
    pub async fn make(self, name: &str) -> anyhow::Result<()> {
        for line in self.making(name) {
            run("ip", &line.split(' ').collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}

/// Where the kernel shows the namespace of the cluster with this name.
pub(super) fn namespace(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(name)
}

/// The machine's interface to it.
fn interface(name: &str) -> String {
    format!("{name}-gw")
}

/// Removes the interface, and with it its peer, addresses and routes, then the namespace: whichever of them there are.
pub(super) async fn remove(name: &str) -> anyhow::Result<()> {
    let outer = interface(name);
    if succeeds("ip", &["link", "show", "dev", &outer]).await? {
        run("ip", &["link", "delete", "dev", &outer]).await?;
    }
    if namespace(name).exists() {
        run("ip", &["netns", "delete", name]).await?;
    }
    // The folder of namespaces is a mount, which the first of them made. In use, it stays.
    if fs::remove_dir(FOLDER).is_err() && fs::read_dir(FOLDER).is_ok_and(|mut entries| entries.next().is_none()) {
        let _ = succeeds("umount", &[FOLDER]).await?;
        let _ = fs::remove_dir(FOLDER);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_clusters_share_an_address() {
        let all: Vec<Network> = (0..CLUSTERS).map(|number| Network::new(number).unwrap()).collect();
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(one.node(), other.node());
                assert_ne!(one.pods(), other.pods());
                assert_ne!(one.services(), other.services());
            }
        }
        assert_eq!(all[0].dns(), Ipv4Addr::new(10, 96, 0, 10));
        assert_eq!(all[15].services(), "10.96.240.0/20");
    }

    #[test]
    fn a_number_without_a_range_is_refused() {
        let error = Network::new(16).unwrap_err().to_string();
        assert!(error.contains("0 to 15"), "{error}");
    }

    #[test]
    fn pods_and_services_are_reached_through_the_cluster() {
        let lines = Network::new(3).unwrap().making("blue");
        assert!(
            lines.contains(&"route add 10.244.3.0/24 via 10.99.3.2 dev blue-gw".to_owned()),
            "{lines:?}"
        );
        assert!(
            lines.contains(&"route add 10.96.48.0/20 via 10.99.3.2 dev blue-gw".to_owned()),
            "{lines:?}"
        );
    }

    #[test]
    fn two_clusters_meet_at_their_machines_addresses_and_nowhere_else() {
        let (one, two) = (Network::new(0).unwrap(), Network::new(1).unwrap());
        let lines = one.wiring("blue", two, "red");
        assert_eq!(
            lines[0],
            "link add to-red netns blue type veth peer name to-blue netns red"
        );
        let routes: Vec<_> = lines.iter().filter(|line| line.contains(" route add ")).collect();
        assert_eq!(
            routes,
            [
                "-netns blue route add 10.99.1.2/32 dev to-red src 10.99.0.2",
                "-netns red route add 10.99.0.2/32 dev to-blue src 10.99.1.2",
            ]
        );
    }
}
