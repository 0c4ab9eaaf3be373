//! What was written, compared with what was read.

use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::{Counts, Error, StorageError, engine::files::Written};

/// Bytes at the end of a Parquet file: the length of the footer, and `PAR1`.
const TAIL: u64 = 8;

/// Why a footer could not be read.
#[derive(Debug)]
pub(crate) enum FooterError {
    /// The store failed.
    Storage(StorageError),
    /// The bytes are no footer.
    Malformed(crate::BoxError),
}

/// Reads the footer of a Parquet file of `size` bytes.
pub(crate) fn read_footer(
    size: u64,
    mut read: impl FnMut(Range<u64>) -> Result<Bytes, StorageError>,
) -> Result<ParquetMetaData, FooterError> {
    let malformed = |message: &str| FooterError::Malformed(message.into());
    let end = size.checked_sub(TAIL).ok_or_else(|| malformed("it is too short"))?;
    let tail = read(end..size).map_err(FooterError::Storage)?;
    let length = match tail.split_at_checked(4) {
        Some((length, b"PAR1")) => length,
        Some((_, b"PARE")) => return Err(malformed("it is encrypted, and no key is taken here")),
        _ => return Err(malformed("it does not end with `PAR1`")),
    };
    let length = length.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    let start = end.checked_sub(length).ok_or_else(|| malformed("its footer is cut off"))?;
    let footer = read(start..end).map_err(FooterError::Storage)?;
    ParquetMetaDataReader::decode_metadata(&footer)
        .map_err(|error| FooterError::Malformed(Box::new(error)))
}

/// What must hold of an output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Its place, for errors.
    pub(crate) output: &'a str,
    /// Rows that were handed to the writer.
    pub(crate) rows: u64,
    /// Rows that the writer counted.
    pub(crate) written: u64,
    /// Nulls of each column, by its name, where they are known.
    pub(crate) nulls: &'a [(String, Option<u64>)],
}

/// What the footer of an output says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Row groups.
    pub(crate) row_groups: u64,
}

/// Checks that the records add up: what the splitter counted, or a server says it sent, was decoded, and
/// every decoded record was handed on, skipped or rejected.
pub(crate) fn check_counts(counts: &Counts, rows: u64, output: &str) -> Result<(), Error> {
    let fail = |mismatch: String| Err(Error::Verification { output: output.to_owned(), mismatch });
    if counts.records != counts.decoded {
        return fail(format!(
            "the pass over the bytes counted {} records and the reader decoded {}",
            counts.records, counts.decoded
        ));
    }
    if let Some(sent) = counts.sent
        && sent != counts.decoded
    {
        return fail(format!(
            "the server says that it sent {sent} rows and the reader decoded {}",
            counts.decoded
        ));
    }
    if counts.decoded != counts.skipped + counts.rejected + rows {
        return fail(format!(
            "of {} records {} were skipped, {} rejected and {rows} written",
            counts.decoded, counts.skipped, counts.rejected
        ));
    }
    Ok(())
}

/// Reads the footer of an output back and compares it with what is expected.
pub(crate) fn check_output(
    written: &mut Written,
    expected: Expected<'_>,
    runtime: &tokio::runtime::Handle,
) -> Result<Facts, Error> {
    let footer = checked_footer(written, expected, runtime)?;
    Ok(Facts { row_groups: footer.num_row_groups() as u64 })
}

/// As [`check_output`], for whoever needs more of the footer.
pub(crate) fn checked_footer(
    written: &mut Written,
    expected: Expected<'_>,
    runtime: &tokio::runtime::Handle,
) -> Result<ParquetMetaData, Error> {
    let fail = |mismatch: String| {
        Err(Error::Verification { output: expected.output.to_owned(), mismatch })
    };
    if expected.written != expected.rows {
        return fail(format!(
            "{} rows were handed to the writer and it counted {}",
            expected.rows, expected.written
        ));
    }
    let writer = &mut written.writer;
    let footer = read_footer(written.size, |range| runtime.block_on(writer.read_back(range)));
    let footer = match footer {
        Ok(footer) => footer,
        Err(FooterError::Storage(source)) => {
            return Err(Error::Storage { role: "could not read the output back", source });
        }
        Err(FooterError::Malformed(error)) => {
            return fail(format!("its footer does not read back: {error}"));
        }
    };
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
    if rows != expected.rows {
        return fail(format!("{} rows were written and its footer says {rows}", expected.rows));
    }
    for (name, nulls) in expected.nulls {
        let (Some(nulls), Some(found)) = (nulls, null_count(&footer, name)) else { continue };
        if *nulls != found {
            return fail(format!(
                "column `{name}` was read with {nulls} nulls and its footer says {found}"
            ));
        }
    }
    Ok(footer)
}

/// Returns the nulls of a column that is not nested, where every row group tells them.
pub(crate) fn null_count(footer: &ParquetMetaData, name: &str) -> Option<u64> {
    let mut sum = 0;
    for group in footer.row_groups() {
        let column = group.columns().iter().find(|column| {
            let path = column.column_path().parts();
            path.len() == 1 && path[0] == name
        })?;
        sum += column.statistics()?.null_count_opt()?;
    }
    Some(sum)
}
