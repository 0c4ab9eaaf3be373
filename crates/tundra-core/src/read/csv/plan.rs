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

/// What becomes of the columns, however the text is laid out.
#[derive(Debug)]
pub(crate) struct CsvColumns {
    /// The columns of the output.
    pub(crate) plans: Vec<ColumnPlan>,
    /// What the values say about each of them.
    pub(crate) found: Vec<Found>,
    /// How each is read.
    pub(crate) columns: Vec<CsvColumn>,
    /// As in [`CsvPlan`].
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
    let CsvColumns { plans, found, columns, needs_whole } =
        plan_columns(names, observed, column_options, options, whole)?;
    let decode = CsvDecode::new(Arc::clone(rules), columns)?;
    Ok(CsvPlan { columns: plans, found, decode: Arc::new(decode), needs_whole })
}

/// Decides what each column becomes, as [`plan`] does.
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_columns(
    names: &[String],
    observed: &CsvObservation,
    column_options: &ColumnOptions,
    options: &ConvertOptions,
    whole: bool,
) -> Result<CsvColumns, Error> {
    let mut plans = Vec::with_capacity(names.len());
    let mut found = Vec::with_capacity(names.len());
    let mut columns = Vec::with_capacity(names.len());
    let mut needs_whole = false;
    let verdicts: Vec<Verdict> = observed.columns.iter().map(Evidence::verdict).collect();
    let has_commas = verdicts.iter().any(Verdict::has_decimal_commas);
    for ((name, evidence), verdict) in names.iter().zip(&observed.columns).zip(verdicts) {
        // Where a comma stands before fractions, a point before three digits need not.
        let beside = (has_commas && verdict.format.is_none()).then(|| evidence.beside_commas());
        let (evidence, verdict) = match &beside {
            Some(evidence) => (evidence, evidence.verdict()),
            None => (evidence, verdict),
        };
        let why = why(&verdict, whole);
        let found_type = verdict.column_type.to_string();
        let wanted = column_options.wanted(name);
        needs_whole |= wanted.is_some() && verdict.is_undecided && !whole;
        let Chosen { column_type, reading, format, watch, reason } = match wanted {
            Some(wanted) => asked_for(name, wanted, &verdict, &why, whole)?,
            None if options.types == TypePolicy::Text => Chosen::text("all columns are text"),
            None => Chosen {
                watch: (verdict.is_open && !whole).then(|| evidence.clone()),
                column_type: verdict.column_type,
                reading: Reading::Lossless,
                format: verdict.format,
                reason: why.clone(),
            },
        };
        // Where all others are text, nothing looks at the whole later on.
        let is_provisional = reading == Reading::Provisional;
        needs_whole |= is_provisional && options.types == TypePolicy::Text;
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
    Ok(CsvColumns { plans, found, columns, needs_whole })
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
        " in the sample, and with whatever comes later it is text"
    } else {
        ""
    };
    let advice = advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    format!("{reason}{sample}{advice}")
}

/// Returns how a column is read as the type that somebody asked for. `whole` says that all of its
/// values were looked at.
///
/// # Errors
/// Fails when the values contradict each other, so that no format is that of all of them.
fn asked_for(
    name: &str,
    wanted: &Wanted,
    verdict: &Verdict,
    why: &str,
    whole: bool,
) -> Result<Chosen, Error> {
    let Wanted { column_type, .. } = wanted;
    let mut reason = wanted.reason(&verdict.column_type, why);
    if wanted.is_met_by(&verdict.column_type, verdict.format) {
        let (column_type, format) = (column_type.clone(), verdict.format);
        return Ok(Chosen { column_type, reading: Reading::Lossless, format, watch: None, reason });
    }
    // A schema that says no format wants the usual one. Every spelling of a boolean is one, whatever
    // the others are.
    let found = verdict.format.filter(|format| {
        format.is_for(column_type) && !matches!(format, ValueFormat::Words(_)) && !wanted.exact()
    });
    let format = wanted.format.or(found);
    let has_formats = ValueFormat::are_for(column_type) && *column_type != ColumnType::Boolean;
    let reading = if wanted.exact() {
        Reading::Exact
    } else if wanted.format.is_some() || !has_formats {
        Reading::Forced
    } else if !whole {
        Reading::Provisional
    } else {
        let clash = verdict.clashes.iter().find(|clash| clash.is_of(column_type));
        if let Some(clash) = clash.filter(|_| found.is_none()) {
            return Err(Error::Request {
                message: format!("column `{name}` cannot be {column_type}: {clash}"),
                hint: Some(format!(
                    "say which of them is meant with --type '{name}={column_type}(FORMAT)', and the \
                     others are bad values; {}",
                    ValueFormat::possible(column_type)
                )),
            });
        }
        Reading::Forced
    };
    if let Some(format) = format {
        reason.push_str(&format!(", written as {format}"));
    }
    Ok(Chosen { column_type: column_type.clone(), reading, format, watch: None, reason })
}
