//! The rows of an input that DuckDB does not read by itself, in a table of a run's own database.
//!
//! Start at [`Loading::table`]. They are read as losslessly as for a conversion, can then be asked for more
//! than once, and go to the temporary directory where they do not fit into memory.

use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use tokio::runtime::Handle;
use tundra_duckdb::Database;

use crate::{
    ColumnPlan, Control, ConvertOptions, Error, Resources, Result, Stage,
    engine::{
        copy::{Stop, Watcher},
        failure::engine_error,
        geo::as_bytes,
        input::OpenInput,
        opening,
        rejects::Spool,
        tally::{self, Tally, tallied},
        verify::check_counts,
    },
    read::table::Table,
};

/// An input that is to become a table, and what that may use.
pub(crate) struct Loading<'a> {
    /// The input.
    pub(crate) opened: &'a OpenInput,
    /// How it is read.
    pub(crate) options: &'a ConvertOptions,
    pub(crate) resources: &'a Resources,
    pub(crate) control: &'a Control,
    pub(crate) stop: &'a Stop,
    pub(crate) runtime: &'a Handle,
    /// What the names of its streams begin with; no two inputs of a database have the same.
    pub(crate) stream: &'static str,
    /// What becomes of geometries.
    pub(crate) geometries: Geometries,
}

/// What becomes of columns of geometries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Geometries {
    /// They are DuckDB's.
    Known,
    /// They are bytes, as they are in a file.
    Bytes,
}

impl Loading<'_> {
    /// Reads the input into a table and returns its columns. The statements that make the table of a
    /// registered stream, by its name and the number of its columns, are run in their order; the first takes
    /// the rows.
    ///
    /// # Errors
    /// Fails when the input cannot be read, and when the run is to stop.
    pub(crate) fn table(
        &self,
        database: &Arc<Database>,
        statements: impl Fn(&str, usize) -> Vec<String>,
    ) -> Result<Vec<ColumnPlan>> {
        let context = opening::context(self.opened, self.resources, self.control, self.stop);
        let (mut table, _) = self.opened.table(self.options, self.runtime, context)?;
        self.control.reporter.stage(Stage::Converting);
        let pass = |table: &dyn Table, number: u32| {
            let stream = format!("{}_{number}", self.stream);
            let statements = statements(&stream, table.columns().len());
            self.rows(database, table, &stream, &statements)
        };
        if !pass(table.as_ref(), 0)? {
            self.control.reporter.stage(Stage::Inferring);
            table.infer_whole()?;
            if !pass(table.as_ref(), 1)? {
                return Err(Error::contradicted());
            }
        }
        Ok(table.columns().to_vec())
    }

    /// Puts the rows into the table, and returns whether none contradicts the types of the sample.
    fn rows(
        &self,
        database: &Arc<Database>,
        table: &dyn Table,
        stream: &str,
        statements: &[String],
    ) -> Result<bool> {
        let spool = Spool::new(&self.resources.temp_directory);
        let input = self.opened.location.clone();
        let schema: SchemaRef = match self.geometries {
            Geometries::Known => table.schema(),
            Geometries::Bytes => Arc::new(as_bytes(&table.schema())),
        };
        let (reader, tally) = tallied(schema, table.rows()?, input.clone(), None, spool);
        let failed = |error| engine_error("take the rows", error);
        database.register_stream(stream, reader).map_err(failed)?;
        let Some((first, rest)) = statements.split_first() else { return Ok(true) };
        let loaded =
            watched(database, self.stop, None, |database| database.execute(first).map_err(failed));
        let tally: Tally = take(&tally);
        match loaded {
            Err(_) if tally.contradiction.is_some() && !table.is_complete() => return Ok(false),
            Err(error) => return Err(error),
            Ok(loaded) => {
                let rows = tally.counts.decoded - tally.counts.skipped - tally.counts.rejected;
                check_counts(&tally.counts, rows, &input)?;
                if rows != loaded {
                    return Err(Error::Verification {
                        output: input,
                        mismatch: format!("{rows} rows were read and {loaded} arrived"),
                    });
                }
            }
        }
        for statement in rest {
            database.execute(statement).map_err(failed)?;
        }
        Ok(true)
    }
}

/// Runs a statement that is interrupted when the run is to stop. Of `progress_bytes` DuckDB's progress is
/// reported.
pub(crate) fn watched<T>(
    database: &Arc<Database>,
    stop: &Stop,
    progress_bytes: Option<u64>,
    work: impl FnOnce(&Database) -> Result<T>,
) -> Result<T> {
    stop.check()?;
    let watcher = Watcher::start(database, stop, progress_bytes)?;
    let done = work(database);
    drop(watcher);
    done.map_err(|error| stop.explain(error))
}

fn take(tally: &Mutex<Tally>) -> Tally {
    std::mem::take(&mut *tally::lock(tally))
}
