//! One extraction, from a relation of a database to an output that is ready to be published.
//!
//! Start at [`extract`]. How a database is asked is the business of its connector; here its streams
//! become the rows of one output, and what it counted is compared with what was written.

mod rows;

use std::time::Instant;

use arrow::datatypes::Schema;

use crate::{
    BadRowPolicy, ColumnPlan, Connector, Control, Counts, DatabaseFacts, Error, ExtractRequest,
    Extraction, LossEvent, ObjectWriter, Output, OutputFormat, Receipt, RejectsName, Relation,
    Resources, Result, Session, SourceFacts, Stage, StreamEnd, Window, WindowFacts, WriteOptions,
    engine::{
        beside::RejectsPlace,
        convert::finish,
        copy::{RowOrder, Stop},
        extract::rows::Rows,
        fit::{Fitted, Given},
        geo::GeoMetadata,
        parts::Place,
        prepared::{Prepared, StopOnDrop},
        run::{Copied, Feed, Finished, Run, Writing, in_background},
        spool::Spool,
        tally::SAMPLES,
    },
};

/// Connects to a database and takes a snapshot of it.
///
/// # Errors
/// Fails when the database cannot be reached or refuses.
///
/// # Cancellation
/// By [`crate::Cancel`], by the timeout, and by dropping the future.
pub async fn open_session(
    connector: &dyn Connector,
    control: &Control,
) -> Result<Box<dyn Session>> {
    let session = Stop::new(control).unless_stopped(connector.session()).await??;
    Ok(session)
}

/// A relation that is ready to be read, and what its receipt says of it.
#[derive(Debug)]
pub struct OpenRelation {
    extraction: Box<dyn Extraction>,
    facts: SourceFacts,
    window: Option<Window>,
    control: Control,
    stop: Stop,
    guard: StopOnDrop,
}

impl OpenRelation {
    /// Finds out what a relation is like and how it is to be read, under the snapshot of `session`, which
    /// is one of `connector`.
    ///
    /// # Errors
    /// Fails when there is no such relation or column, when it may not be read, and when it holds what
    /// cannot be kept.
    ///
    /// # Cancellation
    /// By [`crate::Cancel`], by the timeout, and by dropping the future.
    pub async fn open(
        connector: &dyn Connector,
        session: &mut dyn Session,
        request: &ExtractRequest,
        control: &Control,
    ) -> Result<Self> {
        if request.window.is_some() && request.limit.is_some() {
            // What the limit leaves out would be behind the window, and never read.
            return Err(Error::request("a window cannot have a limit"));
        }
        let stop = Stop::new(control);
        let guard = StopOnDrop(stop.clone());
        stop.check()?;
        control.reporter.stage(Stage::Inspecting);
        let (position, single) = (session.position(), session.single());
        let (position, single) = (position.map(str::to_owned), single.map(str::to_owned));
        let server = session.server().to_owned();
        let extraction = stop.unless_stopped(session.extract(request)).await??;
        let (table, query) = match &request.relation {
            Relation::Table(name) => (Some(name.to_string()), None),
            Relation::Query(query) => (None, Some(query.clone())),
        };
        let facts = SourceFacts {
            location: connector.display(),
            format: connector.name().to_owned(),
            size_bytes: 0,
            etag: None,
            database: Some(DatabaseFacts {
                server,
                table,
                query,
                position,
                streams: extraction.partitions() as u64,
                single,
            }),
            inputs: None,
        };
        let (window, control) = (request.window.clone(), control.clone());
        Ok(Self { extraction, facts, window, control, stop, guard })
    }

    /// Returns on how many streams it is read.
    pub(crate) fn streams(&self) -> usize {
        self.extraction.partitions()
    }
}

