//! Parquet inputs as one table: their rows follow each other, what is missing is null, and what is wrong with
//! one is told by its name.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use bytes::Bytes;
use tundra_core::{
    BadFilePolicy, BadRowPolicy, Classify, Compression, ConvertOptions, Error, ErrorKind,
    ManyInputs, OutputFormat, Reader, Receipt, SortKey, Stage, WriteOptions,
};

use super::{adds_up, inputs, run};
use crate::{
    parquet_in::file,
    support::{CancelAt, OUTPUT, Scene, Table, path, reason, writing},
};

pub(super) fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Three files of different columns: `a.parquet`, `b.parquet` and `c.parquet`.
fn files() -> [(&'static str, Bytes); 3] {
    [
        ("a.parquet", file(vec![("id", numbers([1, 2])), ("name", texts(&[Some("x"), None]))])),
        ("b.parquet", file(vec![("extra", texts(&[Some("e")])), ("ID", numbers([3]))])),
        ("c.parquet", file(vec![("id", numbers([4])), ("name", texts(&[Some("z")]))])),
    ]
}

async fn scene_of(scene: Scene, files: &[(&str, Bytes)]) -> Scene {
    for (name, bytes) in files {
        scene.put(name, bytes.clone()).await;
    }
    scene
}

/// Converts these files, and reads the output back.
pub(super) async fn converted(
    files: &[(&str, Bytes)],
    options: &ConvertOptions,
    asked: impl FnOnce(ManyInputs) -> ManyInputs,
) -> Result<(Receipt, Table), Error> {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let scene = scene_of(Scene::local(), files).await;
    let receipt = run(&scene, &asked(inputs(&scene, &names)), options).await?;
    let table = scene.table(OUTPUT).await;
    adds_up(&receipt, &table);
    Ok((receipt, table))
}

fn rejecting(inputs: ManyInputs) -> ManyInputs {
    ManyInputs { on_bad_file: BadFilePolicy::Reject, ..inputs }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_united_by_name_and_rows_stand_in_the_order_of_the_files() {
    let (receipt, table) =
        converted(&files(), &ConvertOptions::default(), |inputs| inputs).await.unwrap();
    assert_eq!(table.names, ["id", "name", "extra"]);
    assert_eq!(table.column("id"), [Some("1"), Some("2"), Some("3"), Some("4")]);
    assert_eq!(table.column("name"), [Some("x"), None, None, Some("z")]);
    assert_eq!(table.column("extra"), [None, None, Some("e"), None]);
    assert_eq!(reason(&receipt, "id"), "as in the inputs");
    assert_eq!(reason(&receipt, "extra"), "as in the inputs; 1 of 3 have it");
    let nulls: Vec<_> = receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [Some(0), Some(2), Some(3)]);
    assert_eq!(receipt.plan.source.format, "parquet");
    let rows: Vec<_> = receipt.inputs.iter().map(|input| input.counts.written).collect();
    assert_eq!(rows, [2, 1, 1]);
    assert!(receipt.inputs.iter().all(|input| input.format.as_deref() == Some("parquet")));
    let second = &receipt.inputs[1];
    let columns: Vec<_> =
        second.columns.iter().map(|it| (it.name.as_str(), it.source_name.as_deref())).collect();
    assert_eq!(columns, [("id", Some("ID")), ("name", None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_files_are_one_table_in_order() {
    for scene in [Scene::local(), Scene::memory()] {
        let mut names = Vec::new();
        for number in 0..1000 {
            let name = format!("{number:04}.parquet");
            let columns = match number % 3 {
                0 => vec![("file", numbers(vec![number; 20])), ("row", numbers(0..20))],
                1 => vec![("ROW", numbers(0..20)), ("file", numbers(vec![number; 20]))],
                _ => vec![
                    ("file", numbers(vec![number; 20])),
                    ("row", Arc::new(arrow::array::Int8Array::from_iter_values(0..20)) as ArrayRef),
                ],
            };
            scene.put(&name, file(columns)).await;
            names.push(name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();

        let receipt =
            run(&scene, &inputs(&scene, &names), &ConvertOptions::default()).await.unwrap();

        let table = scene.table(OUTPUT).await;
        adds_up(&receipt, &table);
        assert_eq!(table.rows.len(), 20_000);
        for (at, row) in table.rows.iter().enumerate() {
            let expected = [(at / 20).to_string(), (at % 20).to_string()];
            assert!(row.iter().flatten().eq(&expected), "{at}: {row:?}");
        }
        assert!(receipt.inputs.iter().all(|input| input.counts.written == 20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_inputs_are_the_same_bytes_in_the_order_of_the_files() {
    let part = |first: i64, rows: i64| file(vec![("n", numbers(first..first + rows))]);
    let files: Vec<(String, Bytes)> = [(0, 300_000), (300_000, 5), (300_005, 150_000)]
        .iter()
        .map(|(first, rows)| (format!("{first}.parquet"), part(*first, *rows)))
        .collect();
    let files: Vec<(&str, Bytes)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let scene = scene_of(Scene::local(), &files).await;
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let mut first = None;
    for _ in 0..3 {
        run(&scene, &inputs(&scene, &names), &ConvertOptions::default()).await.unwrap();
        let bytes = scene.get(OUTPUT).await;
        assert!(*first.get_or_insert_with(|| bytes.clone()) == bytes, "the bytes are others");
        scene.storage.delete(&path(OUTPUT)).await.unwrap();
    }
    let table = Table::read(first.unwrap());
    let in_order = |(at, row): (usize, &Vec<Option<String>>)| row[0] == Some(at.to_string());
    assert!(table.rows.iter().enumerate().all(in_order));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_directories_can_be_columns() {
    let part = |value| file(vec![("x", numbers([value]))]);
    let files = [
        ("year=2023/name=a%20b/1.parquet", part(1)),
        ("year=2024/name=c/1.parquet", part(2)),
        ("year=2024/2.parquet", file(vec![("x", numbers([3, 4]))])),
    ];
    let asked = |inputs: ManyInputs| ManyInputs {
        file_column: Some("file".to_owned()),
        hive: true,
        ..inputs
    };
    let (receipt, table) = converted(&files, &ConvertOptions::default(), asked).await.unwrap();
    assert_eq!(table.names, ["x", "file", "year", "name"]);
    assert_eq!(table.types, ["BIGINT", "VARCHAR", "BIGINT", "VARCHAR"]);
    assert_eq!(table.column("year"), [Some("2023"), Some("2024"), Some("2024"), Some("2024")]);
    assert_eq!(table.column("name"), [Some("a b"), Some("c"), None, None]);
    assert!(table.column("file")[3].unwrap().ends_with("year=2024/2.parquet"));
    let nulls: Vec<_> = receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [Some(0), Some(0), Some(0), Some(2)]);

    let leading = [("d=2024-01-01/a.parquet", part(1)), ("d=2024-01-02/a.parquet", part(2))];
    let (_, table) = converted(&leading, &ConvertOptions::default(), asked).await.unwrap();
    assert_eq!((table.type_of("d"), table.column("d")[1]), ("DATE", Some("2024-01-02")));
    let asked = |inputs: ManyInputs| ManyInputs { file_column: Some("X".to_owned()), ..inputs };
    let error = converted(&leading, &ConvertOptions::default(), asked).await.unwrap_err();
    assert!(error.to_string().contains("would both be named `X`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_renamed_sorted_and_fitted_as_those_of_one_file() {
    let options = ConvertOptions {
        column_mapping: vec![("id".to_owned(), "the key".to_owned())],
        ..writing(WriteOptions {
            sort_by: vec!["the key desc".parse::<SortKey>().unwrap()],
            compression: Compression::Snappy,
            ..WriteOptions::default()
        })
    };
    let (_, table) = converted(&files(), &options, |inputs| inputs).await.unwrap();
    assert_eq!(table.column("the key"), [Some("4"), Some("3"), Some("2"), Some("1")]);
    assert_eq!(table.column("extra"), [None, Some("e"), None, None]);

    let unsigned = |value| {
        file(vec![("n", Arc::new(arrow::array::UInt64Array::from(vec![value])) as ArrayRef)])
    };
    let files = [("a.parquet", unsigned(1)), ("b.parquet", unsigned(2))];
    let options =
        writing(WriteOptions { readers: vec![Reader::BigQuery], ..WriteOptions::default() });
    let asked = |inputs: ManyInputs| ManyInputs { file_column: Some("a b".to_owned()), ..inputs };
    let (receipt, table) = converted(&files, &options, asked).await.unwrap();
    assert_eq!((table.names[1].as_str(), table.types[0].as_str()), ("a_b", "DECIMAL(20,0)"));
    assert!(reason(&receipt, "n").ends_with("for BigQuery"), "{}", reason(&receipt, "n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn they_become_other_formats_and_several_files() {
    let scene = scene_of(Scene::local(), &files()).await;
    let asked = inputs(&scene, &["a.parquet", "b.parquet", "c.parquet"]);
    let options = ConvertOptions { output_format: OutputFormat::Csv, ..ConvertOptions::default() };
    let receipt = run(&scene, &asked, &options).await.unwrap();
    assert_eq!(receipt.counts.written, 4);
    assert_eq!(scene.get(OUTPUT).await, "id,name,extra\n1,x,\n2,,\n3,,e\n4,z,\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_files_and_members_are_read_as_well() {
    let [(_, first), (_, second), _] = files();
    let packed = zstd::encode_all(&second[..], 1).unwrap();
    let files = [("a.parquet", first), ("b.parquet.zst", packed.into())];
    let (receipt, table) =
        converted(&files, &ConvertOptions::default(), |inputs| inputs).await.unwrap();
    assert_eq!(table.column("id"), [Some("1"), Some("2"), Some("3")]);
    assert_eq!(receipt.inputs[1].decisions[0].what, "compression");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_geoparquet_says_becomes_true_of_all() {
    let feature = |place: &str| {
        format!("{{\"type\":\"Feature\",\"properties\":{{\"a\":1}},\"geometry\":{place}}}")
    };
    let places = [
        feature(r#"{"type":"Point","coordinates":[1,2]}"#),
        feature(r#"{"type":"LineString","coordinates":[[-1,2],[5,7]]}"#),
    ];
    let scene = Scene::local();
    let crs = r#""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::25832"}},"#;
    let files = [("", &places[0]), ("", &places[1]), (crs, &places[0])];
    for (name, (crs, feature)) in ["1", "2", "3"].iter().zip(files) {
        let text = format!(r#"{{"type":"FeatureCollection",{crs}"features":[{feature}]}}"#);
        scene.put(&format!("{name}.geojson"), text).await;
        let options = ConvertOptions::default();
        let (input, output) = (format!("{name}.geojson"), format!("{name}.parquet"));
        scene.convert_to(&input, &output, &options).await.unwrap();
    }
    let asked = inputs(&scene, &["1.parquet", "2.parquet"]);
    run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
    let table = scene.table(OUTPUT).await;
    let geo: serde_json::Value = serde_json::from_str(table.metadata("geo").unwrap()).unwrap();
    let column = &geo["columns"]["geometry"];
    assert_eq!(column["geometry_types"], serde_json::json!(["Point", "LineString"]));
    assert_eq!(column["bbox"], serde_json::json!([-1.0, 2.0, 5.0, 7.0]));
    assert_eq!(table.type_of("geometry"), "BLOB");

    scene.storage.delete(&path(OUTPUT)).await.unwrap();
    let asked = inputs(&scene, &["1.parquet", "3.parquet"]);
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("another `crs` of column `geometry`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_parquet_fails_the_run_or_is_left_out() {
    let [first, (_, second), _] = files();
    let cut = second.slice(..second.len() - 3);
    for bad in [cut, Bytes::from_static(b"PAR1"), Bytes::new(), Bytes::from_static(b"x,y\n1,2\n")] {
        let files = [first.clone(), ("b.parquet", bad), ("c.parquet", second.clone())];
        let error = converted(&files, &ConvertOptions::default(), |it| it).await.unwrap_err();
        assert!(error.to_string().contains("b.parquet"), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let (receipt, table) =
            converted(&files, &ConvertOptions::default(), rejecting).await.unwrap();
        assert_eq!(table.column("id"), [Some("1"), Some("2"), Some("3")]);
        assert!(receipt.inputs[1].left_out.as_deref().unwrap().contains("b.parquet"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_told_by_the_name_of_their_file() {
    let part = |from: i64| file(vec![("n", numbers(from..from + 1000))]);
    let damaged = |from| {
        let mut bytes = part(from).to_vec();
        // The footer stays whole.
        bytes[8..200].iter_mut().for_each(|byte| *byte ^= 0xa5);
        Bytes::from(bytes)
    };
    let files = [
        ("a.parquet", part(0)),
        ("b.parquet", damaged(1000)),
        ("c.parquet", part(2000)),
        ("d.parquet", damaged(3000)),
    ];
    let error = converted(&files, &ConvertOptions::default(), |it| it).await.unwrap_err();
    assert!(
        matches!(&error, Error::BadParquet { input, .. } if input.ends_with("b.parquet")),
        "{error:?}"
    );
    let (receipt, table) = converted(&files, &ConvertOptions::default(), rejecting).await.unwrap();
    assert_eq!(table.rows.len(), 2000);
    assert_eq!(table.column("n")[1000], Some("2000"));
    let left_out: Vec<bool> = receipt.inputs.iter().map(|it| it.left_out.is_some()).collect();
    assert_eq!(left_out, [false, true, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_and_text_are_no_one_table() {
    let text = Bytes::from_static(b"id\n5\n");
    let [parquet, _, _] = files();
    for files in [[("0.csv", text.clone()), parquet.clone()], [parquet, ("z.csv", text)]] {
        let error = converted(&files, &ConvertOptions::default(), |it| it).await.unwrap_err();
        assert!(matches!(error, Error::MixedInputs { .. }), "{error}");
        let (receipt, _) = converted(&files, &ConvertOptions::default(), rejecting).await.unwrap();
        assert!(receipt.inputs[1].left_out.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_text_and_what_cannot_be_united_is_refused() {
    let on_bad_row =
        ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };
    let error = converted(&files(), &on_bad_row, |it| it).await.unwrap_err();
    assert!(error.to_string().contains("`--on-bad-row` is for text"), "{error}");
    let unknown = ConvertOptions {
        column_mapping: vec![("nowhere".to_owned(), "x".to_owned())],
        ..ConvertOptions::default()
    };
    let error = converted(&files(), &unknown, |it| it).await.unwrap_err();
    assert!(matches!(error, Error::UnknownColumn { .. }), "{error}");
    let twice = file(vec![("x", numbers([1])), ("X", numbers([2]))]);
    let nameless = file(vec![("", numbers([1]))]);
    for (bad, what) in [(twice, "two columns `X`"), (nameless, "column 1 of")] {
        let [good, _, _] = files();
        let files = [good, ("b.parquet", bad)];
        let error = converted(&files, &ConvertOptions::default(), |it| it).await.unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.to_string().contains("b.parquet"), "{error}");
        let done = converted(&files, &ConvertOptions::default(), rejecting).await.unwrap();
        let told = done.0.inputs[1].left_out.as_ref().expect("it is left out");
        assert!(told.contains(what), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_meanwhile_fails_the_run() {
    let scene = scene_of(Scene::local(), &files()).await;
    let mut scene = scene;
    let folder = scene.folder().to_owned();
    scene.control.reporter = Arc::new(ReplaceAt { file: folder.join("b.parquet") });
    let asked = inputs(&scene, &["a.parquet", "b.parquet", "c.parquet"]);
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert_eq!(scene.names().await, ["a.parquet", "b.parquet", "c.parquet"]);
}

/// Replaces a file when it was looked at.
struct ReplaceAt {
    file: std::path::PathBuf,
}

impl tundra_core::Reporter for ReplaceAt {
    fn stage(&self, stage: Stage) {
        if stage == Stage::Converting {
            let bytes = file(vec![("id", numbers([7, 8, 9])), ("extra", texts(&[None; 3]))]);
            std::fs::write(&self.file, bytes).unwrap();
        }
    }

    fn progress(&self, _progress: tundra_core::Progress) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_leaves_nothing() {
    for stage in [Stage::Inspecting, Stage::Converting, Stage::Verifying] {
        let mut scene = scene_of(Scene::local(), &files()).await;
        let cancel = scene.control.cancel.clone();
        scene.control.reporter = Arc::new(CancelAt { stage, cancel });
        let asked = inputs(&scene, &["a.parquet", "b.parquet"]);
        let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
        assert_eq!(scene.names().await, ["a.parquet", "b.parquet", "c.parquet"]);
    }
}
