//! etcd, API server, controller manager and scheduler: one of each, so none elects a leader.

use super::layout::{AUDIT_LOG, ETC};
use super::network::Network;
use super::program::Program;

/// The names by which pods and people dial the API server, beside its addresses.
pub(super) const API_SERVER_NAMES: [&str; 5] = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
];

/// The store. Nothing is synchronised to disk: the cluster does not outlive the machine's power.
pub(super) fn etcd() -> Program {
    Program::built(
        "etcd",
        "--name=etcd
         --data-dir=/var/lib/etcd
         --unsafe-no-fsync
         --listen-client-urls=http://127.0.0.1:2379
         --advertise-client-urls=http://127.0.0.1:2379
         --listen-peer-urls=http://127.0.0.1:2380
         --initial-advertise-peer-urls=http://127.0.0.1:2380
         --initial-cluster=etcd=http://127.0.0.1:2380
         --snapshot-count=5000
         --log-level=warn",
    )
}

/// The API server. The audit log is one file however long the cluster runs: an oracle reads it from its beginning.
pub(super) fn api_server(network: Network) -> Program {
    let (node, services) = (network.node(), network.services());
    Program::built(
        "kube-apiserver",
        &format!(
            "--etcd-servers=http://127.0.0.1:2379
             --bind-address=0.0.0.0
             --advertise-address={node}
             --secure-port=6443
             --service-cluster-ip-range={services}
             --authorization-mode=Node,RBAC
             --enable-admission-plugins=NodeRestriction
             --allow-privileged=true
             --client-ca-file={ETC}/pki/ca.crt
             --tls-cert-file={ETC}/pki/kube-apiserver.crt
             --tls-private-key-file={ETC}/pki/kube-apiserver.key
             --kubelet-certificate-authority={ETC}/pki/ca.crt
             --kubelet-client-certificate={ETC}/pki/kubelet-client.crt
             --kubelet-client-key={ETC}/pki/kubelet-client.key
             --kubelet-preferred-address-types=InternalIP
             --service-account-issuer=https://kubernetes.default.svc
             --service-account-key-file={ETC}/pki/tokens.pub
             --service-account-signing-key-file={ETC}/pki/tokens.key
             --audit-policy-file={ETC}/audit-policy.yaml
             --audit-log-path={AUDIT_LOG}
             --audit-log-maxsize=100000
             --audit-log-mode=blocking
             --profiling=false"
        ),
    )
}

/// The controllers, each with an account of its own, as a cloud runs them.
pub(super) fn controller_manager(network: Network) -> Program {
    let (pods, services) = (network.pods(), network.services());
    Program::built(
        "kube-controller-manager",
        &format!(
            "--kubeconfig={ETC}/kube-controller-manager.kubeconfig
             --bind-address=127.0.0.1
             --leader-elect=false
             --use-service-account-credentials=true
             --service-account-private-key-file={ETC}/pki/tokens.key
             --root-ca-file={ETC}/pki/ca.crt
             --allocate-node-cidrs=true
             --node-cidr-mask-size=24
             --cluster-cidr={pods}
             --service-cluster-ip-range={services}
             --kube-api-qps=200
             --kube-api-burst=400
             --profiling=false"
        ),
    )
}

/// The scheduler.
pub(super) fn scheduler() -> Program {
    Program::built(
        "kube-scheduler",
        &format!(
            "--kubeconfig={ETC}/kube-scheduler.kubeconfig
             --bind-address=127.0.0.1
             --leader-elect=false
             --kube-api-qps=200
             --kube-api-burst=400
             --profiling=false"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_is_lost_to_the_layout_of_the_lines() {
        let network = Network::new(2).unwrap();
        for program in [etcd(), api_server(network), controller_manager(network), scheduler()] {
            assert!(program.path.starts_with("/run/althing/bin/"), "{}", program.path);
            for arg in &program.args {
                assert!(arg.starts_with("--") && !arg.ends_with('='), "{}: {arg}", program.name);
            }
        }
        assert!(
            api_server(network)
                .args
                .contains(&"--service-cluster-ip-range=10.96.32.0/20".to_owned())
        );
    }
}
