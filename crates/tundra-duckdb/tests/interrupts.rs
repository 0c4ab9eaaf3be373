//! An interrupt ends what runs, soon, whatever it is.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::{RecordBatchIterator, RecordBatchReader};
use tundra_duckdb::{
    BoxError, Class, Database, Error, FileSystem, Operation, Options, ReadFile, WriteFile,
};

use crate::support::{Event, MemoryFiles, integer_batch, integers, open, options};

/// The promise.
const SOON: Duration = Duration::from_secs(1);

/// Endless input, made as it is read, and an output. Says when a good deal of work is under way.
struct Endless {
    text: &'static str,
    started: Sender<()>,
    output: MemoryFiles,
}

impl FileSystem for Endless {
    fn open(&self, _path: &str) -> Result<Arc<dyn ReadFile>, BoxError> {
        Ok(Arc::new(EndlessFile { text: self.text, started: self.started.clone() }))
    }
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, BoxError> {
        self.output.create(path)
    }
    fn exists(&self, path: &str) -> Result<bool, BoxError> {
        Ok(path.starts_with("in"))
    }
    fn remove(&self, path: &str) -> Result<(), BoxError> {
        self.output.remove(path)
    }
}

struct EndlessFile {
    text: &'static str,
    started: Sender<()>,
}

impl ReadFile for EndlessFile {
    fn len(&self) -> u64 {
        1 << 50
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        if offset > 40 << 20 {
            // Nobody listens after the first time.
            let _ = self.started.send(());
        }
        let text = self.text.as_bytes();
        let mut position = usize::try_from(offset % text.len() as u64)?;
        let mut rest = &mut buf[..];
        while !rest.is_empty() {
            let count = rest.len().min(text.len() - position);
            rest[..count].copy_from_slice(&text[position..position + count]);
            rest = &mut rest[count..];
            position = 0;
        }
        Ok(buf.len())
    }
    fn version(&self) -> Option<&str> {
        None
    }
    fn modified(&self) -> Option<SystemTime> {
        None
    }
}

/// Interrupts `work` once it is under way, and checks how soon it ends and with what.
#[track_caller]
fn check_ends_soon(
    database: &Database,
    wait: impl FnOnce(),
    work: impl FnOnce(&Database) -> Result<u64, Error> + Send,
) {
    let interrupter = database.interrupter();
    let (outcome, took) = std::thread::scope(|scope| {
        let running = scope.spawn(|| work(database));
        wait();
        assert!(!running.is_finished(), "it ended by itself: {:?}", running.join());
        let begin = Instant::now();
        interrupter.interrupt();
        let outcome = running.join().unwrap();
        (outcome, begin.elapsed())
    });
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    assert!(took < SOON, "it took {took:?}");
}

