//! Other outputs than Parquet: what is written holds what was read, and what cannot be held is refused.

use arrow::ipc::reader::FileReader;
use tundra_core::{
    Classify, ColumnType, ConvertOptions, Error, ErrorKind, IfExists, OutputFormat, Receipt,
};

use crate::support::{Scene, Table};

/// Every type that is inferred from delimited text, nulls, and texts that are hard to write.
const HARD: &str = "\
id,price,huge,name,day,at,instant,clock,flag,code\r
1,2.5,12345678901234567890123,\"say \"\"x\"\", or\ny\",2024-02-29,2024-02-29 10:00:00.25,\
2024-02-29T10:00:00+02:00,10:00:00,true,00713\r
2,,,,,,,,,\r
-3,-0.125,7,\"\",1969-12-31,1969-12-31 23:59:59,1969-12-31T23:59:59Z,23:59:59.5,false,12\r
4,1e300,8, blank ,2024-02-29,2024-02-29 10:00:00.000001,2024-02-29T10:00:00Z,10:00:00,true,#1\r
";

fn to(output_format: OutputFormat) -> ConvertOptions {
    ConvertOptions { output_format, ..ConvertOptions::default() }
}

async fn convert_as(
    scene: &Scene,
    name: &str,
    output: &str,
    options: &ConvertOptions,
) -> Result<Receipt, Error> {
    scene.convert_to(name, output, options).await
}

