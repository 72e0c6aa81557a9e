//! Volumes: the default storage class, and the program that serves it from a folder of the cluster's state.

use super::layout::{ETC, Layout, VOLUMES};
use super::program::Program;

/// The provisioner's name, in the storage class and in every volume it made.
const PROVISIONER: &str = "althing.dev/e2e-volumes";

/// How the provisioner is started.
pub(super) fn volumes(layout: &Layout) -> Program {
    let node = layout.name();
    Program::built(
        "volumes",
        &format!(
            "--kubeconfig={ETC}/volumes.kubeconfig
             --root={VOLUMES}
             --node={node}
             --name={PROVISIONER}"
        ),
    )
}

/// The storage class, and what its provisioner may do.
pub(super) fn manifests() -> String {
    format!(
        r"apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {{storageclass.kubernetes.io/is-default-class: 'true'}}
provisioner: {PROVISIONER}
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
reclaimPolicy: Delete
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: althing-e2e-volumes}}
rules:
- {{apiGroups: [''], resources: [persistentvolumes], verbs: [get, list, watch, create, update, delete]}}
- {{apiGroups: [''], resources: [persistentvolumeclaims], verbs: [get, list, watch]}}
- {{apiGroups: [''], resources: [persistentvolumeclaims/status], verbs: [update]}}
- {{apiGroups: [storage.k8s.io], resources: [storageclasses], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: althing-e2e-volumes}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: althing-e2e-volumes}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: althing-e2e-volumes}}
"
    )
}
