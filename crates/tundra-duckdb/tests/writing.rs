//! What a failed statement leaves of the files that it wrote: nothing.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchIterator;
use tundra_duckdb::{Class, Database, Error, Operation, Options};

use crate::support::{Broken, Event, Fault, MemoryFiles, integer_batch, options};

/// The ways of writing that differ in how DuckDB cleans up.
fn ways() -> Vec<(Options, &'static str)> {
    let mut ways = Vec::new();
    for preserve_insertion_order in [true, false] {
        for io_threads in [0, 1, 4] {
            for format in [
                "FORMAT parquet",
                "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 4096",
                "FORMAT csv",
                "FORMAT csv, COMPRESSION gzip",
                "FORMAT json",
            ] {
                let options = Options { preserve_insertion_order, io_threads, ..options() };
                ways.push((options, format));
            }
        }
    }
    ways
}

/// Runs a failing `COPY` in every way and checks what is left.
#[track_caller]
fn check_nothing_left(source: &str, fault: Option<(Operation, u64, Fault)>) -> Vec<Error> {
    let mut errors = Vec::new();
    for (options, format) in ways() {
        let files = MemoryFiles::default();
        if let Some((operation, from, fault)) = fault {
            files.fail(operation, from, fault);
        }
        let database = Database::open(&options, Arc::new(files.clone())).unwrap();
        let sql = format!("COPY ({source}) TO 'tundra://out' ({format}, USE_TMP_FILE false)");
        let error = database.execute(&sql).unwrap_err();
        let events = files.events();
        assert_eq!(
            events,
            [Event::Created("out".into()), Event::Aborted("out".into())],
            "{format} {options:?} {error:?}"
        );
        assert_eq!(files.get("out"), None);
        drop(database);
        assert_eq!(files.events(), events, "something was done with the file after its end");
        errors.push(error);
    }
    errors
}

#[test]
fn a_failing_expression_leaves_nothing() {
    let source = "SELECT i, CASE WHEN i = 500000 THEN error('on purpose') ELSE repeat('x', 20) END \
                  AS text FROM range(600000) t(i)";
    for error in check_nothing_left(source, None) {
        assert_eq!(error.class(), Class::InvalidInput, "{error:?}");
    }
}

#[test]
fn a_failing_cast_leaves_nothing() {
    let source = "SELECT (CASE WHEN i = 590000 THEN 'x' ELSE i::VARCHAR END)::BIGINT AS value \
                  FROM range(600000) t(i)";
    for error in check_nothing_left(source, None) {
        assert_eq!(error.class(), Class::Conversion, "{error:?}");
    }
}

#[test]
fn a_failing_write_leaves_nothing() {
    let source = "SELECT i, hash(i) AS text FROM range(300000) t(i)";
    for from in [0, 500_000] {
        let fault = (Operation::Write, from, Fault::Error);
        for error in check_nothing_left(source, Some(fault)) {
            let Error::File { operation: Operation::Write, source, .. } = error else {
                panic!("{error:?}")
            };
            assert!(source.is::<Broken>());
        }
    }
}

#[test]
fn a_panicking_write_leaves_nothing() {
    let source = "SELECT i, hash(i) AS text FROM range(300000) t(i)";
    let fault = (Operation::Write, 500_000, Fault::Panic);
    for error in check_nothing_left(source, Some(fault)) {
        assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
    }
}

#[test]
fn a_failing_stream_leaves_nothing() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    for (options, format) in ways() {
        let files = MemoryFiles::default();
        let database = Database::open(&options, Arc::new(files.clone())).unwrap();
        let batches = (0..200).map({
            let schema = Arc::clone(&schema);
            move |batch| match batch {
                150 => Err(ArrowError::ExternalError(Broken("stream").into())),
                _ => Ok(integer_batch(&schema, 0..5000)),
            }
        });
        let reader = RecordBatchIterator::new(batches, Arc::clone(&schema));
        database.register_stream("input", Box::new(reader)).unwrap();
        let sql = format!("COPY input TO 'tundra://out' ({format}, USE_TMP_FILE false)");
        let error = database.execute(&sql).unwrap_err();
        assert!(matches!(error, Error::Stream { .. }), "{error:?}");
        let events = files.events();
        assert_eq!(events, [Event::Created("out".into()), Event::Aborted("out".into())]);
    }
}

#[test]
fn a_file_that_cannot_be_finished_fails_the_statement() {
    for fault in [Fault::Error, Fault::Panic] {
        for (options, format) in ways() {
            let files = MemoryFiles::default();
            files.fail(Operation::Close, 0, fault);
            let database = Database::open(&options, Arc::new(files.clone())).unwrap();
            let sql =
                format!("COPY (SELECT 1 AS a) TO 'tundra://out' ({format}, USE_TMP_FILE false)");
            database.execute(&sql).unwrap_err();
            assert_eq!(
                files.events(),
                [Event::Created("out".into()), Event::Closed("out".into())],
                "{format}"
            );
            assert_eq!(files.get("out"), None);
        }
    }
}

#[test]
fn a_statement_that_succeeds_finishes_its_file_once() {
    for (options, format) in ways() {
        let files = MemoryFiles::default();
        let database = Database::open(&options, Arc::new(files.clone())).unwrap();
        let sql = format!(
            "COPY (SELECT i, hash(i) AS h FROM range(300000) t(i)) TO 'tundra://out' \
             ({format}, USE_TMP_FILE false)"
        );
        assert_eq!(database.execute(&sql).unwrap(), 300_000);
        assert_eq!(
            files.events(),
            [Event::Created("out".into()), Event::Closed("out".into())],
            "{format}"
        );
        assert!(files.get("out").is_some());
    }
}

#[test]
fn a_failed_statement_leaves_the_file_that_was_there() {
    let files = MemoryFiles::default();
    files.put("out", "before");
    let database = Database::open(&options(), Arc::new(files.clone())).unwrap();
    database
        .execute(
            "COPY (SELECT CASE WHEN i = 1500000 THEN error('on purpose') ELSE i END \
             FROM range(2000000) t(i)) TO 'tundra://out' (FORMAT parquet, USE_TMP_FILE false)",
        )
        .unwrap_err();
    assert_eq!(files.get("out").unwrap(), "before");
}

#[test]
fn a_temporary_name_is_refused_with_the_way_out() {
    let files = MemoryFiles::default();
    files.put("out.parquet", "before");
    let database = Database::open(&options(), Arc::new(files.clone())).unwrap();
    // The file is there, so DuckDB would write another and rename it.
    let error = database
        .execute("COPY (SELECT 1 AS a) TO 'tundra://out.parquet' (FORMAT parquet)")
        .unwrap_err();
    assert!(error.to_string().contains("USE_TMP_FILE false"), "{error}");
    assert_eq!(files.get("out.parquet").unwrap(), "before");
    assert_eq!(files.get("tmp_out.parquet"), None);
}
