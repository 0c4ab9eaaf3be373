//! What is known of an input without converting it.

mod parquet;
pub(super) mod show;
mod statistics;

use tokio::runtime::Handle;

use self::{
    parquet::{extremes, parquet_facts},
    show::{samples, shown_rows},
    statistics::{Statistics, StatisticsError, statistics},
};
use crate::{
    BadRowPolicy, ColumnInspection, ColumnPlan, ColumnType, Control, ConvertOptions, Decision,
    Error, Format, Input, InspectOptions, Inspection, LossEvent, Resources, Result, Stage,
    TextForm, TextHints, Warning,
    engine::{
        copy::Stop,
        geo::GeoMetadata,
        head::first_batches,
        input::OpenInput,
        opening,
        parquet::{InputColumn, input_columns, input_footer},
        run::in_background,
        verify::null_count,
    },
    read::table::Table,
};

/// Rows of a Parquet file that are shown.
const SAMPLE_ROWS: u64 = 20;

/// Below this a decision is worth a warning.
const SURE: f64 = 0.7;

/// Looks at an input: how it is written, its columns, their types and why, and their values.
///
/// Must be called within a Tokio runtime; the work runs on blocking threads.
///
/// # Errors
/// Fails as [`super::convert`] does, with the same errors for the same input.
pub async fn inspect(
    input: &Input,
    options: &InspectOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Inspection> {
    let stop = Stop::new(control);
    stop.check()?;
    control.reporter.stage(Stage::Inspecting);
    let asked = ConvertOptions {
        // A bad record is something to tell, and no reason to tell nothing.
        on_bad_row: BadRowPolicy::Reject,
        ..opening::looked_at(options)
    };
    let opened = opening::open(input, &asked, resources, &stop).await?;
    opening::check_hints(&opened, &asked)?;
    let look = Look {
        opened,
        options: options.clone(),
        asked,
        resources: resources.clone(),
        control: control.clone(),
        stop: stop.clone(),
        runtime: Handle::current(),
    };
    in_background(&stop, move || match look.opened.format {
        Format::Parquet => look.parquet(),
        _ => look.text(),
    })
    .await
}

struct Look {
    opened: OpenInput,
    options: InspectOptions,
    asked: ConvertOptions,
    resources: Resources,
    control: Control,
    stop: Stop,
    runtime: Handle,
}

impl Look {
    fn text(&self) -> Result<Inspection> {
        let context = opening::context(&self.opened, &self.resources, &self.control, &self.stop);
        let (mut table, encoding) = self.opened.table(&self.asked, &self.runtime, context)?;
        if self.options.sample_size.is_none() && !table.is_complete() {
            self.control.reporter.stage(Stage::Inferring);
            table.infer_whole()?;
        }
        let found = match self.statistics(table.as_ref()) {
            Err(StatisticsError::Contradicted) if !table.is_complete() => {
                self.stop.check()?;
                table.infer_whole()?;
                self.statistics(table.as_ref())
            }
            other => other,
        };
        let found = found.map_err(|error| match error {
            StatisticsError::Failed(error) => error,
            StatisticsError::Contradicted => Error::contradicted(),
        })?;
        // That nothing but ASCII was seen says nothing about the next input.
        let is_told = self.options.text.encoding.is_some() || !self.opened.begins_with_ascii();
        let known = encoding.as_ref().map(|encoding| encoding.value.clone());
        let known = known.filter(|encoding| is_told || encoding != "UTF-8");
        let hints = TextHints { encoding: known, ..table.hints() };
        let mut decisions = self.opened.decisions();
        decisions.extend(encoding);
        decisions.extend_from_slice(table.decisions());
        decisions.extend(GeoMetadata::of_schema(&table.schema()).decisions);
        let warnings = warnings(&decisions, &table.left_out().events, table.columns(), &found);
        let columns = table
            .columns()
            .iter()
            .zip(found.columns)
            .enumerate()
            .map(|(index, (column, statistics))| ColumnInspection {
                name: column.name.clone(),
                column_type: column.column_type.clone(),
                format: column.format.clone(),
                reason: column.reason.clone(),
                nullable: statistics.nulls > 0,
                null_count: Some(statistics.nulls),
                distinct_count: statistics.distinct,
                min: statistics.min,
                max: statistics.max,
                samples: samples(found.first.as_ref(), index),
            })
            .collect();
        let is_json = matches!(self.opened.format, Format::Json | Format::Ndjson | Format::GeoJson);
        Ok(Inspection {
            source: self.opened.facts(),
            decisions,
            text: Some(TextForm::of(&hints, &self.options.null_words)),
            json: is_json.then(|| self.options.json.clone()),
            columns,
            rows_inspected: found.rows,
            complete: found.complete,
            sample_rows: found.first.as_ref().map(shown_rows).unwrap_or_default(),
            warnings,
            parquet: None,
        })
    }

    fn statistics(&self, table: &dyn Table) -> std::result::Result<Statistics, StatisticsError> {
        let limit = self.options.sample_size;
        let input = &self.opened.location;
        statistics(table, limit, input, &self.resources, &self.stop, &self.runtime)
    }

    fn parquet(&self) -> Result<Inspection> {
        let (object, location) = (&self.opened.object, &self.opened.location);
        let footer = input_footer(object, location, &self.runtime)?;
        let found = input_columns(&footer, location)?;
        let first = first_batches(
            &self.opened,
            &found,
            SAMPLE_ROWS,
            &self.resources,
            &self.stop,
            &self.runtime,
        )?;
        let first = first.into_iter().next();
        let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let columns = found
            .iter()
            .map(|InputColumn { index, written, name, kind }| {
                let nulls = null_count(&footer, written);
                let (min, max) = extremes(&footer, written, kind);
                ColumnInspection {
                    name: name.clone(),
                    column_type: ColumnType::from_arrow(kind)
                        .map_or_else(|| kind.to_string(), |kind| kind.to_string()),
                    format: None,
                    reason: "as in the file".to_owned(),
                    nullable: nulls != Some(0),
                    null_count: nulls,
                    distinct_count: None,
                    min,
                    max,
                    samples: samples(first.as_ref(), *index),
                }
            })
            .collect();
        Ok(Inspection {
            source: self.opened.facts(),
            decisions: self.opened.decisions(),
            text: None,
            json: None,
            columns,
            rows_inspected: rows,
            complete: true,
            sample_rows: first.as_ref().map(shown_rows).unwrap_or_default(),
            warnings: Vec::new(),
            parquet: Some(parquet_facts(&footer)),
        })
    }
}

/// Returns a warning for each decision that may well be wrong.
#[must_use]
pub fn unsure_decisions(decisions: &[Decision]) -> Vec<Warning> {
    let unsure = decisions.iter().filter(|decision| decision.confidence < SURE);
    let warning = |decision: &Decision| Warning {
        code: format!("unsure_{}", decision.what),
        message: format!(
            "the {} may be wrong: {} ({})",
            decision.what, decision.value, decision.reason
        ),
    };
    unsure.map(warning).collect()
}

/// Returns what a person should look at.
fn warnings(
    decisions: &[Decision],
    left_out: &[LossEvent],
    columns: &[ColumnPlan],
    found: &Statistics,
) -> Vec<Warning> {
    let rejected = found.rejected.iter().map(|event| {
        let first = event.samples.first().map_or_else(String::new, |first| {
            format!(", the first on line {}: `{}`", first.line, first.text)
        });
        let records = if event.count == 1 { "record is" } else { "records are" };
        Warning {
            code: event.code.clone(),
            message: format!("{} {records} bad{first}", event.count),
        }
    });
    let empty = columns
        .iter()
        .zip(&found.columns)
        .filter(|(_, statistics)| found.rows > 0 && statistics.nulls == found.rows)
        .map(|(column, _)| Warning {
            code: "all_null".to_owned(),
            message: format!("column `{}` has no values", column.name),
        });
    let left_out = left_out.iter().map(|event| Warning {
        code: event.code.clone(),
        message: event.samples.first().map_or_else(String::new, |first| {
            format!("left out from line {} on: `{}`", first.line, first.text)
        }),
    });
    let unsure = unsure_decisions(decisions).into_iter();
    unsure.chain(left_out).chain(rejected).chain(empty).collect()
}
