//! Points of the SM2 curve y² = x³ − 3x + b, and s·G + t·P of them, for verification alone: see [`super::field`].
//!
//! A point (x, y) is kept as (x·z², y·z³, z); z = 0 is infinity. Formulas: dbl-2001-b, madd and add of the Explicit-Formulas Database.

use std::sync::LazyLock;

use alloy_primitives::{U256, uint};

use super::field::Fe;

/// b of the curve (GB/T 32918.5).
const B: U256 = uint!(0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93_U256);
/// The generator (GB/T 32918.5).
const GENERATOR: (U256, U256) = (
    uint!(0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7_U256),
    uint!(0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0_U256),
);
/// Bits of the digits that the generator is multiplied by: its multiples are there before.
const GENERATOR_WIDTH: usize = 9;
/// Bits of the digits that a key is multiplied by: its multiples are made each time.
const KEY_WIDTH: usize = 5;
/// Digits of a number of 256 bits: one more, for the last carry.
const DIGITS: usize = 257;

/// A point, not infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    x: Fe,
    y: Fe,
}

/// A point.
#[derive(Clone, Copy, Debug)]
struct Jacobian {
    x: Fe,
    y: Fe,
    z: Fe,
}

/// A point that is added often: z² and z³ beside it.
#[derive(Clone, Copy, Debug)]
struct Multiple {
    point: Jacobian,
    z2: Fe,
    z3: Fe,
}

/// The generator times 1, 3, 5 and so on.
static GENERATOR_MULTIPLES: LazyLock<Vec<Affine>> = LazyLock::new(|| {
    let generator = Affine::new(GENERATOR.0, GENERATOR.1);
    let multiples = generator.map(|point| point.odd_multiples(1 << (GENERATOR_WIDTH - 2)));
    multiples
        .into_iter()
        .flatten()
        .map(|multiple| multiple.point.affine())
        .collect()
});

impl Affine {
    /// A point of the curve; none where these are the coordinates of no point.
    pub(super) fn new(x: U256, y: U256) -> Option<Self> {
        let (x, y) = (Fe::new(x)?, Fe::new(y)?);
        let three = Fe::ONE.double().add(&Fe::ONE);
        let right = x.square().sub(&three).mul(&x).add(&Fe::new(B)?);
        (y.square() == right).then_some(Self { x, y })
    }

    const fn jacobian(self) -> Jacobian {
        let (x, y, z) = (self.x, self.y, Fe::ONE);
        Jacobian { x, y, z }
    }

    /// It times 1, 3, 5 and so on.
    fn odd_multiples(self, count: usize) -> Vec<Multiple> {
        let first = Multiple::of(self.jacobian());
        let twice = Multiple::of(self.jacobian().double());
        let next = |before: &Multiple| Some(Multiple::of(before.point.add(&twice)));
        std::iter::successors(Some(first), next).take(count).collect()
    }
}

impl Multiple {
    fn of(point: Jacobian) -> Self {
        let z2 = point.z.square();
        Self {
            point,
            z2,
            z3: z2.mul(&point.z),
        }
    }
}

impl Jacobian {
    const INFINITY: Self = Self {
        x: Fe::ONE,
        y: Fe::ONE,
        z: Fe::ZERO,
    };

    fn affine(&self) -> Affine {
        let inverse = self.z.invert();
        let square = inverse.square();
        Affine {
            x: self.x.mul(&square),
            y: self.y.mul(&square).mul(&inverse),
        }
    }

    fn double(&self) -> Self {
        let delta = self.z.square();
        let gamma = self.y.square();
        let beta4 = self.x.mul(&gamma).double().double();
        let third = self.x.sub(&delta).mul(&self.x.add(&delta));
        let alpha = third.double().add(&third);
        let x = alpha.square().sub(&beta4.double());
        let z = self.y.add(&self.z).square().sub(&gamma).sub(&delta);
        let gamma_square_8 = gamma.square().double().double().double();
        let y = alpha.mul(&beta4.sub(&x)).sub(&gamma_square_8);
        Self { x, y, z }
    }

