//! Random tables, written in random ways, read back equal.

use std::fmt::Write as _;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

use crate::{
    BadRowPolicy,
    read::{
        chunk::{Chunk, Decode, DecodeError},
        json::{
            Framing, JsonDecode, JsonDecodeOptions, JsonInfer, JsonLayout, JsonObservation,
            JsonSchemaOptions,
            harness::{Failure, Setup},
            schema::Rows,
            shape::Shape,
        },
    },
};

/// A JSON value with its numbers as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Json {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-17",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "9007199254740993",
    "123456789012345678901234567890",
    "0.5",
    "-2.50",
    "21168.23",
    "1e3",
    "1E-7",
    "1e400",
    "0.12345678901234567890123",
    "3.141592653589793238",
];

const STRINGS: &[&str] = &[
    "",
    "a",
    "a longer text than fits into a view",
    "2020-02-29",
    "1999-12-31",
    "00713",
    "quote \" slash \\ /",
    "line\nbreak\ttab",
    "é你𝄞",
    "\u{0}\u{7f}\u{2028}",
    "{\"a\":[1]}",
    "]},[{",
    "null",
];

const NAMES: &[&str] =
    &["a", "A", "b", "a name that is longer than sixteen", "é", "", "quote\"", "x.y"];

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::Boolean),
        3 => select(NUMBERS).prop_map(|text| Json::Number(text.to_owned())),
        1 => any::<i64>().prop_map(|value| Json::Number(value.to_string())),
        1 => any::<f32>().prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| Json::Number(format!("{value:?}"))),
        3 => select(STRINGS).prop_map(|text| Json::Text(text.to_owned())),
        1 => any::<String>().prop_map(Json::Text),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Json::Array), object(inner),]
    })
}

fn object(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    vec((select(NAMES), value), 0..5).prop_map(|members| {
        let mut unique: Vec<(String, Json)> = Vec::new();
        for (name, value) in members {
            if unique.iter().all(|member| member.0 != name) {
                unique.push((name.to_owned(), value));
            }
        }
        Json::Object(unique)
    })
}

/// Columns whose values are of one kind more often than not.
fn table() -> impl Strategy<Value = Vec<Json>> {
    let column = prop_oneof![Just(NUMBERS[2..4].to_vec()).boxed(), Just(NUMBERS.to_vec()).boxed(),]
        .prop_flat_map(|numbers| {
            prop_oneof![
                8 => select(numbers).prop_map(|text| Json::Number(text.to_owned())),
                1 => Just(Json::Null),
            ]
        });
    let typed = vec((column, select(STRINGS)), 0..12).prop_map(|rows| {
        let row = |(number, text): (Json, &str)| {
            Json::Object(vec![
                ("n".to_owned(), number),
                ("s".to_owned(), Json::Text(text.to_owned())),
            ])
        };
        rows.into_iter().map(row).collect()
    });
    prop_oneof![vec(object(json()), 0..12), vec(json(), 0..6), typed]
}

/// Writes values, taking every free choice from some bytes.
struct Writer<'a> {
    out: String,
    choices: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    blanks: &'a [&'a str],
}

impl Writer<'_> {
    fn choose(&mut self, count: usize) -> usize {
        self.choices.next().map_or(0, |choice| usize::from(*choice) % count)
    }

    fn blank(&mut self) {
        let index = self.choose(self.blanks.len());
        self.out.push_str(self.blanks[index]);
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Null => self.out.push_str("null"),
            Json::Boolean(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Json::Number(text) => self.out.push_str(text),
            Json::Text(text) => self.text(text),
            Json::Array(items) => self.sequence('[', ']', items, |writer, item| writer.value(item)),
            Json::Object(members) => self.sequence('{', '}', members, |writer, (name, value)| {
                writer.text(name);
                writer.blank();
                writer.out.push(':');
                writer.blank();
                writer.value(value);
            }),
        }
    }

    fn sequence<T>(&mut self, open: char, close: char, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.out.push(open);
        self.blank();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
                self.blank();
            }
            each(self, item);
            self.blank();
        }
        self.out.push(close);
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                character if (character as u32) < 0x20 || self.choose(9) == 0 => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(self.out, "\\u{unit:04x}").expect("a string can be written to");
                    }
                }
                character => self.out.push(character),
            }
        }
        self.out.push('"');
    }
}

