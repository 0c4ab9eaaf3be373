//! Outputs of several files: cut by their size, put into the directories of partitions, all of them there or
//! none.

use std::fmt::Write as _;

use parquet::basic::{Compression as Codec, Repetition};
use tundra_core::{
    BadRowPolicy, Classify, Compression, ConvertOptions, Error, ErrorKind, FilesOptions, IfExists,
    OutputFormat, Receipt, TypePolicy, WriteOptions,
};

use crate::support::{OUTPUT, Scene, convert, path, writing};

/// Texts that are hard to compress, and few.
fn random_words(rows: u64) -> String {
    let mut text = "n,kind,word\n".to_owned();
    let mut state = 88_172_645_463_325_252_u64;
    for n in 0..rows {
        let mut word = String::new();
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            write!(word, "{state:016x}").unwrap();
        }
        let kind = ["a", "b", "", "d/e"][usize::try_from(state % 4).unwrap()];
        writeln!(text, "{n},{kind},{word}").unwrap();
    }
    text
}

fn sized(max_size: u64) -> FilesOptions {
    FilesOptions { max_size: Some(max_size), ..FilesOptions::default() }
}

fn partitioned(columns: &[&str]) -> FilesOptions {
    FilesOptions {
        partition_by: columns.iter().map(|column| (*column).to_owned()).collect(),
        in_directory: true,
        ..FilesOptions::default()
    }
}

fn with(files: FilesOptions) -> ConvertOptions {
    writing(WriteOptions { files, ..WriteOptions::default() })
}

/// Returns the places of the data in a store in memory, as the receipt tells them.
fn places(receipt: &Receipt) -> Vec<&str> {
    let data = receipt.outputs.iter().filter(|output| output.role == "data");
    data.map(|data| data.location.strip_prefix("memory://").unwrap()).collect()
}

/// Returns every name in the store but the inputs'.
async fn written(scene: &Scene) -> Vec<String> {
    let objects = scene.storage.list(None).await.unwrap();
    let names = objects.iter().map(|object| object.path.as_str().to_owned());
    names.filter(|name| !name.starts_with("in.")).collect()
}

/// Converts a text and returns what is in the store.
async fn split(text: &str, output: &str, options: &ConvertOptions) -> (Scene, Receipt) {
    let scene = Scene::memory();
    scene.put("in.csv", text.to_owned()).await;
    let receipt = scene.convert_to("in.csv", output, options).await.unwrap();
    (scene, receipt)
}

