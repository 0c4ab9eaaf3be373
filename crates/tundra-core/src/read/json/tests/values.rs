//! What becomes of values of every kind.

use serde_json::json;

use super::check;
use crate::{
    DataCode, TypePolicy,
    read::json::{
        CHUNK_BYTES, JsonLayout,
        harness::Setup,
        observation::{MAX_COLUMNS, MAX_KEYS, MAX_PARQUET_LEVELS, MAX_TYPE_DEPTH},
    },
};

#[test]
fn reads_scalars_of_each_type() {
    check(
        "{\"i\":1,\"d\":1.5,\"b\":true,\"s\":\"x\",\"n\":null}\n{\"i\":-2,\"d\":3,\"b\":false,\"s\":\"\",\"n\":null}\n",
        "i BIGINT, d DOUBLE, b BOOLEAN, s VARCHAR, n VARCHAR",
        &[
            json!({"i": 1, "d": 1.5, "b": true, "s": "x", "n": null}),
            json!({"i": -2, "d": 3.0, "b": false, "s": "", "n": null}),
        ],
    );
}

#[test]
fn a_field_that_is_missing_is_null_and_one_that_comes_late_is_a_column() {
    check(
        "{\"a\":1}\n{\"b\":2}\n{}\n{\"c\":\"x\",\"a\":3}\n",
        "a BIGINT, b BIGINT, c VARCHAR",
        &[
            json!({"a": 1, "b": null, "c": null}),
            json!({"a": null, "b": 2, "c": null}),
            json!({"a": null, "b": null, "c": null}),
            json!({"a": 3, "b": null, "c": "x"}),
        ],
    );
}

#[test]
fn keys_may_come_in_any_order_and_spelling() {
    check(
        "{\"first name\":1,\"b\":2,\"c\":3}\n{ \"c\" : 6 , \"b\" : 5 , \"first name\" : 4 }\n{\"b\":8,\"\\u0063\":9,\"first\\u0020name\":7}\n",
        "first name BIGINT, b BIGINT, c BIGINT",
        &[
            json!({"first name": 1, "b": 2, "c": 3}),
            json!({"first name": 4, "b": 5, "c": 6}),
            json!({"first name": 7, "b": 8, "c": 9}),
        ],
    );
}

#[test]
fn numbers_keep_every_digit() {
    check(
        "{\"u\":18446744073709551615,\"h\":170141183460469231731687303715884105727,\"d\":0.12345678901234567891,\"t\":1e400,\"m\":9007199254740993}\n\
         {\"u\":1,\"h\":-5,\"d\":1,\"t\":5,\"m\":0.5}\n",
        "u UBIGINT, h VARCHAR, d DECIMAL(21,20), t VARCHAR, m DECIMAL(17,1)",
        &[
            json!({"u": 18_446_744_073_709_551_615u64, "h": "170141183460469231731687303715884105727",
                   "d": "0.12345678901234567891", "t": "1e400", "m": "9007199254740993.0"}),
            json!({"u": 1, "h": "-5", "d": "1.00000000000000000000", "t": "5", "m": "0.5"}),
        ],
    );
    check(
        "{\"a\":99999999999999999999999999999999999999}\n{\"a\":-1}\n",
        "a DECIMAL(38,0)",
        &[json!({"a": "99999999999999999999999999999999999999"}), json!({"a": "-1"})],
    );
    check("{\"a\":9223372036854775807}\n", "a BIGINT", &[json!({"a": i64::MAX})]);
    check("{\"a\":1e3}\n{\"a\":1}\n", "a DOUBLE", &[json!({"a": 1000.0}), json!({"a": 1.0})]);
}

#[test]
fn a_negative_zero_stays_negative() {
    let outcome = Setup::ndjson().read(b"{\"a\":-0}\n{\"a\":1}\n").unwrap();
    assert_eq!(outcome.types(), "a DOUBLE");
    assert_eq!(outcome.rows()[0]["a"].as_f64().map(f64::to_bits), Some((-0.0f64).to_bits()));
}

