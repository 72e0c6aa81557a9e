//! What own agencies do on chains: signed with their governance keys, brought to an own node of the group.

use althing_operator::governance::{Act, teller};
use althing_operator::plan::{Identity, PublicKey};
use tracing::{info, warn};

use super::look::{Look, Picture};
use super::rounds::{Asking, Doors, doors};
use crate::ask::{AskError, ask_nonce, send};
use crate::names;

/// Brings what the plan has an agency do. It is done when a chain shows it, which the next round of questions tells; until then
/// the same act is the same transaction.
pub(super) async fn cast(look: &mut Look<'_>, picture: &Picture) {
    if picture.plan.acts.is_empty() {
        return;
    }
    let doors = doors(look.context, &picture.gathered.manifests, &picture.shelf);
    // The acts of one account in one group follow each other, nonce by nonce.
    let of_one = |one: &Act, other: &Act| (&one.group, &one.agency) == (&other.group, &other.agency);
    let mut acts = picture.plan.acts.clone();
    acts.sort_by(|one, other| (&one.group, &one.agency).cmp(&(&other.group, &other.agency)));
    for acts in acts.chunk_by(of_one) {
        let Some(first) = acts
            .first()
            .filter(|act| look.backoff.is_open(&act.to_string(), picture.now))
        else {
            continue;
        };
        match bring(look, picture, &doors, first, acts).await {
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

async fn bring(look: &Look<'_>, picture: &Picture, doors: &Doors, first: &Act, acts: &[Act]) -> Result<(), AskError> {
    let refused = |error: &dyn std::fmt::Display| AskError::Answer(error.to_string());
    let identity = Identity::Governance(first.agency.clone());
    let name = names::key_secret(&identity);
    let secret = look.context.writer.secret(look.namespace.as_str(), &name).await?;
    let secret = secret.ok_or_else(|| refused(&format!("Secret {name} is missing")))?;
    let key = crate::secrets::private_key(&identity, &secret).map_err(|error| refused(&error))?;
    let PublicKey::Account(account) = key.public() else {
        return Err(refused(&format!("Secret {name} holds no key of an account")));
    };
    let group = first.chain.id;
    let node = teller(&picture.observed.reports, group).ok_or_else(|| refused(&"no own node is in sync"))?;
    let asking = Asking {
        context: look.context,
        namespace: look.namespace.as_str(),
        contents: &picture.contents,
        doors,
    };
    let (tls, door) = asking.entrance(node).await?;
    let nonce = ask_nonce(tls.clone(), door, group, account).await?;
    let signed: Result<Vec<_>, _> = (nonce..)
        .zip(acts)
        .map(|(nonce, act)| act.signed(&key, nonce))
        .collect();
    send(tls, door, group, &signed.map_err(|error| refused(&error))?).await
}
