//! The second pass: the rows of all parts, in order, as those of one table.
//!
//! Start at [`Chain`]. Small parts are decoded as a whole by one thread each, several of them at once; a
//! large one is decoded by all threads when its turn has come.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array},
    compute::take,
    datatypes::SchemaRef,
};

use super::{
    Many,
    extra::Extras,
    look::{Ready, Survey},
    part::{Part, not_read},
};
use crate::{
    Error, ObjectReader, Result,
    engine::{rejects::CurrentInput, tally::Tally},
    read::{
        chunk::{DecodeError, Decoded},
        pipeline::{self, Ordered},
        table::{Batches, LeftOut},
    },
};

/// Bytes that nulls for columns which a part lacks may take at a time.
const MOST_NULL_BYTES: usize = 32 << 20;

/// What is known of a pass, also when it fails.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// What was counted of each part, by its number.
    pub(super) tallies: HashMap<usize, Tally>,
    /// The part at which it failed.
    pub(super) failed_at: Option<usize>,
}

/// A part on its way to the consumer.
enum Coming {
    /// All of its rows.
    Decoded { batches: Vec<Decoded>, schema: SchemaRef, left_out: LeftOut },
    /// It is large.
    Ready(Ready),
    /// It failed.
    Failed(DecodeError),
}

/// The rows of all parts.
pub(super) struct Chain {
    many: Arc<Many>,
    parts: Arc<Vec<Part>>,
    survey: Arc<Survey>,
    extras: Arc<Extras>,
    schema: SchemaRef,
    coming: Ordered<(usize, Coming)>,
    current: Option<Current>,
    pass: Arc<Mutex<Pass>>,
    input: CurrentInput,
    /// Pieces of a batch that would be too large as one.
    pieces: VecDeque<Decoded>,
}

/// The part whose rows are being taken.
struct Current {
    number: usize,
    batches: Batches,
    /// From which column of the part each column of the table comes.
    slots: Vec<Option<usize>>,
    /// The part, where it is still being read.
    ready: Option<Ready>,
    left_out: LeftOut,
}

impl Chain {
    /// Begins a pass. `schema` is that of the rows with the columns of `extras`.
    pub(super) fn begin(
        many: &Arc<Many>,
        parts: &Arc<Vec<Part>>,
        survey: &Arc<Survey>,
        extras: &Arc<Extras>,
        schema: SchemaRef,
        (pass, input): (&Arc<Mutex<Pass>>, CurrentInput),
    ) -> Result<Self> {
        many.progress.begin();
        Ok(Self {
            many: Arc::clone(many),
            parts: Arc::clone(parts),
            survey: Arc::clone(survey),
            extras: Arc::clone(extras),
            schema,
            coming: coming(many, parts, survey)?,
            current: None,
            pass: Arc::clone(pass),
            input,
            pieces: VecDeque::new(),
        })
    }

    /// Takes the next part, if there is one.
    fn next_part(&mut self) -> Option<Result<Current, DecodeError>> {
        let (number, coming) = match self.coming.next()? {
            Ok(next) => next,
            Err(error) => return Some(Err(error)),
        };
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::from(self.parts[number].name());
        lock(&self.pass).tallies.entry(number).or_default();
        Some(match coming {
            Coming::Failed(error) => Err(self.failed(number, error)),
            Coming::Decoded { batches, schema, left_out } => Ok(Current {
                number,
                batches: Box::new(batches.into_iter().map(Ok)),
                slots: self.slots(&schema),
                ready: None,
                left_out,
            }),
            Coming::Ready(ready) => match ready.table.rows() {
                Ok(batches) => Ok(Current {
                    number,
                    batches,
                    slots: self.slots(&ready.table.schema()),
                    left_out: LeftOut::default(),
                    ready: Some(ready),
                }),
                Err(error) => Err(self.failed(number, DecodeError::Other(error))),
            },
        })
    }

    fn slots(&self, schema: &SchemaRef) -> Vec<Option<usize>> {
        let by_name: HashMap<&str, usize> =
            schema.fields().iter().enumerate().map(|(at, it)| (it.name().as_str(), at)).collect();
        let fields = self.survey.united.schema.fields().iter();
        fields.map(|field| by_name.get(field.name().as_str()).copied()).collect()
    }