/// Writes a relation of a database into one Parquet file, or several, and returns its receipt.
///
/// The output appears under its name complete and checked, or not at all. Must be called within a
/// Tokio runtime with time and I/O.
///
/// # Errors
/// Fails with an [`Error`] that says what is wrong, in the server's own words where there are any;
/// nothing is left behind then.
///
/// # Cancellation
/// The run ends within a second of [`crate::Cancel::cancel`], of its timeout, or of this future being
/// dropped, and the queries on the server end, too.
pub async fn extract(
    (connector, session): (&dyn Connector, &mut dyn Session),
    request: &ExtractRequest,
    output: &Output,
    options: &WriteOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Receipt> {
    let relation = OpenRelation::open(connector, session, request, control).await?;
    prepare_extraction(relation, output, options, resources).await?.publish().await
}

/// Does all of an extraction but the last step: the output is complete and checked, and nobody sees it
/// before [`Prepared::publish`]. Reports to, and is stopped by, what the relation was opened with.
///
/// # Errors
/// As [`extract`].
///
/// # Cancellation
/// As [`extract`].
pub async fn prepare_extraction(
    relation: OpenRelation,
    output: &Output,
    options: &WriteOptions,
    resources: &Resources,
) -> Result<Prepared> {
    let OpenRelation { extraction, facts, window, control, stop, guard } = relation;
    stop.check()?;
    options.check()?;
    let rejects_place = RejectsPlace::beside(output, BadRowPolicy::Fail, RejectsName::Usual)?;
    // A place that cannot be written is told before anything is read.
    let place = Place::begin(output, &options.files, &stop).await?;
    // A query has an order of its own; that of several streams is chance.
    let order = if extraction.partitions() == 1 { RowOrder::Kept } else { RowOrder::Free };
    let writing = Writing { options: options.clone(), order };
    let run = Run::new(output, writing, resources, &control, &stop);
    let work = move || match place {
        Place::One(writer) if !run.is_encrypted() => work(&run, extraction, facts, window, writer),
        place => {
            let spool = Spool::new(&run.resources)?;
            let finished = work(&run, extraction, facts, window, spool.writer()?)?;
            finish(&run, OutputFormat::Parquet, finished, &spool, place)
        }
    };
    let finished = in_background(&stop, work).await?;
    let output = output.clone();
    Ok(Prepared { finished, opened: None, output, rejects_place, control, guard })
}

fn work(
    run: &Run,
    mut extraction: Box<dyn Extraction>,
    facts: SourceFacts,
    window: Option<Window>,
    writer: Box<dyn ObjectWriter>,
) -> Result<Finished> {
    let readers = &run.writing.options.readers;
    let fitted = Fitted::of_stream(readers, extraction.columns().to_vec(), &Given::default())?;
    let geo = GeoMetadata::of_schema(&renamed_schema(&extraction.schema(), &fitted.columns));
    let decisions = [extraction.decisions(), &geo.decisions, &fitted.decisions].concat();
    let plan = run.plan(facts, decisions, fitted.columns, geo.json)?.selecting(fitted.select);
    let inspected = Instant::now();
    run.control.reporter.stage(Stage::Converting);
    let mut streams = Vec::new();
    for partition in 0..extraction.partitions() {
        let starting = run.stop.unless_stopped(extraction.stream(partition));
        streams.push(run.runtime.block_on(starting)??);
    }
    let (rows, tally) = Rows::start(extraction.schema(), streams, run)?;
    let row_bytes = rows.row_bytes();
    let written = run.copy(Feed::Rows(Box::new(rows)), &plan, row_bytes, writer)?;
    let ends = ends(&*extraction)?;
    let tally = rows::lock(&tally);
    let nulls = plan.plan.columns.iter().zip(&tally.nulls);
    let copied = Copied {
        rows: written,
        counts: Counts {
            records: tally.rows,
            sent: server_rows(&ends),
            decoded: tally.rows,
            ..Counts::default()
        },
        nulls: nulls.map(|(column, nulls)| (column.name.clone(), Some(*nulls))).collect(),
        events: events(&ends),
        window: window.map(|window| facts_of(window, &ends)),
        plan,
        inspected,
    };
    drop(tally);
    run.prove(copied, None)
}

/// Returns the schema with the names of the output.
fn renamed_schema(schema: &Schema, columns: &[ColumnPlan]) -> Schema {
    let fields = schema.fields().iter().zip(columns);
    let fields = fields.map(|(field, column)| field.as_ref().clone().with_name(&column.name));
    Schema::new(fields.collect::<Vec<_>>())
}

/// Returns what each stream came to. One without an end would be a part of the table that is missing.
fn ends(extraction: &dyn Extraction) -> Result<Vec<StreamEnd>> {
    let ends: Option<Vec<StreamEnd>> =
        (0..extraction.partitions()).map(|partition| extraction.end(partition)).collect();
    ends.ok_or_else(|| Error::Internal("a stream was not read to its end".to_owned()))
}

/// Returns how many rows the server says it sent; `None` where its protocol does not tell.
fn server_rows(ends: &[StreamEnd]) -> Option<u64> {
    ends.iter().map(|end| end.server_rows).sum()
}

/// Puts together what the streams did not keep as it was.
fn events(ends: &[StreamEnd]) -> Vec<LossEvent> {
    let mut events: Vec<LossEvent> = Vec::new();
    for event in ends.iter().flat_map(|end| &end.events) {
        match events.iter_mut().find(|known| known.code == event.code) {
            Some(known) => {
                known.count += event.count;
                known.samples.extend(event.samples.iter().cloned());
                known.samples.truncate(SAMPLES);
            }
            None => events.push(event.clone()),
        }
    }
    events
}

fn facts_of(window: Window, ends: &[StreamEnd]) -> WindowFacts {
    let Window { column, after } = window;
    let until = ends.iter().find_map(|end| end.watermark.clone()).or_else(|| after.clone());
    WindowFacts { column, after, until }
}
