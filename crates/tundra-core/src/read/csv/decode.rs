//! Chunks of delimited text as record batches.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::RecordBatch,
    array::RecordBatchOptions,
    buffer::Buffer,
    datatypes::{Field, Schema, SchemaRef},
};

use crate::{
    BadRowPolicy, ColumnType, DataCode, DataError, Error,
    read::{
        chunk::{Chunk, Decode, DecodeError, Decoded, Reject},
        csv::{
            column::{ColumnBuilder, Reading, Rows},
            rules::Rules,
            tokenize::{Record, Span, Tokenizer},
        },
        lattice::Evidence,
    },
    value::format::ValueFormat,
};

/// Rows whose fields are found before their columns are filled: their places fit into the
/// second-level cache, and filling a column in one go keeps its parser hot.
const BLOCK_ROWS: usize = 1024;

/// A column of the text and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvColumn {
    /// Its name in the output.
    pub(crate) name: String,
    /// Its type.
    pub(crate) column_type: ColumnType,
    /// How its values are read.
    pub(crate) reading: Reading,
    /// How they are written, when that is not the usual way.
    pub(crate) format: Option<ValueFormat>,
    /// What was seen of a column that is text only because too little was. A value that would make it
    /// something else contradicts it.
    pub(crate) watch: Option<Evidence>,
}

/// Everything that decides how a chunk becomes a batch.
#[derive(Debug, Clone)]
pub(crate) struct CsvDecode {
    rules: Arc<Rules>,
    columns: Vec<CsvColumn>,
    schema: SchemaRef,
}

