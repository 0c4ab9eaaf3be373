//! Batches as the connectors fill them.

use std::sync::Arc;

use arrow_array::{Array, cast::AsArray, types::Int64Type};
use arrow_schema::{Field, Schema};
use futures::StreamExt;

use super::*;

fn batches(kinds: &[DataType], limit: usize) -> Batches {
    let fields: Vec<Field> = kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| Field::new(format!("c{at}"), kind.clone(), true))
        .collect();
    Batches::new(Arc::new(Schema::new(fields)), limit).expect("all types are known")
}

fn integer(batches: &mut Batches, value: i64) -> bool {
    let Builder::Int64(values) = &mut batches.columns()[0] else { panic!("not an integer") };
    values.append_value(value);
    batches.end_row()
}

fn text(batches: &mut Batches, value: &str) -> bool {
    let Builder::Text(values) = &mut batches.columns()[0] else { panic!("not a text") };
    values.push(value).expect("it is short");
    batches.end_row()
}

#[test]
fn a_batch_is_full_at_its_bytes() {
    let mut batches = batches(&[DataType::Int64], 80);
    let full: Vec<bool> = (0..10).map(|value| integer(&mut batches, value)).collect();
    assert_eq!(full.iter().filter(|full| **full).count(), 1, "{full:?}");
    assert!(full[9]);
    let batch = batches.take().expect("the columns are equally long");
    assert_eq!(batch.num_rows(), 10);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(9), 9);
    assert!(!integer(&mut batches, 1), "the next batch begins empty");
}

#[test]
fn texts_count_with_their_bytes_and_their_offsets() {
    let mut batches = batches(&[DataType::Utf8], 100);
    assert!(!text(&mut batches, "twelve bytes"));
    assert!(!text(&mut batches, &"x".repeat(75)));
    assert!(text(&mut batches, "x"));
    let batch = batches.take().expect("the columns are equally long");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "twelve bytes");
    assert!(!text(&mut batches, "short"));
}

#[test]
fn the_first_text_that_is_not_utf_8_is_found() {
    let column = |batches: &mut Batches, at: usize, bytes: &[u8]| {
        let Builder::Text(values) = &mut batches.columns()[at] else { panic!("not a text") };
        values.push_bytes(bytes).expect("it is short");
    };
    // The last one is cut in the middle of a character, whose rest the next one begins with.
    for (bad, rest) in [(&b"\xff"[..], &b"fine"[..]), (b"a\xc3\xa4\xc3", b"\xa4")] {
        let mut batches = batches(&[DataType::Utf8, DataType::Utf8], 1 << 20);
        for row in 0..9 {
            column(&mut batches, 0, if row == 7 { bad } else { "schön".as_bytes() });
            match row {
                3 => batches.columns()[1].null(),
                5 => column(&mut batches, 1, bad),
                6 => column(&mut batches, 1, rest),
                _ => column(&mut batches, 1, b""),
            }
            assert!(!batches.end_row());
        }
        match batches.take() {
            Err(TakeError::NotUtf8 { row: 5, column: 1, bytes }) => assert_eq!(bytes, bad),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_text_that_is_not_utf_8_is_found_in_its_list() {
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    let mut batches = batches(&[list], 1 << 20);
    for texts in [&[&b"a"[..], b"b"][..], &[], &[b"c", b"\xff"], &[b"\xff"]] {
        let Builder::List(values) = &mut batches.columns()[0] else { panic!("not a list") };
        for text in texts {
            let Builder::Text(items) = &mut *values.items else { panic!("not a text") };
            items.push_bytes(text).expect("it is short");
        }
        values.end().expect("it is short");
        assert!(!batches.end_row());
    }
    let error = batches.take().expect_err("a text is not UTF-8");
    assert!(matches!(error, TakeError::NotUtf8 { row: 2, column: 0, .. }), "{error:?}");
}

#[test]
fn a_row_that_is_larger_than_a_batch_is_one() {
    let mut batches = batches(&[DataType::Utf8], 10);
    assert!(text(&mut batches, &"x".repeat(100_000)));
    assert_eq!(batches.take().expect("one column").num_rows(), 1);
}

#[test]
fn rows_without_columns_are_counted() {
    let mut batches = batches(&[], 10);
    for _ in 0..3 {
        assert!(!batches.end_row());
    }
    assert_eq!(batches.take().expect("no columns").num_rows(), 3);
    assert_eq!(batches.take().expect("no columns").num_rows(), 0);
}

#[test]
fn lists_and_structs_keep_their_nulls() {
    let item = DataType::Struct(vec![Field::new("n", DataType::Int64, true)].into());
    let list = DataType::List(Arc::new(Field::new_list_field(item, true)));
    let mut batches = batches(&[list], 1 << 20);
    let Builder::List(values) = &mut batches.columns()[0] else { panic!("not a list") };
    values.null();
    values.end().expect("it is short");
    {
        let Builder::Struct(record) = &mut *values.items else { panic!("not a struct") };
        let Builder::Int64(numbers) = &mut record.values[0] else { panic!("not an integer") };
        numbers.append_value(7);
        record.end();
        record.null();
    }
    values.end().expect("it is short");
    for _ in 0..3 {
        assert!(!batches.end_row());
    }
    let batch = batches.take().expect("the columns are equally long");
    let lists = batch.column(0).as_list::<i32>();
    assert!(lists.is_null(0));
    assert_eq!((lists.value_length(1), lists.value_length(2)), (0, 2));
    let items = lists.value(2);
    assert!(items.is_valid(0) && items.is_null(1));
    assert_eq!(items.as_struct().column(0).as_primitive::<Int64Type>().value(0), 7);
}

#[tokio::test]
async fn a_stream_ends_when_its_producer_says_so() {
    let (sender, mut stream) = channel("some", ());
    let batch = batches(&[], 10).take().expect("no columns");
    sender.send(batch).await.expect("the consumer is there");
    sender.finish(Ok(())).await;
    assert!(stream.next().await.expect("a batch").is_ok());
    assert!(stream.next().await.is_none());
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_producer_that_vanishes_is_an_error() {
    let (sender, mut stream) = channel("some", ());
    drop(sender);
    let error = stream.next().await.expect("an error").expect_err("nothing was said");
    assert_eq!(error.kind, ErrorKind::Internal);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_dropped_stream_drops_its_guard_and_is_gone() {
    let guard = Arc::new(());
    let (sender, stream) = channel("some", guard.clone());
    drop(stream);
    sender.gone().await;
    assert_eq!(Arc::strong_count(&guard), 1);
    let batch = batches(&[], 10).take().expect("no columns");
    assert_eq!(sender.send(batch).await, Err(Gone));
}
