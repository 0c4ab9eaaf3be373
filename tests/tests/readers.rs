//! What is said of readers of Parquet is so, and what is written for one it takes.

mod cases;

use std::{ffi::OsStr, path::Path, sync::Arc};

use serde::Deserialize;
use tundra_core::{
    Cancel, Classify, Control, ConvertOptions, Error, ErrorKind, Finding, Input, Reader, Resources,
    Severity, Silent, WriteOptions, engine,
};
use tundra_tests::python;

use self::cases::{CASES, Case, FAR, FOREIGN, Within};
use crate::support::{Folder, convert};

/// Those that can be run here.
const RUN: [Reader; 3] = [Reader::Polars, Reader::Pandas, Reader::ClickHouse];

const READ: &str = include_str!("readers/read.py");

/// What a reader made of a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Value(Option<String>),
    Refused(String),
}

/// Has readers read files, each by its path, and returns what they made of the first row.
fn answers(asked: &[(Reader, &Path)]) -> Vec<Answer> {
    let args =
        asked.iter().flat_map(|(reader, path)| [OsStr::new(reader.name()), path.as_os_str()]);
    let printed = python::run(READ, args.collect::<Vec<_>>()).unwrap();
    // ClickHouse prints by itself as it ends.
    let line = printed.lines().find(|line| line.starts_with('[')).expect("a line of answers");
    serde_json::from_str(line).unwrap()
}

/// Returns what is said of a file.
async fn checked(path: &Path, readers: &[Reader]) -> Vec<Finding> {
    let (storage, path) = tundra_storage::resolve(path).unwrap();
    let resources = Resources {
        threads: 2,
        memory: 1 << 30,
        temp_directory: std::env::temp_dir(),
        max_temp_size: 1 << 30,
    };
    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    let input = Input { storage, path };
    engine::check(&input, readers, &resources, &control).await.unwrap().findings
}

fn for_readers(readers: &[Reader]) -> ConvertOptions {
    let writing = WriteOptions { readers: readers.to_vec(), ..WriteOptions::default() };
    ConvertOptions { writing, ..ConvertOptions::default() }
}

