//! Nothing that was not signed holds, and no bytes make a decoder panic. `--example torture` tries as many cases as one likes.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::cases::Cases;

static CASES: LazyLock<Cases> = LazyLock::new(Cases::new);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_hostile_bytes_are_accepted_or_panic(number: u64) {
        prop_assert_eq!(CASES.try_case(number), Ok(()));
    }
}
