//! The kubelet: the cluster's one machine.

use serde_json::{Value, json};

use super::layout::{CONTAINERD, ETC, Layout};
use super::network::Network;
use super::program::Program;

/// How it is started.
pub(super) fn kubelet(layout: &Layout, network: Network) -> Program {
    let (name, node) = (layout.name(), network.node());
    Program::built(
        "kubelet",
        &format!(
            "--config={ETC}/kubelet.yaml
             --kubeconfig={ETC}/kubelet.kubeconfig
             --hostname-override={name}
             --node-ip={node}
             --root-dir=/var/lib/kubelet
             --housekeeping-interval=30s"
        ),
    )
}

/// Its configuration. Two things differ from a cloud's: a changed Secret or ConfigMap is in its pods within ten seconds, and
/// nothing is evicted or collected for want of room, as the disk is the developer's.
pub(super) fn configuration(layout: &Layout, network: Network) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "0.0.0.0",
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "tlsCertFile": format!("{ETC}/pki/kubelet.crt"),
        "tlsPrivateKeyFile": format!("{ETC}/pki/kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": format!("{ETC}/pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD}"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", layout.name()),
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "clusterDNS": [network.dns().to_string()],
        "clusterDomain": "cluster.local",
        "resolvConf": format!("{ETC}/resolv.conf"),
        "maxPods": 240,
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "syncFrequency": "10s",
        "volumeStatsAggPeriod": "-1s",
        "localStorageCapacityIsolation": false,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "serverTLSBootstrap": false,
        "rotateCertificates": false,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn its_pods_are_in_the_cluster_s_own_control_group() {
        let layout = Layout::new("blue", Some(Path::new("/state"))).unwrap();
        let configuration = configuration(&layout, Network::new(1).unwrap());
        assert_eq!(configuration["cgroupRoot"], "/blue");
        assert_eq!(configuration["clusterDNS"], json!(["10.96.16.10"]));
    }
}
