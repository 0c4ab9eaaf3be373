//! One conversion, from the input to the published output.

use std::{fmt, sync::Arc, time::Instant};

use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, ColumnCounts, Control, ConvertOptions, Counts, Error, FORMAT_VERSION, Format,
    Input, ObjectInfo, ObjectWriter, Output, OutputFacts, PLAN_DIGEST_METADATA_KEY,
    PLAN_METADATA_KEY, Plan, Receipt, Resources, Result, RunId, Stage, Timings,
    engine::{
        beside::{REJECTS_OF_METADATA_KEY, RejectsPlace},
        contract::Held,
        copy::{ReadByEngine, Stop, open_database, run_copy},
        failure::engine_error,
        files::{RunFiles, Written, hexadecimal},
        input::OpenInput,
        parquet::{ParquetInput, input_footer},
        rejects::Spool,
        resources::{Shares, peak_memory, shares},
        sql,
        tally::{self, Tally, tallied},
        verify::{Expected, check_counts, check_output},
    },
    read::table::{ReadContext, Table},
};

/// Rows of a row group when the rows are not wide: what DuckDB's own writer takes.
const ROW_GROUP_ROWS: u64 = 122_880;

/// Converts one input into one Parquet file and returns its receipt.
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
    let started = Instant::now();
    let stop = Stop::new(control);
    let guard = StopOnDrop(stop.clone());
    stop.check()?;
    control.reporter.stage(Stage::Inspecting);
    let opened = OpenInput::open(input, options.format).await?;
    options.json.check(opened.format, &opened.location)?;
    options.text.check(&options.null_words, opened.format, &opened.location)?;
    let rejects_place = RejectsPlace::beside(output, options.on_bad_row)?;
    // A place that cannot be written is told before anything is read.
    let writer = create(output).await?;
    let run = Run {
        id: RunId::generate(),
        opened: Arc::new(opened),
        output: output.clone(),
        rejects_place: rejects_place.clone(),
        options: options.clone(),
        resources: resources.clone(),
        shares: shares(resources),
        control: control.clone(),
        stop: stop.clone(),
        runtime: Handle::current(),
        started,
    };
    let opened = Arc::clone(&run.opened);
    let finished = tokio::task::spawn_blocking(move || run.work(writer))
        .await
        .map_err(|error| Error::Internal(format!("the run panicked: {error}")))?
        .map_err(|error| stop.explain(error))?;
    let (output, control) = (output.clone(), control.clone());
    Ok(Prepared { finished, opened, output, rejects_place, control, started, guard })
}

/// An output that is complete and checked, but not visible. Dropping it leaves nothing behind.
pub struct Prepared {
    finished: Finished,
    opened: Arc<OpenInput>,
    output: Output,
    rejects_place: RejectsPlace,
    control: Control,
    started: Instant,
    guard: StopOnDrop,
}

impl Prepared {
    /// Returns the receipt as far as it can be known: without the time that publishing takes.
    pub fn receipt(&self) -> &Receipt {
        &self.finished.receipt
    }

    /// Returns the input as it was read.
    pub fn input(&self) -> &ObjectInfo {
        self.opened.object.info()
    }

    /// Makes the output visible and returns its receipt.
    ///
    /// # Errors
    /// Fails when the input has changed since it was opened, when the store fails, and when the
    /// output came into being since; nothing is left behind then.
    pub async fn publish(self) -> Result<Receipt> {
        let Self { finished, opened, output, rejects_place, control, started, guard } = self;
        let Finished { mut receipt, data, rejects } = finished;
        guard.0.check()?;
        control.reporter.stage(Stage::Publishing);
        let publishing = Instant::now();
        opened
            .object
            .check_unchanged()
            .await
            .map_err(|source| Error::Storage { role: "could not read the input", source })?;
        let publish = |source| Error::Storage { role: "could not publish the output", source };
        // The rejects first: whoever sees the data sees what is not in it.
        let has_rejects = rejects.is_some();
        if let Some(rejects) = rejects {
            rejects.writer.publish().await.map_err(publish)?;
        }
        if let Err(source) = data.writer.publish().await {
            if has_rejects {
                // The error of the data says more than one of the clean-up.
                drop(output.storage.delete(&rejects_place.output.path).await);
            }
            return Err(publish(source));
        }
        if !has_rejects {
            rejects_place.remove_stale().await;
        }
        receipt.timings.publish_seconds += publishing.elapsed().as_secs_f64();
        receipt.timings.total_seconds = started.elapsed().as_secs_f64();
        receipt.peak_memory_bytes = peak_memory();
        Ok(receipt)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("receipt", self.receipt()).finish_non_exhaustive()
    }
}

