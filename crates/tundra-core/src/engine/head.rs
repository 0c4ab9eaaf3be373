//! The columns and the first rows of an input, and nothing else of it.
//!
//! Start at [`head`], which reads as much as it takes to show a few rows, and at [`columns`]. Statistics are
//! [`super::inspect`]'s, and the bounded look at a Parquet file without an engine is [`super::preview`].

use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::file::metadata::ParquetMetaData;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, ColumnPlan, ColumnType, Control, ConvertOptions, Error, Format, Input,
    InspectOptions, Resources, Result, SourceFacts, Stage, TypePolicy,
    engine::{
        copy::{Functions, RowOrder, Stop, Watcher, open_database},
        failure::input_error,
        files::RunFiles,
        input::OpenInput,
        opening,
        parquet::{InputColumn, input_columns, input_footer},
        resources::shares,
        rows::{RowColumn, Rows},
        run::in_background,
        sql,
    },
    read::{chunk::DecodeError, table::Table},
    write::value::Special,
};

/// The columns of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputColumns {
    /// What was looked at.
    pub source: SourceFacts,
    /// The columns, in order.
    pub columns: Vec<ColumnPlan>,
    /// Whether the types hold every value, and not only those of the beginning.
    pub complete: bool,
}

/// The first rows of an input.
#[derive(Debug, Clone)]
pub struct Head {
    /// The rows.
    pub rows: Rows,
    /// Records among them that cannot be read and are left out.
    pub left_out: u64,
}

/// Finds out the columns of an input and their types, as a conversion would. All of a text input is read,
/// unless [`InspectOptions::sample_size`] is given: then its beginning decides.
///
/// Must be called within a Tokio runtime; the work runs on blocking threads.
///
/// # Errors
/// Fails as [`super::inspect`] does.
pub async fn columns(
    input: &Input,
    options: &InspectOptions,
    resources: &Resources,
    control: &Control,
) -> Result<InputColumns> {
    let beginning = Beginning::open(input, options, resources, control).await?;
    beginning.work(Beginning::columns).await
}

/// Reads the first rows of an input, at most `limit`. Of a text input little more is read than these rows
/// and the beginning that decides its types. Where a value among the rows contradicts those, the rows are
/// read as text, which is never wrong.
///
/// Must be called within a Tokio runtime; the work runs on blocking threads.
///
/// # Errors
/// Fails as [`super::inspect`] does.
pub async fn head(
    input: &Input,
    options: &InspectOptions,
    limit: u64,
    resources: &Resources,
    control: &Control,
) -> Result<Head> {
    let beginning = Beginning::open(input, options, resources, control).await?;
    beginning.work(move |beginning| beginning.head(limit)).await
}

/// An input that is open, and how it is to be read.
struct Beginning {
    opened: OpenInput,
    options: ConvertOptions,
    /// Whether all of it decides the types.
    is_whole: bool,
    resources: Resources,
    control: Control,
    stop: Stop,
    runtime: Handle,
}

impl Beginning {
    async fn open(
        input: &Input,
        options: &InspectOptions,
        resources: &Resources,
        control: &Control,
    ) -> Result<Self> {
        let stop = Stop::new(control);
        stop.check()?;
        control.reporter.stage(Stage::Inspecting);
        // A bad record is something to tell, and no reason to show nothing.
        let on_bad_row = BadRowPolicy::Reject;
        let is_whole = options.sample_size.is_none();
        let options = ConvertOptions { on_bad_row, ..opening::looked_at(options) };
        let opened = opening::open(input, &options, resources, &stop).await?;
        opening::check_hints(&opened, &options)?;
        Ok(Self {
            opened,
            options,
            is_whole,
            resources: resources.clone(),
            control: control.clone(),
            stop,
            runtime: Handle::current(),
        })
    }

