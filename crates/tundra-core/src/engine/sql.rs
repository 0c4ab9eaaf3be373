//! The SQL that the engine runs. It is built here and nowhere else; what compares two tables is in `compare`,
//! and what reads several inputs as one in `inputs`.

pub(crate) mod compare;
pub(crate) mod inputs;

use std::{collections::BTreeSet, ops::Range};

use tundra_duckdb::{quote_identifier, quote_literal};

use crate::{BloomFilters, ColumnType, Compression, SortKey, WriteOptions};

/// The name under which the rows of a text input are registered.
pub(crate) const STREAM: &str = "source";

/// What the engine's own files are called under `tundra://`.
pub(crate) const INPUT: &str = "input.parquet";
/// The data that is written.
pub(crate) const OUTPUT: &str = "output.parquet";
/// The rejects that are written.
pub(crate) const REJECTS: &str = "rejects.parquet";

/// Returns the statement that copies what `select` yields into `file`, and returns statistics.
pub(crate) fn copy(
    select: &str,
    file: &str,
    options: &WriteOptions,
    row_group_rows: u64,
    metadata: &[(&str, &str)],
) -> String {
    let mut writing = match options.compression {
        Compression::Zstd(None) => "COMPRESSION zstd".to_owned(),
        Compression::Zstd(Some(level)) => {
            format!("COMPRESSION zstd, COMPRESSION_LEVEL {level}")
        }
        Compression::Snappy => "COMPRESSION snappy".to_owned(),
        Compression::Gzip => "COMPRESSION gzip".to_owned(),
        Compression::Brotli => "COMPRESSION brotli".to_owned(),
        Compression::Lz4 => "COMPRESSION lz4_raw".to_owned(),
        Compression::None => "COMPRESSION uncompressed".to_owned(),
    };
    writing.push_str(&format!(", ROW_GROUP_SIZE {row_group_rows}"));
    if let Some(bytes) = options.row_group_bytes {
        writing.push_str(&format!(", ROW_GROUP_SIZE_BYTES '{bytes} B'"));
    }
    if let Some(values) = options.dictionary_values {
        writing.push_str(&format!(", DICTIONARY_SIZE_LIMIT {values}"));
    }
    match options.bloom_filters {
        BloomFilters::Usual => {}
        BloomFilters::Share(share) => {
            writing.push_str(&format!(", BLOOM_FILTER_FALSE_POSITIVE_RATIO {share}"));
        }
        BloomFilters::None => writing.push_str(", WRITE_BLOOM_FILTER false"),
    }
    let metadata = if metadata.is_empty() {
        String::new()
    } else {
        let pairs: Vec<String> = metadata
            .iter()
            .map(|(key, value)| format!("{}: {}", quote_literal(key), quote_literal(value)))
            .collect();
        format!(", KV_METADATA {{{}}}", pairs.join(", "))
    };
    // What is said of geometries is ours to say; without the version their type would be left out.
    format!(
        "COPY ({select}) TO {} (FORMAT parquet, {writing}{metadata}, GEOPARQUET_VERSION 'NONE', \
         RETURN_STATS, USE_TMP_FILE false)",
        quote_literal(&url(file)),
    )
}

/// Returns the query for all rows of the registered stream.
pub(crate) fn select_stream() -> String {
    format!("SELECT * FROM {}", quote_identifier(STREAM))
}

/// Returns the query for the rows of `select`, whose columns have these names, sorted by some of them. What
/// is equal stays in its order: it is numbered before.
pub(crate) fn sorted(select: &str, names: &[&str], keys: &[SortKey]) -> String {
    let columns: Vec<String> =
        names.iter().enumerate().map(|(index, name)| column(index, name)).collect();
    let keys: Vec<String> = keys
        .iter()
        .filter_map(|key| {
            let index = names.iter().position(|name| *name == key.column)?;
            let direction = if key.descending { "DESC" } else { "ASC" };
            let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
            // An output may have the name that another column has here, and an order looks there first.
            Some(format!("numbered.{} {direction} NULLS {nulls}", alias(index)))
        })
        .collect();
    format!(
        "SELECT {} FROM (SELECT *, row_number() OVER () FROM ({select}) AS unsorted) \
         AS numbered({}, place) ORDER BY {}, numbered.place",
        columns.join(", "),
        aliases(names.len()),
        keys.join(", "),
    )
}