/// Stops the run when nobody waits for it any more.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.own.cancel();
    }
}

async fn create(output: &Output) -> Result<Box<dyn ObjectWriter>> {
    output
        .storage
        .create(&output.path, output.if_exists)
        .await
        .map_err(|source| Error::Storage { role: "could not write the output", source })
}

/// A conversion on its way.
struct Run {
    id: RunId,
    opened: Arc<OpenInput>,
    output: Output,
    rejects_place: RejectsPlace,
    options: ConvertOptions,
    resources: Resources,
    shares: Shares,
    control: Control,
    stop: Stop,
    runtime: Handle,
    started: Instant,
}

/// What is complete and checked, but not visible.
struct Finished {
    receipt: Receipt,
    data: Written,
    rejects: Option<Written>,
}

/// What was copied, before it is checked.
struct Copied {
    plan: Plan,
    plan_digest: String,
    written: u64,
    tally: Tally,
    nulls: Vec<(String, Option<u64>)>,
    files: Arc<RunFiles>,
}

impl Run {
    fn work(&self, writer: Box<dyn ObjectWriter>) -> Result<Finished> {
        if self.options.on_bad_row == BadRowPolicy::Reject {
            self.rejects_place.check(&self.runtime)?;
        }
        let (copied, inspected) = match self.opened.format {
            Format::Parquet => self.copy_parquet(writer)?,
            _ => self.copy_text(writer)?,
        };
        let converted = Instant::now();
        self.control.reporter.stage(Stage::Verifying);
        let Copied { plan, plan_digest, written, mut tally, nulls, files } = copied;
        tally.tell_skips_beyond_end(&self.options.skip_rows);
        let location = self.location();
        let rows = tally.counts.decoded - tally.counts.skipped - tally.counts.rejected;
        check_counts(&tally.counts, rows, &location)?;
        let mut data = files
            .take_written(sql::OUTPUT)
            .ok_or_else(|| Error::Internal("the output was not finished".to_owned()))?;
        let expected = Expected { output: &location, rows, written, nulls: &nulls };
        let facts = check_output(&mut data, expected, &self.runtime)?;
        let mut outputs = vec![OutputFacts {
            role: "data".to_owned(),
            location,
            size_bytes: data.size,
            sha256: data.sha256.clone(),
            rows,
            row_groups: facts.row_groups,
        }];
        let rejects = self.write_rejects(&mut tally, &mut outputs)?;
        let columns = plan
            .columns
            .iter()
            .zip(&nulls)
            .map(|(column, (_, nulls))| ColumnCounts { name: column.name.clone(), nulls: *nulls })
            .collect();
        let receipt = Receipt {
            format_version: FORMAT_VERSION,
            run: self.id.as_uuid(),
            plan,
            plan_digest,
            counts: Counts { written, ..tally.counts },
            columns,
            events: tally.events,
            outputs,
            timings: Timings {
                inspect_seconds: inspected.duration_since(self.started).as_secs_f64(),
                convert_seconds: converted.duration_since(inspected).as_secs_f64(),
                publish_seconds: converted.elapsed().as_secs_f64(),
                total_seconds: self.started.elapsed().as_secs_f64(),
            },
            peak_memory_bytes: peak_memory(),
        };
        Ok(Finished { receipt, data, rejects })
    }

