//! What own agencies do on chains: signed with their governance keys, brought to an own node of the group.

use althing_operator::governance::{Act, by_account, signed, teller};
use althing_operator::name::AgencyName;
use althing_operator::plan::Identity;
use tracing::{info, warn};

use super::look::{Look, Picture};
use super::rounds::{Asking, Doors, doors};
use crate::ask::{AskError, send};
use crate::names;

/// Brings what the plan has an agency do. It is done when a chain shows it, which the next round of questions tells; until then it is
/// brought again, which does nothing twice.
pub(super) async fn cast(look: &mut Look<'_>, picture: &Picture) {
    if picture.plan.acts.is_empty() {
        return;
    }
    let doors = doors(look.context, &picture.gathered.manifests, &picture.shelf);
    for ((_, agency), acts) in by_account(&picture.plan.acts) {
        let due = |act: &&Act| look.backoff.is_open(&act.to_string(), picture.now);
        let Some(first) = acts.first().filter(due) else {
            continue;
        };
        match bring(look, picture, &doors, &agency, &acts).await {
            Ok(()) => acts
                .iter()
                .for_each(|act| info!(namespace = %look.namespace, "sent: {act}")),
            Err(error) => {
                warn!(namespace = %look.namespace, "{first} is not sent yet: {error}");
                look.context.metrics.failed("Vote", "Unsent");
                look.backoff.failed(&first.to_string(), picture.now, None);
            }
        }
    }
}

async fn bring(
    look: &Look<'_>,
    picture: &Picture,
    doors: &Doors,
    agency: &AgencyName,
    acts: &[Act],
) -> Result<(), AskError> {
    let refused = |error: &dyn std::fmt::Display| AskError::Answer(error.to_string());
    let Some(group) = acts.first().map(|act| act.chain.group) else {
        return Ok(());
    };
    let identity = Identity::Governance(agency.clone());
    let name = names::key_secret(&identity);
    let secret = look.context.writer.secret(look.namespace.as_str(), &name).await?;
    let secret = secret.ok_or_else(|| refused(&format!("Secret {name} is missing; put it back from a backup")))?;
    let key = crate::secrets::private_key(&identity, &secret).map_err(|error| refused(&error))?;
    let node = teller(&picture.observed.reports, group).ok_or_else(|| refused(&"no own node is in sync"))?;
    let asking = Asking {
        context: look.context,
        namespace: look.namespace.as_str(),
        contents: &picture.contents,
        doors,
    };
    let (tls, door) = asking.entrance(node).await?;
    let signed = signed(acts, &key).map_err(|error| refused(&format!("Secret {name}: {error}")))?;
    send(tls, door, group, &signed).await
}
