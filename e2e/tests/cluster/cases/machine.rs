//! The cluster itself: what every other case takes for granted.

use std::time::Duration;

use althing_e2e::cluster::{Case, LOOKUP};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

/// How long a pod may take to start or to end on a busy machine.
const POD: Duration = Duration::from_secs(60);

/// A pod of the cases' own image that passes Pod Security `restricted`.
fn pod(name: &str, args: &str, mounts: &str, volumes: &str) -> String {
    format!(
        r"apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  automountServiceAccountToken: false
  securityContext: {{runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
  - name: main
    image: {LOOKUP}
    imagePullPolicy: IfNotPresent
    args: {args}
    securityContext: {{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {{drop: [ALL]}}}}
    volumeMounts: [{mounts}]
  volumes: [{volumes}]
"
    )
}

/// Waits until a pod has ended well; what it said.
async fn outcome(case: &Case, name: &str) -> anyhow::Result<String> {
    let pods = case.api::<Pod>();
    case.eventually(&format!("pod {name} to succeed"), POD, || async {
        let phase = pods
            .get(name)
            .await?
            .status
            .and_then(|status| status.phase)
            .unwrap_or_default();
        ensure!(phase == "Succeeded", "phase {phase}");
        Ok(())
    })
    .await?;
    case.kubectl(&["logs", name]).await
}

/// A claim for a volume that one pod at a time may write.
const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOncePod], resources: {requests: {storage: 1Gi}}}
";

pub(crate) async fn a_pod_with_a_claim_writes_to_its_volume(case: Case) -> anyhow::Result<()> {
    case.apply(CLAIM).await?;
    let mounts = "{name: data, mountPath: /data}";
    let volumes = "{name: data, persistentVolumeClaim: {claimName: data}}";
    case.apply(&pod("writer", "[write, /data/file]", mounts, volumes))
        .await?;
    let said = outcome(&case, "writer").await?;
    ensure!(said.trim() == "wrote /data/file as user 10001", "{said}");
    Ok(())
}

pub(crate) async fn a_claim_grows(case: Case) -> anyhow::Result<()> {
    case.apply(CLAIM).await?;
    let volumes = "{name: data, persistentVolumeClaim: {claimName: data}}";
    case.apply(&pod("keeper", "[stay]", "{name: data, mountPath: /data}", volumes))
        .await?;
    case.condition("v1/Pod", "keeper", "Ready", POD).await?;
    case.apply(&CLAIM.replace("1Gi", "2Gi")).await?;
    let claims = case.api::<PersistentVolumeClaim>();
    case.eventually("the claim to have 2Gi", POD, || async {
        let status = claims.get("data").await?.status.context("a claim without a status")?;
        let capacity = status.capacity.unwrap_or_default();
        let size = capacity.get("storage").context("a claim without a capacity")?;
        ensure!(size.0 == "2Gi", "it has {}", size.0);
        Ok(())
    })
    .await
}

pub(crate) async fn a_headless_service_s_name_is_that_of_its_pods(case: Case) -> anyhow::Result<()> {
    case.apply(&pod("server", "[stay]", "", "")).await?;
    case.apply(
        "apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: server}, ports: [{port: 1}]}
",
    )
    .await?;
    let name = format!("peers.{}.svc.cluster.local", case.namespace());
    case.apply(&pod("client", &format!("[name, {name}]"), "", "")).await?;
    let said = outcome(&case, "client").await?;
    let address = address(&case, "server").await?;
    ensure!(said.trim() == format!("{name} is {address}"), "{said}");
    Ok(())
}

async fn address(case: &Case, name: &str) -> anyhow::Result<String> {
    let pod = case.api::<Pod>().get(name).await?;
    pod.status
        .and_then(|status| status.pod_ip)
        .context("a pod without an address")
}

