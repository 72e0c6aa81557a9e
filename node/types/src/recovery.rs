//! What a committee signs so that a group goes on that lost its quorum for ever (GOVERNANCE.md 5): which block it goes on from, and who
//! seals from then on.
//!
//! The text is `group.N.recovery` beside `group.N.genesis`; the bytes are what the first transaction of the next block holds.

use std::fmt;
use std::ops::Deref;

use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::codec::{SEALERS_MAX, bounded};
use crate::ini_file::{IniError, IniFile, IniWriter};
use crate::{B256, Bytes, DecodeError, GroupId, HashFn, NodeId, SealerSet};

/// Keeps the signatures apart from every other one of an account.
const FORMAT: &str = "althing/recovery/v1";
/// Signatures a document may have: as many as a committee has seats.
pub const SIGNATURES_MAX: usize = 256;
/// Bytes a document may have: its sealers and signatures at their bounds fit.
pub const RECOVERY_BYTES_MAX: usize = 64 * 1024;

/// A signature of an account in its edition's form: r‖s‖v with v 0 or 1, or r‖s and the public key. Whether it holds is for its suite to
/// say.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountSignatureBytes(Bytes);

/// Bytes that are a signature in neither form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature has {0} bytes; accepted are 65 or 128")]
pub struct AccountSignatureLength(pub usize);

impl TryFrom<&[u8]> for AccountSignatureBytes {
    type Error = AccountSignatureLength;

    fn try_from(bytes: &[u8]) -> Result<Self, AccountSignatureLength> {
        match bytes.len() {
            65 | 128 => Ok(Self(Bytes::copy_from_slice(bytes))),
            other => Err(AccountSignatureLength(other)),
        }
    }
}

impl From<[u8; 65]> for AccountSignatureBytes {
    fn from(bytes: [u8; 65]) -> Self {
        Self(bytes.into())
    }
}

impl From<[u8; 128]> for AccountSignatureBytes {
    fn from(bytes: [u8; 128]) -> Self {
        Self(bytes.into())
    }
}

impl Deref for AccountSignatureBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AccountSignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
    }
}

/// A recovery as a committee signs it. Whether the signatures hold and weigh enough is for who knows the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The genesis hash of the group.
    pub genesis: B256,
    /// The number of the group.
    pub group: GroupId,
    /// The height of the newest block that survived.
    pub height: u64,
    /// Its hash.
    pub block: B256,
    /// The digest of an earlier recovery from the same block that led nowhere, and that this one is instead of.
    pub replaces: Option<B256>,
    /// Who seals from the next height on.
    pub sealers: SealerSet,
    /// The signatures of accounts over [`Recovery::digest`].
    pub signatures: Vec<AccountSignatureBytes>,
}

/// Why a text is no recovery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Not the INI it should be, or a value is not what its key takes.
    #[error(transparent)]
    Ini(#[from] IniError),
    /// Every value is readable, but they do not make a recovery.
    #[error("{file}: {key} is {found}; accepted is {accepted}")]
    Rule {
        /// The file.
        file: String,
        /// The section and key.
        key: &'static str,
        /// What was found.
        found: String,
        /// What would be accepted.
        accepted: String,
    },
}

#[derive(RlpEncodable)]
struct Signed<'a> {
    format: &'a str,
    genesis: B256,
    group: u32,
    height: u64,
    block: B256,
    replaces: Bytes,
    sealers: Vec<Bytes>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Wire {
    genesis: B256,
    group: u32,
    height: u64,
    block: B256,
    replaces: Bytes,
    sealers: Vec<Bytes>,
    signatures: Vec<Bytes>,
}

impl Recovery {
    /// What is signed: everything but the signatures. It is also what tells one recovery from another.
    pub fn digest(&self, hash: HashFn) -> B256 {
        hash(&alloy_rlp::encode(Signed {
            format: FORMAT,
            genesis: self.genesis,
            group: self.group.get(),
            height: self.height,
            block: self.block,
            replaces: self.replaces_bytes(),
            sealers: self.sealer_bytes(),
        }))
    }

    /// The height that is decided under it: the one above the block it goes on from.
    pub const fn decides(&self) -> u64 {
        self.height.saturating_add(1)
    }

    /// Adds signatures that are not there yet, ascending, so that the order in which agencies sign does not matter.
    pub fn add_signatures(&mut self, more: impl IntoIterator<Item = AccountSignatureBytes>) {
        self.signatures.extend(more);
        self.signatures.sort_unstable();
        self.signatures.dedup();
    }

    fn replaces_bytes(&self) -> Bytes {
        self.replaces.map(|digest| digest.0.into()).unwrap_or_default()
    }

    fn sealer_bytes(&self) -> Vec<Bytes> {
        let sealers = self.sealers.as_slice().iter();
        sealers.map(|node| Bytes::copy_from_slice(node.as_bytes())).collect()
    }