#[test]
fn strings_are_dates_only_when_all_of_them_are() {
    check(
        "{\"d\":\"2020-02-29\",\"t\":\"2020-01-01T10:00:00\",\"z\":\"2020-01-01T10:00:00+02:00\",\"x\":\"2020-01-01\",\"n\":\"00713\"}\n\
         {\"d\":\"1999-12-31\",\"t\":\"2020-01-01 10:00:00.5\",\"z\":\"2020-01-01T10:00:00Z\",\"x\":\"soon\",\"n\":\"1\"}\n",
        "d DATE, t TIMESTAMP, z TIMESTAMPTZ, x VARCHAR, n VARCHAR",
        &[
            json!({"d": "2020-02-29", "t": "2020-01-01 10:00:00", "z": "2020-01-01 08:00:00", "x": "2020-01-01", "n": "00713"}),
            json!({"d": "1999-12-31", "t": "2020-01-01 10:00:00.500", "z": "2020-01-01 10:00:00", "x": "soon", "n": "1"}),
        ],
    );
    let mixed =
        Setup::ndjson().read(b"{\"a\":\"2020-01-01\"}\n{\"a\":\"2020-01-01 10:00\"}\n").unwrap();
    assert_eq!(mixed.types(), "a VARCHAR", "two forms are no one type");
    let escaped = Setup::ndjson().read(b"{\"a\":\"2020\\u002d01-01\"}\n").unwrap();
    assert_eq!(escaped.rows(), [json!({"a": "2020-01-01"})]);
}

#[test]
fn strings_are_kept_as_they_are() {
    check(
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud834\\udd1e\\u0000 ü 你好, a longer text than fits a view\"}\n",
        "a VARCHAR",
        &[json!({"a": "\"\\/\u{8}\u{c}\n\r\té\u{1d11e}\0 ü 你好, a longer text than fits a view"})],
    );
}

#[test]
fn nested_objects_and_arrays_become_structs_and_lists() {
    check(
        "{\"o\":{\"x\":1,\"p\":{\"y\":\"a\"}},\"l\":[1,2],\"m\":[{\"k\":1},{\"j\":[true]}]}\n\
         {\"o\":{\"z\":2.5},\"l\":[],\"m\":null}\n{\"o\":null,\"l\":[null]}\n{\"o\":{}}\n",
        "o STRUCT(\"x\" BIGINT, \"p\" STRUCT(\"y\" VARCHAR), \"z\" DOUBLE), l BIGINT[], m STRUCT(\"k\" BIGINT, \"j\" BOOLEAN[])[]",
        &[
            json!({"o": {"x": 1, "p": {"y": "a"}, "z": null}, "l": [1, 2], "m": [{"k": 1, "j": null}, {"k": null, "j": [true]}]}),
            json!({"o": {"x": null, "p": null, "z": 2.5}, "l": [], "m": null}),
            json!({"o": null, "l": [null], "m": null}),
            json!({"o": {"x": null, "p": null, "z": null}, "l": null, "m": null}),
        ],
    );
}

#[test]
fn lists_of_lists_keep_their_levels() {
    check(
        "{\"a\":[[1],[],null,[2,3]]}\n{\"a\":[[[]]]}\n",
        "a JSON",
        &[json!({"a": "[[1],[],null,[2,3]]"}), json!({"a": "[[[]]]"})],
    );
    check(
        "{\"a\":[[1],[],null,[2,3]]}\n{\"a\":[]}\n",
        "a BIGINT[][]",
        &[json!({"a": [[1], [], null, [2, 3]]}), json!({"a": []})],
    );
}

#[test]
fn mixed_kinds_are_kept_as_they_are_written() {
    check(
        "{\"a\":1,\"b\":[1,\"x\"],\"c\":{\"d\":1}}\n{\"a\":\"1\",\"b\":[ ],\"c\":{ \"d\" : [1.0] }}\n{\"a\":null,\"b\":null,\"c\":null}\n{\"a\":{\"x\":\"\\u00e9\"}}\n",
        "a JSON, b JSON, c STRUCT(\"d\" JSON)",
        &[
            json!({"a": "1", "b": "[1,\"x\"]", "c": {"d": "1"}}),
            json!({"a": "\"1\"", "b": "[ ]", "c": {"d": "[1.0]"}}),
            json!({"a": null, "b": null, "c": null}),
            json!({"a": "{\"x\":\"\\u00e9\"}", "b": null, "c": null}),
        ],
    );
}

