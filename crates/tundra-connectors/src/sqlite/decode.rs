//! Cells, from SQLite's memory into the arrays of a batch.

use std::fmt::Write;

use rusqlite::types::ValueRef;
use tundra_core::{ConnectorError, ErrorKind, EventSample, LossEvent, OnLossy};

use super::{
    date::days,
    failure::{malformed_record, refused, unbuildable},
    pages::{Content, Record, Texts},
    types::{Class, PlaceWord, is_exact},
};
use crate::batch::Builder;

const DECODE: &str = "read a value";

/// The samples that an event has.
const SAMPLES: usize = 3;

/// The bytes of a value that a message shows.
const SHOWN: usize = 40;

/// Decodes rows, and keeps what could not be kept.
#[derive(Debug)]
pub(super) struct Decoder {
    on_lossy: OnLossy,
    word: PlaceWord,
    /// The rowid of the row, or its number.
    place: i64,
    rows: u64,
    text: String,
    events: Vec<LossEvent>,
}

/// A column of the output.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// Where it stands in the statement.
    pub(super) position: usize,
}

/// Why a cell has no place in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfit {
    NotUtf8,
    BlobAmongOthers,
    /// A class that was not there when they were counted.
    Unforeseen,
}

impl Misfit {
    const fn code(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::BlobAmongOthers => "blob_among_others",
            Self::Unforeseen => "class_not_foreseen",
        }
    }
}

impl Decoder {
    pub(super) const fn new(on_lossy: OnLossy, word: PlaceWord) -> Self {
        Self { on_lossy, word, place: 0, rows: 0, text: String::new(), events: Vec::new() }
    }

    /// Begins a row, which has a rowid if rows are reached by it.
    #[inline]
    pub(super) fn begin(&mut self, rowid: Option<i64>) {
        self.rows += 1;
        self.place = rowid.unwrap_or_else(|| i64::try_from(self.rows).unwrap_or(i64::MAX));
    }

    /// Appends a cell of the row.
    #[inline]
    pub(super) fn cell(
        &mut self,
        column: &Column,
        value: ValueRef<'_>,
        builder: &mut Builder,
    ) -> Result<(), ConnectorError> {
        match (value, builder) {
            (ValueRef::Integer(value), Builder::Int64(values)) => values.append_value(value),
            (ValueRef::Real(value), Builder::Float64(values)) => values.append_value(value),
            (ValueRef::Integer(value), Builder::Float64(values)) if is_exact(value) => {
                values.append_value(value as f64);
            }
            (ValueRef::Text(value), Builder::Text(values)) => match str::from_utf8(value) {
                Ok(text) => values.push(text).map_err(unbuildable)?,
                Err(_) => {
                    if self.misfit(column, ValueRef::Text(value), Misfit::NotUtf8)? {
                        self.text.clear();
                        escape(value, &mut self.text);
                        values.push(&self.text).map_err(unbuildable)?;
                    } else {
                        values.null();
                    }
                }
            },
            (ValueRef::Text(value), Builder::Date(values)) if days(value).is_some() => {
                values.append_option(days(value));
            }
            (ValueRef::Blob(value), Builder::Bytes(values)) => {
                values.push(value).map_err(unbuildable)?;
            }
            (ValueRef::Null, builder) => builder.null(),
            (value, builder) => self.rare(column, value, builder)?,
        }
        Ok(())
    }

