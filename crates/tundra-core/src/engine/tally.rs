//! What the reader counted, while DuckDB takes its batches.
//!
//! Start at [`tallied`]: it makes of decoded batches a reader for DuckDB, and of everything else
//! that was found a [`Tally`].

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arrow::{
    array::{RecordBatch, RecordBatchReader},
    datatypes::SchemaRef,
    error::ArrowError,
};

use crate::{
    Counts, DataError, Error, EventSample, LossEvent, RejectLimit,
    engine::rejects::Spool,
    read::{
        chunk::{DecodeError, Decoded},
        csv::structure::COMMENTS,
        table::{Batches, LeftOut},
    },
};

/// Occurrences of one kind that a receipt shows.
pub(crate) const SAMPLES: usize = 10;

/// The code of records that were to be left out and are not there.
const SKIPS_BEYOND_END: &str = "skip_rows_beyond_end";

/// What the reader counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many records went where; `written` is the writer's to count.
    pub(crate) counts: Counts,
    /// Nulls of each column.
    pub(crate) nulls: Vec<u64>,
    /// What was set aside or made to fit, by code.
    pub(crate) events: Vec<LossEvent>,
    /// The records that were set aside.
    pub(crate) rejects: Spool,
    /// A value that contradicts the sampled types; the pass is worth nothing.
    pub(crate) contradiction: Option<Box<DataError>>,
}

impl Tally {
    fn take(&mut self, decoded: &Decoded) -> std::io::Result<()> {
        self.note(decoded);
        decoded.rejects.iter().try_for_each(|reject| self.rejects.push(reject))
    }

    /// Counts what was decoded, and keeps no reject.
    pub(crate) fn note(&mut self, decoded: &Decoded) {
        self.counts.records += decoded.counted;
        self.counts.decoded += decoded.decoded;
        self.counts.skipped += decoded.skipped;
        self.counts.rejected += decoded.rejects.len() as u64;
        self.counts.repaired += decoded.repaired;
        self.nulls.resize(decoded.nulls.len().max(self.nulls.len()), 0);
        for (sum, nulls) in self.nulls.iter_mut().zip(&decoded.nulls) {
            *sum += nulls;
        }
        for reject in &decoded.rejects {
            self.event("rejected", &reject.error);
        }
        for repair in &decoded.repairs {
            self.event("repaired", repair);
        }
        for header in &decoded.headers {
            self.event("skipped", header);
        }
        if decoded.comments > 0 {
            let (code, count) = (COMMENTS.to_owned(), decoded.comments);
            let events = vec![LossEvent { code, count, samples: Vec::new() }];
            self.leave_out(LeftOut { events, lines: count, bytes: decoded.comment_bytes });
        }
    }

    /// Takes into account what belongs to no record.
    pub(crate) fn leave_out(&mut self, left_out: LeftOut) {
        self.counts.left_out_lines += left_out.lines;
        self.counts.left_out_bytes += left_out.bytes;
        left_out.events.into_iter().for_each(|event| self.add(event));
    }

    /// Tells which of the records that were to be left out are not there, when all are counted. Their
    /// place is none, so their line is 0.
    pub(crate) fn tell_skips_beyond_end(&mut self, skip_rows: &BTreeSet<u64>) {
        let beyond = skip_rows.range(self.counts.records..);
        let count = beyond.clone().count() as u64;
        if count == 0 {
            return;
        }
        let samples = beyond.take(SAMPLES).map(|number| EventSample {
            record: number.saturating_add(1),
            line: 0,
            byte: 0,
            column: None,
            text: format!("--skip-rows {number}"),
        });
        let samples = samples.collect();
        self.add(LossEvent { code: SKIPS_BEYOND_END.to_owned(), count, samples });
    }

    /// Adds an event to those that were counted while reading.
    fn add(&mut self, event: LossEvent) {
        match self.events.iter_mut().find(|other| other.code == event.code) {
            Some(other) => other.count += event.count,
            None => self.events.push(event),
        }
    }

    fn event(&mut self, what: &str, error: &DataError) {
        let code = format!("{what}_{}", error.code);
        let at = match self.events.iter().position(|event| event.code == code) {
            Some(at) => at,
            None => {
                self.events.push(LossEvent { code, count: 0, samples: Vec::new() });
                self.events.len() - 1
            }
        };
        let event = &mut self.events[at];
        event.count += 1;
        if event.samples.len() < SAMPLES {
            event.samples.push(EventSample {
                record: error.record,
                line: error.line,
                byte: error.byte,
                column: error.column.clone(),
                text: error.text.clone(),
            });
        }
    }
}

/// Makes a reader for DuckDB, and the tally that grows while it is read.
pub(crate) fn tallied(
    schema: SchemaRef,
    batches: Batches,
    input: String,
    max_rejects: Option<RejectLimit>,
    rejects: Spool,
) -> (Box<dyn RecordBatchReader + Send>, Arc<Mutex<Tally>>) {
    let tally = Arc::new(Mutex::new(Tally {
        nulls: vec![0; schema.fields().len()],
        rejects,
        ..Tally::default()
    }));
    let reader = TallyingReader {
        schema,
        batches,
        tally: Arc::clone(&tally),
        input,
        max_rejects,
        first_reject: None,
    };
    (Box::new(reader), tally)
}

/// Locks a tally; whoever panicked with it has ended the run.
pub(crate) fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

struct TallyingReader {
    schema: SchemaRef,
    batches: Batches,
    tally: Arc<Mutex<Tally>>,
    input: String,
    max_rejects: Option<RejectLimit>,
    first_reject: Option<DataError>,
}

impl TallyingReader {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            let Some(decoded) = self.batches.next() else {
                // A share can be told only at the end.
                self.check_rejects(true)?;
                return Ok(None);
            };
            let decoded = match decoded {
                Ok(decoded) => decoded,
                Err(DecodeError::Other(error)) => return Err(error),
                Err(DecodeError::Data(source)) => {
                    return Err(Error::Data { input: self.input.clone(), source });
                }
                Err(DecodeError::Contradiction(error)) => {
                    lock(&self.tally).contradiction = Some(error.clone());
                    return Err(Error::Data { input: self.input.clone(), source: error });
                }
            };
            if self.first_reject.is_none() {
                self.first_reject = decoded.rejects.first().map(|reject| reject.error.clone());
            }
            lock(&self.tally).take(&decoded).map_err(|error| {
                Error::Internal(format!("could not keep the rejected records: {error}"))
            })?;
            self.check_rejects(false)?;
            if decoded.batch.num_rows() > 0 {
                return Ok(Some(decoded.batch));
            }
        }
    }

    /// Fails when more was rejected than allowed, and at the end when nothing else was read.
    fn check_rejects(&self, at_end: bool) -> Result<(), Error> {
        let Some(first) = &self.first_reject else { return Ok(()) };
        let counts = lock(&self.tally).counts;
        if at_end && counts.decoded == counts.skipped + counts.rejected {
            return Err(Error::NothingLeft {
                input: self.input.clone(),
                rejected: counts.rejected,
                source: Box::new(first.clone()),
            });
        }
        let Some(limit) = self.max_rejects else { return Ok(()) };
        let decidable = at_end || matches!(limit, RejectLimit::Count(_));
        if decidable && limit.is_exceeded(counts.rejected, counts.records) {
            return Err(Error::TooManyRejects {
                rejected: counts.rejected,
                records: counts.records,
                limit: limit.to_string(),
                source: Box::new(first.clone()),
            });
        }
        Ok(())
    }
}

impl Iterator for TallyingReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}

impl RecordBatchReader for TallyingReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
