//! Rows that DuckDB has written, in another format than Parquet.
//!
//! Start at [`transcode`]. It reads what was kept in a [`Spool`], writes it by [`RowWriter`], and holds
//! three counts against one another: the rows that were kept, those that the writer wrote, and the records
//! that the bytes have.

use arrow::array::RecordBatchReader;
use tokio::runtime::Handle;

use crate::{
    Error, ObjectWriter, OutputFormat, Result,
    engine::{
        copy::Stop,
        files::{Outgoing, Written},
        spool::{Spool, Spooled, unreadable},
    },
    write::{RowWriter, Unwritable, recount::Recount, value::Special},
};

/// Bytes that are collected before they go to the store.
const AT_ONCE: usize = 1 << 20;

/// What is to be written.
pub(crate) struct Transcoding<'a> {
    /// The rows.
    pub(crate) spool: &'a Spool,
    /// What columns are that the rows do not say it of, by their place.
    pub(crate) specials: &'a [Special],
    /// The format, which is not Parquet.
    pub(crate) format: OutputFormat,
    /// The output as a person would write it.
    pub(crate) location: &'a str,
}

/// Writes the rows of a spool with this writer, and returns how many there are and what was written. It is
/// not published.
pub(crate) fn transcode(
    what: &Transcoding<'_>,
    writer: Box<dyn ObjectWriter>,
    stop: &Stop,
    runtime: &Handle,
) -> Result<(u64, Written)> {
    let mut outgoing = Outgoing::new(runtime.clone(), stop, writer);
    match rows(what, &mut outgoing, stop) {
        Ok(rows) => Ok((rows, outgoing.finish()?)),
        Err(error) => {
            outgoing.abort();
            Err(error)
        }
    }
}

fn rows(what: &Transcoding<'_>, outgoing: &mut Outgoing, stop: &Stop) -> Result<u64> {
    let Spooled { rows, specials, total } = what.spool.read()?;
    let unwritable = |refusal| unwritable(refusal, what.format);
    let specials = merged(specials, what.specials);
    let writer = RowWriter::new(what.format, &rows.schema(), specials).map_err(unwritable)?;
    let mut writer =
        writer.ok_or_else(|| Error::Internal("Parquet is not made of Parquet".to_owned()))?;
    let mut recount = Recount::new(what.format);
    let mut bytes = Vec::with_capacity(AT_ONCE);
    let mut send = |bytes: &mut Vec<u8>| {
        recount.take(bytes);
        outgoing.write(bytes)?;
        bytes.clear();
        Ok::<_, Error>(())
    };
    for batch in rows {
        stop.check()?;
        let batch = batch.map_err(|error| unreadable(&error))?;
        writer.write(&batch, &mut bytes).map_err(unwritable)?;
        if bytes.len() >= AT_ONCE {
            send(&mut bytes)?;
        }
    }
    let written = writer.finish(&mut bytes).map_err(unwritable)?;
    send(&mut bytes)?;
    let counted = recount.records().unwrap_or(written);
    if written != total || counted != total {
        return Err(Error::Verification {
            output: what.location.to_owned(),
            mismatch: format!(
                "{total} rows were to be written, the writer counted {written}, and its bytes have \
                 {counted} records"
            ),
        });
    }
    Ok(total)
}

/// Puts together what the file says of columns and what is known besides.
pub(crate) fn merged(mut specials: Vec<Special>, known: &[Special]) -> Vec<Special> {
    for (special, known) in specials.iter_mut().zip(known) {
        if *special == Special::None {
            *special = *known;
        }
    }
    specials
}

/// Returns the error of a value or a type that a format cannot hold.
pub(crate) fn unwritable(refusal: Unwritable, format: OutputFormat) -> Error {
    let Unwritable { column, what, hint } = refusal;
    Error::Unwritable { column, format, what, hint: hint.to_owned() }
}
