//! An output that is encrypted: it holds what a plain one does, and shows nothing without its key.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tundra_core::{
    BadRowPolicy, BloomFilters, Cancel, Classify, Compression, Control, ConvertOptions,
    EncryptionKey, Error, ErrorKind, FilesOptions, ManyInputs, OutputFormat, Reader, Stage,
    WriteOptions,
};

use crate::support::{CancelAt, OUTPUT, Scene, Table, writing};

const KEY: &str = "00112233445566778899aabbccddeeff";

fn key(text: &str) -> EncryptionKey {
    text.parse().unwrap()
}

fn encrypted(options: WriteOptions) -> ConvertOptions {
    writing(WriteOptions { encryption: Some(key(KEY)), ..options })
}

/// Rows of several row groups, with every kind of nesting, nulls and empty values.
fn records() -> String {
    let mut text = String::new();
    for n in 0_u32..6000 {
        let tags = match n % 4 {
            0 => "null".to_owned(),
            1 => "[]".to_owned(),
            2 => format!("[{n}, null]"),
            _ => format!("[{n}, 1, 2]"),
        };
        let who = if n % 5 == 0 {
            "null".to_owned()
        } else {
            format!(r#"{{"name": "Ada {}", "ages": [[{n}], []]}}"#, n % 7)
        };
        let (flag, day) = (n % 2 == 0, n % 28 + 1);
        let amount = if n % 3 == 0 { "null".to_owned() } else { format!("{n}.25") };
        writeln!(
            text,
            r#"{{"n": {n}, "flag": {flag}, "amount": {amount}, "day": "2024-02-{day:02}", "text": "{}", "tags": {tags}, "who": {who}, "id": "6d1f6e0e-0000-4000-8000-{n:012}"}}"#,
            "wort ".repeat(n as usize % 3),
        )
        .unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_file_holds_what_a_plain_one_does() {
    let scene = Scene::memory();
    scene.put("a.ndjson", records()).await;
    let groups = WriteOptions { row_group_rows: Some(2048), ..WriteOptions::default() };
    scene.convert_to("a.ndjson", "plain.parquet", &writing(groups.clone())).await.unwrap();
    let plain = scene.table("plain.parquet").await;
    let schema =
        |table: &Table| table.metadata.file_metadata().schema_descr().root_schema().clone();

    for (number, (compression, text)) in [
        (Compression::Zstd(None), KEY.to_owned()),
        (Compression::Zstd(Some(9)), KEY.repeat(2)),
        (Compression::Snappy, KEY.to_owned()),
        (Compression::Gzip, KEY.to_owned()),
        (Compression::Lz4, KEY.to_owned()),
        (Compression::None, KEY.repeat(2)),
    ]
    .into_iter()
    .enumerate()
    {
        let encryption = Some(key(&text));
        let options = writing(WriteOptions { compression, encryption, ..groups.clone() });
        let name = format!("{number}.parquet");
        let receipt = scene.convert_to("a.ndjson", &name, &options).await.unwrap();

        let bytes = scene.get(&name).await;
        let found = Table::decrypted(bytes.clone(), &key(&text)).unwrap();
        assert!(found.rows == plain.rows, "{compression}");
        assert_eq!((&found.names, &found.types), (&plain.names, &plain.types));
        assert_eq!(schema(&found), schema(&plain), "{compression}");
        assert_eq!(found.metadata.num_row_groups(), plain.metadata.num_row_groups());
        let output = &receipt.outputs[0];
        assert_eq!(output.row_groups, found.metadata.num_row_groups() as u64);
        assert_eq!((output.rows, output.size_bytes), (6000, bytes.len() as u64));
        let digest: String =
            Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(output.sha256, digest);
        let decisions = &receipt.plan.decisions;
        let told = decisions.iter().find(|decision| decision.what == "encryption").unwrap();
        assert_eq!(told.value, format!("AES-GCM, {} bits", text.len() * 4));
        assert!(!serde_json::to_string(&receipt).unwrap().contains(KEY));
        let metadata = found.metadata.file_metadata().key_value_metadata().unwrap();
        assert!(metadata.iter().any(|pair| pair.key == "tundra.plan"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_shows_without_the_key() {
    let scene = Scene::memory();
    scene.put("a.csv", "secret_name,place\nAugusta,London\nGrace,New York\n").await;
    let metadata = vec![("owner".to_owned(), "somebody".to_owned())];
    let none = WriteOptions { compression: Compression::None, metadata, ..WriteOptions::default() };
    let options = encrypted(none);

    scene.convert("a.csv", &options).await.unwrap();
    let bytes = scene.get(OUTPUT).await;

    assert_eq!((&bytes[..4], &bytes[bytes.len() - 4..]), (&b"PARE"[..], &b"PARE"[..]));
    let shows = |word: &str| bytes.windows(word.len()).any(|it| it == word.as_bytes());
    for word in ["secret_name", "Augusta", "York", "a.csv", "tundra", "owner", "somebody"] {
        assert!(!shows(word), "{word}");
    }
    assert_eq!(Table::decrypted(bytes.clone(), &key(KEY)).unwrap().rows.len(), 2);
    let other = "ff112233445566778899aabbccddeeff";
    assert!(Table::decrypted(bytes.clone(), &key(other)).is_err());
    assert!(Table::decrypted(bytes.clone(), &key(&KEY.repeat(2))).is_err());
    // Its random numbers are new each time.
    scene.convert_to("a.csv", "again.parquet", &options).await.unwrap();
    assert_ne!(scene.get("again.parquet").await, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_with_a_key_is_refused_before_anything_is_read() {
    let scene = Scene::memory();
    scene.put("a.csv", "a,b\n1,2\n").await;
    let plain = WriteOptions::default;
    let files = FilesOptions { max_size: Some(1 << 20), ..FilesOptions::default() };
    for (options, word) in [
        (encrypted(WriteOptions { files, ..plain() }), "several files"),
        (encrypted(WriteOptions { compression: Compression::Brotli, ..plain() }), "brotli"),
        (
            encrypted(WriteOptions { bloom_filters: BloomFilters::Share(0.1), ..plain() }),
            "--bloom-filters",
        ),
        (encrypted(WriteOptions { readers: vec![Reader::Spark], ..plain() }), "--for"),
        (ConvertOptions { output_format: OutputFormat::Csv, ..encrypted(plain()) }, "csv"),
        (ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..encrypted(plain()) }, "reject"),
    ] {
        let error = scene.convert("a.csv", &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{word}");
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert!(!error.hints().is_empty(), "{word}");
    }
    assert_eq!(scene.names().await, ["a.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_input_is_named_as_such() {
    let scene = Scene::memory();
    scene.put("a.csv", "a,b\n1,2\n").await;
    scene.convert("a.csv", &encrypted(WriteOptions::default())).await.unwrap();

    let error =
        scene.convert_to(OUTPUT, "b.parquet", &ConvertOptions::default()).await.unwrap_err();

    assert!(matches!(error, Error::EncryptedParquet { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // A text that begins like it is a text.
    scene.put("c", "PARENT,b\n1,2\n").await;
    scene.convert_to("c", "c.parquet", &ConvertOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_rows_or_of_many_columns_is_encrypted_too() {
    let header: Vec<String> = (0..300).map(|column| format!("column_{column}")).collect();
    for (text, rows) in
        [("a,b\n".to_owned(), 0), (format!("{}\n{}\n", header.join(","), ["x"; 300].join(",")), 1)]
    {
        let scene = Scene::memory();
        scene.put("a.csv", Bytes::from(text)).await;
        scene.convert("a.csv", &encrypted(WriteOptions::default())).await.unwrap();
        let found = Table::decrypted(scene.get(OUTPUT).await, &key(KEY)).unwrap();
        assert_eq!(found.rows.len(), rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_queries_and_tables_of_several_inputs_are_encrypted_too() {
    let scene = Scene::memory();
    scene.put("a.csv", "a,b\n1,x\n2,y\n").await;
    scene.put("b.csv", "a,b\n3,z\n").await;
    let options = encrypted(WriteOptions::default());

    let sql = "SELECT a, b, gen_random_uuid() AS id, [a] AS list FROM input ORDER BY a DESC";
    let answer = scene.query_into("a.csv", sql, "answer.parquet", &options).await.unwrap();
    let bytes = scene.get("answer.parquet").await;
    assert_eq!((answer.rows, answer.size_bytes), (2, bytes.len() as u64));
    let found = Table::decrypted(bytes, &key(KEY)).unwrap();
    assert_eq!(found.row(0)[..2], [Some("2"), Some("y")]);
    let csv = ConvertOptions { output_format: OutputFormat::Csv, ..options.clone() };
    let error = scene.query_into("a.csv", sql, "answer.csv", &csv).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");

    let inputs = ManyInputs::new("all", vec![scene.input("a.csv"), scene.input("b.csv")]);
    scene.convert_many(&inputs, &options).await.unwrap();
    let found = Table::decrypted(scene.get(OUTPUT).await, &key(KEY)).unwrap();
    assert_eq!(found.row(2), [Some("3"), Some("z")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_it_encrypts_leaves_nothing() {
    let cancel = Cancel::default();
    let reporter = CancelAt { stage: Stage::Verifying, cancel: cancel.clone() };
    let control = Control { reporter: Arc::new(reporter), cancel, timeout: None };
    let scene = Scene { control, ..Scene::local() };
    scene.put("a.csv", "a,b\n1,2\n").await;
    let error = scene.convert("a.csv", &encrypted(WriteOptions::default())).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(scene.names().await, ["a.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_meanwhile_stays_within_its_limit() {
    let scene = Scene { max_temp_size: 20_000, ..Scene::memory() };
    scene.put("a.ndjson", records()).await;
    for options in [
        encrypted(WriteOptions::default()),
        ConvertOptions { output_format: OutputFormat::Csv, ..ConvertOptions::default() },
    ] {
        let error = scene.convert("a.ndjson", &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        assert_eq!(scene.names().await, ["a.ndjson"]);
    }
}
