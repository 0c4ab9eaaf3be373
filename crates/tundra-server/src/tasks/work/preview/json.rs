//! Values of record batches as JSON, as `crate::wire`'s preview documents them.
//!
//! The text is written as it is answered: as values of `serde_json` in between, ten thousand wide rows would
//! take many times the memory.

use std::fmt::Write as _;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{
        DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type,
        Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The largest integer up to which every reader of JSON keeps each one apart from the next.
const LARGEST_EXACT: i128 = (1 << 53) - 1;

/// Writes the rows of batches, each an object, with commas between them and in `[]`. Ends behind the row
/// with which the text has `most` bytes or more. Returns the text and how many rows it has.
pub(super) fn rows(batches: &[RecordBatch], most: usize) -> Result<(String, u64), ArrowError> {
    let (mut text, mut count) = ("[".to_owned(), 0);
    'all: for batch in batches {
        let schema = batch.schema_ref();
        let mut fields = Vec::with_capacity(batch.num_columns());
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            fields.push((label(field.name()), Values::of(column)?));
        }
        for row in 0..batch.num_rows() {
            if text.len() >= most {
                break 'all;
            }
            if count > 0 {
                text.push(',');
            }
            write_object(&mut text, &fields, row);
            count += 1;
        }
    }
    text.push(']');
    Ok((text, count))
}

/// Values of one array, and what it takes to write them.
struct Values<'a> {
    array: &'a ArrayRef,
    form: Form<'a>,
}

