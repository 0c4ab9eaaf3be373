//! A delimited text as a table.

use std::{io::Read, sync::Arc};

use arrow::datatypes::SchemaRef;

use crate::{
    ColumnPlan, ColumnType, ConvertOptions, Decision, Error, TypePolicy,
    read::{
        chunk::DecodeError,
        csv::{
            Dialect,
            column::Reading,
            decode::{CsvColumn, CsvDecode},
            detect::{Detected, detect, unique_names},
            infer::{CsvInfer, CsvObservation},
            split::CsvSplit,
        },
        pipeline,
        source::{TextSource, read_error},
        table::{Batches, ColumnOptions, ReadContext, Table},
    },
};

/// A delimited text whose dialect and columns are known.
#[derive(Debug)]
pub(crate) struct CsvTable {
    source: TextSource,
    context: ReadContext,
    options: ConvertOptions,
    column_options: ColumnOptions,
    dialect: Dialect,
    /// Names of the columns, unique.
    names: Vec<String>,
    /// Bytes and newlines before the first record behind the header.
    body: usize,
    body_lines: u64,
    decisions: Vec<Decision>,
    columns: Vec<ColumnPlan>,
    decode: Arc<CsvDecode>,
    complete: bool,
    row_bytes: u64,
}

impl CsvTable {
    /// Looks at the beginning of the text. `sample` is its first bytes, and all of them when
    /// `whole`.
    pub(crate) fn open(
        source: TextSource,
        sample: &[u8],
        whole: bool,
        options: &ConvertOptions,
        default_delimiter: Option<u8>,
        context: ReadContext,
    ) -> Result<Self, Error> {
        let Detected { dialect, header: _, names, body, body_lines, decisions } =
            detect(sample, whole, &options.text, default_delimiter)?;
        if names.is_empty() {
            return Err(Error::EmptyInput { input: context.name });
        }
        let names = unique_names(&names);
        let column_options = ColumnOptions::new(options, &names, &context.name)?;
        let mut observed = CsvObservation::new(names.len());
        let rest = &sample[body..];
        observed.observe(rest, &dialect, 0, &options.skip_rows, options.on_bad_row);
        let row_bytes = (rest.len() as u64).checked_div(observed.records).unwrap_or(0)
            + 16 * names.len() as u64;
        let (columns, decode) = plan(&names, &observed, &column_options, options, &dialect, whole)?;
        Ok(Self {
            source,
            context,
            options: options.clone(),
            column_options,
            dialect,
            names,
            body,
            body_lines,
            decisions,
            columns,
            decode,
            // Where nothing is inferred, nothing can contradict it.
            complete: whole || options.types == TypePolicy::Text,
            row_bytes,
        })
    }

    fn split(&self) -> Result<Box<CsvSplit>, Error> {
        let mut reader = self.source.open()?;
        let body = self.body as u64;
        std::io::copy(&mut reader.by_ref().take(body), &mut std::io::sink())
            .map_err(|error| read_error(error, &self.context.name))?;
        Ok(Box::new(CsvSplit::new(
            reader,
            self.dialect.clone(),
            self.context.name.clone(),
            self.source.mark() + body,
            self.body_lines + 1,
        )))
    }
}

impl Table for CsvTable {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.columns
    }

    fn schema(&self) -> SchemaRef {
        self.decode.schema()
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    fn infer_whole(&mut self) -> Result<(), Error> {
        let infer = CsvInfer {
            dialect: self.dialect.clone(),
            width: self.names.len(),
            skip_rows: self.options.skip_rows.clone(),
            on_bad_row: self.options.on_bad_row,
        };
        let context = &self.context;
        let parts = pipeline::run(
            self.split()?,
            Arc::new(infer),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        let mut observed = CsvObservation::new(self.names.len());
        for part in parts {
            match part {
                Ok(part) => observed.merge(part),
                Err(DecodeError::Other(error)) => return Err(error),
                Err(DecodeError::Data(source) | DecodeError::Contradiction(source)) => {
                    return Err(Error::Data { input: context.name.clone(), source });
                }
            }
        }
        let (columns, decode) =
            plan(&self.names, &observed, &self.column_options, &self.options, &self.dialect, true)?;
        self.columns = columns;
        self.decode = decode;
        self.complete = true;
        Ok(())
    }

    fn rows(&self) -> Result<Batches, Error> {
        let context = &self.context;
        let rows = pipeline::run(
            self.split()?,
            Arc::clone(&self.decode),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        Ok(Box::new(rows))
    }
}

/// Decides what each column becomes.
fn plan(
    names: &[String],
    observed: &CsvObservation,
    column_options: &ColumnOptions,
    options: &ConvertOptions,
    dialect: &Dialect,
    whole: bool,
) -> Result<(Vec<ColumnPlan>, Arc<CsvDecode>), Error> {
    let mut plans = Vec::with_capacity(names.len());
    let mut columns = Vec::with_capacity(names.len());
    for (name, evidence) in names.iter().zip(&observed.columns) {
        let (column_type, reading, reason) = match column_options.type_of(name) {
            Some(column_type) => (column_type.clone(), Reading::Forced, "given".to_owned()),
            None if options.types == TypePolicy::Text => {
                (ColumnType::Varchar, Reading::Lossless, "all columns are text".to_owned())
            }
            None => {
                let verdict = evidence.verdict();
                let of = if whole || verdict.column_type == ColumnType::Varchar {
                    ""
                } else {
                    " of the sample, and every later one was checked"
                };
                (verdict.column_type, Reading::Lossless, format!("{}{of}", verdict.reason))
            }
        };
        let output = column_options.name_of(name).to_owned();
        plans.push(ColumnPlan {
            name: output.clone(),
            source_name: name.clone(),
            column_type: column_type.to_string(),
            reason,
        });
        columns.push(CsvColumn { name: output, column_type, reading });
    }
    let decode =
        CsvDecode::new(dialect.clone(), columns, options.skip_rows.clone(), options.on_bad_row)?;
    Ok((plans, Arc::new(decode)))
}
