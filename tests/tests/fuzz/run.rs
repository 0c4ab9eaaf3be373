//! One conversion or inspection of bytes in memory, and what must hold of each, whatever the bytes
//! are.
//!
//! Refusing an input is a result; a [`Fault`] is what no input may cause.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use arrow_array::{RecordBatch, cast::AsArray, types::UInt64Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tundra_core::{
    BadRowPolicy, Cancel, Classify, Compression, Control, ConvertOptions, Error, ErrorKind, Format,
    IfExists, Input, InspectOptions, Inspection, Output, Receipt, Resources, Silent, Storage,
    TypePolicy, WriteOptions, engine,
};
use tundra_storage::MemoryStorage;

const INPUT: &str = "input";
const OUTPUT: &str = "out.parquet";
const REJECTS: &str = "rejects.parquet";

/// Inputs are small: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(8);

/// Every policy for bad rows with every policy for types.
pub(crate) const POLICIES: [(BadRowPolicy, TypePolicy); 6] = [
    (BadRowPolicy::Fail, TypePolicy::Infer),
    (BadRowPolicy::Fail, TypePolicy::Text),
    (BadRowPolicy::Reject, TypePolicy::Infer),
    (BadRowPolicy::Reject, TypePolicy::Text),
    (BadRowPolicy::Repair, TypePolicy::Infer),
    (BadRowPolicy::Repair, TypePolicy::Text),
];

/// Never dropped: it would wait for a run that hangs.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static SPILL: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

/// What no input may cause.
pub(crate) type Fault = String;

/// Returns a [`Fault`] unless the condition holds.
macro_rules! must {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use must;

/// A conversion that succeeded.
#[derive(Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) receipt: Receipt,
    pub(crate) table: Table,
    /// The rows of the rejects, if there are any.
    pub(crate) rejects: Option<Table>,
}

/// What the `parquet` crate reads.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) rows: usize,
    /// The cells of the columns that are text, by the place of the column.
    pub(crate) text: BTreeMap<usize, Vec<Option<String>>>,
    /// The cells of the columns that are unsigned integers.
    pub(crate) numbers: BTreeMap<usize, Vec<u64>>,
}

impl Table {
    pub(crate) fn read(bytes: Bytes) -> Result<Self, Fault> {
        let fault = |error: &dyn std::fmt::Display| format!("the output cannot be read: {error}");
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
            .map_err(|error| fault(&error))?;
        let names = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut table = Self { names, ..Self::default() };
        for batch in builder.build().map_err(|error| fault(&error))? {
            table.take(&batch.map_err(|error| fault(&error))?);
        }
        Ok(table)
    }

    fn take(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        for (index, column) in batch.columns().iter().enumerate() {
            if let Some(text) = column.as_string_opt::<i32>() {
                let cells = text.iter().map(|cell| cell.map(str::to_owned));
                self.text.entry(index).or_default().extend(cells);
            } else if let Some(numbers) = column.as_primitive_opt::<UInt64Type>() {
                self.numbers.entry(index).or_default().extend(numbers.values());
            }
        }
    }
}

/// Converts bytes twice, once on one thread and once on two, and checks what must hold of both.
/// Returns what was made, or why it was refused.
pub(crate) fn convert(
    bytes: &[u8],
    options: &ConvertOptions,
) -> Result<Result<Done, String>, Fault> {
    let one = convert_once(bytes, options, 1)?;
    let two = convert_once(bytes, options, 2)?;
    match (one, two) {
        (Ok(mut one), Ok(two)) => {
            // Only these may differ from run to run.
            one.receipt.run = two.receipt.run;
            one.receipt.timings = two.receipt.timings;
            one.receipt.peak_memory_bytes = two.receipt.peak_memory_bytes;
            must!(one == two, "two runs differ:\n{one:?}\n{two:?}");
            Ok(Ok(two))
        }
        (Err(one), Err(two)) => {
            // What is wrong with a Parquet file is DuckDB's to find, on any thread first.
            let is_ours = options.format != Some(Format::Parquet);
            must!(!is_ours || one == two, "two runs are refused differently:\n{one}\n{two}");
            Ok(Err(two))
        }
        (one, two) => Err(format!("of two runs one is refused:\n{one:?}\n{two:?}")),
    }
}