/// Fails to convert a text, which leaves nothing.
async fn refused(text: &str, output: &str, options: &ConvertOptions) -> Error {
    let scene = Scene::memory();
    scene.put("in.csv", text.to_owned()).await;
    let error = scene.convert_to("in.csv", output, options).await.unwrap_err();
    assert_eq!(written(&scene).await, [""; 0], "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_larger_than_asked_and_the_rows_go_on_in_order() {
    const MAX: u64 = 200_000;
    let text = random_words(30_000);
    let whole = convert("in.csv", text.clone(), &ConvertOptions::default()).await.unwrap();

    let (scene, receipt) = split(&text, OUTPUT, &with(sized(MAX))).await;

    let names = written(&scene).await;
    assert!(names.len() > 4, "{names:?}");
    let numbered: Vec<_> = (1..=names.len()).map(|n| format!("out-{n:05}.parquet")).collect();
    assert_eq!(names, numbered);
    let mut rows = Vec::new();
    for (name, facts) in names.iter().zip(&receipt.outputs) {
        let bytes = scene.get(name).await;
        assert!(bytes.len() as u64 <= MAX, "{name} has {}", bytes.len());
        assert_eq!(facts.size_bytes, bytes.len() as u64, "{name}");
        let table = scene.table(name).await;
        assert_eq!(facts.rows, table.rows.len() as u64, "{name}");
        assert_eq!(facts.row_groups, table.row_groups().len() as u64, "{name}");
        assert_eq!(table.metadata("tundra.plan_digest"), Some(&*receipt.plan_digest));
        rows.extend(table.rows);
    }
    assert_eq!(rows, whole.table.rows);
    assert_eq!(receipt.counts.written, 30_000);
    // They are about as large as each other, and not much smaller than they may be.
    let sizes = receipt.outputs.iter().map(|output| output.size_bytes);
    assert!(sizes.clone().min().unwrap() > MAX / 2, "{:?}", sizes.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_file_has_a_number_as_well() {
    let (scene, receipt) = split("a\n1\n", OUTPUT, &with(sized(1 << 20))).await;
    assert_eq!(written(&scene).await, ["out-00001.parquet"]);
    assert_eq!(receipt.outputs.len(), 1);
    let options = with(FilesOptions { in_directory: true, ..sized(1 << 20) });
    let (scene, _) = split("a\n1\n", "out/of", &options).await;
    assert_eq!(written(&scene).await, ["out/of/part-00001.parquet"]);
    let (scene, _) = split("a\n", "nothing", &with(sized(1 << 20))).await;
    assert_eq!(written(&scene).await, ["nothing-00001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_take_more_than_others_make_files_of_fewer_rows() {
    const MAX: u64 = 100_000;
    let mut text = "n,word\n".to_owned();
    let words = random_words(4000);
    for (n, line) in words.lines().skip(1).enumerate() {
        // The later, the longer.
        writeln!(text, "{n},{}", line.replace(',', "").repeat(n / 1000 + 1)).unwrap();
    }
    let (scene, receipt) = split(&text, OUTPUT, &with(sized(MAX))).await;
    let rows: u64 = receipt.outputs.iter().map(|output| output.rows).sum();
    assert_eq!(rows, 4000);
    for name in written(&scene).await {
        assert!(scene.get(&name).await.len() as u64 <= MAX, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_small_enough_is_told() {
    let text = format!("n,word\n1,{}\n", random_words(400).replace(['\n', ','], ""));
    let error = refused(&text, OUTPUT, &with(sized(10_000))).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("one row"), "{error}");
    let error = refused("a\n1\n", OUTPUT, &with(sized(100))).await;
    assert!(error.to_string().contains("metadata"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_value_are_in_its_directory_in_their_order() {
    let text = "place,country,n\n1,DE,7\n2,,8\n3,FR,\n4,DE,9\n5,a/../b,1\n6,,2\n7,\"10%\",3\n";

    let (scene, receipt) = split(text, "out", &with(partitioned(&["country"]))).await;

    let null = "out/country=__HIVE_DEFAULT_PARTITION__/part-00001.parquet";
    let mut expected = [
        ("out/country=10%25/part-00001.parquet", &["7"][..]),
        ("out/country=DE/part-00001.parquet", &["1", "4"]),
        ("out/country=FR/part-00001.parquet", &["3"]),
        ("out/country=a%2F..%2Fb/part-00001.parquet", &["5"]),
        (null, &["2", "6"]),
    ];
    assert_eq!(places(&receipt), expected.map(|(name, _)| name));
    expected.sort_unstable();
    assert_eq!(written(&scene).await, expected.map(|(name, _)| name));
    for (name, found) in expected {
        let table = scene.table(name).await;
        assert_eq!(table.names, ["place", "n"], "{name}");
        assert_eq!(table.column("place"), found.iter().map(|it| Some(*it)).collect::<Vec<_>>());
    }
    let nulls: Vec<_> = receipt.columns.iter().map(|it| (&*it.name, it.nulls)).collect();
    assert_eq!(nulls, [("place", Some(0)), ("country", Some(2)), ("n", Some(1))]);
    let decision = receipt.plan.decisions.iter().find(|it| it.what == "partitions").unwrap();
    assert_eq!(decision.value, "country");
    assert!(!receipt.plan.decisions.iter().any(|it| it.what == "order"));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_have_partitions_and_are_sorted_and_cut() {
    const MAX: u64 = 150_000;
    let options = writing(WriteOptions {
        sort_by: vec!["n desc".parse().unwrap()],
        files: FilesOptions {
            in_directory: true,
            ..FilesOptions { max_size: Some(MAX), ..partitioned(&["kind"]) }
        },
        ..WriteOptions::default()
    });

    let (scene, receipt) = split(&random_words(20_000), "out", &options).await;

    let mut last: Option<(&str, u64)> = None;
    let mut rows = 0;
    for (name, facts) in places(&receipt).into_iter().zip(&receipt.outputs) {
        assert!(facts.size_bytes <= MAX, "{name} has {}", facts.size_bytes);
        let (directory, file) = name.rsplit_once('/').unwrap();
        let table = scene.table(name).await;
        rows += table.rows.len();
        for n in table.column("n") {
            let n: u64 = n.unwrap().parse().unwrap();
            let is_next = last.is_none_or(|(other, before)| other != directory || n < before);
            assert!(is_next, "{n} follows {last:?} in {name}");
            last = Some((directory, n));
        }
        assert!(file.starts_with("part-0000"), "{file}");
    }
    assert_eq!(rows, 20_000);
    let count = |what: &str| places(&receipt).iter().filter(|name| name.contains(what)).count();
    assert!(count("kind=a/") > 1, "{:?}", places(&receipt));
    assert_eq!(
        count("kind=d%2Fe/") + count("kind=a/") + count("kind=b/") + count("HIVE"),
        receipt.outputs.len()
    );

    let text = "a,b,c\n1,x,1\n2,x,2\n1,y,3\n1,x,4\n";
    let (scene, _) = split(text, "out", &with(partitioned(&["b", "a"]))).await;
    let names = ["out/b=x/a=1/", "out/b=x/a=2/", "out/b=y/a=1/"];
    assert_eq!(written(&scene).await, names.map(|name| format!("{name}part-00001.parquet")));
    let table = scene.table("out/b=x/a=1/part-00001.parquet").await;
    assert_eq!(table.rows, [[Some("1".to_owned())], [Some("4".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_run_writes_the_same_bytes_on_any_number_of_threads() {
    let text = random_words(150_000);
    for (output, files) in [
        (OUTPUT, sized(2 << 20)),
        ("out", partitioned(&["kind"])),
        ("out", FilesOptions { max_size: Some(1 << 20), ..partitioned(&["kind"]) }),
    ] {
        let mut runs = Vec::new();
        for threads in [1, 4, 3] {
            // The tag of the input stands in the plan.
            let scene = Scene { if_exists: IfExists::Replace, threads, ..Scene::memory() };
            scene.put("in.csv", text.clone()).await;
            let receipt = scene.convert_to("in.csv", output, &with(files.clone())).await.unwrap();
            let digests = receipt.outputs.into_iter().map(|it| (it.location, it.rows, it.sha256));
            runs.push((receipt.plan_digest, digests.collect::<Vec<_>>()));
        }
        assert!(runs[0].1.len() > 2, "{:?}", runs[0].1);
        assert!(runs.windows(2).all(|pair| pair[0] == pair[1]), "{runs:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_the_same_in_several_files_as_in_one() {
    let text = "{\"i\": 1, \"f\": 0.5, \"d\": 1.25, \"t\": \"x\", \"b\": true, \"day\": \"2024-02-29\", \
                \"at\": \"2024-02-29T12:30:00.5Z\", \"u\": \"8c9e7d0e-4f5b-4e0f-9b1a-2d3c4b5a6978\", \
                \"l\": [1, null], \"s\": {\"a\": 1, \"b\": [\"x\"]}, \"j\": {\"k\": 1}, \"raw\": \"00ff\", \
                \"clock\": \"12:30:00\", \"big\": 12345678901234567890123456789012345678}\n{\"i\": 2}\n";
    let overrides = [
        ("f", "DOUBLE"),
        ("d", "DECIMAL(38,4)"),
        ("j", "JSON"),
        ("raw", "BLOB"),
        ("u", "UUID"),
        ("clock", "TIME"),
        ("big", "DECIMAL(38,0)"),
        ("at", "TIMESTAMPTZ"),
    ];
    let options = |files| ConvertOptions {
        type_overrides: overrides
            .map(|(name, kind)| (name.to_owned(), kind.parse().unwrap()))
            .to_vec(),
        ..with(files)
    };
    let whole = convert("in.ndjson", text, &options(FilesOptions::default())).await.unwrap();
    let schema = |table: &crate::support::Table| {
        let fields = table.metadata.file_metadata().schema_descr().root_schema().get_fields();
        // A column without nulls is required where DuckDB has read it from a file.
        format!("{fields:?}").replace("REQUIRED", "OPTIONAL")
    };
    for (output, files, name) in [
        (OUTPUT, sized(1 << 20), "out-00001.parquet"),
        ("out", partitioned(&["i"]), "out/i=1/part-00001.parquet"),
    ] {
        let scene = Scene::memory();
        scene.put("in.ndjson", text).await;
        scene.convert_to("in.ndjson", output, &options(files)).await.unwrap();
        let part = scene.table(name).await;
        let first = usize::from(output != OUTPUT);
        assert_eq!(part.types, whole.table.types[first..]);
        assert_eq!(part.row(0), whole.table.row(0)[first..]);
        if first == 0 {
            assert_eq!(schema(&part), schema(&whole.table));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_that_has_a_text_make_directories() {
    let text = "keep,n,d,day,at,flag\n1,-7,1.50,2024-02-29,2024-02-29 12:30:00.5,true\n";
    for (column, directory) in [
        ("n", "n=-7"),
        ("day", "day=2024-02-29"),
        ("at", "at=2024-02-29 12%3A30%3A00.5"),
        ("flag", "flag=true"),
    ] {
        let options = ConvertOptions {
            type_overrides: vec![("d".to_owned(), "DECIMAL(9,2)".parse().unwrap())],
            ..with(partitioned(&[column]))
        };
        let (scene, _) = split(text, "out", &options).await;
        assert_eq!(written(&scene).await, [format!("out/{directory}/part-00001.parquet")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_input_is_cut_and_partitioned() {
    let scene = Scene::memory();
    // One of them has the name by which rows are numbered, another those by which columns are called.
    scene.put("in.csv", "c1,c0,file_row_numbers\n2,x,a\n1,y,b\n3,x,c\n").await;
    scene.convert_to("in.csv", "in.parquet", &ConvertOptions::default()).await.unwrap();
    let options = ConvertOptions {
        column_mapping: vec![("c0".to_owned(), "kind".to_owned())],
        ..with(partitioned(&["kind"]))
    };
    scene.convert_to("in.parquet", "out", &options).await.unwrap();
    assert_eq!(
        written(&scene).await,
        ["out/kind=x/part-00001.parquet", "out/kind=y/part-00001.parquet"]
    );
    let table = scene.table("out/kind=x/part-00001.parquet").await;
    assert_eq!(table.row(0), [Some("2"), Some("a")]);
    assert_eq!(table.row(1), [Some("3"), Some("c")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_numbers_of_rows_is_not_free() {
    let text = "File_Row_Number,kind\n9,x\n8,y\n";
    let error = refused(text, "out", &with(partitioned(&["kind"]))).await;
    assert!(error.to_string().contains("`File_Row_Number`"), "{error}");
    assert!(error.hints()[0].contains("--rename"), "{error}");
    let renamed = ConvertOptions {
        column_mapping: vec![("File_Row_Number".to_owned(), "n".to_owned())],
        ..with(partitioned(&["kind"]))
    };
    let (scene, _) = split(text, "out", &renamed).await;
    assert_eq!(scene.table("out/kind=y/part-00001.parquet").await.row(0), [Some("8")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_partitions_is_refused() {
    let by = |columns: &[&str]| with(partitioned(columns));
    let typed = |name: &str, kind: &str, options: ConvertOptions| ConvertOptions {
        type_overrides: vec![(name.to_owned(), kind.parse().unwrap())],
        ..options
    };
    for (text, options, told) in [
        ("a,b\n1,2\n", by(&["c"]), "`c`"),
        ("a,b\n1,2\n", by(&["a", "b"]), "every column"),
        ("a,b\n1,2\n", by(&["a", "a"]), "twice"),
        ("a,b\n1,2\n", typed("a", "DOUBLE", by(&["a"])), "DOUBLE"),
        (
            "a,b\n1,2\n",
            with(FilesOptions { in_directory: false, ..partitioned(&["a"]) }),
            "directories",
        ),
        (
            "a,b\n1,2\n",
            with(FilesOptions { in_directory: true, ..FilesOptions::default() }),
            "directory",
        ),
        (
            "a,b\n1,2\n2,2\n3,2\n",
            with(FilesOptions { max_partitions: Some(2), ..partitioned(&["a"]) }),
            "more than 2",
        ),
        ("a,b\n__HIVE_DEFAULT_PARTITION__,2\n", by(&["a"]), "means a null"),
    ] {
        let error = refused(text, "out", &options).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    let exactly = with(FilesOptions { max_partitions: Some(2), ..partitioned(&["a"]) });
    let (_, receipt) = split("a,b\n1,2\n2,2\n", "out", &exactly).await;
    assert_eq!(receipt.outputs.len(), 2);
    let text = "{\"a\": \"\", \"b\": 1}\n";
    let scene = Scene::memory();
    scene.put("in.ndjson", text).await;
    let error = scene.convert_to("in.ndjson", "out", &by(&["a"])).await.unwrap_err();
    assert!(error.to_string().contains("empty text"), "{error}");
    let csv = ConvertOptions { output_format: OutputFormat::Csv, ..with(sized(1)) };
    assert!(refused("a\n1\n", "out.csv", &csv).await.to_string().contains("one file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_partition_makes_no_file() {
    let (scene, receipt) = split("a,b\n", "out", &with(partitioned(&["a"]))).await;
    assert_eq!(written(&scene).await, [""; 0]);
    assert!(receipt.outputs.is_empty());
    assert_eq!(receipt.counts.written, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_kept_unless_it_may_be_replaced() {
    let scene = Scene::memory();
    scene.put("in.csv", "a,b\n1,2\n2,3\n").await;
    let partitions = with(partitioned(&["a"]));
    for present in ["out/a=1/part-00001.parquet", "out/_SUCCESS"] {
        scene.put(present, "precious").await;
        let error = scene.convert_to("in.csv", "out", &partitions).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert_eq!(written(&scene).await, [present]);
        scene.storage.delete(&path(present)).await.unwrap();
    }
    let scene = Scene { if_exists: IfExists::Replace, ..scene };
    scene.put("out/other.parquet", "precious").await;
    let error = scene.convert_to("in.csv", "out", &partitions).await.unwrap_err();
    assert!(error.to_string().contains("out/other.parquet"), "{error}");
    scene.storage.delete(&path("out/other.parquet")).await.unwrap();

    // What an earlier run wrote is replaced or goes; what else is there stays.
    for kept in ["out/_SUCCESS", "outer/part-00001.parquet"] {
        scene.put(kept, "precious").await;
    }
    for old in
        ["out/a=1/part-00001.parquet", "out/a=1/part-00002.parquet", "out/z=9/part-00001.parquet"]
    {
        scene.put(old, "old").await;
    }
    scene.convert_to("in.csv", "out", &partitions).await.unwrap();
    assert_eq!(
        written(&scene).await,
        [
            "out/_SUCCESS",
            "out/a=1/part-00001.parquet",
            "out/a=2/part-00001.parquet",
            "outer/part-00001.parquet",
        ]
    );
    assert_eq!(scene.table("out/a=1/part-00001.parquet").await.row(0), [Some("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_earlier_run_do_not_stand_beside_new_ones() {
    let scene = Scene::memory();
    scene.put("in.csv", "a,b\n1,2\n").await;
    let options = with(sized(1 << 20));
    scene.put("out-00002.parquet", "old").await;
    let error = scene.convert_to("in.csv", OUTPUT, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(written(&scene).await, ["out-00002.parquet"]);

    let scene = Scene { if_exists: IfExists::Replace, ..scene };
    scene.put("out-00003.parquet", "old").await;
    scene.put("out-00005.parquet", "of something else").await;
    scene.convert_to("in.csv", OUTPUT, &options).await.unwrap();
    assert_eq!(written(&scene).await, ["out-00001.parquet", "out-00005.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_taken_back_when_one_cannot_be_published() {
    let scene = Scene::local();
    scene.put("in.csv", random_words(20_000)).await;
    // In the way of the third file, and seen by nobody before.
    scene.put("out-00003.parquet", "precious").await;

    let error = scene.convert_to("in.csv", OUTPUT, &with(sized(200_000))).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(scene.names().await, ["in.csv", "out-00003.parquet"]);
    assert_eq!(scene.get("out-00003.parquet").await, "precious");
    assert_eq!(std::fs::read_dir(scene.temp.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_stand_beside_the_directory() {
    let options = ConvertOptions {
        on_bad_row: BadRowPolicy::Reject,
        types: TypePolicy::default(),
        ..with(partitioned(&["a"]))
    };
    let (scene, receipt) = split("a,b\n1,2\n1\n2,3\n", "lake/out", &options).await;
    assert_eq!(receipt.counts.rejected, 1);
    let names = [
        "lake/out/a=1/part-00001.parquet",
        "lake/out/a=2/part-00001.parquet",
        "lake/rejects.parquet",
    ];
    assert_eq!(written(&scene).await, names);
    let roles: Vec<_> = receipt.outputs.iter().map(|it| &*it.role).collect();
    assert_eq!(roles, ["data", "data", "rejects"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_is_written_and_reads_back() {
    let text = random_words(3000);
    let whole = convert("in.csv", text.clone(), &ConvertOptions::default()).await.unwrap();
    let scene = Scene { if_exists: IfExists::Replace, ..Scene::memory() };
    scene.put("in.csv", text).await;
    for (compression, is_it) in [
        (Compression::Gzip, (|codec| matches!(codec, Codec::GZIP(_))) as fn(Codec) -> bool),
        (Compression::Brotli, |codec| matches!(codec, Codec::BROTLI(_))),
        (Compression::Lz4, |codec| codec == Codec::LZ4_RAW),
    ] {
        for files in [FilesOptions::default(), sized(1 << 20)] {
            let name = if files.are_several() { "out-00001.parquet" } else { OUTPUT };
            let options = writing(WriteOptions { compression, files, ..WriteOptions::default() });
            let first = scene.convert_to("in.csv", OUTPUT, &options).await.unwrap();
            let again = scene.convert_to("in.csv", OUTPUT, &options).await.unwrap();
            assert_eq!(first.outputs[0].sha256, again.outputs[0].sha256, "{compression}");
            let reader = parquet::file::metadata::ParquetMetaDataReader::new();
            let footer = reader.parse_and_finish(&scene.get(name).await).unwrap();
            for column in footer.row_groups().iter().flat_map(|group| group.columns()) {
                assert!(is_it(column.compression()), "{compression}: {:?}", column.compression());
                // What has no nulls here may have some in the next run.
                let repetition = column.column_descr().self_type().get_basic_info().repetition();
                assert_eq!(repetition, Repetition::OPTIONAL);
            }
            // The reader of the tests knows two codecs: what DuckDB reads of it is read in one of these.
            scene.convert_to(name, "back.parquet", &ConvertOptions::default()).await.unwrap();
            assert_eq!(scene.table("back.parquet").await.rows, whole.table.rows, "{compression}");
        }
    }
}
