//! A Parquet file encrypted with a key, of one that DuckDB has written.
//!
//! Start at [`encrypt`]. The DuckDB that is built in takes its random numbers for encryption from a source
//! that its authors call unsafe, so that it writes into a [`Spool`], and what stands there is copied column
//! by column, as stored values with their levels: no type is touched on the way. Footer, pages and indexes
//! are encrypted by AES-GCM with the one key, as
//! [Parquet's modular encryption](https://github.com/apache/parquet-format/blob/master/Encryption.md) has it.
//! Then the footer is read back with the key, and held against that of the spool.

use std::{io, sync::Arc};

use parquet::{
    DecodeResult,
    basic::{Compression as Codec, ZstdLevel},
    column::{
        reader::{ColumnReader, ColumnReaderImpl},
        writer::{ColumnWriter, ColumnWriterImpl},
    },
    data_type::DataType,
    encryption::{decrypt::FileDecryptionProperties, encrypt::FileEncryptionProperties},
    errors::ParquetError,
    file::{
        metadata::{ParquetMetaData, ParquetMetaDataPushDecoder},
        properties::{WriterProperties, WriterPropertiesPtr},
        reader::FileReader,
        serialized_reader::SerializedFileReader,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
};
use tokio::runtime::Handle;

use crate::{
    Compression, EncryptionKey, Error, ObjectWriter, Result, WriteOptions,
    engine::{
        copy::Stop,
        files::{Outgoing, Written},
        spool::{Spool, batch_rows},
    },
};

/// What is to be encrypted.
pub(crate) struct Encryption<'a> {
    /// The rows.
    pub(crate) spool: &'a Spool,
    pub(crate) key: &'a EncryptionKey,
    /// How the file is written.
    pub(crate) options: &'a WriteOptions,
    /// The output as a person would write it.
    pub(crate) location: &'a str,
}

/// Writes what is in a spool with this writer, encrypted, and returns how many row groups there are and what was
/// written. It is not published.
pub(crate) fn encrypt(
    what: &Encryption<'_>,
    writer: Box<dyn ObjectWriter>,
    stop: &Stop,
    runtime: &Handle,
) -> Result<(u64, Written)> {
    let source = what.spool.reader()?;
    let mut sink = Sink { outgoing: Outgoing::new(runtime.clone(), stop, writer), failure: None };
    if let Err(error) = write(what, &source, &mut sink, stop) {
        let Sink { outgoing, failure } = sink;
        outgoing.abort();
        return Err(match (failure, error) {
            (Some(failure), _) | (None, Failed::Run(failure)) => failure,
            (None, Failed::Parquet(error)) => {
                Error::Internal(format!("could not encrypt the output: {error}"))
            }
        });
    }
    let mut written = sink.outgoing.finish()?;
    match check(what, source.metadata(), &mut written, runtime) {
        Ok(()) => Ok((source.metadata().num_row_groups() as u64, written)),
        Err(error) => {
            runtime.block_on(written.abort());
            Err(error)
        }
    }
}

/// Why it came to nothing.
enum Failed {
    Run(Error),
    Parquet(ParquetError),
}

