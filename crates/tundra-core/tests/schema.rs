//! Schema files: made of an inspection, edited, applied, and held against inputs that changed.

use std::fmt::Write as _;

use tundra_core::{
    BadRowPolicy, Classify, ColumnType, ConvertOptions, Difference, Drift, Error, ErrorKind,
    Format, InspectOptions, JsonHints, OnDrift, SchemaColumn, SchemaFile, TextHints,
};

use crate::support::{OUTPUT, Scene, convert, converted, reason};

fn column_type(text: &str) -> Option<ColumnType> {
    Some(text.parse().unwrap())
}

/// Returns a schema of columns with these names and types.
fn schema(columns: &[(&str, &str)]) -> SchemaFile {
    let columns = columns.iter().map(|(name, kind)| SchemaColumn {
        column_type: column_type(kind),
        ..SchemaColumn::new(*name)
    });
    SchemaFile {
        format: None,
        text: TextHints::default(),
        null_words: Vec::new(),
        json: JsonHints::default(),
        columns: columns.collect(),
    }
}

fn options(schema: &SchemaFile, on_drift: OnDrift) -> ConvertOptions {
    let mut options = ConvertOptions::default();
    schema.apply(&mut options, on_drift);
    options
}

/// Returns the schema that is made of an input, by way of its text.
async fn schema_of(name: &str, bytes: &str, inspect: &InspectOptions) -> SchemaFile {
    let scene = Scene::local();
    scene.put(name, bytes.to_owned()).await;
    let found = scene.inspect(name, inspect).await.unwrap();
    let schema = SchemaFile::from_inspection(&found);
    let text = schema.explained(&found);
    let read: SchemaFile = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read, schema, "{text}");
    schema
}

/// Returns how an input differs from a schema; nothing is written then.
async fn drift(name: &str, bytes: &str, options: &ConvertOptions) -> Drift {
    let scene = Scene::local();
    scene.put(name, bytes.to_owned()).await;
    let error = scene.convert(name, options).await.expect_err("it is not as the schema says");
    assert_eq!(scene.names().await, [name]);
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    match error {
        Error::Drift { drift, .. } => *drift,
        other => panic!("no drift: {other:?}"),
    }
}

fn lines(drift: &Drift) -> Vec<String> {
    drift.differences.iter().map(ToString::to_string).collect()
}

