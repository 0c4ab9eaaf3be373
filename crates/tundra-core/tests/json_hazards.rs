//! What makes other tools lose JSON quietly: many keys, long numbers, several kinds of values in one
//! field, names that stand twice, deep nesting, records inside of documents.

use std::fmt::Write as _;

use tundra_core::{
    BadRowPolicy, Classify, ConvertOptions, DataCode, Error, ErrorKind, InspectOptions, JsonHints,
};

use crate::support::{OUTPUT, Scene, convert, converted, reason};

fn with_json(records: Option<&str>, flatten: bool) -> ConvertOptions {
    let records = records.map(|path| path.parse().unwrap());
    ConvertOptions { json: JsonHints { records, flatten }, ..ConvertOptions::default() }
}

fn with_policy(on_bad_row: BadRowPolicy) -> ConvertOptions {
    ConvertOptions { on_bad_row, ..ConvertOptions::default() }
}

async fn fails(name: &str, text: &str, options: &ConvertOptions) -> Error {
    let scene = Scene::local();
    scene.put(name, text.to_owned()).await;
    let error = scene.convert(name, options).await.expect_err(text);
    assert_eq!(scene.names().await, [name]);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_300_keys_keeps_every_digit_of_its_numbers() {
    let members: Vec<String> =
        (0..300).map(|key| format!("\"k{key}\": {}", 9_007_199_254_740_993_u64 + key)).collect();
    let text = format!("{{\"id\": 1, \"o\": {{{}}}}}\n{{\"id\": 2}}\n", members.join(", "));

    let nested = converted("a.ndjson", text.clone()).await;
    assert!(nested.table.types[1].starts_with("STRUCT(\"k0\" BIGINT, \"k1\" BIGINT, "));
    let cell = nested.table.column("o")[0].unwrap();
    assert!(cell.contains("k0: 9007199254740993,"), "{cell}");
    assert!(cell.ends_with("k299: 9007199254741292}"), "{cell}");

    let flat = convert("a.ndjson", text, &with_json(None, true)).await.unwrap();
    assert_eq!(flat.table.names.len(), 301);
    assert_eq!(flat.table.column("o.k299"), [Some("9007199254741292"), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_any_length_stay_what_they_are() {
    let text = "\
{\"a\": 9007199254740993, \"b\": 123456789012345678901234567890, \"c\": 1e400, \"d\": 0.1234567890123456789, \"e\": -0}
{\"a\": 0.5, \"b\": -1, \"c\": 1, \"d\": 12345678901234567890, \"e\": 1}
";
    let done = converted("a.ndjson", text).await;
    assert_eq!(
        done.table.types,
        ["DECIMAL(17,1)", "DECIMAL(38,0)", "VARCHAR", "VARCHAR", "DOUBLE"]
    );
    assert_eq!(
        done.table.row(0),
        [
            Some("9007199254740993.0"),
            Some("123456789012345678901234567890"),
            Some("1e400"),
            Some("0.1234567890123456789"),
            Some("-0.0"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_kinds_of_values_in_one_field_are_kept_as_they_are_written() {
    let text = "{\"v\": [1, 2]}\n{\"v\": 1.50}\n{\"v\": \"x\"}\n{\"v\": true}\n{\"v\": null}\n{\"v\": {\"a\": [ ]}}\n";
    let done = converted("a.ndjson", text).await;
    assert_eq!(
        done.table.column("v"),
        [Some("[1, 2]"), Some("1.50"), Some("\"x\""), Some("true"), None, Some("{\"a\": [ ]}")]
    );
    let reason = reason(&done.receipt, "v");
    assert!(
        reason.starts_with("record 1 has an array, `[1, 2]`, and record 2 has a number, `1.50`")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_nulls_is_text_and_says_so() {
    let done = converted("a.ndjson", "{\"a\": 1, \"n\": null}\n{\"a\": 2}\n").await;
    assert_eq!(done.table.types, ["BIGINT", "VARCHAR"]);
    assert_eq!(done.table.column("n"), [None, None]);
    assert_eq!(reason(&done.receipt, "n"), "there are no values, only nulls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_stands_twice_follows_the_policy() {
    let text = "{\"a\": 1}\n{\"a\": 2, \"b\": {\"x\": 1, \"x\": 2}, \"a\": 3}\n{\"a\": 4}\n";
    let error = fails("a.ndjson", text, &ConvertOptions::default()).await;
    let Error::Data { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!((source.code, source.line), (DataCode::DuplicateKey, 2));

    let done = convert("a.ndjson", text, &with_policy(BadRowPolicy::Repair)).await.unwrap();
    assert_eq!(done.table.column("a"), [Some("1"), Some("3"), Some("4")]);
    assert_eq!(done.table.column("b")[1], Some("{x: 2}"));
    assert_eq!(done.receipt.counts.repaired, 1);
    assert_eq!(done.receipt.events[0].code, "repaired_duplicate_key");

    let done = convert("a.ndjson", text, &with_policy(BadRowPolicy::Reject)).await.unwrap();
    assert_eq!(done.table.column("a"), [Some("1"), Some("4")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting_becomes_types_then_text_and_then_an_error() {
    let lists = |depth: usize| format!("{{\"v\": {}7{}}}\n", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}7{}\n", "{\"o\": ".repeat(depth), "}".repeat(depth));
    for depth in [1, 10, 40] {
        let done = converted("a.ndjson", lists(depth)).await;
        assert_eq!(done.table.types, [format!("BIGINT{}", "[]".repeat(depth))]);
        let done = converted("a.ndjson", objects(depth)).await;
        assert!(done.table.types[0].matches("STRUCT").count() == depth - 1);
    }
    for depth in [65, 500] {
        let done = converted("a.ndjson", lists(depth)).await;
        assert_eq!(done.receipt.plan.columns[0].column_type, "JSON");
        let expected = format!("{}7{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(done.table.column("v"), [Some(expected.as_str())]);
        let flat = convert("a.ndjson", objects(depth), &with_json(None, true)).await.unwrap();
        assert_eq!(flat.table.names, [["o"; 64].join(".")]);
    }
    for depth in [600, 100_000] {
        for text in [lists(depth), objects(depth), "[".repeat(depth), "{\"o\": ".repeat(depth)] {
            let error = fails("a.json", &text, &ConvertOptions::default()).await;
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_line_fails_is_set_aside_or_cannot_be_repaired() {
    let text = "{\"a\": 1}\n{\"a\": 2, \"b\n{\"a\": 3}\n";
    for policy in [BadRowPolicy::Fail, BadRowPolicy::Repair] {
        let error = fails("a.ndjson", text, &with_policy(policy)).await;
        let Error::Data { source, .. } = &error else { panic!("{error:?}") };
        assert_eq!((source.code, source.line, source.byte), (DataCode::BadJson, 2, 9));
    }
    let done = convert("a.ndjson", text, &with_policy(BadRowPolicy::Reject)).await.unwrap();
    assert_eq!(done.table.column("a"), [Some("1"), Some("3")]);
    let rejects = done.scene.table("rejects.parquet").await;
    assert_eq!(rejects.column("raw"), [Some("{\"a\": 2, \"b")]);
    assert_eq!(rejects.column("byte_start"), [Some("9")]);
    assert_eq!(rejects.column("byte_end"), [Some("20")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_follow_each_other_are_records() {
    for text in
        ["{\"a\": 1}{\"a\": 2}", "{\n\"a\": 1\n}\n\n{\n\"a\": 2\n}\n", " {\"a\":1} {\"a\":2}"]
    {
        let done = converted("a.json", text).await;
        assert_eq!(done.table.column("a"), [Some("1"), Some("2")], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comma_too_many_is_refused_with_its_place() {
    use DataCode::{BadDocument, BadJson};
    for (name, text, code, line, byte) in [
        ("a.json", "[{\"a\": 1},\n {\"a\": 2},\n]", BadDocument, 3, 22),
        ("a.json", "[{\"a\": 1},\n {\"a\": 2,}]", BadJson, 2, 12),
        ("a.json", "{\n\"a\": [1, 2,],\n\"b\": 1\n}", BadJson, 1, 0),
        ("a.ndjson", "{\"a\": 1}\n{\"a\": 2},\n", BadJson, 2, 9),
        // An array without its brackets.
        ("a.ndjson", "{\"a\": 1},\n{\"a\": 2},\n{\"a\": 3},\n", BadDocument, 1, 8),
    ] {
        let error = fails(name, text, &ConvertOptions::default()).await;
        let Error::Data { source, .. } = &error else { panic!("{error:?}") };
        assert_eq!((source.code, source.line, source.byte), (code, line, byte), "{text}");
    }
    let error =
        fails("a.json", "{\n\"a\": [1, 2,],\n\"b\": 1\n}", &ConvertOptions::default()).await;
    let Error::Data { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.message.ends_with("at line 2, character 12"), "{source}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_behind_the_first_of_many_lines_makes_it_a_bad_record_like_any_other() {
    for first in ["{\"a\": 1}}", "{\"a\": 1},", "{\"a\": 1} // note"] {
        let text = format!("{first}\n{{\"a\": 2}}\n{{\"a\": 3}}\n");
        let error = fails("a.ndjson", &text, &ConvertOptions::default()).await;
        let Error::Data { source, .. } = &error else { panic!("{error:?}") };
        assert_eq!((source.code, source.record), (DataCode::BadJson, 1), "{first}");
        let done = convert("a.ndjson", text, &with_policy(BadRowPolicy::Reject)).await.unwrap();
        assert_eq!(done.table.column("a"), [Some("2"), Some("3")], "{first}");
        let rejects = done.scene.table("rejects.parquet").await;
        assert_eq!(rejects.column("raw"), [Some(first)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_no_policy_helps_is_not_said_to_be_one_of_a_policy() {
    let at_path = with_json(Some("l"), false);
    for (text, options) in [
        ("[{\"a\": 1},\n {\"a\": 2},\n]", ConvertOptions::default()),
        ("[{\"a\": 1}, {\"a\": [2}]", ConvertOptions::default()),
        ("[{\"a\": 1}", ConvertOptions::default()),
        ("{\"a\": 1},\n{\"a\": 2},\n{\"a\": 3},\n", ConvertOptions::default()),
        ("{\"l\": [{\"a\": 1}], \"l\": []}", at_path.clone()),
        ("{\"l\": 5}", at_path),
    ] {
        for on_bad_row in [BadRowPolicy::Fail, BadRowPolicy::Reject, BadRowPolicy::Repair] {
            let options = ConvertOptions { on_bad_row, ..options.clone() };
            let error = fails("a.json", text, &options).await;
            let Error::Data { source, .. } = &error else { panic!("{error:?}") };
            assert_eq!(source.code, DataCode::BadDocument, "{text}");
            let hints = error.hints();
            assert!(hints[0].contains("where no `--on-bad-row` helps"), "{hints:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_records_says_that_it_is_empty() {
    let at_path = with_json(Some("items"), false);
    let without_all = ConvertOptions { skip_rows: [0].into(), ..ConvertOptions::default() };
    for (text, options, says) in [
        ("[]", ConvertOptions::default(), "`a.json` has no records: it is an empty list"),
        (" [\n]\n", ConvertOptions::default(), "`a.json` has no records: it is an empty list"),
        (
            "{\"items\": []}",
            at_path.clone(),
            "`a.json` has no records: what `--records items` leads to is empty",
        ),
        (
            "{\"items\": null}",
            at_path,
            "`a.json` has no records: what `--records items` leads to is empty",
        ),
        ("[{\"a\": 1}]", without_all, "`a.json` has no records: `--skip-rows` leaves none of them"),
    ] {
        let error = fails("a.json", text, &options).await;
        assert!(error.to_string().ends_with(&says[1..]), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.hints()[0].contains("`--records`"), "{:?}", error.hints());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_the_records_is_said_to_be_unchecked() {
    let text = "{\"beside\": tru, \"l\": [{\"a\": 1}]}";
    let done = convert("a.json", text, &with_json(Some("l"), false)).await.unwrap();
    assert_eq!(done.table.column("a"), [Some("1")]);
    let decision = done.receipt.plan.decisions.iter().find(|it| it.what == "records").unwrap();
    assert_eq!(
        decision.reason,
        "given; of what lies beside it only brackets and quotes are looked at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_of_a_million_records_is_read_to_its_end() {
    const RECORDS: u64 = 1_000_000;
    let mut text = String::with_capacity(32 << 20);
    text.push_str("{\"meta\": {\"n\": 1}, \"data\": {\"items\": [\n");
    for n in 0..RECORDS {
        let comma = if n > 0 { ",\n" } else { "" };
        write!(text, "{comma}{{\"n\":{n},\"s\":\"x{n}\"}}").unwrap();
    }
    text.push_str("\n]}, \"behind\": [1, 2, 3]}");
    let scene = Scene::local();
    scene.put("a.json", text).await;

    let receipt = scene.convert("a.json", &with_json(Some("data.items"), false)).await.unwrap();

    assert_eq!((receipt.counts.records, receipt.counts.written), (RECORDS, RECORDS));
    let table = scene.table(OUTPUT).await;
    assert_eq!(table.types, ["BIGINT", "VARCHAR"]);
    assert_eq!(table.row(999_999), [Some("999999"), Some("x999999")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_inside_of_a_document_are_pointed_at() {
    let text = r#"{"meta": {"count": 2}, "data": {"odd.key": {"items": [{"a": 1}, {"a": 2, "b": {"c": [3]}}]}}}"#;
    for path in ["data[\"odd.key\"].items", "$.data['odd.key'].items[*]"] {
        let done = convert("a.json", text, &with_json(Some(path), false)).await.unwrap();
        assert_eq!(done.table.column("a"), [Some("1"), Some("2")]);
        let decision = &done.receipt.plan.decisions[1];
        assert_eq!((&*decision.what, &*decision.value), ("records", "data[\"odd.key\"].items"));
    }
    let object = convert("a.json", text, &with_json(Some("meta"), false)).await.unwrap();
    assert_eq!((object.table.names, object.receipt.counts.records), (vec!["count".to_owned()], 1));

    let error = fails("a.json", text, &with_json(Some("data.items"), false)).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("`data` is an object, and there is no `data.items`"),
        "{error}"
    );
    assert_eq!(error.hints(), ["the names in `data` are `odd.key`"]);

    let inspect = InspectOptions {
        json: JsonHints {
            records: Some("data[\"odd.key\"].items".parse().unwrap()),
            flatten: true,
        },
        ..InspectOptions::default()
    };
    let scene = Scene::local();
    scene.put("a.json", text).await;
    let found = scene.inspect("a.json", &inspect).await.unwrap();
    let names: Vec<_> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "b.c"]);
    assert_eq!(found.json, Some(inspect.json));
    // Without a path the document is the record, and the inspection says what else there is.
    let found = scene.inspect("a.json", &InspectOptions::default()).await.unwrap();
    let warning = found.warnings.iter().find(|warning| warning.code == "unsure_records").unwrap();
    assert!(warning.message.contains("`--records data[\"odd.key\"].items`"), "{}", warning.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_for_json_are_refused_elsewhere() {
    for (options, says) in [
        (with_json(Some("a"), false), "`--records` is for JSON"),
        (with_json(None, true), "`--flatten` is for JSON"),
    ] {
        let error = fails("a.csv", "a,b\n1,2\n", &options).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().starts_with(says), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flattened_names_are_renamed_and_forced_like_any_other() {
    let options = ConvertOptions {
        column_mapping: vec![("user.address.city".to_owned(), "city".to_owned())],
        type_overrides: vec![("user.id".to_owned(), "INTEGER".parse().unwrap())],
        ..with_json(None, true)
    };
    let text = "{\"user\": {\"id\": 1, \"address\": {\"city\": \"Köln\", \"tags\": [{\"t\": 1}]}}}\n\
                {\"user\": {\"id\": 2, \"address\": null}}\n{\"user\": null}\n{}\n";

    let done = convert("a.ndjson", text, &options).await.unwrap();

    assert_eq!(done.table.names, ["user.id", "city", "user.address.tags"]);
    assert_eq!(done.table.types, ["INTEGER", "VARCHAR", "STRUCT(\"t\" BIGINT)[]"]);
    assert_eq!(done.table.row(0), [Some("1"), Some("Köln"), Some("[{t: 1}]")]);
    assert_eq!(done.table.row(1), [Some("2"), None, None]);
    assert_eq!(done.table.row(3), [None, None, None]);
    assert_eq!(done.receipt.plan.columns[1].source_name, "user.address.city");
    let decisions = &done.receipt.plan.decisions;
    assert!(decisions.iter().any(|decision| decision.what == "flatten"), "{decisions:?}");

    let options = ConvertOptions {
        column_mapping: vec![("user".to_owned(), "u".to_owned())],
        ..with_json(None, true)
    };
    let error = fails("a.ndjson", text, &options).await;
    let Error::UnknownColumn { known, .. } = &error else { panic!("{error:?}") };
    assert_eq!(known.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_is_given_is_the_one_that_strings_are_read_in() {
    let typed = |kind: &str, format: Option<&str>| ConvertOptions {
        type_overrides: vec![("a".to_owned(), kind.parse().unwrap())],
        column_formats: format
            .map(|format| ("a".to_owned(), format.to_owned()))
            .into_iter()
            .collect(),
        ..ConvertOptions::default()
    };
    let text = "{\"a\": \"03/04/2020\"}\n{\"a\": \"12/25/2020\"}\n";
    let done = convert("a.ndjson", text, &typed("DATE", Some("%m/%d/%Y"))).await.unwrap();
    assert_eq!(done.table.column("a"), [Some("2020-03-04"), Some("2020-12-25")]);
    assert_eq!(done.receipt.plan.columns[0].format.as_deref(), Some("%m/%d/%Y"));

    let error = fails("a.ndjson", text, &typed("DATE", Some("%d/%m/%Y"))).await;
    assert!(matches!(error, Error::Data { .. }), "{error:?}");
    let error = fails("a.ndjson", text, &typed("DATE", Some("%q"))).await;
    assert!(matches!(error, Error::Request { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_delimited_text_are_refused_for_json() {
    let delimiter = ConvertOptions {
        text: tundra_core::TextHints { delimiter: Some(";".to_owned()), ..Default::default() },
        ..ConvertOptions::default()
    };
    let nulls = ConvertOptions { null_words: vec!["NA".to_owned()], ..ConvertOptions::default() };
    for (options, option) in [(delimiter, "--delimiter"), (nulls, "--null")] {
        let error = fails("a.json", "[{\"a\": 1}]", &options).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains(option), "{error}");
    }
}
