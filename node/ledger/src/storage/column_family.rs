//! The columns of a group's database and how each is read.

/// A column: an ordered key space of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Format, identity, genesis document, head, sealer sets.
    Meta,
    /// Height to header and section.
    Headers,
    /// Height to transactions and senders.
    Bodies,
    /// Height and index to receipt.
    Receipts,
    /// Transaction hash to height and index.
    Transactions,
    /// Block hash to height.
    BlockHashes,
    /// Height to commit certificate.
    Certificates,
    /// Address to account, latest.
    Accounts,
    /// Address and slot to value, latest.
    Slots,
    /// Code hash to code.
    Code,
    /// Account or slot and height to the value before that height.
    History,
    /// Node hash to trie node; groups with `state: MPT` only.
    Trie,
}

impl Column {
    /// All columns, in the order they are opened.
    pub const ALL: [Self; 12] = [
        Self::Meta,
        Self::Headers,
        Self::Bodies,
        Self::Receipts,
        Self::Transactions,
        Self::BlockHashes,
        Self::Certificates,
        Self::Accounts,
        Self::Slots,
        Self::Code,
        Self::History,
        Self::Trie,
    ];

    /// The name on disk; part of the format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Headers => "headers",
            Self::Bodies => "bodies",
            Self::Receipts => "receipts",
            Self::Transactions => "transactions",
            Self::BlockHashes => "block_hashes",
            Self::Certificates => "certificates",
            Self::Accounts => "accounts",
            Self::Slots => "slots",
            Self::Code => "code",
            Self::History => "history",
            Self::Trie => "trie",
        }
    }

    /// Whether readers ask for exact keys that may be absent, so that a Bloom filter pays.
    pub(super) const fn is_looked_up(self) -> bool {
        matches!(
            self,
            Self::Transactions | Self::BlockHashes | Self::Accounts | Self::Slots | Self::Code | Self::Trie
        )
    }

    /// Whether the values are mostly hashes, which no compression shrinks.
    pub(super) const fn is_incompressible(self) -> bool {
        matches!(self, Self::Transactions | Self::BlockHashes | Self::Trie)
    }
}