/// Returns the query for the rows of the registered stream, whose columns have these names. The geometries of
/// `native` become those of Parquet, with the definition of a reference system if one is given. With
/// `along_curve` the stream has one more column, by which the rows are sorted, with nulls behind the others;
/// what is equal stays in its order.
pub(crate) fn select_features(
    names: &[&str],
    native: Option<(usize, Option<&str>)>,
    along_curve: bool,
) -> String {
    let columns: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| match native {
            Some((geometry, system)) if geometry == index => {
                let system = system.map(|it| format!("({})", quote_literal(it)));
                let system = system.unwrap_or_default();
                let name = quote_identifier(name);
                format!("CAST({} AS GEOMETRY{system}) AS {name}", alias(index))
            }
            _ => column(index, name),
        })
        .collect();
    let (columns, stream) = (columns.join(", "), quote_identifier(STREAM));
    let aliases = aliases(names.len());
    if along_curve {
        format!(
            "SELECT {columns} FROM (SELECT *, row_number() OVER () FROM {stream}) \
             AS numbered({aliases}, curve, place) \
             ORDER BY numbered.curve ASC NULLS LAST, numbered.place"
        )
    } else {
        format!("SELECT {columns} FROM (SELECT * FROM {stream}) AS features({aliases})")
    }
}

/// Returns a column of the Parquet input, by its place, under its new name.
pub(crate) fn column(index: usize, new_name: &str) -> String {
    format!("{} AS {}", alias(index), quote_identifier(new_name))
}

/// Returns a column of the Parquet input, by its place, as another type under its new name. With
/// `back`, the type that it has, a value that would not come back from the new type as it was fails
/// the statement.
pub(crate) fn cast_column(
    (index, name): (usize, &str),
    new_name: &str,
    to: &ColumnType,
    back: Option<&ColumnType>,
) -> String {
    let back = back.map(ToString::to_string);
    let value = inputs::cast(&alias(index), name, to, back.as_deref());
    format!("{value} AS {}", quote_identifier(new_name))
}

/// Returns a value as another type under a new name, where the types are in the engine's own words. A value
/// that would not come back as it was fails the statement.
pub(crate) fn fitted_column(value: &str, new_name: &str, to: &str, back: &str) -> String {
    let message = format!(
        "a value of column `{new_name}` would change as {to}, which is what its reader takes; leave \
         the reader out, or keep the column as text: "
    );
    format!(
        "CASE WHEN CAST(CAST({value} AS {to}) AS {back}) IS NOT DISTINCT FROM {value} \
         THEN CAST({value} AS {to}) \
         ELSE error({} || CAST({value} AS VARCHAR)) END AS {}",
        quote_literal(&message),
        quote_identifier(new_name),
    )
}

/// Returns a value under a new name.
pub(crate) fn renamed_column(value: &str, new_name: &str) -> String {
    format!("{value} AS {}", quote_identifier(new_name))
}

/// Returns the value of a column of a registered stream.
pub(crate) fn named(name: &str) -> String {
    quote_identifier(name)
}

/// Returns the value of a column of the Parquet input, by its place.
pub(crate) fn placed(index: usize) -> String {
    alias(index)
}

/// Returns the query for these columns of the registered stream.
pub(crate) fn select_of_stream(columns: &[String]) -> String {
    format!("SELECT {} FROM {}", columns.join(", "), quote_identifier(STREAM))
}

/// Returns a column that is null in every row.
pub(crate) fn null_column(name: &str, column_type: &ColumnType) -> String {
    format!("CAST(NULL AS {column_type}) AS {}", quote_identifier(name))
}

/// Returns the query for these columns of the Parquet input, which has `width` columns, without the
/// rows of these numbers.
pub(crate) fn select_input(columns: &[String], width: usize, skip_rows: &BTreeSet<u64>) -> String {
    let columns = columns.join(", ");
    if skip_rows.is_empty() {
        let (input, aliases) = (quote_literal(&url(INPUT)), aliases(width));
        return format!("SELECT {columns} FROM read_parquet({input}) AS input({aliases})");
    }
    let skipped: Vec<String> = skip_rows.iter().map(u64::to_string).collect();
    format!(
        "SELECT {columns} FROM {} WHERE file_row_number NOT IN ({})",
        numbered_input(width),
        skipped.join(", ")
    )
}

/// Returns a column of the Parquet input, by its place, under its own name, as one that may have nulls. By the
/// statistics of a file DuckDB knows that a column has none, and would say so of what it writes, which is true
/// of the rows and not of the column. `TRY` of a column changes nothing and has no statistics.
pub(crate) fn nullable_column(index: usize, name: &str) -> String {
    format!("TRY({}) AS {}", alias(index), quote_identifier(name))
}

/// The column in which DuckDB numbers the rows of a file. None of the file's own may have this name.
pub(crate) const ROW_NUMBER: &str = "file_row_number";

/// Returns the query for these columns of the rows of these numbers, counted from 0, of the Parquet input,
/// which has `width` columns.
pub(crate) fn select_range(columns: &[String], width: usize, rows: &Range<u64>) -> String {
    format!(
        "SELECT {} FROM {} WHERE file_row_number >= {} AND file_row_number < {}",
        columns.join(", "),
        numbered_input(width),
        rows.start,
        rows.end,
    )
}

