//! kube-proxy: Services, as rules of nftables in the cluster's own network namespace.

use serde_json::{Value, json};

use super::layout::{ETC, Layout};
use super::network::Network;
use super::program::Program;

/// How it is started.
pub(super) fn kube_proxy() -> Program {
    Program::built("kube-proxy", &format!("--config={ETC}/kube-proxy.yaml"))
}

/// Its configuration. It leaves the machine's table of connections as large as it is.
pub(super) fn configuration(layout: &Layout, network: Network) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": format!("{ETC}/kube-proxy.kubeconfig")},
        "hostnameOverride": layout.name(),
        "mode": "nftables",
        "clusterCIDR": network.pods(),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0},
    })
}
