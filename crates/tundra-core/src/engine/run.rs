//! What every run does, whatever it reads: rows into an output, the proof, and the publication.
//!
//! Start at [`Run::copy`] and [`Run::prove`]. Where the rows come from is the business of
//! `convert` and `extract`.

use std::{sync::Arc, time::Instant};

use arrow::array::RecordBatchReader;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, ColumnCounts, ColumnPlan, Compression, Control, ConvertOptions, Counts, Decision,
    Error, FORMAT_VERSION, LossEvent, ObjectReader, ObjectWriter, Output, OutputFacts,
    OutputFormat, PLAN_DIGEST_METADATA_KEY, PLAN_METADATA_KEY, Plan, Receipt, Resources, Result,
    RunId, SortKey, SourceFacts, Stage, Timings, WindowFacts, WriteOptions,
    engine::{
        blocks::{Blocks, are_even},
        copy::{Functions, ReadByEngine, RowOrder, Stop, open_database, run_copy},
        failure::engine_error,
        files::{LateInputs, RunFiles, Written, hexadecimal},
        fit::check_written,
        geo,
        parts::{Parts, partitions},
        resources::{Shares, alone, peak_memory, shares},
        spool::spooled,
        sql,
        verify::{Expected, check_counts, check_output},
    },
};

/// Rows of a row group when the rows are not wide: what DuckDB's own writer takes.
pub(crate) const ROW_GROUP_ROWS: u64 = 122_880;

/// The same where there are geometries: readers skip row groups by the box around their geometries, which is
/// the tighter the fewer there are, and rows of geometries are large.
const ROW_GROUP_GEOMETRIES: u64 = ROW_GROUP_ROWS / 2;

/// Rows of a batch that comes out of a sort of DuckDB's.
const SORTED_ROWS: u64 = 122_880;

/// How the output is written.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    /// As it was asked for.
    pub(crate) options: WriteOptions,
    /// In what order, where the rows are not sorted.
    pub(crate) order: RowOrder,
}

impl Writing {
    /// Returns how a conversion writes what it keeps, or of what it makes another format.
    ///
    /// # Errors
    /// Fails when that format is to be several files or encrypted, and when rejected records would stand beside an
    /// encrypted output as they are.
    pub(crate) fn of_conversion(options: &ConvertOptions) -> Result<Self> {
        let format = options.output_format;
        let mut writing = options.writing.clone();
        if writing.encryption.is_some() && options.on_bad_row == BadRowPolicy::Reject {
            return Err(Error::Request {
                message: "`--on-bad-row reject` does not go with `--encryption-key-file`"
                    .to_owned(),
                hint: Some(
                    "take another policy; rejected records would stand beside the output as they are"
                        .to_owned(),
                ),
            });
        }
        if format != OutputFormat::Parquet {
            writing.check_readable(&format!("an output as {format}"))?;
            writing.files.check_single(&format!("an output as {format}"))?;
            // Nobody keeps the Parquet of which another format is made.
            writing.compression = Compression::Snappy;
        }
        Ok(Self { options: writing, order: RowOrder::Kept })
    }
}

/// Where the rows of an output come from.
pub(crate) enum Feed<'a> {
    /// From us.
    Rows(Box<dyn RecordBatchReader + Send>),
    /// From us, and a query over them makes what is written.
    Selected {
        rows: Box<dyn RecordBatchReader + Send>,
        /// The query for the rows of the registered stream.
        select: String,
        /// It sorts them.
        sorts: bool,
    },
    /// From an object that DuckDB itself reads.
    Object {
        object: Arc<dyn ObjectReader>,
        /// Rows of its row groups, where all but the last have as many.
        group_rows: Option<u64>,
        /// The query for its rows.
        select: String,
        read: ReadByEngine<'a>,
    },
    /// From objects that DuckDB itself reads, of which each is opened in its turn.
    Objects {
        objects: Arc<dyn LateInputs>,
        /// The query for their rows.
        select: String,
        /// All of them together.
        read: ReadByEngine<'a>,
    },
}

/// A run on its way.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) output: Output,
    pub(crate) writing: Writing,
    pub(crate) resources: Resources,
    pub(crate) shares: Shares,
    pub(crate) control: Control,
    pub(crate) stop: Stop,
    pub(crate) runtime: Handle,
    pub(crate) started: Instant,
}

