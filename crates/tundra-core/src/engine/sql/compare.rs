//! Statements that compare two tables, `a` and `b`. Both are views with the columns `c0`, `c1` and so on, by
//! their places, and `r`, the number of the row in its input.

use tundra_duckdb::{quote_identifier, quote_literal};

use super::{alias, aliases, url};
use crate::ColumnType;

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that is looked from.
    A,
    /// The one that is looked to.
    B,
}

impl Side {
    /// Both, in their order.
    pub(crate) const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Returns what its Parquet file is called.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::A => "a.parquet",
            Self::B => "b.parquet",
        }
    }

    /// Returns what its table is called, and what the names of its streams begin with.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// What stands for a value of a column while it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The value itself.
    Same,
    /// The value as a type that holds it.
    As(ColumnType),
    /// The value as text.
    Text,
    /// An exact number as the text of the floating point number that it is, or else by its own digits.
    Digits(ColumnType),
    /// The text of a floating point number.
    FloatingText,
}

impl Shape {
    /// Returns the expression for the column at a place.
    fn of(&self, index: usize) -> String {
        let value = alias(index);
        match self {
            Self::Same => value,
            Self::As(kind) => format!("CAST({value} AS {kind})"),
            Self::Text => format!("CAST({value} AS VARCHAR)"),
            Self::Digits(kind) => {
                // What does not come back from the nearest floating point number is none.
                let double = format!("CAST({value} AS DOUBLE)");
                format!(
                    "CASE WHEN TRY_CAST({double} AS {kind}) = {value} \
                     THEN CAST({double} AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"
                )
            }
            Self::FloatingText => {
                let double = format!("CAST({value} AS DOUBLE)");
                // Both zeros are one number and two texts.
                format!("CASE WHEN {double} = 0 THEN '0.0' ELSE CAST({double} AS VARCHAR) END")
            }
        }
    }
}

/// A column that both tables have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paired {
    /// Its place in each table.
    pub(crate) index: [usize; 2],
    /// What stands for its values.
    pub(crate) shape: [Shape; 2],
}

impl Paired {
    fn expression(&self, side: Side) -> String {
        self.shape[side as usize].of(self.index[side as usize])
    }
}

/// A part of the rows, by a hash of what they are grouped by: equal ones are in the same part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Which of them, from 0.
    pub(crate) number: u64,
    /// How many there are.
    pub(crate) of: u64,
}

impl Slice {
    /// Returns the parts that rows are taken in.
    pub(crate) fn all(of: u64) -> impl Iterator<Item = Self> {
        (0..of).map(move |number| Self { number, of })
    }

    fn filter(self, expressions: &[String]) -> String {
        let Self { number, of } = self;
        match of {
            0 | 1 => String::new(),
            _ => format!(" WHERE hash({}) % {of} = {number}", expressions.join(", ")),
        }
    }
}

/// A column whose values are to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its place in its table.
    pub(crate) index: usize,
    /// It is shown as the text that DuckDB makes of it.
    pub(crate) as_text: bool,
}

impl Told {
    fn expression(self) -> String {
        let value = alias(self.index);
        if self.as_text { format!("CAST({value} AS VARCHAR)") } else { value }
    }
}

/// Returns the statement that keeps the rows of a registered stream, and the one that makes them a table.
pub(crate) fn create_compared_rows(side: Side, stream: &str, width: usize) -> [String; 2] {
    let (table, stream, columns) = (side.table(), quote_identifier(stream), aliases(width));
    [
        format!("CREATE TABLE {table}_rows AS SELECT * FROM {stream} AS s({columns})"),
        format!("CREATE VIEW {table} AS SELECT rowid AS r, * FROM {table}_rows"),
    ]
}

/// Returns the statement that makes a Parquet file with columns of these names a table.
pub(crate) fn create_compared_view(side: Side, names: &[&str]) -> String {
    /// What DuckDB calls the number of a row, and does not where a column is called so.
    const NUMBER: &str = "file_row_number";
    let (table, file) = (side.table(), quote_literal(&url(side.file())));
    if names.iter().any(|name| name.eq_ignore_ascii_case(NUMBER)) {
        let columns = aliases(names.len());
        return format!(
            "CREATE VIEW {table} AS SELECT row_number() OVER () - 1 AS r, * \
             FROM read_parquet({file}) AS f({columns})"
        );
    }
    let columns: Vec<String> =
        (0..names.len()).map(alias).chain(std::iter::once("r".to_owned())).collect();
    format!(
        "CREATE VIEW {table} AS SELECT * FROM read_parquet({file}, {NUMBER} = true) AS f({})",
        columns.join(", ")
    )
}