#[test]
fn what_has_no_content_is_kept_too() {
    check(
        "{\"o\":{},\"l\":[],\"n\":null,\"lo\":[{}]}\n{\"o\":{ },\"l\":[],\"n\":null,\"lo\":[]}\n",
        "o JSON, l VARCHAR[], n VARCHAR, lo JSON[]",
        &[
            json!({"o": "{}", "l": [], "n": null, "lo": ["{}"]}),
            json!({"o": "{ }", "l": [], "n": null, "lo": []}),
        ],
    );
    check("{}\n{}\n", "value JSON", &[json!({"value": "{}"}), json!({"value": "{}"})]);
}

#[test]
fn records_that_are_no_objects_are_one_column() {
    check(
        "1\n2\n\nnull\n",
        "value BIGINT",
        &[json!({"value": 1}), json!({"value": 2}), json!({"value": null})],
    );
    check("[1,2]\n[]\n", "value BIGINT[]", &[json!({"value": [1, 2]}), json!({"value": []})]);
    check("\"a\"\n1\n", "value JSON", &[json!({"value": "\"a\""}), json!({"value": "1"})]);
}

#[test]
fn names_that_differ_in_case_are_two_columns_and_two_fields() {
    check(
        "{\"id\":1,\"ID\":2,\"o\":{\"a\":1,\"A\":\"x\"},\"\":3}\n",
        "id BIGINT, ID_1 BIGINT, o STRUCT(\"a\" BIGINT, \"A_1\" VARCHAR), column4 BIGINT",
        &[json!({"id": 1, "ID_1": 2, "o": {"a": 1, "A_1": "x"}, "column4": 3})],
    );
}

#[test]
fn all_columns_are_text_when_asked_for() {
    let text = "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1, 2]},\"e\":null,\"f\":true}\n{\"a\":\"\\u0031\",\"b\":1e2,\"c\":\"s\"}\n";
    let setup = Setup { types: TypePolicy::Text, ..Setup::ndjson() };
    let outcome = setup.read(text.as_bytes()).unwrap();
    assert_eq!(outcome.types(), "a VARCHAR, b VARCHAR, c JSON, e VARCHAR, f VARCHAR");
    assert_eq!(
        outcome.rows(),
        [
            json!({"a": "1", "b": "x", "c": "{\"d\":[1, 2]}", "e": null, "f": "true"}),
            json!({"a": "1", "b": "1e2", "c": "\"s\"", "e": null, "f": null}),
        ]
    );
}

#[test]
fn deep_nesting_is_kept_as_json_and_too_deep_nesting_is_refused() {
    let nested = |depth: usize| format!("{{\"a\":{}1{}}}\n", "[".repeat(depth), "]".repeat(depth));
    let outcome = Setup::ndjson().read(nested(MAX_PARQUET_LEVELS / 2 + 1).as_bytes()).unwrap();
    assert_eq!(outcome.types(), "a JSON");
    assert_eq!(
        outcome.reason("a"),
        "the values are nested too deep to be a nested type, as record 1 shows; kept as JSON"
    );
    let outcome = Setup::ndjson().read(nested(MAX_TYPE_DEPTH + 5).as_bytes()).unwrap();
    assert_eq!(outcome.types(), "a JSON");
    assert!(outcome.reason("a").contains("nested too deep"), "{}", outcome.reason("a"));
    let outcome = Setup::ndjson().read(nested(MAX_PARQUET_LEVELS / 2).as_bytes()).unwrap();
    assert!(outcome.types().starts_with("a BIGINT[][]"));
    let text = nested(511) + &nested(512);
    let error = Setup::ndjson().read(text.as_bytes()).expect_err("too deep").data();
    assert_eq!((error.code, error.record), (DataCode::TooDeep, 2));
    let text = "[".repeat(1_000_000);
    let error =
        Setup::new(JsonLayout::Concatenated).read(text.as_bytes()).expect_err("deep").data();
    assert_eq!(error.code, DataCode::TooDeep);
}