    /// Ends a part.
    fn end(&mut self, current: Current) -> Result<(), DecodeError> {
        let Current { number, batches, ready, mut left_out, .. } = current;
        drop(batches);
        if let Some(ready) = ready {
            left_out = ready.table.left_out();
            let unchanged = self.many.runtime.block_on(ready.object.check_unchanged());
            unchanged.map_err(|error| self.failed(number, DecodeError::Other(not_read(error))))?;
        }
        let mut pass = lock(&self.pass);
        let tally = pass.tallies.entry(number).or_default();
        tally.leave_out(left_out);
        let size = self.survey.looked.get(&number).map_or(0, |part| part.info.size);
        self.many.progress.end_part(size, tally.counts.records);
        Ok(())
    }

    /// Notes at which part the pass failed, and says so.
    fn failed(&self, number: usize, error: DecodeError) -> DecodeError {
        lock(&self.pass).failed_at = Some(number);
        match error {
            DecodeError::Data(source) => {
                DecodeError::Other(Error::Data { input: self.parts[number].shown(), source })
            }
            other => other,
        }
    }

    /// Puts a batch into the columns of the table, in pieces where it would be too large.
    fn arrange(
        &self,
        decoded: Decoded,
        current: &Current,
    ) -> Result<VecDeque<Decoded>, DecodeError> {
        const NULL_BYTES: usize = 16;
        let missing = current.slots.iter().filter(|slot| slot.is_none()).count();
        let rows = decoded.batch.num_rows();
        let most = (MOST_NULL_BYTES / (missing.max(1) * NULL_BYTES)).max(1);
        let Decoded { batch, nulls, .. } = decoded;
        let first = rows.min(most);
        let mut pieces = VecDeque::new();
        let all_nulls = self.nulls(&nulls, rows, current);
        let whole = Decoded {
            batch: self.piece(&batch.slice(0, first), current)?,
            nulls: all_nulls,
            ..decoded
        };
        pieces.push_back(whole);
        for from in (first..rows).step_by(most) {
            let batch = batch.slice(from, most.min(rows - from));
            pieces.push_back(uncounted(self.piece(&batch, current)?));
        }
        Ok(pieces)
    }

    fn piece(&self, batch: &RecordBatch, current: &Current) -> Result<RecordBatch, DecodeError> {
        let rows = batch.num_rows();
        let fields = self.survey.united.schema.fields();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        arrays.extend(current.slots.iter().zip(fields).map(|(slot, field)| match slot {
            Some(at) => Arc::clone(batch.column(*at)),
            None => new_null_array(field.data_type(), rows),
        }));
        let internal = |error: arrow::error::ArrowError| {
            DecodeError::Other(Error::Internal(error.to_string()))
        };
        let first = UInt32Array::from(vec![0; rows]);
        for value in self.extras.values(current.number) {
            arrays.push(take(value, &first, None).map_err(internal)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(internal)
    }

    fn nulls(&self, nulls: &[u64], rows: usize, current: &Current) -> Vec<u64> {
        let rows = rows as u64;
        let of_part = current.slots.iter().map(|slot| slot.map_or(rows, |at| nulls[at]));
        let values = self.extras.values(current.number).iter();
        of_part.chain(values.map(|value| rows * value.null_count() as u64)).collect()
    }

    fn next_decoded(&mut self) -> Option<Result<Decoded, DecodeError>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(Ok(piece));
            }
            let mut current = match self.current.take() {
                Some(current) => current,
                None => match self.next_part()? {
                    Ok(current) => current,
                    Err(error) => return Some(Err(error)),
                },
            };
            let outcome = match current.batches.next() {
                None => match self.end(current) {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                },
                Some(Err(error)) => Err(self.failed(current.number, error)),
                Some(Ok(decoded)) => {
                    let number = current.number;
                    lock(&self.pass).tallies.entry(number).or_default().note(&decoded);
                    self.arrange(decoded, &current)
                }
            };
            match outcome {
                Ok(pieces) => self.pieces = pieces,
                Err(error) => return Some(Err(error)),
            }
            self.current = Some(current);
        }
    }
}

