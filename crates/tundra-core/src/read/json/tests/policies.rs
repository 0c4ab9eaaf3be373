//! What becomes of records that do not fit.

use serde_json::json;

use super::fails;
use crate::{
    BadRowPolicy, DataCode,
    read::{
        chunk::DecodeError,
        json::harness::{Failure, Setup},
    },
};

#[test]
fn a_record_that_is_no_object_among_objects_is_a_bad_one() {
    let text = "{\"a\":1}\n[2]\n{\"a\":3}\nnull\n{\"a\":4}\n";
    assert_eq!(
        fails(text),
        "line 2 (byte 8, record 2): a record is no object at character 1 of the record: `[2]`"
    );
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a": 1}), json!({"a": 3}), json!({"a": 4})]);
    assert!(outcome.rejects().iter().all(|error| error.code == DataCode::NotAnObject));
}

#[test]
fn a_name_that_stands_twice_follows_the_policy() {
    let text = "{\"a\":1}\n{\"a\":2,\"o\":{\"k\":1,\"k\":2},\"\\u0061\":3}\n{\"a\":4}\n";
    assert_eq!(
        fails(text),
        "line 2 (byte 8, record 2), column `o`: the name `k` stands twice in one object at character 19 of the record: \
         `{\"a\":2,\"o\":{\"k\":1,\"k\":2},\"\\u0061\":3}`"
    );
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a": 1, "o": null}), json!({"a": 4, "o": null})]);
    assert_eq!(outcome.rejects()[0].code, DataCode::DuplicateKey);
    let outcome = Setup::ndjson().policy(BadRowPolicy::Repair).read(text.as_bytes()).unwrap();
    assert_eq!(
        outcome.rows(),
        [json!({"a": 1, "o": null}), json!({"a": 3, "o": {"k": 2}}), json!({"a": 4, "o": null})]
    );
    assert_eq!(outcome.repairs().len(), 1);
    assert_eq!(outcome.repairs()[0].record, 2);
    assert_eq!(outcome.chunks[0].repaired, 1);
}

#[test]
fn a_broken_line_follows_the_policy_and_spoils_nothing() {
    let text = "{\"a\":1,\"l\":[{\"x\":1}]}\r\n{\"a\":2,\"new\":\"x\",\"l\":[{\"x\":2},{\"x\":\r\n\r\n{\"a\":3,\"l\":[{\"x\":3},null]}\r\n";
    assert_eq!(
        fails(text),
        "line 2 (byte 23, record 2): expected a value, but the line ends at character 37 of the record: \
         `{\"a\":2,\"new\":\"x\",\"l\":[{\"x\":2},{\"x\":`"
    );
    for chunk_bytes in [1, 30, 1 << 20] {
        let setup = Setup::ndjson().policy(BadRowPolicy::Reject).chunks_of(chunk_bytes);
        let outcome = setup.read(text.as_bytes()).unwrap();
        assert_eq!(
            outcome.types(),
            "a BIGINT, l STRUCT(\"x\" BIGINT)[]",
            "nothing of the broken line"
        );
        assert_eq!(
            outcome.rows(),
            [json!({"a": 1, "l": [{"x": 1}]}), json!({"a": 3, "l": [{"x": 3}, null]})]
        );
        assert_eq!(outcome.faulty, 1);
        let rejects: Vec<_> = outcome.chunks.iter().flat_map(|chunk| &chunk.rejects).collect();
        assert_eq!(rejects.len(), 1);
        let reject = rejects[0];
        assert_eq!(reject.code(), DataCode::BadJson);
        assert_eq!((reject.error.record, reject.error.line, reject.error.byte), (2, 2, 23));
        assert_eq!(reject.end_byte, 58);
        assert_eq!(reject.raw, &text.as_bytes()[23..58]);
    }
    let repair = Setup::ndjson().policy(BadRowPolicy::Repair).read(text.as_bytes());
    assert_eq!(repair.expect_err("nothing can be made of it").data().code, DataCode::BadJson);
}

