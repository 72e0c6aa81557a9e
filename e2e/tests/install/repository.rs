//! A Git repository as a consortium would keep one: definitions, operator, manifests; and what a source controller publishes of
//! it: its tree, as a packed file behind an address.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use althing_e2e::run;
use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

/// How long git may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What of ours a consortium's repository holds.
const CONTENTS: [&str; 3] = ["crds/manifests", "deploy/kustomize", "deploy/samples/four-agencies"];

/// The repository.
#[derive(Debug)]
pub(crate) struct Repository {
    folder: TempDir,
    server: Server,
}

/// One commit's tree as it is published.
#[derive(Debug)]
pub(crate) struct Artifact {
    /// As Flux names a commit.
    pub(crate) revision: String,
    pub(crate) url: String,
    /// SHA-256 of the file, in hex.
    pub(crate) digest: String,
}

impl Repository {
    /// One with a first commit.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let repository = Self {
            folder: tempfile::tempdir()?,
            server: Server::start().await?,
        };
        repository.git(&["init", "--quiet", "--initial-branch=main"]).await?;
        for folder in CONTENTS {
            copy(&althing_e2e::repository().join(folder), &repository.path(folder))?;
        }
        repository.commit("A consortium of four agencies").await?;
        Ok(repository)
    }

    /// Changes one file.
    pub(crate) fn edit(&self, file: &str, change: impl FnOnce(String) -> String) -> anyhow::Result<()> {
        let path = self.path(file);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let changed = change(text.clone());
        anyhow::ensure!(changed != text, "{file} is as it was");
        fs::write(&path, changed).with_context(|| format!("write {}", path.display()))
    }

    /// Commits all changes.
    pub(crate) async fn commit(&self, message: &str) -> anyhow::Result<()> {
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "--quiet", "--message", message]).await.map(drop)
    }

    /// Reverts the last commits, so many of them.
    pub(crate) async fn revert(&self, commits: usize) -> anyhow::Result<()> {
        let range = format!("HEAD~{commits}..HEAD");
        self.git(&["revert", "--no-edit", &range]).await.map(drop)
    }

    /// Publishes the last commit's tree.
    pub(crate) async fn publish(&self) -> anyhow::Result<Artifact> {
        let commit = self.git(&["rev-parse", "HEAD"]).await?.trim().to_owned();
        let name = format!("{commit}.tar.gz");
        let packed = TempDir::new()?.path().with_extension("tar.gz");
        self.git(&[
            "archive",
            "--format=tar.gz",
            "--output",
            &packed.to_string_lossy(),
            "HEAD",
        ])
        .await?;
        let body = fs::read(&packed).with_context(|| format!("read {}", packed.display()))?;
        fs::remove_file(&packed)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &body);
        let artifact = Artifact {
            revision: format!("main@sha1:{commit}"),
            url: format!("http://{}/{name}", self.server.address),
            digest: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        self.server.offer(format!("/{name}"), body)?;
        Ok(artifact)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Runs git with no settings but these.
    async fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new("git");
        command
            .current_dir(self.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .args(["-c", "user.name=consortium", "-c", "user.email=consortium@example.com"])
            .args(arguments);
        run(&mut command, PATIENCE).await
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Files by their path, over HTTP on this machine's own address.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    files: Files,
}

type Files = Arc<Mutex<BTreeMap<String, Bytes>>>;

impl Server {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let files = Files::default();
        let offered = Arc::clone(&files);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let offered = Arc::clone(&offered);
                let answer = service_fn(move |request| {
                    let answer = answer(&offered, &request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(client), answer));
            }
        });
        Ok(Self { address, files })
    }

    fn offer(&self, path: String, body: Vec<u8>) -> anyhow::Result<()> {
        let Ok(mut files) = self.files.lock() else {
            bail!("the server of files has panicked");
        };
        files.insert(path, Bytes::from(body));
        Ok(())
    }
}

fn answer(files: &Files, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let found = files
        .lock()
        .ok()
        .and_then(|files| files.get(request.uri().path()).cloned());
    let status = if found.is_some() {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    let mut response = Response::new(Full::new(found.unwrap_or_default()));
    *response.status_mut() = status;
    response
}
