//! The SQL for several Parquet inputs that are read as one.
//!
//! DuckDB reads them one behind the other in one scan, which keeps their order and holds no more of them than
//! of one: a union of as many queries would hold all but the first until the last is read. What each has for a
//! column it finds by the name, and makes of it the type that is said.

use tundra_duckdb::quote_literal;

use super::{alias, aliases, url};
use crate::ColumnType;

/// A column as it is read of each input that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadAs<'a> {
    /// Its name in the inputs, whatever the case of its ASCII letters.
    pub(crate) name: &'a str,
    /// The type that it gets, in the words of the engine.
    pub(crate) column_type: &'a str,
}

/// Returns what the input of this number is called under `tundra://`.
fn input(number: usize) -> String {
    format!("inputs/{number}.parquet")
}

/// Returns the number of the input that has this name.
pub(crate) fn input_number(name: &str) -> Option<usize> {
    name.strip_prefix("inputs/")?.strip_suffix(".parquet")?.parse().ok()
}

/// Returns the query for these values of the rows of all inputs of these numbers. An input that lacks a
/// column has nulls for it.
pub(crate) fn select_inputs(
    selected: &[String],
    numbers: &[usize],
    columns: &[ReadAs<'_>],
) -> String {
    let files: Vec<String> =
        numbers.iter().map(|number| quote_literal(&url(&input(*number)))).collect();
    let schema: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, ReadAs { name, column_type })| {
            format!(
                "{}: {{'name': '{}', 'type': {}, 'default_value': NULL}}",
                quote_literal(name),
                alias(index),
                quote_literal(column_type),
            )
        })
        .collect();
    format!(
        "SELECT {} FROM read_parquet([{}], schema = MAP {{{}}}) AS input({})",
        selected.join(", "),
        files.join(", "),
        schema.join(", "),
        aliases(columns.len()),
    )
}

/// Returns the query that reads all values of another one, which has `width` columns, and keeps nothing.
pub(crate) fn read_through(select: &str, width: usize) -> String {
    let aliases = aliases(width);
    format!("SELECT bit_xor(hash({aliases})) FROM ({select}) AS input({aliases})")
}

/// Returns the query that reads all values of the input of this number as they are, of which it has as many
/// columns as `width`.
pub(crate) fn select_all(number: usize, width: usize) -> String {
    let (file, aliases) = (quote_literal(&url(&input(number))), aliases(width));
    read_through(&format!("SELECT * FROM read_parquet({file}) AS input({aliases})"), width)
}

/// Returns the value of a column that is read under several names, of which an input has one: those from
/// `first` on, as many as `count`.
pub(crate) fn one_of(first: usize, count: usize) -> String {
    match count {
        1 => alias(first),
        _ => {
            let names: Vec<String> = (first..first + count).map(alias).collect();
            format!("coalesce({})", names.join(", "))
        }
    }
}

/// Returns a value as another type. With `back`, the type that it has, a value that would not come back from
/// the new type as it was fails the statement.
pub(crate) fn cast(value: &str, name: &str, to: &ColumnType, back: Option<&str>) -> String {
    let Some(back) = back else { return format!("CAST({value} AS {to})") };
    let message = format!("a value of column `{name}` would change as {to}: ");
    format!(
        "CASE WHEN CAST(CAST({value} AS {to}) AS {back}) IS NOT DISTINCT FROM {value} \
         THEN CAST({value} AS {to}) ELSE error({} || CAST({value} AS VARCHAR)) END",
        quote_literal(&message)
    )
}

/// Returns the double that the text of an integer or of a double is. An integer that no double holds fails the
/// statement.
pub(crate) fn double(value: &str, name: &str) -> String {
    let message = format!("a value of column `{name}` would change as DOUBLE: ");
    // Only doubles have a point, an exponent or letters.
    format!(
        "CASE WHEN regexp_full_match({value}, '-?[0-9]+') \
         AND CAST(CAST(CAST({value} AS DOUBLE) AS HUGEINT) AS VARCHAR) <> {value} \
         THEN error({} || {value}) ELSE CAST({value} AS DOUBLE) END",
        quote_literal(&message)
    )
}

/// Returns the value that stands in all rows of an input, of the values of all inputs in their order.
pub(crate) fn of_input(values: &[Option<String>], column_type: &str) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| value.as_deref().map_or_else(|| "NULL".to_owned(), quote_literal))
        .collect();
    format!(
        "list_extract(CAST([{}] AS {column_type}[]), CAST(file_index AS BIGINT) + 1)",
        values.join(", ")
    )
}

/// Returns Parquet's own type of geometries, with the definition of a reference system if there is one.
pub(crate) fn geometry(system: Option<&str>) -> String {
    match system {
        Some(system) => format!("GEOMETRY({})", quote_literal(system)),
        None => "GEOMETRY".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_found_by_the_name_that_it_was_given() {
        assert_eq!(input_number(&input(713)), Some(713));
        for name in ["input.parquet", "inputs/.parquet", "inputs/1", "inputs/-1.parquet"] {
            assert_eq!(input_number(name), None, "{name}");
        }
    }
}