#[test]
fn the_samples_of_past_versions_are_read() {
    let read: SchemaFile = include_str!("schemas/v1.yaml").parse().unwrap();
    let expected = SchemaFile {
        format: Some(Format::Csv),
        text: TextHints {
            encoding: Some("windows-1252".to_owned()),
            delimiter: Some("\t".to_owned()),
            quote: Some(Some('\'')),
            escape: Some(Some('\\')),
            header: Some(true),
            preamble: Some(2),
            comment: Some(Some("#".to_owned())),
            ..TextHints::default()
        },
        null_words: vec!["NULL".to_owned(), "n/a".to_owned()],
        json: JsonHints::default(),
        columns: vec![
            SchemaColumn {
                rename: Some("order_id".to_owned()),
                column_type: column_type("BIGINT"),
                nullable: false,
                ..SchemaColumn::new("Order ID")
            },
            SchemaColumn {
                column_type: column_type("INTEGER"),
                force: true,
                ..SchemaColumn::new("code")
            },
            SchemaColumn {
                column_type: column_type("DECIMAL(12,2)"),
                ..SchemaColumn::new("price")
            },
            SchemaColumn {
                column_type: column_type("DATE"),
                format: Some("%d.%m.%Y".to_owned()),
                ..SchemaColumn::new("day")
            },
            SchemaColumn::new("no"),
        ],
    };
    assert_eq!(read, expected);

    let read: SchemaFile = include_str!("schemas/v1_json.yaml").parse().unwrap();
    assert_eq!(read.json.records.unwrap().to_string(), "data[\"odd.key\"].items");
    assert!(read.json.flatten);
    assert_eq!(read.columns[1].column_type, column_type("STRUCT(\"a b\" BIGINT, c VARCHAR[])[]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_fits_the_schema_that_was_made_of_it() {
    let csv = "id;zip;day;big;t;flag;note;empty\n\
               1;00713;2024-02-29;18446744073709551615;10:00:00;true;'a;b';\n\
               -2;1;2024-03-01;0;11:30:00;false;;\n";
    let json = r#"{"meta": 1, "data": {"items": [
        {"id": 1, "who": {"name": "Ada", "Name": 2}, "n": 12345678901234567890123, "l": [{"x": "2024-01-01"}]},
        {"id": 2, "who": null, "n": 1.5, "mixed": [1, "x"], "l": []},
        {"id": 3, "mixed": 7, "none": null}
    ]}}"#;
    let hints = |records: &str, flatten: bool| InspectOptions {
        json: JsonHints { records: Some(records.parse().unwrap()), flatten },
        ..InspectOptions::default()
    };
    for (name, text, inspect) in [
        ("a.csv", csv, InspectOptions::default()),
        ("a.tsv", "a\tb\n1\t2.5\n", InspectOptions::default()),
        ("a.json", json, InspectOptions::default()),
        ("a.json", json, hints("data.items", false)),
        ("a.json", json, hints("data.items", true)),
    ] {
        let schema = schema_of(name, text, &inspect).await;
        let plain = ConvertOptions { json: inspect.json.clone(), ..ConvertOptions::default() };
        let before = convert(name, text.to_owned(), &plain).await.unwrap();

        let after = convert(name, text.to_owned(), &options(&schema, OnDrift::Fail)).await.unwrap();

        assert_eq!(after.table.names, before.table.names, "{name}");
        assert_eq!(after.table.types, before.table.types, "{name}");
        assert_eq!(after.table.rows, before.table.rows, "{name}");
        let decisions = &after.receipt.plan.decisions;
        assert!(decisions.iter().any(|decision| decision.what == "schema"), "{decisions:?}");
        assert!(decisions.iter().all(|decision| decision.what != "drift"), "{decisions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_order_and_wider_types_are_those_of_the_schema() {
    let mut schema = schema(&[
        ("price", "DECIMAL(12,2)"),
        ("n", "INTEGER"),
        ("id", "VARCHAR"),
        ("day", "TIMESTAMP"),
        ("none", "DATE"),
    ]);
    schema.columns[2].rename = Some("Key".to_owned());
    let text = "id,none,day,price,n\n1,,2024-02-29 00:00,1.5,7\n2,,2024-03-01 00:00,12,-8\n";

    let done = convert("a.csv", text, &options(&schema, OnDrift::Fail)).await.unwrap();

    assert_eq!(done.table.names, ["price", "n", "Key", "day", "none"]);
    assert_eq!(done.table.types, ["DECIMAL(12,2)", "INTEGER", "VARCHAR", "TIMESTAMP", "DATE"]);
    assert_eq!(
        done.table.row(0),
        [Some("1.50"), Some("7"), Some("1"), Some("2024-02-29T00:00:00"), None]
    );
    assert_eq!(done.table.row(1)[0], Some("12.00"));
    let nulls: Vec<_> = done.receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [Some(0), Some(0), Some(0), Some(0), Some(2)]);
    assert_eq!(
        reason(&done.receipt, "price"),
        "as the schema says; by the values it would be DOUBLE: all 2 values are numbers that a double holds"
    );
    assert_eq!(done.receipt.plan.columns[2].source_name, "id");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_difference_is_told_at_once() {
    let mut schema = schema(&[
        ("id", "BIGINT"),
        ("zip", "BIGINT"),
        ("price", "DECIMAL(4,2)"),
        ("gone", "DATE"),
        ("note", "VARCHAR"),
        ("free", "BIGINT"),
    ]);
    schema.columns[4].nullable = false;
    schema.columns[5].column_type = None;
    let text = "id,zip,price,note,more,free\n1,1,1.5,x,2.5,x\n2,00713,123.5,,,\n3,+4,1.555,,,7\n";

    let drift = drift("a.csv", text, &options(&schema, OnDrift::Fail)).await;

    assert_eq!(
        lines(&drift),
        [
            "added `more` DOUBLE",
            "missing `gone` DATE",
            "retyped `zip` BIGINT in the schema, VARCHAR by its values; 2 values do not fit, the first \
             on line 3 (byte 44, record 2): `00713`",
            "retyped `price` DECIMAL(4,2) in the schema, DOUBLE by its values; 2 values do not fit, the \
             first on line 3 (byte 44, record 2): `123.5`",
            "nulls `note` 2 nulls",
        ]
    );
    assert_eq!(drift.summary(), "1 added, 1 missing, 2 retyped, 1 with nulls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_far_behind_the_sample_is_found() {
    const ROWS: usize = 200_000;
    let mut text = String::from("id,v\n");
    for n in 0..ROWS {
        writeln!(text, "{n},{}", 1000 + n).unwrap();
    }
    assert!(text.len() > 2 << 20, "it must stand behind the sample");
    for (last, kind, fits) in [
        ("00713", "BIGINT", false),
        ("00713", "DECIMAL(12,2)", false),
        ("00713", "INTEGER", false),
        ("00713", "VARCHAR", true),
        ("1.5", "BIGINT", false),
        ("1.5", "DECIMAL(12,2)", true),
        ("9007199254740993", "DOUBLE", false),
    ] {
        let text = format!("{text}9,{last}\n");
        let options = options(&schema(&[("id", "BIGINT"), ("v", kind)]), OnDrift::Fail);
        if fits {
            let done = convert("a.csv", text, &options).await.unwrap();
            assert_eq!(done.table.types, ["BIGINT", kind]);
            continue;
        }
        let drift = drift("a.csv", &text, &options).await;
        let [Difference::Retyped { column, values, first: Some(first), .. }] = &*drift.differences
        else {
            panic!("{drift}");
        };
        assert_eq!((column.as_str(), *values), ("v", Some(1)));
        assert_eq!((first.record, &*first.text), (ROWS as u64 + 1, last));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_can_force_what_a_person_would_accept() {
    let mut schema = schema(&[("zip", "BIGINT"), ("f", "DOUBLE")]);
    let text = "zip,f\n00713,9007199254740993\n+8,1\n";
    assert_eq!(drift("a.csv", text, &options(&schema, OnDrift::Fail)).await.differences.len(), 2);

    for column in &mut schema.columns {
        column.force = true;
    }
    let done = convert("a.csv", text, &options(&schema, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.column("zip"), [Some("713"), Some("8")]);
    assert_eq!(done.table.column("f")[0], Some("9007199254740992.0"));

    let text = "zip,f\nabc,1\n";
    let drift = drift("a.csv", text, &options(&schema, OnDrift::Fail)).await;
    assert_eq!(drift.summary(), "1 retyped", "what nobody would accept is no value either way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drift_can_be_accepted() {
    let mut schema = schema(&[
        ("gone", "DATE"),
        ("zip", "BIGINT"),
        ("id", "BIGINT"),
        ("lost", "VARCHAR"),
        ("n", "INTEGER"),
    ]);
    schema.columns[0].rename = Some("Gone".to_owned());
    schema.columns[1].rename = Some("code".to_owned());
    schema.columns[2].nullable = false;
    let text = "id,new,zip,n\n1,x,1,5\n,y,00713,6\n";

    let done = convert("a.csv", text, &options(&schema, OnDrift::Accept)).await.unwrap();

    assert_eq!(done.table.names, ["Gone", "code", "id", "lost", "n", "new"]);
    assert_eq!(done.table.types, ["DATE", "VARCHAR", "BIGINT", "VARCHAR", "INTEGER", "VARCHAR"]);
    assert_eq!(done.table.row(1), [None, Some("00713"), None, None, Some("6"), Some("y")]);
    let nulls: Vec<_> = done.receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [Some(2), Some(0), Some(1), Some(2), Some(0), Some(0)]);
    let told: Vec<&str> = done
        .receipt
        .plan
        .decisions
        .iter()
        .filter(|decision| decision.what == "drift")
        .map(|decision| decision.value.as_str())
        .collect();
    assert_eq!(
        told,
        ["added `new`", "missing `gone`", "missing `lost`", "retyped `zip`", "nulls `id`"]
    );
    let counts = done.receipt.counts;
    assert_eq!((counts.records, counts.written, counts.repaired), (2, 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_may_stand_behind_the_sample() {
    const ROWS: usize = 200_000;
    let mut text = String::new();
    for n in 0..ROWS {
        writeln!(text, "{{\"id\": {n}, \"v\": {}}}", 1000 + n).unwrap();
    }
    text.push_str("{\"id\": 1, \"v\": \"x\", \"late\": 7}\n");
    let one = schema(&[("id", "BIGINT"), ("v", "BIGINT")]);

    let all = drift("a.ndjson", &text, &options(&one, OnDrift::Fail)).await;
    let kinds: Vec<_> = all.differences.iter().map(|it| (it.kind(), it.column())).collect();
    assert_eq!(kinds, [("added", "late"), ("retyped", "v")]);

    let done = convert("a.ndjson", text.clone(), &options(&one, OnDrift::Accept)).await.unwrap();
    assert_eq!(done.table.names, ["id", "v", "late"]);
    assert_eq!(done.table.rows.len(), ROWS + 1);
    assert_eq!(done.table.row(ROWS), [Some("1"), Some("\"x\""), Some("7")]);

    // A column that comes late is not missing.
    let two = schema(&[("late", "SMALLINT"), ("v", "JSON"), ("id", "BIGINT")]);
    let done = convert("a.ndjson", text, &options(&two, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.names, ["late", "v", "id"]);
    assert_eq!(done.table.types[0], "SMALLINT");
    assert_eq!(done.table.row(ROWS), [Some("7"), Some("\"x\""), Some("1")]);
    assert_eq!(done.table.row(0), [None, Some("1000"), Some("0")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_inside_of_structs_drift_too() {
    let text = "{\"u\": {\"a\": 1}}\n{\"u\": {\"a\": 2, \"b\": \"x\"}}\n";
    let told =
        drift("a.ndjson", text, &options(&schema(&[("u", "STRUCT(\"a\" BIGINT)")]), OnDrift::Fail))
            .await;
    let Difference::Retyped { found, first: Some(first), .. } = &told.differences[0] else {
        panic!("{told}");
    };
    assert_eq!(found, "STRUCT(\"a\" BIGINT, \"b\" VARCHAR)");
    assert_eq!(first.message, "there is no field `b`");

    let wider = schema(&[("u", "STRUCT(\"b\" VARCHAR, \"a\" DOUBLE, \"c\" DATE)")]);
    let done = convert("a.ndjson", text, &options(&wider, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.column("u")[1], Some("{b: x, a: 2.0, c: }"));

    let flat = SchemaFile {
        json: JsonHints { records: None, flatten: true },
        ..schema(&[("u.b", "VARCHAR"), ("u.a", "INTEGER")])
    };
    let done = convert("a.ndjson", text, &options(&flat, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.row(1), [Some("x"), Some("2")]);
    let text = format!("{text}{{\"u\": {{\"a\": 3, \"c\": {{\"d\": 1}}}}}}\n");
    let told = drift("a.ndjson", &text, &options(&flat, OnDrift::Fail)).await;
    assert_eq!(lines(&told), ["added `u.c.d` BIGINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_bad_records_are_set_aside_values_are_no_drift_but_columns_are() {
    let schema = schema(&[("id", "BIGINT"), ("zip", "BIGINT")]);
    let text = "id,zip\n1,1\n2,00713\n3,3\n";
    let mut options = options(&schema, OnDrift::Fail);
    options.on_bad_row = BadRowPolicy::Reject;

    let done = convert("a.csv", text, &options).await.unwrap();

    assert_eq!(done.table.column("zip"), [Some("1"), Some("3")]);
    let rejects = done.scene.table("rejects.parquet").await;
    assert_eq!(rejects.column("raw"), [Some("2,00713")]);
    assert_eq!(rejects.column("column"), [Some("zip")]);

    options.on_bad_row = BadRowPolicy::Repair;
    let done = convert("a.csv", text, &options).await.unwrap();
    assert_eq!(done.table.column("zip"), [Some("1"), None, Some("3")]);
    assert_eq!(done.receipt.counts.repaired, 1);

    let told = drift("a.csv", "id,more\n1,2\n", &options).await;
    assert_eq!(lines(&told), ["added `more` BIGINT", "missing `zip` BIGINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn single_options_go_before_the_schema() {
    let mut options =
        options(&schema(&[("id", "DATE"), ("zip", "BIGINT"), ("name", "VARCHAR")]), OnDrift::Fail);
    options.type_overrides = vec![("id".to_owned(), ColumnType::Varchar)];
    options.column_mapping = vec![("zip".to_owned(), "code".to_owned())];
    options.text.header = Some(true);

    let done = convert("a.csv", "name,zip,id\nx,1,7\n", &options).await.unwrap();

    assert_eq!(done.table.names, ["id", "code", "name"]);
    assert_eq!(done.table.types, ["VARCHAR", "BIGINT", "VARCHAR"]);
    assert_eq!(reason(&done.receipt, "id"), "given");
}

#[tokio::test(flavor = "multi_thread")]
async fn nulls_are_a_drift_where_the_schema_has_none() {
    let mut schema = schema(&[("a", "BIGINT"), ("b", "VARCHAR")]);
    schema.columns[0].nullable = false;
    schema.columns[1].nullable = false;
    let text = "a,b\n1,x\n,\n3,\n";
    let told = drift("a.csv", text, &options(&schema, OnDrift::Fail)).await;
    assert_eq!(lines(&told), ["nulls `a` 1 null", "nulls `b` 2 nulls"]);
    convert("a.csv", "a,b\n1,x\n", &options(&schema, OnDrift::Fail)).await.unwrap();
    convert("a.csv", text, &options(&schema, OnDrift::Accept)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_input_is_held_to_a_schema_by_its_types() {
    let text = "id,zip,price,day\n1,00713,1.5,2024-01-01\n2,x,2.25,\n";
    let made = converted("a.csv", text).await;
    let bytes = made.scene.get(OUTPUT).await;
    let scene = Scene::local();
    scene.put("in.parquet", bytes.clone()).await;
    let found = scene.inspect("in.parquet", &InspectOptions::default()).await.unwrap();
    let schema_of_it = SchemaFile::from_inspection(&found);
    assert_eq!(schema_of_it.format, Some(Format::Parquet));
    scene.convert("in.parquet", &options(&schema_of_it, OnDrift::Fail)).await.unwrap();

    let mut other = schema(&[
        ("price", "DECIMAL(12,2)"),
        ("gone", "BIGINT"),
        ("id", "DECIMAL(20,0)"),
        ("day", "TIMESTAMP"),
    ]);
    other.columns[3].nullable = false;
    let scene = Scene::local();
    scene.put("in.parquet", bytes.clone()).await;
    let error = scene.convert("in.parquet", &options(&other, OnDrift::Fail)).await.unwrap_err();
    let Error::Drift { drift, .. } = &error else { panic!("{error:?}") };
    assert_eq!(
        lines(drift),
        [
            "added `zip` VARCHAR",
            "missing `gone` BIGINT",
            "retyped `price` DECIMAL(12,2) in the schema, DOUBLE by its values: as in the input",
            "nulls `day` 1 null",
        ]
    );
    assert_eq!(scene.names().await, ["in.parquet"]);

    other.columns[0].force = true;
    let receipt = scene.convert("in.parquet", &options(&other, OnDrift::Accept)).await.unwrap();
    let table = scene.table(OUTPUT).await;
    assert_eq!(table.names, ["price", "gone", "id", "day", "zip"]);
    assert_eq!(table.types, ["DECIMAL(12,2)", "BIGINT", "DECIMAL(20,0)", "TIMESTAMP", "VARCHAR"]);
    assert_eq!(table.row(1), [Some("2.25"), None, Some("2"), None, Some("x")]);
    let told = receipt.plan.decisions.iter().filter(|decision| decision.what == "drift").count();
    assert_eq!(told, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_read_as_the_schema_says_that_they_are_written() {
    let clear = "day,n,flag\n31.12.2023,\"1.234,5\",yes\n01.02.2024,\"-2,5\",no\nNA,NA,NA\n";
    let inspect = InspectOptions { null_words: vec!["NA".to_owned()], ..InspectOptions::default() };
    let schema = schema_of("a.csv", clear, &inspect).await;
    assert_eq!(schema.columns[0].format.as_deref(), Some("%d.%m.%Y"));
    assert_eq!(schema.null_words, ["NA"]);
    let done = convert("a.csv", clear, &options(&schema, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.row(0), [Some("2023-12-31"), Some("1234.5"), Some("true")]);
    assert_eq!(done.table.row(2), [None, None, None]);

    // What could be read in two ways is read in the way of the schema.
    let unclear = "day,n,flag\n01.02.2024,\"1,5\",yes\n";
    let done = convert("a.csv", unclear, &options(&schema, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.row(0), [Some("2024-02-01"), Some("1.5"), Some("true")]);

    let other = "day,n,flag\n2024-02-01,1.5,1\n";
    let told = drift("a.csv", other, &options(&schema, OnDrift::Fail)).await;
    let columns: Vec<&str> = told.differences.iter().map(Difference::column).collect();
    assert_eq!(columns, ["day", "n", "flag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_was_added_does_not_take_the_name_of_one_that_is_missing() {
    let mut schema = schema(&[("a", "BIGINT"), ("gone", "BIGINT")]);
    schema.columns[1].rename = Some("New".to_owned());
    let text = "a,new\n1,2\n";
    let drift = drift("a.csv", text, &options(&schema, OnDrift::Fail)).await;
    assert_eq!(drift.summary(), "1 added, 1 missing");

    let done = convert("a.csv", text, &options(&schema, OnDrift::Accept)).await.unwrap();
    assert_eq!(done.table.names, ["a", "New", "new_1"]);
    assert_eq!(done.table.row(0), [Some("1"), None, Some("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bad_records_are_told_as_such() {
    let schema = schema(&[("a", "BIGINT"), ("b", "BIGINT")]);
    let scene = Scene::local();
    scene.put("a.csv", "a,b\n1,2\n3\n4,5\n").await;
    let mut options = options(&schema, OnDrift::Fail);
    options.text.header = Some(true);
    options.text.delimiter = Some(",".to_owned());
    let error = scene.convert("a.csv", &options).await.unwrap_err();
    assert!(matches!(error, Error::Data { .. }), "{error:?}");
}

/// Returns a schema of one column beside an id.
fn one(kind: &str, format: Option<&str>) -> SchemaFile {
    let mut schema = schema(&[("id", "BIGINT"), ("v", kind)]);
    schema.columns[1].format = format.map(str::to_owned);
    schema
}

#[tokio::test(flavor = "multi_thread")]
async fn values_with_another_meaning_are_a_drift_unless_they_are_forced() {
    for (kind, format, values) in [
        ("DOUBLE", Some("#,##0.00"), ["1,234.50", "1,234,567,890,123,456,789.25"]),
        ("DOUBLE", None, ["5.25", "$5.00"]),
        ("DOUBLE", None, ["$4.00", "$5.00"]),
        ("BIGINT", None, ["1.234", "1.234.567"]),
        ("BOOLEAN", None, ["true", "0"]),
        ("BOOLEAN", None, ["true", "ON"]),
        ("TIMESTAMP", None, ["2020-01-01 10:00:00", "2020-01-01"]),
        ("TIMESTAMPTZ", None, ["2020-01-01 10:00:00Z", "2020-01-01 10:00:00"]),
        ("DATE", None, ["2020-01-01", "13/02/2020"]),
        ("DATE", None, ["13/02/2020", "14/02/2020"]),
    ] {
        let text = format!("id,v\n1,\"{}\"\n2,\"{}\"\n", values[0], values[1]);
        let drift = drift("a.csv", &text, &options(&one(kind, format), OnDrift::Fail)).await;
        assert_eq!(drift.summary(), "1 retyped", "{kind} {values:?}: {drift}");
    }
    let mut forced = one("DATE", None);
    forced.columns[1].force = true;
    let text = "id,v\n1,13/02/2020\n2,14/02/2020\n";
    let done = convert("a.csv", text, &options(&forced, OnDrift::Fail)).await.unwrap();
    assert_eq!(done.table.column("v"), [Some("2020-02-13"), Some("2020-02-14")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_whose_name_changed_its_case_is_a_drift() {
    let schema = schema(&[("id", "BIGINT"), ("n", "BIGINT")]);
    let text = "ID,n,v\n1,2,3\n";
    let found = drift("a.csv", text, &options(&schema, OnDrift::Fail)).await;
    assert_eq!(found.summary(), "2 added, 1 missing");

    let done = convert("a.csv", text, &options(&schema, OnDrift::Accept)).await.unwrap();
    assert_eq!(done.table.names, ["id", "n", "ID_1", "v"]);
    assert_eq!(done.table.row(0), [None, Some("2"), Some("1"), Some("3")]);

    let mut renamed = schema;
    renamed.columns[1].rename = Some("v".to_owned());
    let found = drift("a.csv", text, &options(&renamed, OnDrift::Fail)).await;
    assert_eq!(found.summary(), "2 added, 1 missing");
    let done = convert("a.csv", text, &options(&renamed, OnDrift::Accept)).await.unwrap();
    assert_eq!(done.table.names, ["id", "v", "ID_1", "v_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_is_pinned_only_where_it_was_seen() {
    let ascii = schema_of("a.csv", "id,v\n1,a\n", &InspectOptions::default()).await;
    assert_eq!(ascii.text.encoding, None);
    let other = schema_of("a.csv", "id,v\n1,Zürich\n", &InspectOptions::default()).await;
    assert_eq!(other.text.encoding.as_deref(), Some("UTF-8"));
}
