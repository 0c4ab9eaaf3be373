//! How one input differs from another.

mod mutations;
mod values;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use tundra_core::{
    Cancel, Classify, ConvertOptions, Error, ErrorKind, InspectOptions, JsonHints, Stage,
    TextHints,
    engine::{ColumnChange, Diff, DiffOptions, KeyedRows, RowsDiff, WholeRows},
};

use crate::support::{CancelAt, Scene};

const BEFORE: &str = "id,name,price\n1,apple,1.5\n2,pear,2.25\n3,,0.75\n4,fig,4\n";
const NOW: &str = "id,name,price\n5,plum,5\n4,fig,4\n2,pear,2.5\n1,Apple,1.25\n";

/// Looks at everything, by this key.
fn by(key: &[&str]) -> DiffOptions {
    DiffOptions {
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        columns: Vec::new(),
        ignored: Vec::new(),
        limit: 10,
    }
}

async fn compare(a: (&str, &str), b: (&str, &str), options: &DiffOptions) -> Result<Diff, Error> {
    let scene = Scene::local();
    scene.put(a.0, a.1.to_owned()).await;
    scene.put(b.0, b.1.to_owned()).await;
    scene.diff([a.0, b.0], &InspectOptions::default(), options).await
}

async fn csv(a: &str, b: &str, key: &[&str]) -> Diff {
    compare(("a.csv", a), ("b.csv", b), &by(key)).await.unwrap()
}