/// Rows that were written.
pub(crate) struct WrittenRows {
    /// How many the writer counted.
    pub(crate) count: u64,
    /// Where they are.
    pub(crate) files: Arc<RunFiles>,
    /// Rows that a row group of the output is to have.
    pub(crate) row_group_rows: u64,
}

/// What was copied, before it is checked.
pub(crate) struct Copied {
    pub(crate) plan: EncodedPlan,
    pub(crate) rows: WrittenRows,
    pub(crate) counts: Counts,
    /// Nulls of each column, by its name, where they are known.
    pub(crate) nulls: Vec<(String, Option<u64>)>,
    pub(crate) events: Vec<LossEvent>,
    pub(crate) window: Option<WindowFacts>,
    /// When it was known what was to be copied.
    pub(crate) inspected: Instant,
}

/// A plan as it stands in the output's metadata.
pub(crate) struct EncodedPlan {
    pub(crate) plan: Plan,
    json: String,
    digest: String,
    /// What stands beside it of columns of geometries.
    geo: Option<String>,
    /// The query for its columns, where rows that we hand over are not written as they are.
    select: Option<String>,
}

impl EncodedPlan {
    /// Puts a plan together and writes it down. `geo` is the metadata of GeoParquet, if there is any.
    fn new(
        source: SourceFacts,
        decisions: Vec<Decision>,
        columns: Vec<ColumnPlan>,
        geo: Option<String>,
    ) -> Result<Self> {
        let plan = Plan {
            tundra_version: env!("CARGO_PKG_VERSION").to_owned(),
            duckdb_version: super::duckdb_version(),
            source,
            decisions,
            columns,
        };
        let json = serde_json::to_string(&plan)
            .map_err(|error| Error::Internal(format!("could not write the plan: {error}")))?;
        let digest = format!("sha256:{}", hexadecimal(&Sha256::digest(json.as_bytes())));
        Ok(Self { plan, json, digest, geo, select: None })
    }

    /// Returns the same with a query for the rows that we hand over.
    pub(crate) fn selecting(self, select: Option<String>) -> Self {
        Self { select, ..self }
    }

    /// Returns the keys and values of the output's metadata: ours, and those that were asked for.
    fn metadata<'a>(&'a self, options: &'a WriteOptions) -> Vec<(&'a str, &'a str)> {
        let mut metadata =
            vec![(PLAN_METADATA_KEY, &*self.json), (PLAN_DIGEST_METADATA_KEY, &*self.digest)];
        metadata.extend(self.geo.as_deref().map(|geo| (geo::KEY, geo)));
        metadata.extend(options.metadata.iter().map(|(key, value)| (&**key, &**value)));
        metadata
    }
}

/// What is complete and checked, but not visible.
pub(crate) struct Finished {
    pub(crate) receipt: Receipt,
    pub(crate) data: Data,
    pub(crate) rejects: Option<Written>,
    /// Keys and values of the metadata of the data.
    pub(crate) metadata: Vec<(String, String)>,
    /// Rows that a row group of the output is to have.
    pub(crate) row_group_rows: u64,
}

/// The data of a run.
#[derive(Debug)]
pub(crate) enum Data {
    /// An object that has no name yet.
    One(Written),
    /// Files that are sent when they are published.
    Several(Parts),
}

impl Data {
    /// Removes it, because it will not be published.
    pub(crate) async fn abort(self) {
        match self {
            Self::One(written) => written.abort().await,
            // They stand in the temporary directory, without a name.
            Self::Several(_) => {}
        }
    }
}

impl Run {
    pub(crate) fn new(
        output: &Output,
        writing: Writing,
        resources: &Resources,
        control: &Control,
        stop: &Stop,
    ) -> Self {
        Self {
            id: RunId::generate(),
            output: output.clone(),
            writing,
            resources: resources.clone(),
            shares: shares(resources),
            control: control.clone(),
            stop: stop.clone(),
            runtime: Handle::current(),
            started: stop.began,
        }
    }

