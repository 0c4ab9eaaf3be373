//! A Parquet file without a name, between DuckDB and a writer of another format or of several files.
//!
//! Start at [`Spool`]. DuckDB writes what it always writes, with all that makes sure of it; what is then
//! made of its rows is the business of `transcode`, of `parts` and of `encrypt`. It stands in the run's temporary directory and is gone
//! when it is closed, also when the process dies.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
        ParquetRecordBatchReaderBuilder,
    },
    basic::LogicalType,
    errors::ParquetError,
    file::{metadata::ParquetMetaData, serialized_reader::SerializedFileReader},
};

use crate::{
    BloomFilters, Compression, Error, ObjectInfo, ObjectReader, ObjectWriter, Resources, Result,
    StorageError, WriteOptions,
    engine::verify::{FooterError, read_footer},
    write::value::Special,
};

/// How messages name it.
const LOCATION: &str = "the temporary directory";

/// What it is called as an object; nobody sees it.
const NAME: &str = "spool.parquet";

/// Memory that the rows of one batch are to take, about, so that wide rows come few at a time.
const BATCH_BYTES: u64 = 4 << 20;

/// The most rows of a batch.
const BATCH_ROWS: u64 = 16_384;

/// A file that is written, perhaps more than once, and then read.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    /// The most bytes that it may have.
    limit: u64,
}

/// The rows of a spool.
pub(crate) struct Spooled {
    /// The rows, in their order.
    pub(crate) rows: ParquetRecordBatchReader,
    /// What the columns are besides their Arrow types.
    pub(crate) specials: Vec<Special>,
    /// How many there are.
    pub(crate) total: u64,
}

impl Spool {
    pub(crate) fn new(resources: &Resources) -> Result<Self> {
        let file = tempfile::tempfile_in(&resources.temp_directory).map_err(|source| {
            Error::Storage { role: "could not keep the rows", source: failed("create", source) }
        })?;
        Ok(Self { file: Arc::new(file), limit: resources.max_temp_size })
    }

    /// Begins the file, anew if there is something in it.
    pub(crate) fn writer(&self) -> Result<Box<dyn ObjectWriter>> {
        self.file.set_len(0).map_err(|source| Error::Storage {
            role: "could not keep the rows",
            source: failed("write", source),
        })?;
        Ok(self.writer_at(0))
    }

    /// Begins a file within the file, at this byte.
    pub(crate) fn writer_at(&self, start: u64) -> Box<dyn ObjectWriter> {
        Box::new(SpoolWriter { file: Arc::clone(&self.file), limit: self.limit, start, size: 0 })
    }

    /// Returns what was written as an object, for DuckDB to read.
    pub(crate) fn object(&self) -> Result<Arc<dyn ObjectReader>> {
        let metadata = self.file.metadata().map_err(|error| unreadable(&error))?;
        let path = NAME.parse().map_err(|error: crate::ObjectPathError| unreadable(&error))?;
        let info = ObjectInfo { path, size: metadata.len(), etag: None, modified: None };
        Ok(Arc::new(SpoolReader { file: Arc::clone(&self.file), info }))
    }

    /// Reads the footer of what was written.
    pub(crate) fn footer(&self) -> Result<ParquetMetaData> {
        let size = self.file.metadata().map_err(|error| unreadable(&error))?.len();
        read_footer(size, |range| read_range(&self.file, range)).map_err(|error| match error {
            FooterError::Storage(source) => {
                Error::Storage { role: "could not read the rows back", source }
            }
            FooterError::Malformed(error) => unreadable(&*error),
        })
    }

    /// Returns the file, to read ranges of it.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Reads what was written, as it is stored.
    pub(crate) fn reader(&self) -> Result<SerializedFileReader<File>> {
        let file = self.file.try_clone().map_err(|error| unreadable(&error))?;
        SerializedFileReader::new(file).map_err(|error| unreadable(&error))
    }

    /// Reads what was written.
    pub(crate) fn read(&self) -> Result<Spooled> {
        let file = self.file.try_clone().map_err(|error| unreadable(&error))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(|error| unreadable(&error))?;
        let footer = Arc::clone(metadata.metadata());
        let rows = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(batch_rows(&footer))
            .build()
            .map_err(|error: ParquetError| unreadable(&error))?;
        let total = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        Ok(Spooled { rows, specials: specials(&footer), total })
    }
}

