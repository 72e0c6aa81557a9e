//! FISCO BCOS 2.x's own transaction: 13 RLP items, the first ten of which are signed.
//!
//! ```text
//! [randomid, gasPrice, gas, blockLimit, to, value, data, chainId, groupId, extraData,  v, r, s]
//!  └──────────────────────────── signing hash ────────────────────────────────────┘
//!  └────────────────────────────────── transaction hash ─────────────────────────────────────┘
//! ```
//!
//! It has no account nonce: `randomid` makes it unlike every other one of its sender, and `blockLimit` is the last block that may hold it.
//! No other transaction is a list of 13 items: Ethereum's legacy one has nine, and a typed one is no list.
//!
//! Invariant: what is decoded encodes to the same bytes, so that one transaction has one hash.

use alloy_primitives::TxKind;
use alloy_rlp::{Decodable, Encodable, RlpEncodable};

use crate::codec::{TRANSACTION_BYTES_MAX, bounded};
use crate::{Address, B256, Bytes, DecodeError, HashFn, U256};

/// Bytes of data for people. No gas pays for them.
pub const EXTRA_DATA_BYTES_MAX: usize = 64 * 1024;
/// Items of the list.
const ITEMS: usize = 13;
/// What a recoverable signature's `v` begins at (Ethereum's, before EIP-155).
const V_BASE: u8 = 27;
/// What is malformed.
const WHAT: &str = "a FISCO transaction";

/// What a FISCO client asks for, before it is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable)]
pub struct FiscoRequest {
    /// A number that no other transaction of the sender has, as far back as block limits reach.
    pub random_id: U256,
    /// What the client offers for gas. Nothing is ever paid.
    pub gas_price: U256,
    /// The gas the client had in mind. What is in force for every transaction applies instead.
    pub gas: U256,
    /// The last block that may hold it.
    pub block_limit: u64,
    /// The contract, or a creation.
    pub to: TxKind,
    /// The value sent.
    pub value: U256,
    /// The input, or the initialisation code.
    pub input: Bytes,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// The group.
    pub group_id: u64,
    /// For people; the ledger does not read it.
    pub extra_data: Bytes,
}

impl FiscoRequest {
    /// What is signed.
    pub fn signing_hash(&self, hash: HashFn) -> B256 {
        hash(&alloy_rlp::encode(self))
    }

    /// The transaction with its signature.
    pub const fn signed(self, signature: FiscoSignature) -> FiscoTransaction {
        FiscoTransaction {
            request: self,
            signature,
        }
    }
}

/// How far a block limit may be ahead of the newest block where a transaction is taken: FISCO's 1000.
pub const BLOCK_LIMIT_BLOCKS: u64 = 1_000;

/// The last three items. Which form an edition takes is its suite's to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiscoSignature {
    /// One byte, 27 or 28, of a signature that its key is recovered from; or the 64 bytes of the public key.
    pub v: Bytes,
    /// r.
    pub r: U256,
    /// s.
    pub s: U256,
}

impl FiscoSignature {
    /// A signature that its key is recovered from.
    pub fn recoverable(r: U256, s: U256, odd_y: bool) -> Self {
        let v = Bytes::copy_from_slice(&[V_BASE + u8::from(odd_y)]);
        Self { v, r, s }
    }

    /// A signature beside its key, as in the SM edition.
    pub fn with_key(r: U256, s: U256, public_key: &[u8; 64]) -> Self {
        let v = Bytes::copy_from_slice(public_key);
        Self { v, r, s }
    }

    /// The parity of the curve point's y, where the key is recovered.
    pub fn odd_y(&self) -> Option<bool> {
        match self.v[..] {
            [v] => Some(v != V_BASE),
            _ => None,
        }
    }

    /// The public key, where it is said.
    pub fn public_key(&self) -> Option<[u8; 64]> {
        self.v[..].try_into().ok()
    }
}

/// A FISCO transaction as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiscoTransaction {
    /// What is asked for.
    pub request: FiscoRequest,
    /// Who asked.
    pub signature: FiscoSignature,
}

#[derive(RlpEncodable)]
struct Wire {
    random_id: U256,
    gas_price: U256,
    gas: U256,
    block_limit: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
    chain_id: u64,
    group_id: u64,
    extra_data: Bytes,
    v: Bytes,
    r: U256,
    s: U256,
}