#[test]
fn every_sort_of_broken_line_is_set_aside_alone() {
    for broken in [
        "{",
        "}",
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":NaN}",
        "{\"a\":\"x",
        "{\"a\":\"x\\\"}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "nonsense",
        "{\"a\":1} // note",
        "{\"a\":[1,2}",
        "{\"a\":\"\u{1}\"}",
        "{\"l\":[1,[2,{\"k\":3",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}",
        "{\"\\ud800\":1}",
    ] {
        let text = format!("{{\"a\":1,\"l\":[5]}}\n{broken}\n{{\"a\":3,\"l\":[6,7]}}\n");
        let setup = Setup::ndjson().policy(BadRowPolicy::Reject);
        let outcome = setup.read(text.as_bytes()).unwrap();
        assert_eq!(outcome.types(), "a BIGINT, l BIGINT[]", "{broken}");
        assert_eq!(
            outcome.rows(),
            [json!({"a": 1, "l": [5]}), json!({"a": 3, "l": [6, 7]})],
            "{broken}"
        );
        assert_eq!(outcome.rejects()[0].record, 2, "{broken}");
        assert_eq!(outcome.chunks[0].rejects[0].raw, broken.as_bytes());
    }
}

#[test]
fn what_was_read_of_a_broken_record_goes_into_no_other_one() {
    let text = "{\"l\":[[1],[2]],\"o\":{\"m\":[{\"x\":[1]}]}}\n\
                {\"o\":{\"m\":[{\"x\":[2,3,\n\
                {\"l\":[[3],[4,5,x]]}\n\
                {\"l\":[[6],[]],\"o\":{\"m\":[{\"x\":[7]},{}]}}\n";
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(
        outcome.rows(),
        [
            json!({"l": [[1], [2]], "o": {"m": [{"x": [1]}]}}),
            json!({"l": [[6], []], "o": {"m": [{"x": [7]}, {"x": null}]}}),
        ]
    );
}

#[test]
fn a_quote_in_a_name_ends_it_unless_it_is_escaped() {
    let text = "{\"a\\\"b\":1}\n{\"a\"b\":2}\n{\"a\\u0022b\":3}\n";
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a\"b": 1}), json!({"a\"b": 3})]);
    assert_eq!(outcome.faulty, 1);
}

#[test]
fn bytes_that_are_no_utf8_are_found_and_the_rest_is_read() {
    let text = b"{\"a\":\"caf\xc3\xa9\"}\n{\"a\":\"caf\xe9\"}\n{\"a\":\"x\"}\n";
    let error = Setup::ndjson().read(text).expect_err("fails").data();
    assert_eq!(error.code, DataCode::UndecodableBytes);
    assert_eq!((error.line, error.byte), (2, 14));
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text).unwrap();
    assert_eq!(outcome.rows(), [json!({"a": "café"}), json!({"a": "x"})]);
    assert_eq!(outcome.chunks[0].rejects[0].raw, b"{\"a\":\"caf\xe9\"}");
}

#[test]
fn half_of_a_surrogate_pair_follows_the_policy() {
    let text = "{\"a\":\"x\"}\n{\"a\":\"\\ud800y\"}\n";
    assert_eq!(
        fails(text),
        "line 2 (byte 10, record 2): `\\ud800` is half of a surrogate pair, which is no character at character 7 of the record: \
         `{\"a\":\"\\ud800y\"}`"
    );
    let outcome = Setup::ndjson().policy(BadRowPolicy::Repair).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a": "x"}), json!({"a": "\u{fffd}y"})]);
    assert_eq!(outcome.repairs().len(), 1);
}

