//! What a block may hold follows from the state after its parent.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Signature, TxKind};
use alloy_sol_types::{SolCall, sol};
use althing_crypto::Suite;
use althing_execution::{GOVERNANCE, SYSTEM_CONFIG, genesis_changes, recover_call};
use althing_governance::SystemConfig;
use althing_ledger::{Committed, Ledger, SharedMemory};
use althing_types::genesis::{Committee, Seat, genesis_hash};
use althing_types::recovery::AccountSignatureBytes;
use althing_types::{
    Address, Bytes, CommitCertificate, FiscoRequest, FiscoSignature, Genesis, NodeId, Recovered, Recovery, SealerSet,
    Transaction, U256,
};

use super::assemble::{AssembleError, Assembler, Parent, Sealed};
use super::own_account::OwnAccount;
use super::recovery::recording;
use super::testing::{self, Edition};

sol! {
    function setValueByKey(string key, string value) returns (int256);
}

static NEVER: AtomicBool = AtomicBool::new(false);
/// The group has no committee: any account acts.
const ACCOUNT: Address = Address::repeat_byte(0xac);

fn sealer() -> NodeId {
    NodeId::new([7; 64])
}

/// The edition under test: the name under which this room was included says which it is.
fn edition() -> Edition {
    Edition::named(module_path!())
}

fn suite() -> Arc<dyn Suite> {
    edition().suite()
}

fn genesis() -> Genesis {
    testing::genesis(edition(), &sealer())
}

/// A group of one, which writes what it builds.
struct Scene {
    folder: tempfile::TempDir,
    ledger: Ledger,
    assembler: Assembler,
    nonce: u64,
}

impl Scene {
    fn new() -> Self {
        Self::of(&genesis())
    }

    fn of(genesis: &Genesis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(&folder, genesis);
        let assembler = Assembler::new(&ledger, suite()).unwrap();
        Self {
            folder,
            ledger,
            assembler,
            nonce: 0,
        }
    }

    fn parent(&self) -> Parent {
        let head = self.ledger.head();
        Parent {
            height: head.height,
            hash: head.hash,
            unix_ms: head.unix_ms(),
        }
    }

    /// The account's next transactions, which are not used up before they are in a block.
    fn transactions(&self, calls: &[(Address, Vec<u8>)]) -> Vec<Recovered> {
        let chain_id = self.ledger.genesis().evm_chain_id;
        let calls = (self.nonce..).zip(calls);
        calls
            .map(|(nonce, (to, input))| transaction(chain_id, nonce, *to, input))
            .collect()
    }

    fn transfers(&self, count: usize) -> Vec<Recovered> {
        self.transactions(&vec![(Address::ZERO, vec![]); count])
    }

    fn build(&self, assembler: &Assembler, offered: &[Recovered]) -> Sealed {
        let built = assembler.build(&self.ledger, &self.parent(), None, offered, &sealer(), 0, &NEVER);
        built.unwrap().0
    }

    fn verify(&self, sealed: &Sealed) -> Result<(), AssembleError> {
        let recovered = sealed.block.transactions.iter().zip(&sealed.senders);
        let recovered = recovered.map(|(transaction, sender)| Recovered {
            transaction: Arc::clone(transaction),
            sender: *sender,
        });
        let found = self
            .assembler
            .verify(&self.ledger, &self.parent(), &sealed.block, recovered.collect(), &NEVER);
        found.map(drop)
    }

    /// As the executor writes a block.
    fn write(&mut self, sealed: Sealed) {
        self.nonce += sealed.block.transactions.len() as u64;
        let next = sealed.next_config;
        let used = self.assembler.used();
        let random_ids = used.of_block(&sealed.block, &sealed.senders);
        let certificate = CommitCertificate {
            height: sealed.block.height(),
            view: 0,
            block: sealed.hash,
            signatures: vec![],
        };
        let committed = Committed {
            block: sealed.block,
            hash: sealed.hash,
            receipts: sealed.executed.receipts,
            senders: sealed.senders,
            prepared: sealed.prepared,
            certificate,
            next_sealers: sealed.next_sealers,
            recovered_sealers: None,
        };
        self.ledger.commit(committed).unwrap();
        self.assembler.in_force().set(next);
        self.assembler.used().follow(random_ids);
    }