impl FiscoTransaction {
    /// The bytes that travel and are hashed.
    pub fn encode(&self) -> Bytes {
        let (request, signature) = (self.request.clone(), &self.signature);
        let wire = Wire {
            random_id: request.random_id,
            gas_price: request.gas_price,
            gas: request.gas,
            block_limit: request.block_limit,
            to: request.to,
            value: request.value,
            input: request.input,
            chain_id: request.chain_id,
            group_id: request.group_id,
            extra_data: request.extra_data,
            v: signature.v.clone(),
            r: signature.r,
            s: signature.s,
        };
        let mut out = Vec::with_capacity(wire.length());
        wire.encode(&mut out);
        out.into()
    }

    /// Reads a transaction, and nothing but the one encoding it has. The signature is not checked here.
    pub fn decode(raw: &[u8]) -> Result<Self, DecodeError> {
        bounded(WHAT, raw, TRANSACTION_BYTES_MAX)?;
        let mut after = raw;
        let mut rest =
            alloy_rlp::Header::decode_bytes(&mut after, true).map_err(|e| DecodeError::malformed(WHAT, e))?;
        let rest = &mut rest;
        let request = FiscoRequest {
            random_id: item(rest, "randomid")?,
            gas_price: item(rest, "gasPrice")?,
            gas: item(rest, "gas")?,
            block_limit: item(rest, "blockLimit")?,
            to: item(rest, "to")?,
            value: item(rest, "value")?,
            input: item(rest, "data")?,
            chain_id: item(rest, "chainId")?,
            group_id: item(rest, "groupId")?,
            extra_data: item(rest, "extraData")?,
        };
        bounded(
            "the extraData of a FISCO transaction",
            &request.extra_data,
            EXTRA_DATA_BYTES_MAX,
        )?;
        let signature = FiscoSignature {
            v: item(rest, "v")?,
            r: item(rest, "r")?,
            s: item(rest, "s")?,
        };
        if !matches!(signature.v[..], [V_BASE | 28]) && signature.v.len() != 64 {
            let why = format!(
                "v has {} bytes; one byte, 27 or 28, or a public key of 64 bytes is accepted",
                signature.v.len()
            );
            return Err(DecodeError::malformed(WHAT, why));
        }
        match (rest.len(), after.len()) {
            (0, 0) => Ok(request.signed(signature)),
            (inside, outside) => {
                let why = format!("{} bytes follow its {ITEMS} items", inside + outside);
                Err(DecodeError::malformed(WHAT, why))
            }
        }
    }

    /// Whether it creates a contract.
    pub const fn is_creation(&self) -> bool {
        self.request.to.is_create()
    }

    /// The contract it calls.
    pub fn to(&self) -> Option<Address> {
        self.request.to.to().copied()
    }
}

fn item<T: Decodable>(rest: &mut &[u8], name: &'static str) -> Result<T, DecodeError> {
    T::decode(rest).map_err(|error| DecodeError::malformed(WHAT, format!("{name}: {error}")))
}

/// Whether these bytes can be a FISCO transaction and nothing else: a list of 13 items.
pub fn is_fisco(raw: &[u8]) -> bool {
    items(raw) == Some(ITEMS)
}

/// The randomid of a FISCO transaction, read without the rest; none of any other bytes.
pub fn random_id(raw: &[u8]) -> Option<U256> {
    if !is_fisco(raw) {
        return None;
    }
    let mut after = raw;
    let mut rest = alloy_rlp::Header::decode_bytes(&mut after, true).ok()?;
    U256::decode(&mut rest).ok()
}

/// How many items a list has, as far as it matters; none where the bytes are no list or a broken one.
fn items(raw: &[u8]) -> Option<usize> {
    let mut after = raw;
    let mut rest = alloy_rlp::Header::decode_bytes(&mut after, true).ok()?;
    let mut count = 0;
    while !rest.is_empty() && count <= ITEMS {
        let header = alloy_rlp::Header::decode(&mut rest).ok()?;
        rest = rest.get(header.payload_length..)?;
        count += 1;
    }
    Some(count)
}
