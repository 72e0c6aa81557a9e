//! A consortium that runs, for cases about its pods and its certificates.

use std::collections::BTreeMap;
use std::time::Duration;

use althing_e2e::Manifests;
use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Ledger, Object, Operator, is_up, pods, uid};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// How long a consortium may take to come up, or a change to reach every node.
pub(super) const CONVERGED: Duration = Duration::from_secs(180);
/// How long nothing is written, when all is done.
pub(super) const QUIET: Duration = Duration::from_secs(10);
/// How soon that is, when everything is up.
pub(super) const AT_REST: Duration = Duration::from_secs(120);

/// A consortium of one agency with one group of `sealers`, converged, under an operator.
pub(super) struct Scene {
    pub(super) case: Case,
    pub(super) operator: Operator,
    pub(super) audit: Option<Audit>,
    pub(super) ledger: Ledger,
    pub(super) nodes: Vec<String>,
}

impl Scene {
    pub(super) async fn of(case: &Case, sealers: usize) -> anyhow::Result<Self> {
        let operator = Operator::start(case).await?;
        let audit = Audit::begin(case)?;
        case.apply(&Manifests::uniform(sealers, 1).render()).await?;
        let nodes: Vec<String> = (0..sealers).map(|node| format!("node-{node}")).collect();
        let names: Vec<&str> = nodes.iter().map(String::as_str).collect();
        let scene = Self {
            case: case.clone(),
            operator,
            audit,
            ledger: Ledger::new(case, 1, &names),
            nodes,
        };
        scene.is_up().await?;
        scene.ledger.goes_on(CONVERGED).await?;
        Ok(scene)
    }

    /// Waits until every pod and every Node is ready.
    pub(super) async fn is_up(&self) -> anyhow::Result<()> {
        self.case
            .eventually("every pod to be up", CONVERGED, || async {
                let pods = pods(&self.case).await?;
                let down = self.nodes.iter().find(|node| !pods.get(*node).is_some_and(is_up));
                ensure!(down.is_none(), "{} is not up", down.cloned().unwrap_or_default());
                Ok(())
            })
            .await?;
        for node in &self.nodes {
            Object::node(&self.case, node).is_ready(CONVERGED).await?;
        }
        Ok(())
    }

    /// Changes the spec of every node.
    pub(super) async fn change(&self, spec: &Value) -> anyhow::Result<()> {
        for node in &self.nodes {
            Object::node(&self.case, node).change(&json!({"spec": spec})).await?;
        }
        Ok(())
    }

    /// Waits until the pods of all nodes are other ones than these, and up, and every Node is ready.
    pub(super) async fn replaced_all(&self, before: &BTreeMap<String, String>) -> anyhow::Result<()> {
        self.case
            .eventually("every pod to be replaced", CONVERGED, || async {
                let pods = pods(&self.case).await?;
                for (node, before) in before {
                    let pod = pods.get(node).with_context(|| format!("{node} has no pod"))?;
                    ensure!(uid(pod) != *before && is_up(pod), "{node} is not replaced yet");
                }
                Ok(())
            })
            .await?;
        self.is_up().await
    }

    pub(super) async fn uids(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let pods = pods(&self.case).await?;
        Ok(pods.iter().map(|(node, pod)| (node.clone(), uid(pod))).collect())
    }

    /// Everything is at rest, and was done by the rules.
    pub(super) async fn ends_well(self) -> anyhow::Result<()> {
        if let Some(audit) = &self.audit {
            let user = self.operator.user();
            audit.settled(&self.case, user, QUIET, AT_REST).await?;
            audit.check(user, &[self.case.namespace()])?;
        }
        self.operator.stop().await
    }
}
