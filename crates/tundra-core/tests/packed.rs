//! Inputs that are compressed or in an archive: the output is that of the same input as it is.

use std::io::{Cursor, Write};

use tundra_core::{
    Classify, ConvertOptions, Decision, Error, ErrorKind, Format, InspectOptions, Stage, TextHints,
    UnpackLimit,
};

use crate::support::{CancelAt, OUTPUT, Scene, convert, converted};

const CODECS: [&str; 6] = ["gzip", "zlib", "bzip2", "xz", "zstd", "lz4"];

fn compress(codec: &str, data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    match codec {
        "gzip" => {
            let level = flate2::Compression::default();
            let mut writer = flate2::write::GzEncoder::new(&mut packed, level);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "zlib" => {
            let level = flate2::Compression::default();
            let mut writer = flate2::write::ZlibEncoder::new(&mut packed, level);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "bzip2" => {
            let level = bzip2::Compression::default();
            let mut writer = bzip2::write::BzEncoder::new(&mut packed, level);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "xz" => {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut writer = lzma_rust2::XzWriter::new(&mut packed, options).unwrap();
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "zstd" => packed = zstd::encode_all(data, 1).unwrap(),
        "lz4" => {
            let mut writer = lz4_flex::frame::FrameEncoder::new(&mut packed);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        other => panic!("no codec is named {other}"),
    }
    packed
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *data).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(data).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A table that is longer than what is looked at first. A value far behind contradicts the types of the
/// beginning, so that it is read more than once.
fn table() -> Vec<u8> {
    let mut text = b"id,name,amount\n".to_vec();
    for row in 0..60_000_u32 {
        writeln!(text, "{row},name {},{}.{:02}", row % 977, row % 7919, row % 100).unwrap();
    }
    text.extend_from_slice(b"60000,last,much\n");
    text
}

fn member(name: &str) -> ConvertOptions {
    ConvertOptions { member: Some(name.to_owned()), ..ConvertOptions::default() }
}

fn decided<'a>(decisions: &'a [Decision], what: &str) -> Vec<&'a str> {
    let found = decisions.iter().filter(|decision| decision.what == what);
    found.map(|decision| decision.value.as_str()).collect()
}

async fn fails(name: &str, bytes: Vec<u8>, options: &ConvertOptions) -> Error {
    let scene = Scene::local();
    scene.put(name, bytes).await;
    let error = scene.convert(name, options).await.unwrap_err();
    assert_eq!(scene.names().await, [name], "nothing is left behind");
    assert_eq!(std::fs::read_dir(scene.temp.path()).unwrap().count(), 0);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compressed_is_read_as_what_it_was() {
    let plain = table();
    let expected = converted("a.csv", plain.clone()).await;
    for codec in CODECS {
        let packed = compress(codec, &plain);
        let size = packed.len() as u64;
        // The name says nothing, and need not.
        for scene in [Scene::local(), Scene::memory()] {
            scene.put("a.csv", packed.clone()).await;
            let receipt = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();
            let found = scene.table(OUTPUT).await;
            assert!(found.rows == expected.table.rows, "{codec}: other rows");
            assert_eq!(receipt.counts, expected.receipt.counts, "{codec}");
            assert_eq!(receipt.plan.columns, expected.receipt.plan.columns, "{codec}");
            assert_eq!(decided(&receipt.plan.decisions, "compression"), [codec]);
            assert_eq!(receipt.plan.source.size_bytes, size, "{codec}");
            assert!(receipt.plan.source.location.ends_with("a.csv"), "{codec}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_an_archive_is_read_as_what_it_was() {
    let plain = table();
    let expected = converted("a.csv", plain.clone()).await;
    let members: [(&str, &[u8]); 2] = [("2024/a.csv", &plain), ("2024/b.csv", b"x\n1\n")];
    let archives = [
        ("tar", tar(&members)),
        ("zip", zip(&members)),
        ("tar", compress("gzip", &tar(&members))),
        ("tar", compress("zstd", &tar(&members))),
    ];
    for (archive, bytes) in archives {
        for scene in [Scene::local(), Scene::memory()] {
            scene.put("export", bytes.clone()).await;
            let receipt = scene.convert("export", &member("2024/a.csv")).await.unwrap();
            assert!(scene.table(OUTPUT).await.rows == expected.table.rows, "{archive}: other rows");
            let decisions = &receipt.plan.decisions;
            assert_eq!(decided(decisions, "archive"), [archive]);
            assert_eq!(decided(decisions, "member"), ["2024/a.csv"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_must_be_named_where_there_are_several() {
    let archive = zip(&[("a.csv", b"x\n1\n"), ("b.csv", b"x\n1\n")]);
    let error = fails("a.zip", archive.clone(), &ConvertOptions::default()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let told = format!("{error}: {:?}; {:?}", std::error::Error::source(&error), error.hints());
    for says in ["a.zip", "a.csv", "b.csv", "--member"] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let error = fails("a.zip", archive, &member("c.csv")).await;
    assert!(matches!(error, Error::Unpack { .. }), "{error:?}");
    let error = fails("a.csv", b"x\n1\n".to_vec(), &member("c.csv")).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_within_the_packing_tells_the_format() {
    let ndjson = b"{\"id\": 1}\n{\"id\": 2}\n";
    for (name, bytes, format) in [
        ("a.ndjson.gz", compress("gzip", ndjson), "ndjson"),
        ("a.tsv.zst", compress("zstd", b"a\tb\n1\t2\n"), "tsv"),
        ("a.zip", zip(&[("x.ndjson", ndjson)]), "ndjson"),
        (
            "a.tar.gz",
            compress("gzip", &tar(&[("x.ndjson.gz", &compress("gzip", ndjson))])),
            "ndjson",
        ),
        ("a.gz", compress("gzip", b"[{\"id\": 1}]"), "json"),
    ] {
        let done = converted(name, bytes).await;
        assert_eq!(done.receipt.plan.source.format, format, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_is_unpacked_to_a_temporary_file() {
    let first = converted("a.csv", &b"id,name\n1,a\n2,b\n"[..]).await;
    let parquet = first.scene.get(OUTPUT).await;
    for bytes in [
        compress("gzip", &parquet),
        zip(&[("data/x.parquet", &parquet)]),
        compress("bzip2", &tar(&[("x.parquet", &parquet)])),
    ] {
        let done = converted("a.bin", bytes).await;
        assert_eq!(done.table.rows, first.table.rows);
        assert_eq!(done.receipt.plan.source.format, "parquet");
        assert_eq!(std::fs::read_dir(done.scene.temp.path()).unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_those_in_what_comes_out_and_errors_say_so() {
    let plain = [&table()[..], b"60001,b,c,d\n"].concat();
    let expected = fails("a.csv", plain.clone(), &ConvertOptions::default()).await;
    let Error::Data { source: expected, .. } = expected else { panic!("{expected:?}") };
    for (name, bytes, called) in [
        ("a.csv.gz", compress("gzip", &plain), "a.csv.gz (unpacked)"),
        ("a.zip", zip(&[("x.csv", &plain)]), "a.zip (x.csv, unpacked)"),
    ] {
        let error = fails(name, bytes, &ConvertOptions::default()).await;
        let Error::Data { input, source } = error else { panic!("{error:?}") };
        assert!(input.ends_with(called), "{input}");
        assert_eq!((source.line, source.byte), (expected.line, expected.byte), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bytes_of_packed_text_in_any_encoding_are_found() {
    // UTF-8 with a bad byte far behind, and windows-1252 and UTF-16 text.
    let mut bad = table();
    let at = bad.len() as u64;
    bad.extend_from_slice(b"60001,\xff,1.5\n");
    let plain = convert("a.csv", bad.clone(), &ConvertOptions::default()).await;
    let packed = fails("a.csv.gz", compress("gzip", &bad), &ConvertOptions::default()).await;
    let Err(Error::Data { source: plain, .. }) = plain.map(drop) else { panic!("it is bad") };
    let Error::Data { source: packed, .. } = packed else { panic!("{packed:?}") };
    assert_eq!((plain.byte, &plain.message), (packed.byte, &packed.message));
    assert_eq!(packed.byte, at);

    let text = "id;name\n".to_owned() + &"1;Zürich straße für Überläufer\n".repeat(50_000);
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let expected = converted("a.csv", utf16.clone()).await;
    let done = converted("a.csv.zst", compress("zstd", &[&b"\xff\xfe"[..], &utf16].concat())).await;
    assert!(done.table.rows == expected.table.rows);
    assert_eq!(decided(&done.receipt.plan.decisions, "encoding"), ["UTF-16LE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_anywhere_fails_the_run_and_leaves_nothing() {
    let packed = compress("gzip", &table());
    let cut = packed[..packed.len() - 5].to_vec();
    let mut wrong = packed.clone();
    let end = wrong.len() - 6;
    wrong[end] ^= 1;
    let behind = [&packed[..], b"more"].concat();
    for (what, bytes) in [("cut off", cut), ("check sum", wrong), ("behind", behind)] {
        let error = fails("a.csv.gz", bytes, &ConvertOptions::default()).await;
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
        let Error::Unpack { source, .. } = error else { panic!("{what}: {error:?}") };
        assert!(source.to_string().contains(what), "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold() {
    let plain = table();
    let within = |max_unpacked| ConvertOptions { max_unpacked, ..ConvertOptions::default() };
    let most = plain.len() as u64 - 1;
    for limit in [UnpackLimit::AtMost(most), UnpackLimit::Allowed(most)] {
        let error = fails("a.csv.gz", compress("gzip", &plain), &within(limit)).await;
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        assert!(error.hints().iter().any(|hint| hint.contains("--max-unpacked")), "{error:?}");
    }
    let mut zeros = b"a\n".to_vec();
    zeros.resize(100 << 20, b'\n');
    let bomb = fails("a.csv.zst", compress("zstd", &zeros), &ConvertOptions::default()).await;
    assert_eq!(bomb.kind(), ErrorKind::LimitExceeded, "{bomb:?}");
    assert!(bomb.hints().iter().any(|hint| hint.contains("--max-unpacked")), "{bomb:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_repeats_itself_is_read_when_it_is_allowed() {
    let mut text = b"a\n1\n".to_vec();
    text.resize(100 << 20, b'\n');
    let packed = compress("zstd", &text);
    let within = |max_unpacked| ConvertOptions { max_unpacked, ..ConvertOptions::default() };
    let most = UnpackLimit::AtMost(1 << 30);
    let error = fails("a.csv.zst", packed.clone(), &within(most)).await;
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    let scene = Scene::local();
    scene.put("a.csv.zst", packed).await;
    let allowed = within(UnpackLimit::Allowed(1 << 30));
    let receipt = scene.convert("a.csv.zst", &allowed).await.unwrap();
    assert_eq!(receipt.counts.written, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_in_an_archive_says_how_to_go_on() {
    let inner = zip(&[("a.csv", b"x\n1\n")]);
    let error = fails("a.zip", zip(&[("b/inner.zip", &inner)]), &ConvertOptions::default()).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    let told = format!("{error}: {:?}", std::error::Error::source(&error));
    assert!(told.contains("b/inner.zip") && told.contains("a.zip"), "{told}");
    let hints = error.hints();
    assert!(hints[0].contains("take `b/inner.zip` out first"), "{hints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_file_has_its_own_limit() {
    let first = converted("a.csv", table()).await;
    let parquet = first.scene.get(OUTPUT).await;
    let mut scene = Scene::local();
    scene.max_temp_size = parquet.len() as u64 - 1;
    scene.put("a.parquet.gz", compress("gzip", &parquet)).await;
    let error = scene.convert("a.parquet.gz", &ConvertOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    assert!(error.hints()[0].contains("--max-temp-size"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_unpacks_can_be_stopped() {
    let mut scene = Scene::local();
    scene.put("a.csv.gz", compress("gzip", &table())).await;
    for stage in [Stage::Inspecting, Stage::Converting] {
        let cancel = tundra_core::Cancel::default();
        let reporter = std::sync::Arc::new(CancelAt { stage, cancel: cancel.clone() });
        scene.control = tundra_core::Control { reporter, cancel, timeout: None };
        let error = scene.convert("a.csv.gz", &ConvertOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error:?}");
    }
    assert_eq!(scene.names().await, ["a.csv.gz"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_tells_what_is_around_it() {
    let scene = Scene::memory();
    let archive = tar(&[("a.csv", b"id,name\n1,a\n"), ("b.csv", b"id\n1\n")]);
    scene.put("x.tgz", compress("gzip", &archive)).await;
    let options = InspectOptions {
        member: Some("a.csv".to_owned()),
        text: TextHints { header: Some(true), ..TextHints::default() },
        ..InspectOptions::default()
    };
    let found = scene.inspect("x.tgz", &options).await.unwrap();
    let of = |what| decided(&found.decisions, what);
    assert_eq!(
        (of("compression"), of("archive"), of("member")),
        (vec!["gzip"], vec!["tar"], vec!["a.csv"])
    );
    assert_eq!(found.source.format, "csv");
    assert_eq!(found.columns.len(), 2);
    let json = InspectOptions { format: Some(Format::Json), ..options };
    assert!(scene.inspect("x.tgz", &json).await.is_err());
}