    /// The document's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let signatures = self.signatures.iter();
        alloy_rlp::encode(Wire {
            genesis: self.genesis,
            group: self.group.get(),
            height: self.height,
            block: self.block,
            replaces: self.replaces_bytes(),
            sealers: self.sealer_bytes(),
            signatures: signatures.map(|signature| signature.0.clone()).collect(),
        })
    }

    /// Reads a document: bounded, its sealers ascending and not empty. Signatures are not checked here.
    ///
    /// # Errors
    /// Bytes that are no such document.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a recovery";
        let bad = |why: &str| DecodeError::malformed(WHAT, why);
        bounded(WHAT, bytes, RECOVERY_BYTES_MAX)?;
        let wire: Wire = alloy_rlp::decode_exact(bytes).map_err(|e| DecodeError::malformed(WHAT, e))?;
        let replaces = match wire.replaces.len() {
            0 => None,
            _ => Some(B256::try_from(&wire.replaces[..]).map_err(|_| bad("it replaces what is no digest"))?),
        };
        let node = |bytes: &Bytes| <[u8; 64]>::try_from(&bytes[..]).map(NodeId::new);
        let sealers: Result<Vec<NodeId>, _> = wire.sealers.iter().map(node).collect();
        let signature = |bytes: &Bytes| AccountSignatureBytes::try_from(&bytes[..]).map_err(|error| bad(&error.to_string()));
        let signatures: Result<Vec<_>, _> = wire.signatures.iter().map(signature).collect();
        let recovery = Self {
            genesis: wire.genesis,
            group: GroupId::try_from(wire.group).map_err(|e| DecodeError::malformed(WHAT, e))?,
            height: wire.height,
            block: wire.block,
            replaces,
            sealers: ascending(sealers.map_err(|_| bad("a sealer is no nodeID"))?)
                .ok_or_else(|| bad("its sealers must ascend, be 1 to 256, and none twice"))?,
            signatures: signatures?,
        };
        match recovery.signatures.len() {
            0..=SIGNATURES_MAX => Ok(recovery),
            _ => Err(bad("it has more than 256 signatures")),
        }
    }
}

/// The set of sealers that ascend already; none for a list that nobody means.
fn ascending(sealers: Vec<NodeId>) -> Option<SealerSet> {
    let is_list = (1..=SEALERS_MAX).contains(&sealers.len()) && sealers.is_sorted_by(|a, b| a < b);
    is_list.then(|| SealerSet::new(sealers))
}

/// Reads a `group.N.recovery`; `file_name` is for errors only.
///
/// # Errors
/// A text that is no such file; it names the file, the key, what was found and what is accepted.
pub fn parse_recovery(file_name: &str, text: &str) -> Result<Recovery, RecoveryError> {
    let rule = |key, found: String, accepted: &str| RecoveryError::Rule {
        file: file_name.to_owned(),
        key,
        found,
        accepted: accepted.to_owned(),
    };
    let mut file = IniFile::parse(file_name, text)?;
    let mut section = file.section(&["recovery"])?;
    let hash = |text: &str| text.starts_with("0x").then(|| text.parse::<B256>().ok())?;
    let a_hash = "0x and 64 hex digits";
    let format = section.optional(&["format"], FORMAT, |text| (text == FORMAT).then_some(()))?;
    format.ok_or_else(|| section.missing("format", FORMAT))?;
    let genesis = section.optional(&["genesis"], a_hash, hash)?;
    let genesis = genesis.ok_or_else(|| section.missing("genesis", a_hash))?;
    let number = |text: &str| GroupId::try_from(text.parse::<u32>().ok()?).ok();
    let group = section.optional(&["group"], "1 to 32767", number)?;
    let group = group.ok_or_else(|| section.missing("group", "1 to 32767"))?;
    let height = section.optional_number(&["height"], 0..=u64::MAX - 2)?;
    let height = height.ok_or_else(|| section.missing("height", "the height of the newest block that survived"))?;
    let block = section.optional(&["block"], a_hash, hash)?;
    let block = block.ok_or_else(|| section.missing("block", a_hash))?;
    let replaces = section.optional(&["replaces"], a_hash, hash)?;
    section.finish()?;
    let mut section = file.section(&["sealers"])?;
    let sealers: Vec<NodeId> = section.list("node", "a nodeID of 128 hex digits", |text| text.parse().ok())?;
    section.finish()?;
    let mut section = file.section(&["signatures"])?;
    let signatures: Vec<AccountSignatureBytes> = section.list("signature", "0x and 130 or 256 hex digits", read_signature)?;
    section.finish()?;
    file.finish()?;
    let found = sealers.len();
    let sealers = ascending(sealers).ok_or_else(|| {
        rule(
            "[sealers] node.N",
            format!("a list of {found}"),
            "1 to 256 nodeIDs, ascending, none twice",
        )
    })?;
    if signatures.len() > SIGNATURES_MAX {
        return Err(rule(
            "[signatures] signature.N",
            format!("a list of {}", signatures.len()),
            "at most 256",
        ));
    }
    Ok(Recovery {
        genesis,
        group,
        height,
        block,
        replaces,
        sealers,
        signatures,
    })
}

fn read_signature(text: &str) -> Option<AccountSignatureBytes> {
    let bytes = hex::decode(text.strip_prefix("0x")?).ok()?;
    AccountSignatureBytes::try_from(&bytes[..]).ok()
}

/// Writes a `group.N.recovery` that [`parse_recovery`] reads back to the same value.
pub fn render_recovery(recovery: &Recovery) -> String {
    let mut ini = IniWriter::default();
    ini.section("recovery")
        .plain("format", FORMAT)
        .plain("genesis", recovery.genesis)
        .plain("group", recovery.group)
        .plain("height", recovery.height)
        .plain("block", recovery.block);
    if let Some(replaces) = recovery.replaces {
        ini.plain("replaces", replaces);
    }
    ini.section("sealers");
    for (index, node) in recovery.sealers.as_slice().iter().enumerate() {
        ini.plain(&format!("node.{index}"), node);
    }
    if !recovery.signatures.is_empty() {
        ini.section("signatures");
    }
    for (index, signature) in recovery.signatures.iter().enumerate() {
        ini.plain(
            &format!("signature.{index}"),
            format_args!("0x{}", hex::encode(&signature.0)),
        );
    }
    ini.finish()
}
