//! Text in every encoding: recognised, decoded without loss, and bytes that are none located.

mod prose;

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_2022_JP, ISO_8859_2, ISO_8859_3,
    ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_10, ISO_8859_13,
    ISO_8859_14, ISO_8859_15, ISO_8859_16, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, UTF_8, UTF_16BE,
    UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254,
    WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};
use proptest::{
    collection::vec,
    prelude::Strategy,
    prop_oneof,
    test_runner::{Config, TestRunner},
};
use tundra_core::{
    BadRowPolicy, ConvertOptions, DataCode, DataError, Error, InspectOptions, Progress, Receipt,
    Reporter, Stage, TextHints, TypePolicy,
};

use self::prose::{
    ARABIC, CHINESE_SIMPLIFIED, CHINESE_TRADITIONAL, CZECH, FRENCH, GERMAN, GREEK, HEBREW,
    HUNGARIAN, JAPANESE, KOREAN, LATVIAN, LITHUANIAN, POLISH, RUSSIAN, SPANISH, THAI, TURKISH,
    UKRAINIAN, VIETNAMESE,
};
use crate::support::{Scene, convert, converted};

const REJECTS: &str = "rejects.parquet";

/// Bytes that are looked at before an input is read.
const SAMPLE_BYTES: usize = 1 << 20;

/// Encodings of one byte a character.
const SINGLE_BYTE: [&Encoding; 27] = [
    IBM866,
    ISO_8859_2,
    ISO_8859_3,
    ISO_8859_4,
    ISO_8859_5,
    ISO_8859_6,
    ISO_8859_7,
    ISO_8859_8,
    ISO_8859_10,
    ISO_8859_13,
    ISO_8859_14,
    ISO_8859_15,
    ISO_8859_16,
    KOI8_R,
    KOI8_U,
    MACINTOSH,
    WINDOWS_874,
    WINDOWS_1250,
    WINDOWS_1251,
    WINDOWS_1252,
    WINDOWS_1253,
    WINDOWS_1254,
    WINDOWS_1255,
    WINDOWS_1256,
    WINDOWS_1257,
    WINDOWS_1258,
    X_MAC_CYRILLIC,
];

