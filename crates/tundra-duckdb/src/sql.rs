//! Quoting: how names and values become SQL text that cannot be anything else.

/// Quotes a name of a table, a column or a function: `a"b` becomes `"a""b"`.
///
/// DuckDB takes any character in a name, but Arrow's C interface ends a name at the character NUL, so
/// that a result's column does not come back under such a name.
///
/// ```
/// assert_eq!(tundra_duckdb::quote_identifier(r#"size "L""#), r#""size ""L""""#);
/// ```
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    quote(name, '"')
}

/// Quotes a text value: `it's` becomes `'it''s'`. Backslashes mean nothing in it.
///
/// ```
/// assert_eq!(tundra_duckdb::quote_literal("it's"), "'it''s'");
/// ```
#[must_use]
pub fn quote_literal(value: &str) -> String {
    quote(value, '\'')
}

fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for character in text.chars() {
        if character == mark {
            quoted.push(mark);
        }
        quoted.push(character);
    }
    quoted.push(mark);
    quoted
}
