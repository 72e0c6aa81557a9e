//! Numbers modulo the prime of the SM2 curve, for verification alone: how long it takes depends on the numbers, so nothing secret may
//! come here.
//!
//! A number x is kept as x·2^256 (P. Montgomery, "Modular multiplication without trial division", 1985). The prime is
//! 2^256 − 2^224 − 2^96 + 2^64 − 1, which is −1 modulo 2^64: a step of the reduction adds the prime times the lowest word, and that is
//! shifts and additions.

use alloy_primitives::U256;

use crate::curve::SM2_PRIME;

/// The prime, lowest word first.
const PRIME: [u64; 4] = SM2_PRIME.into_limbs();
/// 2^512 modulo the prime: what takes a number to its form here.
const INTO_FORM: Fe = Fe([
    0x0000_0002_0000_0003,
    0x0000_0002_ffff_ffff,
    0x0000_0001_0000_0001,
    0x0000_0004_0000_0002,
]);

/// A number below the prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fe([u64; 4]);

impl Fe {
    pub(super) const ZERO: Self = Self([0; 4]);
    /// 2^256 modulo the prime.
    pub(super) const ONE: Self = Self([1, 0x0000_0000_ffff_ffff, 0, 0x0000_0001_0000_0000]);

    /// A number; none where it is not below the prime.
    pub(super) fn new(number: U256) -> Option<Self> {
        (number < SM2_PRIME).then(|| Self(*number.as_limbs()).mul(&INTO_FORM))
    }

    /// The number.
    #[cfg(test)]
    pub(super) fn number(&self) -> U256 {
        U256::from_limbs(self.mul(&Self([1, 0, 0, 0])).0)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0 == [0; 4]
    }

    #[inline]
    pub(super) fn add(&self, other: &Self) -> Self {
        let (sum, carry) = add_words(&self.0, &other.0);
        Self(below_prime(sum, carry))
    }

    #[inline]
    pub(super) fn double(&self) -> Self {
        self.add(self)
    }

    #[inline]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = sub_words(&self.0, &other.0);
        match borrow {
            0 => Self(difference),
            _ => Self(add_words(&difference, &PRIME).0),
        }
    }

    #[inline]
    pub(super) fn neg(&self) -> Self {
        Self::ZERO.sub(self)
    }

    #[inline]
    pub(super) fn mul(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        let (t0, carry) = mac(0, a[0], b[0], 0);
        let (t1, carry) = mac(0, a[0], b[1], carry);
        let (t2, carry) = mac(0, a[0], b[2], carry);
        let (t3, t4) = mac(0, a[0], b[3], carry);
        let (t1, carry) = mac(t1, a[1], b[0], 0);
        let (t2, carry) = mac(t2, a[1], b[1], carry);
        let (t3, carry) = mac(t3, a[1], b[2], carry);
        let (t4, t5) = mac(t4, a[1], b[3], carry);
        let (t2, carry) = mac(t2, a[2], b[0], 0);
        let (t3, carry) = mac(t3, a[2], b[1], carry);
        let (t4, carry) = mac(t4, a[2], b[2], carry);
        let (t5, t6) = mac(t5, a[2], b[3], carry);
        let (t3, carry) = mac(t3, a[3], b[0], 0);
        let (t4, carry) = mac(t4, a[3], b[1], carry);
        let (t5, carry) = mac(t5, a[3], b[2], carry);
        let (t6, t7) = mac(t6, a[3], b[3], carry);
        reduce([t0, t1, t2, t3, t4, t5, t6, t7])
    }

    #[inline]
    pub(super) fn square(&self) -> Self {
        let a = &self.0;
        // What stands beside the diagonal, once.
        let (t1, carry) = mac(0, a[0], a[1], 0);
        let (t2, carry) = mac(0, a[0], a[2], carry);
        let (t3, t4) = mac(0, a[0], a[3], carry);
        let (t3, carry) = mac(t3, a[1], a[2], 0);
        let (t4, t5) = mac(t4, a[1], a[3], carry);
        let (t5, t6) = mac(t5, a[2], a[3], 0);
        // Twice, and the diagonal.
        let t7 = t6 >> 63;
        let t6 = t6 << 1 | t5 >> 63;
        let t5 = t5 << 1 | t4 >> 63;
        let t4 = t4 << 1 | t3 >> 63;
        let t3 = t3 << 1 | t2 >> 63;
        let t2 = t2 << 1 | t1 >> 63;
        let t1 = t1 << 1;
        let (t0, carry) = mac(0, a[0], a[0], 0);
        let (t1, carry) = adc(t1, 0, carry);
        let (t2, carry) = mac(t2, a[1], a[1], carry);
        let (t3, carry) = adc(t3, 0, carry);
        let (t4, carry) = mac(t4, a[2], a[2], carry);
        let (t5, carry) = adc(t5, 0, carry);
        let (t6, carry) = mac(t6, a[3], a[3], carry);
        let (t7, _) = adc(t7, 0, carry);
        reduce([t0, t1, t2, t3, t4, t5, t6, t7])
    }

    /// One divided by it; zero of zero. By Fermat: x^(p − 2).
    pub(super) fn invert(&self) -> Self {
        let exponent = SM2_PRIME - U256::from(2);
        let bits = (0..256).rev().map(|bit| exponent.bit(bit));
        bits.fold(Self::ONE, |power, is_set| {
            let squared = power.square();
            if is_set { squared.mul(self) } else { squared }
        })
    }
}

