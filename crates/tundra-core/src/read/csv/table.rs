//! A delimited text as a table.

use std::{io::Read, sync::Arc};

use arrow::datatypes::SchemaRef;

use crate::{
    BadRowPolicy, ColumnPlan, ConvertOptions, DataCode, DataError, Decision, Error, LossEvent,
    TextHints, TypePolicy,
    read::{
        chunk::DecodeError,
        csv::{
            detect::{Detected, detect},
            infer::{CsvInfer, CsvObservation},
            marker::Marker,
            names::column_names,
            nulls::NullWords,
            plan::{CsvPlan, plan},
            rules::Rules,
            shape::Shapes,
            split::CsvSplit,
            structure::Structure,
        },
        pipeline,
        source::{TextSource, read_error},
        table::{Batches, ColumnOptions, Found, ReadContext, Table},
    },
};

/// A delimited text whose dialect and columns are known.
#[derive(Debug)]
pub(crate) struct CsvTable {
    source: TextSource,
    context: ReadContext,
    options: ConvertOptions,
    column_options: ColumnOptions,
    rules: Arc<Rules>,
    /// Names of the columns, unique.
    names: Vec<String>,
    structure: Structure,
    decisions: Vec<Decision>,
    plan: CsvPlan,
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
        default_delimiter: Option<&str>,
        context: ReadContext,
    ) -> Result<Self, Error> {
        let mend = options.on_bad_row == BadRowPolicy::Repair;
        let tail = if whole { None } else { source.tail()? };
        if tail.is_none() && !whole && options.text.footer.is_some_and(|lines| lines > 0) {
            return Err(Error::Request {
                message: "the footer of a large input that is not UTF-8 cannot be found".to_owned(),
                hint: Some("convert it to UTF-8 first, or use `--on-bad-row reject`".to_owned()),
            });
        }
        let Detected { dialect, structure, mut decisions } =
            detect(sample, whole, &options.text, default_delimiter, mend, tail)?;
        if structure.names.is_empty() {
            return Err(Error::EmptyInput { input: context.name });
        }
        check_header(&sample[..structure.body], &context.name)?;
        let names = column_names(&structure.names);
        let column_options = ColumnOptions::new(options, &names, &context.name)?;
        let null_words = NullWords::new(&options.null_words);
        if !null_words.is_empty() {
            decisions.push(Decision {
                what: "nulls".to_owned(),
                value: options.null_words.join(", "),
                confidence: 1.0,
                reason: "given".to_owned(),
            });
        }
        let table_end = structure.end.as_ref().map_or(sample.len(), |end| end.at);
        let rest = &sample[structure.body..table_end.clamp(structure.body, sample.len())];
        let is_told = structure.header_rows == 1 && names.len() > 1;
        let rules = Arc::new(Rules {
            shapes: Shapes::learn(rest, &dialect, names.len()),
            header: if is_told { structure.names.clone() } else { Vec::new() },
            dialect,
            skip_rows: options.skip_rows.clone(),
            on_bad_row: options.on_bad_row,
            null_words,
        });
        let mut observed = CsvObservation::new(names.len());
        observed.observe(rest, &rules, 0);
        let row_bytes = (rest.len() as u64).checked_div(observed.records).unwrap_or(0)
            + 16 * names.len() as u64;
        let plan = plan(&names, &observed, &column_options, options, &rules, whole)?;
        let needs_whole = plan.needs_whole;
        let mut table = Self {
            source,
            context,
            options: options.clone(),
            column_options,
            rules,
            names,
            structure,
            decisions,
            plan,
            // Where nothing is inferred, nothing can contradict it.
            complete: whole || options.types == TypePolicy::Text,
            row_bytes,
        };
        if needs_whole {
            table.infer_whole()?;
        }
        Ok(table)
    }

    fn split(&self) -> Result<Box<CsvSplit>, Error> {
        let mut reader = self.source.open()?;
        let body = self.structure.body as u64;
        std::io::copy(&mut reader.by_ref().take(body), &mut std::io::sink())
            .map_err(|error| read_error(error, &self.context.name))?;
        let reader: Box<dyn Read + Send> = match &self.structure.end {
            Some(end) => Box::new(reader.take(end.at as u64 - body)),
            None => reader,
        };
        Ok(Box::new(CsvSplit::new(
            reader,
            self.rules.dialect.clone(),
            self.context.name.clone(),
            self.source.mark() + body,
            self.structure.body_lines + 1,
        )))
    }
}

impl Table for CsvTable {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.plan.columns
    }

    fn hints(&self) -> TextHints {
        let Rules { dialect, .. } = self.rules.as_ref();
        let text = |marker: Marker| String::from_utf8_lossy(marker.as_bytes()).into_owned();
        TextHints {
            delimiter: Some(text(dialect.delimiter)),
            quote: Some(dialect.quote.map(char::from)),
            escape: Some(dialect.escape.map(char::from)),
            header: Some(self.structure.header_rows > 0),
            header_rows: u32::try_from(self.structure.header_rows).ok().filter(|rows| *rows > 1),
            comment: Some(dialect.comment.map(text)),
            ..TextHints::default()
        }
    }

    fn found(&self) -> &[Found] {
        &self.plan.found
    }

    fn schema(&self) -> SchemaRef {
        self.plan.decode.schema()
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    fn left_out(&self) -> Vec<LossEvent> {
        self.structure.left_out()
    }

    fn infer_whole(&mut self) -> Result<(), Error> {
        let infer = CsvInfer { rules: Arc::clone(&self.rules) };
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
        self.plan =
            plan(&self.names, &observed, &self.column_options, &self.options, &self.rules, true)?;
        self.complete = true;
        Ok(())
    }

    fn rows(&self) -> Result<Batches, Error> {
        let context = &self.context;
        let rows = pipeline::run(
            self.split()?,
            Arc::clone(&self.plan.decode),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        Ok(Box::new(rows))
    }
}

/// Checks that the header is text: names are never guessed.
fn check_header(header: &[u8], name: &str) -> Result<(), Error> {
    let Err(error) = std::str::from_utf8(header) else { return Ok(()) };
    let before = &header[..error.valid_up_to()];
    let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
    Err(Error::Data {
        input: name.to_owned(),
        source: Box::new(DataError {
            code: DataCode::UndecodableBytes,
            record: 0,
            line,
            byte: before.len() as u64,
            column: None,
            text: DataError::shorten(header),
            message: "the bytes are not text in UTF-8".to_owned(),
        }),
    })
}