/// Converts to another format and from there to Parquet, and returns both tables.
async fn there_and_back(
    bytes: &str,
    name: &str,
    way: &str,
    format: OutputFormat,
) -> (Table, Table) {
    let scene = Scene::local();
    scene.put(name, bytes.to_owned()).await;
    convert_as(&scene, name, "straight.parquet", &ConvertOptions::default()).await.unwrap();
    let receipt = convert_as(&scene, name, way, &to(format)).await.unwrap();
    let data = &receipt.outputs[0];
    assert_eq!(data.format.as_deref(), Some(format.name()));
    assert_eq!(data.row_groups, 0);
    assert_eq!(data.size_bytes, scene.get(way).await.len() as u64);
    assert_eq!(data.rows, receipt.counts.written);
    convert_as(&scene, way, "back.parquet", &ConvertOptions::default()).await.unwrap();
    (scene.table("straight.parquet").await, scene.table("back.parquet").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn delimited_text_is_read_back_as_the_same_values() {
    let (straight, back) = there_and_back(HARD, "a.csv", "b.csv", OutputFormat::Csv).await;
    assert_eq!(straight.names, back.names);
    assert_eq!(straight.types, back.types);
    assert_eq!(straight.rows, back.rows);
    assert_eq!(back.rows.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_back_as_the_same_values() {
    let nested = "\
{\"a\": 1, \"b\": [1, null], \"c\": {\"d\": \"x\\ny\", \"e\": null}}\n\
{\"a\": null, \"b\": null, \"c\": {\"d\": \"\", \"e\": 1.5}}\n\
{\"a\": 9007199254740993, \"b\": [], \"c\": {\"d\": null, \"e\": 2}}\n";
    for (way, format) in [("b.ndjson", OutputFormat::Ndjson), ("b.json", OutputFormat::Json)] {
        let (straight, back) = there_and_back(nested, "a.ndjson", way, format).await;
        assert_eq!(straight.types, back.types);
        assert_eq!(straight.rows, back.rows, "{way}");
        assert_eq!(back.rows.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arrow_holds_the_rows_of_the_parquet() {
    let scene = Scene::local();
    scene.put("a.csv", HARD).await;
    convert_as(&scene, "a.csv", "a.parquet", &ConvertOptions::default()).await.unwrap();
    // Of Parquet as of text.
    for input in ["a.csv", "a.parquet"] {
        let output = format!("{input}.arrow");
        convert_as(&scene, input, &output, &to(OutputFormat::Arrow)).await.unwrap();
        let file = std::io::Cursor::new(scene.get(&output).await);
        let reader = FileReader::try_new(file, None).unwrap();
        let names: Vec<String> =
            reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, scene.table("a.parquet").await.names);
        assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_has_a_way_back() {
    let scene = Scene::local();
    scene.put("a.csv", HARD).await;
    convert_as(&scene, "a.csv", "a.parquet", &ConvertOptions::default()).await.unwrap();
    convert_as(&scene, "a.parquet", "b.csv", &to(OutputFormat::Csv)).await.unwrap();
    convert_as(&scene, "b.csv", "b.parquet", &ConvertOptions::default()).await.unwrap();
    let (before, after) = (scene.table("a.parquet").await, scene.table("b.parquet").await);
    assert_eq!((before.names, before.types, before.rows), (after.names, after.types, after.rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_the_format_cannot_hold_fails_and_leaves_nothing() {
    let scene = Scene::local();
    scene.put("a.csv", "x,y\n1,NaN\n2,1.5\n").await;
    let options = ConvertOptions {
        type_overrides: vec![("y".to_owned(), ColumnType::Double)],
        ..to(OutputFormat::Ndjson)
    };
    let error = convert_as(&scene, "a.csv", "b.ndjson", &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(matches!(&error, Error::Unwritable { column, .. } if column == "y"), "{error:?}");
    assert_eq!(scene.names().await, ["a.csv"]);
    let options = ConvertOptions { output_format: OutputFormat::Csv, ..options };
    convert_as(&scene, "a.csv", "b.csv", &options).await.unwrap();
    assert_eq!(scene.get("b.csv").await, "x,y\n1,NaN\n2,1.5\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_alone_in_its_line_is_refused_as_delimited_text() {
    let scene = Scene::local();
    scene.put("a.ndjson", "{\"a\": 1}\n{\"a\": null}\n").await;
    let error = convert_as(&scene, "a.ndjson", "b.csv", &to(OutputFormat::Csv)).await.unwrap_err();
    assert!(error.to_string().contains("blank"), "{error}");
    assert_eq!(scene.names().await, ["a.ndjson"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_output_is_kept_until_the_new_one_is_complete() {
    let mut scene = Scene::local();
    scene.put("a.csv", "a,b\n1,2\n").await;
    scene.put("b.csv", "old").await;
    convert_as(&scene, "a.csv", "b.csv", &to(OutputFormat::Csv)).await.unwrap_err();
    assert_eq!(scene.get("b.csv").await, "old");
    scene.if_exists = IfExists::Replace;
    convert_as(&scene, "a.csv", "b.csv", &to(OutputFormat::Csv)).await.unwrap();
    assert_eq!(scene.get("b.csv").await, "a,b\n1,2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_contradiction_begins_the_rows_anew() {
    let mut csv = String::from("a,b\n");
    for number in 0..300_000 {
        csv.push_str(&format!("{number},{number}\n"));
    }
    csv.push_str("last,\n");
    let scene = Scene::local();
    scene.put("a.csv", csv.clone()).await;
    let receipt = convert_as(&scene, "a.csv", "b.csv", &to(OutputFormat::Csv)).await.unwrap();
    assert_eq!(receipt.counts.written, 300_001);
    assert_eq!(scene.get("b.csv").await, csv);
}

/// What another delimiter would split stands between quotes, so that the reader is not led astray.
#[tokio::test(flavor = "multi_thread")]
async fn texts_with_other_delimiters_are_read_back_as_they_are() {
    for text in [
        "{\"tag\": \"a1\", \"n\": 1}\n{\"tag\": \"b^c\", \"n\": 2}\n{\"tag\": \"d^e\", \"n\": 3}\n",
        "{\"tag\": \"a~1\"}\n{\"tag\": \"b~c\"}\n{\"tag\": \"d~e\"}\n",
        "{\"key:value\": \"a\"}\n{\"key:value\": \"b\"}\n",
        "{\"one two\": \"a b\"}\n{\"one two\": \"c d\"}\n{\"one two\": \"e f\"}\n",
        "{\"key\": \"a:1\"}\n{\"key\": \"b:2\"}\n{\"key\": \"c:3\"}\n",
    ] {
        let (straight, back) = there_and_back(text, "a.ndjson", "b.csv", OutputFormat::Csv).await;
        assert_eq!(straight.names, back.names, "{text}");
        assert_eq!(straight.rows, back.rows, "{text}");
    }
}
