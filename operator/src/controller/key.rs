//! Keys are made once (DESIGN.md 5.1), on the curve that they have in the consortium's edition.

use althing_types::genesis::Cryptography;
use althing_types::{Address, NodeId};

use super::{Context, Hold, Outcome, edition};
use crate::plan::{Identity, KeyOrder, KeyState, PublicKey};
use crate::status::Reason;

/// What says that a key has existed: then it is never made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence<R> {
    /// What was found, in words; none when nothing speaks of the key.
    pub found: Option<String>,
    /// The public half that was recorded, if it was.
    pub recorded: Option<R>,
}

impl<R> Default for Evidence<R> {
    fn default() -> Self {
        Self {
            found: None,
            recorded: None,
        }
    }
}

/// The public key of an identity that is there; or the order to make it, when nothing says that it has ever existed; or why the
/// object must stop. Without an edition, because who says it is not there yet, a key that is there counts, and none is made.
pub fn identity(
    ctx: &Context<'_>,
    identity: &Identity,
    edition: Outcome<Cryptography>,
    evidence: &Evidence<NodeId>,
    orders: &mut Vec<KeyOrder>,
) -> Outcome<NodeId> {
    ensure(ctx, identity, edition, evidence, PublicKey::node_id, orders)
}

/// The same of an account: its address.
pub fn account(
    ctx: &Context<'_>,
    identity: &Identity,
    edition: Outcome<Cryptography>,
    evidence: &Evidence<Address>,
    orders: &mut Vec<KeyOrder>,
) -> Outcome<Address> {
    ensure(ctx, identity, edition, evidence, PublicKey::account, orders)
}

fn ensure<R: PartialEq>(
    ctx: &Context<'_>,
    identity: &Identity,
    edition: Outcome<Cryptography>,
    evidence: &Evidence<R>,
    half: fn(&PublicKey) -> Option<R>,
    orders: &mut Vec<KeyOrder>,
) -> Outcome<R> {
    let observed = ctx.identity(identity);
    match observed.map(|observed| &observed.key) {
        Some(KeyState::Present(key)) => {
            let edition = edition.unwrap_or_else(|_| key.kind().cryptography());
            let what = format!("the key of {identity}");
            edition::check_key(&what, key.kind(), identity.kind(), edition)?;
            match (half(key), &evidence.recorded) {
                (Some(key), recorded) if recorded.as_ref().is_none_or(|recorded| *recorded == key) => Ok(key),
                _ => Err(Hold::wrong(
                    Reason::KeyMismatch,
                    format!("the key of {identity} is another one than was recorded; put the first key back"),
                )),
            }
        }
        Some(KeyState::Unreadable(why)) => Err(Hold::wrong(
            Reason::KeyUnreadable,
            format!("the key of {identity} cannot be read: {why}"),
        )),
        None | Some(KeyState::Missing) => {
            let certificate = observed.and_then(|observed| observed.certificate.as_ref());
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
                kind: identity.kind().key(edition?),
            });
            Err(Hold::pending(
                Reason::Progressing,
                format!("the key of {identity} is being made"),
            ))
        }
    }
}
