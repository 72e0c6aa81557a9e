//! Agencies that did not write the same group: no node starts it, and everybody is told in which field they differ (issue 5).

use althing_e2e::cluster::Case;
use anyhow::ensure;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

use super::consortium::{CONVERGENCE, allow_delete};
use super::sovereign::{Home, TWO_AGENCIES_NODES, form, group, tell_each_other, two_agencies};

/// The group of both.
const GROUP: &str = "ledgergroup/group-1";

pub(crate) async fn a_group_that_two_agencies_wrote_differently_starts_nowhere_and_the_field_is_named(
    case: Case,
) -> anyhow::Result<()> {
    let homes = two_agencies(&case).await?;
    let [a, b] = homes.as_slice() else {
        anyhow::bail!("two agencies")
    };
    let right = group(1, &TWO_AGENCIES_NODES, &["agency-a", "agency-b"]);
    let mut other = right.clone();
    other["spec"]["genesis"]["gasLimit"] = json!(200_000_000);
    a.put("group-1.yaml", &right.to_string()).await?;
    b.put("group-1.yaml", &other.to_string()).await?;
    for home in [a, b] {
        home.text(GROUP, "genesisHash").await?;
    }
    // Both bundles are made before either is read: who sees a difference signs nothing new.
    let (of_a, of_b) = (
        a.bundle(&["--for", "agency-b"]).await?,
        b.bundle(&["--for", "agency-a"]).await?,
    );
    a.import("agency-b", &of_b, &[]).await?;
    b.import("agency-a", &of_a, &[]).await?;
    for (home, another) in [(a, "agency-b"), (b, "agency-a")] {
        is_held(home, another).await?;
    }

    // B corrects its own: the wrong record goes with the wrong manifest.
    allow_delete(&b.case, GROUP).await?;
    b.case.kubectl(&["delete", GROUP]).await?;
    b.case.kubectl(&["delete", "configmap/group-1-genesis"]).await?;
    form(&[a, b], &right).await?;
    a.ledger(1, &["node-0", "node-1"]).goes_on(CONVERGENCE).await?;
    // Nothing is left to be told.
    tell_each_other(&[a, b]).await
}

/// The operator holds the group, says in which field it differs, and no node has its files.
async fn is_held(home: &Home, another: &str) -> anyhow::Result<()> {
    home.case
        .eventually("the difference to be told", CONVERGENCE, || async {
            let conditions = home.status(GROUP, "conditions").await?;
            let told = conditions.as_array().into_iter().flatten().any(|found| {
                let message = found["message"].as_str().unwrap_or_default();
                let words = [
                    format!("Agency {another} signed"),
                    "200000000".to_owned(),
                    "gas".to_owned(),
                ];
                found["type"] == "Stalled"
                    && found["status"] == "True"
                    && found["reason"] == "GenesisHashDiffers"
                    && words.iter().all(|word| message.contains(word.as_str()))
            });
            ensure!(told, "{}: {conditions}", home.agency);
            Ok(())
        })
        .await?;
    for node in home.nodes() {
        let config: Value = serde_json::to_value(home.case.api::<ConfigMap>().get(&format!("{node}-config")).await?)?;
        ensure!(
            config["data"]["group.1.genesis"].is_null(),
            "{node} has the files of a group that is not agreed on"
        );
    }
    Ok(())
}