/// Waits until the query has used some memory, so that it is past its beginning.
fn busy(database: &Database, bytes: u64) -> impl FnOnce() {
    move || {
        while database.memory_used() < bytes && database.spilled() == 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_copy_that_reads_text_ends_soon() {
    for (format, text) in [
        ("read_csv('tundra://in.csv', columns = {'a': 'BIGINT', 'b': 'VARCHAR'})", "1,hello\n"),
        ("read_ndjson('tundra://in.json', columns = {'a': 'BIGINT'})", "{\"a\": 1}\n"),
    ] {
        for threads in [1, 2, 4] {
            let (started, waiting) = channel();
            let output = MemoryFiles::default();
            let files = Endless { text, started, output: output.clone() };
            let options = Options { threads, ..options() };
            let database = Database::open(&options, Arc::new(files)).unwrap();
            let sql = format!(
                "COPY (SELECT * FROM {format}) TO 'tundra://out' \
                 (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
            );
            let wait = || waiting.recv().unwrap();
            check_ends_soon(&database, wait, |database| database.execute(&sql));
            let events = output.events();
            assert_eq!(events, [Event::Created("out".into()), Event::Aborted("out".into())]);
        }
    }
}

#[test]
fn a_copy_that_reads_a_stream_ends_soon() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let (started, waiting) = channel();
    let batch = integer_batch(&schema, 0..100_000);
    let batches = (0..).map(move |number| {
        if number > 100 {
            let _ = started.send(());
        }
        Ok(batch.clone())
    });
    let files = MemoryFiles::default();
    let database = open(&files);
    let reader = RecordBatchIterator::new(batches, schema);
    database.register_stream("input", Box::new(reader)).unwrap();
    let wait = || waiting.recv().unwrap();
    check_ends_soon(&database, wait, |database| {
        database.execute("COPY input TO 'tundra://out' (FORMAT parquet, USE_TMP_FILE false)")
    });
    let events = files.events();
    assert_eq!(events, [Event::Created("out".into()), Event::Aborted("out".into())]);
}

#[test]
fn every_kind_of_work_ends_soon() {
    for sql in [
        // Sorting, with spilling.
        "COPY (SELECT i, hash(i) AS h FROM range(1000000000) t(i) ORDER BY h) \
         TO 'tundra://out' (FORMAT parquet, USE_TMP_FILE false)",
        "CREATE TABLE t AS SELECT hash(i) AS h, count(*) FROM range(1000000000) t(i) GROUP BY h",
        "CREATE TABLE t AS SELECT i, hash(i) AS h FROM range(1000000000) t(i)",
        "CREATE TABLE t AS SELECT a.i FROM range(100000000) a(i) JOIN range(100000000) b(i) \
         ON a.i = b.i + 1",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            memory_limit: 256 << 20,
            temp_directory: Some(directory.path().to_owned()),
            max_temp_size: 8 << 30,
            ..options()
        };
        let files = MemoryFiles::default();
        let database = Database::open(&options, Arc::new(files.clone())).unwrap();
        let wait = busy(&database, 200 << 20);
        check_ends_soon(&database, wait, |database| database.execute(sql));
        assert!(!files.events().contains(&Event::Closed("out".into())));
    }
}

#[test]
fn work_without_memory_or_files_ends_soon() {
    let database = open(&MemoryFiles::default());
    let wait = || {
        while database.progress().is_none() {
            std::thread::yield_now();
        }
    };
    check_ends_soon(&database, wait, |database| {
        let rows = database
            .query("SELECT sum(a.i * b.i)::BIGINT FROM range(10000000) a(i), range(10000000) b(i)");
        rows.map(|_| 0)
    });
}

/// Where a call of the file system or of a stream hangs until it is let go.
#[derive(Clone)]
struct Hang {
    reached: Sender<()>,
    go: Arc<Mutex<Receiver<()>>>,
}

impl Hang {
    /// Returns the place, how to wait for somebody to hang there, and how to let them go.
    fn new() -> (Self, Receiver<()>, Sender<()>) {
        let ((reached, waiting), (release, go)) = (channel(), channel());
        (Self { reached, go: Arc::new(Mutex::new(go)) }, waiting, release)
    }

    fn here(&self) {
        // Nobody listens after the first time, and nobody hangs once the test let go.
        let _ = self.reached.send(());
        let _ = self.go.lock().unwrap().recv();
    }
}

/// A file system in which one operation hangs.
struct Hanging {
    files: MemoryFiles,
    place: Operation,
    hang: Hang,
}

impl FileSystem for Hanging {
    fn open(&self, path: &str) -> Result<Arc<dyn ReadFile>, BoxError> {
        let file = self.files.open(path)?;
        Ok(Arc::new(HangingFile {
            file,
            hang: (self.place == Operation::Read).then(|| self.hang.clone()),
        }))
    }
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, BoxError> {
        if self.place == Operation::Create {
            self.hang.here();
        }
        let file = self.files.create(path)?;
        Ok(Box::new(HangingFile {
            file,
            hang: (self.place == Operation::Write).then(|| self.hang.clone()),
        }))
    }
    fn exists(&self, path: &str) -> Result<bool, BoxError> {
        self.files.exists(path)
    }
    fn remove(&self, path: &str) -> Result<(), BoxError> {
        self.files.remove(path)
    }
}

