//! The partitions of a spool: which columns make some, and where the rows of each stand.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use tundra_duckdb::Database;

use crate::{
    ColumnPlan, ColumnType, Decision, Error, FilesOptions, Result,
    engine::{
        copy::{Stop, Watcher},
        failure::engine_error,
        sql,
    },
};

/// The rows of a partition.
#[derive(Debug)]
pub(super) struct Group {
    /// The numbers of its rows in the spool.
    pub(super) rows: Range<u64>,
    /// The values that they have, as text.
    pub(super) values: Vec<Option<String>>,
}

/// Checks that an output of these columns can be several files, where it is to be, and returns what is decided
/// by that.
///
/// # Errors
/// Fails when a column has the name of the numbers of rows, when one that is to make partitions has a type
/// whose values make no names, and when no column is left.
pub(crate) fn partitions(files: &FilesOptions, columns: &[ColumnPlan]) -> Result<Option<Decision>> {
    let taken = |column: &&ColumnPlan| column.name.eq_ignore_ascii_case(sql::ROW_NUMBER);
    if let Some(column) = columns.iter().find(taken).filter(|_| files.are_several()) {
        return Err(Error::Request {
            message: format!(
                "column `{}` has the name by which rows are numbered while they are made several \
                 files",
                column.name
            ),
            hint: Some("give it another name, such as with `--rename`".to_owned()),
        });
    }
    let by = &files.partition_by;
    for name in by {
        let column = columns.iter().find(|column| column.name == *name);
        let Some(column) = column else { continue };
        if !column.column_type.parse::<ColumnType>().is_ok_and(|kind| is_name(&kind)) {
            return Err(Error::Request {
                message: format!(
                    "column `{name}` makes no partitions: its type is {}",
                    column.column_type
                ),
                hint: Some(
                    "partition by a column of texts, whole numbers, decimals, dates or times"
                        .to_owned(),
                ),
            });
        }
    }
    if !by.is_empty() && by.len() == columns.len() {
        return Err(Error::Request {
            message: "every column makes partitions, so that none is left for the files".to_owned(),
            hint: Some("name fewer columns with `--partition-by`".to_owned()),
        });
    }
    Ok((!by.is_empty()).then(|| Decision {
        what: "partitions".to_owned(),
        value: by.join(", "),
        confidence: 1.0,
        reason: "given".to_owned(),
    }))
}

/// Returns whether the values of a type have one text each, which readers make the same value of.
fn is_name(kind: &ColumnType) -> bool {
    !matches!(
        kind,
        ColumnType::Float
            | ColumnType::Double
            | ColumnType::Blob
            | ColumnType::Json
            | ColumnType::List(_)
            | ColumnType::Struct(_)
    )
}

/// Finds the partitions of the spool that is the input of `database`, in their order.
///
/// # Errors
/// Fails when there are more than the options allow, and when the rows of one do not stand together.
pub(super) fn groups(
    database: &Arc<Database>,
    stop: &Stop,
    options: &FilesOptions,
    keys: &[usize],
    width: usize,
    rows: u64,
) -> Result<Vec<Group>> {
    let most = options.max_partitions.unwrap_or(FilesOptions::USUAL_PARTITIONS);
    stop.check()?;
    let watcher = Watcher::start(database, stop, None)?;
    let answer = database.query(&sql::groups(keys, width, most.saturating_add(1)));
    drop(watcher);
    let answer =
        answer.map_err(|error| stop.explain(engine_error("find the partitions", error)))?;
    let mut found = Vec::new();
    for batch in &answer {
        let numbers = [0, 1, 2].map(|index| numbers(batch.column(index)));
        let texts = batch.columns().iter().skip(3).map(|column| cast(column, &DataType::Utf8));
        let texts = texts.collect::<std::result::Result<Vec<ArrayRef>, _>>();
        let texts = texts.map_err(|error| Error::Internal(error.to_string()))?;
        let [Some(begins), Some(ends), Some(totals)] = numbers else {
            return Err(Error::Internal("DuckDB returned no numbers of rows".to_owned()));
        };
        for row in 0..batch.num_rows() {
            let rows = begins[row]..ends[row] + 1;
            let next = found.last().map_or(0, |group: &Group| group.rows.end);
            if rows.start != next || rows.end - rows.start != totals[row] {
                return Err(apart());
            }
            let value = |text: &ArrayRef| {
                text.is_valid(row).then(|| text.as_string::<i32>().value(row).to_owned())
            };
            found.push(Group { rows, values: texts.iter().map(value).collect() });
        }
    }
    if found.len() as u64 > most {
        return Err(Error::Request {
            message: format!("the rows make more than {most} partitions"),
            hint: Some(
                "partition by columns with fewer different values, or allow more with \
                 `--max-partitions`"
                    .to_owned(),
            ),
        });
    }
    if found.last().map_or(0, |group| group.rows.end) == rows { Ok(found) } else { Err(apart()) }
}

fn apart() -> Error {
    Error::Internal("the rows of a partition do not stand together".to_owned())
}

/// Returns the numbers of a column, of which none is missing or negative.
fn numbers(column: &ArrayRef) -> Option<Vec<u64>> {
    let numbers = column.as_primitive_opt::<Int64Type>()?;
    numbers.iter().map(|number| u64::try_from(number?).ok()).collect()
}
