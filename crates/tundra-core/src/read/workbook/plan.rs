//! What becomes of the columns of a sheet.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{Field, Schema};

use super::{
    append::Column,
    decode::{Rules, SheetColumn, SheetDecode},
    layout::SampleRow,
    observe::{Observation, Sorts, Verdict},
    sheet::Sheet,
};
use crate::{
    ColumnPlan, ColumnType, ConvertOptions, Error, TypePolicy,
    read::{
        csv::{column::Reading, decode::CsvColumn, names::column_names},
        table::{ColumnOptions, Found, Wanted},
    },
    value::format::ValueFormat,
};

/// What becomes of the columns.
#[derive(Debug)]
pub(super) struct SheetPlan {
    /// The columns of the output.
    pub(super) columns: Vec<ColumnPlan>,
    /// What the values say about each of them.
    pub(super) found: Vec<Found>,
    /// Makes batches of them.
    pub(super) decode: Arc<SheetDecode>,
}

/// What is known of a sheet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) sheet: &'a Arc<dyn Sheet>,
    /// The rows of the header.
    pub(super) header: &'a [SampleRow],
    /// The columns that were asked for as a range, which are all kept.
    pub(super) asked: Option<(u32, u32)>,
    pub(super) rules: &'a Rules,
    pub(super) observed: &'a Observation,
    /// All records were observed.
    pub(super) whole: bool,
}

/// Decides what each column becomes.
///
/// # Errors
/// Fails when a type that was asked for cannot be read from a sheet.
pub(super) fn plan(known: Known<'_>, options: &ConvertOptions) -> Result<SheetPlan, Error> {
    let Known { sheet, header, rules, observed, whole, .. } = known;
    let input = sheet.name();
    let numbers = column_numbers(known);
    let names = column_names(&names(&numbers, header));
    let column_options = ColumnOptions::new(options, &names, input)?;
    let mut plans = Vec::with_capacity(names.len());
    let mut found = Vec::with_capacity(names.len());
    let mut columns = Vec::with_capacity(names.len());
    for (name, at) in names.iter().zip(numbers) {
        let verdict = observed.column(at).verdict(input, at);
        let planned = plan_column(name, at, &verdict, &column_options, options, whole)?;
        found.push(planned.found);
        plans.push(planned.plan);
        columns.push(planned.column);
    }
    let fields: Vec<Field> = columns.iter().map(SheetColumn::field).collect();
    let decode = SheetDecode {
        sheet: Arc::clone(sheet),
        columns,
        schema: Arc::new(Schema::new(fields)),
        rules: rules.clone(),
    };
    Ok(SheetPlan { columns: plans, found, decode: Arc::new(decode) })
}

/// A column, planned.
pub(super) struct Planned {
    pub(super) plan: ColumnPlan,
    pub(super) found: Found,
    pub(super) column: SheetColumn,
}

/// Decides what a column becomes of which the verdict is known.
///
/// # Errors
/// As [`plan`].
pub(super) fn plan_column(
    name: &str,
    at: u32,
    verdict: &Verdict,
    column_options: &ColumnOptions,
    options: &ConvertOptions,
    whole: bool,
) -> Result<Planned, Error> {
    let why = match whole || verdict.accepts == Sorts::ALL {
        true => verdict.reason.clone(),
        false => format!("{} in the sample, and every later one was checked", verdict.reason),
    };
    let output = column_options.name_of(name).to_owned();
    let chosen = choose(&output, column_options.wanted(name), verdict, &why, options);
    let found =
        Found { name: name.to_owned(), column_type: verdict.column_type.to_string(), reason: why };
    let column = SheetColumn { column: chosen.column, at, accepts: chosen.accepts };
    if Column::new(&column, 0).is_none() {
        return Err(Error::request(format!(
            "the type {} of column `{output}` cannot be read from a workbook",
            column.column.column_type
        )));
    }
    let plan = ColumnPlan {
        name: output,
        source_name: name.to_owned(),
        column_type: column.column.column_type.to_string(),
        format: column.column.format.map(|format| format.to_string()),
        reason: chosen.reason,
    };
    Ok(Planned { plan, found, column })
}

/// Returns the numbers of the columns in the sheet: all from the first that has a heading or a value to
/// the last one, or those of a range.
fn column_numbers(known: Known<'_>) -> Vec<u32> {
    let within = known.rules.within;
    let extents = known.header.iter().filter_map(SampleRow::extent).chain(known.observed.extent());
    let extent = extents.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let Some((first, last)) = known.asked.or(extent) else { return Vec::new() };
    (first.max(within.0)..=last.min(within.1)).filter(|at| known.rules.has_column(*at)).collect()
}

/// Returns the names in the header; those of several rows are joined with blanks. A name that stands over
/// itself is one, as in cells that are merged over all rows of the header.
fn names(numbers: &[u32], header: &[SampleRow]) -> Vec<String> {
    let by_row: Vec<HashMap<u32, &str>> = header.iter().map(SampleRow::texts).collect();
    let name = |at: &u32| {
        let mut parts: Vec<&str> = by_row
            .iter()
            .filter_map(|row| row.get(at))
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        parts.dedup();
        parts.join(" ")
    };
    numbers.iter().map(name).collect()
}

struct Chosen {
    column: CsvColumn,
    accepts: Option<Sorts>,
    reason: String,
}

fn choose(
    name: &str,
    wanted: Option<&Wanted>,
    verdict: &Verdict,
    why: &str,
    options: &ConvertOptions,
) -> Chosen {
    let chosen = |column_type: &ColumnType, accepts, reason: String| Chosen {
        column: CsvColumn {
            name: name.to_owned(),
            column_type: column_type.clone(),
            reading: Reading::Lossless,
            format: None,
            watch: None,
        },
        accepts,
        reason,
    };
    let Some(wanted) = wanted else {
        return match options.types {
            TypePolicy::Text => {
                chosen(&ColumnType::Varchar, Some(Sorts::ALL), "all columns are text".to_owned())
            }
            TypePolicy::Infer => {
                chosen(&verdict.column_type, Some(verdict.accepts), why.to_owned())
            }
        };
    };
    let mut reason = wanted.reason(&verdict.column_type, why);
    // Every value has a text.
    if wanted.column_type == ColumnType::Varchar {
        return chosen(&ColumnType::Varchar, Some(Sorts::ALL), reason);
    }
    // Where text may stand for values, the format says how.
    let format: Option<ValueFormat> = wanted.format;
    if let Some(format) = format {
        reason.push_str(&format!(", text written as {format}"));
    }
    let mut chosen = chosen(&wanted.column_type, None, reason);
    chosen.column.reading = if wanted.exact() { Reading::Exact } else { Reading::Forced };
    chosen.column.format = format;
    chosen
}
