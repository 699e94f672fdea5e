//! Numbers as the engines keep them.

use serde_json::{Number, Value};

/// Integers up to this are the same as floats.
pub(super) const EXACT: u64 = 1 << 53;

/// A flag as the engines keep it. To Go every number of a value without a type is a float: `1.0` is
/// `1`, and an integer that no float equals is the next one that does.
pub(crate) fn as_engines_keep(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(as_float(number)),
        Value::Array(values) => values.into_iter().map(as_engines_keep).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let kept = fields.map(|(name, value)| (name, as_engines_keep(value)));
            Value::Object(kept.collect())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

/// An integer where that says the same.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float without a fraction and of this size is an integer"
)]
fn as_float(number: Number) -> Number {
    match number.as_f64() {
        // The sign of a zero is written, too.
        Some(float) if float == 0.0 && float.is_sign_negative() => number,
        Some(float) if float.fract() == 0.0 && float.abs() <= EXACT as f64 => {
            Number::from(float as i64)
        }
        Some(float) => Number::from_f64(float).unwrap_or(number),
        None => number,
    }
}

#[cfg(test)]
mod tests {
    use super::as_engines_keep;

    #[test]
    fn every_number_is_a_float_and_an_integer_where_it_can_be() {
        for (text, kept) in [
            ("1", "1"),
            ("1.0", "1"),
            ("-7.0", "-7"),
            ("1e5", "100000"),
            ("0", "0"),
            ("-0", "-0.0"),
            ("-0.0", "-0.0"),
            ("0.5", "0.5"),
            ("9007199254740992", "9007199254740992"),
            ("9007199254740993", "9007199254740992"),
            ("9007199254740995", "9007199254740996.0"),
            ("9007199254740992.0", "9007199254740992"),
            ("-9007199254740995", "-9007199254740996.0"),
            ("18446744073709551615", "1.8446744073709552e+19"),
            ("1e300", "1e+300"),
            ("[1.0,{\"a\":2.0}]", "[1,{\"a\":2}]"),
            ("\"1.0\"", "\"1.0\""),
            ("null", "null"),
        ] {
            let value = as_engines_keep(serde_json::from_str(text).unwrap());
            assert_eq!(value.to_string(), kept, "{text}");
            assert_eq!(as_engines_keep(value.clone()), value);
        }
    }
}