    /// Copies a text input. When a value contradicts the sampled types, the whole input is looked
    /// at and copied anew.
    fn copy_text(&self, writer: Box<dyn ObjectWriter>) -> Result<(Copied, Instant)> {
        let context = ReadContext {
            name: self.opened.location.clone(),
            threads: self.resources.threads,
            cancel: self.stop.own.clone(),
            reporter: Arc::clone(&self.control.reporter),
            total_bytes: Some(self.opened.object.info().size),
        };
        let mut held = Held::open(&self.opened, &self.options, &self.runtime, context)?;
        let mut inspected = Instant::now();
        let mut writer = Some(writer);
        loop {
            let writer = match writer.take() {
                Some(writer) => writer,
                None => self.runtime.block_on(create(&self.output))?,
            };
            let plan = self.plan(held.decisions(), held.table().columns().to_vec());
            match self.copy_table(held.table(), plan, writer) {
                Ok(copied) => {
                    held.check_nulls(&copied.nulls)?;
                    return Ok((copied, inspected));
                }
                Err(CopyError::Contradicted) if !held.table().is_complete() => {
                    self.stop.check()?;
                    self.control.reporter.stage(Stage::Inferring);
                    held.infer_whole()?;
                    inspected = Instant::now();
                }
                Err(CopyError::Contradicted) => {
                    return Err(Error::contradicted());
                }
                Err(CopyError::Failed(error)) => {
                    self.stop.check()?;
                    held.refit(error)?;
                    inspected = Instant::now();
                }
            }
        }
    }

    fn copy_table(
        &self,
        table: &dyn Table,
        plan: Plan,
        writer: Box<dyn ObjectWriter>,
    ) -> Result<Copied, CopyError> {
        self.control.reporter.stage(Stage::Converting);
        let files = Arc::new(RunFiles::new(self.runtime.clone(), None));
        files.offer(sql::OUTPUT, writer);
        let database = open_database(&self.resources, self.shares, self.id, files.clone())?;
        let (reader, tally) = tallied(
            table.schema(),
            table.rows()?,
            self.opened.location.clone(),
            self.options.max_rejects,
            Spool::new(&self.resources.temp_directory),
        );
        database
            .register_stream(sql::STREAM, reader)
            .map_err(|error| engine_error("take the rows", error))?;
        let (plan_json, plan_digest) = encode(&plan)?;
        let statement = sql::copy(
            &sql::select_stream(),
            sql::OUTPUT,
            &self.options,
            self.row_group_rows(table.row_bytes()),
            &[(PLAN_METADATA_KEY, &plan_json), (PLAN_DIGEST_METADATA_KEY, &plan_digest)],
        );
        let outcome = run_copy(&database, &statement, &self.stop, None);
        drop(database);
        let mut tally = tally::lock(&tally);
        if outcome.is_err() && tally.contradiction.is_some() {
            return Err(CopyError::Contradicted);
        }
        let written = outcome?;
        let mut tally = std::mem::take(&mut *tally);
        tally.leave_out(table.left_out());
        let nulls = plan
            .columns
            .iter()
            .zip(&tally.nulls)
            .map(|(column, nulls)| (column.name.clone(), Some(*nulls)))
            .collect();
        Ok(Copied { plan, plan_digest, written, tally, nulls, files })
    }

