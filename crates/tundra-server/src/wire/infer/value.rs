//! Values as JSON, without losing any of them.

use serde_json::{Number, Value};

/// Integers up to this are exact in every program that reads JSON: most of them know doubles only.
const LARGEST_EXACT: u64 = 1 << 53;

/// So many digits of a decimal survive a double.
const EXACT_DIGITS: usize = 15;

/// Returns a value of a column of this type: a boolean or a number where whoever reads it gets back the very
/// same, and its text otherwise.
pub(super) fn value(column_type: &str, text: String) -> Value {
    let scalar = column_type.split('(').next().unwrap_or_default();
    let converted = match scalar {
        _ if column_type.ends_with("[]") => None,
        "BOOLEAN" => text.parse().ok().map(Value::Bool),
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" => integer(&text),
        "DECIMAL" if digits(&text) <= EXACT_DIGITS => number(&text),
        "FLOAT" | "DOUBLE" => number(&text),
        _ => None,
    };
    converted.unwrap_or(Value::String(text))
}

fn integer(text: &str) -> Option<Value> {
    let number = text.parse::<i64>().ok()?;
    (number.unsigned_abs() <= LARGEST_EXACT).then(|| Value::Number(number.into()))
}

/// Returns the number; nothing for an infinity or what is none.
fn number(text: &str) -> Option<Value> {
    // As an integer where it is one, so that `3` does not become `3.0`.
    integer(text).or_else(|| Number::from_f64(text.parse().ok()?).map(Value::Number))
}

fn digits(text: &str) -> usize {
    let significant = text.trim_start_matches(['-', '0', '.']);
    significant.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_numbers_only_where_nothing_is_lost() {
        for (kind, text, expected) in [
            ("BOOLEAN", "true", json!(true)),
            ("BIGINT", "42", json!(42)),
            ("BIGINT", "9007199254740992", json!(9_007_199_254_740_992_u64)),
            ("BIGINT", "9007199254740993", json!("9007199254740993")),
            ("UBIGINT", "18446744073709551615", json!("18446744073709551615")),
            ("DOUBLE", "1.5", json!(1.5)),
            ("DOUBLE", "NaN", json!("NaN")),
            ("DOUBLE", "inf", json!("inf")),
            ("DECIMAL(12,2)", "9999.99", json!(9999.99)),
            ("DECIMAL(12,2)", "-0.05", json!(-0.05)),
            ("DECIMAL(38,10)", "1234567890123456.7890123456", json!("1234567890123456.7890123456")),
            ("VARCHAR", "007", json!("007")),
            ("DATE", "2024-01-01", json!("2024-01-01")),
            ("BIGINT[]", "[1, 2]", json!("[1, 2]")),
            ("STRUCT(\"a\" BIGINT)", "{a: 1}", json!("{a: 1}")),
        ] {
            assert_eq!(value(kind, text.to_owned()), expected, "{kind} {text}");
        }
    }
}