#[test]
fn half_of_a_surrogate_pair_is_as_wrong_where_a_value_is_kept_as_json() {
    let text = "{\"a\":1}\n{\"a\":{\"b\":[\"\\\\\\ud800y\"]}}\n{\"a\":\"\\ud83d\\ude00\"}\n";
    let forced = Setup::ndjson().forced("a", "JSON");
    for setup in [Setup::ndjson(), forced] {
        let error = setup.read(text.as_bytes()).expect_err("it is no character").data();
        assert_eq!((error.code, error.record), (DataCode::BadJson, 2));
        assert_eq!(
            error.message,
            "`\\ud800` is half of a surrogate pair, which is no character at character 15 of the record"
        );
        let outcome = setup.clone().policy(BadRowPolicy::Repair).read(text.as_bytes()).unwrap();
        assert_eq!(outcome.types(), "a JSON");
        assert_eq!(
            outcome.rows(),
            [
                json!({"a": "1"}),
                json!({"a": "{\"b\":[\"\\\\\\ufffdy\"]}"}),
                json!({"a": "\"\\ud83d\\ude00\""}),
            ]
        );
        assert_eq!(outcome.repairs().len(), 1);
    }
    // A record that is set aside decides no type.
    let text = "{\"a\":1}\n{\"a\":\"\\udc00\"}\n";
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.types(), "a BIGINT");
    assert_eq!(outcome.rejects().len(), 1);
    // A name is not repaired: it could become another's.
    let text = "{\"a\":1}\n{\"a\":{\"\\ud800\":1}}\n";
    Setup::ndjson().policy(BadRowPolicy::Repair).read(text.as_bytes()).expect_err("a name");
}

#[test]
fn forced_types_take_what_fits_and_follow_the_policy_otherwise() {
    let text = "{\"a\":\"007\",\"b\":1,\"c\":[1,2]}\n{\"a\":8,\"b\":\"x\",\"c\":[\"3\",true]}\n{\"a\":\"x\",\"b\":{\"k\":1},\"c\":4}\n{\"a\":null,\"b\":true,\"c\":null}\n";
    let setup =
        Setup::ndjson().forced("a", "INTEGER").forced("b", "VARCHAR").forced("c", "TINYINT[]");
    let error = setup.read(text.as_bytes()).expect_err("fails").data();
    assert_eq!(
        error.to_string(),
        "line 2 (byte 28, record 2), column `c`: it is no TINYINT: `true`"
    );
    let rejected = setup.clone().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(rejected.types(), "a INTEGER, b VARCHAR, c TINYINT[]");
    assert_eq!(
        rejected.rows(),
        [json!({"a": 7, "b": "1", "c": ["1", "2"]}), json!({"a": null, "b": "true", "c": null})]
    );
    assert_eq!(rejected.rejects().len(), 2);
    let repaired = setup.policy(BadRowPolicy::Repair).read(text.as_bytes()).unwrap();
    assert_eq!(
        repaired.rows(),
        [
            json!({"a": 7, "b": "1", "c": ["1", "2"]}),
            json!({"a": 8, "b": "x", "c": ["3", null]}),
            json!({"a": null, "b": "{\"k\":1}", "c": null}),
            json!({"a": null, "b": "true", "c": null}),
        ]
    );
    assert_eq!(repaired.chunks[0].repaired, 2);
    assert_eq!(repaired.repairs().len(), 3, "once per record, code and column");
}

#[test]
fn records_can_be_left_out() {
    let text = "{\"a\":1}\nnonsense\n{\"b\":2}\n{\"a\":3}\n";
    let setup = Setup { skip: vec![1, 2, 99], ..Setup::ndjson() };
    for chunk_bytes in [1, 1 << 20] {
        let outcome = setup.clone().chunks_of(chunk_bytes).read(text.as_bytes()).unwrap();
        assert_eq!(outcome.types(), "a BIGINT", "what is left out decides nothing");
        assert_eq!(outcome.rows(), [json!({"a": 1}), json!({"a": 3})]);
        assert_eq!(outcome.chunks.iter().map(|chunk| chunk.skipped).sum::<u64>(), 2);
    }
}

/// Checks that what follows a sample of one record contradicts it.
#[track_caller]
fn contradicts(sample: &str, later: &str, message: &str) {
    let text = format!("{sample}\n{{\"a\":null}}\n{later}\n");
    let setup = Setup { sample: Some(1), ..Setup::ndjson().chunks_of(sample.len() + 1) };
    let failure = setup.read(text.as_bytes()).expect_err("contradicts");
    let Failure::Decode(DecodeError::Contradiction(error)) = failure else {
        panic!("no contradiction: {failure:?}")
    };
    assert_eq!(error.message, message);
    assert_eq!(error.record, 3);
    Setup::ndjson().read(text.as_bytes()).expect("the whole input contradicts nothing");
}