impl From<ParquetError> for Failed {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

/// An output for the writer of Parquet, which knows no errors of ours.
struct Sink {
    outgoing: Outgoing,
    failure: Option<Error>,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.outgoing.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failure = Some(error);
                Err(io::Error::other("the output could not be written"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(
    what: &Encryption<'_>,
    source: &SerializedFileReader<std::fs::File>,
    sink: &mut Sink,
    stop: &Stop,
) -> Result<(), Failed> {
    let footer = source.metadata();
    let schema = footer.file_metadata().schema_descr().root_schema_ptr();
    let at_once = batch_rows(footer);
    let mut file = SerializedFileWriter::new(sink, schema, properties(what, footer)?)?;
    for group in 0..footer.num_row_groups() {
        let rows = source.get_row_group(group)?;
        let mut columns = file.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = columns.next_column()? {
            stop.check().map_err(Failed::Run)?;
            copy(rows.get_column_reader(index)?, &mut column, at_once)?;
            column.close()?;
            index += 1;
        }
        columns.close()?;
    }
    file.close()?;
    Ok(())
}

/// Returns how the file is written: as was asked for, with dictionaries where DuckDB made some.
fn properties(
    what: &Encryption<'_>,
    footer: &ParquetMetaData,
) -> Result<WriterPropertiesPtr, ParquetError> {
    let key = FileEncryptionProperties::builder(what.key.expose().to_vec()).build()?;
    let mut properties = WriterProperties::builder()
        .set_compression(codec(what.options.compression)?)
        .set_key_value_metadata(footer.file_metadata().key_value_metadata().cloned())
        // They would stand there as they are.
        .set_bloom_filter_enabled(false)
        .with_file_encryption_properties(key);
    for (index, column) in footer.file_metadata().schema_descr().columns().iter().enumerate() {
        let mut groups = footer.row_groups().iter();
        let has = groups.any(|group| group.column(index).dictionary_page_offset().is_some());
        properties = properties.set_column_dictionary_enabled(column.path().clone(), has);
    }
    Ok(Arc::new(properties.build()))
}

fn codec(compression: Compression) -> Result<Codec, ParquetError> {
    /// The same as DuckDB's.
    const ZSTD_LEVEL: u8 = 3;
    Ok(match compression {
        Compression::Zstd(level) => {
            Codec::ZSTD(ZstdLevel::try_new(i32::from(level.unwrap_or(ZSTD_LEVEL)))?)
        }
        Compression::Snappy => Codec::SNAPPY,
        Compression::Gzip => Codec::GZIP(parquet::basic::GzipLevel::default()),
        Compression::Brotli => Codec::BROTLI(parquet::basic::BrotliLevel::default()),
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::None => Codec::UNCOMPRESSED,
    })
}

/// Copies a column of a row group.
fn copy(
    from: ColumnReader,
    to: &mut SerializedColumnWriter<'_>,
    at_once: usize,
) -> Result<(), ParquetError> {
    match (from, to.untyped()) {
        (ColumnReader::BoolColumnReader(from), ColumnWriter::BoolColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (ColumnReader::Int32ColumnReader(from), ColumnWriter::Int32ColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (ColumnReader::Int64ColumnReader(from), ColumnWriter::Int64ColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (ColumnReader::Int96ColumnReader(from), ColumnWriter::Int96ColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (ColumnReader::FloatColumnReader(from), ColumnWriter::FloatColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (ColumnReader::DoubleColumnReader(from), ColumnWriter::DoubleColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (ColumnReader::ByteArrayColumnReader(from), ColumnWriter::ByteArrayColumnWriter(to)) => {
            copy_values(from, to, at_once)
        }
        (
            ColumnReader::FixedLenByteArrayColumnReader(from),
            ColumnWriter::FixedLenByteArrayColumnWriter(to),
        ) => copy_values(from, to, at_once),
        _ => Err(ParquetError::General("a column is read and written as two types".to_owned())),
    }
}

fn copy_values<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    to: &mut ColumnWriterImpl<'_, T>,
    at_once: usize,
) -> Result<(), ParquetError> {
    let column = to.get_descriptor();
    let (is_nullable, is_repeated) = (column.max_def_level() > 0, column.max_rep_level() > 0);
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        definitions.clear();
        repetitions.clear();
        values.clear();
        let (records, ..) = from.read_records(
            at_once,
            Some(&mut definitions),
            Some(&mut repetitions),
            &mut values,
        )?;
        if records == 0 {
            return Ok(());
        }
        to.write_batch(
            &values,
            is_nullable.then_some(&*definitions),
            is_repeated.then_some(&*repetitions),
        )?;
    }
}

/// Reads the footer back with the key, and compares what it says with the footer of the spool.
fn check(
    what: &Encryption<'_>,
    spooled: &ParquetMetaData,
    written: &mut Written,
    runtime: &Handle,
) -> Result<()> {
    let fail =
        |mismatch: String| Err(Error::Verification { output: what.location.to_owned(), mismatch });
    let found = match read_footer(what.key, written, runtime) {
        Ok(found) => found,
        Err(Failed::Run(error)) => return Err(error),
        Err(Failed::Parquet(error)) => {
            return fail(format!("its footer does not read back with the key: {error}"));
        }
    };
    let rows = |footer: &ParquetMetaData| footer.file_metadata().num_rows();
    let groups = |footer: &ParquetMetaData| footer.num_row_groups();
    if (rows(&found), groups(&found)) != (rows(spooled), groups(spooled)) {
        return fail(format!(
            "{} rows in {} row groups were encrypted, and its footer says {} in {}",
            rows(spooled),
            groups(spooled),
            rows(&found),
            groups(&found)
        ));
    }
    for (found, spooled) in found.row_groups().iter().zip(spooled.row_groups()) {
        for (found, spooled) in found.columns().iter().zip(spooled.columns()) {
            let nulls = |column: &parquet::file::metadata::ColumnChunkMetaData| {
                column.statistics().and_then(|statistics| statistics.null_count_opt())
            };
            let name = spooled.column_path();
            if found.num_values() != spooled.num_values() {
                let (read, found) = (spooled.num_values(), found.num_values());
                return fail(format!(
                    "column `{name}` has {read} values, and its footer says {found}"
                ));
            }
            if let (Some(read), Some(found)) = (nulls(spooled), nulls(found))
                && read != found
            {
                return fail(format!(
                    "column `{name}` has {read} nulls, and its footer says {found}"
                ));
            }
        }
    }
    Ok(())
}

fn read_footer(
    key: &EncryptionKey,
    written: &mut Written,
    runtime: &Handle,
) -> Result<ParquetMetaData, Failed> {
    let key = FileDecryptionProperties::builder(key.expose().to_vec()).build()?;
    let mut decoder = ParquetMetaDataPushDecoder::try_new(written.size)?
        .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Skip)
        .with_file_decryption_properties(Some(key));
    loop {
        match decoder.try_decode()? {
            DecodeResult::Data(footer) => return Ok(footer),
            DecodeResult::NeedsData(ranges) => {
                for range in ranges {
                    let read = runtime.block_on(written.writer.read_back(range.clone()));
                    let bytes = read.map_err(|source| {
                        Failed::Run(Error::Storage {
                            role: "could not read the output back",
                            source,
                        })
                    })?;
                    decoder.push_range(range, bytes)?;
                }
            }
            DecodeResult::Finished => {
                return Err(ParquetError::General("it has no footer".to_owned()).into());
            }
        }
    }
}