    /// A block with these calls of the system configuration.
    fn set(&mut self, settings: &[(&str, &str)]) {
        let call = |(key, value): &(&str, &str)| {
            let (key, value) = ((*key).to_owned(), (*value).to_owned());
            (SYSTEM_CONFIG, setValueByKeyCall { key, value }.abi_encode())
        };
        let calls: Vec<_> = settings.iter().map(call).collect();
        let sealed = self.build(&self.assembler, &self.transactions(&calls));
        assert_eq!(sealed.block.transactions.len(), settings.len());
        assert!(sealed.executed.receipts.iter().all(|receipt| receipt.succeeded()));
        self.write(sealed);
    }

    /// An assembler that is held to something else than the state says.
    fn liar(&self, config: SystemConfig) -> Assembler {
        let liar = Assembler::new(&self.ledger, suite()).unwrap();
        liar.in_force().set(config);
        liar
    }
}

fn open(folder: &tempfile::TempDir, genesis: &Genesis) -> Ledger {
    let suite = suite();
    let changes = genesis_changes(genesis, genesis_hash(genesis, suite.hash_fn()));
    let shared = SharedMemory::default();
    let opened = Ledger::open_or_create(folder.path(), genesis, &changes, sealer(), suite, &shared);
    opened.unwrap().ledger
}

fn transaction(chain_id: u64, nonce: u64, to: Address, input: &[u8]) -> Recovered {
    let unsigned = TxLegacy {
        chain_id: Some(chain_id),
        nonce,
        gas_price: 0,
        gas_limit: 5_000_000,
        to: TxKind::Call(to),
        value: U256::ZERO,
        input: Bytes::copy_from_slice(input),
    };
    // Recovery is tested where it belongs.
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    let envelope: TxEnvelope = unsigned.into_signed(signature).into();
    let decoded = Transaction::decode(envelope.encoded_2718().into(), suite().hash_fn());
    Recovered {
        transaction: Arc::new(decoded.unwrap()),
        sender: ACCOUNT,
    }
}

#[test]
fn a_block_is_held_to_what_the_state_after_its_parent_says() {
    let mut scene = Scene::new();
    let mut block = scene.transactions(&[(
        SYSTEM_CONFIG,
        setValueByKeyCall {
            key: "tx_count_limit".to_owned(),
            value: "2".to_owned(),
        }
        .abi_encode(),
    )]);
    scene.nonce = 1;
    block.extend(scene.transfers(4));
    scene.nonce = 0;
    // The block that changes the limit is held to the old one.
    let sealed = scene.build(&scene.assembler, &block);
    assert_eq!(sealed.block.transactions.len(), 5);
    scene.verify(&sealed).unwrap();
    scene.write(sealed);
    let sealed = scene.build(&scene.assembler, &scene.transfers(5));
    assert_eq!(sealed.block.transactions.len(), 2);
    scene.verify(&sealed).unwrap();
}

#[test]
fn a_proposal_above_the_limit_that_was_voted_on_is_refused() {
    let mut scene = Scene::new();
    let before = scene.assembler.in_force().config();
    scene.set(&[("tx_count_limit", "2")]);
    let proposal = scene.build(&scene.liar(before), &scene.transfers(3));
    assert_eq!(proposal.block.transactions.len(), 3);
    let refused = scene.verify(&proposal).unwrap_err();
    assert!(matches!(refused, AssembleError::Invalid(_)));
    assert!(
        refused.to_string().contains("3 transactions, at most 2 are accepted"),
        "{refused}"
    );
}

#[test]
fn a_proposal_with_another_gas_limit_than_was_voted_on_is_refused() {
    let mut scene = Scene::new();
    let before = scene.assembler.in_force().config();
    scene.set(&[("tx_gas_limit", "20000000")]);
    let proposal = scene.build(&scene.liar(before), &scene.transfers(1));
    let refused = scene.verify(&proposal).unwrap_err().to_string();
    assert!(
        refused.contains("gasLimit is 300000000, this node computes 20000000"),
        "{refused}"
    );
    let sealed = scene.build(&scene.assembler, &scene.transfers(1));
    assert_eq!(sealed.block.header.gas_limit, 20_000_000);
}

#[test]
fn what_was_voted_on_is_read_from_the_ledger_after_a_restart() {
    let mut scene = Scene::new();
    scene.set(&[("tx_count_limit", "2"), ("consensus_timeout", "7")]);
    let before = scene.assembler.in_force().config();
    assert_eq!(
        (before.transactions, before.gas, before.timeout_ms),
        (2, 300_000_000, 7_000)
    );
    let Scene {
        folder,
        ledger,
        assembler,
        ..
    } = scene;
    drop((ledger, assembler));
    let again = Assembler::new(&open(&folder, &genesis()), suite()).unwrap();
    assert_eq!(again.in_force().config(), before);
}

