//! Several inputs as one table.
//!
//! Start at [`convert_many`]. There are two passes over the parts, which are objects, members of archives or
//! sheets: in the first each is looked at and their columns are united ([`look`]), and in the second their
//! rows follow each other ([`rows`]) as those of one input do, or DuckDB reads them where they are Parquet
//! ([`parquet`]). As there, a value that contradicts what the
//! first pass concluded ends the second; then every part is looked at as a whole. What is held of all parts
//! is what was decided about them, and of small ones that are far away or packed some of their bytes.

mod extra;
mod facts;
mod fault;
mod look;
mod object;
mod parquet;
mod part;
mod rows;

use std::{
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Instant,
};

use arrow::datatypes::Schema;
use tokio::runtime::Handle;

use self::{
    extra::Extras,
    look::{AllProgress, LeftOutParts, Survey},
    part::{Expanded, Part},
    rows::{Chain, Pass},
};
use crate::{
    BadFilePolicy, BadRowPolicy, Classify, Control, ConvertOptions, Decision, Error, ErrorKind,
    GeometryOptions, InputFacts, ManyInputs, ObjectWriter, Output, OutputFormat, Receipt, Reporter,
    Resources, Result, Stage,
    engine::{
        beside::RejectsPlace,
        convert::{finish, write_rejects},
        copy::Stop,
        fit::{Fitted, Given, check_format},
        geo::{GeoMetadata, as_bytes},
        parts::Place,
        prepared::{Prepared, StopOnDrop},
        rejects,
        run::{
            Copied, EncodedPlan, Feed, Finished, Run, Writing, WrittenRows, create, in_background,
        },
        spool::Spool,
        tally::{self, Tally, tallied},
        unpack::Unpacking,
    },
};

/// The share of the memory that may be held of small parts between the passes, and the most of it.
const HELD_SHARE: u64 = 16;
const MOST_HELD: u64 = 64 << 20;

