//! Wiring: client, Lease, watches, driver, admin port; until SIGTERM, or until the Lease is lost.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use kube::{Client, Config};
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::admin::Admin;
use crate::apply::Writer;
use crate::ask::{Clients, Reports};
use crate::cli::RunArguments;
use crate::driver::{self, Context, Queue};
use crate::events::Events;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::placement::Settings;
use crate::secrets::Secrets;
use crate::world::{self, Extent, World};

/// How long what is under way may take to finish after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);
/// How much longer than a quiet watch the API server may be silent.
const BEYOND_WATCH: Duration = Duration::from_secs(10);

/// Runs the operator.
pub async fn run(arguments: RunArguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let stop = CancellationToken::new();
    let client = client(arguments.watch_seconds).await?;
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let outstanding = Arc::new(OnceCell::new());
    let admin = Admin {
        registry: Arc::new(registry),
        outstanding: Arc::clone(&outstanding),
    };
    let address = admin.serve(arguments.listen, stop.clone()).await?;
    info!(%address, version = env!("CARGO_PKG_VERSION"), namespaces = ?arguments.namespaces(), "the operator has started");
    let work = work(arguments, client, metrics, outstanding, stop.clone());
    tokio::pin!(work);
    tokio::select! {
        ended = &mut work => return ended,
        _ = terminate.recv() => info!("SIGTERM: stopping"),
        _ = interrupt.recv() => info!("SIGINT: stopping"),
    }
    stop.cancel();
    match tokio::time::timeout(GRACE, work).await {
        Ok(ended) => ended,
        Err(_) => bail!(
            "what was under way did not finish within {} s; it is repeated at the next start",
            GRACE.as_secs()
        ),
    }
}

async fn client(watch_seconds: u32) -> anyhow::Result<Client> {
    let mut config = Config::infer()
        .await
        .context("find the API server (in-cluster, or KUBECONFIG)")?;
    // A write that fails is shown and tried again by the driver, per object; hidden retries would hide it.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    // The list that begins a watch has no time limit of its own: without this, one that is never answered is waited for forever.
    config.read_timeout = Some(Duration::from_secs(u64::from(watch_seconds)) + BEYOND_WATCH);
    config.reset_reader_on_write = true;
    Client::try_from(config).context("make a client of the API server")
}

async fn work(
    arguments: RunArguments,
    client: Client,
    metrics: Metrics,
    outstanding: Arc<OnceCell<Arc<std::sync::atomic::AtomicUsize>>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let leadership = match arguments.leader_election {
        false => Leadership::Alone,
        true => tokio::select! {
            () = stop.cancelled() => return Ok(()),
            won = Leadership::win(&client, &arguments.pod_namespace, &arguments.pod_name) => won?,
        },
    };
    metrics.leads(true);
    let world = Arc::new(World::default());
    let queue = Arc::new(Queue::default());
    let context = Arc::new(Context {
        world: Arc::clone(&world),
        queue: Arc::clone(&queue),
        writer: Writer::new(client.clone(), Arc::clone(&world)),
        secrets: Secrets::default(),
        reports: Reports::default(),
        clients: Clients::default(),
        events: Events::new(client.clone(), &arguments.pod_name),
        metrics,
        settings: Settings {
            node_image: arguments.node_image.clone(),
            cluster_domain: arguments.cluster_domain.clone(),
        },
        leadership: leadership.clone(),
        backoffs: driver::Backoffs::default(),
    });
    let mut watching = world::start(
        &client,
        &arguments.namespaces(),
        &Extent {
            machines: arguments.watch_machines,
            seconds: arguments.watch_seconds,
        },
        &world,
        &queue,
    );
    let _ = outstanding.set(watching.outstanding());
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        () = leadership.lost() => bail!("the Lease is lost: another replica leads; this process ends"),
        () = watching.listed() => info!("every watch has had its first list"),
    }
    let asking = tokio::spawn(driver::ask_in_rounds(Arc::clone(&context), stop.clone()));
    let driving = driver::drive(context, arguments.concurrency, stop.clone());
    tokio::select! {
        () = driving => {}
        () = leadership.lost() => bail!("the Lease is lost: another replica leads; this process ends"),
        ended = watching.tasks.join_next() => bail!("a watch has ended: {ended:?}"),
    }
    let _ = asking.await;
    Ok(())
}
