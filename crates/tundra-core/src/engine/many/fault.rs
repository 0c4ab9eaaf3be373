//! Which of several Parquet inputs is at fault when the statement that reads all of them failed.
//!
//! DuckDB does not always say it. They are read one by one as they were read together, which takes its time
//! and happens only then.

use std::sync::Arc;

use tundra_duckdb::{Class, Database};

use super::{Conversion, Failed, look::Survey, part::Part};
use crate::{
    Error, Result,
    engine::{
        copy::{Functions, RowOrder, Watcher, open_database},
        failure::engine_error,
        files::{LateInputs, RunFiles},
        sql::inputs as sql,
    },
};

const READ: &str = "read the input";

/// Returns whether one of the inputs may be at fault for the failure of a statement.
pub(super) fn may_be_of_one(error: &Error) -> bool {
    match error {
        Error::BadParquet { .. } => true,
        Error::Engine { source, .. } => is_of_data(source),
        _ => false,
    }
}

fn is_of_data(error: &tundra_duckdb::Error) -> bool {
    let tundra_duckdb::Error::Query { class, .. } = error else { return false };
    !matches!(class, Class::OutOfMemory | Class::SpillLimit | Class::Interrupted)
}

impl Conversion {
    /// Finds out which part is at fault for an error, of whose rows `query` takes what was taken of all.
    /// A part that cannot be read as it stands either is not what its footer says; otherwise it is a value
    /// of it that does not become what it should.
    pub(super) fn at_fault(
        &self,
        error: Error,
        parts: &[Part],
        survey: &Survey,
        files: &Arc<dyn LateInputs>,
        query: &dyn Fn(usize) -> String,
    ) -> Result<Failed> {
        let run = &self.run;
        let files =
            RunFiles::new(run.runtime.clone(), &run.stop, None).with_late(Some(Arc::clone(files)));
        let (order, functions, files) = (RowOrder::Free, Functions::All, Arc::new(files));
        let database = open_database(&run.resources, run.shares, run.id, order, functions, files)?;
        let mut broken = Vec::new();
        for (number, looked) in &survey.looked {
            let Err(failed) = self.read(&database, &query(*number))? else { continue };
            let input = parts[*number].name();
            let plain = sql::select_all(*number, looked.found.len());
            let found = match self.read(&database, &plain)? {
                Ok(()) => {
                    let source = Box::new(engine_error(READ, failed));
                    Error::InInput { input, source }
                }
                Err(source) => Error::BadParquet { input, source: Box::new(source) },
            };
            if !self.many.is_left_out(&found) {
                return Ok(Failed::At(None, found));
            }
            broken.push((*number, found));
        }
        Ok(if broken.is_empty() { Failed::At(None, error) } else { Failed::Broken(broken) })
    }

    /// Reads what a query yields. What is no fault of the data ends the search.
    fn read(
        &self,
        database: &Arc<Database>,
        query: &str,
    ) -> Result<std::result::Result<(), tundra_duckdb::Error>> {
        let stop = &self.run.stop;
        stop.check()?;
        let watcher = Watcher::start(database, stop, None)?;
        let outcome = database.query(query);
        drop(watcher);
        match outcome {
            Err(error) if !is_of_data(&error) => Err(stop.explain(engine_error(READ, error))),
            outcome => Ok(outcome.map(drop)),
        }
    }
}
