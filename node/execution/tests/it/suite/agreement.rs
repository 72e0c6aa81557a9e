//! Builder and verifier agree bit for bit, and a block does what its transactions would do one block each.

use althing_execution::memory::MemoryState;
use althing_execution::{BlockBuilder, BlockContext, Limits, PushOutcome, execute_block};
use althing_types::{Receipt, Recovered};
use proptest::prelude::*;

use super::support::*;

/// A state with something of everything.
fn state() -> MemoryState {
    let proxy_to_store = proxy(place(1));
    let mut state = state_with(&[
        (place(1), STORE),
        (place(2), REVERTER),
        (place(3), LOOP),
        (place(4), FACTORY),
        (place(5), DESTROYER),
        (place(6), &proxy_to_store),
        (place(7), &proxy(place(4))),
        (place(8), &proxy(place(5))),
    ]);
    for n in 1..=4 {
        fund(&mut state, sender(n), 1000);
    }
    state
}

/// Initialisation codes: a contract, one that destroys itself after a write, one that fails, one that will destroy itself.
fn init(n: u8) -> Vec<u8> {
    match n % 4 {
        0 => init_code(STORE),
        1 => alloy_primitives::hex!("600160015533ff").to_vec(),
        2 => REVERTER.to_vec(),
        _ => init_code(DESTROYER),
    }
}

/// One attempt: who, what, with which numbers, how much gas, and an error in the nonce now and then.
#[derive(Clone, Debug)]
struct Attempt {
    from: u8,
    target: u8,
    a: u64,
    b: u64,
    flag: u64,
    gas: u64,
    nonce_error: i8,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let gas = prop_oneof![Just(30_000_u64), Just(60_000), Just(200_000), Just(900_000)];
    let nonce_error = prop_oneof![8 => Just(0_i8), 1 => Just(1), 1 => Just(-1)];
    (1..=4_u8, 0..=14_u8, 0..4_u64, 0..4_u64, 0..2_u64, gas, nonce_error).prop_map(
        |(from, target, a, b, flag, gas, nonce_error)| Attempt {
            from,
            target,
            a,
            b,
            flag,
            gas,
            nonce_error,
        },
    )
}

impl Attempt {
    fn make(&self, nonce: u64) -> Recovered {
        let from = sender(self.from);
        let nonce = nonce.saturating_add_signed(i64::from(self.nonce_error));
        let stored = words(&[self.a, self.b, self.flag]);
        let made = [&word(self.a)[..], &init(self.b as u8)].concat();
        let tx = match self.target {
            1 | 2 | 3 | 6 => Tx::call(from, nonce, place(self.target), stored),
            4 | 7 => Tx::call(from, nonce, place(self.target), made),
            5 | 8 => Tx::call(from, nonce, place(self.target), stored),
            // Contracts that creations below may have made, and the destroyer's value.
            9 => Tx::call(from, nonce, created2(place(4), word(self.a), &init(0)), stored),
            10 => Tx::call(from, nonce, created2(place(4), word(self.a), &init(3)), stored),
            11 => Tx::create(from, nonce, init(self.b as u8)),
            12 => Tx::call(from, nonce, sender(1 + self.a as u8), Vec::new()).value(self.b * 400),
            13 => Tx::call(from, nonce, created2(place(4), word(self.a), &init(1)), Vec::new()).value(self.b),
            _ => Tx::call(from, nonce, place(20), Vec::new()),
        };
        tx.gas(self.gas).make()
    }
}

fn build(
    state: &MemoryState,
    context: &BlockContext,
    attempts: &[Attempt],
) -> (Vec<Recovered>, althing_execution::Executed) {
    let rules = rules();
    let mut builder = BlockBuilder::new(&rules, state, &NONE_USED, context, &NEVER);
    let mut nonces = [0_u64; 5];
    for attempt in attempts {
        let nonce = &mut nonces[usize::from(attempt.from)];
        if let PushOutcome::Included { .. } = builder.try_push(&attempt.make(*nonce)).unwrap() {
            *nonce += 1;
        }
    }
    builder.finish()
}

/// A receipt without its place in the block.
fn alone(receipt: &Receipt) -> Receipt {
    Receipt {
        cumulative_gas_used: receipt.gas_used,
        ..receipt.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn builder_and_verifier_agree_bit_for_bit(
        attempts in proptest::collection::vec(attempt(), 1..40),
        gas in prop_oneof![Just(1_000_000_u64), Just(2_500_000), Just(GAS)],
    ) {
        let state = state();
        let context = BlockContext { limits: Limits { gas, ..LIMITS }, ..context(1) };
        let (transactions, built) = build(&state, &context, &attempts);
        let verified = execute_block(&rules(), &state, &NONE_USED, &context, &transactions, &NEVER).unwrap();
        prop_assert_eq!(&built, &verified);
        prop_assert!(built.gas_used <= gas);
    }

    #[test]
    fn a_block_does_what_its_transactions_do_one_block_each(
        attempts in proptest::collection::vec(attempt(), 1..25),
    ) {
        let (transactions, together) = build(&state(), &context(1), &attempts);
        let mut after = state();
        after.apply(&together.changes);
        let mut step = state();
        for (transaction, receipt) in transactions.iter().zip(&together.receipts) {
            let executed = execute(&step, std::slice::from_ref(transaction)).unwrap();
            prop_assert_eq!(&executed.receipts[0], &alone(receipt));
            step.apply(&executed.changes);
        }
        prop_assert_eq!(step, after);
    }
}