/// Converts a case for readers, and returns what is said of the output, or why there is none.
async fn converted(
    folder: &Folder,
    case: &Case,
    within: Within,
    readers: &[Reader],
) -> Result<Vec<Finding>, Error> {
    let name = format!("{}-{within:?}", case.name);
    let (input, output) = (folder.path(&format!("{name}.in.parquet")), folder.path(&name));
    case.write(&input, within);
    convert(&input, &output, &for_readers(readers)).await?;
    Ok(checked(&output, readers).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_readers_is_what_they_do() {
    let folder = Folder::new();
    let cases: Vec<&Case> = CASES.iter().chain(FAR).chain(FOREIGN).collect();
    let paths: Vec<_> = cases.iter().map(|case| folder.path(case.name)).collect();
    let mut asked = Vec::new();
    for (case, path) in cases.iter().zip(&paths) {
        case.write(path, Within::Nothing);
        asked.extend(RUN.map(|reader| (reader, path.as_path())));
    }
    let mut wrong = Vec::new();
    for ((answers, case), path) in answers(&asked).chunks(RUN.len()).zip(&cases).zip(&paths) {
        for (answer, reader) in answers.iter().zip(RUN) {
            let said = checked(path, &[reader]).await.iter().map(|it| it.severity).max();
            let done = match answer {
                Answer::Refused(_) => Some(Severity::Refuses),
                Answer::Value(value) if value.as_deref() == Some(case.plain) => None,
                // Where there is no telling how it would be shown, that it is shown says enough.
                Answer::Value(_) if case.plain.is_empty() => None,
                Answer::Value(_) => Some(Severity::Differs),
            };
            // Whether a value that differs is lost is for people to say.
            let said_done = match said {
                Some(Severity::Loses) => Some(Severity::Differs),
                other => other,
            };
            if said_done != done {
                wrong.push(format!("{} in {reader}: said {said:?}, but {answer:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_that_is_written_for_a_reader_passes_its_check() {
    for reader in Reader::ALL {
        let folder = Folder::new();
        for case in CASES {
            for within in [Within::Nothing, Within::List, Within::Struct] {
                let found = converted(&folder, case, within, &[reader]).await;
                let found = found.unwrap_or_else(|error| {
                    panic!("{} {within:?} for {reader}: {error:?}", case.name)
                });
                let bad = found.iter().find(|finding| finding.severity.is_bad());
                assert!(bad.is_none(), "{} {within:?} for {reader}: {bad:?}", case.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_can_be_written_for_all_readers_at_once() {
    let folder = Folder::new();
    for case in CASES {
        let found = converted(&folder, case, Within::Nothing, &Reader::ALL).await;
        let found = found.unwrap_or_else(|error| panic!("{}: {error:?}", case.name));
        let bad = found.iter().find(|finding| finding.severity.is_bad());
        assert!(bad.is_none(), "{}: {bad:?}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_for_a_reader_it_reads_with_the_same_value() {
    /// What becomes another type there, every value of which arrives, and nothing could be better.
    const TOLD: [(Reader, &str); 6] = [
        (Reader::ClickHouse, "time_ms"),
        (Reader::ClickHouse, "time_us"),
        (Reader::ClickHouse, "time_ns"),
        (Reader::ClickHouse, "ts_ms"),
        (Reader::ClickHouse, "ts_us"),
        (Reader::ClickHouse, "ts_ns"),
    ];
    let folders: Vec<(Reader, Folder)> = RUN.map(|reader| (reader, Folder::new())).into();
    let mut paths = Vec::new();
    for (reader, folder) in &folders {
        for case in CASES.iter().filter(|case| !TOLD.contains(&(*reader, case.name))) {
            converted(folder, case, Within::Nothing, &[*reader]).await.unwrap();
            paths.push((*reader, case, folder.path(&format!("{}-Nothing", case.name))));
        }
    }
    let asked: Vec<_> = paths.iter().map(|(reader, _, path)| (*reader, path.as_path())).collect();
    for (answer, (reader, case, _)) in answers(&asked).iter().zip(&paths) {
        match answer {
            Answer::Value(value) => {
                assert_eq!(value.as_deref(), Some(case.plain), "{} in {reader}", case.name);
            }
            Answer::Refused(why) => panic!("{} in {reader}: {why}", case.name),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_beyond_the_range_of_a_reader_are_refused_before_they_are_seen() {
    for (case, reader) in [
        (&FAR[0], Reader::Pandas),
        (&FAR[0], Reader::ClickHouse),
        (&FAR[0], Reader::BigQuery),
        (&FAR[1], Reader::ClickHouse),
        (&FAR[2], Reader::Pandas),
    ] {
        let folder = Folder::new();
        let error = converted(&folder, case, Within::Nothing, &[reader]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.to_string().contains(reader.title()), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("--type c=")), "{error:?}");
        assert_eq!(folder.names(), [format!("{}-Nothing.in.parquet", case.name)]);
    }
}

/// Writes a file for each codec, and prints what the three readers make of it.
const CODECS: &str = r#"
import sys
import pyarrow as pa, pyarrow.parquet
for path in sys.argv[1:]:
    codec = path.rsplit("/", 1)[-1]
    table = pa.table({"c": pa.array(["a"] * 1000)})
    pa.parquet.write_table(table, path, compression=codec, use_dictionary=False)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn codecs_are_read_by_those_that_are_said_to() {
    let folder = Folder::new();
    let codecs = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"];
    let paths = codecs.map(|codec| folder.path(codec));
    python::run(CODECS, &paths).unwrap();
    let asked: Vec<_> =
        RUN.iter().flat_map(|reader| paths.iter().map(|path| (*reader, path.as_path()))).collect();
    for (answer, (reader, path)) in answers(&asked).iter().zip(&asked) {
        assert!(matches!(answer, Answer::Value(Some(text)) if text == "a"), "{reader}: {answer:?}");
        assert!(checked(path, &[*reader]).await.is_empty(), "{reader}: {}", path.display());
    }
    let said = checked(&paths[3], &[Reader::Spark, Reader::BigQuery, Reader::Snowflake]).await;
    let refused: Vec<_> = said.iter().map(|it| (it.reader, it.what.as_str())).collect();
    assert_eq!(refused, [(Reader::Spark, "codec brotli"), (Reader::BigQuery, "codec brotli")]);
}

/// Writes files with names of columns that readers mind.
const NAMES: &str = r#"
import sys
import pyarrow as pa, pyarrow.parquet
names = {"twice": ["c", "c"], "cases": ["c", "C"], "empty": ["c", ""], "odd": ["c", "a b;{}\n,=é\"`"]}
for path in sys.argv[1:]:
    columns = names[path.rsplit("/", 1)[-1]]
    table = pa.Table.from_arrays([pa.array(["a"])] * 2, names=columns)
    pa.parquet.write_table(table, path, store_schema=False)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn names_are_minded_by_those_that_are_said_to() {
    let folder = Folder::new();
    let paths = ["twice", "cases", "empty", "odd"].map(|name| folder.path(name));
    python::run(NAMES, &paths).unwrap();
    let asked: Vec<_> =
        RUN.iter().flat_map(|reader| paths.iter().map(|path| (*reader, path.as_path()))).collect();
    let mut wrong = Vec::new();
    for (answer, (reader, path)) in answers(&asked).iter().zip(&asked) {
        let said = checked(path, &[*reader]).await;
        if said.is_empty() == matches!(answer, Answer::Refused(_)) {
            wrong.push(format!("{} in {reader}: said {said:?}, but {answer:?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
