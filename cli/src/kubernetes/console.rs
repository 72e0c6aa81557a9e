//! `kubectl althing console`: FISCO's console commands about the nodes of a namespace.

use althing_crds::v1alpha1::Cryptography as Declared;
use althing_kubernetes::names;
use althing_operator::name::AgencyName;
use althing_operator::pki::PrivateKey;
use althing_types::genesis::Cryptography;
use anyhow::Context;
use serde_json::Value;

use super::target::Target;
use super::there::There;
use crate::Ended;
use crate::console::{Access, Choice, Place, RunningNode, run};
use crate::output::Format;
use crate::vote::Known;

/// Opens the console on the nodes of a namespace.
pub(super) async fn console(target: &Target, choice: &Choice, output: Format) -> anyhow::Result<Ended> {
    let (there, known) = There::find(target).await?;
    run(Namespace { there, known }, choice, output).await
}

struct Namespace {
    there: There,
    known: Known,
}

impl Place for Namespace {
    fn known(&self) -> &Known {
        &self.known
    }

    fn program(&self) -> &'static str {
        "kubectl althing"
    }

    fn nodes(&self) -> anyhow::Result<Vec<RunningNode>> {
        let manifests = self.there.manifests();
        // Which nodes a group has is the chain's to say; which groups there are is the manifests'.
        let groups = manifests.groups.iter().filter_map(|(name, group)| {
            let id = u32::try_from(group.spec.group_id).ok()?;
            Some((id, name.clone()))
        });
        let groups: Vec<_> = groups.collect();
        let running = self.there.doors().iter().filter_map(|(name, door)| {
            let declared = manifests.nodes.get(name)?;
            Some(RunningNode {
                agency: AgencyName::new(declared.spec.agency.clone()).ok()?,
                end_point: format!("{}.{}.svc:{}", names::node(name), self.there.namespace(), door.port),
                name: name.clone(),
                groups: groups.clone(),
            })
        });
        Ok(running.collect())
    }

    async fn ask(&self, node: &RunningNode, path: &str, question: &Value, access: Access) -> anyhow::Result<Value> {
        match access {
            Access::Anyone => self.there.post(&node.name, path, question).await,
            Access::Admin => self.there.administer(&node.name, &node.agency, path, question).await,
        }
    }

    async fn key(&self, agency: &AgencyName) -> anyhow::Result<PrivateKey> {
        self.there.governance_key(agency).await
    }

    async fn cryptography(&self) -> anyhow::Result<Cryptography> {
        let consortiums = &self.there.manifests().consortiums;
        let (_, consortium) = consortiums
            .first_key_value()
            .context("no Consortium is in this namespace")?;
        Ok(match consortium.spec.cryptography {
            Declared::Standard => Cryptography::Standard,
            Declared::SM => Cryptography::Sm,
        })
    }
}
