//! Delimited text: types without loss, order, nulls, options, and what the file says of itself.

use std::{collections::BTreeSet, fmt::Write as _};

use parquet::basic::Compression as Codec;
use sha2::{Digest, Sha256};
use tundra_core::{
    Compression, ConvertOptions, PLAN_DIGEST_METADATA_KEY, PLAN_METADATA_KEY, Plan, TypePolicy,
    WriteOptions,
};

use crate::support::{OUTPUT, Scene, convert, converted, reason, writing};

/// One column of each type that is inferred, and a null in each.
const TYPES: &str = "\
id,price,huge,name,day,at,instant,clock,flag,code
1,2.5,12345678901234567890123,Ada,2024-02-29,2024-02-29 10:00:00.25,2024-02-29T10:00:00+02:00,10:00:00,true,00713
2,,,,,,,,,
-3,-0.125,7,\"\",1969-12-31,1969-12-31 23:59:59,1969-12-31T23:59:59Z,23:59:59.5,false,12
";

#[tokio::test(flavor = "multi_thread")]
async fn values_get_the_type_that_keeps_them_in_their_order_with_their_nulls() {
    let done = converted("a.csv", TYPES).await;

    let table = &done.table;
    assert_eq!(
        table.names,
        ["id", "price", "huge", "name", "day", "at", "instant", "clock", "flag", "code"]
    );
    assert_eq!(
        table.types,
        [
            "BIGINT",
            "DOUBLE",
            "DECIMAL(38,0)",
            "VARCHAR",
            "DATE",
            "TIMESTAMP",
            "TIMESTAMPTZ",
            "TIME",
            "BOOLEAN",
            "VARCHAR",
        ]
    );
    assert_eq!(
        table.row(0),
        [
            Some("1"),
            Some("2.5"),
            Some("12345678901234567890123"),
            Some("Ada"),
            Some("2024-02-29"),
            Some("2024-02-29T10:00:00.250"),
            Some("2024-02-29T08:00:00"),
            Some("10:00:00"),
            Some("true"),
            Some("00713"),
        ]
    );
    assert_eq!(table.row(1), [&[Some("2")][..], &[None; 9]].concat());
    assert_eq!(
        table.row(2),
        [
            Some("-3"),
            Some("-0.125"),
            Some("7"),
            // Quoted, it is an empty text; a field of nothing at all is a null.
            Some(""),
            Some("1969-12-31"),
            Some("1969-12-31T23:59:59"),
            Some("1969-12-31T23:59:59"),
            Some("23:59:59.500"),
            Some("false"),
            Some("12"),
        ]
    );
    let nulls: Vec<u64> = done.receipt.columns.iter().filter_map(|column| column.nulls).collect();
    assert_eq!(nulls, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(done.scene.names().await, ["a.csv", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_over_many_chunks_and_row_groups() {
    const ROWS: usize = 320_000;
    let mut text = "n,word\n".to_owned();
    for n in 0..ROWS {
        // Lines of different length, so that chunks do not end where row groups do.
        writeln!(text, "{n},{}", "x".repeat(n % 23)).unwrap();
    }

    let done = converted("a.csv", text).await;

    assert_eq!(done.table.rows.len(), ROWS);
    let out_of_place = done.table.column("n").iter().zip(0..).find_map(|(cell, n)| {
        let expected: usize = n;
        (*cell != Some(expected.to_string().as_str())).then(|| (expected, cell.map(str::to_owned)))
    });
    assert_eq!(out_of_place, None);
    assert!(done.table.row_groups().len() > 1, "{:?}", done.table.row_groups());
    assert_eq!(done.receipt.counts.records, ROWS as u64);
    assert_eq!(done.receipt.counts.decoded, ROWS as u64);
    assert_eq!(done.receipt.outputs[0].row_groups, done.table.row_groups().len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn leading_zeros_stay_and_the_receipt_names_the_value_that_has_them() {
    let done = converted("a.csv", "id,code\n1,12\n2,00713\n3,5\n").await;

    assert_eq!(done.table.types, ["BIGINT", "VARCHAR"]);
    assert_eq!(done.table.column("code"), [Some("12"), Some("00713"), Some("5")]);
    assert_eq!(reason(&done.receipt, "code"), "record 2 has `00713`, which is no integer");
    assert_eq!(reason(&done.receipt, "id"), "all 3 values are integers of 64 bits");
}

#[tokio::test(flavor = "multi_thread")]
async fn integers_beyond_64_bits_keep_every_digit() {
    let nines = "9".repeat(38);
    let longer = "9".repeat(39);
    let text = format!(
        "signed,unsigned,mixed,huge,longer\n\
         -9223372036854775808,18446744073709551615,-1,{nines},{longer}\n\
         9223372036854775807,1,18446744073709551615,-{nines},1\n"
    );

    let done = converted("a.csv", text).await;

    let types = ["BIGINT", "UBIGINT", "DECIMAL(38,0)", "DECIMAL(38,0)", "VARCHAR"];
    assert_eq!(done.table.types, types);
    let negative = format!("-{nines}");
    assert_eq!(
        done.table.row(0),
        [
            Some("-9223372036854775808"),
            Some("18446744073709551615"),
            Some("-1"),
            Some(nines.as_str()),
            Some(longer.as_str()),
        ]
    );
    assert_eq!(
        done.table.row(1),
        [
            Some("9223372036854775807"),
            Some("1"),
            Some("18446744073709551615"),
            Some(negative.as_str()),
            Some("1"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_that_a_double_would_round_are_decimals() {
    let done = converted("a.csv", "id,d\n1,12345678901234567.5\n2,0.25\n").await;

    assert_eq!(done.table.types, ["BIGINT", "DECIMAL(19,2)"]);
    assert_eq!(done.table.column("d"), [Some("12345678901234567.50"), Some("0.25")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_without_records_gives_the_columns_and_no_rows() {
    let done = converted("a.csv", "id,name,day\n").await;

    assert_eq!(done.table.names, ["id", "name", "day"]);
    assert_eq!(done.table.types, ["VARCHAR"; 3]);
    assert!(done.table.rows.is_empty());
    assert_eq!(done.receipt.counts.records, 0);
    assert_eq!(done.receipt.outputs[0].rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_far_behind_the_sample_changes_the_type_and_nothing_is_lost() {
    const ROWS: usize = 250_000;
    let mut text = "id,code\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n},{}", 100_000 + n).unwrap();
    }
    assert!(text.len() > 2 << 20, "the contradiction must stand behind the sample");
    text.push_str("250000,00713\n");

    let done = converted("a.csv", text).await;

    assert_eq!(done.table.types, ["BIGINT", "VARCHAR"]);
    let codes = done.table.column("code");
    assert_eq!(codes.len(), ROWS + 1);
    assert!(codes[..ROWS].iter().zip(100_000..).all(|(code, n)| {
        let expected: usize = n;
        *code == Some(expected.to_string().as_str())
    }));
    assert_eq!(codes[ROWS], Some("00713"));
    assert_eq!(reason(&done.receipt, "code"), "record 250001 has `00713`, which is no integer");
    assert_eq!(done.receipt.counts.records, ROWS as u64 + 1);
    assert_eq!(done.scene.names().await, ["a.csv", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_renamed_and_types_forced_by_the_name_in_the_input() {
    let options = ConvertOptions {
        column_mapping: vec![("id".to_owned(), "key".to_owned())],
        type_overrides: vec![
            ("id".to_owned(), "SMALLINT".parse().unwrap()),
            ("code".to_owned(), "INTEGER".parse().unwrap()),
            ("price".to_owned(), "DECIMAL(12,2)".parse().unwrap()),
        ],
        ..ConvertOptions::default()
    };

    let done = convert("a.csv", "id,code,price\n1,007,1.5\n2,,20\n", &options).await.unwrap();

    assert_eq!(done.table.names, ["key", "code", "price"]);
    assert_eq!(done.table.types, ["SMALLINT", "INTEGER", "DECIMAL(12,2)"]);
    assert_eq!(done.table.row(0), [Some("1"), Some("7"), Some("1.50")]);
    assert_eq!(done.table.row(1), [Some("2"), None, Some("20.00")]);
    let plan = &done.receipt.plan.columns[0];
    assert_eq!((plan.name.as_str(), plan.source_name.as_str()), ("key", "id"));
    assert_eq!(plan.reason, "given");
    assert_eq!(done.receipt.columns[0].name, "key");
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_records_are_left_out_and_counted() {
    let options = ConvertOptions { skip_rows: BTreeSet::from([0, 3]), ..ConvertOptions::default() };

    let done = convert("a.csv", "id,name\n1,a\n2,b\n3,c\n4,d\n5,e\n", &options).await.unwrap();

    assert_eq!(done.table.column("id"), [Some("2"), Some("3"), Some("5")]);
    let counts = done.receipt.counts;
    assert_eq!((counts.records, counts.skipped, counts.written), (5, 2, 3));
    assert_eq!(done.receipt.events, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_to_be_left_out_and_are_not_there_are_told() {
    let options =
        ConvertOptions { skip_rows: BTreeSet::from([0, 2, 9]), ..ConvertOptions::default() };
    let parquet =
        convert("a.csv", "id,name\n1,a\n2,b\n", &ConvertOptions::default()).await.unwrap();
    let parquet = parquet.scene.get(OUTPUT).await;
    for (name, bytes) in [
        ("a.csv", "id,name\n1,a\n2,b\n".into()),
        ("a.ndjson", "{\"id\":1}\n{\"id\":2}\n".into()),
        ("a.parquet", parquet),
    ] {
        let done = convert(name, bytes, &options).await.unwrap();

        assert_eq!(done.table.column("id"), [Some("2")]);
        assert_eq!(done.receipt.counts.skipped, 1);
        let [event] = done.receipt.events.as_slice() else { panic!("{:?}", done.receipt.events) };
        assert_eq!((event.code.as_str(), event.count), ("skip_rows_beyond_end", 2), "{name}");
        let texts: Vec<_> = event.samples.iter().map(|sample| sample.text.as_str()).collect();
        assert_eq!(texts, ["--skip-rows 2", "--skip-rows 9"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_can_be_text() {
    let options = ConvertOptions { types: TypePolicy::Text, ..ConvertOptions::default() };

    let done = convert("a.csv", "id,x\n1,2.50\n+2,\n", &options).await.unwrap();

    assert_eq!(done.table.types, ["VARCHAR", "VARCHAR"]);
    assert_eq!(done.table.row(0), [Some("1"), Some("2.50")]);
    assert_eq!(done.table.row(1), [Some("+2"), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_is_compressed_as_asked() {
    for (compression, expected) in [
        (Compression::default(), "ZSTD"),
        (Compression::Zstd(Some(9)), "ZSTD"),
        (Compression::Snappy, "SNAPPY"),
        (Compression::None, "UNCOMPRESSED"),
    ] {
        let options = writing(WriteOptions { compression, ..WriteOptions::default() });
        let done = convert("a.csv", TYPES, &options).await.unwrap();
        for column in done.table.metadata.row_group(0).columns() {
            let codec = match column.compression() {
                Codec::ZSTD(_) => "ZSTD",
                Codec::SNAPPY => "SNAPPY",
                Codec::UNCOMPRESSED => "UNCOMPRESSED",
                other => panic!("{other:?}"),
            };
            assert_eq!(codec, expected, "{compression} of {}", column.column_path());
        }
        assert_eq!(done.table.rows.len(), 3, "{compression}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_groups_have_about_as_many_rows_as_asked() {
    let mut text = "n\n".to_owned();
    for n in 0..50_000 {
        writeln!(text, "{n}").unwrap();
    }
    for asked in [10_000, 20_480] {
        let options =
            writing(WriteOptions { row_group_rows: Some(asked), ..WriteOptions::default() });
        let done = convert("a.csv", text.clone(), &options).await.unwrap();
        let groups = done.table.row_groups();
        let about = i64::try_from(asked).unwrap();
        let (last, whole) = groups.split_last().expect("a row group");
        // DuckDB hands rows on in batches of up to 2,048.
        let tolerated = about..about + 2048;
        assert!(whole.iter().all(|rows| tolerated.contains(rows)), "{asked}: {groups:?}");
        assert!(*last < tolerated.end, "{asked}: {groups:?}");
        assert_eq!(groups.iter().sum::<i64>(), 50_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_carries_the_plan_and_its_digest() {
    let done = converted("a.csv", TYPES).await;

    let text = done.table.metadata(PLAN_METADATA_KEY).expect("a plan");
    let plan: Plan = serde_json::from_str(text).unwrap();
    assert_eq!(plan, done.receipt.plan);
    assert_eq!(plan.columns.len(), 10);
    assert_eq!(plan.source.format, "csv");
    assert_eq!(plan.source.size_bytes, TYPES.len() as u64);
    let digest = done.table.metadata(PLAN_DIGEST_METADATA_KEY).expect("a digest");
    assert_eq!(digest, done.receipt.plan_digest);
    assert_eq!(digest, format!("sha256:{}", sha256(text.as_bytes())));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_describes_the_object_that_was_written() {
    let done = converted("a.csv", TYPES).await;

    let bytes = done.scene.get(OUTPUT).await;
    let [output] = done.receipt.outputs.as_slice() else { panic!("{:?}", done.receipt.outputs) };
    assert_eq!(output.role, "data");
    assert_eq!(output.size_bytes, bytes.len() as u64);
    assert_eq!(output.sha256, sha256(&bytes));
    assert_eq!((output.rows, output.row_groups), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_plan_is_the_same_every_time() {
    let scene = Scene::memory();
    scene.put("a.csv", TYPES).await;
    let first = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();
    let bytes = scene.get(OUTPUT).await;
    let scene = Scene { if_exists: tundra_core::IfExists::Replace, threads: 1, ..scene };
    let second = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();

    assert_ne!(first.run, second.run);
    assert_eq!(first.plan_digest, second.plan_digest);
    assert_eq!(bytes, scene.get(OUTPUT).await);
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
