//! The first pass: each part is opened and looked at, and its columns are united with those of all.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Many, extra,
    object::PartObject,
    parquet::FilePart,
    part::{Part, changed, not_read},
};
use crate::{
    Decision, Error, Format, ManyInputs, ObjectInfo, ObjectReader, Progress, Reporter, Result,
    Stage,
    engine::{
        geo::{Disagreement, GeoUnion},
        input::OpenInput,
        opening,
    },
    read::{
        chunk::DecodeError,
        pipeline,
        table::{Found, Table},
        unite::{Seen, Union, United},
    },
};

/// What was found out about a part.
pub(super) struct Looked {
    pub(super) format: Format,
    pub(super) info: ObjectInfo,
    pub(super) decisions: Vec<Decision>,
    pub(super) found: Vec<Found>,
    /// Its types are those of all of its records.
    pub(super) is_complete: bool,
    /// It is so small that one thread reads it as a whole.
    pub(super) is_small: bool,
    pub(super) row_bytes: u64,
    /// What the next pass begins with, where it was kept.
    pub(super) kept: Mutex<Option<Ready>>,
    /// What else there is to know of Parquet.
    pub(super) file: Option<FilePart>,
}

/// A part that can be read.
pub(super) struct Ready {
    pub(super) table: Box<dyn Table>,
    pub(super) object: Arc<PartObject>,
}

/// All parts, looked at.
pub(super) struct Survey {
    /// The parts that are read, by their numbers.
    pub(super) looked: BTreeMap<usize, Looked>,
    pub(super) united: United,
    pub(super) is_complete: bool,
    /// What Parquet says of geometries.
    pub(super) geo: GeoUnion,
}

/// A part that was opened.
struct Begun {
    opened: OpenInput,
    ready: Ready,
    encoding: Option<Decision>,
}

impl Many {
    /// Looks at all parts that are not left out, and unites their columns. With `whole` that is all of their
    /// records.
    ///
    /// # Errors
    /// Fails with the error of the first part that cannot be read, unless it is to be left out.
    pub(super) fn survey(
        self: &Arc<Self>,
        inputs: &ManyInputs,
        parts: &Arc<Vec<Part>>,
        left_out: &mut LeftOutParts,
        whole: bool,
    ) -> Result<Survey> {
        self.reporter.stage(if whole { Stage::Inferring } else { Stage::Inspecting });
        self.progress.begin();
        self.progress.total.store(0, Ordering::Relaxed);
        self.held.store(0, Ordering::Relaxed);
        let mut numbers = (0..parts.len())
            .filter(|number| !left_out.has(*number))
            .collect::<Vec<_>>()
            .into_iter();
        let (many, of) = (Arc::clone(self), Arc::clone(parts));
        let work = move |number: usize| -> Result<_, DecodeError> {
            Ok((number, many.look(&of[number], whole)))
        };
        let looking = pipeline::in_order(
            Box::new(move || Ok(numbers.next())),
            Arc::new(work),
            self.lookers(parts),
            self.stop.own.clone(),
        )?;
        let mut union = Union::default();
        let mut geo = GeoUnion::default();
        let mut looked = BTreeMap::new();
        for outcome in looking {
            self.stop.check()?;
            let (number, outcome) = outcome.map_err(super::rows::plain)?;
            let part = &parts[number];
            let added = outcome.and_then(|(found, seen)| {
                let name = part.shown();
                add_geometries(&mut geo, &name, &found)?;
                union.add(&name, seen, &found.found, found.is_complete).map_err(|others| {
                    let (found, others) = (found.format.to_string(), others.to_owned());
                    Error::MixedInputs { input: name, found, others }
                })?;
                Ok(found)
            });
            match added {
                Ok(found) => {
                    self.progress.total.fetch_add(found.info.size, Ordering::Relaxed);
                    looked.insert(number, found);
                }
                // A workbook often has sheets that nobody has filled in.
                Err(error @ Error::EmptyInput { .. }) if part.sheet.is_some() => {
                    left_out.add(number, error);
                }
                Err(error) if self.is_left_out(&error) => left_out.add(number, error),
                Err(error) => return Err(error),
            }
        }
        self.stop.check()?;
        if looked.is_empty() {
            return Err(left_out.all(parts.len()));
        }
        let numbers: Vec<usize> = looked.keys().copied().collect();
        let extras = extra::names(inputs, parts, &numbers);
        let options = extra::without(&self.all_options, &extras, |name| union.has(name));
        let united = union.finish(&options, &self.name)?;
        let is_complete = looked.values().all(|part| part.is_complete);
        Ok(Survey { looked, united, is_complete, geo })
    }