/// Returns how what several files or an encrypted one are made of is written, where their row groups are to
/// have so many rows: quickly, unless its size tells theirs, and in small pieces where partitions are read out
/// of it, because of a row group that holds several of them all is read for each.
pub(crate) fn spooled(options: &WriteOptions, row_group_rows: u64) -> Option<WriteOptions> {
    /// 300,000 rows with 16 columns in 1,000 partitions take half the time of usual row groups (measured).
    const PIECE: u64 = 8192;
    let sizes_count = options.files.max_size.is_some();
    let is_kept = options.files.are_several() || options.encryption.is_some();
    let is_parted = !options.files.partition_by.is_empty();
    let most = if is_parted { PIECE } else { u64::MAX };
    (is_kept && !sizes_count).then(|| WriteOptions {
        compression: Compression::Snappy,
        bloom_filters: BloomFilters::None,
        row_group_rows: Some(row_group_rows.min(most)),
        ..options.clone()
    })
}

/// Returns the error of a spool that does not read back.
pub(crate) fn unreadable(error: &dyn std::error::Error) -> Error {
    Error::Internal(format!("could not read the rows back that were kept: {error}"))
}

/// Returns how many rows to read at a time, by how wide they are.
pub(crate) fn batch_rows(footer: &ParquetMetaData) -> usize {
    let bytes: i64 = footer.row_groups().iter().map(|group| group.total_byte_size()).sum();
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0).max(1);
    let bytes_of_row = u64::try_from(bytes).unwrap_or(0) / rows;
    let rows = (BATCH_BYTES / bytes_of_row.max(1)).clamp(1, BATCH_ROWS);
    usize::try_from(rows).unwrap_or(1)
}

/// Returns what columns that are not nested are besides their Arrow types.
fn specials(footer: &ParquetMetaData) -> Vec<Special> {
    let fields = footer.file_metadata().schema_descr().root_schema().get_fields();
    let special = |field: &parquet::schema::types::TypePtr| {
        if !field.is_primitive() {
            return Special::None;
        }
        match field.get_basic_info().logical_type_ref() {
            Some(LogicalType::Json) => Special::Json,
            Some(LogicalType::Uuid) => Special::Uuid,
            _ => Special::None,
        }
    };
    fields.iter().map(special).collect()
}

/// Reads bytes that were written. Blocks.
pub(crate) fn read_range(file: &File, range: Range<u64>) -> Result<Bytes, StorageError> {
    let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start).map_err(|source| failed("read", source))?;
    Ok(bytes.into())
}

/// What was written, as DuckDB reads it.
#[derive(Debug)]
struct SpoolReader {
    file: Arc<File>,
    info: ObjectInfo,
}

#[async_trait]
impl ObjectReader for SpoolReader {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        read_range(&self.file, range)
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        // Nobody else can reach it.
        Ok(())
    }
}

#[derive(Debug)]
struct SpoolWriter {
    file: Arc<File>,
    /// The most bytes that the file may have.
    limit: u64,
    /// Where it begins in the file.
    start: u64,
    size: u64,
}

#[async_trait]
impl ObjectWriter for SpoolWriter {
    async fn write(&mut self, data: Bytes) -> Result<(), StorageError> {
        // Called by threads that may block: DuckDB's.
        if self.start + self.size + data.len() as u64 > self.limit {
            let reason = format!("it would be more than the {} bytes that are allowed", self.limit);
            return Err(failed("write", io::Error::new(io::ErrorKind::QuotaExceeded, reason)));
        }
        let written = self.file.write_all_at(&data, self.start + self.size);
        written.map_err(|source| failed("write", source))?;
        self.size += data.len() as u64;
        Ok(())
    }

    async fn read_back(&mut self, range: Range<u64>) -> Result<Bytes, StorageError> {
        read_range(&self.file, self.start + range.start..self.start + range.end)
    }

    async fn publish(self: Box<Self>) -> Result<ObjectInfo, StorageError> {
        Err(failed("publish", io::Error::other("it has no name")))
    }

    async fn abort(self: Box<Self>) -> Result<(), StorageError> {
        // The file has no name: closing it removes it.
        Ok(())
    }
}

fn failed(operation: &'static str, source: io::Error) -> StorageError {
    let location = LOCATION.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StorageError::NoSpace { location, source: source.into() }
        }
        _ => StorageError::Other { operation, location, source: source.into() },
    }
}
