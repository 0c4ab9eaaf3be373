//! How an output is written: sorted, in row groups of a size, with and without dictionaries and filters, and
//! with what users put into its metadata.

use std::fmt::Write as _;

use parquet::basic::Encoding;
use tundra_core::{
    BadRowPolicy, BloomFilters, Classify, ConvertOptions, ErrorKind, IfExists, SortKey,
    WriteOptions,
};

use crate::support::{OUTPUT, Scene, convert, writing};

fn sorted_by(keys: &[&str]) -> ConvertOptions {
    let sort_by = keys.iter().map(|key| key.parse::<SortKey>().unwrap()).collect();
    writing(WriteOptions { sort_by, ..WriteOptions::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sorted_and_what_is_equal_stays_in_order() {
    let text = "place,n,word\n1,3,c\n2,,a\n3,1,b\n4,3,a\n5,1,a\n6,,b\n";
    for (keys, places) in [
        (&["n"][..], ["3", "5", "1", "4", "2", "6"]),
        (&["n desc"], ["1", "4", "3", "5", "2", "6"]),
        (&["n nulls first"], ["2", "6", "3", "5", "1", "4"]),
        (&["n desc", "word"], ["4", "1", "5", "3", "2", "6"]),
    ] {
        let done = convert("a.csv", text, &sorted_by(keys)).await.unwrap();
        let found: Vec<_> = (0..6).map(|row| done.table.row(row)[0]).collect();
        assert_eq!(found, places.map(Some), "{keys:?}");
        let decisions = &done.receipt.plan.decisions;
        let order = decisions.iter().find(|decision| decision.what == "order");
        assert_eq!(order.expect("an order").value, keys.join(", "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_input_is_sorted_by_the_new_name_of_a_column() {
    let scene = Scene::memory();
    scene.put("a.csv", "c1,c0\n2,x\n1,y\n3,z\n").await;
    scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();
    let bytes = scene.get(OUTPUT).await;
    // The names are those by which the engine calls the columns of a file, the wrong way round.
    let options = ConvertOptions {
        column_mapping: vec![("c1".to_owned(), "place".to_owned())],
        ..sorted_by(&["place desc"])
    };

    let done = convert("b.parquet", bytes, &options).await.unwrap();

    assert_eq!(done.table.row(0), [Some("3"), Some("z")]);
    assert_eq!(done.table.row(2), [Some("1"), Some("y")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fits_into_memory_is_sorted_on_disk() {
    const ROWS: u64 = 1_000_000;
    let mut text = "n,word\n".to_owned();
    for n in 0..ROWS {
        // A prime that shares nothing with the number of rows: every number comes once.
        let shuffled = n * 7919 % ROWS;
        writeln!(text, "{shuffled},{:0>120}", shuffled * 31).unwrap();
    }
    let scene = Scene { memory: 160 << 20, ..Scene::local() };
    scene.put("a.csv", text).await;

    let receipt = scene.convert("a.csv", &sorted_by(&["n"])).await.unwrap();

    assert_eq!(receipt.counts.written, ROWS);
    let table = scene.table(OUTPUT).await;
    let out_of_place = (0..ROWS).find(|n| {
        let row = table.row(usize::try_from(*n).unwrap());
        row[0] != Some(n.to_string().as_str())
    });
    assert_eq!(out_of_place, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_run_twice_writes_the_same_bytes() {
    let mut text = "n,word\n".to_owned();
    for n in 0..200_000 {
        writeln!(text, "{},w{}", n % 97, n % 1013).unwrap();
    }
    let scene = Scene { if_exists: IfExists::Replace, ..Scene::memory() };
    scene.put("a.csv", text).await;
    for options in [ConvertOptions::default(), sorted_by(&["n desc"])] {
        let mut digests = Vec::new();
        for _ in 0..4 {
            let receipt = scene.convert("a.csv", &options).await.unwrap();
            digests.push(receipt.outputs[0].sha256.clone());
        }
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_groups_do_not_depend_on_how_far_which_thread_was() {
    const ROWS: u64 = 2_000_000;
    let mut text = "n\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{}", n % 1013).unwrap();
    }
    let scene = Scene { if_exists: IfExists::Replace, ..Scene::memory() };
    scene.put("a.csv", text).await;
    let mut digests = Vec::new();
    for _ in 0..4 {
        let receipt = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();
        let output = &receipt.outputs[0];
        // None but the last has fewer rows than it should have.
        assert!(output.row_groups <= ROWS / 122_880 + 1, "{}", output.row_groups);
        digests.push(output.sha256.clone());
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_to_sort_by_has_to_be_there() {
    let error = convert("a.csv", "a,b\n1,2\n", &sorted_by(&["c"])).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("`c`"), "{error}");
    let error = convert("a.csv", "a,b\n1,2\n", &sorted_by(&["b", "b desc"])).await.unwrap_err();
    assert!(error.to_string().contains("`b` twice"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_set_aside_where_the_rest_is_sorted() {
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..sorted_by(&["n"]) };

    let done = convert("a.csv", "n,m\n3,1\n2\n1,1\n2,1\n", &options).await.unwrap();

    assert_eq!(done.receipt.counts.rejected, 1);
    let found: Vec<_> = (0..3).map(|row| done.table.row(row)[0]).collect();
    assert_eq!(found, [Some("1"), Some("2"), Some("3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_groups_end_by_their_bytes_as_well() {
    let mut text = "word\n".to_owned();
    for n in 0..60_000 {
        writeln!(text, "{n:0>200}").unwrap();
    }
    let by = |bytes| writing(WriteOptions { row_group_bytes: bytes, ..WriteOptions::default() });
    let groups = async |bytes| convert("a.csv", text.clone(), &by(bytes)).await.unwrap();

    assert_eq!(groups(None).await.table.row_groups().len(), 1);
    let small = groups(Some(2 << 20)).await.table.row_groups();
    assert!((4..=12).contains(&small.len()), "{small:?}");
    assert_eq!(small.iter().sum::<i64>(), 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn dictionaries_and_bloom_filters_are_written_as_asked() {
    let mut text = "word\n".to_owned();
    for n in 0..20_000 {
        writeln!(text, "w{}", n % 50).unwrap();
    }
    let column = async |options| {
        let done = convert("a.csv", text.clone(), &writing(options)).await.unwrap();
        done.table.metadata.row_group(0).column(0).clone()
    };
    let has_dictionary = |encodings: Vec<Encoding>| {
        let of_dictionary = [Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
        encodings.iter().any(|encoding| of_dictionary.contains(encoding))
    };

    let usual = column(WriteOptions::default()).await;
    assert!(has_dictionary(usual.encodings().collect()));
    assert!(usual.bloom_filter_offset().is_some());
    let without = WriteOptions { dictionary_values: Some(0), ..WriteOptions::default() };
    assert!(!has_dictionary(column(without).await.encodings().collect()));
    let few = WriteOptions { dictionary_values: Some(49), ..WriteOptions::default() };
    assert!(!has_dictionary(column(few).await.encodings().collect()));
    let bloomless = WriteOptions { bloom_filters: BloomFilters::None, ..WriteOptions::default() };
    assert!(column(bloomless).await.bloom_filter_offset().is_none());
    let precise =
        WriteOptions { bloom_filters: BloomFilters::Share(0.000_1), ..WriteOptions::default() };
    let precise = column(precise).await;
    assert!(precise.bloom_filter_length() > usual.bloom_filter_length());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_put_keys_and_values_into_the_metadata() {
    let metadata = [("owner", "acme's \"best\""), ("größe", "'; DROP TABLE x; --"), ("empty", "")];
    let pairs = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let options = writing(WriteOptions { metadata: pairs, ..WriteOptions::default() });

    let done = convert("a.csv", "a\n1\n", &options).await.unwrap();

    for (key, value) in metadata {
        assert_eq!(done.table.metadata(key), Some(value), "{key}");
    }
    for key in ["tundra.plan", "geo", "ARROW:schema"] {
        let metadata = vec![(key.to_owned(), "x".to_owned())];
        let options = writing(WriteOptions { metadata, ..WriteOptions::default() });
        let error = convert("a.csv", "a\n1\n", &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{key}");
    }
}
