//! One conversion of an object, from the input to an output that is ready to be published.

use std::{sync::Arc, time::Instant};

use crate::{
    BadRowPolicy, Control, ConvertOptions, Counts, Error, Format, Input, ObjectWriter, Output,
    OutputFacts, OutputFormat, Receipt, Resources, Result, Stage, WriteOptions,
    engine::{
        beside::{REJECTS_OF_METADATA_KEY, RejectsPlace},
        contract::Held,
        copy::{Functions, ReadByEngine, RowOrder, Stop, open_database, run_copy},
        encrypt::{Encryption, encrypt},
        failure::engine_error,
        features::Features,
        files::{RunFiles, Written},
        fit::{Fitted, Given, check_format},
        geo::{GeoMetadata, as_bytes},
        head::special,
        input::OpenInput,
        opening,
        parquet::{ParquetInput, input_footer},
        parts::{self, Place},
        prepared::{Prepared, StopOnDrop},
        rejects,
        run::{
            Copied, Data, EncodedPlan, Feed, Finished, ROW_GROUP_ROWS, Run, Writing, WrittenRows,
            create, in_background,
        },
        spool::Spool,
        sql,
        tally::{self, Tally, tallied},
        transcode::{Transcoding, transcode},
        verify::{Expected, check_output},
    },
    read::table::Table,
};