struct HangingFile<F> {
    file: F,
    hang: Option<Hang>,
}

impl ReadFile for HangingFile<Arc<dyn ReadFile>> {
    fn len(&self) -> u64 {
        self.file.len()
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        if let Some(hang) = &self.hang {
            hang.here();
        }
        self.file.read_at(buf, offset)
    }
    fn version(&self) -> Option<&str> {
        self.file.version()
    }
    fn modified(&self) -> Option<SystemTime> {
        self.file.modified()
    }
}

impl WriteFile for HangingFile<Box<dyn WriteFile>> {
    fn write(&mut self, data: &[u8]) -> Result<(), BoxError> {
        if let Some(hang) = &self.hang {
            hang.here();
        }
        self.file.write(data)
    }
    fn close(self: Box<Self>) -> Result<(), BoxError> {
        self.file.close()
    }
    fn abort(self: Box<Self>) {
        self.file.abort();
    }
}

#[test]
fn a_statement_ends_soon_although_the_file_system_hangs() {
    for place in [Operation::Read, Operation::Create, Operation::Write] {
        for io_threads in [0, 2] {
            let (hang, waiting, release) = Hang::new();
            let files = MemoryFiles::default();
            files.put("in.csv", "a\n1\n");
            let hanging = Hanging { files: files.clone(), place, hang };
            let options = Options { io_threads, ..options() };
            let database = Database::open(&options, Arc::new(hanging)).unwrap();
            let wait = || waiting.recv().unwrap();
            check_ends_soon(&database, wait, |database| {
                database.execute(
                    "COPY (SELECT * FROM read_csv('tundra://in.csv'), range(300000)) \
                     TO 'tundra://out' (FORMAT parquet, USE_TMP_FILE false)",
                )
            });

            // Whoever comes next does not wait for what hangs either.
            let begin = Instant::now();
            let error = database.query("SELECT 1").unwrap_err();
            assert!(matches!(error, Error::Interrupted), "{error:?}");
            assert!(matches!(
                database.register_stream("input", empty_stream()),
                Err(Error::Interrupted)
            ));
            assert!(database.memory_used() < 1 << 30);
            drop(database);
            assert!(begin.elapsed() < SOON);

            // Let go, DuckDB finds everything taken away.
            drop(release);
            while files.owners() > 1 {
                std::thread::yield_now();
            }
            let written = match place {
                Operation::Read => Vec::new(),
                _ => vec![Event::Created("out".into()), Event::Aborted("out".into())],
            };
            let events = files.events();
            let events: Vec<_> =
                events.into_iter().filter(|event| !matches!(event, Event::Opened(_))).collect();
            // DuckDB may or may not have begun the output before it reads.
            assert!(
                events == written || (place == Operation::Read && events.len() == 2),
                "{place}: {events:?}"
            );
            assert!(!events.contains(&Event::Closed("out".into())));
            assert_eq!(files.get("out"), None);
        }
    }
}

fn empty_stream() -> Box<dyn RecordBatchReader + Send> {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    Box::new(RecordBatchIterator::new(Vec::new(), schema))
}

#[test]
fn a_statement_ends_soon_although_a_stream_hangs() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let (hang, waiting, release) = Hang::new();
    let files = MemoryFiles::default();
    let database = open(&files);
    let batch = integer_batch(&schema, 0..300_000);
    let batches = (0..10).map(move |number| {
        if number == 5 {
            hang.here();
        }
        Ok(batch.clone())
    });
    let reader = RecordBatchIterator::new(batches, schema);
    database.register_stream("input", Box::new(reader)).unwrap();
    let wait = || waiting.recv().unwrap();
    check_ends_soon(&database, wait, |database| {
        database.execute("COPY input TO 'tundra://out' (FORMAT parquet, USE_TMP_FILE false)")
    });
    // The file was free to be given up at once.
    let ended = [Event::Created("out".into()), Event::Aborted("out".into())];
    assert_eq!(files.events(), ended);
    drop(database);
    drop(release);
    while files.owners() > 1 {
        std::thread::yield_now();
    }
    assert_eq!(files.events(), ended);
}