/// A call of `recover` about the newest block, which nobody signed.
fn unsigned_recovery(scene: &Scene) -> Recovered {
    let head = scene.parent();
    let recovery = Recovery {
        genesis: scene.ledger.genesis_hash(),
        group: scene.ledger.genesis().group_id,
        height: head.height,
        block: head.hash,
        replaces: None,
        sealers: SealerSet::new(vec![sealer()]),
        signatures: vec![],
    };
    let call = (GOVERNANCE, recover_call(&recovery).to_vec());
    scene.transactions(&[call]).remove(0)
}

#[test]
fn the_block_above_is_begun_with_what_records_a_recovery_that_the_committee_signed() {
    let seat = suite().account_key_of(&[3; 32]).unwrap();
    let committee = Committee {
        seats: vec![Seat {
            account: seat.address(),
            weight: 1,
        }],
        threshold: 50,
    };
    let scene = Scene::of(&Genesis { committee, ..genesis() });
    let head = scene.parent();
    let mut recovery = Recovery {
        genesis: scene.ledger.genesis_hash(),
        group: scene.ledger.genesis().group_id,
        height: head.height,
        block: head.hash,
        replaces: None,
        sealers: SealerSet::new(vec![sealer()]),
        signatures: vec![],
    };
    let signature = seat.sign(&recovery.digest(suite().hash_fn())).to_bytes();
    recovery.add_signatures([AccountSignatureBytes::try_from(&signature[..]).unwrap()]);
    let account = OwnAccount::new(&*edition().node_key(), &*suite(), scene.ledger.genesis()).unwrap();
    let first = recording(&recovery, &account, suite().hash_fn()).unwrap();
    // It is void above this block: no pool could hold it for another one.
    let limit = first.transaction.fisco().unwrap().request.block_limit;
    assert_eq!(limit, recovery.decides());
    let built = scene
        .assembler
        .build(&scene.ledger, &head, Some(first), &[], &sealer(), 0, &NEVER);
    let (sealed, ..) = built.unwrap();
    let carried = sealed.carried.as_ref().map(|carried| carried.digest);
    assert_eq!(carried, Some(recovery.digest(suite().hash_fn())));
    assert_eq!(sealed.senders, [account.address()]);
    scene.verify(&sealed).unwrap();
}

#[test]
fn a_recovery_that_a_client_sends_is_in_no_block_and_leaves_the_pool() {
    let scene = Scene::new();
    let offered = [unsigned_recovery(&scene)];
    let (ledger, parent) = (&scene.ledger, scene.parent());
    let built = scene
        .assembler
        .build(ledger, &parent, None, &offered, &sealer(), 0, &NEVER);
    let (sealed, leftovers, _) = built.unwrap();
    assert!(sealed.block.transactions.is_empty());
    assert_eq!(leftovers.unusable, [offered[0].transaction.hash()]);
}

#[test]
fn a_block_that_begins_with_a_recovery_that_does_not_count_is_no_block() {
    let scene = Scene::new();
    let first = unsigned_recovery(&scene);
    let (ledger, parent) = (&scene.ledger, scene.parent());
    let built = scene
        .assembler
        .build(ledger, &parent, Some(first), &[], &sealer(), 0, &NEVER);
    let why = built.map(drop).unwrap_err().to_string();
    assert!(
        why.contains("does not count") && why.contains("without a committee"),
        "{why}"
    );
}

/// A transaction in FISCO's format; `data` tells it from another one with the same randomid.
fn fisco(random_id: u64, block_limit: u64, to: TxKind, data: &[u8]) -> Recovered {
    let request = FiscoRequest {
        random_id: U256::from(random_id),
        block_limit,
        to,
        input: Bytes::copy_from_slice(data),
        chain_id: 20_260,
        group_id: 1,
        ..FiscoRequest::default()
    };
    let raw = request
        .signed(FiscoSignature::recoverable(U256::from(1), U256::from(1), false))
        .encode();
    let decoded = Transaction::decode(raw, suite().hash_fn());
    Recovered {
        transaction: Arc::new(decoded.unwrap()),
        sender: ACCOUNT,
    }
}

fn call(random_id: u64, data: &[u8]) -> Recovered {
    fisco(random_id, 500, TxKind::Call(Address::ZERO), data)
}