/// Returns the query for the columns of a table.
pub(crate) fn describe_compared(side: Side) -> String {
    format!("DESCRIBE {}", side.table())
}

/// Returns the query for the number of rows.
pub(crate) fn count_compared(side: Side) -> String {
    format!("SELECT count(*) FROM {}", side.table())
}

/// Returns the query for keys that stand in more than one row: how many, in how many rows, and the first of
/// these rows.
pub(crate) fn repeated_keys(side: Side, key: &[Paired], slice: Slice) -> String {
    let keys: Vec<String> = key.iter().map(|column| column.expression(side)).collect();
    format!(
        "SELECT count(*), CAST(coalesce(sum(n), 0) AS BIGINT), min(f) \
         FROM (SELECT count(*) AS n, min(r) AS f FROM {}{} GROUP BY {} HAVING count(*) > 1) AS repeated",
        side.table(),
        slice.filter(&keys),
        keys.join(", "),
    )
}

/// Returns the query that matches rows by their keys: how many are in `a` only, in `b` only, in both, and in
/// both but changed; then for each column in how many it changed; and behind them lists of the first rows:
/// those of `a` only, those of `b` only, and of the changed ones those of `a` and those of `b`.
pub(crate) fn matched(key: &[Paired], values: &[Paired], limit: u64) -> String {
    let on: Vec<String> =
        (0..key.len()).map(|at| format!("a.k{at} IS NOT DISTINCT FROM b.k{at}")).collect();
    let mut joined = vec!["a.r AS x".to_owned(), "b.r AS y".to_owned()];
    joined.extend((0..values.len()).map(|at| format!("a.v{at} IS DISTINCT FROM b.v{at} AS d{at}")));
    let differs: Vec<String> = (0..values.len()).map(|at| format!("d{at}")).collect();
    let both = "x IS NOT NULL AND y IS NOT NULL";
    let changed = match differs.is_empty() {
        true => "false".to_owned(),
        false => format!("{both} AND ({})", differs.join(" OR ")),
    };
    let mut selected = vec![
        "count(*) FILTER (WHERE y IS NULL)".to_owned(),
        "count(*) FILTER (WHERE x IS NULL)".to_owned(),
        format!("count(*) FILTER (WHERE {both})"),
        format!("count(*) FILTER (WHERE {changed})"),
    ];
    selected.extend(differs.iter().map(|d| format!("count(*) FILTER (WHERE {both} AND {d})")));
    selected.extend([
        first("x", limit, "y IS NULL"),
        first("y", limit, "x IS NULL"),
        first("x", limit, &changed),
        first_by("y", "x", limit, &changed),
    ]);
    format!(
        "SELECT {} FROM (SELECT {} FROM ({}) AS a FULL JOIN ({}) AS b ON {}) AS joined",
        selected.join(", "),
        joined.join(", "),
        keyed(Side::A, key, values),
        keyed(Side::B, key, values),
        on.join(" AND "),
    )
}

/// Returns the query that compares the rows as multisets: how many are in `a` only and in `b` only, and then
/// lists for either: the first of these rows, and how often each stands there more than in the other.
pub(crate) fn unmatched(values: &[Paired], limit: u64, slice: Slice) -> String {
    let names: Vec<String> = (0..values.len()).map(|at| format!("v{at}")).collect();
    let part = |side: Side| {
        let values: Vec<String> = values.iter().map(|column| column.expression(side)).collect();
        let parts: Vec<String> =
            values.iter().enumerate().map(|(at, value)| format!("{value} AS v{at}")).collect();
        format!(
            "SELECT {} AS side, r, {} FROM {}{}",
            side as usize,
            parts.join(", "),
            side.table(),
            slice.filter(&values),
        )
    };
    let mut selected = Vec::new();
    for (more, less) in [("na", "nb"), ("nb", "na")] {
        selected.push(format!(
            "CAST(coalesce(sum({more} - {less}) FILTER (WHERE {more} > {less}), 0) AS BIGINT)"
        ));
    }
    for (row, more, less) in [("x", "na", "nb"), ("y", "nb", "na")] {
        let only = format!("{more} > {less}");
        selected.push(first(row, limit, &only));
        selected.push(first_by(&format!("{more} - {less}"), row, limit, &only));
    }
    format!(
        "SELECT {} FROM (SELECT min(r) FILTER (WHERE side = 0) AS x, \
         min(r) FILTER (WHERE side = 1) AS y, count(*) FILTER (WHERE side = 0) AS na, \
         count(*) FILTER (WHERE side = 1) AS nb FROM ({} UNION ALL {}) AS united GROUP BY {}) AS grouped",
        selected.join(", "),
        part(Side::A),
        part(Side::B),
        names.join(", "),
    )
}