#[track_caller]
fn keyed(diff: &Diff) -> &KeyedRows {
    match &diff.rows {
        RowsDiff::Keyed(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn whole(diff: &Diff) -> &WholeRows {
    match &diff.rows {
        RowsDiff::Whole(rows) => rows,
        other => panic!("{other:?}"),
    }
}

/// What changed, as `KEY COLUMN BEFORE NOW`.
fn changes(rows: &KeyedRows) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let mut lines = Vec::new();
    for change in &rows.changes {
        let key: Vec<String> = change.key.iter().map(text).collect();
        for value in &change.values {
            let (from, to) = (text(&value.from), text(&value.to));
            lines.push(format!("{} {} {from} {to}", key.join(","), value.column));
        }
    }
    lines
}

fn cells(rows: &[Vec<Option<String>>]) -> Vec<Vec<&str>> {
    rows.iter().map(|row| row.iter().map(|it| it.as_deref().unwrap_or("-")).collect()).collect()
}

/// A Parquet file of columns.
fn parquet(columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_matched_by_their_key_whatever_their_order() {
    let diff = csv(BEFORE, NOW, &["id"]).await;
    assert_eq!((diff.a.rows, diff.b.rows), (4, 4));
    assert!(diff.columns.is_empty() && !diff.is_same());
    let rows = keyed(&diff);
    assert_eq!((rows.same, rows.changed, rows.removed, rows.added), (1, 2, 1, 1));
    assert_eq!(rows.changed_values, [("name".to_owned(), 1), ("price".to_owned(), 2)]);
    assert_eq!(changes(rows), ["1 name apple Apple", "1 price 1.5 1.25", "2 price 2.25 2.5"]);
    assert_eq!(cells(&rows.removed_rows.cells), [["3", "-", "0.75"]]);
    assert_eq!(cells(&rows.added_rows.cells), [["5", "plum", "5.0"]]);
    assert_eq!(rows.key[0].name, "id");
    assert!(csv(BEFORE, BEFORE, &["id"]).await.is_same());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_counted_and_the_first_are_told() {
    let table = |from: u32, add: u32| {
        let rows = (from..from + 5000).map(|id| format!("{id},{}\n", id + add));
        format!("id,n\n{}", rows.collect::<String>())
    };
    let options = DiffOptions { limit: 3, ..by(&["id"]) };
    let (a, b) = (table(0, 0), table(1000, 1));
    let diff = compare(("a.csv", &a), ("b.csv", &b), &options).await.unwrap();
    let rows = keyed(&diff);
    assert_eq!((rows.same, rows.changed, rows.removed, rows.added), (0, 4000, 1000, 1000));
    assert_eq!(changes(rows), ["1000 n 1000 1001", "1001 n 1001 1002", "1002 n 1002 1003"]);
    assert_eq!(cells(&rows.removed_rows.cells), [["0", "0"], ["1", "1"], ["2", "2"]]);
    assert_eq!(rows.added_rows.cells.len(), 3);
    let options = DiffOptions { limit: 0, ..by(&["id"]) };
    let diff = compare(("a.csv", &a), ("b.csv", &b), &options).await.unwrap();
    assert_eq!(keyed(&diff).changed, 4000);
    assert!(keyed(&diff).changes.is_empty() && keyed(&diff).added_rows.cells.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_rows_are_compared_by_how_often_they_are_there() {
    let a = "x,y\n1,a\n1,a\n1,a\n2,b\n,\n";
    let b = "x,y\n,\n1,a\n3,c\n3,c\n";
    let diff = csv(a, b, &[]).await;
    let rows = whole(&diff);
    assert_eq!((rows.same, rows.removed, rows.added), (2, 3, 2));
    assert_eq!(cells(&rows.removed_rows.cells), [["1", "a"], ["2", "b"]]);
    assert_eq!(rows.removed_rows.times, [2, 1]);
    assert_eq!(cells(&rows.added_rows.cells), [["3", "c"]]);
    assert_eq!(rows.added_rows.times, [2]);
    assert_eq!(rows.possible_key, None);
    assert!(csv("x\n1\n2\n", "x\n2\n1\n", &[]).await.is_same());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_tells_rows_apart_is_named() {
    let diff = csv(BEFORE, NOW, &[]).await;
    assert_eq!(whole(&diff).possible_key.as_deref(), Some("id"));
    // Nothing is to be told apart where rows are only gone.
    let less = "id,name,price\n1,apple,1.5\n";
    assert_eq!(whole(&csv(BEFORE, less, &[]).await).possible_key, None);
    // No value of it is in both.
    let others = "id,name\n11,a\n12,b\n13,c\n";
    let diff = csv(&others.replace('1', "2"), others, &[]).await;
    assert_eq!(whole(&diff).possible_key.as_deref(), Some("name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_several_rows_is_an_error_that_says_how_many() {
    let twice = "id,name\n1,a\n2,b\n2,c\n,d\n,e\n,f\n";
    for (a, b, at) in [(twice, BEFORE, "a.csv"), (BEFORE, twice, "b.csv")] {
        let error = compare(("a.csv", a), ("b.csv", b), &by(&["id"])).await.unwrap_err();
        let Error::RepeatedKey { input, keys, rows, example, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(input.ends_with(at), "{input}");
        assert_eq!((*keys, *rows), (2, 5));
        assert_eq!(example, &[Some("2".to_owned())]);
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
    let diff = csv(twice, twice, &["name", "id"]).await;
    assert_eq!(keyed(&diff).same, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_compared_by_their_names() {
    let a = "id,old,x,y,z\n1,o,1,2,3\n";
    let b = "z,id,x,y,new\n3,1,1,2.5,n\n";
    let diff = csv(a, b, &["id"]).await;
    let shown: Vec<String> =
        diff.columns.iter().map(|it| format!("{} {}", it.name(), it.column())).collect();
    assert_eq!(shown, ["removed old", "added new", "retyped y", "moved z"]);
    assert!(matches!(&diff.columns[3], ColumnChange::Moved { from: 5, to: 1, .. }));
    assert_eq!(diff.compared, ["x", "y", "z"]);
    assert_eq!(changes(keyed(&diff)), ["1 y 2 2.5"]);
    let diff = csv("a\n1\n", "b\n1\n", &[]).await;
    assert_eq!(diff.rows, RowsDiff::Incomparable);
    assert!(!diff.is_same());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_columns_that_are_wanted_are_looked_at() {
    let columns = DiffOptions { columns: vec!["name".to_owned()], ..by(&["id"]) };
    let diff = compare(("a.csv", BEFORE), ("b.csv", NOW), &columns).await.unwrap();
    assert_eq!(diff.compared, ["name"]);
    assert_eq!(changes(keyed(&diff)), ["1 name apple Apple"]);
    let ignored = DiffOptions { ignored: vec!["price".to_owned()], ..by(&[]) };
    let diff = compare(("a.csv", BEFORE), ("b.csv", NOW), &ignored).await.unwrap();
    assert_eq!(whole(&diff).same, 2);
    assert_eq!(diff.a.columns.len(), 2);
    for options in [
        by(&["nam"]),
        DiffOptions { columns: vec!["nam".to_owned()], ..by(&[]) },
        DiffOptions { ignored: vec!["nam".to_owned()], ..by(&[]) },
    ] {
        let error = compare(("a.csv", BEFORE), ("b.csv", NOW), &options).await.unwrap_err();
        assert!(
            matches!(&error, Error::UnknownColumn { column, .. } if column == "nam"),
            "{error}"
        );
    }
    let both = DiffOptions { ignored: vec!["id".to_owned()], ..by(&["id"]) };
    let error = compare(("a.csv", BEFORE), ("b.csv", NOW), &both).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_is_the_same_in_every_format() {
    let scene = Scene::local();
    scene.put("a.csv", BEFORE).await;
    for name in ["a.parquet", "a.ndjson", "a.json"] {
        let output_format = name.split('.').next_back().unwrap().parse().unwrap();
        let options = ConvertOptions { output_format, ..ConvertOptions::default() };
        scene.convert_to("a.csv", name, &options).await.unwrap();
    }
    for a in ["a.csv", "a.parquet", "a.ndjson"] {
        for b in ["a.csv", "a.parquet", "a.json"] {
            for key in [&["id"][..], &[]] {
                let diff = scene.diff([a, b], &InspectOptions::default(), &by(key)).await.unwrap();
                assert!(diff.is_same(), "{a} {b}: {diff:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_an_input_is_read_is_asked_only_of_what_it_is_for() {
    let scene = Scene::local();
    scene.put("a.csv", "id;n\n1;x\n").await;
    scene.put("b.json", "{\"data\": [{\"id\": 1, \"n\": \"x\"}]}").await;
    let reading = InspectOptions {
        text: TextHints { delimiter: Some(";".to_owned()), ..TextHints::default() },
        json: JsonHints { records: Some("data".parse().unwrap()), ..JsonHints::default() },
        ..InspectOptions::default()
    };
    let diff = scene.diff(["a.csv", "b.json"], &reading, &by(&["id"])).await.unwrap();
    assert!(diff.is_same(), "{diff:?}");
    let error = scene.diff(["b.json", "b.json"], &reading, &by(&[])).await.unwrap_err();
    assert!(error.to_string().contains("--delimiter"), "{error}");
    let error = scene.diff(["a.csv", "a.csv"], &reading, &by(&[])).await.unwrap_err();
    assert!(error.to_string().contains("--records"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_far_behind_the_beginning_decides_the_type() {
    let rows: String = (0..200_000).map(|id| format!("{id},{id}\n")).collect();
    let (a, b) = (format!("id,n\n{rows}"), format!("id,n\n{rows}200000,x\n"));
    let diff = csv(&a, &b, &["id"]).await;
    assert!(matches!(&diff.columns[..], [ColumnChange::Retyped { column, .. }] if column == "n"));
    let rows = keyed(&diff);
    assert_eq!((rows.same, rows.changed, rows.removed, rows.added), (200_000, 0, 0, 1));
    assert_eq!(cells(&rows.added_rows.cells), [["200000", "x"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_any_name_are_compared() {
    let scene = Scene::local();
    let file = |changed: i64| {
        let numbers = |last| Arc::new(Int64Array::from(vec![1, 2, last])) as ArrayRef;
        let texts = Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef;
        let odd = "file_row_number";
        parquet(vec![(odd, numbers(3)), ("\"; DROP TABLE a", texts), ("r", numbers(changed))])
    };
    scene.put("a.parquet", file(3)).await;
    scene.put("b.parquet", file(4)).await;
    let names = ["a.parquet", "b.parquet"];
    for key in ["file_row_number", "\"; DROP TABLE a"] {
        let diff = scene.diff(names, &InspectOptions::default(), &by(&[key])).await.unwrap();
        assert_eq!(keyed(&diff).changed, 1);
        assert_eq!(keyed(&diff).changed_values, [("r".to_owned(), 1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_an_error_and_nothing_is_left() {
    let error = compare(("a.csv", BEFORE), ("b.csv", "id,name\n1,a,b,c\n"), &by(&["id"])).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidData);
    let error = compare(("a.csv", BEFORE), ("b.parquet", "no Parquet"), &by(&["id"])).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidData);
    let error = compare(("a.csv", BEFORE), ("b.csv", ""), &by(&["id"])).await.unwrap_err();
    assert!(matches!(error, Error::EmptyInput { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_memory_holds_is_compared_on_disk() {
    let mut scene = Scene::local();
    scene.memory = 128 << 20;
    scene.threads = 2;
    // As tables more than DuckDB may hold of one, and nothing that compression makes small.
    let table = |changed: u64| {
        let mut csv = String::from("id,a,b,c,d\n");
        for id in 0..600_000_u64 {
            let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let d = if id % 100_000 == changed { !mixed } else { mixed };
            let (b, c) = (mixed.rotate_left(17), mixed.rotate_left(34));
            csv.push_str(&format!("{id},{mixed:016x}x,{b:016x}x,{c:016x}x,{d:016x}x\n"));
        }
        csv
    };
    scene.put("a.csv", table(u64::MAX)).await;
    scene.put("b.csv", table(7)).await;
    let names = ["a.csv", "b.csv"];
    let diff = scene.diff(names, &InspectOptions::default(), &by(&["id"])).await.unwrap();
    let rows = keyed(&diff);
    assert_eq!((rows.same, rows.changed, rows.removed, rows.added), (599_994, 6, 0, 0));
    assert_eq!(rows.changed_values, [("d".to_owned(), 6)]);
    assert_eq!(rows.changes.len(), 6);
    let diff = scene.diff(names, &InspectOptions::default(), &by(&[])).await.unwrap();
    assert_eq!((whole(&diff).removed, whole(&diff).added), (6, 6));
    assert_eq!(whole(&diff).possible_key.as_deref(), Some("id"));
    let left = std::fs::read_dir(scene.temp.path()).unwrap().count();
    assert_eq!(left, 0, "in the temporary directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_stopped() {
    let mut scene = Scene::local();
    scene.put("a.csv", BEFORE).await;
    for stage in [Stage::Inspecting, Stage::Converting, Stage::Comparing] {
        let cancel = Cancel::default();
        scene.control.reporter = Arc::new(CancelAt { stage, cancel: cancel.clone() });
        scene.control.cancel = cancel;
        let done = scene.diff(["a.csv", "a.csv"], &InspectOptions::default(), &by(&["id"])).await;
        assert!(matches!(done, Err(Error::Cancelled)), "{stage:?}: {done:?}");
    }
}