#[test]
fn a_statement_ends_soon_although_duckdb_compresses() {
    // One row group at the highest level: DuckDB looks up only when it is done.
    let files = MemoryFiles::default();
    let options = Options { memory_limit: 4 << 30, ..options() };
    let database = Database::open(&options, Arc::new(files.clone())).unwrap();
    let wait = || {
        while database.progress().is_none_or(|progress| progress < 0.99) {
            std::thread::yield_now();
        }
    };
    check_ends_soon(&database, wait, |database| {
        database.execute(
            "COPY (SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) FROM range(250000) t(i)) \
             TO 'tundra://out' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 22, \
             ROW_GROUP_SIZE 1000000, USE_TMP_FILE false)",
        )
    });
    let begin = Instant::now();
    drop(database);
    assert!(begin.elapsed() < SOON);
    assert!(!files.events().contains(&Event::Closed("out".into())));
    // The test is over when DuckDB is, so that nothing runs into the end of the process.
    while files.owners() > 1 {
        std::thread::yield_now();
    }
    assert!(!files.events().contains(&Event::Closed("out".into())));
}

#[test]
fn an_interrupt_is_for_good() {
    let database = open(&MemoryFiles::default());
    let interrupter = database.interrupter();
    assert_eq!(integers(&database.query("SELECT 1::BIGINT").unwrap()), [1]);
    interrupter.interrupt();
    for sql in ["SELECT 1", "SELECT * FROM range(1000000)", "nonsense"] {
        let error = database.query(sql).unwrap_err();
        assert!(matches!(error, Error::Interrupted), "{error:?}");
        assert_eq!(error.class(), Class::Interrupted);
    }
}

#[test]
fn an_interrupt_is_not_lost_while_a_statement_begins() {
    // DuckDB clears its flag when a statement begins. Somewhere among these moments is that one.
    for round in 0..100 {
        let files = MemoryFiles::default();
        let database = open(&files);
        let interrupter = database.interrupter();
        let outcome = std::thread::scope(|scope| {
            let running = scope
                .spawn(|| database.query("SELECT sum(i)::BIGINT FROM range(100000000000) t(i)"));
            for _ in 0..round * 300 {
                std::hint::spin_loop();
            }
            interrupter.interrupt();
            running.join().unwrap()
        });
        assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
        // It reached DuckDB: had it only reached the caller, the files would still be in use.
        drop(database);
        assert_eq!(files.owners(), 1);
    }
}

#[test]
fn an_interrupter_may_outlive_its_database() {
    let database = open(&MemoryFiles::default());
    let interrupter = database.interrupter();
    let other = interrupter.clone();
    drop(database);
    interrupter.interrupt();
    other.interrupt();
}

#[test]
fn progress_goes_from_nothing_to_nothing() {
    let database = open(&MemoryFiles::default());
    assert_eq!(database.progress(), None);
    database.execute("CREATE TABLE t AS SELECT i FROM range(30000000) t(i)").unwrap();
    let most = std::thread::scope(|scope| {
        let running =
            scope.spawn(|| database.query("SELECT count(DISTINCT hash(i) % 1000) FROM t"));
        let mut last = 0.0;
        while !running.is_finished() {
            if let Some(progress) = database.progress() {
                assert!((0.0..=1.0).contains(&progress), "{progress}");
                assert!(progress >= last, "{progress} came after {last}");
                last = progress;
            }
        }
        running.join().unwrap().unwrap();
        last
    });
    assert!(most > 0.0, "progress was never reported");
    assert_eq!(database.progress(), None);
}
