//! An error or a panic of Rust fails the statement, keeps its identity and harms nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchIterator;
use tundra_duckdb::{BoxError, Class, Database, Error, FileSystem, Operation, ReadFile, WriteFile};

use crate::support::{Broken, Event, Fault, MemoryFiles, integer_batch, integers, open, options};

const COPY: &str = "COPY (SELECT i, i::VARCHAR AS text FROM range(2000000) t(i)) \
                    TO 'tundra://out.parquet' (FORMAT parquet, USE_TMP_FILE false)";

/// Each operation, from where in the file it fails, and a statement that needs it.
const NEEDS: [(Operation, u64, &str); 7] = [
    (Operation::Open, 0, "SELECT count(*) FROM read_csv('tundra://in.csv')"),
    (Operation::Read, 0, "SELECT count(*) FROM read_csv('tundra://in.csv')"),
    // Far behind what is sniffed.
    (Operation::Read, 20 << 20, "SELECT count(*) FROM read_csv('tundra://in.csv')"),
    (Operation::Create, 0, COPY),
    (Operation::Write, 1 << 20, COPY),
    (Operation::Close, 0, COPY),
    (Operation::Exists, 0, COPY),
];

fn files() -> MemoryFiles {
    let files = MemoryFiles::default();
    let line = "123456789,abcdefghij,987654321\n";
    files.put("in.csv", format!("a,b,c\n{}", line.repeat((40 << 20) / line.len())));
    files
}

#[track_caller]
fn check_usable(database: &Database) {
    assert_eq!(integers(&database.query("SELECT 42::BIGINT").unwrap()), [42]);
}

#[test]
fn an_error_of_the_file_system_keeps_its_source() {
    for (operation, from, sql) in NEEDS {
        let files = files();
        let database = open(&files);
        files.fail(operation, from, Fault::Error);
        let error = database.execute(sql).unwrap_err();
        assert_eq!(error.class(), Class::Io);
        let Error::File { path, operation: failed, source } = error else { panic!("{error:?}") };
        assert_eq!(failed, operation, "{sql}");
        assert!(path == "in.csv" || path == "out.parquet", "{path}");
        assert_eq!(source.downcast_ref::<Broken>(), Some(&Broken("file")));
        check_usable(&database);
    }
}

#[test]
fn a_panic_of_the_file_system_is_an_error() {
    for (operation, from, sql) in NEEDS {
        let files = files();
        let database = open(&files);
        files.fail(operation, from, Fault::Panic);
        let error = database.execute(sql).unwrap_err();
        assert_eq!(error.class(), Class::Internal);
        let Error::Panicked { operation: failed, message, .. } = error else { panic!("{error:?}") };
        assert_eq!(failed, operation, "{sql}");
        assert!(message.ends_with("panics on purpose"), "{message}");
        check_usable(&database);
    }
}

#[test]
fn an_error_while_parquet_is_read_keeps_its_source() {
    let files = files();
    let database = open(&files);
    database.execute(COPY).unwrap();
    let size = files.get("out.parquet").unwrap().len() as u64;
    for from in [size, 1 << 20, 0] {
        files.fail(Operation::Read, from, Fault::Error);
        let error = database.query("SELECT sum(i) FROM 'tundra://out.parquet'").unwrap_err();
        let Error::File { operation: Operation::Read, source, .. } = error else {
            panic!("{error:?}")
        };
        assert!(source.is::<Broken>());
    }
}

#[test]
fn the_message_says_what_failed_once() {
    let files = files();
    let database = open(&files);
    files.fail(Operation::Open, 0, Fault::Error);
    let error = database.query("FROM 'tundra://in.csv'").unwrap_err();
    assert_eq!(error.to_string(), "could not open `in.csv`");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "broken on purpose: file");
}

#[test]
fn a_missing_file_fails_with_the_error_of_the_file_system() {
    let database = open(&MemoryFiles::default());
    let error = database.query("SELECT * FROM read_csv('tundra://nothing.csv')").unwrap_err();
    // DuckDB asks whether the file exists before it opens it.
    assert_eq!(error.class(), Class::Io, "{error:?}");
    assert!(error.to_string().contains("nothing.csv"), "{error}");
}

#[test]
fn an_error_of_a_stream_keeps_its_source() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let files = MemoryFiles::default();
    let database = open(&files);
    let batches = (0..40).map({
        let schema = Arc::clone(&schema);
        move |batch| match batch {
            30 => Err(ArrowError::ExternalError(Broken("stream").into())),
            _ => Ok(integer_batch(&schema, 0..5000)),
        }
    });
    database.register_stream("input", Box::new(RecordBatchIterator::new(batches, schema))).unwrap();
    let error = database
        .execute("COPY input TO 'tundra://out.parquet' (FORMAT parquet, USE_TMP_FILE false)")
        .unwrap_err();
    let Error::Stream { name, source } = error else { panic!("{error:?}") };
    assert_eq!(name, "input");
    assert_eq!(source.downcast_ref::<Broken>(), Some(&Broken("stream")));
    check_usable(&database);
}

#[test]
fn a_panic_of_a_stream_is_an_error() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let database = open(&MemoryFiles::default());
    let batches = (0..40).map({
        let schema = Arc::clone(&schema);
        move |batch| {
            assert!(batch < 30, "the stream panics on purpose");
            Ok(integer_batch(&schema, 0..5000))
        }
    });
    database.register_stream("input", Box::new(RecordBatchIterator::new(batches, schema))).unwrap();
    let error = database.query("SELECT sum(a) FROM input").unwrap_err();
    let Error::Panicked { operation: Operation::Read, name, message } = error else {
        panic!("{error:?}")
    };
    assert_eq!((name.as_str(), message.as_str()), ("input", "the stream panics on purpose"));
    check_usable(&database);
}

