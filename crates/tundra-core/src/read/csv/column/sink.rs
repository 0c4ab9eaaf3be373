//! The ways in which the values of a column are read.

use arrow::array::{BinaryViewBuilder, make_view};
use arrow_buffer::NullBufferBuilder;

use super::{Rows, TextKind, Values};
use crate::{
    ColumnType,
    read::csv::tokenize::unescape,
    value::{
        asked::{Asked, Manner},
        decimal, double, forced, integer, parse_boolean, temporal,
    },
};

/// Where the values of one column go.
pub(super) struct Sink<'a, 'b, F> {
    pub(super) nulls: &'a mut NullBufferBuilder,
    pub(super) null_count: &'a mut u64,
    pub(super) rows: Rows<'b>,
    pub(super) column: usize,
    pub(super) unfit: &'a mut F,
}

impl<F, E> Sink<'_, '_, F>
where
    F: FnMut(usize) -> Result<(), E>,
{
    fn null(&mut self) {
        self.nulls.append_null();
        *self.null_count += 1;
    }

    /// Fills in values of a type that was found.
    pub(super) fn fill_lossless(
        &mut self,
        values: &mut Values,
        kind: &ColumnType,
    ) -> Result<(), E> {
        match values {
            Values::Boolean(values) => self.fill(values, parse_boolean),
            Values::I64(values) => self.fill(values, integer::parse_i64),
            Values::U64(values) => self.fill(values, integer::parse_u64),
            Values::Double(values) => self.fill(values, lossless_double),
            Values::Decimal(values, precision, scale) => {
                let (precision, scale) = (*precision, *scale);
                self.fill(values, |text| decimal::parse(text)?.rescale(precision, scale))
            }
            Values::Date(values) => self.fill(values, temporal::parse_date),
            Values::Time(values) => self.fill(values, temporal::parse_time),
            Values::Timestamp(values) => self.fill(values, temporal::parse_timestamp),
            Values::TimestampTz(values) => self.fill(values, temporal::parse_timestamptz),
            // No other type is found by looking at values.
            values => self.fill_asked(values, Asked { kind, format: None, manner: Manner::Exact }),
        }
    }

    /// Fills in values of a type that somebody asked for, or that are written in a format.
    pub(super) fn fill_asked(&mut self, values: &mut Values, asked: Asked<'_>) -> Result<(), E> {
        match values {
            Values::Boolean(values) => self.fill(values, |text| asked.boolean(text)),
            Values::I8(values) => self.fill(values, |text| asked.integer(text)),
            Values::I16(values) => self.fill(values, |text| asked.integer(text)),
            Values::I32(values) => self.fill(values, |text| asked.integer(text)),
            Values::I64(values) => self.fill(values, |text| asked.integer(text)),
            Values::U8(values) => self.fill(values, |text| asked.integer(text)),
            Values::U16(values) => self.fill(values, |text| asked.integer(text)),
            Values::U32(values) => self.fill(values, |text| asked.integer(text)),
            Values::U64(values) => self.fill(values, |text| asked.integer(text)),
            Values::Float(values) => self.fill(values, |text| asked.float(text)),
            Values::Double(values) => self.fill(values, |text| asked.double(text)),
            Values::Decimal(values, precision, scale) => {
                let (precision, scale) = (*precision, *scale);
                self.fill(values, |text| asked.decimal(text, precision, scale))
            }
            Values::Date(values) => self.fill(values, |text| asked.date(text)),
            Values::Time(values) => self.fill(values, |text| asked.time(text)),
            Values::Timestamp(values) => self.fill(values, |text| asked.timestamp(text)),
            Values::TimestampNs(values) => self.fill(values, |text| asked.timestamp_ns(text)),
            Values::TimestampTz(values) => self.fill(values, |text| asked.timestamptz(text)),
            Values::Text(views, made, kind) => self.fill_text(views, made, *kind),
            Values::Blob(builder) => self.fill_blob(builder),
        }
    }

    #[inline]
    fn fill<T: Default>(
        &mut self,
        values: &mut Vec<T>,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<(), E> {
        let Rows { bytes, spans, width, .. } = self.rows;
        for (row, span) in spans.iter().skip(self.column).step_by(width).enumerate() {
            let text = span.of(bytes);
            match parse(text) {
                Some(value) => {
                    values.push(value);
                    self.nulls.append_non_null();
                }
                None => {
                    // An empty field of a column that is no text is a null, quoted or not.
                    if !text.is_empty() {
                        (self.unfit)(row)?;
                    }
                    values.push(T::default());
                    self.null();
                }
            }
        }
        Ok(())
    }

    fn fill_text(
        &mut self,
        views: &mut Vec<u128>,
        made: &mut Vec<u8>,
        kind: TextKind,
    ) -> Result<(), E> {
        let Rows { bytes, spans, width, dialect } = self.rows;
        for (row, span) in spans.iter().skip(self.column).step_by(width).enumerate() {
            let text = span.of(bytes);
            if text.is_empty() && (!span.is_quoted() || kind != TextKind::Any) {
                views.push(0);
                self.null();
                continue;
            }
            if kind == TextKind::Any && !span.is_escaped() {
                views.push(make_view(text, 0, span.start()));
                self.nulls.append_non_null();
                continue;
            }
            let from = made.len();
            if span.is_escaped() {
                unescape(text, dialect, made);
            } else {
                made.extend_from_slice(text);
            }
            let fits = match kind {
                TextKind::Any => true,
                TextKind::Json => forced::is_json(&made[from..]),
                TextKind::Uuid => match forced::uuid(&made[from..]) {
                    Some(canonical) => {
                        made.truncate(from);
                        made.extend_from_slice(&canonical);
                        true
                    }
                    None => false,
                },
            };
            if fits {
                // What a chunk holds in escapes is no longer than the chunk.
                views.push(make_view(&made[from..], 1, from as u32));
                self.nulls.append_non_null();
            } else {
                made.truncate(from);
                (self.unfit)(row)?;
                views.push(0);
                self.null();
            }
        }
        Ok(())
    }

    fn fill_blob(&mut self, builder: &mut BinaryViewBuilder) -> Result<(), E> {
        let Rows { bytes, spans, width, .. } = self.rows;
        for (row, span) in spans.iter().skip(self.column).step_by(width).enumerate() {
            let text = span.of(bytes);
            match forced::blob(text) {
                Some(value) if !text.is_empty() => {
                    builder.append_value(&value);
                    self.nulls.append_non_null();
                }
                _ => {
                    if !text.is_empty() {
                        (self.unfit)(row)?;
                    }
                    builder.append_null();
                    self.null();
                }
            }
        }
        Ok(())
    }
}

#[inline]
fn lossless_double(text: &[u8]) -> Option<f64> {
    double::parse_exact(text).or_else(|| double::parse_special(text))
}