    fn copy_parquet(&self, writer: Box<dyn ObjectWriter>) -> Result<(Copied, Instant)> {
        let location = &self.opened.location;
        let object = &self.opened.object;
        let footer = input_footer(object, location, &self.runtime)?;
        let input = ParquetInput::plan(&footer, location, &self.options)?;
        let inspected = Instant::now();
        self.control.reporter.stage(Stage::Converting);
        let files =
            Arc::new(RunFiles::new(self.runtime.clone(), Some((sql::INPUT, Arc::clone(object)))));
        files.offer(sql::OUTPUT, writer);
        let database = open_database(&self.resources, self.shares, self.id, files.clone())?;
        let plan = self.plan(input.decisions, input.columns);
        let (plan_json, plan_digest) = encode(&plan)?;
        let statement = sql::copy(
            &input.select,
            sql::OUTPUT,
            &self.options,
            self.row_group_rows(input.row_bytes),
            &[(PLAN_METADATA_KEY, &plan_json), (PLAN_DIGEST_METADATA_KEY, &plan_digest)],
        );
        let read = ReadByEngine { location, bytes: object.info().size };
        let written = run_copy(&database, &statement, &self.stop, Some(read))?;
        drop(database);
        let counts = Counts {
            records: input.rows,
            decoded: input.rows,
            skipped: input.skipped,
            ..Counts::default()
        };
        let tally = Tally { counts, ..Tally::default() };
        let copied = Copied { plan, plan_digest, written, tally, nulls: input.nulls, files };
        Ok((copied, inspected))
    }

    /// Writes the rejected records beside the output, when there are any.
    fn write_rejects(
        &self,
        tally: &mut Tally,
        outputs: &mut Vec<OutputFacts>,
    ) -> Result<Option<Written>> {
        let rejects = std::mem::take(&mut tally.rejects);
        let rows = rejects.len();
        if rows == 0 {
            return Ok(None);
        }
        let RejectsPlace { output, owner } = &self.rejects_place;
        let location = output.storage.display(&output.path);
        let files = Arc::new(RunFiles::new(self.runtime.clone(), None));
        files.offer(sql::REJECTS, self.runtime.block_on(create(output))?);
        let database = open_database(&self.resources, self.shares, self.id, files.clone())?;
        let reader = rejects.into_reader().map_err(|error| {
            Error::Internal(format!("could not read the rejected records back: {error}"))
        })?;
        database
            .register_stream(sql::STREAM, reader)
            .map_err(|error| engine_error("take the rejected records", error))?;
        let statement = sql::copy(
            &sql::select_stream(),
            sql::REJECTS,
            &self.options,
            ROW_GROUP_ROWS,
            &[(REJECTS_OF_METADATA_KEY, owner)],
        );
        let written = run_copy(&database, &statement, &self.stop, None)?;
        let mut file = files
            .take_written(sql::REJECTS)
            .ok_or_else(|| Error::Internal("the rejects were not finished".to_owned()))?;
        let expected = Expected { output: &location, rows, written, nulls: &[] };
        let facts = check_output(&mut file, expected, &self.runtime)?;
        outputs.push(OutputFacts {
            role: "rejects".to_owned(),
            location,
            size_bytes: file.size,
            sha256: file.sha256.clone(),
            rows,
            row_groups: facts.row_groups,
        });
        Ok(Some(file))
    }

    fn plan(&self, decisions: Vec<crate::Decision>, columns: Vec<crate::ColumnPlan>) -> Plan {
        Plan {
            tundra_version: env!("CARGO_PKG_VERSION").to_owned(),
            duckdb_version: super::duckdb_version(),
            source: self.opened.facts(),
            decisions,
            columns,
        }
    }

    fn location(&self) -> String {
        self.output.storage.display(&self.output.path)
    }

    /// Returns the rows of a row group: as asked, or so many that they fit their share of memory.
    fn row_group_rows(&self, row_bytes: u64) -> u64 {
        const SMALLEST: u64 = 2048;
        self.options.row_group_rows.unwrap_or_else(|| {
            let fitting = self.shares.row_group.checked_div(row_bytes).unwrap_or(ROW_GROUP_ROWS);
            // DuckDB hands rows on 2,048 at a time.
            (fitting / SMALLEST * SMALLEST).clamp(SMALLEST, ROW_GROUP_ROWS)
        })
    }
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

/// Returns the plan as it stands in the output's metadata, and its digest.
fn encode(plan: &Plan) -> Result<(String, String)> {
    let json = serde_json::to_string(plan)
        .map_err(|error| Error::Internal(format!("could not write the plan: {error}")))?;
    let digest = format!("sha256:{}", hexadecimal(&Sha256::digest(json.as_bytes())));
    Ok((json, digest))
}
