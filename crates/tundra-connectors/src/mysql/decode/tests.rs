//! Rows that are written here as the protocol documents them.

use std::sync::Arc;

use arrow_array::{
    Array as _,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt16Type, UInt64Type,
    },
};
use arrow_schema::{Field, Schema};
use tundra_core::ColumnType;

use super::*;
use crate::batch::data_type;

/// A row: cells with their bytes, or null.
fn row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut packet = vec![0];
    let mut nulls = vec![0_u8; (cells.len() + 2).div_ceil(8)];
    for (index, _) in cells.iter().enumerate().filter(|(_, cell)| cell.is_none()) {
        nulls[(index + 2) / 8] |= 1 << ((index + 2) % 8);
    }
    packet.extend(nulls);
    packet.extend(cells.iter().flatten().copied().flatten());
    packet
}

/// A value behind its length.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut value = vec![bytes.len() as u8];
    value.extend_from_slice(bytes);
    value
}

fn decoder(columns: &[(&str, Form, ColumnType)], on_lossy: OnLossy, bytes: usize) -> Decoder {
    let fields: Vec<Field> =
        columns.iter().map(|(name, _, kind)| Field::new(*name, data_type(kind), true)).collect();
    let arriving = columns
        .iter()
        .enumerate()
        .map(|(place, (_, form, _))| Arriving { form: *form, place: Some(place) })
        .collect();
    Decoder::new(Arc::new(Schema::new(fields)), arriving, on_lossy, bytes).expect("known types")
}

fn only(name: &'static str, form: Form, kind: ColumnType, on_lossy: OnLossy) -> Decoder {
    decoder(&[(name, form, kind)], on_lossy, usize::MAX)
}

#[test]
fn decodes_numbers_at_their_edges() {
    let mut decoder = decoder(
        &[
            ("i8", Form::Int8, ColumnType::TinyInt),
            ("i16", Form::Int16, ColumnType::SmallInt),
            ("i32", Form::Int32, ColumnType::Integer),
            ("i64", Form::Int64, ColumnType::BigInt),
            ("u64", Form::UInt64, ColumnType::UBigInt),
            ("year", Form::UInt16, ColumnType::USmallInt),
            ("f32", Form::Float, ColumnType::Float),
            ("f64", Form::Double, ColumnType::Double),
        ],
        OnLossy::Fail,
        usize::MAX,
    );
    decoder
        .row(&row(&[
            Some(&i8::MIN.to_le_bytes()),
            Some(&i16::MIN.to_le_bytes()),
            Some(&i32::MIN.to_le_bytes()),
            Some(&i64::MIN.to_le_bytes()),
            Some(&u64::MAX.to_le_bytes()),
            Some(&2155_u16.to_le_bytes()),
            Some(&1.1_f32.to_le_bytes()),
            Some(&f64::MIN_POSITIVE.to_le_bytes()),
        ]))
        .expect("a row");
    decoder.row(&row(&[None; 8])).expect("a row of nulls");
    let batch = decoder.batch().expect("a batch").expect("with rows");
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.column(0).as_primitive::<Int8Type>().value(0), i8::MIN);
    assert_eq!(batch.column(1).as_primitive::<Int16Type>().value(0), i16::MIN);
    assert_eq!(batch.column(2).as_primitive::<Int32Type>().value(0), i32::MIN);
    assert_eq!(batch.column(3).as_primitive::<Int64Type>().value(0), i64::MIN);
    assert_eq!(batch.column(4).as_primitive::<UInt64Type>().value(0), u64::MAX);
    assert_eq!(batch.column(5).as_primitive::<UInt16Type>().value(0), 2155);
    assert_eq!(batch.column(6).as_primitive::<Float32Type>().value(0), 1.1);
    assert_eq!(batch.column(7).as_primitive::<Float64Type>().value(0), f64::MIN_POSITIVE);
    assert!(batch.columns().iter().all(|column| column.is_null(1) && column.null_count() == 1));
}

