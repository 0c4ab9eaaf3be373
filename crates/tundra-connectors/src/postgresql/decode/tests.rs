//! The decoder on bytes that are made here by the documented format.

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
        Time64MicrosecondType, TimestampMicrosecondType, UInt32Type, UInt64Type,
    },
};
use proptest::prelude::*;

use super::*;

type Value = Option<Vec<u8>>;

fn decoder(kinds: &[Kind], on_lossy: OnLossy) -> Decoder {
    let columns: Vec<Column> = kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| Column { name: format!("c{at}"), kind: kind.clone(), is_text: false })
        .collect();
    Decoder::new(columns.into(), 1 << 20, on_lossy, 1).expect("every type has a builder")
}

fn head() -> Vec<u8> {
    [SIGNATURE.as_slice(), &[0; 8]].concat()
}

fn row(values: &[Value]) -> Vec<u8> {
    let mut row = i16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        row.extend(sized(value.as_deref()));
    }
    row
}

fn sized(value: Option<&[u8]>) -> Vec<u8> {
    match value {
        None => (-1_i32).to_be_bytes().to_vec(),
        Some(bytes) => [&i32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat(),
    }
}

/// Decodes rows of one column, the first of them in one message with the head, as the server does it.
fn decoded(kind: Kind, values: &[Value], on_lossy: OnLossy) -> Result<RecordBatch, Failure> {
    let mut decoder = decoder(&[kind], on_lossy);
    let mut message = head();
    for value in values {
        message.extend(row(std::slice::from_ref(value)));
        decoder.message(&message)?;
        message.clear();
    }
    message.extend((-1_i16).to_be_bytes());
    assert_eq!(decoder.message(&message)?, Step::End);
    assert!(decoder.is_complete());
    assert_eq!(decoder.rows(), values.len() as u64);
    Ok(decoder.take()?.expect("there are rows"))
}

#[track_caller]
fn column(kind: Kind, values: &[Value]) -> RecordBatch {
    decoded(kind, values, OnLossy::Fail).unwrap()
}

#[track_caller]
fn misfit(kind: Kind, value: &[u8]) -> String {
    decoded(kind, &[None, Some(value.to_vec())], OnLossy::Fail).unwrap_err().to_string()
}

fn be<const N: usize>(bytes: [u8; N]) -> Value {
    Some(bytes.to_vec())
}

/// An array of this shape; elements that are `None` are null.
fn array(lengths: &[i32], first: i32, items: &[Value]) -> Vec<u8> {
    let mut bytes = i32::try_from(lengths.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(i32::from(items.iter().any(Option::is_none)).to_be_bytes());
    bytes.extend(23_u32.to_be_bytes());
    for length in lengths {
        bytes.extend(length.to_be_bytes());
        bytes.extend(first.to_be_bytes());
    }
    for item in items {
        bytes.extend(sized(item.as_deref()));
    }
    bytes
}

fn composite(values: &[Value]) -> Vec<u8> {
    let mut bytes = i32::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        bytes.extend(25_u32.to_be_bytes());
        bytes.extend(sized(value.as_deref()));
    }
    bytes
}

#[test]
fn numbers_are_what_was_sent_at_their_edges() {
    let batch =
        column(Kind::Int16, &[be(i16::MIN.to_be_bytes()), None, be(i16::MAX.to_be_bytes())]);
    let values = batch.column(0).as_primitive::<Int16Type>();
    assert_eq!((values.value(0), values.is_null(1), values.value(2)), (i16::MIN, true, i16::MAX));
    let batch = column(Kind::Int32, &[be(i32::MIN.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<Int32Type>().value(0), i32::MIN);
    let batch = column(Kind::Int64, &[be(i64::MIN.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), i64::MIN);
    let batch = column(Kind::UInt32, &[be(u32::MAX.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<UInt32Type>().value(0), u32::MAX);
    let batch = column(Kind::UInt64, &[be(u64::MAX.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<UInt64Type>().value(0), u64::MAX);
    let batch = column(Kind::Float32, &[be(f32::NEG_INFINITY.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<Float32Type>().value(0), f32::NEG_INFINITY);
    let batch = column(Kind::Float64, &[be(f64::NAN.to_be_bytes()), be((-0.0_f64).to_be_bytes())]);
    let values = batch.column(0).as_primitive::<Float64Type>();
    assert!(values.value(0).is_nan());
    assert_eq!(values.value(1).to_bits(), (-0.0_f64).to_bits());
    let batch = column(Kind::Bool, &[be([1]), be([0]), None]);
    let values = batch.column(0).as_boolean();
    assert_eq!((values.value(0), values.value(1), values.is_null(2)), (true, false, true));
}

#[test]
fn numerics_are_decimals_and_what_is_none_is_named() {
    // 1234.5 and NaN: groups, weight, sign, scale.
    let number = [0, 2, 0, 0, 0, 0, 0, 1, 4, 210, 19, 136].to_vec();
    let nan = [0, 0, 0, 0, 0xc0, 0, 0, 0].to_vec();
    let kind = Kind::Decimal { precision: 15, scale: 2 };
    let batch = column(kind.clone(), &[Some(number), None]);
    let values = batch.column(0).as_primitive::<Decimal128Type>();
    assert_eq!((values.value(0), values.is_null(1)), (123_450, true));
    assert_eq!(
        misfit(kind, &nan),
        "row 2 of stream 1: column `c0` is `NaN`, which the column's decimal type does not hold"
    );
    // 10^400, as one group and a weight.
    let long = [0, 1, 0, 100, 0, 0, 0, 0, 0, 1];
    let said = misfit(Kind::Decimal { precision: 38, scale: 0 }, &long);
    assert!(said.contains("000…`") && said.len() < 200, "{said}");
    let batch = column(Kind::Money { scale: 2 }, &[be(i64::MIN.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<Decimal128Type>().value(0), i128::from(i64::MIN));
}

#[test]
fn texts_are_kept_to_the_byte() {
    let long = "zwölf Boxkämpfer 🥊 ".repeat(20);
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let batch = column(Kind::Text, &[text(""), text("a  "), text(&long), None]);
    let values = batch.column(0).as_string::<i32>();
    assert_eq!((values.value(0), values.value(1), values.value(2)), ("", "a  ", long.as_str()));
    assert!(values.is_null(3));
    let said = misfit(Kind::Text, b"\xff");
    assert!(said.starts_with("row 2 of stream 1: column `c0`") && said.contains("is not UTF-8"));
    let batch = column(Kind::Jsonb, &[text("\u{1}{\"a\": 1}")]);
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "{\"a\": 1}");
    misfit(Kind::Jsonb, b"\x02{}");
    misfit(Kind::Jsonb, b"");
    let batch = column(Kind::Char, &[be([0]), be(*b"x"), be([0xe4])]);
    let values = batch.column(0).as_string::<i32>();
    assert_eq!((values.value(0), values.value(1), values.value(2)), ("", "x", "\\344"));
    let batch = column(Kind::Bytes, &[be([0, 255, 0]), be([])]);
    let values = batch.column(0).as_binary_view();
    assert_eq!((values.value(0), values.value(1)), (&[0, 255, 0][..], &[][..]));
}

#[test]
fn identifiers_and_bits_are_text_as_the_server_prints_it() {
    let id = 0x00112233_4455_6677_8899_aabbccddeeff_u128;
    let batch = column(Kind::Uuid, &[be(id.to_be_bytes())]);
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "00112233-4455-6677-8899-aabbccddeeff");
    misfit(Kind::Uuid, &[0; 15]);
    let bits = |count: i32, bytes: &[u8]| Some([&count.to_be_bytes()[..], bytes].concat());
    let batch =
        column(Kind::Bits, &[bits(0, &[]), bits(3, &[0b1010_0000]), bits(9, &[0b1111_0000, 0x80])]);
    let values = batch.column(0).as_string::<i32>();
    assert_eq!((values.value(0), values.value(1), values.value(2)), ("", "101", "111100001"));
    misfit(Kind::Bits, &[0, 0, 0, 9, 0]);
    misfit(Kind::Bits, &[255, 255, 255, 255]);
}

#[test]
fn times_are_moved_to_1970_and_infinities_are_named() {
    let batch = column(Kind::Date, &[be(0_i32.to_be_bytes()), be((-10_957_i32).to_be_bytes())]);
    let values = batch.column(0).as_primitive::<Date32Type>();
    assert_eq!((values.value(0), values.value(1)), (10_957, 0));
    assert!(misfit(Kind::Date, &i32::MAX.to_be_bytes()).contains("`infinity`"));
    assert!(misfit(Kind::Date, &i32::MIN.to_be_bytes()).contains("`-infinity`"));

    let kind = Kind::Timestamp { zone: true };
    // The last microsecond that is no infinity to the engine.
    let last = i64::MAX - 1 - 946_684_800_000_000;
    let batch = column(kind.clone(), &[be(0_i64.to_be_bytes()), be(last.to_be_bytes())]);
    let values = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    assert_eq!((values.value(0), values.value(1)), (946_684_800_000_000, i64::MAX - 1));
    assert_eq!(values.timezone(), Some("UTC"));
    assert!(
        misfit(kind.clone(), &(last + 1).to_be_bytes()).contains("`294247-01-10 04:00:54.775807`")
    );
    assert!(misfit(kind.clone(), &i64::MAX.to_be_bytes()).contains("`infinity`"));
    assert!(misfit(kind, &i64::MIN.to_be_bytes()).contains("`-infinity`"));

    let batch = column(Kind::Time, &[be(86_399_999_999_i64.to_be_bytes())]);
    assert_eq!(batch.column(0).as_primitive::<Time64MicrosecondType>().value(0), 86_399_999_999);
    assert!(misfit(Kind::Time, &86_400_000_000_i64.to_be_bytes()).contains("`24:00:00`"));
    assert!(misfit(Kind::Time, &(-1_i64).to_be_bytes()).contains("binary form"));
}

#[test]
fn arrays_of_any_depth_are_lists() {
    let int = |value: i32| be(value.to_be_bytes());
    let kind = |depth| Kind::List { item: Box::new(Kind::Int32), depth };
    let batch = column(
        kind(1),
        &[
            Some(array(&[3], 1, &[int(1), None, int(3)])),
            Some(array(&[], 1, &[])),
            None,
            Some(array(&[1], 1, &[int(4)])),
        ],
    );
    let lists = batch.column(0).as_list::<i32>();
    assert_eq!((lists.value_length(0), lists.value_length(1), lists.value_length(3)), (3, 0, 1));
    assert!(lists.is_null(2) && !lists.is_null(1));
    let first = lists.value(0);
    let first = first.as_primitive::<Int32Type>();
    assert_eq!((first.value(0), first.is_null(1), first.value(2)), (1, true, 3));

    let batch = column(
        kind(2),
        &[
            Some(array(&[2, 3], 1, &[int(1), int(2), int(3), int(4), int(5), int(6)])),
            Some(array(&[], 1, &[])),
        ],
    );
    let outer = batch.column(0).as_list::<i32>();
    assert_eq!((outer.value_length(0), outer.value_length(1)), (2, 0));
    let second = outer.value(0).as_list::<i32>().value(1);
    assert_eq!(second.as_primitive::<Int32Type>().values(), &[4, 5, 6]);

    assert!(misfit(kind(1), &array(&[1, 1], 1, &[int(1)])).contains("2 dimensions"));
    assert!(misfit(kind(1), &array(&[1], 0, &[int(1)])).contains("first index is 0"));
    misfit(kind(1), &array(&[2], 1, &[int(1)]));
    misfit(kind(1), &array(&[1], 1, &[int(1), int(2)]));
    misfit(kind(1), &array(&[i32::MAX], 1, &[]));
    misfit(kind(2), &array(&[i32::MAX, 0], 1, &[]));
    misfit(kind(1), &array(&[-1], 1, &[]));
}

#[test]
fn composites_are_structs_in_which_null_differs_from_fields_of_null() {
    let kind = Kind::Struct(vec![
        ("x".to_owned(), Kind::Int32),
        ("y".to_owned(), Kind::List { item: Box::new(Kind::Text), depth: 1 }),
    ]);
    let texts = array(&[1], 1, &[Some(b"b".to_vec())]);
    let batch = column(
        kind.clone(),
        &[
            Some(composite(&[be(7_i32.to_be_bytes()), Some(texts)])),
            Some(composite(&[None, None])),
            None,
        ],
    );
    let values = batch.column(0).as_struct();
    assert!(!values.is_null(1) && values.is_null(2));
    assert_eq!(values.column(0).as_primitive::<Int32Type>().value(0), 7);
    assert!(values.column(0).is_null(1) && values.column(1).is_null(1));
    assert_eq!(values.column(1).as_list::<i32>().value(0).as_string::<i32>().value(0), "b");
    misfit(kind.clone(), &composite(&[None]));
    misfit(kind, &[0]);
}

#[test]
fn values_without_a_type_become_null_where_that_is_asked_and_are_counted() {
    let mut decoder = decoder(&[Kind::Int32, Kind::Date], OnLossy::Null);
    decoder.message(&head()).unwrap();
    for days in [i32::MAX, 0, i32::MIN] {
        let step =
            decoder.message(&row(&[be(1_i32.to_be_bytes()), be(days.to_be_bytes())])).unwrap();
        assert_eq!(step, Step::More);
    }
    let batch = decoder.take().unwrap().unwrap();
    assert_eq!(batch.column(1).null_count(), 2);
    let events = decoder.events();
    assert_eq!((events[0].code.as_str(), events[0].count), (NULLED, 2));
    assert_eq!(events[0].samples[1].record, 3);
    assert_eq!(events[0].samples[1].column.as_deref(), Some("c1"));
    assert_eq!(events[0].samples[1].text, "-infinity");
}

#[test]
fn null_is_no_way_out_for_bytes_that_are_wrong() {
    let error = decoded(Kind::Date, &[be([1, 2, 3])], OnLossy::Null).unwrap_err();
    assert!(matches!(error, Failure::Misfit(_)), "{error}");
}

#[test]
fn a_stream_that_is_no_copy_is_refused() {
    let whole = [head(), row(&[be(1_i32.to_be_bytes())])].concat();
    for end in 0..whole.len() {
        // The head alone is whole.
        if end == head().len() {
            continue;
        }
        let error = decoder(&[Kind::Int32], OnLossy::Fail).message(&whole[..end]).unwrap_err();
        assert!(matches!(error, Failure::Protocol(_)), "{end}: {error}");
    }
    let mut decoder = decoder(&[Kind::Int32], OnLossy::Fail);
    decoder.message(&whole).unwrap();
    for wrong in [
        row(&[None, None]),
        row(&[]),
        [row(&[None]), row(&[None])].concat(),
        vec![0, 1, 0, 0, 0, 9, 1],
    ] {
        assert!(decoder.message(&wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(decoder.message(&[255, 255]).unwrap(), Step::End);
    assert!(decoder.message(&row(&[None])).is_err());
}

#[test]
fn a_batch_is_full_at_its_bytes() {
    let columns = vec![Column { name: "t".to_owned(), kind: Kind::Text, is_text: false }];
    let mut decoder = Decoder::new(columns.into(), 1000, OnLossy::Fail, 1).unwrap();
    decoder.message(&head()).unwrap();
    let mut full = 0;
    for _ in 0..100 {
        if decoder.message(&row(&[Some(vec![b'x'; 96])])).unwrap() == Step::Full {
            full += 1;
            let batch = decoder.take().unwrap().unwrap();
            assert!(batch.num_rows() <= 11, "{}", batch.num_rows());
        }
    }
    assert!(full >= 9, "{full}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let int = || Box::new(Kind::Int32);
        for kind in [
            Kind::Decimal { precision: 38, scale: 10 },
            Kind::Bits,
            Kind::Jsonb,
            Kind::Timestamp { zone: false },
            Kind::List { item: int(), depth: 1 },
            Kind::List { item: int(), depth: 3 },
            Kind::Struct(vec![("x".to_owned(), Kind::Text)]),
        ] {
            let _ = decoded(kind, &[Some(bytes.clone())], OnLossy::Fail);
        }
        let mut plain = decoder(&[Kind::Text, Kind::Int64], OnLossy::Null);
        let _ = plain.message(&bytes);
        let _ = plain.message(&[head(), bytes].concat());
    }
}
