//! Positional parameters, read one by one so that an error names the one that is wrong.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::RpcError;

/// The parameters of one request. Missing, `null` and `[]` are the same.
#[derive(Debug)]
pub(crate) struct Arguments<'a>(Vec<&'a RawValue>);

impl<'a> Arguments<'a> {
    /// Splits the parameters.
    pub(crate) fn parse(raw: Option<&'a str>) -> Result<Self, RpcError> {
        match raw.map(str::trim) {
            None | Some("" | "null" | "[]") => Ok(Self(Vec::new())),
            Some(list) => serde_json::from_str(list)
                .map(Self)
                .map_err(|_| RpcError::invalid("invalid params: an array of positional parameters is accepted")),
        }
    }

    /// A parameter that must be there.
    pub(crate) fn required<T: Deserialize<'a>>(&self, index: usize, name: &str) -> Result<T, RpcError> {
        let raw = self
            .0
            .get(index)
            .ok_or_else(|| RpcError::invalid(format!("missing value for required argument {index} ({name})")))?;
        read(raw, index, name)
    }

    /// A parameter that may be missing or `null`.
    pub(crate) fn optional<T: Deserialize<'a>>(&self, index: usize, name: &str) -> Result<Option<T>, RpcError> {
        match self.0.get(index) {
            None => Ok(None),
            Some(raw) if raw.get() == "null" => Ok(None),
            Some(raw) => read(raw, index, name).map(Some),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, index: usize, name: &str) -> Result<T, RpcError> {
    serde_json::from_str(raw.get()).map_err(|e| RpcError::invalid(format!("invalid argument {index} ({name}): {e}")))
}

/// How deep arrays and objects nest in a JSON text.
pub(crate) fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_null_and_empty_parameters_are_the_same() {
        for raw in [None, Some("null"), Some("[]"), Some(" [] ")] {
            assert_eq!(Arguments::parse(raw).unwrap().optional::<u64>(0, "n").unwrap(), None);
        }
        assert!(Arguments::parse(Some("{\"n\":1}")).is_err());
    }

    #[test]
    fn an_error_names_the_parameter() {
        let arguments = Arguments::parse(Some("[true]")).unwrap();
        let missing = arguments.required::<u64>(1, "block").unwrap_err();
        assert_eq!(missing.message, "missing value for required argument 1 (block)");
        let wrong = arguments.required::<u64>(0, "number").unwrap_err();
        assert!(
            wrong.message.starts_with("invalid argument 0 (number): "),
            "{}",
            wrong.message
        );
    }

    #[test]
    fn nesting_ignores_brackets_in_strings() {
        assert_eq!(nesting(r#"["[[[", "\"[", {"a":[1]}]"#), 3);
        assert_eq!(nesting("1"), 0);
        assert_eq!(nesting(&"[".repeat(5000)), 5000);
    }
}