#[test]
fn decodes_decimals_text_bytes_and_bits() {
    let mut decoder = decoder(
        &[
            (
                "price",
                Form::Decimal { precision: 15, scale: 2 },
                ColumnType::Decimal { precision: 15, scale: 2 },
            ),
            ("note", Form::Text, ColumnType::Varchar),
            ("raw", Form::Bytes, ColumnType::Blob),
            ("flag", Form::Bit, ColumnType::Boolean),
            ("mask", Form::Bits, ColumnType::UBigInt),
        ],
        OnLossy::Fail,
        usize::MAX,
    );
    let mut long = vec![0xFC, 0x2C, 0x01];
    long.extend([b'x'; 300]);
    for note in [counted("Größe €".as_bytes()), long, counted(b"")] {
        decoder
            .row(&row(&[
                Some(&counted(b"-1234.50")),
                Some(&note),
                Some(&counted(&[0, 0xFF])),
                Some(&counted(&[1])),
                Some(&counted(&[1, 2])),
            ]))
            .expect("a row");
    }
    let batch = decoder.batch().expect("a batch").expect("with rows");
    assert_eq!(batch.column(0).as_primitive::<Decimal128Type>().value(0), -123_450);
    let notes = batch.column(1).as_string::<i32>();
    assert_eq!((notes.value(0), notes.value(1).len(), notes.value(2)), ("Größe €", 300, ""));
    assert_eq!(batch.column(2).as_binary_view().value(0), [0, 0xFF]);
    assert!(batch.column(3).as_boolean().value(0));
    assert_eq!(batch.column(4).as_primitive::<UInt64Type>().value(0), 258);
}

/// 2024-02-29 12:34:56.000789 in every length that there is.
const MOMENT: [u8; 12] = [11, 0xE8, 0x07, 2, 29, 12, 34, 56, 0x15, 0x03, 0, 0];

#[test]
fn decodes_dates_and_times() {
    let mut decoder = decoder(
        &[
            ("day", Form::Date, ColumnType::Date),
            ("local", Form::DateTime, ColumnType::Timestamp),
            ("instant", Form::DateTime, ColumnType::TimestampTz),
            ("time", Form::Time, ColumnType::Time),
        ],
        OnLossy::Fail,
        usize::MAX,
    );
    let day = [4, 0xE8, 0x07, 2, 29];
    decoder
        .row(&row(&[
            Some(&day),
            Some(&MOMENT),
            Some(&[7, 0xE8, 0x07, 2, 29, 12, 34, 56]),
            Some(&[12, 0, 0, 0, 0, 0, 23, 59, 59, 0x3F, 0x42, 0x0F, 0]),
        ]))
        .expect("a row");
    decoder.row(&row(&[Some(&day), Some(&day), Some(&day), Some(&[0])])).expect("a short row");
    let batch = decoder.batch().expect("a batch").expect("with rows");
    assert_eq!(batch.column(0).as_primitive::<Date32Type>().value(0), 19_782);
    let midnight = 19_782 * 86_400_000_000_i64;
    let noon = midnight + 45_296_000_000;
    let local = batch.column(1).as_primitive::<TimestampMicrosecondType>();
    assert_eq!((local.value(0), local.value(1)), (noon + 789, midnight));
    let instant = batch.column(2).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(instant.value(0), noon);
    let time = batch.column(3).as_primitive::<Time64MicrosecondType>();
    assert_eq!((time.value(0), time.value(1)), (86_399_999_999, 0));
}

/// Cells that no type holds, with what the server prints for them.
const LOSSY: [(Form, ColumnType, &[u8], &str); 5] = [
    (Form::Date, ColumnType::Date, &[0], "0000-00-00"),
    (Form::Date, ColumnType::Date, &[4, 0xE7, 0x07, 2, 0], "2023-02-00"),
    (Form::DateTime, ColumnType::Timestamp, &[0], "0000-00-00 00:00:00"),
    (Form::DateTime, ColumnType::TimestampTz, &[4, 0xE7, 0x07, 2, 31], "2023-02-31 00:00:00"),
    (Form::Time, ColumnType::Time, &[8, 1, 34, 0, 0, 0, 22, 59, 59], "-838:59:59"),
];

#[test]
fn names_the_row_the_column_and_the_value_that_does_not_fit() {
    for (form, kind, bytes, printed) in LOSSY {
        let mut decoder = only("ordered", form, kind, OnLossy::Fail);
        decoder.row(&row(&[None])).expect("a null");
        let error = decoder.row(&row(&[Some(bytes)])).expect_err("it does not fit");
        let text = error.to_string();
        assert!(text.starts_with(&format!("row 2, column `ordered`: `{printed}` is ")), "{text}");
    }
}

#[test]
fn counts_what_became_null_where_that_is_asked() {
    for (form, kind, bytes, printed) in LOSSY {
        let mut decoder = only("ordered", form, kind, OnLossy::Null);
        for _ in 0..7 {
            decoder.row(&row(&[Some(bytes)])).expect("it becomes null");
        }
        let batch = decoder.batch().expect("a batch").expect("with rows");
        assert_eq!(batch.column(0).null_count(), 7);
        let events = decoder.events();
        assert_eq!((events.len(), events[0].count, events[0].samples.len()), (1, 7, SAMPLES));
        assert_eq!(events[0].samples[2].text, printed);
        assert_eq!(events[0].samples[2].record, 3);
    }
}