    /// Returns whether the output is encrypted, of what DuckDB has written.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.writing.options.encryption.is_some()
    }

    /// Returns the output's place as a person would write it.
    pub(crate) fn location(&self) -> String {
        self.output.storage.display(&self.output.path)
    }

    /// Plans an output of these columns, which may have to be sorted and partitioned.
    ///
    /// # Errors
    /// Fails when it is to be sorted or partitioned by a column that it does not have, or that makes no
    /// partitions.
    pub(crate) fn plan(
        &self,
        source: SourceFacts,
        mut decisions: Vec<Decision>,
        columns: Vec<ColumnPlan>,
        geo: Option<String>,
    ) -> Result<EncodedPlan> {
        let WriteOptions { sort_by: keys, files, encryption, .. } = &self.writing.options;
        let sorted = keys.iter().map(|key| ("`--sort-by`", &key.column));
        let partitioned = files.partition_by.iter().map(|column| ("`--partition-by`", column));
        for (option, name) in sorted.chain(partitioned) {
            if !columns.iter().any(|column| column.name == *name) {
                return Err(Error::UnknownColumn {
                    option,
                    column: name.clone(),
                    input: source.location,
                    known: columns.into_iter().map(|column| column.name).collect(),
                });
            }
        }
        decisions.extend(partitions(files, &columns)?);
        if !keys.is_empty() {
            decisions.push(Decision {
                what: "order".to_owned(),
                value: keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                confidence: 1.0,
                reason: "given".to_owned(),
            });
        }
        decisions.extend(encryption.as_ref().map(|key| Decision {
            what: "encryption".to_owned(),
            value: format!("AES-GCM, {} bits", key.bits()),
            confidence: 1.0,
            reason: "given".to_owned(),
        }));
        EncodedPlan::new(source, decisions, columns, geo)
    }

    /// Writes all rows of the feed, which have about `row_bytes` bytes each.
    pub(crate) fn copy(
        &self,
        feed: Feed<'_>,
        plan: &EncodedPlan,
        row_bytes: u64,
        writer: Box<dyn ObjectWriter>,
    ) -> Result<WrittenRows> {
        // A sort needs to know the order of what is equal.
        let keys = order(&self.writing.options);
        let mut is_sorted = !keys.is_empty();
        let (mut input, mut late, mut batch) = (None, None, None);
        let (rows, select, read) = match feed {
            Feed::Rows(rows) => {
                let select = plan.select.clone().unwrap_or_else(sql::select_stream);
                (Some(rows), select, None)
            }
            Feed::Selected { rows, select, sorts } => {
                is_sorted |= sorts;
                (Some(rows), select, None)
            }
            Feed::Object { object, group_rows, select, read } => {
                input = Some((sql::INPUT, object));
                batch = group_rows;
                (None, select, Some(read))
            }
            Feed::Objects { objects, select, read } => {
                late = Some(objects);
                (None, select, Some(read))
            }
        };
        let files = RunFiles::new(self.runtime.clone(), &self.stop, input).with_late(late);
        let files = Arc::new(files);
        files.offer(sql::OUTPUT, writer);
        let Self { resources, shares, id, writing, .. } = self;
        let is_as_it_is = rows.is_some() && plan.select.is_none();
        let functions = if is_as_it_is { Functions::Few } else { Functions::All };
        let order = if is_sorted { RowOrder::Kept } else { writing.order };
        batch = if is_sorted { Some(SORTED_ROWS) } else { batch };
        let row_group_rows = self.row_group_rows(row_bytes, plan, batch);
        let options = spooled(&writing.options, row_group_rows);
        let options = options.as_ref().unwrap_or(&writing.options);
        let at_once = options.row_group_rows.unwrap_or(row_group_rows);
        // Ours end where row groups do.
        batch = if rows.is_some() && !is_sorted { Some(at_once) } else { batch };
        let is_even = batch.is_some_and(|batch| are_even(batch, at_once));
        let resources = if is_sorted { &shares.sorting(resources) } else { resources };
        let resources = match order {
            RowOrder::Kept if !is_even || options.row_group_bytes.is_some() => &alone(resources),
            _ => resources,
        };
        let database = open_database(resources, *shares, *id, order, functions, files.clone())?;
        if let Some(rows) = rows {
            database
                .register_stream(sql::STREAM, Box::new(Blocks::new(rows, at_once)))
                .map_err(|error| engine_error("take the rows", error))?;
        }
        let select = if keys.is_empty() { select } else { sorted(&select, plan, &keys) };
        let metadata = plan.metadata(&writing.options);
        let statement = sql::copy(&select, sql::OUTPUT, options, at_once, &metadata);
        let count = run_copy(&database, &statement, &self.stop, read)?;
        Ok(WrittenRows { count, files, row_group_rows })
    }

    /// Returns the rows of a row group: as asked, or so many that they fit their share of memory and are
    /// evenly made of batches of so many rows where that can be.
    fn row_group_rows(&self, row_bytes: u64, plan: &EncodedPlan, batch: Option<u64>) -> u64 {
        const SMALLEST: u64 = 2048;
        let most = if plan.geo.is_some() { ROW_GROUP_GEOMETRIES } else { ROW_GROUP_ROWS };
        self.writing.options.row_group_rows.unwrap_or_else(|| {
            let fitting = self.shares.row_group.checked_div(row_bytes).unwrap_or(most);
            // DuckDB hands rows on 2,048 at a time.
            let fitting = (fitting / SMALLEST * SMALLEST).clamp(SMALLEST, most);
            let even = |rows: &u64| batch.is_some_and(|batch| are_even(batch, *rows));
            let divided = (1..=fitting / SMALLEST).rev().map(|blocks| blocks * SMALLEST).find(even);
            let joined = batch.filter(|batch| *batch > 0).map(|batch| fitting / batch * batch);
            joined.filter(even).or(divided).unwrap_or(fitting)
        })
    }

    /// Compares what was written with what was read, and makes the receipt.
    pub(crate) fn prove(
        &self,
        copied: Copied,
        rejects: Option<(OutputFacts, Written)>,
    ) -> Result<Finished> {
        let converted = Instant::now();
        self.control.reporter.stage(Stage::Verifying);
        let Copied { plan, rows: of_writer, counts, nulls, events, window, inspected } = copied;
        let WrittenRows { count: written, files, row_group_rows } = of_writer;
        let location = self.location();
        let rows = counts.decoded - counts.skipped - counts.rejected;
        check_counts(&counts, rows, &location)?;
        let mut data = files
            .take_written(sql::OUTPUT)
            .ok_or_else(|| Error::Internal("the output was not finished".to_owned()))?;
        let expected = Expected { output: &location, rows, written, nulls: &nulls };
        let facts = check_output(&mut data, expected, &self.runtime)?;
        check_written(&mut data, &self.writing.options.readers, &self.runtime)?;
        let mut outputs = vec![OutputFacts {
            role: "data".to_owned(),
            location,
            size_bytes: data.size,
            sha256: data.sha256.clone(),
            rows,
            row_groups: facts.row_groups,
            format: None,
        }];
        let (facts, rejects) = rejects.unzip();
        outputs.extend(facts);
        let metadata = plan.metadata(&self.writing.options).into_iter();
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let EncodedPlan { plan, digest, .. } = plan;
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
            plan_digest: digest,
            counts: Counts { written, ..counts },
            columns,
            events,
            window,
            inputs: Vec::new(),
            outputs,
            timings: Timings {
                inspect_seconds: inspected.duration_since(self.started).as_secs_f64(),
                convert_seconds: converted.duration_since(inspected).as_secs_f64(),
                publish_seconds: converted.elapsed().as_secs_f64(),
                total_seconds: self.started.elapsed().as_secs_f64(),
            },
            peak_memory_bytes: peak_memory(),
        };
        Ok(Finished { receipt, data: Data::One(data), rejects, metadata, row_group_rows })
    }
}

/// Returns by what rows are sorted: those of a partition have to stand together.
fn order(options: &WriteOptions) -> Vec<SortKey> {
    let partitions = options.files.partition_by.iter().map(|column| SortKey {
        column: column.clone(),
        descending: false,
        nulls_first: false,
    });
    partitions.chain(options.sort_by.iter().cloned()).collect()
}

/// Returns the query for the same rows in an order.
fn sorted(select: &str, plan: &EncodedPlan, keys: &[SortKey]) -> String {
    let names: Vec<&str> = plan.plan.columns.iter().map(|it| it.name.as_str()).collect();
    sql::sorted(select, &names, keys)
}

/// Begins an object, which tells whether the place can be written. A store that does not answer does not keep
/// a run that is to stop.
pub(crate) async fn create(output: &Output, stop: &Stop) -> Result<Box<dyn ObjectWriter>> {
    let begun = stop.unless_stopped(output.storage.create(&output.path, output.if_exists)).await?;
    begun.map_err(|source| Error::Storage { role: "could not write the output", source })
}

/// Does the work of a run on a thread that may block.
pub(crate) async fn in_background<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("the run panicked: {error}")))?
        .map_err(|error| stop.explain(error))
}