enum Form<'a> {
    /// By the array alone.
    Plain,
    /// As a text that Arrow makes.
    Shown(ArrayFormatter<'a>),
    /// As an array.
    Items(Box<Values<'a>>),
    /// As an object.
    Fields(Vec<(String, Values<'a>)>),
    /// As an array of keys and values.
    Pairs(Box<Values<'a>>, Box<Values<'a>>),
}

impl<'a> Values<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        use DataType::{
            Binary, BinaryView, Boolean, Decimal32, Decimal64, Decimal128, Decimal256,
            FixedSizeBinary, FixedSizeList, Float16, Float32, Float64, Int8, Int16, Int32, Int64,
            LargeBinary, LargeList, LargeUtf8, List, Map, Null, Struct, UInt8, UInt16, UInt32,
            UInt64, Utf8, Utf8View,
        };
        let form = match array.data_type() {
            Null | Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64
            | Float16 | Float32 | Float64 | Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary
            | BinaryView | FixedSizeBinary(_) | Decimal32(..) | Decimal64(..) | Decimal128(..)
            | Decimal256(..) => Form::Plain,
            List(_) => Form::Items(Box::new(Self::of(array.as_list::<i32>().values())?)),
            LargeList(_) => Form::Items(Box::new(Self::of(array.as_list::<i64>().values())?)),
            FixedSizeList(..) => {
                Form::Items(Box::new(Self::of(array.as_fixed_size_list().values())?))
            }
            Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let columns =
                    columns.map(|(field, column)| Ok((label(field.name()), Self::of(column)?)));
                Form::Fields(columns.collect::<Result<_, ArrowError>>()?)
            }
            Map(..) => {
                let map = array.as_map();
                let (keys, values) = (Self::of(map.keys())?, Self::of(map.values())?);
                Form::Pairs(Box::new(keys), Box::new(values))
            }
            _ => Form::Shown(ArrayFormatter::try_new(array.as_ref(), &FORMAT)?),
        };
        Ok(Self { array, form })
    }

    fn write(&self, text: &mut String, row: usize) {
        if self.array.is_null(row) {
            text.push_str("null");
            return;
        }
        match &self.form {
            Form::Plain => write_plain(text, self.array, row),
            Form::Shown(formatter) => {
                let mut shown = String::new();
                match formatter.value(row).write(&mut shown) {
                    Ok(()) => text.push_str(&label(&shown)),
                    Err(_) => text.push_str(&label(&number_of(self.array, row))),
                }
            }
            Form::Items(items) => {
                write_list(text, items_at(self.array, row), |text, at| items.write(text, at));
            }
            Form::Fields(fields) => write_object(text, fields, row),
            Form::Pairs(keys, values) => {
                let offsets = self.array.as_map().value_offsets();
                let range = bounds(i64::from(offsets[row]), i64::from(offsets[row + 1]));
                write_list(text, range, |text, at| {
                    text.push_str(r#"{"key":"#);
                    keys.write(text, at);
                    text.push_str(r#","value":"#);
                    values.write(text, at);
                    text.push('}');
                });
            }
        }
    }
}

const FORMAT: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

fn write_object(text: &mut String, fields: &[(String, Values<'_>)], row: usize) {
    text.push('{');
    for (index, (name, values)) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(name);
        text.push(':');
        values.write(text, row);
    }
    text.push('}');
}

fn write_list(
    text: &mut String,
    range: std::ops::Range<usize>,
    write: impl Fn(&mut String, usize),
) {
    text.push('[');
    let begin = range.start;
    for at in range {
        if at > begin {
            text.push(',');
        }
        write(text, at);
    }
    text.push(']');
}

/// Returns where the items of a list stand among those of all lists.
fn items_at(array: &ArrayRef, row: usize) -> std::ops::Range<usize> {
    match array.data_type() {
        DataType::List(_) => {
            let offsets = array.as_list::<i32>().value_offsets();
            bounds(i64::from(offsets[row]), i64::from(offsets[row + 1]))
        }
        DataType::LargeList(_) => {
            let offsets = array.as_list::<i64>().value_offsets();
            bounds(offsets[row], offsets[row + 1])
        }
        _ => {
            let list = array.as_fixed_size_list();
            let begin = list.value_offset_at(row);
            begin..begin + usize::try_from(list.value_length()).unwrap_or(0)
        }
    }
}

fn bounds(begin: i64, end: i64) -> std::ops::Range<usize> {
    // Offsets of arrays that were read are checked: they rise, from 0.
    usize::try_from(begin).unwrap_or(0)..usize::try_from(end).unwrap_or(0)
}

fn write_plain(text: &mut String, array: &ArrayRef, row: usize) {
    macro_rules! value {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    match array.data_type() {
        DataType::Boolean => {
            text.push_str(if array.as_boolean().value(row) { "true" } else { "false" });
        }
        DataType::Int8 => write_integer(text, value!(Int8Type).into()),
        DataType::Int16 => write_integer(text, value!(Int16Type).into()),
        DataType::Int32 => write_integer(text, value!(Int32Type).into()),
        DataType::Int64 => write_integer(text, value!(Int64Type).into()),
        DataType::UInt8 => write_integer(text, value!(UInt8Type).into()),
        DataType::UInt16 => write_integer(text, value!(UInt16Type).into()),
        DataType::UInt32 => write_integer(text, value!(UInt32Type).into()),
        DataType::UInt64 => write_integer(text, value!(UInt64Type).into()),
        DataType::Float16 => write_float(text, value!(Float16Type).to_f32()),
        DataType::Float32 => write_float(text, value!(Float32Type)),
        DataType::Float64 => write_float(text, value!(Float64Type)),
        DataType::Decimal32(..) => {
            text.push_str(&label(&array.as_primitive::<Decimal32Type>().value_as_string(row)));
        }
        DataType::Decimal64(..) => {
            text.push_str(&label(&array.as_primitive::<Decimal64Type>().value_as_string(row)));
        }
        DataType::Decimal128(..) => {
            text.push_str(&label(&array.as_primitive::<Decimal128Type>().value_as_string(row)));
        }
        DataType::Decimal256(..) => {
            text.push_str(&label(&array.as_primitive::<Decimal256Type>().value_as_string(row)));
        }
        DataType::Utf8 => text.push_str(&label(array.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => text.push_str(&label(array.as_string::<i64>().value(row))),
        DataType::Utf8View => text.push_str(&label(array.as_string_view().value(row))),
        DataType::Binary => write_bytes(text, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => write_bytes(text, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => write_bytes(text, array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => {
            write_bytes(text, array.as_fixed_size_binary().value(row));
        }
        // What is left is the type that has nothing but nulls.
        _ => text.push_str("null"),
    }
}

fn write_integer(text: &mut String, value: i128) {
    // Writing to a text cannot fail.
    let _ = if value.abs() <= LARGEST_EXACT {
        write!(text, "{value}")
    } else {
        write!(text, "\"{value}\"")
    };
}

fn write_float<T: serde::Serialize + Into<f64> + Copy>(text: &mut String, value: T) {
    let wide: f64 = value.into();
    if wide.is_finite() {
        // In its own width: the shortest text of a single is not that of the double it is.
        text.push_str(&serde_json::to_string(&value).unwrap_or_default());
    } else if wide.is_nan() {
        text.push_str("\"NaN\"");
    } else {
        text.push_str(if wide > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    }
}

fn write_bytes(text: &mut String, bytes: &[u8]) {
    text.push('"');
    BASE64_STANDARD.encode_string(bytes, text);
    text.push('"');
}

/// Returns a text as JSON.
fn label(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the number that a moment is kept as, for one that no calendar here has.
fn number_of(array: &ArrayRef, row: usize) -> String {
    let whole = arrow::compute::cast(&array.slice(row, 1), &DataType::Int64);
    match whole {
        Ok(whole) => whole.as_primitive::<Int64Type>().value(0).to_string(),
        Err(_) => "out of range".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{
            BinaryArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
            Float64Array, Int64Array, ListArray, MapBuilder, StringArray, StringBuilder,
            StructArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
        },
        datatypes::Field,
    };

    use super::*;

    /// Returns the values of a column as JSON, without the rest of the rows.
    fn shown(array: impl Array + 'static) -> Vec<String> {
        let batch = RecordBatch::try_from_iter_with_nullable([("x", Arc::new(array) as _, true)]);
        let batch = batch.unwrap();
        let (text, count) =
            rows(&[batch.slice(0, 1), batch.slice(1, batch.num_rows() - 1)], 1 << 20).unwrap();
        let read: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!((read.len(), count), (batch.num_rows(), batch.num_rows() as u64));
        let inner = text.strip_prefix("[{\"x\":").unwrap().strip_suffix("}]").unwrap();
        inner.split("},{\"x\":").map(str::to_owned).collect()
    }

    #[test]
    fn an_integer_is_a_number_as_long_as_every_reader_keeps_it() {
        let most = (1_i64 << 53) - 1;
        let numbers = Int64Array::from(vec![
            Some(0),
            Some(most),
            Some(-most),
            Some(most + 1),
            Some(-most - 1),
            Some(i64::MIN),
            None,
        ]);
        assert_eq!(
            shown(numbers),
            [
                "0",
                "9007199254740991",
                "-9007199254740991",
                "\"9007199254740992\"",
                "\"-9007199254740992\"",
                "\"-9223372036854775808\"",
                "null",
            ]
        );
        assert_eq!(shown(UInt64Array::from(vec![1, u64::MAX])), ["1", "\"18446744073709551615\""]);
    }

    #[test]
    fn a_float_reads_back_the_same_and_may_be_no_number() {
        let doubles = Float64Array::from(vec![0.1, -0.0, 1e300, f64::NAN, f64::NEG_INFINITY]);
        assert_eq!(shown(doubles), ["0.1", "-0.0", "1e+300", "\"NaN\"", "\"-Infinity\""]);
        assert_eq!(shown(Float32Array::from(vec![0.1, f32::INFINITY])), ["0.1", "\"Infinity\""]);
    }

    #[test]
    fn a_decimal_keeps_its_digits() {
        let most = 10_i128.pow(38) - 1;
        let decimals = Decimal128Array::from(vec![Some(-1), Some(150), Some(most), None]);
        let decimals = decimals.with_precision_and_scale(38, 2).unwrap();
        assert_eq!(
            shown(decimals),
            ["\"-0.01\"", "\"1.50\"", "\"999999999999999999999999999999999999.99\"", "null"]
        );
    }

    #[test]
    fn texts_and_bytes_survive() {
        assert_eq!(shown(StringArray::from(vec!["ä\"\n", ""])), [r#""ä\"\n""#, r#""""#]);
        assert_eq!(shown(BinaryArray::from(vec![&b"\x00\xff"[..], b""])), ["\"AP8=\"", "\"\""]);
        let fixed = FixedSizeBinaryArray::try_from_iter([[0_u8, 1], [2, 3]].into_iter()).unwrap();
        assert_eq!(shown(fixed), ["\"AAE=\"", "\"AgM=\""]);
    }

    #[test]
    fn moments_are_texts() {
        assert_eq!(
            shown(Date32Array::from(vec![-1, 19_782])),
            ["\"1969-12-31\"", "\"2024-02-29\""]
        );
        let clock = Time64MicrosecondArray::from(vec![0, 86_399_999_999]);
        assert_eq!(shown(clock), ["\"00:00:00\"", "\"23:59:59.999999\""]);
        let moments = vec![1_700_000_000_123_456, 0];
        let local = TimestampMicrosecondArray::from(moments.clone());
        assert_eq!(shown(local), ["\"2023-11-14T22:13:20.123456\"", "\"1970-01-01T00:00:00\""]);
        let instants = TimestampMicrosecondArray::from(moments).with_timezone("UTC");
        assert_eq!(
            shown(instants),
            ["\"2023-11-14T22:13:20.123456Z\"", "\"1970-01-01T00:00:00Z\""]
        );
        let endless = TimestampMicrosecondArray::from(vec![i64::MAX, 0]);
        assert_eq!(shown(endless)[0], "\"9223372036854775807\"");
    }

    #[test]
    fn what_is_nested_is_nested() {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            Some(vec![]),
            None,
        ]);
        assert_eq!(shown(lists), ["[1,null]", "[]", "null"]);
        let field = Arc::new(Field::new("a\"b", DataType::Utf8, true));
        let texts = Arc::new(StringArray::from(vec![Some("x"), None])) as ArrayRef;
        let whole = StructArray::from(vec![(field, texts)]);
        assert_eq!(shown(whole), [r#"{"a\"b":"x"}"#, r#"{"a\"b":null}"#]);
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        maps.keys().append_value("k");
        maps.values().append_null();
        maps.append(true).unwrap();
        maps.append(false).unwrap();
        assert_eq!(shown(maps.finish()), [r#"[{"key":"k","value":null}]"#, "null"]);
    }

    #[test]
    fn a_text_that_is_long_enough_ends() {
        let batch = RecordBatch::try_from_iter([(
            "x",
            Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef,
        )])
        .unwrap();
        let (text, count) = rows(&[batch], 40).unwrap();
        assert_eq!((text.as_str(), count), (r#"[{"x":0},{"x":1},{"x":2},{"x":3},{"x":4}]"#, 5));
        assert_eq!(rows(&[], 40).unwrap(), ("[]".to_owned(), 0));
    }
}
