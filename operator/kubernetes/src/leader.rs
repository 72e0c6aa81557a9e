//! One replica works: whoever holds the Lease. A replica that loses it ends its process, so that nothing half done goes on.

use std::time::Duration;

use anyhow::{Context, bail};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tracing::{info, warn};

/// The name of the Lease.
pub const LEASE: &str = "althing-operator";
/// Seconds a Lease holds without being renewed.
const DURATION_SECONDS: u64 = 15;
/// Seconds before its end at which it is renewed.
const GRACE_SECONDS: u64 = 10;

/// How long a Lease that could not be read is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether this replica may act.
#[derive(Clone)]
pub enum Leadership {
    /// There is no election: this is the only replica.
    Alone,
    /// The Lease is held, as far as this replica knows.
    Elected {
        /// For asking the API server.
        client: Client,
        /// Where the Lease is.
        namespace: String,
        /// This replica.
        identity: String,
        /// Falls to false when the Lease is lost.
        held: watch::Receiver<bool>,
    },
}

impl std::fmt::Debug for Leadership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Alone => f.write_str("Alone"),
            Self::Elected { identity, .. } => write!(f, "Elected({identity})"),
        }
    }
}

impl Leadership {
    /// Waits for the Lease. An API server that does not answer yet, or not yet allows it, is asked again: a process that ended
    /// instead would only be started again later and later.
    pub async fn win(client: &Client, namespace: &str, identity: &str) -> anyhow::Result<Self> {
        let manager = loop {
            match manager(client, namespace, identity).await {
                Ok(manager) => break manager,
                Err(error) => warn!(
                    "Lease {LEASE} in namespace {namespace} cannot be read yet, asking again: {}",
                    told(&error)
                ),
            }
            tokio::time::sleep(AGAIN).await;
        };
        let (mut held, task) = manager.watch().await;
        info!(%identity, "waiting for the Lease");
        tokio::spawn(task);
        held.wait_for(|held| *held).await.context("the election has ended")?;
        info!(%identity, "this replica leads");
        Ok(Self::Elected {
            client: client.clone(),
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
            held,
        })
    }

    /// Returns when the Lease is lost; without an election, never.
    pub async fn lost(&self) {
        match self {
            Self::Alone => std::future::pending().await,
            Self::Elected { held, .. } => {
                let mut held = held.clone();
                // An ended election counts as lost as well.
                let _ = held.wait_for(|held| !*held).await;
            }
        }
    }

    /// Asks the API server whether this replica leads at this moment: before something that two replicas must not both do.
    pub async fn confirm(&self) -> anyhow::Result<()> {
        let Self::Elected {
            client,
            namespace,
            identity,
            held,
        } = self
        else {
            return Ok(());
        };
        if !*held.borrow() {
            bail!("the Lease is lost");
        }
        let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
        let read = tokio::time::timeout(Duration::from_secs(5), api.get(LEASE)).await;
        let spec = read
            .context("reading the Lease takes too long")?
            .context("read the Lease")?
            .spec;
        let holder = spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
        match holder == *identity {
            true => Ok(()),
            false => bail!("the Lease is held by {holder:?}"),
        }
    }
}

async fn manager(client: &Client, namespace: &str, identity: &str) -> Result<LeaseManager, LeaseManagerError> {
    LeaseManagerBuilder::new(client.clone(), LEASE)
        .with_namespace(namespace)
        .with_identity(identity)
        .with_duration(DURATION_SECONDS)
        .with_grace(GRACE_SECONDS)
        .build()
        .await
}

/// The API server's own sentence where it has one: the library's repeats it thrice.
fn told(error: &LeaseManagerError) -> String {
    match error {
        LeaseManagerError::KubeError(kube::Error::Api(status)) => status.message.clone(),
        other => other.to_string(),
    }
}
