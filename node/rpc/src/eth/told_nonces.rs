//! A receipt does not overtake its sender's memory.
//!
//! ethers remembers every answer for 250 ms. A wallet that asks for its nonce, sends, has the receipt after 20 ms and sends
//! again would take the same nonce a second time and be told "nonce too low". So a receipt is not answered before
//! [`Limits::nonce_memory`](crate::Limits::nonce_memory) has passed since this node told somebody its sender's nonce
//! (`docs/adr/0005`). Who counts nonces by itself is never held up.

use std::collections::HashMap;
use std::time::Duration;

use althing_types::{Address, GroupId};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Accounts whose nonces are remembered at most; who asks beyond is answered without being remembered.
const ACCOUNTS: usize = 4096;

/// Whose nonce was told, and when.
pub(crate) struct ToldNonces {
    memory: Duration,
    told: Mutex<HashMap<(GroupId, Address), Instant>>,
}

impl ToldNonces {
    /// Nobody's yet; each is remembered that long.
    pub(crate) fn new(memory: Duration) -> Self {
        Self {
            memory,
            told: Mutex::default(),
        }
    }

    /// A nonce is told now.
    pub(crate) fn note(&self, group: GroupId, account: Address, now: Instant) {
        if self.memory.is_zero() {
            return;
        }
        let mut told = self.told.lock();
        if told.len() >= ACCOUNTS {
            told.retain(|_, at| now.duration_since(*at) < self.memory);
        }
        if told.len() < ACCOUNTS {
            told.insert((group, account), now);
        }
    }

    /// Whether nothing was told that is still remembered.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        let mut told = self.told.lock();
        if told.values().any(|at| now.duration_since(*at) < self.memory) {
            return false;
        }
        told.clear();
        true
    }

    /// Until when a receipt of this sender is held; none when it may go.
    pub(crate) fn held_until(&self, group: GroupId, sender: Address, now: Instant) -> Option<Instant> {
        let told = self.told.lock();
        told.get(&(group, sender))
            .map(|at| *at + self.memory)
            .filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> GroupId {
        GroupId::try_from(1).unwrap()
    }

    #[test]
    fn a_told_nonce_is_remembered_for_its_account_and_not_for_longer() {
        let (now, memory) = (Instant::now(), Duration::from_millis(300));
        let told = ToldNonces::new(memory);
        let (asked, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        assert!(told.is_idle(now));
        told.note(group(), asked, now);
        assert!(!told.is_idle(now));
        assert_eq!(told.held_until(group(), asked, now), Some(now + memory));
        assert_eq!(told.held_until(group(), other, now), None);
        assert_eq!(told.held_until(group(), asked, now + memory), None);
        assert!(told.is_idle(now + memory));
    }

    #[test]
    fn accounts_asked_for_in_masses_do_not_grow_the_memory() {
        let (now, memory) = (Instant::now(), Duration::from_millis(300));
        let told = ToldNonces::new(memory);
        for number in 0..2 * ACCOUNTS as u64 {
            told.note(group(), Address::left_padding_from(&number.to_be_bytes()), now);
        }
        assert_eq!(told.told.lock().len(), ACCOUNTS);
        told.note(group(), Address::repeat_byte(9), now + memory);
        assert_eq!(told.told.lock().len(), 1, "what is over makes room");
    }
}