#[test]
fn a_proposal_that_repeats_a_randomid_of_an_earlier_block_is_refused() {
    let mut scene = Scene::new();
    let sealed = scene.build(&scene.assembler, &[call(7, b""), call(8, b"")]);
    scene.verify(&sealed).unwrap();
    scene.write(sealed);
    for offered in [call(7, b""), call(7, b"another")] {
        let honest = scene.build(&scene.assembler, std::slice::from_ref(&offered));
        assert!(honest.block.transactions.is_empty(), "an honest leader leaves it out");
        let liar = scene.liar(scene.assembler.in_force().config());
        liar.used().forget();
        let proposal = scene.build(&liar, &[offered]);
        assert_eq!(proposal.block.transactions.len(), 1);
        let refused = scene.verify(&proposal).unwrap_err();
        assert!(matches!(refused, AssembleError::Invalid(_)));
        assert!(refused.to_string().contains("randomid already used"), "{refused}");
    }
}

#[test]
fn the_randomids_of_the_last_blocks_are_read_from_the_ledger_after_a_restart() {
    let mut scene = Scene::new();
    for id in 1..=40 {
        let sealed = scene.build(&scene.assembler, &[call(id, b"")]);
        scene.write(sealed);
    }
    let proposal = {
        let liar = scene.liar(scene.assembler.in_force().config());
        liar.used().forget();
        scene.build(&liar, &[call(3, b"again")])
    };
    let Scene {
        folder,
        ledger,
        assembler,
        nonce,
    } = scene;
    drop((ledger, assembler));
    let ledger = open(&folder, &genesis());
    let assembler = Assembler::new(&ledger, suite()).unwrap();
    let scene = Scene {
        folder,
        ledger,
        assembler,
        nonce,
    };
    let refused = scene.verify(&proposal).unwrap_err();
    assert!(refused.to_string().contains("randomid already used"), "{refused}");
    for id in 1..=40 {
        let built = scene.build(&scene.assembler, &[call(id, b"again")]);
        assert!(built.block.transactions.is_empty(), "{id}");
    }
    assert_eq!(
        scene.build(&scene.assembler, &[call(41, b"")]).block.transactions.len(),
        1
    );
}

#[test]
fn a_nonce_that_a_deployment_of_the_same_block_takes_is_no_reason_to_forget_what_follows_it() {
    let scene = Scene::new();
    let mut offered = vec![fisco(1, 500, TxKind::Create, &[])];
    offered.extend(scene.transfers(2));
    let (ledger, parent) = (&scene.ledger, scene.parent());
    let built = scene
        .assembler
        .build(ledger, &parent, None, &offered, &sealer(), 0, &NEVER);
    let (sealed, leftovers, _) = built.unwrap();
    let included: Vec<_> = sealed.block.transactions.iter().map(|t| t.hash()).collect();
    assert_eq!(
        included,
        [&offered[0], &offered[2]].map(|recovered| recovered.transaction.hash())
    );
    assert!(
        leftovers.unusable.is_empty(),
        "nobody knows yet whether this block will be written"
    );
    scene.verify(&sealed).unwrap();
}

#[test]
fn what_can_never_be_in_a_block_leaves_the_pool() {
    let mut scene = Scene::new();
    let sealed = scene.build(&scene.assembler, &[call(7, b"")]);
    scene.write(sealed);
    let offered = [call(7, b""), fisco(8, 1, TxKind::Create, &[]), call(9, b"")];
    let (ledger, parent) = (&scene.ledger, scene.parent());
    let built = scene
        .assembler
        .build(ledger, &parent, None, &offered, &sealer(), 0, &NEVER);
    let (sealed, leftovers, _) = built.unwrap();
    assert_eq!(sealed.block.transactions.len(), 1);
    assert_eq!(
        leftovers.unusable,
        [&offered[0], &offered[1]].map(|recovered| recovered.transaction.hash())
    );
}

#[test]
fn randomids_of_another_height_make_no_block() {
    let mut scene = Scene::new();
    let sealed = scene.build(&scene.assembler, &[call(7, b"")]);
    scene.write(sealed);
    scene.assembler.used().follow(vec![]);
    let built = scene
        .assembler
        .build(&scene.ledger, &scene.parent(), None, &[], &sealer(), 0, &NEVER);
    let why = built.map(drop).unwrap_err();
    assert!(matches!(why, AssembleError::Fatal(_)), "{why}");
}
