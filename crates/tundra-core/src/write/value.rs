//! Values of one column as text: as a field of delimited text, as JSON, and to be looked at.
//!
//! Start at [`Values`]. Every text holds its value exactly: floating point is the shortest text that is
//! read back as the same number, decimals have all their digits, bytes are hexadecimal as `--type BLOB`
//! reads them.

use std::fmt::Write as _;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, RecordBatch},
    datatypes::{DataType, Field, Float32Type, Float64Type},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions, array_value_to_string},
};
use uuid::Uuid;

use super::{Unwritable, nested::Nested};

/// What the values of a column are, where their Arrow type does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Special {
    /// Nothing else.
    #[default]
    None,
    /// Text that is JSON.
    Json,
    /// Sixteen bytes that are a UUID.
    Uuid,
}

/// The values of one column of a batch.
pub(super) struct Values<'a> {
    array: &'a dyn Array,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    /// Integers and decimals, which are numbers as they are shown.
    Number(ArrayFormatter<'a>),
    /// Days and times, which are texts in JSON.
    Moment(ArrayFormatter<'a>),
    Text(Texts<'a>),
    /// Text that is JSON already.
    Json(Texts<'a>),
    Bytes(Bytes<'a>),
    Uuid(Bytes<'a>),
    Nested(Nested<'a>),
}

/// Texts, however they are laid out.
enum Texts<'a> {
    Short(&'a arrow::array::StringArray),
    Long(&'a arrow::array::LargeStringArray),
    Views(&'a arrow::array::StringViewArray),
}

/// Bytes, however they are laid out.
enum Bytes<'a> {
    Short(&'a arrow::array::BinaryArray),
    Long(&'a arrow::array::LargeBinaryArray),
    Views(&'a arrow::array::BinaryViewArray),
    Fixed(&'a arrow::array::FixedSizeBinaryArray),
}

/// Why a value cannot be written, as a sentence fragment.
pub(super) type Refusal = &'static str;

/// The way out for a type or a value that a text cannot hold.
const CAST: &str = "write it as text with `--type COLUMN=VARCHAR`, or write Parquet or Arrow";

const FORMAT: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

impl<'a> Values<'a> {
    /// Looks at a column.
    ///
    /// # Errors
    /// Fails when its type has no text that holds every value.
    pub(super) fn new(
        field: &Field,
        array: &'a ArrayRef,
        special: Special,
    ) -> Result<Self, Unwritable> {
        let column = || field.name().clone();
        let shown = |kind: &DataType| format!("its type {kind} has no text that holds every value");
        Self::of(array.as_ref(), special).map_err(|kind| Unwritable {
            column: column(),
            what: shown(&kind),
            hint: CAST,
        })
    }

    /// Looks at values, and returns their type when it cannot be written.
    pub(super) fn of(array: &'a dyn Array, special: Special) -> Result<Self, DataType> {
        let refused = |_: ArrowError| array.data_type().clone();
        let kind = match array.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Boolean(array.as_boolean()),
            DataType::Float32 => Kind::Float(array.as_primitive::<Float32Type>()),
            DataType::Float64 => Kind::Double(array.as_primitive::<Float64Type>()),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => {
                Kind::Number(ArrayFormatter::try_new(array, &FORMAT).map_err(refused)?)
            }
            DataType::Date32
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..) => {
                Kind::Moment(ArrayFormatter::try_new(array, &FORMAT).map_err(refused)?)
            }
            DataType::Utf8 => Self::text(Texts::Short(array.as_string()), special),
            DataType::LargeUtf8 => Self::text(Texts::Long(array.as_string()), special),
            DataType::Utf8View => Self::text(Texts::Views(array.as_string_view()), special),
            DataType::Binary => Kind::Bytes(Bytes::Short(array.as_binary())),
            DataType::LargeBinary => Kind::Bytes(Bytes::Long(array.as_binary())),
            DataType::BinaryView => Kind::Bytes(Bytes::Views(array.as_binary_view())),
            DataType::FixedSizeBinary(16) if special == Special::Uuid => {
                Kind::Uuid(Bytes::Fixed(array.as_fixed_size_binary()))
            }
            DataType::FixedSizeBinary(_) => Kind::Bytes(Bytes::Fixed(array.as_fixed_size_binary())),
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::Struct(_)
            | DataType::Map(..) => Kind::Nested(Nested::of(array)?),
            // Intervals, unions, dictionaries and what is to come.
            kind => return Err(kind.clone()),
        };
        Ok(Self { array, kind })
    }

    fn text(texts: Texts<'a>, special: Special) -> Kind<'a> {
        if special == Special::Json { Kind::Json(texts) } else { Kind::Text(texts) }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self.kind, Kind::Null) || self.array.is_null(row)
    }

    /// Returns whether its fields may need quotes: what it is that a person wrote.
    pub(super) fn is_free_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Json(_) | Kind::Nested(_))
    }

    /// Appends a value that is not null as text.
    ///
    /// # Errors
    /// Fails when there is no such text.
    pub(super) fn plain(&self, row: usize, out: &mut String) -> Result<(), Refusal> {
        match &self.kind {
            Kind::Null => {}
            Kind::Boolean(values) => out.push_str(if values.value(row) { "true" } else { "false" }),
            Kind::Float(values) => match values.value(row) {
                value if value.is_finite() => shown(out, format_args!("{value:?}"))?,
                value => out.push_str(not_finite(value.into())),
            },
            Kind::Double(values) => match values.value(row) {
                value if value.is_finite() => shown(out, format_args!("{value:?}"))?,
                value => out.push_str(not_finite(value)),
            },
            Kind::Number(values) => shown(out, format_args!("{}", values.value(row)))?,
            Kind::Moment(values) => values
                .value(row)
                .write(out)
                .map_err(|_| "it has a day or a time beyond those that have a text")?,
            Kind::Text(texts) | Kind::Json(texts) => out.push_str(texts.value(row)),
            Kind::Bytes(bytes) => {
                for byte in bytes.value(row) {
                    shown(out, format_args!("{byte:02x}"))?;
                }
            }
            Kind::Uuid(bytes) => match Uuid::from_slice(bytes.value(row)) {
                Ok(uuid) => shown(out, format_args!("{uuid}"))?,
                Err(_) => return Err("it has a UUID that is none"),
            },
            Kind::Nested(values) => values.json(row, out)?,
        }
        Ok(())
    }

    /// Appends a value, or `null`, as JSON.
    ///
    /// # Errors
    /// Fails when JSON cannot hold it.
    pub(super) fn json(&self, row: usize, out: &mut String) -> Result<(), Refusal> {
        if self.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        match &self.kind {
            Kind::Float(values) if !values.value(row).is_finite() => Err(NOT_FINITE),
            Kind::Double(values) if !values.value(row).is_finite() => Err(NOT_FINITE),
            Kind::Text(texts) => quoted(texts.value(row), out),
            Kind::Json(texts) => json_text(texts.value(row), out),
            Kind::Moment(_) | Kind::Bytes(_) | Kind::Uuid(_) => {
                // None of these has a character that JSON would escape.
                out.push('"');
                self.plain(row, out)?;
                out.push('"');
                Ok(())
            }
            _ => self.plain(row, out),
        }
    }
}

const NOT_FINITE: Refusal = "it has a NaN or an infinity, which JSON cannot hold";

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Appends what is shown. A text takes everything, so that only a formatter can fail.
fn shown(out: &mut String, text: std::fmt::Arguments<'_>) -> Result<(), Refusal> {
    out.write_fmt(text).map_err(|_| "it has a value that has no text")
}

/// Appends a text as JSON writes it.
pub(super) fn quoted(text: &str, out: &mut String) -> Result<(), Refusal> {
    let text = serde_json::to_string(text).map_err(|_| "it has a text that is no JSON")?;
    out.push_str(&text);
    Ok(())
}

/// Appends JSON as it is, on one line: between its tokens line breaks are blanks, and within its texts
/// there are none.
fn json_text(text: &str, out: &mut String) -> Result<(), Refusal> {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Err("it is said to be JSON and has a text that is none");
    }
    out.extend(text.chars().map(|character| match character {
        '\n' | '\r' => ' ',
        other => other,
    }));
    Ok(())
}

impl Texts<'_> {
    fn value(&self, row: usize) -> &str {
        match self {
            Self::Short(texts) => texts.value(row),
            Self::Long(texts) => texts.value(row),
            Self::Views(texts) => texts.value(row),
        }
    }
}

impl Bytes<'_> {
    fn value(&self, row: usize) -> &[u8] {
        match self {
            Self::Short(bytes) => bytes.value(row),
            Self::Long(bytes) => bytes.value(row),
            Self::Views(bytes) => bytes.value(row),
            Self::Fixed(bytes) => bytes.value(row),
        }
    }
}

/// Returns rows as text to be looked at; `None` is a null. What has no text by which it could be written is
/// shown as well as it can be, or says in brackets why not.
pub(crate) fn cells(batch: &RecordBatch, specials: &[Special]) -> Vec<Vec<Option<String>>> {
    let specials = specials.iter().copied().chain(std::iter::repeat(Special::None));
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .zip(specials)
        .map(|(array, special)| (array, Values::of(array.as_ref(), special).ok()))
        .collect();
    let cell = |row: usize, (array, values): &(&ArrayRef, Option<Values<'_>>)| match values {
        Some(values) if values.is_null(row) => None,
        Some(values) => {
            let mut text = String::new();
            match values.plain(row, &mut text) {
                Ok(()) => Some(text),
                Err(what) => Some(format!("({what})")),
            }
        }
        None if array.is_null(row) => None,
        None => match array_value_to_string(array, row) {
            Ok(text) => Some(text),
            Err(error) => Some(format!("({error})")),
        },
    };
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| cell(row, column)).collect())
        .collect()
}

/// Looks at the columns of a batch.
pub(super) fn columns<'a>(
    fields: &'a [arrow::datatypes::FieldRef],
    arrays: &'a [ArrayRef],
    specials: &[Special],
) -> Result<Vec<Values<'a>>, Unwritable> {
    let specials = specials.iter().copied().chain(std::iter::repeat(Special::None));
    let parts = fields.iter().zip(arrays).zip(specials);
    parts.map(|((field, array), special)| Values::new(field, array, special)).collect()
}

pub(super) fn refused(field: &Field, what: Refusal) -> Unwritable {
    Unwritable { column: field.name().clone(), what: what.to_owned(), hint: CAST }
}
