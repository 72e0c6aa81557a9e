//! Hot accounts, slots and code in memory, for the execution of the next block.

use althing_types::{Account, Address, B256, Bytes, U256};
use lru::LruCache;
use parking_lot::Mutex;

use super::Layer;

/// Parts with a lock each, so that threads that execute in parallel seldom wait.
const SHARDS: usize = 16;
/// Bytes an account or slot takes with its links and its place in the table.
const ENTRY_BYTES: usize = 208;
/// The share of the cache that code may take: a half.
const CODE_SHARE: usize = 2;

/// The latest state's hot values, bounded by bytes.
pub(crate) struct StateCache {
    shards: Box<[Mutex<Shard>]>,
    entries_per_shard: usize,
    code: Mutex<CodeCache>,
    code_bytes_max: usize,
}

/// Values as of one height; a reader of any other height finds nothing.
struct Shard {
    height: u64,
    accounts: LruCache<Address, Option<Account>>,
    slots: LruCache<(Address, U256), U256>,
}

struct CodeCache {
    bytes: usize,
    code: LruCache<B256, Bytes>,
}

impl StateCache {
    /// An empty cache of the state at a height.
    pub(crate) fn new(bytes: usize, height: u64) -> Self {
        let shard = |_| {
            Mutex::new(Shard {
                height,
                accounts: LruCache::unbounded(),
                slots: LruCache::unbounded(),
            })
        };
        let code_bytes_max = bytes / CODE_SHARE;
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            entries_per_shard: (bytes - code_bytes_max) / ENTRY_BYTES / SHARDS,
            code: Mutex::new(CodeCache {
                bytes: 0,
                code: LruCache::unbounded(),
            }),
            code_bytes_max,
        }
    }

    fn shard(&self, byte: u8) -> Option<&Mutex<Shard>> {
        self.shards.get(usize::from(byte) % SHARDS)
    }

    fn of_account(&self, address: &Address) -> Option<&Mutex<Shard>> {
        self.shard(address.0.0[19])
    }

    /// Slots of one contract spread over the shards: many are hashes, the others are small numbers.
    fn of_slot(&self, slot: &U256) -> Option<&Mutex<Shard>> {
        self.shard(slot.byte(0))
    }

    pub(crate) fn account(&self, height: u64, address: &Address) -> Option<Option<Account>> {
        let mut shard = self.of_account(address)?.lock();
        if shard.height == height {
            shard.accounts.get(address).copied()
        } else {
            None
        }
    }

    pub(crate) fn slot(&self, height: u64, address: &Address, slot: &U256) -> Option<U256> {
        let mut shard = self.of_slot(slot)?.lock();
        if shard.height == height {
            shard.slots.get(&(*address, *slot)).copied()
        } else {
            None
        }
    }

    /// Keeps what was read of the state at a height, unless the cache has moved on.
    pub(crate) fn keep_account(&self, height: u64, address: &Address, account: Option<Account>) {
        if let Some(mut shard) = self
            .of_account(address)
            .map(|shard| shard.lock())
            .filter(|s| s.height == height)
        {
            shard.accounts.put(*address, account);
            shard.trim(self.entries_per_shard);
        }
    }

    /// Keeps what was read of the state at a height, unless the cache has moved on.
    pub(crate) fn keep_slot(&self, height: u64, address: &Address, slot: &U256, value: U256) {
        if let Some(mut shard) = self
            .of_slot(slot)
            .map(|shard| shard.lock())
            .filter(|s| s.height == height)
        {
            shard.slots.put((*address, *slot), value);
            shard.trim(self.entries_per_shard);
        }
    }

    pub(crate) fn code(&self, hash: &B256) -> Option<Bytes> {
        self.code.lock().code.get(hash).cloned()
    }

    /// Code never changes under its hash, so it has no height.
    pub(crate) fn keep_code(&self, hash: B256, code: &Bytes) {
        if code.len() > self.code_bytes_max {
            return;
        }
        let mut cache = self.code.lock();
        let replaced = cache.code.put(hash, code.clone()).map_or(0, |old| old.len());
        cache.bytes = cache.bytes + code.len() - replaced;
        while cache.bytes > self.code_bytes_max {
            let Some((_, dropped)) = cache.code.pop_lru() else {
                break;
            };
            cache.bytes -= dropped.len();
        }
    }

    /// Moves on to a block that is now durable.
    pub(crate) fn advance(&self, layer: &Layer) {
        for (index, shard) in self.shards.iter().enumerate() {
            let mut shard = shard.lock();
            shard.height = layer.height;
            let own = |byte: u8| usize::from(byte) % SHARDS == index;
            for change in layer.accounts.iter().filter(|change| own(change.address.0.0[19])) {
                shard.accounts.put(change.address, change.new);
            }
            for change in layer.slots.iter().filter(|change| own(change.slot.byte(0))) {
                shard.slots.put((change.address, change.slot), change.new);
            }
            shard.trim(self.entries_per_shard);
        }
    }
}

impl Shard {
    fn trim(&mut self, entries: usize) {
        while self.accounts.len() + self.slots.len() > entries {
            let dropped = match self.accounts.len() > self.slots.len() {
                true => self.accounts.pop_lru().is_some(),
                false => self.slots.pop_lru().is_some(),
            };
            if !dropped {
                return;
            }
        }
    }
}

impl std::fmt::Debug for StateCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateCache")
            .field("entries_per_shard", &self.entries_per_shard)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::layer::SlotChange;
    use super::*;

    fn layer(height: u64, slot: u64, new: u64) -> Layer {
        let change = SlotChange {
            address: Address::ZERO,
            slot: U256::from(slot),
            old: U256::ZERO,
            new: U256::from(new),
        };
        Layer {
            height,
            slots: vec![change],
            ..Layer::default()
        }
    }

    #[test]
    fn a_reader_of_an_older_height_neither_sees_nor_spoils_the_latest_values() {
        let cache = StateCache::new(1 << 20, 1);
        let (address, slot) = (Address::ZERO, U256::from(7));
        cache.keep_slot(1, &address, &slot, U256::from(1));
        assert_eq!(cache.slot(1, &address, &slot), Some(U256::from(1)));
        cache.advance(&layer(2, 7, 2));
        assert_eq!(cache.slot(1, &address, &slot), None);
        cache.keep_slot(1, &address, &slot, U256::from(1));
        assert_eq!(cache.slot(2, &address, &slot), Some(U256::from(2)));
    }

    #[test]
    fn the_cache_stays_within_its_bytes() {
        let cache = StateCache::new(SHARDS * ENTRY_BYTES * 2 * 3, 0);
        for slot in 0..1000 {
            cache.keep_slot(0, &Address::ZERO, &U256::from(slot), U256::from(1));
            cache.keep_account(0, &Address::with_last_byte(slot as u8), None);
        }
        let entries = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            shard.slots.len() + shard.accounts.len()
        };
        let kept: usize = cache.shards.iter().map(entries).sum();
        assert!(kept <= SHARDS * 3, "{kept}");
        let code = Bytes::from(vec![0; 400]);
        for byte in 0..200 {
            cache.keep_code(B256::repeat_byte(byte), &code);
        }
        assert!(cache.code.lock().bytes <= cache.code_bytes_max);
    }
}
