//! Writes all that the programs of a cluster read before they start: keys, kubeconfigs, their own configuration.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::layout::Layout;
use super::network::Network;
use super::pki::{Authority, Credential, TokenKey};
use super::{audit, containerd, control_plane, kubelet, proxy};

/// The clients of the API server: the file, the user, the groups.
const CLIENTS: [(&str, &str, &[&str]); 4] = [
    ("kube-controller-manager", "system:kube-controller-manager", &[]),
    ("kube-scheduler", "system:kube-scheduler", &[]),
    ("kube-proxy", "system:kube-proxy", &[]),
    ("volumes", "althing-e2e-volumes", &[]),
];

/// Writes everything below the state folder, whose folders are there.
pub(super) fn write(layout: &Layout, network: Network) -> anyhow::Result<()> {
    let authority = Authority::new(layout.name())?;
    write_keys(layout, network, &authority)?;
    write_kubeconfigs(layout, network, &authority)?;
    let etc = layout.etc();
    write_json(&etc.join("audit-policy.yaml"), &audit::policy())?;
    write_json(&etc.join("kubelet.yaml"), &kubelet::configuration(layout, network))?;
    write_json(&etc.join("kube-proxy.yaml"), &proxy::configuration(layout, network))?;
    write_json(&etc.join("cni/pods.conflist"), &containerd::pod_network(network))?;
    write_text(&etc.join("containerd.toml"), &containerd::configuration())?;
    // Pods that do not ask the cluster's name server ask nobody.
    write_text(&etc.join("resolv.conf"), "")
}

fn write_keys(layout: &Layout, network: Network, authority: &Authority) -> anyhow::Result<()> {
    let pki = layout.etc().join("pki");
    write_text(&pki.join("ca.crt"), authority.certificate())?;
    let api_server = authority.server(
        "kube-apiserver",
        &control_plane::API_SERVER_NAMES,
        &[Ipv4Addr::LOCALHOST, network.kubernetes(), network.node()],
    )?;
    let kubelet = authority.server(layout.name(), &[layout.name()], &[network.node()])?;
    let kubelet_client = authority.client("kube-apiserver-kubelet-client", &["system:masters"])?;
    for (name, credential) in [
        ("kube-apiserver", api_server),
        ("kubelet", kubelet),
        ("kubelet-client", kubelet_client),
    ] {
        write_text(&pki.join(format!("{name}.crt")), &credential.certificate)?;
        write_text(&pki.join(format!("{name}.key")), &credential.key)?;
    }
    let tokens = TokenKey::new()?;
    write_text(&pki.join("tokens.key"), &tokens.private)?;
    write_text(&pki.join("tokens.pub"), &tokens.public)
}

fn write_kubeconfigs(layout: &Layout, network: Network, authority: &Authority) -> anyhow::Result<()> {
    let write = |path: &Path, user: &str, groups: &[&str]| {
        let credential = authority.client(user, groups)?;
        let kubeconfig = kubeconfig(
            layout.name(),
            &network.api_server(),
            authority.certificate(),
            &credential,
        );
        write_json(path, &kubeconfig)
    };
    for (file, user, groups) in CLIENTS {
        write(&layout.etc().join(format!("{file}.kubeconfig")), user, groups)?;
    }
    let node = format!("system:node:{}", layout.name());
    write(&layout.etc().join("kubelet.kubeconfig"), &node, &["system:nodes"])?;
    write(&layout.kubeconfig(), "admin", &["system:masters"])
}

/// Everything a client needs, in one document.
fn kubeconfig(cluster: &str, server: &str, authority: &str, client: &Credential) -> Value {
    let base64 = |text: &str| k8s_openapi::ByteString(text.as_bytes().to_vec());
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "clusters": [{"name": cluster, "cluster": {
            "server": server,
            "certificate-authority-data": base64(authority),
        }}],
        "users": [{"name": cluster, "user": {
            "client-certificate-data": base64(&client.certificate),
            "client-key-data": base64(&client.key),
        }}],
    })
}

/// JSON, which is YAML too.
fn write_json(path: &Path, value: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).with_context(|| format!("render {}", path.display()))?;
    write_text(path, &text)
}

/// For root's eyes: half of these files hold keys.
fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(path, mode).with_context(|| format!("close {} to others", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_program_is_told_to_read_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new("blue", Some(folder.path())).unwrap();
        let network = Network::new(1).unwrap();
        for folder in layout.folders() {
            fs::create_dir_all(folder).unwrap();
        }
        write(&layout, network).unwrap();
        for program in super::super::up::programs(&layout, network) {
            for arg in &program.args {
                let Some((_, file)) = arg.split_once(super::super::layout::ETC) else {
                    continue;
                };
                let path = layout.etc().join(file.trim_start_matches('/'));
                assert!(path.is_file(), "{} reads {}", program.name, path.display());
            }
        }
    }

    #[tokio::test]
    async fn the_kubeconfig_is_one_that_clients_accept() {
        let authority = Authority::new("blue").unwrap();
        let client = authority.client("admin", &["system:masters"]).unwrap();
        let rendered = kubeconfig("blue", "https://10.99.1.2:6443", authority.certificate(), &client).to_string();
        let parsed = kube::config::Kubeconfig::from_yaml(&rendered).unwrap();
        let config = kube::Config::from_custom_kubeconfig(parsed, &kube::config::KubeConfigOptions::default())
            .await
            .unwrap();
        assert_eq!(config.cluster_url.to_string(), "https://10.99.1.2:6443/");
        kube::Client::try_from(config).unwrap();
    }
}