#[test]
fn whatever_does_not_fit_a_sampled_schema_contradicts_it() {
    for (sample, later, message) in [
        ("{\"a\":1}", "{\"a\":1.5}", "`1.5` is no integer of 64 bits"),
        (
            "{\"a\":1}",
            "{\"a\":9223372036854775808}",
            "`9223372036854775808` is no integer of 64 bits",
        ),
        ("{\"a\":1}", "{\"a\":\"1\"}", "`\"1\"` is no integer of 64 bits"),
        ("{\"a\":1}", "{\"a\":-0}", "`-0` is no integer of 64 bits"),
        (
            "{\"a\":18446744073709551615}",
            "{\"a\":-1}",
            "`-1` is no integer of 64 bits without a sign",
        ),
        (
            "{\"a\":1.5}",
            "{\"a\":9007199254740993}",
            "`9007199254740993` is no number that a double holds",
        ),
        ("{\"a\":12345678901234567.5}", "{\"a\":0.55}", "`0.55` is no DECIMAL(18,1)"),
        ("{\"a\":true}", "{\"a\":0}", "`0` is no boolean"),
        ("{\"a\":\"x\"}", "{\"a\":1}", "`1` is no string"),
        ("{\"a\":\"2020-01-01\"}", "{\"a\":\"x\"}", "`\"x\"` is no date with its year first"),
        ("{\"a\":null}", "{\"a\":\"x\"}", "`\"x\"` is no null, and nothing else was seen"),
        ("{\"a\":{\"b\":1}}", "{\"a\":[1]}", "`[1]` is no object"),
        ("{\"a\":{\"b\":1}}", "{\"a\":{\"c\":1}}", "there is no field `c`"),
        ("{\"a\":[1]}", "{\"a\":[1,\"x\"]}", "`\"x\"` is no integer of 64 bits"),
        ("{\"a\":[]}", "{\"a\":[1]}", "`1` is no null, and nothing else was seen"),
        ("{\"a\":{}}", "{\"a\":{\"b\":1}}", "`{\"b\":1}` is no empty object"),
        ("{\"a\":1}", "{\"b\":1}", "there is no field `b`"),
        ("{\"a\":1e999}", "{\"a\":\"x\"}", "`\"x\"` is no number"),
    ] {
        contradicts(sample, later, message);
    }
}

#[test]
fn a_broken_record_is_bad_and_contradicts_nothing() {
    let text = "{\"a\":1}\n{\"a\":\"x\",\"b\":[}\n{\"a\":2}\n";
    let setup = Setup { sample: Some(1), ..Setup::ndjson().chunks_of(8) };
    let outcome = setup.policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a": 1}), json!({"a": 2})]);
}

#[test]
fn what_a_sample_calls_mixed_takes_everything() {
    let text = "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":{\"b\":[1]}}\n{\"a\":1e999}\n";
    let setup = Setup { sample: Some(1), ..Setup::ndjson().chunks_of(18) };
    let outcome = setup.read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows()[2], json!({"a": "{\"b\":[1]}"}));
}

#[test]
fn an_input_of_bad_records_only_is_a_table_without_rows() {
    let setup = Setup::ndjson().policy(BadRowPolicy::Reject);
    let outcome = setup.read(b"{\n[\n").unwrap();
    assert_eq!(outcome.types(), "value VARCHAR");
    assert!(outcome.rows().is_empty());
    assert_eq!(outcome.rejects().len(), 2);
}

#[test]
fn what_could_not_be_observed_is_bad_when_it_does_not_fit() {
    // The name in `m` is no text, so nothing of the record was observed, `new` included.
    let text =
        "{\"m\":1}\n{\"m\":\"x\"}\n{\"m\":{\"\\ud800\":1},\"new\":5}\n{\"m\":{\"\\ud800\":1}}\n";
    let outcome = Setup::ndjson().policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"m": "1"}), json!({"m": "\"x\""})]);
    let records: Vec<u64> = outcome.rejects().iter().map(|error| error.record).collect();
    assert_eq!(records, [3, 4]);
}