/// A file that lies about its length, or reads more than it was asked for.
struct Liar {
    len: u64,
    extra: usize,
}

impl FileSystem for Liar {
    fn open(&self, _path: &str) -> Result<Arc<dyn ReadFile>, BoxError> {
        Ok(Arc::new(Self { len: self.len, extra: self.extra }))
    }
    fn create(&self, _path: &str) -> Result<Box<dyn WriteFile>, BoxError> {
        Err("nothing is written".into())
    }
    fn exists(&self, _path: &str) -> Result<bool, BoxError> {
        Ok(true)
    }
    fn remove(&self, _path: &str) -> Result<(), BoxError> {
        Ok(())
    }
}

impl ReadFile for Liar {
    fn len(&self) -> u64 {
        self.len
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        let text = b"a\n1\n2\n";
        let rest = &text[usize::try_from(offset)?.min(text.len())..];
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(if self.extra > 0 { buf.len() + self.extra } else { count })
    }
    fn version(&self) -> Option<&str> {
        None
    }
    fn modified(&self) -> Option<SystemTime> {
        Some(SystemTime::now())
    }
}

#[test]
fn a_file_that_ends_early_is_an_error() {
    let database = Database::open(&options(), Arc::new(Liar { len: 1000, extra: 0 })).unwrap();
    let error = database.query("SELECT * FROM read_csv('tundra://x.csv')").unwrap_err();
    assert_eq!(error.class(), Class::Io);
    assert!(error.to_string().contains("ended after 6 bytes"), "{error}");
}

#[test]
fn a_read_that_overflows_is_an_error() {
    let database = Database::open(&options(), Arc::new(Liar { len: 6, extra: 1 })).unwrap();
    let error = database.query("SELECT * FROM read_csv('tundra://x.csv')").unwrap_err();
    assert!(matches!(error, Error::File { operation: Operation::Read, .. }), "{error:?}");
}

/// Says that every file appeared since it was asked for the last time, and cannot remove one.
#[derive(Default)]
struct Appearing {
    asked: AtomicBool,
    files: MemoryFiles,
}

impl FileSystem for Appearing {
    fn open(&self, path: &str) -> Result<Arc<dyn ReadFile>, BoxError> {
        self.files.open(path)
    }
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, BoxError> {
        self.files.create(path)
    }
    fn exists(&self, _path: &str) -> Result<bool, BoxError> {
        Ok(self.asked.swap(true, Ordering::Relaxed))
    }
    fn remove(&self, path: &str) -> Result<(), BoxError> {
        self.files.remove(path)
    }
}

#[test]
fn a_failing_clean_up_does_not_hide_the_failure() {
    for fault in [Fault::Error, Fault::Panic] {
        let files = Appearing::default();
        let memory = files.files.clone();
        memory.fail(Operation::Remove, 0, fault);
        let database = Database::open(&options(), Arc::new(files)).unwrap();
        let error = database
            .execute(
                "COPY (SELECT CASE WHEN i = 1000000 THEN error('on purpose') ELSE i END \
                 FROM range(2000000) t(i)) TO 'tundra://out.csv' (FORMAT csv, USE_TMP_FILE false)",
            )
            .unwrap_err();
        assert!(error.to_string().contains("on purpose"), "{error}");
        let events = memory.events();
        assert_eq!(
            events,
            [Event::Created("out.csv".into()), Event::Aborted("out.csv".into())],
            "a failing removal is not noted"
        );
        check_usable(&database);
    }
}

#[test]
fn the_kinds_of_failures_are_told_apart() {
    let database = open(&MemoryFiles::default());
    for (sql, class) in [
        ("SELEC 1", Class::Sql),
        ("SELECT nothing", Class::Sql),
        ("SELECT * FROM nothing", Class::Sql),
        ("SELECT nothing(1)", Class::Sql),
        ("SELECT 'x'::INTEGER", Class::Conversion),
        ("SELECT 1000::TINYINT", Class::Conversion),
        ("SELECT 9223372036854775807 + i FROM range(2) t(i)", Class::Conversion),
        ("SELECT error('x')", Class::InvalidInput),
        ("SELECT * FROM read_parquet('/etc/passwd')", Class::Permission),
        ("ATTACH 'x'", Class::Permission),
    ] {
        let error = database.query(sql).unwrap_err();
        assert_eq!(error.class(), class, "{sql}: {error:?}");
    }
}

#[test]
fn damaged_parquet_is_an_error() {
    let files = MemoryFiles::default();
    let database = open(&files);
    database
        .execute("COPY (SELECT i FROM range(100000) t(i)) TO 'tundra://x.parquet' (FORMAT parquet, USE_TMP_FILE false)")
        .unwrap();
    let mut data = files.get("x.parquet").unwrap().to_vec();
    let middle = data.len() / 3;
    data[4..middle].fill(0xff);
    files.put("x.parquet", data);
    let database = open(&files);
    let error = database.query("SELECT sum(i) FROM 'tundra://x.parquet'").unwrap_err();
    assert!(matches!(error, Error::Query { .. }), "{error:?}");
    files.put("x.parquet", "PAR1");
    let error = database.query("SELECT sum(i) FROM 'tundra://x.parquet'").unwrap_err();
    assert!(matches!(error, Error::Query { .. }), "{error:?}");
}
