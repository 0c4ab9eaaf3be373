//! Chunks of JSON as record batches.
//!
//! Start at [`JsonDecode`]. A [`Reader`](reader::Reader) reads values into columns; here is
//! decided what becomes of a record that it could not read.

mod reader;

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{Array, BooleanArray, RecordBatch, RecordBatchOptions},
    compute::filter_record_batch,
    datatypes::SchemaRef,
    error::ArrowError,
};

use self::reader::Reader;
use crate::{
    BadRowPolicy, DataCode, DataError, Error,
    read::{
        chunk::{Chunk, Decode, DecodeError, Decoded, Reject},
        json::{
            Framing, JsonObservation, JsonSchema,
            column::{Level, Structs},
            duplicates::superseded,
            fault::{Fault, FaultKind, Parsed},
            geojson::Content,
            observer::Observer,
            schema::Rows,
            text::{Padded, Records, Text},
            token,
        },
    },
};

/// What decides how records are decoded, besides their schema.
#[derive(Debug, Clone)]
pub(crate) struct JsonDecodeOptions {
    /// What stands between records.
    pub(crate) framing: Framing,
    /// Numbers of records that are left out, from 0.
    pub(crate) skip_rows: BTreeSet<u64>,
    /// What happens to records that do not fit.
    ///
    /// A repair keeps the last of the values that have one name in one object, makes a value null
    /// that does not fit a forced type, and writes U+FFFD for an escape that is half of a
    /// surrogate pair in a value. A record that is no JSON, or no object among objects, has nothing that could
    /// be kept, so it fails then too: a row of nulls would be a loss.
    pub(crate) on_bad_row: BadRowPolicy,
}

/// Decodes chunks of JSON into batches of one schema.
#[derive(Debug)]
pub(crate) struct JsonDecode {
    schema: Arc<JsonSchema>,
    arrow: SchemaRef,
    options: JsonDecodeOptions,
}

impl JsonDecode {
    /// Decodes into the columns of the schema, under their names there.
    pub(crate) fn new(schema: Arc<JsonSchema>, options: JsonDecodeOptions) -> Self {
        let arrow = schema.arrow_schema();
        Self { schema, arrow, options }
    }

    /// Returns the schema of the batches.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.arrow)
    }
}

impl Decode for JsonDecode {
    type Output = Decoded;

    fn decode(&self, chunk: Chunk) -> Result<Decoded, DecodeError> {
        let counted = chunk.records;
        let padded = Padded::new(chunk);
        let text = padded.text();
        let records = Records::new(&text, self.options.framing);
        let repair = self.options.on_bad_row == BadRowPolicy::Repair;
        // As many as are likely; a wrong count costs memory, or time, but no row.
        let rows = usize::try_from(counted).unwrap_or(0).min(text.len());
        let schema = &*self.schema;
        let mut run = Run {
            plan: self,
            text: &text,
            reader: Reader::new(&text.padded, records.space(), schema, repair),
            records,
            root: Structs::of_entries(&schema.entries, Level::Records, &schema.columns, rows),
            dropped: Vec::new(),
            decoded: 0,
            skipped: 0,
            rejects: Vec::new(),
            repairs: Vec::new(),
            repaired: 0,
        };
        run.run()?;
        run.finish(counted)
    }
}

/// One chunk on its way.
struct Run<'a> {
    plan: &'a JsonDecode,
    text: &'a Text<'a>,
    records: Records<'a>,
    reader: Reader<'a>,
    root: Structs,
    /// Rows that were begun for records that then could not be read.
    dropped: Vec<usize>,
    decoded: u64,
    skipped: u64,
    rejects: Vec<Reject>,
    repairs: Vec<DataError>,
    repaired: u64,
}