    fn add_affine(&self, other: &Affine) -> Self {
        if self.z.is_zero() {
            return other.jacobian();
        }
        let z2 = self.z.square();
        let x = other.x.mul(&z2);
        let y = other.y.mul(&z2).mul(&self.z);
        self.add_scaled((self.x, self.y), (x, y), self.z)
    }

    fn add(&self, other: &Multiple) -> Self {
        if self.z.is_zero() {
            return other.point;
        }
        if other.point.z.is_zero() {
            return *self;
        }
        let z2 = self.z.square();
        let own = (self.x.mul(&other.z2), self.y.mul(&other.z3));
        let others = (other.point.x.mul(&z2), other.point.y.mul(&z2).mul(&self.z));
        self.add_scaled(own, others, self.z.mul(&other.point.z))
    }

    /// The sum of two points, neither of them infinity, that were brought to the same z; the first is this one.
    fn add_scaled(&self, (x1, y1): (Fe, Fe), (x2, y2): (Fe, Fe), z: Fe) -> Self {
        let (h, r) = (x2.sub(&x1), y2.sub(&y1));
        if h.is_zero() {
            return match r.is_zero() {
                true => self.double(),
                false => Self::INFINITY,
            };
        }
        let h2 = h.square();
        let h3 = h2.mul(&h);
        let v = x1.mul(&h2);
        let x = r.square().sub(&h3).sub(&v.double());
        let y = r.mul(&v.sub(&x)).sub(&y1.mul(&h3));
        Self { x, y, z: z.mul(&h) }
    }
}

/// Whether x is the first coordinate of s·G + t·P, modulo the order of the curve. Infinity has none.
pub(super) fn has_x(s: U256, t: U256, key: Affine, x: U256, order: U256) -> bool {
    let sum = multiply_and_add(s, t, key);
    if sum.z.is_zero() {
        return false;
    }
    let z2 = sum.z.square();
    let is_it = |x: U256| Fe::new(x).is_some_and(|x| x.mul(&z2) == sum.x);
    // A coordinate is below the prime, which is above the order: two of them may be the same modulo the order.
    is_it(x) || x.checked_add(order).is_some_and(is_it)
}

/// s·G + t·P: the doublings are done once for both (Straus), and digits that are zero cost nothing.
fn multiply_and_add(s: U256, t: U256, key: Affine) -> Jacobian {
    let of_generator = digits::<GENERATOR_WIDTH>(s);
    let of_key = digits::<KEY_WIDTH>(t);
    let key_multiples = key.odd_multiples(1 << (KEY_WIDTH - 2));
    let mut sum = Jacobian::INFINITY;
    for (of_generator, of_key) in of_generator.iter().zip(&of_key).rev() {
        if !sum.z.is_zero() {
            sum = sum.double();
        }
        if let Some(multiple) = multiple_of(*of_generator, &GENERATOR_MULTIPLES) {
            let y = if *of_generator < 0 {
                multiple.y.neg()
            } else {
                multiple.y
            };
            sum = sum.add_affine(&Affine { x: multiple.x, y });
        }
        if let Some(multiple) = multiple_of(*of_key, &key_multiples) {
            let mut multiple = *multiple;
            if *of_key < 0 {
                multiple.point.y = multiple.point.y.neg();
            }
            sum = sum.add(&multiple);
        }
    }
    sum
}

/// The multiple that a digit says, whatever its sign; none for zero.
fn multiple_of<T>(digit: i16, odd_multiples: &[T]) -> Option<&T> {
    match digit {
        0 => None,
        digit => odd_multiples.get(usize::from(digit.unsigned_abs() / 2)),
    }
}

