//! A delimited text as a table.

use std::{io::Read, sync::Arc};

use arrow::datatypes::SchemaRef;

use crate::{
    BadRowPolicy, ColumnPlan, ConvertOptions, DataCode, DataError, Decision, Error, TextHints,
    TypePolicy,
    read::{
        chunk::{DecodeError, Split},
        csv::{
            Dialect,
            decode::CsvDecode,
            detect::{Detected, detect},
            infer::{CsvInfer, CsvObservation},
            marker::Marker,
            names::column_names,
            nulls::NullWords,
            plan::{CsvPlan, plan},
            rules::Rules,
            shape::Shapes,
            split::CsvSplit,
            structure::{Behind, End, Structure},
            tokenize::{Span, Tokenizer},
        },
        pipeline,
        source::{TextSource, read_error},
        table::{Batches, ColumnOptions, Found, LeftOut, ReadContext, Table},
        unite::{Seen, United},
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
    observed: CsvObservation,
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
        let has_footer = options.text.footer.is_some_and(|lines| lines > 0);
        let tail = if whole { None } else { source.tail(has_footer)? };
        if tail.is_none() && !whole && has_footer {
            return Err(Error::Request {
                message: "the footer of a large input that is not UTF-8 cannot be found".to_owned(),
                hint: Some("convert it to UTF-8 first, or use `--on-bad-row reject`".to_owned()),
            });
        }
        if options.format.is_none() {
            check_is_table(sample, &context.name)?;
        }
        let Detected { dialect, mut structure, mut decisions } =
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
        if let Some(end) = structure.end.take() {
            let columns = Shapes::learn(&sample[structure.body..], &dialect, names.len());
            // What ends in the sample was counted there, and so were the last lines.
            structure.end = if whole || end.line == 0 {
                Some(end)
            } else {
                counted_to_the_end(end, &source, &dialect, &columns, &context)?
            };
            if structure.end.is_none() {
                decisions.retain(|decision| decision.what != "end");
            }
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
        let looked_at = context.types_by.map_or(rest, |bytes| whole_lines(rest, bytes));
        let whole = whole && looked_at.len() == rest.len();
        observed.observe(looked_at, &rules, 0);
        let row_bytes = (looked_at.len() as u64).checked_div(observed.records).unwrap_or(0)
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
            observed,
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

    fn left_out(&self) -> LeftOut {
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
        self.observed = observed;
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

    fn take_seen(&mut self) -> Seen {
        Seen::Text { observed: std::mem::take(&mut self.observed) }
    }

    fn join(&mut self, united: &United) -> Result<(), Error> {
        let (plans, columns) = united.text_columns(&self.names)?;
        self.plan.decode = Arc::new(CsvDecode::new(Arc::clone(&self.rules), columns)?);
        self.plan.columns = plans;
        Ok(())
    }
}

/// Returns the lines of a text that end within its first bytes, and at least one. What is cut off within
/// quotes is no record.
fn whole_lines(text: &[u8], bytes: usize) -> &[u8] {
    if text.len() <= bytes {
        return text;
    }
    let end = memchr::memrchr(b'\n', &text[..bytes])
        .or_else(|| memchr::memchr(b'\n', &text[bytes..]).map(|at| bytes + at));
    end.map_or(text, |end| &text[..=end])
}

/// Reads what is behind the end of a table that the sample seems to show, up to the end of the text,
/// and counts it. Where records of the table come again there, it does not end: `None`.
fn counted_to_the_end(
    end: End,
    source: &TextSource,
    dialect: &Dialect,
    columns: &Shapes,
    context: &ReadContext,
) -> Result<Option<End>, Error> {
    let mut reader = source.open()?;
    std::io::copy(&mut reader.by_ref().take(end.at as u64), &mut std::io::sink())
        .map_err(|error| read_error(error, &context.name))?;
    let mut split =
        CsvSplit::new(reader, dialect.clone(), context.name.clone(), end.at as u64, end.line);
    let (mut lines, mut bytes, mut records, mut fitting) = (0, 0, 0, 0);
    let mut spans: Vec<Span> = Vec::new();
    while let Some(chunk) = split.next_chunk()? {
        if context.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        lines += dialect.count_all_lines(&chunk.bytes);
        bytes += chunk.bytes.len() as u64;
        let mut tokenizer = Tokenizer::new(&chunk.bytes, dialect);
        loop {
            spans.clear();
            if tokenizer.next_record(&mut spans).is_none() {
                break;
            }
            records += 1;
            let fits = columns.fit(spans.iter().map(|span| span.of(&chunk.bytes)));
            fitting += usize::from(fits);
        }
    }
    let is_behind = End::is_behind(fitting, records, end.what == Behind::TableAgain);
    Ok(is_behind.then_some(End { lines, bytes, ..end }))
}

/// Refuses what is no table but was called one: JSON and markup have commas and colons enough to be
/// taken apart.
fn check_is_table(sample: &[u8], name: &str) -> Result<(), Error> {
    let text = sample.trim_ascii_start();
    let begins =
        |word: &[u8]| text.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word));
    let is_json = match text {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"', ..]),
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'{', ..]),
        _ => false,
    };
    let (what, hint) = if is_json {
        ("JSON", "say `--format json`, or `--format csv` if it is a table nevertheless")
    } else if [&b"<?xml"[..], b"<!doctype", b"<html"].into_iter().any(begins) {
        ("XML or HTML", "export the table itself, or say `--format csv` if it is one nevertheless")
    } else {
        return Ok(());
    };
    Err(Error::Request {
        message: format!("`{name}` begins like {what}, not like a table"),
        hint: Some(hint.to_owned()),
    })
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
