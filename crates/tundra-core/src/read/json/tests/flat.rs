//! Fields of nested objects as columns of their own, and types that a schema asks for.

use serde_json::json;

use crate::{
    BadRowPolicy, DataCode, TypePolicy,
    read::{
        chunk::DecodeError,
        json::harness::{Failure, Setup},
    },
};

const NESTED: &str = "\
{\"id\":1,\"user\":{\"name\":\"Ada\",\"address\":{\"city\":\"Köln\",\"geo\":[1,2]}},\"tags\":[{\"t\":\"x\"}]}
{\"user\":null,\"id\":2}
{\"id\":3,\"user\":{\"address\":{\"city\":null},\"age\":7}}
{\"id\":4,\"user\":{}}
";

#[test]
fn fields_of_objects_become_columns_and_lists_stay_lists() {
    for chunk_bytes in [1, 60, 1 << 20] {
        let setup = Setup::ndjson().flatten().chunks_of(chunk_bytes);
        let outcome = setup.read(NESTED.as_bytes()).unwrap();
        assert_eq!(
            outcome.types(),
            "id BIGINT, user.name VARCHAR, user.address.city VARCHAR, user.address.geo BIGINT[], \
             user.age BIGINT, tags STRUCT(\"t\" VARCHAR)[]"
        );
        let row = |id: i64,
                   name: Option<&str>,
                   city: Option<&str>,
                   geo: Option<[i64; 2]>,
                   age: Option<i64>,
                   tags: serde_json::Value| {
            json!({
                "id": id, "user.name": name, "user.address.city": city, "user.address.geo": geo,
                "user.age": age, "tags": tags,
            })
        };
        assert_eq!(
            outcome.rows(),
            [
                row(1, Some("Ada"), Some("Köln"), Some([1, 2]), None, json!([{"t": "x"}])),
                row(2, None, None, None, None, json!(null)),
                row(3, None, None, None, Some(7), json!(null)),
                row(4, None, None, None, None, json!(null)),
            ]
        );
    }
}

#[test]
fn what_is_not_always_an_object_stays_one_column() {
    let text = "{\"a\":{\"x\":1},\"b\":{},\"c\":{\"d\":{\"y\":1}}}\n{\"a\":5,\"c\":{\"d\":[1]}}\n";
    let outcome = Setup::ndjson().flatten().read(text.as_bytes()).unwrap();
    assert_eq!(outcome.types(), "a JSON, b JSON, c.d JSON");
    assert_eq!(outcome.rows()[0], json!({"a": "{\"x\":1}", "b": "{}", "c.d": "{\"y\":1}"}));
    assert_eq!(outcome.rows()[1], json!({"a": "5", "b": null, "c.d": "[1]"}));
}

#[test]
fn two_fields_of_one_name_are_told_apart() {
    let text = "{\"a.b\":1,\"a\":{\"b\":2,\"B\":3}}\n";
    let outcome = Setup::ndjson().flatten().read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a.b": 1, "a.b_1": 2, "a.B_2": 3})]);
    let reason = outcome.reason("a.b_1");
    assert!(reason.ends_with("; another field comes to the same name with its dots"), "{reason}");
    let reason = outcome.reason("a.B_2");
    assert!(reason.ends_with("; another name differs from this one in case only"), "{reason}");
}

#[test]
fn a_forced_type_goes_to_the_column_of_that_name_or_keeps_the_object_whole() {
    let text = "{\"a\":{\"x\":1,\"o\":{\"y\":\"7\"}}}\n{\"a\":{\"x\":2,\"o\":{\"y\":\"z\"}}}\n";
    let outcome = Setup::ndjson().flatten().forced("a.o", "JSON").forced("a.x", "VARCHAR");
    let outcome = outcome.read(text.as_bytes()).unwrap();
    assert_eq!(outcome.types(), "a.x VARCHAR, a.o JSON");
    assert_eq!(outcome.rows()[1], json!({"a.x": "2", "a.o": "{\"y\":\"z\"}"}));

    let setup = Setup::ndjson().flatten().forced("a.o.y", "INTEGER");
    let error = setup.read(text.as_bytes()).expect_err("z is no number").data();
    assert_eq!((error.code, error.column.as_deref()), (DataCode::BadValue, Some("a.o.y")));
    assert_eq!((error.line, &*error.text), (2, "\"z\""));
    let outcome = setup.clone().policy(BadRowPolicy::Repair).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows()[1], json!({"a.x": 2, "a.o.y": null}));
    let outcome = setup.policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
    assert_eq!(outcome.rows(), [json!({"a.x": 1, "a.o.y": 7})]);
}

#[test]
fn a_sample_that_does_not_hold_is_contradicted_with_the_name_of_the_column() {
    for (last, column) in [
        ("{\"a\":{\"x\":\"s\"}}", "a.x"),
        ("{\"a\":{\"new\":1}}", "a.new"),
        ("{\"a\":{\"o\":{\"new\":1,\"y\":1}}}", "a.o.new"),
        ("{\"a\":{\"x\":1,\"o\":[]}}", "a.o"),
        ("{\"a\":7}", "a"),
        ("{\"z\":7}", "z"),
    ] {
        let text = format!("{{\"a\":{{\"x\":1,\"o\":{{\"y\":1}}}},\"b\":1}}\n{last}\n");
        let setup = Setup { sample: Some(1), ..Setup::ndjson().flatten().chunks_of(1) };
        // A forced column in front of the one that is wrong forces nothing behind it.
        for setup in [setup.clone(), setup.forced("a.o.y", "BIGINT")] {
            let failure = setup.read(text.as_bytes()).expect_err(last);
            let Failure::Decode(DecodeError::Contradiction(error)) = failure else {
                panic!("{failure:?}")
            };
            assert_eq!(error.column.as_deref(), Some(column), "{last}");
        }
    }
}

#[test]
fn a_broken_record_leaves_no_trace_in_flattened_columns() {
    let text = "{\"a\":{\"l\":[1],\"o\":{\"y\":1}}}\n{\"a\":{\"l\":[2,3],\"o\":{\"y\":2},\n{\"a\":{\"l\":[4]}}\n";
    let outcome = Setup::ndjson().flatten().policy(BadRowPolicy::Reject).read(text.as_bytes());
    let outcome = outcome.unwrap();
    assert_eq!(
        outcome.rows(),
        [json!({"a.l": [1], "a.o.y": 1}), json!({"a.l": [4], "a.o.y": null})]
    );
    assert_eq!(outcome.rejects().len(), 1);
    let text = "{\"a\":{\"x\":1,\"x\":2}}\n{\"a\":{\"x\":3}}\n";
    let outcome = Setup::ndjson().flatten().policy(BadRowPolicy::Repair).read(text.as_bytes());
    assert_eq!(outcome.unwrap().rows(), [json!({"a.x": 2}), json!({"a.x": 3})]);
}

#[test]
fn all_of_it_can_be_text() {
    let setup = Setup { types: TypePolicy::Text, ..Setup::ndjson().flatten() };
    let outcome = setup.read(b"{\"a\":{\"x\":1.50,\"l\":[1]}}\n{\"a\":{\"x\":true}}\n").unwrap();
    assert_eq!(outcome.types(), "a.x VARCHAR, a.l JSON");
    assert_eq!(
        outcome.rows(),
        [json!({"a.x": "1.50", "a.l": "[1]"}), json!({"a.x": "true", "a.l": null})]
    );
}

#[test]
fn a_schema_is_met_by_what_its_types_hold_and_by_nothing_that_loses_a_digit() {
    let text = "{\"v\":1}\n{\"v\":25}\n{\"v\":null}\n";
    for (kind, expected) in [
        ("BIGINT", json!(25)),
        ("INTEGER", json!(25)),
        ("DOUBLE", json!(25.0)),
        ("DECIMAL(12,2)", json!("25.00")),
        ("VARCHAR", json!("25")),
    ] {
        let outcome = Setup::ndjson().expected("v", kind).read(text.as_bytes()).unwrap();
        assert_eq!(outcome.types(), format!("v {kind}"));
        assert_eq!(outcome.rows()[1]["v"], expected);
        assert!(outcome.reason("v").starts_with("as the schema says"), "{}", outcome.reason("v"));
    }
    for (kind, text) in [
        ("TINYINT", "{\"v\":300}"),
        ("BIGINT", "{\"v\":\"007\"}"),
        ("DOUBLE", "{\"v\":9007199254740993}"),
        ("DECIMAL(3,1)", "{\"v\":1.25}"),
        ("BIGINT", "{\"v\":true}"),
        ("STRUCT(a BIGINT)", "{\"v\":{\"a\":1,\"b\":2}}"),
        ("BIGINT[]", "{\"v\":7}"),
    ] {
        let error = Setup::ndjson().expected("v", kind).read(text.as_bytes());
        assert_eq!(error.expect_err(kind).data().code, DataCode::BadValue, "{text}");
    }
    let nested = "{\"v\":{\"a\":1}}";
    let setup = Setup::ndjson().expected("v", "STRUCT(b VARCHAR[], a DOUBLE)");
    assert_eq!(
        setup.read(nested.as_bytes()).unwrap().rows(),
        [json!({"v": {"b": null, "a": 1.0}})]
    );

    // What the type has no field for is left away where records are made to fit, and told.
    let text = "{\"v\":{\"a\":1,\"b\":{\"c\":2}}}\n{\"v\":{\"b\":1}}\n{\"v\":{\"a\":3}}\n";
    let setup = Setup::ndjson().expected("v", "STRUCT(a BIGINT)").policy(BadRowPolicy::Repair);
    let outcome = setup.read(text.as_bytes()).unwrap();
    assert_eq!(
        outcome.rows(),
        [json!({"v": {"a": 1}}), json!({"v": {"a": null}}), json!({"v": {"a": 3}})]
    );
    assert_eq!(outcome.repairs().len(), 2);
    assert_eq!(outcome.repairs()[0].message, "there is no field `b`");
}