/// A number as digits, the lowest first: zero, or odd and below 2^(WIDTH − 1) on either side, and of WIDTH in a row at most one is not
/// zero (the width-w non-adjacent form).
fn digits<const WIDTH: usize>(number: U256) -> [i16; DIGITS] {
    let mut digits = [0; DIGITS];
    let (mut position, mut carry) = (0, 0);
    while position < DIGITS {
        if u64::from(position < 256 && number.bit(position)) == carry {
            position += 1;
            continue;
        }
        let rest = if position < 256 { number >> position } else { U256::ZERO };
        let window = (rest.as_limbs()[0] & ((1 << WIDTH) - 1)) + carry;
        carry = window >> (WIDTH - 1);
        let digit = window as i16 - ((carry as i16) << WIDTH);
        if let Some(place) = digits.get_mut(position) {
            *place = digit;
        }
        position += WIDTH;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sm2::elliptic_curve::ops::Reduce;
    use sm2::elliptic_curve::point::AffineCoordinates;
    use sm2::elliptic_curve::sec1::ToSec1Point;
    use sm2::{FieldBytes, ProjectivePoint, Scalar};

    use super::*;
    use crate::curve::SM2_ORDER;

    fn scalar(number: U256) -> Scalar {
        Scalar::reduce(&FieldBytes::from(number.to_be_bytes::<32>()))
    }

    fn key(secret: U256) -> (Affine, ProjectivePoint) {
        let point = ProjectivePoint::GENERATOR * scalar(secret);
        let encoded = point.to_affine().to_sec1_point(false);
        let half = |at: usize| U256::from_be_slice(&encoded.as_bytes()[at..at + 32]);
        (Affine::new(half(1), half(33)).unwrap(), point)
    }

    fn number() -> impl Strategy<Value = U256> {
        let whole = prop::array::uniform4(any::<u64>()).prop_map(|words| U256::from_limbs(words) % SM2_ORDER);
        let small = (0..40_u64).prop_map(U256::from);
        let large = (1..40_u64).prop_map(|less| SM2_ORDER - U256::from(less));
        let bit = (0..255_usize, any::<bool>()).prop_map(|(bit, less)| (U256::from(1) << bit) - U256::from(less));
        prop_oneof![4 => whole, 1 => small, 1 => large, 2 => bit]
    }

    fn x_of(point: &ProjectivePoint) -> Option<U256> {
        let is_infinity = *point == ProjectivePoint::IDENTITY;
        (!is_infinity).then(|| U256::from_be_slice(&point.to_affine().x()))
    }

    #[test]
    fn what_is_on_no_curve_is_no_point() {
        let (x, y) = GENERATOR;
        assert!(Affine::new(x, y).is_some());
        assert!(Affine::new(x, y + U256::from(1)).is_none());
        assert!(Affine::new(U256::ZERO, U256::ZERO).is_none());
        assert!(Affine::new(U256::MAX, y).is_none());
    }

    #[test]
    fn digits_say_the_number_and_are_far_from_each_other() {
        for number in [U256::ZERO, U256::from(1), U256::MAX, SM2_ORDER, U256::from(1) << 255] {
            for digits in [
                digits::<GENERATOR_WIDTH>(number).to_vec(),
                digits::<KEY_WIDTH>(number).to_vec(),
            ] {
                // Horner's rule modulo 2^256, whose last carry is 2^256.
                let say = |sum: U256, digit: &i16| {
                    let term = U256::from(digit.unsigned_abs());
                    let twice = sum.wrapping_add(sum);
                    if *digit < 0 {
                        twice.wrapping_sub(term)
                    } else {
                        twice.wrapping_add(term)
                    }
                };
                assert_eq!(digits.iter().rev().fold(U256::ZERO, say), number);
                assert!(digits.iter().all(|digit| *digit == 0 || digit % 2 != 0));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The keys are small multiples of the generator often enough, so that sums meet the same point, its opposite and infinity.
        #[test]
        fn sums_of_multiples_are_the_library_s(s in number(), t in number(), secret in number()) {
            prop_assume!(!secret.is_zero());
            let (key, point) = key(secret);
            let expected = ProjectivePoint::GENERATOR * scalar(s) + point * scalar(t);
            match x_of(&expected) {
                None => prop_assert!(multiply_and_add(s, t, key).z.is_zero()),
                Some(x) => {
                    let sum = multiply_and_add(s, t, key).affine();
                    let encoded = expected.to_affine().to_sec1_point(false);
                    prop_assert_eq!(sum.x.number(), x);
                    prop_assert_eq!(sum.y.number(), U256::from_be_slice(&encoded.as_bytes()[33..]));
                    let reduced = x % SM2_ORDER;
                    prop_assert!(has_x(s, t, key, reduced, SM2_ORDER));
                    prop_assert!(!has_x(s, t, key, reduced ^ U256::from(1), SM2_ORDER));
                }
            }
        }
    }
}