pub(crate) async fn logs_and_exec_reach_a_pod(case: Case) -> anyhow::Result<()> {
    case.apply(&pod("talker", "[stay]", "", "")).await?;
    case.condition("v1/Pod", "talker", "Ready", POD).await?;
    let said = case.kubectl(&["logs", "talker"]).await?;
    ensure!(said.trim() == "staying as user 10001", "{said}");
    let said = case
        .kubectl(&["exec", "talker", "--", "/lookup", "name", "localhost"])
        .await?;
    ensure!(said.contains("127.0.0.1"), "{said}");
    Ok(())
}

pub(crate) async fn a_privileged_pod_is_refused_in_a_restricted_namespace(case: Case) -> anyhow::Result<()> {
    let privileged = pod("root", "[stay]", "", "").replace("allowPrivilegeEscalation: false", "privileged: true");
    let refusal = case.refused(&privileged).await?;
    ensure!(refusal.contains("violates PodSecurity \"restricted"), "{refusal}");
    Ok(())
}

pub(crate) async fn a_changed_secret_reaches_a_running_pod(case: Case) -> anyhow::Result<()> {
    let secret =
        |name: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: names}}\nstringData: {{name: {name}}}\n");
    case.apply(&secret("before.invalid")).await?;
    let volumes = "{name: names, secret: {secretName: names}}";
    case.apply(&pod("reader", "[stay]", "{name: names, mountPath: /names}", volumes))
        .await?;
    case.condition("v1/Pod", "reader", "Ready", POD).await?;
    case.apply(&secret("after.invalid")).await?;
    case.eventually("the pod to read the new Secret", Duration::from_secs(30), || async {
        let said = case
            .kubectl(&["exec", "reader", "--", "/lookup", "read", "/names/name"])
            .await?;
        ensure!(said.trim() == "after.invalid", "it reads {said}");
        Ok(())
    })
    .await
}

pub(crate) async fn a_pod_is_dialled_from_the_machine(case: Case) -> anyhow::Result<()> {
    if case.target().cluster().is_none() {
        // Where the cluster is elsewhere, its pods are not reached by their addresses.
        return Ok(());
    }
    case.apply(&pod("listener", "[serve, \"8080\"]", "", "")).await?;
    case.apply(
        "apiVersion: v1
kind: Service
metadata: {name: listener}
spec: {selector: {app: listener}, ports: [{port: 80, targetPort: 8080}]}
",
    )
    .await?;
    case.condition("v1/Pod", "listener", "Ready", POD).await?;
    let pod = format!("{}:8080", address(&case, "listener").await?);
    let services = case.api::<k8s_openapi::api::core::v1::Service>();
    let service = services.get("listener").await?.spec.and_then(|spec| spec.cluster_ip);
    let service = format!("{}:80", service.context("a Service without an address")?);
    for address in [pod, service] {
        case.eventually(&format!("{address} to answer"), POD, || async {
            Ok(tokio::net::TcpStream::connect(&address).await.map(drop)?)
        })
        .await?;
    }
    Ok(())
}

pub(crate) async fn pods_go_on_while_the_api_server_is_killed_and_comes_back(case: Case) -> anyhow::Result<()> {
    let Some(cluster) = case.target().cluster() else {
        // The programs of a cluster that is elsewhere are not to be stopped.
        return Ok(());
    };
    case.apply(&pod("listener", "[serve, \"8080\"]", "", "")).await?;
    case.condition("v1/Pod", "listener", "Ready", POD).await?;
    let listener = format!("{}:8080", address(&case, "listener").await?);
    cluster.stop("kube-apiserver").await?;
    ensure!(
        case.kubectl(&["get", "pods"]).await.is_err(),
        "an API server answers that was killed"
    );
    tokio::net::TcpStream::connect(&listener)
        .await
        .context("dial the pod")?;
    cluster.start("kube-apiserver").await?;
    case.eventually("the API server to answer", POD, || async {
        case.kubectl(&["get", "pod", "listener"]).await
    })
    .await?;
    case.apply(&pod("after", "[name, localhost]", "", "")).await?;
    outcome(&case, "after").await.map(drop)
}