/// Converts several inputs into one file, as [`super::convert`] does one, and returns its receipt.
///
/// Their columns are united by name: a column has the type that holds its values in all inputs, and is null
/// in the rows of those that lack it. The rows stand in the order of the inputs.
///
/// # Errors
/// As [`super::convert`]; and when the inputs are of different sorts.
///
/// # Cancellation
/// As [`super::convert`].
pub async fn convert_many(
    inputs: &ManyInputs,
    output: &Output,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Receipt> {
    prepare_many(inputs, output, options, resources, control).await?.publish().await
}

/// Does all of [`convert_many`] but the last step, as [`super::prepare`] does.
///
/// # Errors
/// As [`convert_many`].
///
/// # Cancellation
/// As [`convert_many`].
pub async fn prepare_many(
    inputs: &ManyInputs,
    output: &Output,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Prepared> {
    let stop = Stop::new(control);
    let guard = StopOnDrop(stop.clone());
    stop.check()?;
    control.reporter.stage(Stage::Inspecting);
    check(inputs, options)?;
    let writing = Writing::of_conversion(options)?;
    let rejects_place = RejectsPlace::beside(output, options.on_bad_row, options.rejects_name)?;
    // A place that cannot be written is told before anything is read.
    let place = Place::begin(output, &options.writing.files, &stop).await?;
    let conversion = Conversion {
        run: Run::new(output, writing, resources, control, &stop),
        many: Arc::new(Many::new(inputs, options, resources, control, &stop)),
        inputs: inputs.clone(),
        rejects_place: rejects_place.clone(),
        options: options.clone(),
    };
    let finished = in_background(&stop, move || conversion.work(place)).await?;
    let (output, control) = (output.clone(), control.clone());
    // Each part was looked at once more when its last row was read.
    Ok(Prepared { finished, opened: None, output, rejects_place, control, guard })
}

/// Returns the names of the visible sheets of a workbook, in order.
///
/// # Errors
/// Fails when it is none, and when it cannot be read.
pub async fn sheet_names(
    input: &crate::Input,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Vec<String>> {
    let stop = Stop::new(control);
    let _guard = StopOnDrop(stop.clone());
    let inputs = ManyInputs::new("", vec![input.clone()]);
    let many = Many::new(&inputs, options, resources, control, &stop);
    let input = input.clone();
    in_background(&stop, move || many.sheet_names(&input)).await
}

/// Refuses what makes sense of one input only.
fn check(inputs: &ManyInputs, options: &ConvertOptions) -> Result<()> {
    options.writing.check()?;
    check_format(&options.writing.readers, options.output_format)?;
    if inputs.members.is_some() && inputs.sheets.is_some() {
        return Err(Error::request(
            "the sheets of several members of an archive cannot be one table",
        ));
    }
    let refused = if options.geometry.hilbert {
        "--hilbert"
    } else if options.geometry != GeometryOptions::default() {
        "--geometry"
    } else if options.expected.is_some() {
        "--schema"
    } else if !options.skip_rows.is_empty() {
        "--skip-rows"
    } else if inputs.sheets.is_some() && options.workbook.sheet.is_some() {
        "--sheet"
    } else {
        return Ok(());
    };
    Err(Error::Request {
        message: format!("`{refused}` is for one input, and several are read as one table"),
        hint: Some("convert that input by itself".to_owned()),
    })
}

/// What all parts have in common.
struct Many {
    /// What messages call all parts together.
    name: String,
    /// How each part is read: as it was asked for, without what is said of columns.
    options: ConvertOptions,
    /// As it was asked for.
    all_options: ConvertOptions,
    on_bad_file: BadFilePolicy,
    unpacking: Unpacking,
    runtime: Handle,
    threads: usize,
    memory: u64,
    types_by: Option<usize>,
    stop: Stop,
    reporter: Arc<dyn Reporter>,
    progress: Arc<AllProgress>,
    /// Bytes that are held of parts.
    held: AtomicU64,
    most_held: u64,
}

impl Many {
    fn new(
        inputs: &ManyInputs,
        options: &ConvertOptions,
        resources: &Resources,
        control: &Control,
        stop: &Stop,
    ) -> Self {
        let of_each = ConvertOptions {
            column_mapping: Vec::new(),
            type_overrides: Vec::new(),
            column_formats: Vec::new(),
            ..options.clone()
        };
        let reporter = Arc::clone(&control.reporter);
        Self {
            name: inputs.name.clone(),
            unpacking: Unpacking::of(&of_each, resources, stop),
            options: of_each,
            all_options: options.clone(),
            on_bad_file: inputs.on_bad_file,
            runtime: Handle::current(),
            threads: resources.threads.max(1),
            memory: resources.memory,
            types_by: types_by(inputs.inputs.len()),
            stop: stop.clone(),
            progress: Arc::new(AllProgress::new(Arc::clone(&reporter))),
            reporter,
            held: AtomicU64::new(0),
            most_held: (resources.memory / HELD_SHARE).min(MOST_HELD),
        }
    }

    /// Returns whether a part with this error is left out: something is wrong with what it holds, or it holds
    /// nothing of what is asked of all parts, and that is the policy.
    fn is_left_out(&self, error: &Error) -> bool {
        let is_of_part = !matches!(
            error,
            Error::Storage { .. } | Error::Database(_) | Error::Engine { .. } | Error::Query { .. }
        );
        let is_wrong = matches!(
            error.kind(),
            ErrorKind::InvalidData
                | ErrorKind::InvalidRequest
                | ErrorKind::Unsupported
                | ErrorKind::LimitExceeded
        );
        self.on_bad_file == BadFilePolicy::Reject && is_of_part && is_wrong
    }
}

/// Returns by how many bytes at the beginning of each part its types are found: where there are many of them,
/// a few of each say enough, and every later value is checked.
fn types_by(parts: usize) -> Option<usize> {
    const OF_ALL: usize = 16 << 20;
    const OF_EACH: usize = 16 << 10;
    const SEVERAL: usize = 16;
    (parts > SEVERAL).then(|| (OF_ALL / parts).max(OF_EACH))
}

/// A conversion of several inputs on its way.
struct Conversion {
    run: Run,
    many: Arc<Many>,
    inputs: ManyInputs,
    rejects_place: RejectsPlace,
    options: ConvertOptions,
}

/// What was copied, and what was counted meanwhile.
struct CopiedParts {
    plan: EncodedPlan,
    rows: WrittenRows,
    tally: Tally,
    nulls: Vec<(String, Option<u64>)>,
    inputs: Vec<InputFacts>,
    inspected: Instant,
}

/// Why a pass came to nothing.
enum Failed {
    /// A value contradicts what was concluded.
    Contradicted,
    /// This part, if it is one.
    At(Option<usize>, Error),
    /// These parts are to be left out.
    Broken(Vec<(usize, Error)>),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::At(None, error)
    }
}

impl Conversion {
    fn work(&self, place: Place) -> Result<Finished> {
        if self.options.on_bad_row == BadRowPolicy::Reject {
            self.rejects_place.check(&self.run.runtime)?;
        }
        let is_parquet = self.options.output_format == OutputFormat::Parquet;
        let place = match place {
            Place::One(writer) if is_parquet && !self.run.is_encrypted() => {
                return self.parquet(writer, None);
            }
            place => place,
        };
        let spool = Spool::new(&self.run.resources)?;
        let finished = self.parquet(spool.writer()?, Some(&spool))?;
        finish(&self.run, self.options.output_format, finished, &spool, place)
    }

    /// Makes the output as Parquet: what was asked for, or what another format is made of, in `spool`.
    fn parquet(&self, writer: Box<dyn ObjectWriter>, spool: Option<&Spool>) -> Result<Finished> {
        let copied = self.copy(writer, spool)?;
        let CopiedParts { plan, rows, mut tally, nulls, inputs, inspected } = copied;
        let rejects = write_rejects(&self.run, &self.rejects_place, &self.options, &mut tally)?;
        // In which input they are stands with the inputs.
        tally.events.iter_mut().for_each(|event| event.samples.clear());
        let copied = Copied {
            plan,
            rows,
            counts: tally.counts,
            nulls,
            events: tally.events,
            window: None,
            inspected,
        };
        let mut finished = self.run.prove(copied, rejects)?;
        finished.receipt.inputs = inputs;
        Ok(finished)
    }

    /// Copies the rows of all parts, and begins anew when it turns out that something was concluded wrongly or
    /// that a part has to be left out.
    fn copy(&self, writer: Box<dyn ObjectWriter>, spool: Option<&Spool>) -> Result<CopiedParts> {
        let Self { run, many, .. } = self;
        let Expanded { parts, broken } = many.expand(&self.inputs)?;
        let parts = Arc::new(parts);
        let mut left_out = LeftOutParts::default();
        for (number, error) in broken {
            left_out.add(number, error);
        }
        let mut writer = Some(writer);
        let mut whole = false;
        loop {
            let survey = many.survey(&self.inputs, &parts, &mut left_out, whole)?;
            if survey.united.needs_whole && !survey.is_complete {
                whole = true;
                continue;
            }
            let survey = Arc::new(survey);
            let writer = match (writer.take(), spool) {
                (Some(writer), _) => writer,
                (None, Some(spool)) => spool.writer()?,
                (None, None) => run.runtime.block_on(create(&run.output, &run.stop))?,
            };
            let copied = if survey.united.typed_columns().is_some() {
                self.copy_files(&parts, &survey, &left_out, writer)
            } else {
                self.copy_parts(&parts, &survey, &left_out, writer)
            };
            match copied {
                Ok(copied) => return Ok(copied),
                Err(Failed::Contradicted) if !survey.is_complete => whole = true,
                Err(Failed::Contradicted) => return Err(Error::contradicted()),
                Err(Failed::At(Some(_), error)) if many.is_left_out(&error) => {
                    run.stop.check()?;
                    // Others may be no better; all of them are found at once.
                    let broken = many.broken(&parts, &survey)?;
                    if broken.is_empty() {
                        return Err(error);
                    }
                    for (number, error) in broken {
                        left_out.add(number, error);
                    }
                }
                Err(Failed::Broken(broken)) => {
                    for (number, error) in broken {
                        left_out.add(number, error);
                    }
                }
                Err(Failed::At(_, error)) => return Err(error),
            }
            run.stop.check()?;
        }
    }

    fn copy_parts(
        &self,
        parts: &Arc<Vec<Part>>,
        survey: &Arc<Survey>,
        left_out: &LeftOutParts,
        writer: Box<dyn ObjectWriter>,
    ) -> Result<CopiedParts, Failed> {
        let Self { run, many, inputs, .. } = self;
        let numbers: Vec<usize> = survey.looked.keys().copied().collect();
        let united = &survey.united;
        let extras = Extras::of(inputs, parts, &numbers, &united.columns, &self.options)?;
        let extras = Arc::new(extras);
        let fields = united.schema.fields().iter().chain(&extras.fields).cloned();
        let schema = Schema::new(fields.collect::<Vec<_>>());
        let geo = GeoMetadata::of_schema(&schema);
        let common = facts::common_decisions(survey);
        let columns = united.columns.iter().chain(&extras.columns).cloned().collect();
        let given = Given::of(&self.options);
        let fitted = Fitted::of_stream(&self.options.writing.readers, columns, &given)?;
        let told = vec![united_decision(&numbers, left_out)];
        let decisions = [told, common.clone(), geo.decisions, fitted.decisions];
        let source = facts::source(&many.name, parts, survey, left_out);
        let plan = run.plan(source, decisions.concat(), fitted.columns, geo.json)?;
        let plan = plan.selecting(fitted.select);
        let inspected = Instant::now();
        run.control.reporter.stage(Stage::Converting);
        let schema = Arc::new(as_bytes(&schema));
        let pass = Arc::new(Mutex::new(Pass::default()));
        let input: rejects::CurrentInput = Arc::new(Mutex::new(Arc::from("")));
        let feeding = (&pass, Arc::clone(&input));
        let chain = Chain::begin(many, parts, survey, &extras, Arc::clone(&schema), feeding)?;
        let (reader, tally) = tallied(
            schema,
            Box::new(chain),
            many.name.clone(),
            self.options.max_rejects,
            rejects::Spool::new(&run.resources.temp_directory).of_inputs(input),
        );
        let outcome = run.copy(Feed::Rows(reader), &plan, row_bytes(survey), writer);
        let mut tally = tally::lock(&tally);
        if outcome.is_err() && tally.contradiction.is_some() {
            return Err(Failed::Contradicted);
        }
        let written = outcome.map_err(|error| Failed::At(rows::lock(&pass).failed_at, error))?;
        let mut tally = std::mem::take(&mut *tally);
        let mut pass = rows::lock(&pass);
        let left_out_lines = pass.tallies.values().fold((0, 0), |(lines, bytes), part| {
            (lines + part.counts.left_out_lines, bytes + part.counts.left_out_bytes)
        });
        (tally.counts.left_out_lines, tally.counts.left_out_bytes) = left_out_lines;
        tally.events = all_events(&pass);
        let inputs = facts::of_parts(parts, survey, &common, &mut pass, left_out);
        let columns = plan.plan.columns.iter();
        let nulls = columns
            .zip(&tally.nulls)
            .map(|(column, nulls)| (column.name.clone(), Some(*nulls)))
            .collect();
        Ok(CopiedParts { plan, rows: written, tally, nulls, inputs, inspected })
    }
}

/// Returns the events of all parts, without saying where.
fn all_events(pass: &Pass) -> Vec<crate::LossEvent> {
    let mut all: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for event in pass.tallies.values().flat_map(|part| &part.events) {
        *all.entry(&event.code).or_default() += event.count;
    }
    let event = |(code, count): (&str, u64)| crate::LossEvent {
        code: code.to_owned(),
        count,
        samples: Vec::new(),
    };
    all.into_iter().map(event).collect()
}

/// Returns about how many bytes a row takes in memory.
fn row_bytes(survey: &Survey) -> u64 {
    const OF_A_COLUMN: u64 = 16;
    let widest = survey.looked.values().map(|part| part.row_bytes).max().unwrap_or(0);
    widest + OF_A_COLUMN * survey.united.columns.len() as u64
}

fn united_decision(numbers: &[usize], left_out: &LeftOutParts) -> Decision {
    let reason = match left_out.count() {
        0 => "given; their columns are united by name".to_owned(),
        count => format!("given; their columns are united by name, and {count} are left out"),
    };
    Decision {
        what: "inputs".to_owned(),
        value: numbers.len().to_string(),
        confidence: 1.0,
        reason,
    }
}