impl Run<'_> {
    fn run(&mut self) -> Result<(), DecodeError> {
        let skip_rows = &self.plan.options.skip_rows;
        while let Some(start) = self.records.next_start() {
            let index = self.decoded;
            self.decoded += 1;
            if !skip_rows.is_empty() && skip_rows.contains(&self.text.record(index)) {
                self.records.pass(start);
                self.skipped += 1;
                continue;
            }
            match self.read(start) {
                Ok(()) if self.reader.repairs.is_empty() => {}
                Ok(()) => self.note_repairs(index, start),
                Err(fault) => self.bad(fault, index, start)?,
            }
        }
        Ok(())
    }

    /// Reads the record at `start` into a row of the columns, which is dropped when that fails.
    #[inline]
    fn read(&mut self, start: usize) -> Parsed<()> {
        let row = self.root.rows();
        let read = self.read_row(start);
        if read.is_err() && self.root.rows() > row {
            self.dropped.push(row);
        }
        read
    }

    #[inline]
    fn read_row(&mut self, start: usize) -> Parsed<()> {
        let bytes = self.text.padded.as_bytes();
        if self.plan.schema.content == Content::Features && bytes[start] == b'{' {
            let end = self.reader.feature(&mut self.root, start)?;
            return self.records.finish(end);
        }
        let end = match self.plan.schema.rows {
            Rows::Fields if bytes[start] == b'{' => self.reader.object(&mut self.root, start, 0)?,
            Rows::Fields => {
                self.check(start)?;
                let message = "a record is no object";
                return Err(Fault::data(DataCode::NotAnObject, start, message));
            }
            Rows::Value => self.reader.record(&mut self.root, start)?,
        };
        self.records.finish(end)
    }

    /// Checks that the record at `start` is JSON.
    fn check(&mut self, start: usize) -> Parsed<()> {
        let bytes = self.text.padded.as_bytes();
        let end = token::value(self.records.space(), bytes, start, 0)?;
        self.records.finish(end)
    }

    /// Checks that the record at `start` is one that is taken into account in an observation.
    fn observe(&mut self, start: usize) -> Parsed<()> {
        let refuses_halves = self.plan.options.on_bad_row == BadRowPolicy::Reject;
        let content = self.plan.schema.content;
        let mut observer =
            Observer::new(&self.text.padded, self.records.space(), refuses_halves, content);
        let end = observer.record(&mut JsonObservation::default(), start)?;
        self.records.finish(end)
    }

    /// Does with a record that could not be read what the policy says.
    #[cold]
    fn bad(&mut self, fault: Box<Fault>, index: u64, start: usize) -> Result<(), DecodeError> {
        let policy = self.plan.options.on_bad_row;
        let mut fault = fault;
        if fault.kind == FaultKind::Data(DataCode::DuplicateKey) && policy == BadRowPolicy::Repair {
            match self.read_last_of_each(start, *fault) {
                Ok(()) => {
                    self.note_repairs(index, start);
                    return Ok(());
                }
                Err(other) => fault = other,
            }
        }
        if fault.kind == FaultKind::Contradiction {
            // A record of which nothing was observed, because it cannot be read to its end,
            // contradicts nothing.
            if let Err(other) = self.observe(start) {
                fault = other;
            }
        }
        let contradiction = fault.kind == FaultKind::Contradiction;
        let end = self.records.pass(start);
        let error = self.text.error(*fault, index, start, end);
        if contradiction && self.plan.schema.complete {
            return Err(DecodeError::Other(Error::Internal(format!(
                "a record does not fit the types that all records were looked at for: {error}"
            ))));
        }
        if contradiction {
            return Err(DecodeError::Contradiction(Box::new(error)));
        }
        match policy {
            BadRowPolicy::Fail | BadRowPolicy::Repair => Err(DecodeError::Data(Box::new(error))),
            BadRowPolicy::Reject => {
                self.rejects.push(Reject {
                    error,
                    end_byte: self.text.byte(end),
                    raw: self.text.raw(start, end).to_vec(),
                });
                Ok(())
            }
        }
    }

    /// Reads the record at `start` without those values that another one of the same name
    /// follows.
    fn read_last_of_each(&mut self, start: usize, duplicate: Fault) -> Parsed<()> {
        self.reader.repairs.clear();
        self.reader.superseded = superseded(self.records.space(), &self.text.padded, start)?;
        let read = self.read(start);
        self.reader.superseded.clear();
        self.reader.repairs.push(duplicate);
        read
    }

    /// Counts the record as a repaired one.
    fn note_repairs(&mut self, index: u64, start: usize) {
        let end = self.records.pass(start);
        self.repaired += 1;
        let mut codes = BTreeSet::new();
        for fault in self.reader.repairs.drain(..) {
            // Each of the columns counts: a value that was made to fit in one says nothing of another.
            if codes.insert((fault.code(), fault.field.clone())) {
                self.repairs.push(self.text.error(fault, index, start, end));
            }
        }
    }

    fn finish(self, counted: u64) -> Result<Decoded, DecodeError> {
        let batch = batch(self.root, &self.dropped, &self.plan.arrow)
            .map_err(|error| DecodeError::Other(Error::Internal(error.to_string())))?;
        let nulls = batch.columns().iter().map(|column| column.null_count() as u64);
        Ok(Decoded {
            nulls: nulls.collect(),
            batch,
            counted,
            decoded: self.decoded,
            skipped: self.skipped,
            rejects: self.rejects,
            repairs: self.repairs,
            repaired: self.repaired,
            headers: Vec::new(),
            comments: 0,
            comment_bytes: 0,
        })
    }
}

/// Returns the rows as a batch, without those that were dropped.
fn batch(root: Structs, dropped: &[usize], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let rows = root.rows();
    let mut columns = Vec::with_capacity(schema.fields().len());
    root.finish_columns(&mut schema.fields().iter().map(|field| field.data_type()), &mut columns)?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
    if dropped.is_empty() {
        return Ok(batch);
    }
    let mut kept = vec![true; rows];
    for row in dropped {
        kept[*row] = false;
    }
    filter_record_batch(&batch, &BooleanArray::from(kept))
}