/// Returns the query for pairs of changed rows: the values to be shown of each, those of `a` first, and for
/// each compared column whether it changed.
pub(crate) fn changed_pairs(pairs: &[(i64, i64)], told: [&[Told]; 2], values: &[Paired]) -> String {
    let given: Vec<String> = pairs.iter().map(|(x, y)| format!("({x}, {y})")).collect();
    let part = |side: Side| {
        let mut parts = vec!["r".to_owned()];
        let told = told[side as usize].iter().enumerate();
        parts.extend(told.map(|(at, column)| format!("{} AS s{at}", column.expression())));
        let values = values.iter().enumerate();
        parts.extend(values.map(|(at, column)| format!("{} AS v{at}", column.expression(side))));
        format!("(SELECT {} FROM {})", parts.join(", "), side.table())
    };
    let mut selected = Vec::new();
    for side in Side::BOTH {
        let table = side.table();
        selected.extend((0..told[side as usize].len()).map(|at| format!("{table}.s{at}")));
    }
    selected.extend((0..values.len()).map(|at| format!("a.v{at} IS DISTINCT FROM b.v{at}")));
    format!(
        "SELECT {} FROM (VALUES {}) AS pairs(x, y) JOIN {} AS a ON a.r = pairs.x \
         JOIN {} AS b ON b.r = pairs.y ORDER BY pairs.x",
        named(&selected),
        given.join(", "),
        part(Side::A),
        part(Side::B),
    )
}

/// Returns the query for rows by their numbers, in the order of these.
pub(crate) fn rows_of(side: Side, rows: &[i64], told: &[Told]) -> String {
    let rows: Vec<String> = rows.iter().map(i64::to_string).collect();
    let selected: Vec<String> = told.iter().map(|column| column.expression()).collect();
    format!(
        "SELECT {} FROM {} WHERE r IN ({}) ORDER BY r",
        named(&selected),
        side.table(),
        rows.join(", "),
    )
}

/// Returns the query for about how many different values columns have, and for how many they have at all.
pub(crate) fn variety(side: Side, columns: &[Paired]) -> String {
    let parts: Vec<String> = columns
        .iter()
        .flat_map(|column| {
            let value = column.expression(side);
            [format!("approx_count_distinct({value})"), format!("count({value})")]
        })
        .collect();
    format!("SELECT {} FROM {}", parts.join(", "), side.table())
}

/// Returns the query for how many rows of `a` have a value of a column that `b` has too.
pub(crate) fn shared_values(column: &Paired) -> String {
    let values = |side: Side| format!("SELECT {} FROM {}", column.expression(side), side.table());
    format!("SELECT count(*) FROM ({}) AS a(k) WHERE k IN ({})", values(Side::A), values(Side::B))
}

/// Returns the query for the rows of a table with its keys and values as they are compared.
fn keyed(side: Side, key: &[Paired], values: &[Paired]) -> String {
    let mut parts = vec!["r".to_owned()];
    for (name, columns) in [("k", key), ("v", values)] {
        let columns = columns.iter().enumerate();
        parts.extend(columns.map(|(at, it)| format!("{} AS {name}{at}", it.expression(side))));
    }
    format!("SELECT {} FROM {}", parts.join(", "), side.table())
}

/// Returns the expression for the smallest values of a column, in their order.
fn first(value: &str, limit: u64, filter: &str) -> String {
    match limit {
        0 => "CAST(NULL AS BIGINT[])".to_owned(),
        _ => format!("min({value}, {limit}) FILTER (WHERE {filter})"),
    }
}

/// Returns the expression for what belongs to the smallest values of a column, in their order.
fn first_by(value: &str, by: &str, limit: u64, filter: &str) -> String {
    match limit {
        0 => "CAST(NULL AS BIGINT[])".to_owned(),
        _ => format!("arg_min({value}, {by}, {limit}) FILTER (WHERE {filter})"),
    }
}

/// Returns the expressions with names of their own.
fn named(expressions: &[String]) -> String {
    let named = expressions.iter().enumerate().map(|(at, it)| format!("{it} AS t{at}"));
    named.collect::<Vec<_>>().join(", ")
}
