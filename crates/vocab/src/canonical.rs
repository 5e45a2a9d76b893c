//! The canonical form of JSON: RFC 8785 (JCS), narrowed to what every reader understands alike.
//!
//! RFC 8785 writes numbers as IEEE 754 doubles, so integers beyond 2^53 would round without a word
//! and two different arguments could share one digest. They are refused here instead.

use serde_json::Value;

use crate::Digest;

/// The largest magnitude of an integer that every JSON reader keeps exactly: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// An integer that a double can't hold.
    #[error("the number `{0}` is beyond 2^53 and would be rounded; write it as a string")]
    NumberTooLarge(String),
    /// Deeper than [`crate::limits::JSON_DEPTH_MAX`].
    #[error("nested deeper than {} levels", crate::limits::JSON_DEPTH_MAX)]
    TooDeep,
    /// The writer refused it.
    #[error("the value has no canonical form")]
    Write(#[source] std::io::Error),
}

/// The canonical text of a value.
///
/// # Errors
/// Numbers beyond 2^53 and values that are nested too deeply.
pub fn to_string(value: &Value) -> Result<String, CanonicalError> {
    check(value, crate::limits::JSON_DEPTH_MAX)?;
    serde_json_canonicalizer::to_string(value)
        .map_err(|error| CanonicalError::Write(std::io::Error::other(error)))
}

/// The SHA-256 digest of the canonical text.
///
/// # Errors
/// As [`to_string`].
pub fn digest(value: &Value) -> Result<Digest, CanonicalError> {
    Ok(Digest::of(to_string(value)?.as_bytes()))
}

fn check(value: &Value, depth_left: usize) -> Result<(), CanonicalError> {
    if depth_left == 0 {
        return Err(CanonicalError::TooDeep);
    }
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => check_number(number),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check(item, depth_left - 1)),
        Value::Object(members) => members
            .values()
            .try_for_each(|member| check(member, depth_left - 1)),
    }
}

fn check_number(number: &serde_json::Number) -> Result<(), CanonicalError> {
    let magnitude = match (number.as_u64(), number.as_i64()) {
        (Some(unsigned), _) => unsigned,
        (None, Some(signed)) => signed.unsigned_abs(),
        // A double: whatever digits it was written with, it is the double already.
        (None, None) => 0,
    };
    let whole_double = number.as_f64().is_some_and(|double| {
        #[expect(clippy::cast_precision_loss, reason = "the bound itself is exact")]
        let bound = INTEGER_MAX as f64;
        number.is_f64() && double.abs() > bound && double.fract() == 0.0
    });
    if magnitude > INTEGER_MAX || whole_double {
        return Err(CanonicalError::NumberTooLarge(number.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_sorted_and_numbers_have_one_spelling() {
        let value = json!({"b": 1.0, "a": [true, null, "é\u{1}"], "A": 1e3});
        assert_eq!(
            to_string(&value).unwrap(),
            r#"{"A":1000,"a":[true,null,"é\u0001"],"b":1}"#
        );
    }

    #[test]
    fn integers_that_would_round_are_refused_and_the_largest_exact_one_is_not() {
        assert!(to_string(&json!(9_007_199_254_740_991_i64)).is_ok());
        assert!(to_string(&json!(-9_007_199_254_740_991_i64)).is_ok());
        assert!(to_string(&json!(9_007_199_254_740_992_i64)).is_err());
        assert!(to_string(&json!(-9_007_199_254_740_993_i64)).is_err());
        assert!(to_string(&json!(1e300)).is_err());
        assert!(to_string(&json!(0.1)).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(to_string(&deep(crate::limits::JSON_DEPTH_MAX - 1)).is_ok());
        assert!(matches!(
            to_string(&deep(crate::limits::JSON_DEPTH_MAX)),
            Err(CanonicalError::TooDeep)
        ));
    }
}