#[test]
fn an_object_of_hundreds_of_keys_is_a_struct_and_one_of_thousands_is_json() {
    let object = |keys: usize| {
        let members: Vec<_> =
            (0..keys).map(|key| format!("\"k{key}\":9223372036854775807")).collect();
        format!("{{{}}}", members.join(","))
    };
    let outcome = Setup::ndjson().read(format!("{{\"m\":{}}}\n", object(500)).as_bytes()).unwrap();
    assert!(outcome.types().contains("\"k499\" BIGINT"));
    assert_eq!(outcome.rows()[0]["m"]["k7"], json!(i64::MAX), "no digit is lost");
    let large = object(MAX_KEYS + 1);
    let text = format!("{{\"m\":{}}}\n{{\"m\":{large}}}\n{{\"m\":{{}}}}\n", object(3));
    for chunk_bytes in [1, 1 << 20] {
        let outcome = Setup::ndjson().chunks_of(chunk_bytes).read(text.as_bytes()).unwrap();
        assert_eq!(outcome.types(), "m JSON");
        assert_eq!(outcome.rows()[1], json!({"m": large}));
        assert!(
            outcome.reason("m").contains("too many different names"),
            "{}",
            outcome.reason("m")
        );
    }
    let wide = object(MAX_COLUMNS + 1);
    let outcome = Setup::ndjson().read(format!("{wide}\n").as_bytes()).unwrap();
    assert_eq!(outcome.types(), "value JSON");
    let outcome = Setup::ndjson().read(format!("{}\n", object(10_000)).as_bytes()).unwrap();
    assert_eq!(outcome.schema.columns.len(), 10_000);
}

#[test]
fn every_column_has_a_reason() {
    let text = "{\"i\":1,\"m\":1,\"z\":\"2020-01-01\",\"s\":\"x\",\"n\":null,\"l\":[1],\"o\":{\"k\":1,\"m\":1}}\n\
                {\"i\":2,\"m\":\"y\",\"z\":\"n/a\",\"s\":\"y\",\"n\":null,\"l\":[],\"o\":{\"m\":[]}}\n";
    let outcome = Setup::ndjson().chunks_of(1).read(text.as_bytes()).unwrap();
    for (name, reason) in [
        ("i", "all 2 values are integers of 64 bits"),
        ("m", "record 1 has a number, `1`, and record 2 has a string, `\"y\"`; kept as JSON"),
        ("z", "record 2 has `\"n/a\"`, which is not a date"),
        ("s", "all 2 values are strings"),
        ("n", "there are no values, only nulls"),
        (
            "l",
            "all 2 values are arrays, and in them the only value is one of the integers of 64 bits",
        ),
        (
            "o",
            "all 2 values are objects, with 2 fields together; `o.m` is JSON: record 1 has a number, `1`, and record 2 has an array, `[]`; kept as JSON",
        ),
    ] {
        assert_eq!(outcome.reason(name), reason);
    }
    let sampled = Setup { sample: Some(1), ..Setup::ndjson().chunks_of(8) };
    let outcome = sampled.read(b"{\"i\":1}\n{\"i\":2}\n").unwrap();
    assert_eq!(
        outcome.reason("i"),
        "the only value is one of the integers of 64 bits; decided on a sample, and every later record was checked"
    );
    // What is forced is not held against what the sample says.
    let sampled = Setup { sample: Some(1), ..Setup::ndjson().chunks_of(8) };
    let outcome = sampled.expected("i", "VARCHAR").read(b"{\"i\":1}\n{\"i\":\"x\"}\n").unwrap();
    assert_eq!(
        outcome.reason("i"),
        "as the schema says; by the values it would be BIGINT: the only value is one of the integers of 64 bits; so far as a sample shows"
    );
}

#[test]
fn rows_that_are_much_wider_than_their_records_come_in_small_batches() {
    let mut text = String::new();
    for record in 0..6_000 {
        text.push_str(&format!("{{\"k{}\":1}}\n", record % 3_000));
    }
    let outcome = Setup::ndjson().read(text.as_bytes()).unwrap();
    assert_eq!(outcome.schema.columns.len(), 3_000);
    let rows = outcome.schema.chunk_bytes() as u64 / outcome.schema.record_bytes;
    assert!(rows * outcome.schema.row_bytes <= 64 << 20);
    let narrow = Setup::ndjson().read(b"{\"a\":1,\"b\":\"x\"}\n").unwrap();
    assert_eq!(narrow.schema.chunk_bytes(), CHUNK_BYTES);
}
