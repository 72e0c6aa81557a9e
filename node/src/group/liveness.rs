//! Proofs that this node lives and follows the group: sent while something on the chain waits for them (LEDGER.md 4), and while
//! this sealer sits out blocks that an idle group would never make (LEDGER.md 3).

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Signature, TxKind};
use althing_consensus::ConsensusStatus;
use althing_crypto::{NodeKey, Suite};
use althing_execution::{GOVERNANCE, alive_call, alive_digest, governance};
use althing_governance::Role;
use althing_ledger::Ledger;
use althing_types::{Address, Bytes, NodeId, StateError, StateReader, U256};
use secp256k1::ecdsa::RecoverableSignature;
use secp256k1::{Message, PublicKey, SecretKey};
use tracing::{debug, warn};

use super::InForce;
use crate::txpool::{Origin, TxPool};

/// How often a node proves that it lives, milliseconds.
const PAUSE_MS: u64 = 10_000;
/// Gas of a proof: the largest governance state there can be is read and its changes are written.
const GAS: u64 = 10_000_000;
/// What the account that brings proofs is made of, signed by the node's key. It has no right and holds nothing: anybody may bring a
/// proof.
const ACCOUNT: &[u8] = b"althing/alive-account/v1";

/// Who proves, and to which group.
pub(crate) struct Liveness {
    own: NodeId,
    key: Arc<dyn NodeKey>,
    suite: Arc<dyn Suite>,
    ledger: Ledger,
    pool: Arc<TxPool>,
    in_force: InForce,
    account: Option<(SecretKey, Address)>,
    /// The height that was looked at last, and whether something waits for proofs there.
    looked_at: Option<(u64, bool)>,
    proved_ms: Option<u64>,
}

impl Liveness {
    pub(crate) fn new(
        own: NodeId,
        key: Arc<dyn NodeKey>,
        suite: Arc<dyn Suite>,
        ledger: Ledger,
        pool: Arc<TxPool>,
        in_force: InForce,
    ) -> Self {
        let account = account(&*key, &*suite);
        Self {
            own,
            key,
            suite,
            ledger,
            pool,
            in_force,
            account,
            looked_at: None,
            proved_ms: None,
        }
    }

    /// Sends a proof if one is due.
    pub(crate) fn tick(&mut self, consensus: &ConsensusStatus, now_ms: u64) {
        let is_recent = |at: u64| now_ms.saturating_sub(at) < PAUSE_MS;
        if self.proved_ms.is_some_and(is_recent) || !(sits_out(consensus) || self.is_waited_for()) {
            return;
        }
        self.proved_ms = Some(now_ms);
        if let Err(error) = self.prove() {
            warn!("no proof of life can be made: {error}");
        }
    }

    /// Whether something on the chain waits for proofs of this node; looked up once a block.
    fn is_waited_for(&mut self) -> bool {
        let height = self.ledger.head().height;
        if let Some((looked_at, waits)) = self.looked_at
            && looked_at == height
        {
            return waits;
        }
        let found = governance(&self.ledger.state_latest());
        let found = found.inspect_err(|error| warn!("the governance state cannot be read: {error}"));
        let waits = found
            .ok()
            .flatten()
            .is_some_and(|found| found.wants_proofs() && found.role(&self.own) != Role::Free);
        self.looked_at = Some((height, waits));
        waits
    }

    fn prove(&self) -> Result<(), StateError> {
        let Some((secret, address)) = &self.account else {
            return Ok(());
        };
        let (head, state) = (self.ledger.head(), self.ledger.state_latest());
        let nonce = state.account(address)?.map_or(0, |account| account.nonce);
        if self
            .pool
            .with(|pool| pool.pending_nonce(address))
            .is_some_and(|pending| pending > nonce)
        {
            debug!("the last proof of life still waits for a block");
            return Ok(());
        }
        let genesis = self.ledger.genesis_hash();
        let digest = alive_digest(self.suite.hash_fn(), &genesis, &self.own, head.height, &head.hash);
        let transaction = TxLegacy {
            chain_id: Some(self.ledger.genesis().evm_chain_id),
            nonce,
            gas_price: 0,
            gas_limit: GAS.min(self.in_force.config().gas),
            to: TxKind::Call(GOVERNANCE),
            value: U256::ZERO,
            input: alive_call(&self.own, head.height, head.hash, &self.key.sign(&digest)),
        };
        let raw = signed(transaction, secret);
        for refused in self
            .pool
            .submit(vec![raw], Origin::Client, &state)
            .into_iter()
            .filter_map(Result::err)
        {
            debug!("the pool takes no proof of life: {refused}");
        }
        Ok(())
    }
}

/// Whether the node is a sealer that votes again after some more blocks.
fn sits_out(consensus: &ConsensusStatus) -> bool {
    let through = consensus.abstaining_through.filter(|through| *through != u64::MAX);
    consensus.sealing && through.is_some_and(|through| through >= consensus.height)
}

/// The same account after every start, and nobody else's: it is made of a signature.
fn account(key: &dyn NodeKey, suite: &dyn Suite) -> Option<(SecretKey, Address)> {
    let hash = suite.hash_fn();
    let seed = hash(&key.sign(&hash(ACCOUNT)));
    let secret = SecretKey::from_secret_bytes(seed.0).ok()?;
    let public = PublicKey::from_secret_key(&secret).serialize_uncompressed();
    Some((secret, Address::from_raw_public_key(&public[1..])))
}

fn signed(transaction: TxLegacy, secret: &SecretKey) -> Bytes {
    let digest = Message::from_digest(transaction.signature_hash().0);
    let (recovery, compact) = RecoverableSignature::sign_ecdsa_recoverable(digest, secret).serialize_compact();
    let signature = Signature::from_bytes_and_parity(&compact, i32::from(recovery.to_u8()) % 2 == 1);
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    envelope.encoded_2718().into()
}