/// Returns the query for how many rows of the Parquet input, which has `width` columns, there are of each
/// combination of values in these columns: the numbers of the first and of the last, how many they are, and
/// the values as text. In the order of the file, and no more than `limit` of them.
pub(crate) fn groups(keys: &[usize], width: usize, limit: u64) -> String {
    let grouped: Vec<String> = keys.iter().map(|key| alias(*key)).collect();
    let shown: Vec<String> = grouped.iter().map(|key| format!("CAST({key} AS VARCHAR)")).collect();
    format!(
        "SELECT CAST(min(file_row_number) AS BIGINT) AS begins, \
         CAST(max(file_row_number) AS BIGINT) AS ends, CAST(count(*) AS BIGINT) AS total, {} \
         FROM {} GROUP BY {} ORDER BY begins LIMIT {limit}",
        shown.join(", "),
        numbered_input(width),
        grouped.join(", "),
    )
}

/// Returns the Parquet input with the numbers of its rows behind its columns.
fn numbered_input(width: usize) -> String {
    let (input, aliases) = (quote_literal(&url(INPUT)), aliases(width));
    format!("read_parquet({input}, file_row_number = true) AS input({aliases}, file_row_number)")
}

/// Returns the query for the first rows of the Parquet input.
pub(crate) fn first_rows(columns: &[String], width: usize, rows: u64) -> String {
    format!("{} LIMIT {rows}", select_input(columns, width, &BTreeSet::new()))
}

/// The table of which a query asks.
const TABLE: &str = "input";

/// Returns the statement that keeps the rows of a registered stream in the table of which a query asks.
pub(crate) fn create_table(stream: &str) -> String {
    format!("CREATE TABLE {TABLE} AS SELECT * FROM {}", quote_identifier(stream))
}

/// Returns the statement that makes the rows of a query for the Parquet input that table.
pub(crate) fn create_view(select: &str) -> String {
    format!("CREATE VIEW {TABLE} AS {select}")
}

/// Lines that stand before a query wherever it is run.
pub(crate) const LINES_BEFORE: usize = 1;

/// Returns the query for the columns of the answer to somebody's query, which is the one text of a user that
/// is SQL. What is no query is no statement here, and neither is more than one. It begins on a line of its own,
/// so that its lines are shown as they were typed where one is wrong.
pub(crate) fn describe(query: &str) -> String {
    format!("DESCRIBE\n{query}")
}

/// A column of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The type that it is to have instead of its own.
    pub(crate) cast: Option<&'static str>,
}

/// Returns the query for the answer to somebody's query, which [`describe`] took, with its columns by their
/// places. The line breaks end a comment in it.
pub(crate) fn select_answer(query: &str, columns: &[Answered<'_>]) -> String {
    let selected: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, Answered { name, cast })| {
            let (value, name) = (alias(index), quote_identifier(name));
            match cast {
                Some(cast) => format!("CAST({value} AS {cast}) AS {name}"),
                None => format!("{value} AS {name}"),
            }
        })
        .collect();
    format!(
        "SELECT {} FROM (\n{query}\n) AS answer({})",
        selected.join(", "),
        aliases(columns.len())
    )
}

/// Returns what a column of the Parquet input is called in a statement. By its place, because DuckDB
/// reads files with names that its own SQL cannot say, such as the empty one.
fn alias(index: usize) -> String {
    format!("c{index}")
}

fn aliases(width: usize) -> String {
    (0..width).map(alias).collect::<Vec<_>>().join(", ")
}

/// Values that [`statistics`] returns of each column.
pub(crate) const VALUES_PER_COLUMN: usize = 4;

/// Returns the query for statistics of columns of a registered stream: their rows, and of each
/// column the nulls, the distinct values, and the smallest and the largest as text. Columns without
/// an order have nulls only.
pub(crate) fn statistics(stream: &str, columns: &[(String, bool)]) -> String {
    let mut parts = vec!["count(*)".to_owned()];
    for (name, ordered) in columns {
        let quoted = quote_identifier(name);
        parts.push(format!("count(*) - count({quoted})"));
        if *ordered {
            parts.push(format!("count(DISTINCT {quoted})"));
            parts.push(format!("CAST(min({quoted}) AS VARCHAR)"));
            parts.push(format!("CAST(max({quoted}) AS VARCHAR)"));
        } else {
            parts.extend(["NULL", "NULL", "NULL"].map(str::to_owned));
        }
    }
    format!("SELECT {} FROM {}", parts.join(", "), quote_identifier(stream))
}

fn url(file: &str) -> String {
    format!("tundra://{file}")
}
