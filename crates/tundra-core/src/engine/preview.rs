//! The first rows of a Parquet file, as record batches.
//!
//! Start at [`preview`]. It reads with the reader of the `parquet` crate and not with DuckDB: for a hundred
//! rows no engine is started, and only the pages are fetched in which they are. What it holds is bounded by
//! those pages, by [`MOST_BYTES`] and by the limit of rows.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    },
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{ChunkReader, Length},
    },
};
use tokio::runtime::Handle;

use crate::{
    Control, Error, Input, ObjectReader, Result, Stage,
    engine::{copy::Stop, parquet::input_footer},
};

/// How much memory the rows may take, about; what comes behind is left out. More is no look at a table but
/// the table.
const MOST_BYTES: usize = 64 << 20;

/// How much memory the rows of one batch are to take, about, so that wide rows come few at a time.
const BATCH_BYTES: u64 = 4 << 20;

/// The most rows of a batch.
const BATCH_ROWS: u64 = 1024;

/// How much is fetched at least: the pages of many columns stand one behind the other, and a store takes
/// longer to answer than to send this.
const AHEAD: u64 = 1 << 20;

/// The first rows of a Parquet file.
#[derive(Debug, Clone)]
pub struct FirstRows {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, in their order. They are fewer than was asked for where the file ends, or where they would
    /// take more than 64 MB of memory.
    pub batches: Vec<RecordBatch>,
    /// Rows of the whole file.
    pub total_rows: u64,
}

/// Reads the first rows of a Parquet file, at most `limit`.
///
/// Must be called within a Tokio runtime; the work runs on a blocking thread.
///
/// # Errors
/// Fails when the file cannot be read or is no Parquet, and when the run is to stop.
pub async fn preview(input: &Input, limit: u64, control: &Control) -> Result<FirstRows> {
    let read = |source| Error::Storage { role: "could not read the input", source };
    let stop = Stop::new(control);
    stop.check()?;
    control.reporter.stage(Stage::Inspecting);
    let location = input.storage.display(&input.path);
    let object = stop.unless_stopped(input.storage.open(&input.path)).await?.map_err(read)?;
    let runtime = Handle::current();
    let (looked, stopping) = (Arc::clone(&object), stop.clone());
    let rows = tokio::task::spawn_blocking(move || {
        let footer = input_footer(&looked, &location, &runtime)?;
        let ranges = Ranges { object: looked, runtime, stop: stopping, kept: Arc::default() };
        ranges.first_rows(footer, &location, limit)
    });
    let rows = rows
        .await
        .map_err(|error| Error::Internal(format!("reading the first rows panicked: {error}")))?
        .map_err(|error| stop.explain(error))?;
    object.check_unchanged().await.map_err(read)?;
    Ok(rows)
}

/// The file, fetched as it is needed. Clones share what was fetched last.
#[derive(Debug, Clone)]
struct Ranges {
    object: Arc<dyn ObjectReader>,
    runtime: Handle,
    stop: Stop,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// What was fetched last, and where it begins.
    ahead: Option<(u64, Bytes)>,
    /// Why something could not be fetched: the reader passes on no more than a text.
    failure: Option<Error>,
}

impl Ranges {
    fn first_rows(&self, footer: ParquetMetaData, location: &str, limit: u64) -> Result<FirstRows> {
        let total_rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let wanted = limit.min(total_rows);
        let batch_rows = batch_rows(&footer).min(wanted.max(1));
        let bad = |error: ParquetError| self.failed(location, error);
        let metadata = ArrowReaderMetadata::try_new(Arc::new(footer), ArrowReaderOptions::new());
        let metadata = metadata.map_err(bad)?;
        let schema = Arc::clone(metadata.schema());
        let mut batches = Vec::new();
        if wanted > 0 {
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.clone(), metadata);
            let reader = builder
                .with_batch_size(usize::try_from(batch_rows).unwrap_or(1))
                .with_limit(usize::try_from(wanted).unwrap_or(usize::MAX))
                .build()
                .map_err(bad)?;
            let mut bytes = 0;
            for batch in reader {
                self.stop.check()?;
                let batch = batch.map_err(|error| self.failed(location, error))?;
                bytes += batch.get_array_memory_size();
                batches.push(batch);
                if bytes >= MOST_BYTES {
                    break;
                }
            }
        }
        Ok(FirstRows { schema, batches, total_rows })
    }

    /// Returns why the reader failed: what the store said, if it was that.
    fn failed(&self, location: &str, error: impl Into<crate::BoxError>) -> Error {
        let failure = self.kept.lock().unwrap_or_else(PoisonError::into_inner).failure.take();
        failure.unwrap_or_else(|| Error::BadParquet {
            input: location.to_owned(),
            source: error.into(),
        })
    }

    /// Returns bytes, of what was fetched last or fetched now.
    fn fetch(&self, start: u64, length: u64) -> std::result::Result<Bytes, ParquetError> {
        let size = self.object.info().size;
        let end = start.checked_add(length).filter(|end| *end <= size).ok_or_else(|| {
            ParquetError::EOF(format!("{length} bytes from {start} on are not in the file"))
        })?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, bytes)) = &kept.ahead
            && let Some(skipped) = start.checked_sub(*at)
            && skipped + length <= bytes.len() as u64
        {
            return Ok(part(bytes, skipped, length));
        }
        let until = end.max(start.saturating_add(AHEAD).min(size));
        let fetched = self.stop.check().and_then(|()| {
            let read = self.runtime.block_on(self.object.read(start..until));
            read.map_err(|source| Error::Storage { role: "could not read the input", source })
        });
        match fetched {
            Ok(bytes) => {
                let wanted = part(&bytes, 0, length);
                // A page that is larger than that is read once and not held twice.
                kept.ahead = (bytes.len() as u64 <= AHEAD).then_some((start, bytes));
                Ok(wanted)
            }
            Err(error) => {
                let text = error.to_string();
                kept.failure = Some(error);
                Err(ParquetError::General(text))
            }
        }
    }
}

/// Returns a part of bytes that is in them.
fn part(bytes: &Bytes, start: u64, length: u64) -> Bytes {
    let at = |place: u64| usize::try_from(place).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(at(start)..at(start + length))
}

/// Returns how many rows to read at a time, by how wide those of the first row group are.
fn batch_rows(footer: &ParquetMetaData) -> u64 {
    let group = footer.row_groups().iter().find(|group| group.num_rows() > 0);
    let bytes_of_row = group.map_or(1, |group| {
        let rows = u64::try_from(group.num_rows()).unwrap_or(1).max(1);
        u64::try_from(group.total_byte_size()).unwrap_or(0) / rows
    });
    (BATCH_BYTES / bytes_of_row.max(1)).clamp(1, BATCH_ROWS)
}

impl Length for Ranges {
    fn len(&self) -> u64 {
        self.object.info().size
    }
}

impl ChunkReader for Ranges {
    type T = Onward;

    fn get_read(&self, start: u64) -> std::result::Result<Self::T, ParquetError> {
        Ok(Onward { ranges: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> std::result::Result<Bytes, ParquetError> {
        self.fetch(start, length as u64)
    }
}

/// The file from a place on: for the headers of pages, whose length shows when they are read.
#[derive(Debug)]
struct Onward {
    ranges: Ranges,
    at: u64,
}

impl Read for Onward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.ranges.len().saturating_sub(self.at);
        let length = left.min(buffer.len() as u64);
        if length == 0 {
            return Ok(0);
        }
        let bytes = self.ranges.fetch(self.at, length).map_err(io::Error::other)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}
