//! Which columns several inputs have together.

use std::fmt::Write as _;

use tundra_core::{ColumnType, ConvertOptions, Error, ManyInputs, TypePolicy};

use super::{adds_up, converted, converted_with, inputs, run, scene_of};
use crate::support::{OUTPUT, Scene, reason};

#[tokio::test(flavor = "multi_thread")]
async fn a_column_has_the_type_that_one_file_with_all_values_would_give_it() {
    for (one, other, expected) in [
        ("1", "2.5", "DOUBLE"),
        ("1", "00713", "VARCHAR"),
        ("9007199254740993", "0.5", ""),
        ("2024-01-02", "2024-01-02 10:00:00", ""),
        ("true", "false", "BOOLEAN"),
        ("1", "18446744073709551615", "UBIGINT"),
        ("13/02/2020", "01/02/2020", ""),
        ("", "7", "BIGINT"),
    ] {
        let text = |values: &[&str]| {
            values.iter().fold("x,n\n".to_owned(), |text, value| text + value + ",1\n")
        };
        let (a, b, both) = (text(&[one]), text(&[other]), text(&[one, other]));
        let (_, table) = converted(&[("a.csv", &a), ("b.csv", &b)]).await;
        let scene = scene_of(Scene::memory(), &[("both.csv", &both)]).await;
        scene.convert("both.csv", &ConvertOptions::default()).await.unwrap();
        let single = scene.table(OUTPUT).await;
        assert_eq!(table.type_of("x"), single.type_of("x"), "{one} and {other}");
        assert_eq!(table.rows, single.rows, "{one} and {other}");
        assert!(expected.is_empty() || table.type_of("x") == expected, "{one} and {other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_one_file_keeps_the_text_of_all() {
    let (receipt, table) =
        converted(&[("a.csv", "code,n\n1,1\n2.5,2\n"), ("b.csv", "code,n\n00713,3\n")]).await;
    assert_eq!(table.column("code"), [Some("1"), Some("2.5"), Some("00713")]);
    let why = reason(&receipt, "code");
    assert!(why.contains("DOUBLE in `") && why.contains("00713"), "{why}");
    let own = &receipt.inputs[0].columns[0];
    assert_eq!((own.name.as_str(), own.column_type.as_deref()), ("code", Some("DOUBLE")));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_a_file_lacks_are_null_in_its_rows() {
    let (receipt, table) = converted(&[
        ("a.csv", "id,name\n1,a\n"),
        ("b.csv", "note,ID\nx,2\n"),
        ("c.csv", "id,price\n3,1.5\n"),
    ])
    .await;
    assert_eq!(table.names, ["id", "name", "note", "price"]);
    assert_eq!(table.types, ["BIGINT", "VARCHAR", "VARCHAR", "DOUBLE"]);
    assert_eq!(table.row(0), [Some("1"), Some("a"), None, None]);
    assert_eq!(table.row(1), [Some("2"), None, Some("x"), None]);
    assert_eq!(table.row(2), [Some("3"), None, None, Some("1.5")]);
    let nulls: Vec<Option<u64>> = receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [Some(0), Some(2), Some(2), Some(2)]);
    assert!(reason(&receipt, "name").ends_with("; 1 of 3 have it"));
    let of_b = &receipt.inputs[1].columns;
    assert_eq!(of_b[0].source_name.as_deref(), Some("ID"));
    let missing: Vec<&str> = of_b[1..].iter().map(|column| column.name.as_str()).collect();
    assert_eq!(missing, ["name", "price"]);
    assert!(of_b[1..].iter().all(|column| column.source_name.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contradiction_behind_the_sample_of_a_later_file_is_found() {
    let mut large = "id,n\n".to_owned();
    for row in 0..200_000 {
        writeln!(large, "{row},7").unwrap();
    }
    large.push_str("00713,x\n");
    let (receipt, table) =
        converted(&[("a.csv", "id,n\n1,2\n"), ("b.csv", &large), ("c.csv", "id,n\n3,4\n")]).await;
    assert_eq!(table.types, ["VARCHAR", "VARCHAR"]);
    assert_eq!(table.rows.len(), 200_003);
    assert_eq!(table.row(200_001), [Some("00713"), Some("x")]);
    assert_eq!(table.row(200_002), [Some("3"), Some("4")]);
    assert_eq!(receipt.inputs[1].counts.written, 200_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_files_the_last_value_of_one_can_decide() {
    let mut files = Vec::new();
    for file in 0..40 {
        let mut text = "id,n\n".to_owned();
        for row in 0..60_000 {
            writeln!(text, "{row},7").unwrap();
        }
        if file == 30 {
            text.push_str("00713,x\n");
        }
        files.push((format!("{file:02}.csv"), text));
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (_, table) = converted(&files).await;
    assert_eq!(table.types, ["VARCHAR", "VARCHAR"]);
    assert_eq!(table.rows.len(), 40 * 60_000 + 1);
    assert_eq!(table.row(31 * 60_000), [Some("00713"), Some("x")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dialects_and_compressions_may_differ_from_file_to_file() {
    let packed = {
        use std::io::Write;
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(b"id\tname\n3\tc\n4\td\n").unwrap();
        writer.finish().unwrap()
    };
    for scene in [Scene::local(), Scene::memory()] {
        let scene =
            scene_of(scene, &[("a.csv", "id,name\n1,a\n"), ("b.csv", "id;name\r\n2;\"b;b\"\r\n")])
                .await;
        scene.put("c.tsv.gz", packed.clone()).await;
        let asked = inputs(&scene, &["a.csv", "b.csv", "c.tsv.gz"]);
        let receipt = run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
        let table = scene.table(OUTPUT).await;
        adds_up(&receipt, &table);
        assert_eq!(table.column("name"), [Some("a"), Some("b;b"), Some("c"), Some("d")]);
        let delimiter = |at: usize| {
            let decisions = &receipt.inputs[at].decisions;
            decisions.iter().find(|it| it.what == "delimiter").map(|it| it.value.clone())
        };
        assert_ne!(delimiter(0), delimiter(1));
        assert!(receipt.plan.decisions.iter().all(|decision| decision.what != "delimiter"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_json_are_united_with_their_nested_values() {
    let (_, table) = converted(&[
        ("a.ndjson", "{\"id\":1,\"at\":{\"x\":1}}\n"),
        ("b.json", "[{\"id\":2.5,\"at\":{\"y\":\"q\"}},{\"tags\":[1,2]}]"),
    ])
    .await;
    assert_eq!(table.names, ["id", "at", "tags"]);
    assert_eq!(table.types[0], "DOUBLE");
    assert_eq!(table.types[1], "STRUCT(\"x\" BIGINT, \"y\" VARCHAR)");
    assert_eq!(table.rows.len(), 3);
    assert_eq!(table.column("tags"), [None, None, Some("[1, 2]")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_json_that_differ_in_case_only_are_two_columns() {
    let (_, table) =
        converted(&[("a.ndjson", "{\"a\":1,\"b\":5}\n"), ("b.ndjson", "{\"A\":2}\n")]).await;
    assert_eq!(table.names, ["a", "b", "A_1"]);
    assert_eq!(table.row(1), [None, None, Some("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn features_of_several_collections_are_one_table() {
    let collection = |geometry: &str, value: &str, crs: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",{crs}\"features\":[{{\"type\":\"Feature\",\
             \"geometry\":{geometry},\"properties\":{{\"n\":{value}}}}}]}}"
        )
    };
    let point = collection("{\"type\":\"Point\",\"coordinates\":[1,2]}", "1", "");
    let line = "{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}";
    let (_, table) =
        converted(&[("a.geojson", &point), ("b.geojson", &collection(line, "1.5", ""))]).await;
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.type_of("n"), "DOUBLE");
    let geo = table.metadata("geo").unwrap();
    assert!(geo.contains("Point") && geo.contains("LineString"), "{geo}");

    let crs = "\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"EPSG:25832\"}},";
    let elsewhere = collection(line, "2", crs);
    let scene =
        scene_of(Scene::memory(), &[("a.geojson", &point), ("b.geojson", &elsewhere)]).await;
    let asked = inputs(&scene, &["a.geojson", "b.geojson"]);
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::MixedInputs { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_of_different_sorts_are_no_table() {
    let files = [("a.csv", "x\n1\n"), ("b.json", "[{\"x\":1}]")];
    let scene = scene_of(Scene::memory(), &files).await;
    let asked = inputs(&scene, &["a.csv", "b.json"]);
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert!(matches!(&error, Error::MixedInputs { input, .. } if input.ends_with("b.json")));
    assert!(error.to_string().contains("what stands before it is delimited text"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_for_columns_are_for_those_of_all() {
    let options = ConvertOptions {
        column_mapping: vec![("b".to_owned(), "second".to_owned())],
        type_overrides: vec![("a".to_owned(), ColumnType::SmallInt)],
        ..ConvertOptions::default()
    };
    let files = [("1.csv", "a,c\n1,1\n"), ("2.csv", "b,c\nx,2\n")];
    let (_, table) = converted_with(&files, &options, |inputs| inputs).await;
    assert_eq!(table.names, ["a", "c", "second"]);
    assert_eq!(table.types, ["SMALLINT", "BIGINT", "VARCHAR"]);

    let scene = scene_of(Scene::memory(), &files).await;
    let options = ConvertOptions {
        column_mapping: vec![("z".to_owned(), "y".to_owned())],
        ..ConvertOptions::default()
    };
    let error = run(&scene, &inputs(&scene, &["1.csv", "2.csv"]), &options).await.unwrap_err();
    assert!(matches!(error, Error::UnknownColumn { known, .. } if known == ["a", "c", "b"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_directories_can_be_columns() {
    let files = [
        ("year=2023/name=a%20b/1.csv", "x\n1\n2\n"),
        ("year=2024/name=c/1.csv", "x\n3\n"),
        ("year=2024/2.csv", "x\n4\n"),
    ];
    let asked = |inputs: ManyInputs| ManyInputs {
        file_column: Some("file".to_owned()),
        hive: true,
        ..inputs
    };
    let (receipt, table) = converted_with(&files, &ConvertOptions::default(), asked).await;
    assert_eq!(table.names, ["x", "file", "year", "name"]);
    assert_eq!(table.types, ["BIGINT", "VARCHAR", "BIGINT", "VARCHAR"]);
    let first = table.row(1);
    assert_eq!(first[2..], [Some("2023"), Some("a b")]);
    assert!(first[1].unwrap().ends_with("year=2023/name=a%20b/1.csv"));
    assert_eq!(table.row(3)[2..], [Some("2024"), None]);
    assert!(reason(&receipt, "year").starts_with("from the directories"));

    let leading = [("m=01/a.csv", "x\n1\n"), ("m=02/a.csv", "x\n2\n")];
    let (_, table) = converted_with(&leading, &ConvertOptions::default(), asked).await;
    assert_eq!(table.column("m"), [Some("01"), Some("02")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_for_columns_are_for_those_of_directories_too() {
    let files = [("year=2023/1.csv", "x\n1\n"), ("Year=2024/1.csv", "x\n2\n")];
    let asked = |inputs: ManyInputs| ManyInputs {
        file_column: Some("file".to_owned()),
        hive: true,
        ..inputs
    };
    let options = ConvertOptions {
        column_mapping: vec![
            ("year".to_owned(), "y".to_owned()),
            ("file".to_owned(), "from".to_owned()),
        ],
        type_overrides: vec![("year".to_owned(), ColumnType::Varchar)],
        ..ConvertOptions::default()
    };
    let (receipt, table) = converted_with(&files, &options, asked).await;
    assert_eq!(table.names, ["x", "from", "y"]);
    assert_eq!(table.types, ["BIGINT", "VARCHAR", "VARCHAR"]);
    assert_eq!(table.column("y"), [Some("2023"), Some("2024")]);
    assert_eq!(reason(&receipt, "y"), "from the directories: given");

    let options = ConvertOptions { types: TypePolicy::Text, ..ConvertOptions::default() };
    let (_, table) = converted_with(&files, &options, asked).await;
    assert_eq!(table.types, ["VARCHAR"; 3]);

    let scene = scene_of(Scene::memory(), &files).await;
    let options = ConvertOptions {
        type_overrides: vec![("year".to_owned(), ColumnType::Boolean)],
        ..ConvertOptions::default()
    };
    let asked = asked(inputs(&scene, &["year=2023/1.csv", "Year=2024/1.csv"]));
    let error = run(&scene, &asked, &options).await.unwrap_err().to_string();
    assert!(error.contains("`year` cannot be BOOLEAN: it is `2023`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_column_of_the_files_is_not_said_of_a_directory() {
    let files = [("year=2023/1.csv", "year\n1\n"), ("year=2024/1.csv", "year\n2\n")];
    let options = ConvertOptions {
        column_mapping: vec![("year".to_owned(), "n".to_owned())],
        ..ConvertOptions::default()
    };
    let asked = |inputs: ManyInputs| ManyInputs { hive: true, ..inputs };
    let (_, table) = converted_with(&files, &options, asked).await;
    assert_eq!(table.names, ["n", "year"]);
    assert_eq!(table.row(1), [Some("2"), Some("2024")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_files_needs_a_name_of_its_own() {
    let scene = scene_of(Scene::memory(), &[("a.csv", "x\n1\n"), ("b.csv", "x\n2\n")]).await;
    let asked =
        ManyInputs { file_column: Some("X".to_owned()), ..inputs(&scene, &["a.csv", "b.csv"]) };
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("would both be named `X`"), "{error}");
    assert_eq!(scene.names().await, ["a.csv", "b.csv"]);
}