/// a + b·c + carry, which two words hold.
#[inline]
const fn mac(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let sum = a as u128 + b as u128 * c as u128 + carry as u128;
    (sum as u64, (sum >> 64) as u64)
}

/// a + b + carry.
#[inline]
const fn adc(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = a as u128 + b as u128 + carry as u128;
    (sum as u64, (sum >> 64) as u64)
}

/// a − b − borrow, and whether it borrows: 0 or 1.
#[inline]
const fn sbb(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let difference = (a as u128).wrapping_sub(b as u128).wrapping_sub(borrow as u128);
    (difference as u64, (difference >> 127) as u64)
}

#[inline]
const fn add_words(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let (w0, carry) = adc(a[0], b[0], 0);
    let (w1, carry) = adc(a[1], b[1], carry);
    let (w2, carry) = adc(a[2], b[2], carry);
    let (w3, carry) = adc(a[3], b[3], carry);
    ([w0, w1, w2, w3], carry)
}

#[inline]
const fn sub_words(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let (w0, borrow) = sbb(a[0], b[0], 0);
    let (w1, borrow) = sbb(a[1], b[1], borrow);
    let (w2, borrow) = sbb(a[2], b[2], borrow);
    let (w3, borrow) = sbb(a[3], b[3], borrow);
    ([w0, w1, w2, w3], borrow)
}

/// A sum below twice the prime, and its carry, below the prime.
#[inline]
const fn below_prime(sum: [u64; 4], carry: u64) -> [u64; 4] {
    let (less, borrow) = sub_words(&sum, &PRIME);
    if carry >= borrow { less } else { sum }
}

/// Divides a product by 2^256. Each of four steps makes the lowest word zero by adding the prime as often as that word says, q times:
/// q·(2^256 − 2^224 − 2^96 + 2^64 − 1) is −q there and q·(2^192 − 2^160 − 2^32 + 1) in the words above.
#[inline]
const fn reduce(t: [u64; 8]) -> Fe {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = t;
    let (w, over0) = step(t0, [t1, t2, t3, t4], 0);
    let (w, over1) = step(w[0], [w[1], w[2], w[3], t5], over0);
    let (w, over2) = step(w[0], [w[1], w[2], w[3], t6], over1);
    let (w, over3) = step(w[0], [w[1], w[2], w[3], t7], over2);
    Fe(below_prime(w, over3))
}

/// Four words with what one step adds to them, and what goes over. `over` is what went over before, and belongs to the last of them.
#[inline]
const fn step(q: u64, words: [u64; 4], over: u64) -> ([u64; 4], u64) {
    let (low, high) = (q << 32, q >> 32);
    let (d0, borrow) = sbb(q, low, 0);
    let (d1, borrow) = sbb(0, high, borrow);
    let (d2, borrow) = sbb(0, low, borrow);
    let (d3, _) = sbb(q, high, borrow);
    let (w0, carry) = adc(words[0], d0, 0);
    let (w1, carry) = adc(words[1], d1, carry);
    let (w2, carry) = adc(words[2], d2, carry);
    let last = words[3] as u128 + d3 as u128 + carry as u128 + over as u128;
    ([w0, w1, w2, last as u64], (last >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any number, and often one at an edge of its words.
    fn number() -> impl Strategy<Value = U256> {
        let word = prop_oneof![
            any::<u64>(),
            Just(0),
            Just(1),
            Just(u64::MAX),
            Just(u64::MAX - 1),
            Just(0xffff_ffff_0000_0000),
            Just(0xffff_fffe_ffff_ffff),
        ];
        let any = prop::array::uniform4(word).prop_map(U256::from_limbs);
        let edge = (0..4_u64).prop_map(|less| SM2_PRIME - U256::from(less + 1));
        prop_oneof![9 => any, 1 => edge].prop_map(|number| number % SM2_PRIME)
    }

    #[test]
    fn what_is_not_below_the_prime_is_no_number() {
        assert_eq!(Fe::new(SM2_PRIME), None);
        assert_eq!(Fe::new(U256::MAX), None);
        assert_eq!(Fe::new(U256::ZERO), Some(Fe::ZERO));
        assert_eq!(Fe::new(U256::from(1)), Some(Fe::ONE));
        assert!(Fe::ZERO.invert().is_zero());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_field_counts_as_plain_numbers_do(a in number(), b in number()) {
            let (x, y) = (Fe::new(a).unwrap(), Fe::new(b).unwrap());
            prop_assert_eq!(x.number(), a);
            prop_assert_eq!(x.mul(&y).number(), a.mul_mod(b, SM2_PRIME));
            prop_assert_eq!(x.square().number(), a.mul_mod(a, SM2_PRIME));
            prop_assert_eq!(x.add(&y).number(), a.add_mod(b, SM2_PRIME));
            prop_assert_eq!(x.double().number(), a.add_mod(a, SM2_PRIME));
            prop_assert_eq!(x.sub(&y).number(), a.add_mod(SM2_PRIME - b, SM2_PRIME));
            prop_assert_eq!(x.neg().add(&x), Fe::ZERO);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_number_times_what_inverts_it_is_one(a in number()) {
            let x = Fe::new(a).unwrap();
            prop_assume!(!x.is_zero());
            prop_assert_eq!(x.mul(&x.invert()), Fe::ONE);
        }
    }
}
