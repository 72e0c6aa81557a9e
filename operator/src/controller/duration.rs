//! Durations as manifests write them: `3s`, `300ms`, `87600h`, `1h30m`, `10d`.

use jiff::SignedDuration;

use super::{Hold, Outcome};

/// Reads a duration of at least `from` and at most `to`; `field` is for the error.
pub fn parse(field: &str, text: &str, from: SignedDuration, to: SignedDuration) -> Outcome<SignedDuration> {
    let accepted = || format!("a duration from {from:#} to {to:#}, such as 3s, 300ms, 1h30m, 10d");
    let duration = milliseconds(text).map(SignedDuration::from_millis);
    let duration = duration.filter(|duration| (from..=to).contains(duration));
    duration.ok_or_else(|| Hold::field(field, format!("{text:?}"), &accepted()))
}

fn milliseconds(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let unit = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let table = [
            ("3s", 3000),
            ("300ms", 300),
            ("1h30m", 5_400_000),
            ("10d", 864_000_000),
            ("87600h", 315_360_000_000),
        ];
        for (text, expected) in table {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "3",
            "s",
            "3x",
            "3 s",
            "-3s",
            "99999999999999999999s",
            "9223372036854775807d",
        ] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_out_of_range_names_the_field_and_the_range() {
        let error = parse(
            "spec.x",
            "1ms",
            SignedDuration::from_secs(1),
            SignedDuration::from_secs(60),
        )
        .unwrap_err();
        let Hold::Wrong(obstacle) = error else {
            panic!("a wrong spec is wrong")
        };
        assert!(
            obstacle.message.contains("spec.x") && obstacle.message.contains("1ms"),
            "{}",
            obstacle.message
        );
    }
}