fn convert_once(
    bytes: &[u8],
    options: &ConvertOptions,
    threads: usize,
) -> Result<Result<Done, String>, Fault> {
    let bytes = bytes.to_vec();
    // The default codec is not among those that the tests read.
    let writing = WriteOptions { compression: Compression::None, ..WriteOptions::default() };
    let options = ConvertOptions { writing, ..options.clone() };
    within_limit(async move {
        let storage = store(bytes).await;
        let input = Input { storage: Arc::clone(&storage), path: INPUT.parse().unwrap() };
        let output = Output {
            storage: Arc::clone(&storage),
            path: OUTPUT.parse().unwrap(),
            if_exists: IfExists::Fail,
        };
        let result =
            engine::convert(&input, &output, &options, &resources(threads), &control()).await;
        let receipt = match result {
            Ok(receipt) => receipt,
            Err(error) => {
                let left = storage.list(None).await.unwrap();
                must!(left.len() == 1, "a refused run left something behind: {left:?}");
                return refusal(&error).map(Err);
            }
        };
        let table = Table::read(get(&storage, OUTPUT).await)?;
        let counts = receipt.counts;
        must!(
            counts.records == counts.skipped + counts.rejected + counts.written,
            "the counts do not add up: {counts:?}"
        );
        must!(
            counts.written == table.rows as u64,
            "{} rows were written and {} can be read",
            counts.written,
            table.rows
        );
        let rejects = match counts.rejected {
            0 => None,
            rejected => {
                let rejects = Table::read(get(&storage, REJECTS).await)?;
                must!(
                    rejected == rejects.rows as u64,
                    "{rejected} records were rejected and {} are kept",
                    rejects.rows
                );
                Some(rejects)
            }
        };
        Ok(Ok(Done { receipt, table, rejects }))
    })
}

/// Inspects bytes and checks that it agrees with what a conversion without bad rows made of them.
pub(crate) fn inspect(
    bytes: &[u8],
    options: &InspectOptions,
    done: Option<&Done>,
) -> Result<(), Fault> {
    let (bytes, options) = (bytes.to_vec(), options.clone());
    let inspected = within_limit(async move {
        let input = Input { storage: store(bytes).await, path: INPUT.parse().unwrap() };
        match engine::inspect(&input, &options, &resources(2), &control()).await {
            Ok(inspection) => Ok(Ok(inspection)),
            Err(error) => refusal(&error).map(Err),
        }
    })?;
    match (inspected, done) {
        (Ok(inspection), Some(done)) => agree(&inspection, done),
        (Err(refusal), Some(_)) => Err(format!("converted, but not inspected: {refusal}")),
        (_, None) => Ok(()),
    }
}

fn agree(inspection: &Inspection, done: &Done) -> Result<(), Fault> {
    let inspected: Vec<_> =
        inspection.columns.iter().map(|column| (&column.name, &column.column_type)).collect();
    let columns = &done.receipt.plan.columns;
    let converted: Vec<_> =
        columns.iter().map(|column| (&column.name, &column.column_type)).collect();
    must!(
        inspected == converted,
        "inspected and converted columns differ:\n{inspected:?}\n{converted:?}"
    );
    must!(
        inspection.rows_inspected == done.receipt.counts.written,
        "{} rows were inspected and {} written",
        inspection.rows_inspected,
        done.receipt.counts.written
    );
    Ok(())
}

/// Returns why a run was refused, unless it is for a reason that is a bug.
fn refusal(error: &Error) -> Result<String, Fault> {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    match error.kind() {
        ErrorKind::Internal | ErrorKind::Timeout => Err(format!("{:?}: {text}", error.kind())),
        _ => Ok(text),
    }
}

fn within_limit<T: Send + 'static>(
    run: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<T, Fault> {
    // A task of its own, which may block for as long as it likes.
    let task = RUNTIME.spawn(run);
    RUNTIME.block_on(async {
        match tokio::time::timeout(LIMIT + LIMIT / 2, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(format!("panic: {error}")),
            Err(_) => Err("the run hangs and does not heed its timeout".to_owned()),
        }
    })
}

async fn store(bytes: Vec<u8>) -> Arc<dyn Storage> {
    let storage = MemoryStorage::new();
    let mut writer = storage.create(&INPUT.parse().unwrap(), IfExists::Fail).await.unwrap();
    writer.write(bytes.into()).await.unwrap();
    writer.publish().await.unwrap();
    Arc::new(storage)
}

async fn get(storage: &Arc<dyn Storage>, name: &str) -> Bytes {
    let object = storage.open(&name.parse().unwrap()).await.unwrap();
    object.read(0..object.info().size).await.unwrap()
}

fn resources(threads: usize) -> Resources {
    Resources {
        threads,
        memory: 1 << 30,
        temp_directory: SPILL.path().to_owned(),
        max_temp_size: 1 << 30,
    }
}

fn control() -> Control {
    Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: Some(LIMIT) }
}
