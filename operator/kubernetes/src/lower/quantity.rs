//! Kubernetes quantities, compared by value: `1000m` is `1`, `1Gi` is `1073741824`.

use std::cmp::Ordering;

/// The exponents of decimal suffixes; nano is the finest there is.
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
/// The powers of 1024 of binary suffixes.
const BINARY: [(&str, u32); 6] = [("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];
/// Digits of a number that can be compared without overflow.
const DIGITS_MAX: usize = 18;

/// The value of a quantity in thousand-millionths, rounded up as the API server does; none when the text is no quantity.
fn nanos(text: &str) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > DIGITS_MAX {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let exponent = 9 - i32::try_from(fraction.len()).ok()?;
    let value = match BINARY.iter().find(|(known, _)| *known == suffix) {
        Some((_, power)) => scaled(digits.checked_mul(1024_i128.checked_pow(*power)?)?, exponent)?,
        None => scaled(digits, exponent.checked_add(decimal_exponent(suffix)?)?)?,
    };
    Some(if negative { -value } else { value })
}

fn decimal_exponent(suffix: &str) -> Option<i32> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some(*exponent);
    }
    let number = suffix.strip_prefix('e').or_else(|| suffix.strip_prefix('E'))?;
    number
        .parse::<i32>()
        .ok()
        .filter(|exponent| (-30..=30).contains(exponent))
}

/// `value · 10^exponent`, rounded up.
fn scaled(value: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    match exponent < 0 {
        true => Some(value / power + i128::from(value % power != 0)),
        false => value.checked_mul(power),
    }
}

/// How two quantities compare; none when either is no quantity.
pub(crate) fn compare(one: &str, other: &str) -> Option<Ordering> {
    Some(nanos(one)?.cmp(&nanos(other)?))
}

/// Whether two texts are the same quantity.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || compare(one, other) == Some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_compared_by_value() {
        for (one, other) in [
            ("1000m", "1"),
            ("1Gi", "1073741824"),
            ("1Gi", "1024Mi"),
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("2k", "2000"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("1E", "1000P"),
            (".5", "0.5"),
            ("+1", "1"),
            ("0", "0Gi"),
            ("100u", "0.1m"),
        ] {
            assert!(is_same(one, other), "{one} = {other}");
        }
        for (less, more) in [
            ("999m", "1"),
            ("1G", "1Gi"),
            ("-1", "0"),
            ("10Gi", "11Gi"),
            ("1n", "1u"),
        ] {
            assert_eq!(compare(less, more), Some(Ordering::Less), "{less} < {more}");
        }
    }

    #[test]
    fn what_is_no_quantity_equals_only_itself() {
        for text in [
            "",
            "Gi",
            "1 Gi",
            "1Zi",
            "1.2.3",
            "e3",
            "1e99",
            "--1",
            "1000000000000000000000",
        ] {
            assert_eq!(nanos(text), None, "{text}");
            assert!(is_same(text, text) && !is_same(text, "1"));
        }
    }
}