#[test]
fn prints_dates_as_the_server_does_where_the_column_is_text() {
    for (_, _, bytes, printed) in LOSSY {
        let form = match printed.len() {
            _ if printed.starts_with("-8") => Form::TimeText { decimals: 0 },
            10 => Form::DateText,
            _ => Form::DateTimeText { decimals: 0 },
        };
        let mut decoder = only("ordered", form, ColumnType::Varchar, OnLossy::Text);
        decoder.row(&row(&[Some(bytes)])).expect("a text");
        let batch = decoder.batch().expect("a batch").expect("with a row");
        assert_eq!(batch.column(0).as_string::<i32>().value(0), printed);
    }
    let form = Form::DateTimeText { decimals: 6 };
    let mut decoder = only("ordered", form, ColumnType::Varchar, OnLossy::Text);
    decoder.row(&row(&[Some(&MOMENT)])).expect("a text");
    let batch = decoder.batch().expect("a batch").expect("with a row");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "2024-02-29 12:34:56.000789");
}

#[test]
fn shows_bytes_that_are_no_text() {
    let mut decoder = only("note", Form::Text, ColumnType::Varchar, OnLossy::Fail);
    for text in [b"\xC3\xA4".as_slice(), b"ok", b"\xC3\x28", b"\xFF"] {
        decoder.row(&row(&[Some(&counted(text))])).expect("a row");
    }
    let error = decoder.batch().expect_err("no text");
    assert!(error.to_string().starts_with("row 3, column `note`: `0xC328`"), "{error}");
}

#[test]
fn leaves_out_columns_that_nobody_asked_for_and_orders_the_others() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("last", data_type(&ColumnType::Varchar), true),
        Field::new("first", data_type(&ColumnType::Integer), true),
    ]));
    let forms = [
        (Form::Int32, Some(1)),
        (Form::Date, None),
        (Form::Double, None),
        (Form::Text, None),
        (Form::Text, Some(0)),
    ];
    let arriving = forms.map(|(form, place)| Arriving { form, place }).to_vec();
    let mut decoder =
        Decoder::new(schema, arriving, OnLossy::Fail, usize::MAX).expect("known types");
    let (first, double) = (5_i32.to_le_bytes(), 0_f64.to_le_bytes());
    let (gone, last) = (counted(b"gone"), counted(b"last"));
    // The zero date would fail if it were read.
    decoder
        .row(&row(&[Some(&first), Some(&[0]), Some(&double), Some(&gone), Some(&last)]))
        .expect("a row");
    let batch = decoder.batch().expect("a batch").expect("with a row");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "last");
    assert_eq!(batch.column(1).as_primitive::<Int32Type>().value(0), 5);
}

#[test]
fn batches_end_at_their_bytes() {
    let columns = [("note", Form::Text, ColumnType::Varchar)];
    let mut decoder = decoder(&columns, OnLossy::Fail, 1000);
    let mut batches = Vec::new();
    for _ in 0..100 {
        if decoder.row(&row(&[Some(&counted(&[b'x'; 96]))])).expect("a row") {
            batches.push(decoder.batch().expect("a batch").expect("with rows").num_rows());
        }
    }
    // 96 bytes and an offset of 4.
    assert_eq!(batches, [10; 10]);
    assert!(decoder.batch().expect("no fault").is_none());
    assert_eq!(decoder.total(), 100);
}

#[test]
fn refuses_rows_that_are_cut_off_or_too_long() {
    let columns = [
        ("day", Form::Date, ColumnType::Date),
        ("note", Form::Text, ColumnType::Varchar),
        ("number", Form::Int64, ColumnType::BigInt),
    ];
    let whole =
        row(&[Some(&[4, 0xE8, 0x07, 2, 29]), Some(&counted(b"text")), Some(&7_i64.to_le_bytes())]);
    for length in 0..whole.len() {
        let mut decoder = decoder(&columns, OnLossy::Null, usize::MAX);
        let error = decoder.row(&whole[..length]).expect_err("it is cut off");
        assert!(matches!(error, DecodeError::Wire(_)), "{length}: {error}");
    }
    let mut long = whole;
    long.push(0);
    let error = decoder(&columns, OnLossy::Null, usize::MAX).row(&long).expect_err("too long");
    assert!(matches!(error, DecodeError::Wire(_)), "{error}");
}