    /// Returns how many parts are looked at at once: of a store that is far away more than there are threads,
    /// since they wait.
    fn lookers(&self, parts: &[Part]) -> usize {
        const OF_FAR_STORES: usize = 16;
        let is_far = parts.first().is_some_and(|part| part.location.contains("://"));
        if is_far { self.threads.max(OF_FAR_STORES) } else { self.threads }.min(parts.len())
    }

    fn look(&self, part: &Part, whole: bool) -> Result<(Looked, Seen)> {
        let (opened, object) = self.open(part)?;
        if opened.format == Format::Parquet {
            return self.look_into_file(part, &opened, object);
        }
        let Begun { opened, mut ready, encoding } = self.begin_with(part, opened, object)?;
        let is_small = opened.is_small();
        if whole && !ready.table.is_complete() {
            ready.table.infer_whole()?;
        }
        let seen = ready.table.take_seen();
        let mut decisions = opened.decisions();
        decisions.extend(encoding);
        decisions.extend_from_slice(ready.table.decisions());
        self.runtime.block_on(ready.object.check_unchanged()).map_err(not_read)?;
        let (format, held) = (opened.format, opened.held_bytes());
        // Strings of workbooks are too much to be held of all of them.
        let keeps = format != Format::Excel && (held == 0 || self.may_hold(held));
        if keeps && is_small && held == 0 && !ready.object.is_local() {
            let bytes = opened.head();
            if self.may_hold(bytes.len() as u64) {
                ready.object.hold(bytes.to_vec().into());
            }
        }
        ready.object.close();
        let looked = Looked {
            format,
            info: ready.object.info().clone(),
            decisions,
            found: ready.table.found().to_vec(),
            is_complete: ready.table.is_complete(),
            is_small,
            row_bytes: ready.table.row_bytes(),
            kept: Mutex::new(keeps.then_some(ready)),
            file: None,
        };
        Ok((looked, seen))
    }

    /// Opens a part and finds out what it is.
    fn open(&self, part: &Part) -> Result<(OpenInput, Arc<PartObject>)> {
        let object = Arc::new(self.open_object(&part.input)?);
        let mut unpacking = self.unpacking.clone();
        unpacking.found.clone_from(&part.member);
        let opened = OpenInput::of(
            Arc::clone(&object) as Arc<dyn ObjectReader>,
            &part.input.path,
            part.location.clone(),
            self.options.format,
            unpacking,
        );
        let opened = self.runtime.block_on(self.stop.unless_stopped(opened))??;
        let opened = opened.settled(self.options.format, &self.options.json);
        opening::check_hints(&opened, &self.options)?;
        Ok((opened, object))
    }

    /// Opens a part that is not Parquet and looks at its beginning.
    fn begin(&self, part: &Part) -> Result<Begun> {
        let (opened, object) = self.open(part)?;
        self.begin_with(part, opened, object)
    }

    fn begin_with(&self, part: &Part, opened: OpenInput, object: Arc<PartObject>) -> Result<Begun> {
        if opened.format == Format::Excel {
            // A workbook is read in many small steps.
            self.runtime.block_on(object.pin()).map_err(not_read)?;
        }
        let threads = if opened.is_small() { 1 } else { self.threads };
        let reporter: Arc<dyn Reporter> = Arc::new(PartProgress(Arc::clone(&self.progress)));
        let sheet = part.sheet.iter().map(|sheet| format!(" (sheet {sheet})"));
        let name = sheet.fold(opened.location.clone(), |name, sheet| name + &sheet);
        let context = self.context(name, threads, reporter);
        let mut options = self.options.clone();
        options.workbook.sheet = part.sheet.clone().or(options.workbook.sheet);
        let (table, encoding) = opened.table(&options, &self.runtime, context)?;
        Ok(Begun { opened, ready: Ready { table, object }, encoding })
    }