/// Encodes a text, all of whose characters the encoding has.
#[track_caller]
fn encode(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    if encoding == UTF_16LE {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    if encoding == UTF_16BE {
        return text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let (bytes, _, has_unmappable) = encoding.encode(text);
    assert!(!has_unmappable, "{} has not all of {text:?}", encoding.name());
    bytes.into_owned()
}

fn named(encoding: &str) -> ConvertOptions {
    let text = TextHints { encoding: Some(encoding.to_owned()), ..TextHints::default() };
    ConvertOptions { text, ..ConvertOptions::default() }
}

fn rejecting() -> ConvertOptions {
    ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() }
}

fn encoding_of(receipt: &Receipt) -> (&str, f64) {
    let decision = receipt.plan.decisions.iter().find(|decision| decision.what == "encoding");
    let decision = decision.expect("the encoding is decided");
    (&decision.value, decision.confidence)
}

#[track_caller]
fn data_error(error: &Error) -> &DataError {
    match error {
        Error::Data { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

/// Makes a table of an id, the lines of a text, and a number.
fn remarks(prose: &str) -> String {
    let mut text = "id,remark,amount\n".to_owned();
    for (id, line) in prose.lines().enumerate() {
        writeln!(text, "{id},\"{}\",{}.5", line.replace('"', "\"\""), id * 7).unwrap();
    }
    text
}

/// The texts, the encodings in which they are written, and those that are found. Some of them have
/// the same characters for a language, and then the commoner one is named.
fn cases() -> Vec<(&'static Encoding, &'static str, &'static str)> {
    vec![
        (UTF_8, RUSSIAN, "UTF-8"),
        (UTF_8, CHINESE_SIMPLIFIED, "UTF-8"),
        (UTF_16LE, GERMAN, "UTF-16LE"),
        (UTF_16BE, GERMAN, "UTF-16BE"),
        (UTF_16LE, RUSSIAN, "UTF-16LE"),
        (UTF_16BE, RUSSIAN, "UTF-16BE"),
        (UTF_16LE, CHINESE_SIMPLIFIED, "UTF-16LE"),
        (UTF_16BE, JAPANESE, "UTF-16BE"),
        (WINDOWS_874, THAI, "windows-874"),
        (WINDOWS_1250, POLISH, "windows-1250"),
        (WINDOWS_1250, CZECH, "windows-1250"),
        (WINDOWS_1250, HUNGARIAN, "windows-1250"),
        (WINDOWS_1251, RUSSIAN, "windows-1251"),
        (WINDOWS_1251, UKRAINIAN, "windows-1251"),
        (WINDOWS_1252, FRENCH, "windows-1252"),
        (WINDOWS_1252, GERMAN, "windows-1252"),
        (WINDOWS_1252, SPANISH, "windows-1252"),
        (WINDOWS_1253, GREEK, "windows-1253"),
        (WINDOWS_1254, TURKISH, "windows-1254"),
        (WINDOWS_1255, HEBREW, "windows-1255"),
        (WINDOWS_1256, ARABIC, "windows-1256"),
        (WINDOWS_1257, LITHUANIAN, "windows-1257"),
        (WINDOWS_1257, LATVIAN, "windows-1257"),
        (WINDOWS_1258, VIETNAMESE, "windows-1258"),
        (ISO_8859_2, POLISH, "ISO-8859-2"),
        (ISO_8859_2, CZECH, "ISO-8859-2"),
        (ISO_8859_2, HUNGARIAN, "windows-1250"),
        (ISO_8859_4, LATVIAN, "ISO-8859-4"),
        (ISO_8859_5, RUSSIAN, "ISO-8859-5"),
        (ISO_8859_6, ARABIC, "ISO-8859-6"),
        (ISO_8859_7, GREEK, "windows-1253"),
        (ISO_8859_8, HEBREW, "windows-1255"),
        (ISO_8859_13, LITHUANIAN, "windows-1257"),
        (KOI8_R, RUSSIAN, "KOI8-R"),
        (KOI8_U, UKRAINIAN, "KOI8-U"),
        (IBM866, RUSSIAN, "IBM866"),
        (MACINTOSH, FRENCH, "macintosh"),
        (X_MAC_CYRILLIC, RUSSIAN, "x-mac-cyrillic"),
        (SHIFT_JIS, JAPANESE, "Shift_JIS"),
        (EUC_JP, JAPANESE, "EUC-JP"),
        (ISO_2022_JP, JAPANESE, "ISO-2022-JP"),
        (EUC_KR, KOREAN, "EUC-KR"),
        (GBK, CHINESE_SIMPLIFIED, "GBK"),
        (GBK, CHINESE_TRADITIONAL, "GBK"),
        (BIG5, CHINESE_TRADITIONAL, "Big5"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_each_encoding_is_recognised_and_read() {
    for (encoding, prose, name) in cases() {
        let text = remarks(prose);
        let expected: Vec<Option<&str>> = prose.lines().map(Some).collect();

        let done = converted("a.csv", encode(encoding, &text)).await;

        let (found, confidence) = encoding_of(&done.receipt);
        assert_eq!(found, name, "{}: {}", encoding.name(), done.table.rows[0][1].as_ref().unwrap());
        assert!(confidence >= 0.75, "{name}: {confidence}");
        assert_eq!(done.table.column("remark"), expected, "{name}");
        assert_eq!(done.table.type_of("amount"), "DOUBLE", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_each_encoding_is_read_when_it_is_named() {
    for (encoding, prose, _) in cases() {
        let text = remarks(prose);
        let expected: Vec<Option<&str>> = prose.lines().map(Some).collect();

        let done =
            convert("a.csv", encode(encoding, &text), &named(encoding.name())).await.unwrap();

        assert_eq!(encoding_of(&done.receipt), (encoding.name(), 1.0));
        assert_eq!(done.table.column("remark"), expected, "{}", encoding.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_of_four_bytes_make_it_gb18030() {
    let text = remarks(CHINESE_SIMPLIFIED).replace("仓库", "㐀仓库𠀀");

    let done = converted("a.csv", encode(GB18030, &text)).await;

    assert_eq!(encoding_of(&done.receipt).0, "gb18030");
    assert!(done.table.column("remark")[0].unwrap().contains("㐀仓库𠀀"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_before_a_quoted_name_is_no_part_of_it() {
    let text = "\u{feff}\"the id\",\"name, full\"\r\n1,Łukasz\r\n";
    for encoding in [UTF_8, UTF_16LE, UTF_16BE] {
        let done = converted("a.csv", encode(encoding, text)).await;

        assert_eq!(done.table.names, ["the id", "name, full"], "{}", encoding.name());
        assert_eq!(done.table.row(0), [Some("1"), Some("Łukasz")], "{}", encoding.name());
        assert_eq!(encoding_of(&done.receipt), (encoding.name(), 1.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_newlines_in_wide_text_are_text_wherever_a_chunk_ends() {
    const ROWS: usize = 60_000;
    let mut text = "номер,заметка\r\n".to_owned();
    for n in 0..ROWS {
        // Characters of which a byte looks like a newline, a quote or a delimiter.
        write!(text, "{n},\"上ഀ{n}\r\n\"\"∢Ⰰ\"\"{}\"\r\n", "、一𝄞".repeat(n % 13)).unwrap();
    }
    for encoding in [UTF_16LE, UTF_16BE] {
        let bytes = encode(encoding, &text);
        assert!(bytes.len() > 4 << 20, "there must be several chunks");

        let done = converted("a.csv", bytes).await;

        assert_eq!(encoding_of(&done.receipt).0, encoding.name());
        assert_eq!(done.table.type_of("номер"), "BIGINT");
        let notes = done.table.column("заметка");
        assert_eq!(notes.len(), ROWS);
        for (n, note) in notes.iter().enumerate() {
            let expected = format!("上ഀ{n}\r\n\"∢Ⰰ\"{}", "、一𝄞".repeat(n % 13));
            assert_eq!(*note, Some(expected.as_str()), "record {}", n + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_of_an_encoding_is_a_character_or_a_reject() {
    for encoding in SINGLE_BYTE {
        let mut bytes = b"byte,character\n".to_vec();
        let mut expected = Vec::new();
        let mut unmapped = Vec::new();
        for byte in 0x80..=0xffu8 {
            bytes.extend_from_slice(format!("{byte},").as_bytes());
            bytes.extend_from_slice(&[byte, b'\n']);
            let alone = [byte];
            match encoding.decode_without_bom_handling_and_without_replacement(&alone) {
                Some(character) => expected.push((byte.to_string(), character.into_owned())),
                None => unmapped.push(format!("{}2c{byte:02x}", hexadecimal(&byte.to_string()))),
            }
        }
        let options = ConvertOptions {
            types: TypePolicy::Text,
            on_bad_row: BadRowPolicy::Reject,
            ..named(encoding.name())
        };

        let done = convert("a.csv", bytes, &options).await.unwrap();

        let name = encoding.name();
        let rows: Vec<(&str, &str)> =
            expected.iter().map(|(byte, text)| (byte.as_str(), text.as_str())).collect();
        let found: Vec<(&str, &str)> = (0..done.table.rows.len())
            .map(|row| (done.table.row(row)[0].unwrap(), done.table.row(row)[1].unwrap()))
            .collect();
        assert_eq!(found, rows, "{name}");
        assert_eq!(done.receipt.counts.rejected, unmapped.len() as u64, "{name}");
        if !unmapped.is_empty() {
            let rejects = done.scene.table(REJECTS).await;
            let raw: Vec<Option<&str>> = unmapped.iter().map(|raw| Some(raw.as_str())).collect();
            assert_eq!(rejects.column("raw_bytes"), raw, "{name}");
        }
    }
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn random_text_comes_back_from_every_encoding() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let encodings = [
        UTF_8,
        UTF_16LE,
        UTF_16BE,
        GB18030,
        GBK,
        BIG5,
        SHIFT_JIS,
        EUC_JP,
        EUC_KR,
        ISO_2022_JP,
        KOI8_U,
        WINDOWS_1252,
        WINDOWS_1256,
        WINDOWS_1258,
        ISO_8859_7,
    ];
    for encoding in encodings {
        let character = prop_oneof![
            2 => proptest::char::range('\u{20}', '\u{7e}'),
            1 => proptest::sample::select(vec!['\n', '\t', ',', '"', '\\', ';']),
            3 => proptest::char::range('\u{a0}', '\u{6ff}'),
            3 => proptest::char::range('\u{3041}', '\u{30ff}'),
            4 => proptest::char::range('\u{4e00}', '\u{9fa5}'),
            2 => proptest::char::range('\u{ac00}', '\u{d7a3}'),
            1 => proptest::char::any(),
        ];
        // What the encoding has no bytes for, or gives back as another character, is left out.
        let keeps = move |character: &char| {
            let text = character.to_string();
            if *character != '\n' && character.is_control() || *character == '\u{feff}' {
                return false;
            }
            if [UTF_16LE, UTF_16BE].contains(&encoding) {
                return true;
            }
            let (bytes, _, unmappable) = encoding.encode(&text);
            !unmappable && encoding.decode_without_bom_handling(&bytes).0 == text
        };
        let cell = vec(character, 0..40)
            .prop_map(move |cell| cell.into_iter().filter(keeps).collect::<String>());
        let cells = vec(cell, 1..60);
        let mut runner =
            TestRunner::new(Config { cases: 6, failure_persistence: None, ..Config::default() });
        let checked = runner.run(&cells, |cells| {
            let mut text = "a,b\n".to_owned();
            for (row, cell) in cells.iter().enumerate() {
                writeln!(text, "{row},\"{}\"", cell.replace('"', "\"\"")).unwrap();
            }
            let options = ConvertOptions {
                text: TextHints {
                    delimiter: Some(",".to_owned()),
                    quote: Some(Some('"')),
                    escape: Some(Some('"')),
                    header: Some(true),
                    ..named(encoding.name()).text
                },
                types: TypePolicy::Text,
                ..ConvertOptions::default()
            };
            let done =
                runtime.block_on(convert("a.csv", encode(encoding, &text), &options)).unwrap();
            let expected: Vec<Option<&str>> =
                cells.iter().map(|cell| Some(cell.as_str())).collect();
            assert_eq!(done.table.column("b"), expected, "{}", encoding.name());
            Ok(())
        });
        checked.unwrap_or_else(|error| panic!("{}: {error}", encoding.name()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_bytes_of_another_encoding_far_behind_the_sample_are_named() {
    let mut bytes = b"id,city\n".to_vec();
    for id in 0..90_000 {
        bytes.extend_from_slice(format!("{id},Zürich\n").as_bytes());
    }
    assert!(bytes.len() > SAMPLE_BYTES);
    let (record, byte) = (90_001, bytes.len() as u64);
    bytes.extend_from_slice(b"90000,Orl\xe9ans\n90001,K\xc3\xb6ln\n90002,M\xe2con\n");

    let error = convert("a.csv", bytes.clone(), &ConvertOptions::default()).await.err().unwrap();
    let found = data_error(&error);
    assert_eq!((found.code, found.record), (DataCode::UndecodableBytes, record));
    assert_eq!((found.line, found.byte), (record + 1, byte));
    assert_eq!(
        found.message,
        format!(
            "the byte 0xe9 at byte {} is not UTF-8, but would be `é` in windows-1252",
            byte + 9
        )
    );
    assert_eq!(found.text, "90000,Orl\\xe9ans");

    let done = convert("a.csv", bytes, &rejecting()).await.unwrap();
    assert_eq!(done.receipt.counts.rejected, 2);
    assert_eq!(done.table.row(90_000), [Some("90001"), Some("Köln")]);
    let rejects = done.scene.table(REJECTS).await;
    let raw = [b"90000,Orl\xe9ans".as_slice(), b"90002,M\xe2con"]
        .map(|raw| raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert_eq!(rejects.column("raw_bytes"), [Some(raw[0].as_str()), Some(raw[1].as_str())]);
    let reason = format!("the byte 0xe9 at byte {} is not UTF-8", byte + 9);
    assert_eq!(rejects.column("reason")[0], Some(reason.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_ascii_for_long_is_not_guessed_to_be_more() {
    let mut text = "id,city\n".to_owned();
    for id in 0..120_000 {
        writeln!(text, "{id},Paris").unwrap();
    }
    assert!(text.len() > SAMPLE_BYTES);
    for (prose, encoding) in [(FRENCH, WINDOWS_1252), (RUSSIAN, KOI8_R), (JAPANESE, SHIFT_JIS)] {
        let mut text = text.clone();
        for line in prose.lines() {
            writeln!(text, "120000,\"{line}\"").unwrap();
        }
        let bytes = encode(encoding, &text);

        let error =
            convert("a.csv", bytes.clone(), &ConvertOptions::default()).await.err().unwrap();
        let found = data_error(&error);
        assert_eq!(found.code, DataCode::UndecodableBytes);
        assert!(found.message.ends_with(encoding.name()), "{}", found.message);

        let done = convert("a.csv", bytes, &named(encoding.name())).await.unwrap();
        assert_eq!(done.table.rows.len(), 120_008);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_encoding_is_refused_with_the_place_and_the_right_one() {
    for (encoding, prose, wrong, name) in [
        (WINDOWS_1252, GERMAN, "utf-8", "windows-1252"),
        (SHIFT_JIS, JAPANESE, "utf-8", "Shift_JIS"),
        (SHIFT_JIS, JAPANESE, "euc-jp", "Shift_JIS"),
        (UTF_8, RUSSIAN, "euc-kr", "UTF-8"),
        (GBK, CHINESE_SIMPLIFIED, "shift_jis", "GBK"),
        (WINDOWS_1251, RUSSIAN, "windows-1253", "windows-1251"),
    ] {
        let text = remarks(prose);
        let error = convert("a.csv", encode(encoding, &text), &named(wrong)).await.err().unwrap();

        let found = data_error(&error);
        assert_eq!(found.code, DataCode::UndecodableBytes, "{wrong}");
        assert!(found.message.ends_with(name), "{}", found.message);
        // The record begins where its line does.
        let line = usize::try_from(found.line).unwrap();
        let before: String = text.split_inclusive('\n').take(line - 1).collect();
        assert_eq!(found.byte, encode(encoding, &before).len() as u64, "{wrong}");
    }
}

/// Returns records in an encoding, and among them, behind the sample, one with bytes that are no
/// text: the bytes of all, of that one, and its offset.
fn one_bad_record(encoding: &'static Encoding, bad: &[u8]) -> (Vec<u8>, Vec<u8>, u64) {
    let mut text = "id,remark\n".to_owned();
    let mut id = 0;
    while text.len() < 3 * SAMPLE_BYTES {
        for line in JAPANESE.lines() {
            writeln!(text, "{id},\"{line},\n{line}\"").unwrap();
            id += 1;
        }
    }
    let mut bytes = encode(encoding, &text);
    let at = bytes.len() as u64;
    let record =
        [encode(encoding, &format!("{id},\"倉庫\n")), bad.to_vec(), encode(encoding, " 町\"")]
            .concat();
    bytes.extend_from_slice(&record);
    bytes.extend_from_slice(&encode(encoding, &format!("\n{},最後\n", id + 1)));
    (bytes, record, at)
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_located_and_set_aside_in_every_encoding() {
    for (encoding, bad, shown) in [
        (SHIFT_JIS, &b"\x85\xfd"[..], "0x85 0xfd"),
        (EUC_JP, b"\xff", "0xff"),
        (UTF_16LE, b"\x3d\xd8", "0x3d 0xd8"),
        (UTF_16BE, b"\xdd\x1e", "0xdd 0x1e"),
        (GB18030, b"\xff", "0xff"),
    ] {
        let name = encoding.name();
        let (bytes, record, at) = one_bad_record(encoding, bad);
        let bad_at =
            at + record.windows(bad.len()).position(|window| window == bad).unwrap() as u64;

        let error = convert("a.csv", bytes.clone(), &named(name)).await.err().unwrap();
        let found = data_error(&error);
        assert_eq!((found.code, found.byte), (DataCode::UndecodableBytes, at), "{name}");
        let lines = 2 * (found.record - 1) + 2;
        assert_eq!(found.line, lines, "{name}");
        assert_eq!(
            found.message.split(" not ").next().unwrap(),
            format!(
                "the byte{} {shown} at byte {bad_at} on line {} {}",
                if shown.len() > 4 { "s" } else { "" },
                lines + 1,
                if shown.len() > 4 { "are" } else { "is" }
            ),
            "{name}"
        );
        assert!(
            found.text.contains(&shown.replace("0x", "\\x").replace(' ', "")),
            "{}",
            found.text
        );

        for scene in [Scene::local(), Scene::memory()] {
            scene.put("a.csv", bytes.clone()).await;
            let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..named(name) };
            let receipt = scene.convert("a.csv", &options).await.unwrap();
            assert_eq!(receipt.counts.rejected, 1, "{name}");
            assert_eq!(receipt.events[0].samples[0].byte, at, "{name}");
            let table = scene.table("out.parquet").await;
            assert_eq!(table.rows.len() as u64, found.record, "{name}");
            assert_eq!(table.rows.last().unwrap()[1].as_deref(), Some("最後"), "{name}");
            let rejects = scene.table(REJECTS).await;
            let raw: String = record.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(rejects.column("raw_bytes"), [Some(raw.as_str())], "{name}");
            assert_eq!(rejects.column("byte_start"), [Some(at.to_string().as_str())], "{name}");
            let end = (at + record.len() as u64).to_string();
            assert_eq!(rejects.column("byte_end"), [Some(end.as_str())], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_byte_does_not_change_how_the_others_are_read() {
    let mut bytes = encode(SHIFT_JIS, &remarks(JAPANESE));
    bytes.extend_from_slice(b"8,\xfd\xfd\xff,1\n");

    let done = convert("a.csv", bytes, &rejecting()).await.unwrap();

    assert_eq!(encoding_of(&done.receipt).0, "Shift_JIS");
    assert_eq!(done.receipt.counts.rejected, 1);
    let expected: Vec<Option<&str>> = JAPANESE.lines().map(Some).collect();
    assert_eq!(done.table.column("remark"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn repairing_never_invents_characters() {
    let mut bytes = encode(SHIFT_JIS, &remarks(JAPANESE));
    bytes.extend_from_slice(b"8,\xfd,1\n");
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Repair, ..ConvertOptions::default() };

    let error = convert("a.csv", bytes, &options).await.err().unwrap();

    assert_eq!(data_error(&error).code, DataCode::UndecodableBytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_those_in_the_file_whatever_its_encoding() {
    for encoding in [UTF_16LE, UTF_16BE, SHIFT_JIS, EUC_JP, GB18030, ISO_2022_JP] {
        let name = encoding.name();
        let mut text = "id,remark\n".to_owned();
        let mut offsets = Vec::new();
        let mut bytes = Vec::new();
        for round in 0..4 {
            while text.len() < SAMPLE_BYTES {
                for line in JAPANESE.lines() {
                    writeln!(text, "{round},{line}").unwrap();
                }
            }
            bytes.extend_from_slice(&encode(encoding, &text));
            offsets.push(bytes.len().to_string());
            text = "多,過,ぎ\n".to_owned();
        }

        let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..named(name) };
        let done = convert("a.csv", bytes.clone(), &options).await.unwrap();

        assert_eq!(done.receipt.counts.rejected, 3, "{name}");
        let rejects = done.scene.table(REJECTS).await;
        let expected: Vec<Option<&str>> =
            offsets[..3].iter().map(|offset| Some(offset.as_str())).collect();
        assert_eq!(rejects.column("byte_start"), expected, "{name}");
        assert_eq!(rejects.column("raw"), [Some("多,過,ぎ"); 3], "{name}");
        let samples = &done.receipt.events[0].samples;
        assert!(samples.iter().map(|it| it.byte.to_string()).eq(offsets[..3].iter().cloned()));

        let error = convert("a.csv", bytes, &named(name)).await.err().unwrap();
        let found = data_error(&error);
        assert_eq!(found.code, DataCode::TooManyFields, "{name}");
        assert_eq!(found.byte.to_string(), offsets[0], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_json_are_found_in_other_encodings_too() {
    let mut text = String::new();
    for (id, line) in CHINESE_SIMPLIFIED.lines().enumerate() {
        writeln!(text, "{{\"id\":{id},\"remark\":\"{line}\"}}").unwrap();
    }
    let bad = b"{\"id\":8,\"remark\":\"\xff\"}";
    for (encoding, bad) in [
        (GBK, bad.to_vec()),
        (
            UTF_16LE,
            [encode(UTF_16LE, "{\"id\":8,\"remark\":\""), vec![0, 0xdc], encode(UTF_16LE, "\"}")]
                .concat(),
        ),
    ] {
        let mut bytes = encode(encoding, &text);
        let at = bytes.len() as u64;
        bytes.extend_from_slice(&bad);
        bytes.extend_from_slice(&encode(encoding, "\n"));

        let done = convert("a.ndjson", bytes.clone(), &rejecting()).await.unwrap();

        assert_eq!(encoding_of(&done.receipt).0, encoding.name());
        assert_eq!(done.table.rows.len(), 8);
        let rejects = done.scene.table(REJECTS).await;
        let raw: String = bad.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(rejects.column("raw_bytes"), [Some(raw.as_str())]);
        assert_eq!(rejects.column("byte_start"), [Some(at.to_string().as_str())]);

        let error = convert("a.ndjson", bytes, &ConvertOptions::default()).await.err().unwrap();
        assert_eq!((data_error(&error).line, data_error(&error).byte), (9, at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_in_wide_text_needs_no_name_that_says_so() {
    let text = "[{\"città\":\"Forlì\"},{\"città\":\"Cefalù\"}]";
    for bytes in [encode(UTF_16BE, text), encode(UTF_16LE, &format!("\u{feff}{text}"))] {
        let done = converted("a", bytes).await;
        assert_eq!(done.receipt.plan.source.format, "json");
        assert_eq!(done.table.column("città"), [Some("Forlì"), Some("Cefalù")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_text_fails_under_every_policy() {
    let bytes = b"id,stra\xdfe\n1,a\n2,b\n";
    for on_bad_row in [BadRowPolicy::Fail, BadRowPolicy::Reject, BadRowPolicy::Repair] {
        let options = ConvertOptions { on_bad_row, ..named("utf-8") };
        let error = convert("a.csv", &bytes[..], &options).await.err().unwrap();
        let found = data_error(&error);
        assert_eq!((found.code, found.record, found.line), (DataCode::UndecodableBytes, 0, 1));
        assert_eq!(
            found.message,
            "the byte 0xdf at byte 7 is not UTF-8, but would be `ß` in windows-1252"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_was_cut_off_within_a_character_is_utf_8_with_a_bad_record() {
    for text in
        [&b"id,n\n1,x\n2,M\xc3\xbcller\n3,K\xc3"[..], b"id,n\n1,\xe6\x9d\xb1\n2,b\n3,\xe6\x9d"]
    {
        let error = convert("a.csv", text, &ConvertOptions::default()).await.err().unwrap();
        assert_eq!(data_error(&error).code, DataCode::UndecodableBytes);
        let done = convert("a.csv", text, &rejecting()).await.unwrap();
        assert_eq!(encoding_of(&done.receipt).0, "UTF-8");
        assert_eq!((done.table.rows.len(), done.receipt.counts.rejected), (2, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_byte_order_is_refused() {
    let text = "id,n\n1,x\n2,y\n";
    for (encoding, wrong) in [(UTF_16LE, "utf-16be"), (UTF_16BE, "utf-16le")] {
        let error = convert("a.csv", encode(encoding, text), &named(wrong)).await.err().unwrap();
        assert!(matches!(error, Error::Request { .. }), "{error:?}");
        assert!(error.to_string().contains(encoding.name()), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_flags_in_utf_16_is_read() {
    for given in [ConvertOptions::default(), named("utf-16le")] {
        let done = convert("a.csv", encode(UTF_16LE, "Y\nN\nY\nN\nN\n"), &given).await.unwrap();
        assert_eq!(encoding_of(&done.receipt).0, "UTF-16LE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_to_japanese_behind_the_sample_is_no_text_of_escapes() {
    let mut text = "id,city\n".to_owned();
    for id in 0..120_000 {
        writeln!(text, "{id},Kyoto").unwrap();
    }
    assert!(text.len() > SAMPLE_BYTES);
    text.push_str("120000,京都\n");
    let bytes = encode(ISO_2022_JP, &text);
    for scene in [Scene::local(), Scene::memory()] {
        scene.put("a.csv", bytes.clone()).await;
        let error = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains("ISO-2022-JP"), "{error}");
    }
    let done = convert("a.csv", bytes.clone(), &named("iso-2022-jp")).await.unwrap();
    assert_eq!(done.table.row(120_000)[1], Some("京都"));
    let done = convert("a.csv", bytes, &named("utf-8")).await.unwrap();
    assert_eq!(done.table.row(120_000)[1], Some("\u{1b}$B5~ET\u{1b}(B"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_every_record_is_told_to_be_a_guess() {
    let mut text = "id;price\n".to_owned();
    for id in 0..300 {
        writeln!(text, "{id};£{id}").unwrap();
    }
    let done = converted("a.csv", encode(WINDOWS_1252, &text)).await;
    assert_eq!(done.receipt.plan.columns[1].format.as_deref(), Some("£0"));
    assert!(encoding_of(&done.receipt).1 < 0.7);
}

#[tokio::test(flavor = "multi_thread")]
async fn utf_32_is_refused() {
    let bytes: Vec<u8> =
        remarks(GERMAN).chars().flat_map(|character| u32::from(character).to_be_bytes()).collect();
    let error = convert("a.csv", bytes, &ConvertOptions::default()).await.err().unwrap();
    assert!(matches!(error, Error::UnsupportedEncoding { encoding: "UTF-32BE", .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_from_little_is_said_to_be_one() {
    let scene = Scene::local();
    scene.put("a.csv", &b"id,name\n1,Z\xfcrich\n"[..]).await;
    scene.put("b.csv", encode(WINDOWS_1252, &remarks(GERMAN))).await;

    let little = scene.inspect("a.csv", &InspectOptions::default()).await.unwrap();
    let much = scene.inspect("b.csv", &InspectOptions::default()).await.unwrap();

    assert!(little.warnings.iter().any(|warning| warning.code == "unsure_encoding"));
    assert!(!much.warnings.iter().any(|warning| warning.code == "unsure_encoding"));
}

/// Remembers the furthest progress.
#[derive(Default)]
struct Furthest {
    bytes: AtomicU64,
    total: AtomicU64,
}

impl Reporter for Furthest {
    fn stage(&self, _stage: Stage) {}

    fn progress(&self, progress: Progress) {
        self.bytes.fetch_max(progress.bytes, Ordering::Relaxed);
        self.total.store(progress.total_bytes.unwrap_or(0), Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_counts_the_bytes_of_the_file() {
    for encoding in [UTF_16LE, SHIFT_JIS] {
        let furthest = Arc::new(Furthest::default());
        let mut scene = Scene::local();
        scene.control.reporter = furthest.clone();
        let (bytes, _, _) = one_bad_record(encoding, &[]);
        let size = bytes.len() as u64;
        scene.put("a.csv", bytes).await;

        scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();

        assert_eq!(furthest.bytes.load(Ordering::Relaxed), size, "{}", encoding.name());
        assert_eq!(furthest.total.load(Ordering::Relaxed), size, "{}", encoding.name());
    }
}