impl CsvDecode {
    /// Decodes into these columns.
    ///
    /// # Errors
    /// Fails when a column's type is none that delimited text can hold.
    pub(crate) fn new(rules: Arc<Rules>, columns: Vec<CsvColumn>) -> Result<Self, Error> {
        for column in &columns {
            if ColumnBuilder::new(column, 0).is_none() {
                return Err(Error::Request {
                    message: format!(
                        "the type {} of column `{}` cannot be read from delimited text",
                        column.column_type, column.name
                    ),
                    hint: Some("use JSON to keep the text of nested values".to_owned()),
                });
            }
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| Field::new(&column.name, column.column_type.to_arrow(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { rules, columns, schema })
    }

    /// Returns the schema of the batches.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Decode for CsvDecode {
    type Output = Decoded;

    fn decode(&self, mut chunk: Chunk) -> Result<Decoded, DecodeError> {
        let buffer = Buffer::from_vec(std::mem::take(&mut chunk.bytes));
        let mut state = State {
            plan: self,
            bytes: buffer.as_slice(),
            is_utf8: simdutf8::basic::from_utf8(buffer.as_slice()).is_ok(),
            chunk: &chunk,
            spans: Vec::with_capacity(BLOCK_ROWS * self.columns.len()),
            records: Vec::with_capacity(BLOCK_ROWS),
            builders: self.builders(usize::try_from(chunk.records).unwrap_or(0)),
            rows: 0,
            decoded: 0,
            skipped: 0,
            rejects: Vec::new(),
            repairs: Vec::new(),
            repaired: 0,
            headers: Vec::new(),
            comments: 0,
            comment_bytes: 0,
        };
        state.run()?;
        let State {
            builders,
            rows,
            decoded,
            skipped,
            rejects,
            repairs,
            repaired,
            headers,
            comments,
            comment_bytes,
            ..
        } = state;
        let nulls = builders.iter().map(ColumnBuilder::null_count).collect();
        let batch = builders
            .into_iter()
            .map(|builder| builder.finish(&buffer))
            .collect::<Result<Vec<_>, _>>()
            .and_then(|arrays| {
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            })
            .map_err(|error| DecodeError::Other(Error::Internal(error.to_string())))?;
        Ok(Decoded {
            batch,
            counted: chunk.records,
            decoded,
            skipped,
            rejects,
            repairs,
            repaired,
            headers,
            comments,
            comment_bytes,
            nulls,
        })
    }
}

impl CsvDecode {
    fn builders(&self, rows: usize) -> Vec<ColumnBuilder> {
        self.columns.iter().filter_map(|column| ColumnBuilder::new(column, rows)).collect()
    }
}

/// One chunk on its way.
struct State<'a> {
    plan: &'a CsvDecode,
    bytes: &'a [u8],
    is_utf8: bool,
    chunk: &'a Chunk,
    /// The fields of the block, row by row, as many as there are columns.
    spans: Vec<Span>,
    /// The rows of the block, each with the number of its record in the chunk.
    records: Vec<(Record, u64)>,
    builders: Vec<ColumnBuilder>,
    rows: usize,
    decoded: u64,
    skipped: u64,
    rejects: Vec<Reject>,
    repairs: Vec<DataError>,
    repaired: u64,
    headers: Vec<DataError>,
    comments: u64,
    comment_bytes: u64,
}

impl State<'_> {
    fn run(&mut self) -> Result<(), DecodeError> {
        let plan = self.plan;
        let width = plan.columns.len();
        let bytes = self.bytes;
        let checks_values = plan.rules.on_bad_row == BadRowPolicy::Reject
            && plan.columns.iter().any(|column| column.reading.is_asked_for());
        let mut tokenizer = Tokenizer::new(bytes, &plan.rules.dialect);
        loop {
            let from = self.spans.len();
            let Some(record) = tokenizer.next_record(&mut self.spans) else { break };
            let number = self.decoded;
            self.decoded += 1;
            if plan.rules.skips(self.chunk.record + number) {
                self.skipped += 1;
                self.spans.truncate(from);
                continue;
            }
            if plan.rules.is_header(&self.spans[from..], bytes) {
                let text = &bytes[record.start..record.end];
                let message = "the header once more".to_owned();
                let code = DataCode::RepeatedHeader;
                self.headers.push(self.error(&record, number, code, None, text, message));
                self.skipped += 1;
                self.spans.truncate(from);
                continue;
            }
            let found = self.spans.len() - from;
            let text = &bytes[record.start..record.end];
            if found == width
                && record.fault.is_none()
                && (self.is_utf8 || std::str::from_utf8(text).is_ok())
                && plan.rules.unglue(&mut self.spans, from, bytes)
            {
                let message = "a delimiter is missing in front of a quote".to_owned();
                let code = DataCode::StrayQuote;
                self.repairs.push(self.error(&record, number, code, None, text, message));
                self.repaired += 1;
                self.records.push((record, number));
            } else if found == width && record.fault.is_none() && self.is_utf8 && !checks_values {
                self.records.push((record, number));
            } else {
                match self.fault(&record, from, checks_values) {
                    None => self.records.push((record, number)),
                    Some((code, column, message)) => {
                        self.bad_record(record, number, from, code, column, message)?;
                    }
                }
            }
            if self.records.len() == BLOCK_ROWS {
                self.fill_columns()?;
            }
        }
        self.comments = tokenizer.comments();
        self.comment_bytes = tokenizer.comment_bytes();
        self.fill_columns()
    }

    /// Returns what is wrong with the record whose fields begin at `from`.
    fn fault(
        &self,
        record: &Record,
        from: usize,
        checks_values: bool,
    ) -> Option<(DataCode, Option<usize>, String)> {
        let columns = &self.plan.columns;
        let found = self.spans.len() - from;
        if !self.is_utf8 && std::str::from_utf8(&self.bytes[record.start..record.end]).is_err() {
            return Some((
                DataCode::UndecodableBytes,
                None,
                "the bytes are not text in UTF-8".to_owned(),
            ));
        }
        let fields = |count: usize| if count == 1 { "field" } else { "fields" };
        let expected = columns.len();
        if found < expected {
            let message = format!("{found} {} where there should be {expected}", fields(found));
            return Some((DataCode::TooFewFields, None, message));
        }
        if found > expected {
            let message = format!("{found} {} where there should be {expected}", fields(found));
            return Some((DataCode::TooManyFields, None, message));
        }
        if let Some(code) = record.fault {
            let message = match code {
                DataCode::UnclosedQuote => "a quote opens and never closes",
                _ => "a quote inside quotes neither closes the field nor is escaped",
            };
            return Some((code, None, message.to_owned()));
        }
        if checks_values {
            for (index, (column, span)) in columns.iter().zip(&self.spans[from..]).enumerate() {
                let text = span.of(self.bytes);
                if column.reading.is_asked_for()
                    && !text.is_empty()
                    && !self.plan.rules.null_words.has(*span, self.bytes)
                    && !column.asked().fits(text)
                {
                    let why_not = column.asked().why_not(text);
                    let message = format!("`{}` is {why_not}", DataError::shorten(text));
                    return Some((DataCode::BadValue, Some(index), message));
                }
            }
        }
        None
    }

