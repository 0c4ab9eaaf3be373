//! What becomes of the columns of a delimited text.

use std::sync::Arc;

use crate::{
    ColumnPlan, ColumnType, ConvertOptions, Error, TypePolicy,
    read::{
        csv::{
            column::Reading,
            decode::{CsvColumn, CsvDecode},
            infer::CsvObservation,
            rules::Rules,
        },
        lattice::{Evidence, Verdict},
        table::{ColumnOptions, Found, Wanted},
    },
    value::format::ValueFormat,
};

/// What becomes of the columns.
#[derive(Debug)]
pub(crate) struct CsvPlan {
    /// The columns of the output.
    pub(crate) columns: Vec<ColumnPlan>,
    /// What the values say about each of them.
    pub(crate) found: Vec<Found>,
    /// Makes batches of them.
    pub(crate) decode: Arc<CsvDecode>,
    /// A column whose type was asked for cannot be read before all of its values were looked at.
    pub(crate) needs_whole: bool,
}

/// Decides what each column becomes. `whole` says that all records were observed.
///
/// # Errors
/// Fails when a type or a format that was asked for cannot be read from delimited text.
pub(crate) fn plan(
    names: &[String],
    observed: &CsvObservation,
    column_options: &ColumnOptions,
    options: &ConvertOptions,
    rules: &Arc<Rules>,
    whole: bool,
) -> Result<CsvPlan, Error> {
    let mut plans = Vec::with_capacity(names.len());
    let mut found = Vec::with_capacity(names.len());
    let mut columns = Vec::with_capacity(names.len());
    let mut needs_whole = false;
    for (name, evidence) in names.iter().zip(&observed.columns) {
        let verdict = evidence.verdict();
        let why = why(&verdict, whole);
        let found_type = verdict.column_type.to_string();
        let wanted = column_options.wanted(name);
        needs_whole |= wanted.is_some() && verdict.is_undecided && !whole;
        let Chosen { column_type, reading, format, watch, reason } = match wanted {
            Some(wanted) => asked_for(name, wanted, &verdict, &why)?,
            None if options.types == TypePolicy::Text => Chosen::text("all columns are text"),
            None => Chosen {
                watch: (verdict.is_open && !whole).then(|| evidence.clone()),
                column_type: verdict.column_type,
                reading: Reading::Lossless,
                format: verdict.format,
                reason: why.clone(),
            },
        };
        found.push(Found { name: name.clone(), column_type: found_type, reason: why });
        let output = column_options.name_of(name).to_owned();
        plans.push(ColumnPlan {
            name: output.clone(),
            source_name: name.clone(),
            column_type: column_type.to_string(),
            format: format.map(|format| format.to_string()),
            reason,
        });
        columns.push(CsvColumn { name: output, column_type, reading, format, watch });
    }
    check_formats(options)?;
    let decode = CsvDecode::new(Arc::clone(rules), columns)?;
    Ok(CsvPlan { columns: plans, found, decode: Arc::new(decode), needs_whole })
}

/// What a column becomes.
struct Chosen {
    column_type: ColumnType,
    reading: Reading,
    format: Option<ValueFormat>,
    watch: Option<Evidence>,
    reason: String,
}

impl Chosen {
    fn text(reason: &str) -> Self {
        Self {
            column_type: ColumnType::Varchar,
            reading: Reading::Lossless,
            format: None,
            watch: None,
            reason: reason.to_owned(),
        }
    }
}

/// Says why a column is what its values say.
fn why(verdict: &Verdict, whole: bool) -> String {
    let Verdict { reason, advice, .. } = verdict;
    let sample = if whole {
        ""
    } else if verdict.column_type != ColumnType::Varchar {
        " in the sample, and every later one was checked"
    } else if verdict.is_open {
        " in the sample, and no later value made it anything else"
    } else {
        ""
    };
    let advice = advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    format!("{reason}{sample}{advice}")
}

/// Returns how a column is read as the type that somebody asked for.
fn asked_for(name: &str, wanted: &Wanted, verdict: &Verdict, why: &str) -> Result<Chosen, Error> {
    let Wanted { column_type, .. } = wanted;
    let mut reason = wanted.reason(&verdict.column_type, why);
    // A schema says how the values are written; others of the same type are not what it says.
    let as_written = wanted
        .format
        .as_ref()
        .is_none_or(|text| verdict.format.is_some_and(|found| found.to_string() == *text));
    if wanted.is_met_by(&verdict.column_type) && as_written {
        let (column_type, format) = (column_type.clone(), verdict.format);
        return Ok(Chosen { column_type, reading: Reading::Lossless, format, watch: None, reason });
    }
    let format = match &wanted.format {
        Some(text) => Some(parse(name, text, column_type)?),
        // Every spelling of a boolean is one, whatever the others are.
        None => verdict.format.filter(|format| {
            format.is_for(column_type) && !matches!(format, ValueFormat::Words(_))
        }),
    };
    if let Some(format) = format {
        reason.push_str(&format!(", written as {format}"));
    }
    let reading = if wanted.exact() { Reading::Exact } else { Reading::Forced };
    Ok(Chosen { column_type: column_type.clone(), reading, format, watch: None, reason })
}

fn parse(name: &str, text: &str, column_type: &ColumnType) -> Result<ValueFormat, Error> {
    ValueFormat::parse(text, column_type).ok_or_else(|| Error::Request {
        message: format!("`{text}` is no format that column `{name}` could have as {column_type}"),
        hint: Some(
            "formats are such as %d/%m/%Y, %b %-d, %Y %I:%M %p, #,##0.00 and #.##0,## €".to_owned(),
        ),
    })
}

/// Checks that formats are given only where types are.
fn check_formats(options: &ConvertOptions) -> Result<(), Error> {
    let has_type = |name: &String| options.type_overrides.iter().any(|(typed, _)| typed == name);
    match options.column_formats.iter().find(|(name, _)| !has_type(name)) {
        Some((name, format)) => Err(Error::request(format!(
            "column `{name}` is given the format `{format}`, but no type"
        ))),
        None => Ok(()),
    }
}