    /// Returns a part that was looked at, to be read as the columns of all.
    ///
    /// # Errors
    /// Fails when it is no longer what it was.
    pub(super) fn ready(&self, part: &Part, looked: &Looked, united: &United) -> Result<Ready> {
        let kept = looked.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut ready = match kept {
            Some(ready) => ready,
            None => {
                let mut ready = self.begin(part)?.ready;
                changed(&looked.info, &part.location, ready.object.info())?;
                // What stands behind the features of a collection is known only then.
                if looked.format == Format::GeoJson
                    && looked.is_complete
                    && !ready.table.is_complete()
                {
                    ready.table.infer_whole()?;
                }
                drop(ready.table.take_seen());
                ready
            }
        };
        self.runtime.block_on(ready.object.pin()).map_err(not_read)?;
        ready.table.join(united)?;
        Ok(ready)
    }

    /// Takes some of what may be held of all parts in memory, if that much is left.
    pub(super) fn may_hold(&self, bytes: u64) -> bool {
        self.held.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.most_held
    }
}

/// Adds what a part says of geometries.
fn add_geometries(geo: &mut GeoUnion, name: &str, looked: &Looked) -> Result<()> {
    let Some(said) = looked.file.as_ref().and_then(FilePart::geometries) else { return Ok(()) };
    let names: Vec<String> = looked.found.iter().map(|found| found.name.clone()).collect();
    geo.add(name, &names, said).map_err(|Disagreement { found, others }| Error::MixedInputs {
        input: name.to_owned(),
        found,
        others,
    })
}

/// Parts that are left out, and why.
#[derive(Debug, Default)]
pub(super) struct LeftOutParts {
    reasons: BTreeMap<usize, String>,
    first: Option<Error>,
}

impl LeftOutParts {
    pub(super) fn has(&self, number: usize) -> bool {
        self.reasons.contains_key(&number)
    }

    pub(super) fn reason(&self, number: usize) -> Option<&String> {
        self.reasons.get(&number)
    }

    pub(super) fn count(&self) -> u64 {
        self.reasons.len() as u64
    }

    pub(super) fn add(&mut self, number: usize, error: Error) {
        self.reasons.insert(number, with_causes(&error));
        self.first.get_or_insert(error);
    }

    /// Returns the error of a run for which nothing is left.
    fn all(&mut self, parts: usize) -> Error {
        match self.first.take() {
            Some(error) if parts > 1 => {
                Error::NothingReadable { inputs: parts as u64, source: Box::new(error) }
            }
            Some(error) => error,
            None => Error::Internal("there are no inputs".to_owned()),
        }
    }
}

/// Returns an error and its causes in one line.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// How far a pass over all parts is.
pub(super) struct AllProgress {
    pub(super) reporter: Arc<dyn Reporter>,
    /// Bytes of the parts that are done.
    pub(super) done: AtomicU64,
    pub(super) total: AtomicU64,
    pub(super) records: AtomicU64,
}

impl AllProgress {
    pub(super) fn new(reporter: Arc<dyn Reporter>) -> Self {
        let zero = || AtomicU64::new(0);
        Self { reporter, done: zero(), total: zero(), records: zero() }
    }

    /// Begins another pass.
    pub(super) fn begin(&self) {
        self.done.store(0, Ordering::Relaxed);
        self.records.store(0, Ordering::Relaxed);
    }

    /// Reports that a part has come this far.
    fn report(&self, progress: Progress) {
        let total = self.total.load(Ordering::Relaxed);
        self.reporter.progress(Progress {
            bytes: self.done.load(Ordering::Relaxed).saturating_add(progress.bytes).min(total),
            total_bytes: Some(total).filter(|total| *total > 0),
            records: self.records.load(Ordering::Relaxed).saturating_add(progress.records),
        });
    }

    /// Reports that a part is done.
    pub(super) fn end_part(&self, bytes: u64, records: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.report(Progress::default());
    }
}

/// Reports how far a part is as how far all of them are.
struct PartProgress(Arc<AllProgress>);

impl Reporter for PartProgress {
    fn stage(&self, _stage: Stage) {}

    fn progress(&self, progress: Progress) {
        self.0.report(progress);
    }
}
