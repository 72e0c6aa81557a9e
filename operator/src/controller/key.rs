//! Keys are made once (DESIGN.md 5.1).

use super::{Context, Hold, Outcome};
use crate::plan::{Identity, KeyOrder, KeyState, PublicKey};
use crate::status::Reason;

/// What says that a key has existed: then it is never made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was found, in words; none when nothing speaks of the key.
    pub found: Option<String>,
    /// The public half that was recorded, if it was.
    pub recorded: Option<PublicKey>,
}

/// The public half of a key that is there; or the order to make it, when nothing says that it has ever existed; or why the
/// object must stop.
pub fn ensure(
    ctx: &Context<'_>,
    identity: &Identity,
    evidence: &Evidence,
    orders: &mut Vec<KeyOrder>,
) -> Outcome<PublicKey> {
    let observed = ctx.identity(identity);
    let certificate = observed.and_then(|observed| observed.certificate.as_ref());
    match observed.map(|observed| &observed.key) {
        Some(KeyState::Present(key)) if key.kind() != identity.key_kind() => Err(Hold::wrong(
            Reason::KeyUnreadable,
            format!("the key of {identity} is of another curve"),
        )),
        Some(KeyState::Present(key)) => match &evidence.recorded {
            Some(recorded) if recorded != key => Err(Hold::wrong(
                Reason::KeyMismatch,
                format!("the key of {identity} is another one than was recorded; put the first key back"),
            )),
            _ => Ok(*key),
        },
        Some(KeyState::Unreadable(why)) => Err(Hold::wrong(
            Reason::KeyUnreadable,
            format!("the key of {identity} cannot be read: {why}"),
        )),
        None | Some(KeyState::Missing) => {
            let found = match (&evidence.found, &evidence.recorded, certificate) {
                (Some(found), _, _) => Some(found.as_str()),
                (None, Some(_), _) => Some("its public half is recorded"),
                (None, None, Some(_)) => Some("its certificate is there"),
                (None, None, None) => None,
            };
            if let Some(found) = found {
                let text = format!(
                    "the key of {identity} is missing, but {found}: it is never made again; put it back from a backup"
                );
                return Err(Hold::wrong(Reason::KeyMissing, text));
            }
            orders.push(KeyOrder {
                identity: identity.clone(),
                kind: identity.key_kind(),
            });
            Err(Hold::pending(
                Reason::Progressing,
                format!("the key of {identity} is being made"),
            ))
        }
    }
}