    /// Appends a cell from where it is stored.
    #[inline]
    pub(super) fn content<'r>(
        &mut self,
        column: &Column,
        content: Content<'r>,
        record: Record<'r>,
        texts: &mut Texts<'r>,
        builder: &mut Builder,
    ) -> Result<(), ConnectorError> {
        let bytes = record.bytes;
        let (at, field, is_real) = match content {
            Content::Field { at, field, is_real } => (at, field, is_real),
            Content::Value(value) => return self.cell(column, value, builder),
        };
        // What most cells are, without a detour over all that they could be.
        match builder {
            Builder::Int64(values) if !is_real => {
                if let Some(value) = field.integer(bytes) {
                    values.append_value(value);
                    return Ok(());
                }
            }
            Builder::Float64(values) => {
                if let Some(value) = field.real(bytes) {
                    values.append_value(value);
                    return Ok(());
                }
            }
            Builder::Date(values) => {
                if let Some(day) = field.text(bytes).and_then(days) {
                    values.append_value(day);
                    return Ok(());
                }
            }
            Builder::Text(values) => {
                if let Some(text) = record.text(at, texts) {
                    return values.push(text).map_err(unbuildable);
                }
            }
            _ => {}
        }
        let value = match field.value(bytes) {
            Some(ValueRef::Integer(value)) if is_real => ValueRef::Real(value as f64),
            Some(value) => value,
            None => return Err(malformed_record(DECODE, self.place)),
        };
        self.cell(column, value, builder)
    }

    /// Returns how many rows were appended.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns what was not kept as it was.
    pub(super) fn into_events(self) -> Vec<LossEvent> {
        self.events
    }

    /// Appends a cell of another class than most of its column.
    #[cold]
    fn rare(
        &mut self,
        column: &Column,
        value: ValueRef<'_>,
        builder: &mut Builder,
    ) -> Result<(), ConnectorError> {
        let Builder::Text(values) = builder else {
            let misfit = if matches!(value, ValueRef::Blob(_)) {
                Misfit::BlobAmongOthers
            } else {
                Misfit::Unforeseen
            };
            // A column that is no text has no text for it either.
            if self.on_lossy == OnLossy::Text {
                return Err(self.fault(column, value, misfit));
            }
            self.misfit(column, value, misfit)?;
            builder.null();
            return Ok(());
        };
        self.text.clear();
        match value {
            // Writing to a `String` does not fail.
            ValueRef::Integer(value) => _ = write!(self.text, "{value}"),
            ValueRef::Real(value) => real(value, &mut self.text),
            ValueRef::Blob(bytes) => {
                if !self.misfit(column, value, Misfit::BlobAmongOthers)? {
                    values.null();
                    return Ok(());
                }
                literal(bytes, &mut self.text);
            }
            ValueRef::Text(_) | ValueRef::Null => {}
        }
        values.push(&self.text).map_err(unbuildable)
    }

    /// Counts a cell that has no place, and returns whether it becomes text.
    fn misfit(
        &mut self,
        column: &Column,
        value: ValueRef<'_>,
        misfit: Misfit,
    ) -> Result<bool, ConnectorError> {
        if self.on_lossy == OnLossy::Fail {
            return Err(self.fault(column, value, misfit));
        }
        let sample = EventSample {
            record: self.rows,
            line: 0,
            byte: 0,
            column: Some(column.name.clone()),
            text: format!("{}: {}", self.at(), shown(value)),
        };
        let event = match self.events.iter_mut().find(|event| event.code == misfit.code()) {
            Some(event) => event,
            None => {
                let code = misfit.code().to_owned();
                self.events.push(LossEvent { code, count: 0, samples: Vec::new() });
                let last = self.events.len() - 1;
                &mut self.events[last]
            }
        };
        event.count += 1;
        if event.samples.len() < SAMPLES {
            event.samples.push(sample);
        }
        Ok(self.on_lossy == OnLossy::Text)
    }

    fn fault(&self, column: &Column, value: ValueRef<'_>, misfit: Misfit) -> ConnectorError {
        let what = match misfit {
            Misfit::NotUtf8 => "text that is not UTF-8".to_owned(),
            Misfit::BlobAmongOthers => "a blob among other values".to_owned(),
            Misfit::Unforeseen => format!(
                "{}, which was not there when the column was looked through",
                Class::name(value)
            ),
        };
        let hint = match misfit {
            Misfit::NotUtf8 => {
                "`--on-lossy text` writes the bytes that are not as `\\xHH`, and `--on-lossy null` \
                 leaves such values out; both count them"
            }
            Misfit::BlobAmongOthers => {
                "`--on-lossy text` writes blobs as `X'…'`, and `--on-lossy null` leaves them out; both \
                 count them"
            }
            Misfit::Unforeseen => "a query must return the same rows when it is asked twice",
        };
        let (name, place, value) = (&column.name, self.at(), shown(value));
        refused(
            DECODE,
            ErrorKind::InvalidData,
            format!("column `{name}` at {place} holds {what}: {value}"),
            &[hint],
        )
    }

    /// Returns the place of the row: its rowid, or its number.
    fn at(&self) -> String {
        self.word.at(self.place)
    }
}

/// Writes a double as its shortest text that is read as the same, in a form that SQLite reads.
pub(super) fn real(value: f64, text: &mut String) {
    // Writing to a `String` does not fail.
    let _ = match value {
        f64::INFINITY => write!(text, "Inf"),
        f64::NEG_INFINITY => write!(text, "-Inf"),
        _ => write!(text, "{value:?}"),
    };
}

/// Writes bytes as a blob stands in SQL.
fn literal(bytes: &[u8], text: &mut String) {
    text.push_str("X'");
    for byte in bytes {
        let _ = write!(text, "{byte:02X}");
    }
    text.push('\'');
}

/// Writes what is UTF-8 as it is, and the other bytes as `\xHH`.
fn escape(bytes: &[u8], text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
}

/// Returns the beginning of a value for a message.
fn shown(value: ValueRef<'_>) -> String {
    let mut text = String::new();
    let cut = match value {
        ValueRef::Null => return "NULL".to_owned(),
        ValueRef::Integer(value) => return value.to_string(),
        ValueRef::Real(value) => {
            real(value, &mut text);
            return text;
        }
        ValueRef::Text(bytes) => {
            escape(&bytes[..bytes.len().min(SHOWN)], &mut text);
            bytes.len() > SHOWN
        }
        ValueRef::Blob(bytes) => {
            literal(&bytes[..bytes.len().min(SHOWN)], &mut text);
            bytes.len() > SHOWN
        }
    };
    if cut {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_so_that_they_are_read_the_same() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e300, "1e300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::INFINITY, "Inf"),
        ] {
            let mut text = String::new();
            real(value, &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn messages_show_the_beginning_of_long_values() {
        assert_eq!(shown(ValueRef::Blob(&[0, 255])), "X'00FF'");
        assert_eq!(shown(ValueRef::Text(b"a\xffb")), "a\\xFFb");
        assert!(shown(ValueRef::Text(&[b'x'; 100])).ends_with('…'));
    }
}