/// Converts one input into one Parquet file, several of them, or a file of [`ConvertOptions::output_format`], and returns its
/// receipt.
///
/// The output appears under its name complete and checked, or not at all. Must be called within a
/// Tokio runtime; the work runs on blocking threads and on threads of its own.
///
/// # Errors
/// Fails with an [`Error`] that says what is wrong and where; nothing is left behind then.
///
/// # Cancellation
/// The run ends within a second of [`crate::Cancel::cancel`], of its timeout, or of this future
/// being dropped.
pub async fn convert(
    input: &Input,
    output: &Output,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Receipt> {
    prepare(input, output, options, resources, control).await?.publish().await
}

/// Does all of a conversion but the last step: the output is complete and checked, and nobody sees
/// it before [`Prepared::publish`]. For callers that have to ask somebody in between.
///
/// # Errors
/// As [`convert`].
///
/// # Cancellation
/// As [`convert`].
pub async fn prepare(
    input: &Input,
    output: &Output,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Prepared> {
    let stop = Stop::new(control);
    let guard = StopOnDrop(stop.clone());
    stop.check()?;
    control.reporter.stage(Stage::Inspecting);
    let opened = Arc::new(opening::open(input, options, resources, &stop).await?);
    opening::check_hints(&opened, options)?;
    options.writing.check()?;
    check_format(&options.writing.readers, options.output_format)?;
    let (format, location) = (opened.format, &opened.location);
    options.geometry.check(&options.writing, options.output_format, format, location)?;
    let rejects_place = RejectsPlace::beside(output, options.on_bad_row, options.rejects_name)?;
    let writing = Writing::of_conversion(options)?;
    // A place that cannot be written is told before anything is read.
    let place = Place::begin(output, &options.writing.files, &stop).await?;
    let conversion = Conversion {
        run: Run::new(output, writing, resources, control, &stop),
        opened: Arc::clone(&opened),
        rejects_place: rejects_place.clone(),
        options: options.clone(),
    };
    let finished = in_background(&stop, move || conversion.work(place)).await?;
    let (output, control) = (output.clone(), control.clone());
    Ok(Prepared { finished, opened: Some(opened), output, rejects_place, control, guard })
}

/// A conversion on its way.
struct Conversion {
    run: Run,
    opened: Arc<OpenInput>,
    rejects_place: RejectsPlace,
    options: ConvertOptions,
}

/// What was copied of a text input, and what was counted meanwhile.
struct CopiedTable {
    plan: EncodedPlan,
    rows: WrittenRows,
    tally: Tally,
    nulls: Vec<(String, Option<u64>)>,
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
        if self.opened.format == Format::Parquet {
            return self.run.prove(self.copy_parquet(writer)?, None);
        }
        let (copied, inspected) = self.copy_text(writer, spool)?;
        let CopiedTable { plan, rows, mut tally, nulls } = copied;
        tally.tell_skips_beyond_end(&self.options.skip_rows);
        let rejects = write_rejects(&self.run, &self.rejects_place, &self.options, &mut tally)?;
        let copied = Copied {
            plan,
            rows,
            counts: tally.counts,
            nulls,
            events: tally.events,
            window: None,
            inspected,
        };
        self.run.prove(copied, rejects)
    }

    /// Copies a text input. When a value contradicts the sampled types, the whole input is looked
    /// at and copied anew.
    fn copy_text(
        &self,
        writer: Box<dyn ObjectWriter>,
        spool: Option<&Spool>,
    ) -> Result<(CopiedTable, Instant)> {
        let Run { control, stop, runtime, resources, .. } = &self.run;
        let context = opening::context(&self.opened, resources, control, stop);
        let mut held = Held::open(&self.opened, &self.options, runtime, context)?;
        let mut inspected = Instant::now();
        let mut writer = Some(writer);
        loop {
            if self.options.geometry.hilbert && !held.table().is_complete() {
                // The box around all geometries is known only then.
                control.reporter.stage(Stage::Inferring);
                held.infer_whole()?;
                inspected = Instant::now();
            }
            let writer = match (writer.take(), spool) {
                (Some(writer), _) => writer,
                (None, Some(spool)) => spool.writer()?,
                (None, None) => runtime.block_on(create(&self.run.output, stop))?,
            };
            let columns = held.table().columns().to_vec();
            let schema = held.table().schema();
            let geo = GeoMetadata::of_schema(&schema);
            let features = Features::of(&schema, self.options.geometry)?;
            let more = features.as_ref().map(Features::decisions).unwrap_or_default();
            let given = Given::of(&self.options);
            let fitted = Fitted::of_stream(&self.options.writing.readers, columns, &given)?;
            let decisions = [held.decisions(), geo.decisions, more, fitted.decisions].concat();
            let plan = self.run.plan(self.opened.facts(), decisions, fitted.columns, geo.json)?;
            let plan = plan.selecting(fitted.select);
            match self.copy_table(held.table(), plan, features, writer) {
                Ok(copied) => {
                    held.check_nulls(&copied.nulls)?;
                    return Ok((copied, inspected));
                }
                Err(CopyError::Contradicted) if !held.table().is_complete() => {
                    stop.check()?;
                    control.reporter.stage(Stage::Inferring);
                    held.infer_whole()?;
                    inspected = Instant::now();
                }
                Err(CopyError::Contradicted) => {
                    return Err(Error::contradicted());
                }
                Err(CopyError::Failed(error)) => {
                    stop.check()?;
                    held.refit(error)?;
                    inspected = Instant::now();
                }
            }
        }
    }

    fn copy_table(
        &self,
        table: &dyn Table,
        plan: EncodedPlan,
        features: Option<Features>,
        writer: Box<dyn ObjectWriter>,
    ) -> Result<CopiedTable, CopyError> {
        self.run.control.reporter.stage(Stage::Converting);
        let (reader, tally) = tallied(
            Arc::new(as_bytes(&table.schema())),
            table.rows()?,
            self.opened.location.clone(),
            self.options.max_rejects,
            rejects::Spool::new(&self.run.resources.temp_directory),
        );
        let feed = match features {
            Some(features) => features.feed(reader),
            None => Feed::Rows(reader),
        };
        let outcome = self.run.copy(feed, &plan, table.row_bytes(), writer);
        let mut tally = tally::lock(&tally);
        if outcome.is_err() && tally.contradiction.is_some() {
            return Err(CopyError::Contradicted);
        }
        let rows = outcome?;
        let mut tally = std::mem::take(&mut *tally);
        tally.leave_out(table.left_out());
        let columns = plan.plan.columns.iter();
        let nulls = columns
            .zip(&tally.nulls)
            .map(|(column, nulls)| (column.name.clone(), Some(*nulls)))
            .collect();
        Ok(CopiedTable { plan, rows, tally, nulls })
    }

    fn copy_parquet(&self, writer: Box<dyn ObjectWriter>) -> Result<Copied> {
        let location = &self.opened.location;
        let object = &self.opened.object;
        let footer = input_footer(object, location, &self.run.runtime)?;
        let input = ParquetInput::plan(&footer, location, &self.options)?;
        let inspected = Instant::now();
        self.run.control.reporter.stage(Stage::Converting);
        let mut decisions = self.opened.decisions();
        decisions.extend(input.decisions);
        let plan = self.run.plan(self.opened.facts(), decisions, input.columns, input.geo)?;
        let read = ReadByEngine { location, bytes: object.info().size };
        let group_rows = input.group_rows;
        let feed =
            Feed::Object { object: Arc::clone(object), group_rows, select: input.select, read };
        let rows = self.run.copy(feed, &plan, input.row_bytes, writer)?;
        let counts = Counts {
            records: input.rows,
            decoded: input.rows,
            skipped: input.skipped,
            ..Counts::default()
        };
        let mut tally = Tally { counts, ..Tally::default() };
        tally.tell_skips_beyond_end(&self.options.skip_rows);
        Ok(Copied {
            plan,
            rows,
            counts,
            nulls: input.nulls,
            events: tally.events,
            window: None,
            inspected,
        })
    }
}

/// Makes the output as it was asked for, of what is finished in the spool.
pub(super) fn finish(
    run: &Run,
    format: OutputFormat,
    finished: Finished,
    spool: &Spool,
    place: Place,
) -> Result<Finished> {
    match place {
        Place::One(writer) => as_asked(run, format, finished, spool, writer),
        Place::Several(layout) => parts::split(run, finished, spool, layout),
    }
}

/// Makes the output of what is finished in the spool: in the format that was asked for, or encrypted.
fn as_asked(
    run: &Run,
    format: OutputFormat,
    finished: Finished,
    spool: &Spool,
    writer: Box<dyn ObjectWriter>,
) -> Result<Finished> {
    let began = Instant::now();
    let Finished { mut receipt, data: _, rejects, metadata, row_group_rows } = finished;
    let columns = receipt.plan.columns.iter();
    let specials: Vec<_> = columns.map(|column| special(&column.column_type)).collect();
    let location = &run.location();
    let options = &run.writing.options;
    let done = match &options.encryption {
        Some(key) => {
            let what = Encryption { spool, key, options, location };
            let done = encrypt(&what, writer, &run.stop, &run.runtime);
            done.map(|(row_groups, data)| (row_groups, None, data))
        }
        None => {
            let what = Transcoding { spool, specials: &specials, format, location };
            let done = transcode(&what, writer, &run.stop, &run.runtime);
            done.map(|(_, data)| (0, Some(format.name().to_owned()), data))
        }
    };
    match done {
        Ok((row_groups, format, data)) => {
            if let Some(facts) = receipt.outputs.first_mut() {
                facts.size_bytes = data.size;
                facts.sha256.clone_from(&data.sha256);
                facts.row_groups = row_groups;
                facts.format = format;
            }
            receipt.timings.convert_seconds += began.elapsed().as_secs_f64();
            Ok(Finished { receipt, data: Data::One(data), rejects, metadata, row_group_rows })
        }
        Err(error) => {
            if let Some(rejects) = rejects {
                run.runtime.block_on(rejects.abort());
            }
            Err(error)
        }
    }
}

/// Writes the rejected records beside the output, when there are any.
pub(super) fn write_rejects(
    run: &Run,
    place: &RejectsPlace,
    options: &ConvertOptions,
    tally: &mut Tally,
) -> Result<Option<(OutputFacts, Written)>> {
    let rejects = std::mem::take(&mut tally.rejects);
    let rows = rejects.len();
    if rows == 0 {
        return Ok(None);
    }
    let Run { id, resources, shares, stop, runtime, .. } = run;
    let RejectsPlace { output, owner } = place;
    let location = output.storage.display(&output.path);
    let files = Arc::new(RunFiles::new(runtime.clone(), stop, None));
    files.offer(sql::REJECTS, runtime.block_on(create(output, stop))?);
    let database =
        open_database(resources, *shares, *id, RowOrder::Kept, Functions::Few, files.clone())?;
    let reader = rejects.into_reader().map_err(|error| {
        Error::Internal(format!("could not read the rejected records back: {error}"))
    })?;
    database
        .register_stream(sql::STREAM, reader)
        .map_err(|error| engine_error("take the rejected records", error))?;
    let statement = sql::copy(
        &sql::select_stream(),
        sql::REJECTS,
        &WriteOptions { compression: options.writing.compression, ..WriteOptions::default() },
        ROW_GROUP_ROWS,
        &[(REJECTS_OF_METADATA_KEY, owner)],
    );
    let written = run_copy(&database, &statement, stop, None)?;
    let mut file = files
        .take_written(sql::REJECTS)
        .ok_or_else(|| Error::Internal("the rejects were not finished".to_owned()))?;
    let expected = Expected { output: &location, rows, written, nulls: &[] };
    let facts = check_output(&mut file, expected, runtime)?;
    let facts = OutputFacts {
        role: "rejects".to_owned(),
        location,
        size_bytes: file.size,
        sha256: file.sha256.clone(),
        rows,
        row_groups: facts.row_groups,
        format: None,
    };
    Ok(Some((facts, file)))
}

/// Why a pass over a table came to nothing.
enum CopyError {
    /// A value contradicts the sampled types.
    Contradicted,
    /// Anything else.
    Failed(Error),
}

impl From<Error> for CopyError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