fn written(rows: &[Json], layout: JsonLayout, choices: &[u8]) -> String {
    let line = ["", "", " ", "\t", "\r"];
    let any = ["", "", " ", "\n  ", "\r\n\t"];
    let blanks = if layout == JsonLayout::Ndjson { &line } else { &any };
    let mut writer = Writer { out: String::new(), choices: choices.iter().cycle(), blanks };
    match layout {
        JsonLayout::Array => writer.sequence('[', ']', rows, |writer, row| writer.value(row)),
        JsonLayout::Ndjson | JsonLayout::Concatenated => {
            for row in rows {
                writer.value(row);
                writer.blank();
                // Words that touch would be one word.
                let touching = matches!(row, Json::Null | Json::Boolean(_) | Json::Number(_));
                if layout == JsonLayout::Ndjson || touching {
                    writer.out.push('\n');
                }
            }
        }
    }
    writer.out
}

/// Reads the text of one value, which is known to be well formed.
fn parsed(text: &str) -> Json {
    fn skip(text: &mut &str) {
        *text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    fn string(text: &mut &str) -> String {
        let mut end = 1;
        while !text[end..].starts_with('"') {
            end += if text[end..].starts_with('\\') { 2 } else { 1 };
            while !text.is_char_boundary(end) {
                end += 1;
            }
        }
        let (quoted, rest) = text.split_at(end + 1);
        *text = rest;
        serde_json::from_str(quoted).expect("a string")
    }
    fn value(text: &mut &str) -> Json {
        skip(text);
        match text.as_bytes()[0] {
            b'"' => Json::Text(string(text)),
            b'[' | b'{' => {
                let object = text.starts_with('{');
                let (mut items, mut members) = (Vec::new(), Vec::new());
                *text = &text[1..];
                loop {
                    skip(text);
                    match text.as_bytes()[0] {
                        b']' | b'}' => break,
                        b',' => *text = &text[1..],
                        _ if object => {
                            let name = string(text);
                            skip(text);
                            *text = &text[1..];
                            members.push((name, value(text)));
                        }
                        _ => items.push(value(text)),
                    }
                }
                *text = &text[1..];
                if object { Json::Object(members) } else { Json::Array(items) }
            }
            _ => {
                let ends = [',', ']', '}', ' ', '\t', '\r', '\n'];
                let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
                *text = rest;
                match word {
                    "null" => Json::Null,
                    "true" => Json::Boolean(true),
                    "false" => Json::Boolean(false),
                    number => Json::Number(number.to_owned()),
                }
            }
        }
    }
    let mut rest = text;
    value(&mut rest)
}

/// Returns a number as its sign, its digits without zeros around them, and its power of ten.
fn normal(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let digits = mantissa.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let exponent = exponent.parse::<i64>().expect("an exponent") - fraction.len() as i64;
    let significant = all.trim_start_matches('0');
    let trimmed = significant.trim_end_matches('0');
    let power = exponent + (significant.len() - trimmed.len()) as i64;
    let power = if trimmed.is_empty() { 0 } else { power };
    (mantissa.starts_with('-'), trimmed.to_owned(), power)
}

/// Compares what was written with what was read.
fn assert_same(shape: &Shape, expected: &Json, found: &Value) {
    match (shape, expected, found) {
        (_, Json::Null, Value::Null) => {}
        (Shape::Boolean, Json::Boolean(expected), found) => assert_eq!(found, expected),
        (Shape::Number | Shape::Decimal { .. }, Json::Number(expected), Value::String(found)) => {
            assert_eq!(normal(found), normal(expected));
        }
        (Shape::Double, Json::Number(expected), Value::Number(found)) => {
            let found = format!("{:e}", found.as_f64().expect("a double"));
            assert_eq!(normal(&found), normal(expected));
        }
        (Shape::BigInt | Shape::UBigInt, Json::Number(expected), Value::Number(found)) => {
            assert_eq!(&found.to_string(), expected);
        }
        (Shape::Text | Shape::Date, Json::Text(expected), found) => assert_eq!(found, expected),
        (Shape::Json | Shape::EmptyObject, expected, Value::String(found)) => {
            assert_eq!(&parsed(found), expected);
        }
        (Shape::List(items), Json::Array(expected), Value::Array(found)) => {
            assert_eq!(expected.len(), found.len());
            for (expected, found) in expected.iter().zip(found) {
                assert_same(items, expected, found);
            }
        }
        (Shape::Struct(members), Json::Object(expected), Value::Object(found)) => {
            assert!(expected.iter().all(|(name, _)| members.iter().any(|it| it.source == *name)));
            for member in members {
                let value = expected.iter().find(|it| it.0 == member.source);
                let value = value.map_or(&Json::Null, |it| &it.1);
                assert_same(&member.shape, value, &found[&member.name]);
            }
        }
        _ => panic!("{expected:?} was read as {found} into {shape:?}"),
    }
}

fn layout() -> impl Strategy<Value = JsonLayout> {
    select(vec![JsonLayout::Ndjson, JsonLayout::Array, JsonLayout::Concatenated])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_table_reads_back_equal(
        rows in table(),
        layout in layout(),
        choices in vec(any::<u8>(), 1..60),
        chunk_bytes in 1usize..300,
        sample in prop_oneof![Just(None), (0usize..3).prop_map(Some)],
    ) {
        let text = written(&rows, layout, &choices);
        let setup = Setup {
            sample,
            on_bad_row: BadRowPolicy::Reject,
            ..Setup::new(layout).chunks_of(chunk_bytes)
        };
        let outcome = match setup.read(text.as_bytes()) {
            Ok(outcome) => outcome,
            Err(Failure::Decode(DecodeError::Contradiction(_))) if sample.is_some() => {
                Setup { sample: None, ..setup }.read(text.as_bytes()).expect("contradicts nothing")
            }
            Err(other) => panic!("{other:?} on {text}"),
        };
        let found = outcome.rows();
        let columns = &outcome.schema.columns;
        let kept: Vec<_> = match outcome.schema.rows {
            Rows::Value => rows.iter().collect(),
            Rows::Fields => rows.iter().filter(|row| matches!(row, Json::Object(_))).collect(),
        };
        prop_assert_eq!(kept.len() + outcome.rejects().len(), rows.len());
        prop_assert_eq!(kept.len(), found.len());
        for (expected, found) in kept.into_iter().zip(&found) {
            for column in columns {
                let value = match (outcome.schema.rows, expected) {
                    (Rows::Fields, Json::Object(members)) => {
                        let member = members.iter().find(|it| it.0 == column.source_name);
                        member.map_or(&Json::Null, |it| &it.1)
                    }
                    _ => expected,
                };
                assert_same(&column.shape, value, &found[&column.name]);
            }
        }
    }

    #[test]
    fn a_broken_record_changes_no_other_one(
        rows in vec(object(json()), 1..8),
        choices in vec(any::<u8>(), 1..60),
        broken in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        chunk_bytes in 1usize..300,
    ) {
        let clean = written(&rows, JsonLayout::Ndjson, &choices);
        let mut lines: Vec<&str> = clean.lines().collect();
        let whole = lines.clone();
        for (at, cut) in &broken {
            // What is in front of an object's last bracket is no JSON.
            let line = whole[at.index(whole.len())].trim_end();
            let mut end = 1 + cut.index(line.len() - 1);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            lines.insert(at.index(lines.len() + 1), &line[..end]);
        }
        let setup = Setup::ndjson().policy(BadRowPolicy::Reject).chunks_of(chunk_bytes);
        let expected = setup.read(clean.as_bytes()).expect("reads");
        let found = setup.read(lines.join("\n").as_bytes()).expect("rejects");
        prop_assert_eq!(found.rejects().len(), broken.len());
        prop_assert_eq!(found.types(), expected.types());
        prop_assert_eq!(found.rows(), expected.rows());
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop_oneof![
            vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:\\\\ \n0-9eE.+a-u-]{0,200}".prop_map(String::into_bytes),
        ],
        layout in layout(),
        path in prop_oneof![Just(None), Just(Some("$")), Just(Some("a[0].b"))],
        chunk_bytes in 1usize..50,
        policy in select(vec![BadRowPolicy::Fail, BadRowPolicy::Reject, BadRowPolicy::Repair]),
    ) {
        let mut setup = Setup::new(layout).chunks_of(chunk_bytes).policy(policy);
        setup.records = path.map(|path: &str| path.parse().expect("a path"));
        match setup.read(&bytes) {
            Ok(outcome) => drop(outcome.rows()),
            Err(Failure::Split(_) | Failure::Decode(DecodeError::Data(_))) => {}
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_chunk_makes_it_panic(
        bytes in prop_oneof![
            vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:\\\\ \n0-9eE.+a-u-]{0,200}".prop_map(String::into_bytes),
        ],
        framing in select(vec![Framing::Lines, Framing::Commas, Framing::Values]),
    ) {
        // A chunk that no splitter made.
        let chunk = Chunk { bytes, byte: 0, line: 1, record: 0, records: 3 };
        let infer = JsonInfer::new(framing, Default::default(), BadRowPolicy::Reject);
        let mut observation = JsonObservation::default();
        observation.merge(infer.decode(chunk.clone()).expect("bad records are counted only"));
        let schema = observation.finish(&JsonSchemaOptions::default(), true);
        let on_bad_row = BadRowPolicy::Reject;
        let options = JsonDecodeOptions { framing, skip_rows: Default::default(), on_bad_row };
        let decoded = JsonDecode::new(schema.into(), options).decode(chunk).expect("rejects");
        let rows = decoded.batch.num_rows() as u64;
        prop_assert_eq!(rows + decoded.rejects.len() as u64, decoded.decoded);
    }
}