    async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stop = self.stop.clone();
        in_background(&stop, move || work(&self)).await
    }

    fn columns(&self) -> Result<InputColumns> {
        let source = self.opened.facts();
        if self.opened.format == Format::Parquet {
            let footer = self.footer()?;
            let found = input_columns(&footer, &self.opened.location)?;
            let columns = found.iter().map(|column| ColumnPlan {
                name: column.name.clone(),
                source_name: column.written.clone(),
                column_type: column_type(column),
                format: None,
                reason: "as in the file".to_owned(),
            });
            return Ok(InputColumns { source, columns: columns.collect(), complete: true });
        }
        let mut table = self.table(self.options.types)?;
        if self.is_whole && !table.is_complete() {
            self.control.reporter.stage(Stage::Inferring);
            table.infer_whole()?;
        }
        let complete = table.is_complete();
        Ok(InputColumns { source, columns: table.columns().to_vec(), complete })
    }

    fn head(&self, limit: u64) -> Result<Head> {
        if self.opened.format == Format::Parquet {
            return self.parquet_head(limit);
        }
        let mut types = self.options.types;
        loop {
            let table = self.table(types)?;
            match self.text_head(table.as_ref(), limit) {
                Ok(head) => return Ok(head),
                Err(DecodeError::Contradiction(_)) if types == TypePolicy::Infer => {
                    self.stop.check()?;
                    types = TypePolicy::Text;
                }
                Err(DecodeError::Contradiction(_)) => return Err(Error::contradicted()),
                Err(DecodeError::Data(source)) => {
                    return Err(Error::Data { input: self.opened.location.clone(), source });
                }
                Err(DecodeError::Other(error)) => return Err(error),
            }
        }
    }

    fn table(&self, types: TypePolicy) -> Result<Box<dyn Table>> {
        let options = ConvertOptions { types, ..self.options.clone() };
        let context = opening::context(&self.opened, &self.resources, &self.control, &self.stop);
        Ok(self.opened.table(&options, &self.runtime, context)?.0)
    }

    fn text_head(&self, table: &dyn Table, limit: u64) -> Result<Head, DecodeError> {
        let mut rejected = Vec::new();
        let decoded = table.rows().map_err(DecodeError::Other)?.map(|decoded| {
            let decoded = decoded?;
            rejected.extend(decoded.rejects.iter().map(|reject| reject.error.record));
            Ok(decoded.batch)
        });
        let columns = table.columns().iter().map(|column| RowColumn {
            name: column.name.clone(),
            column_type: column.column_type.clone(),
        });
        let columns: Vec<RowColumn> = columns.collect();
        let specials = columns.iter().map(|column| special(&column.column_type)).collect();
        let rows = Rows::first(columns, table.schema(), specials, decoded, limit, None)?;
        // With so many records left out, the rows that are shown reach so much further.
        let among = rejected.iter().zip(0..).filter(|(record, before)| **record <= limit + before);
        Ok(Head { rows, left_out: among.count() as u64 })
    }

    fn parquet_head(&self, limit: u64) -> Result<Head> {
        let footer = self.footer()?;
        let found = input_columns(&footer, &self.opened.location)?;
        let batches =
            first_batches(&self.opened, &found, limit, &self.resources, &self.stop, &self.runtime)?;
        let Some(first) = batches.first() else {
            return Err(Error::Internal("DuckDB returned no columns".to_owned()));
        };
        let columns: Vec<RowColumn> = found
            .iter()
            .map(|column| RowColumn { name: column.name.clone(), column_type: column_type(column) })
            .collect();
        let specials = columns.iter().map(|column| special(&column.column_type)).collect();
        let total = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let schema = first.schema();
        let batches = batches.into_iter().map(Ok::<_, Error>);
        let rows = Rows::first(columns, schema, specials, batches, limit, Some(total))?;
        Ok(Head { rows, left_out: 0 })
    }

    fn footer(&self) -> Result<ParquetMetaData> {
        input_footer(&self.opened.object, &self.opened.location, &self.runtime)
    }
}

/// Reads the first rows of a Parquet file by DuckDB: at least one batch, with all columns.
pub(super) fn first_batches(
    opened: &OpenInput,
    columns: &[InputColumn],
    limit: u64,
    resources: &Resources,
    stop: &Stop,
    runtime: &Handle,
) -> Result<Vec<RecordBatch>> {
    let selected: Vec<String> =
        columns.iter().map(|column| sql::column(column.index, &column.name)).collect();
    let input = Some((sql::INPUT, Arc::clone(&opened.object)));
    let files = Arc::new(RunFiles::new(runtime.clone(), stop, input));
    let run = crate::RunId::generate();
    let shares = shares(resources);
    let database = open_database(resources, shares, run, RowOrder::Kept, Functions::All, files)?;
    let watcher = Watcher::start(&database, stop, None)?;
    let batches = database
        .query(&sql::first_rows(&selected, columns.len(), limit))
        .map_err(|error| input_error("read the input", &opened.location, error));
    drop(watcher);
    batches
}

/// Returns the type of a column of a Parquet file as it is shown.
fn column_type(column: &InputColumn) -> String {
    ColumnType::from_arrow(&column.kind)
        .map_or_else(|| column.kind.to_string(), |kind| kind.to_string())
}

/// Returns what a column of this type is besides its Arrow type.
pub(super) fn special(column_type: &str) -> Special {
    if column_type == "JSON" { Special::Json } else { Special::None }
}