    /// Does with a bad record what the policy says.
    fn bad_record(
        &mut self,
        record: Record,
        number: u64,
        from: usize,
        code: DataCode,
        column: Option<usize>,
        message: String,
    ) -> Result<(), DecodeError> {
        let text = &self.bytes[record.start..record.end];
        let error = self.error(&record, number, code, column, text, message);
        match (self.plan.rules.on_bad_row, code) {
            // Nothing can be made of bytes that are no text without changing them.
            (BadRowPolicy::Fail, _) | (BadRowPolicy::Repair, DataCode::UndecodableBytes) => {
                Err(DecodeError::Data(Box::new(error)))
            }
            (BadRowPolicy::Reject, _) => {
                self.spans.truncate(from);
                self.rejects.push(Reject {
                    end_byte: self.chunk.byte + record.end as u64,
                    raw: text.to_vec(),
                    error,
                });
                Ok(())
            }
            (BadRowPolicy::Repair, _) => {
                self.plan.rules.fit(&mut self.spans, from, &record, self.bytes);
                self.records.push((record, number));
                self.repairs.push(error);
                self.repaired += 1;
                Ok(())
            }
        }
    }

    /// Fills every column with the rows of the block.
    fn fill_columns(&mut self) -> Result<(), DecodeError> {
        let width = self.plan.columns.len();
        if !self.plan.rules.null_words.is_empty() {
            for span in &mut self.spans {
                if self.plan.rules.null_words.has(*span, self.bytes) {
                    *span = Span::MISSING;
                }
            }
        }
        let mut builders = std::mem::take(&mut self.builders);
        let mut repaired_rows = BTreeSet::new();
        for (column, builder) in builders.iter_mut().enumerate() {
            let mut unfit_rows = Vec::new();
            let rows = Rows {
                bytes: self.bytes,
                spans: &self.spans,
                width,
                dialect: &self.plan.rules.dialect,
            };
            let repairs = self.plan.rules.on_bad_row == BadRowPolicy::Repair
                && self.plan.columns[column].reading.is_asked_for();
            let outcome = builder.append(rows, column, |row| {
                if repairs {
                    unfit_rows.push(row);
                    return Ok(());
                }
                Err(row)
            });
            if let Err(row) = outcome {
                return Err(self.unfit(column, row));
            }
            for row in unfit_rows {
                let (record, number) = self.records[row];
                let text = self.spans[row * width + column].of(self.bytes);
                let message = self.plan.columns[column].asked().why_not(text);
                let error =
                    self.error(&record, number, DataCode::BadValue, Some(column), text, message);
                self.repairs.push(error);
                repaired_rows.insert(row);
            }
        }
        self.repaired += repaired_rows.len() as u64;
        self.builders = builders;
        self.rows += self.records.len();
        self.records.clear();
        self.spans.clear();
        Ok(())
    }

    /// Returns the error for a value that is none of its column's type.
    fn unfit(&self, column: usize, row: usize) -> DecodeError {
        let plan = &self.plan.columns[column];
        let (record, number) = self.records[row];
        let text = self.spans[row * self.plan.columns.len() + column].of(self.bytes);
        let message = plan.asked().why_not(text);
        let error =
            Box::new(self.error(&record, number, DataCode::BadValue, Some(column), text, message));
        match plan.reading {
            Reading::Lossless | Reading::Provisional => DecodeError::Contradiction(error),
            Reading::Forced | Reading::Exact => DecodeError::Data(error),
        }
    }

    fn error(
        &self,
        record: &Record,
        number: u64,
        code: DataCode,
        column: Option<usize>,
        text: &[u8],
        message: String,
    ) -> DataError {
        let lines = self.plan.rules.dialect.count_lines(&self.bytes[..record.start]);
        DataError {
            code,
            record: self.chunk.record + number + 1,
            line: self.chunk.line + lines,
            byte: self.chunk.byte + record.start as u64,
            column: column.map(|column| self.plan.columns[column].name.clone()),
            text: DataError::shorten(text),
            message,
        }
    }
}