impl Iterator for Chain {
    type Item = Result<Decoded, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_decoded()
    }
}

impl Many {
    /// Reads all parts and keeps nothing. Returns those that cannot be read, and why.
    ///
    /// # Errors
    /// Fails when something else is wrong than the parts themselves.
    pub(super) fn broken(
        self: &Arc<Self>,
        parts: &Arc<Vec<Part>>,
        survey: &Arc<Survey>,
    ) -> Result<Vec<(usize, Error)>> {
        let mut broken = Vec::new();
        for next in coming(self, parts, survey)? {
            self.stop.check()?;
            let (number, coming) = next.map_err(plain)?;
            let error = match coming {
                Coming::Decoded { .. } => None,
                Coming::Failed(error) => Some(error),
                Coming::Ready(ready) => ready.table.rows()?.find_map(std::result::Result::err),
            };
            match error {
                // With other parts left out its types may be others.
                None | Some(DecodeError::Contradiction(_)) => {}
                Some(DecodeError::Data(source)) => {
                    broken.push((number, Error::Data { input: parts[number].shown(), source }));
                }
                Some(DecodeError::Other(error)) if self.is_left_out(&error) => {
                    broken.push((number, error));
                }
                Some(DecodeError::Other(error)) => return Err(error),
            }
        }
        self.stop.check()?;
        Ok(broken)
    }

    /// Reads a part, if it is small.
    fn decode(&self, part: &Part, number: usize, survey: &Survey) -> Result<Coming, DecodeError> {
        let Some(looked) = survey.looked.get(&number) else {
            return Err(DecodeError::Other(Error::Internal("a part was not looked at".to_owned())));
        };
        let ready = self.ready(part, looked, &survey.united).map_err(DecodeError::Other)?;
        if !looked.is_small {
            return Ok(Coming::Ready(ready));
        }
        let rows = ready.table.rows().map_err(DecodeError::Other)?;
        let batches = rows.collect::<Result<Vec<_>, _>>()?;
        let unchanged = self.runtime.block_on(ready.object.check_unchanged());
        unchanged.map_err(|error| DecodeError::Other(not_read(error)))?;
        let (schema, left_out) = (ready.table.schema(), ready.table.left_out());
        Ok(Coming::Decoded { batches, schema, left_out })
    }
}

/// Begins to read all parts that were looked at.
fn coming(
    many: &Arc<Many>,
    parts: &Arc<Vec<Part>>,
    survey: &Arc<Survey>,
) -> Result<Ordered<(usize, Coming)>> {
    let mut numbers = survey.looked.keys().copied().collect::<Vec<_>>().into_iter();
    let (reader, parts, survey) = (Arc::clone(many), Arc::clone(parts), Arc::clone(survey));
    let work = move |number: usize| -> Result<_, DecodeError> {
        let coming = reader.decode(&parts[number], number, &survey);
        Ok((number, coming.unwrap_or_else(Coming::Failed)))
    };
    pipeline::in_order(
        Box::new(move || Ok(numbers.next())),
        Arc::new(work),
        many.threads,
        many.stop.own.clone(),
    )
}

/// Returns a batch whose records were counted with the one before it.
fn uncounted(batch: RecordBatch) -> Decoded {
    Decoded {
        nulls: vec![0; batch.num_columns()],
        batch,
        counted: 0,
        decoded: 0,
        skipped: 0,
        rejects: Vec::new(),
        repairs: Vec::new(),
        repaired: 0,
        headers: Vec::new(),
        comments: 0,
        comment_bytes: 0,
    }
}

pub(super) fn lock(pass: &Mutex<Pass>) -> std::sync::MutexGuard<'_, Pass> {
    pass.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the error of work that decodes nothing.
pub(super) fn plain(error: DecodeError) -> Error {
    match error {
        DecodeError::Other(error) => error,
        DecodeError::Data(source) | DecodeError::Contradiction(source) => {
            Error::Internal(format!("a part was decoded where it was only looked at: {source}"))
        }
    }
}
