//! Images without a registry and without a daemon: made from one static program, handed to containerd.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use super::command::run;
use super::layout::{CONTAINERD, Layout};
use super::{containerd, dns};

/// The image of the cases: see `e2e/cluster/tools/lookup`.
pub const LOOKUP: &str = "localhost/althing-e2e/lookup:e2e";
/// Who runs in an image made here, unless the pod says otherwise: nobody in particular.
const USER: u64 = 65532;

/// Makes the images that every cluster needs, and gives them to containerd.
pub(super) async fn load_own(layout: &Layout) -> anyhow::Result<()> {
    for (program, name) in [
        ("pause", containerd::SANDBOX),
        ("coredns", dns::IMAGE),
        ("lookup", LOOKUP),
    ] {
        let archive = layout.own_images().join(format!("{program}.tar"));
        write_archive(&layout.program(program)?, name, &archive)?;
        import(layout, &archive).await?;
    }
    Ok(())
}

/// Gives containerd an image: a docker-archive, or an OCI layout in a tar file. What is there under its name is replaced.
pub(super) async fn import(layout: &Layout, archive: &Path) -> anyhow::Result<()> {
    let socket = layout.outside(CONTAINERD).display().to_string();
    let file = archive.display().to_string();
    run(
        "ctr",
        &["--address", &socket, "--namespace", "k8s.io", "images", "import", &file],
    )
    .await
    .with_context(|| format!("load the image {file}"))?;
    Ok(())
}

/// Writes a docker-archive with one layer that holds one program, in the root folder.
fn write_archive(program: &Path, name: &str, archive: &Path) -> anyhow::Result<()> {
    let title = program.file_name().and_then(|name| name.to_str()).unwrap_or("program");
    let body = fs::read(program).with_context(|| format!("read {}", program.display()))?;
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, title, 0o755, &body)?;
    let layer = layer.into_inner().context("write a layer")?;
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": {"Entrypoint": [format!("/{title}")], "User": USER.to_string()},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
        "history": [{"created_by": "althing-cluster"}],
    })
    .to_string();
    let config_name = format!("{}.json", digest(config.as_bytes()));
    let manifest = json!([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]).to_string();
    let file = File::create(archive).with_context(|| format!("write {}", archive.display()))?;
    let mut image = tar::Builder::new(file);
    append(&mut image, "layer.tar", 0o644, &layer)?;
    append(&mut image, &config_name, 0o644, config.as_bytes())?;
    append(&mut image, "manifest.json", 0o644, manifest.as_bytes())?;
    image.finish().with_context(|| format!("write {}", archive.display()))
}

/// One file, without a time or an owner: the same program makes the same image.
fn append(archive: &mut tar::Builder<impl std::io::Write>, name: &str, mode: u32, body: &[u8]) -> anyhow::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(u64::try_from(body.len()).context("size of a file")?);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    archive
        .append_data(&mut header, name, body)
        .with_context(|| format!("add {name} to an image"))
}

/// SHA-256, in hex.
fn digest(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn an_image_names_its_layer_by_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("hello");
        fs::write(&program, "not quite a program").unwrap();
        let archive = folder.path().join("hello.tar");
        write_archive(&program, "localhost/hello:1", &archive).unwrap();
        let mut found = std::collections::BTreeMap::new();
        let mut reader = tar::Archive::new(File::open(&archive).unwrap());
        for entry in reader.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut body = Vec::new();
            entry.read_to_end(&mut body).unwrap();
            found.insert(entry.path().unwrap().display().to_string(), body);
        }
        let manifest: serde_json::Value = serde_json::from_slice(&found["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"], json!(["localhost/hello:1"]));
        let config: serde_json::Value =
            serde_json::from_slice(&found[manifest[0]["Config"].as_str().unwrap()]).unwrap();
        let layer = format!("sha256:{}", digest(&found["layer.tar"]));
        assert_eq!(config["rootfs"]["diff_ids"], json!([layer]));
        assert_eq!(config["config"]["Entrypoint"], json!(["/hello"]));
    }

    #[test]
    fn the_same_program_makes_the_same_image() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("hello");
        fs::write(&program, "x").unwrap();
        let archives = ["one", "two"].map(|name| folder.path().join(name));
        for archive in &archives {
            write_archive(&program, "localhost/hello:1", archive).unwrap();
        }
        assert_eq!(fs::read(&archives[0]).unwrap(), fs::read(&archives[1]).unwrap());
    }
}
