//! Records in arrays, in documents and behind paths.

use serde_json::json;

use crate::{
    BadRowPolicy, Classify, DataCode, ErrorKind,
    read::json::{
        JsonLayout,
        harness::{Failure, Setup},
    },
};

#[test]
fn an_array_is_a_table_in_any_writing() {
    let rows = [json!({"a": 1, "b": [1, 2]}), json!({"a": 2, "b": []}), json!({"a": 3, "b": null})];
    for text in [
        "[{\"a\":1,\"b\":[1,2]},{\"a\":2,\"b\":[]},{\"a\":3}]",
        "[\n  {\n    \"a\": 1,\n    \"b\": [\n      1,\n      2\n    ]\n  },\n  {\n    \"a\": 2,\n    \"b\": []\n  },\n  {\n    \"a\": 3\n  }\n]\n",
        "\n\n [ {\"a\":1,\"b\":[1,2]}\r\n,{\"a\":2,\"b\":[ ]}\r\n, {\"a\":3,\"b\":null} ] \r\n\r\n",
    ] {
        for chunk_bytes in (1..80).chain([1 << 20]) {
            let setup = Setup::new(JsonLayout::Array).chunks_of(chunk_bytes);
            let outcome = setup.read(text.as_bytes()).unwrap();
            assert_eq!(outcome.rows(), rows, "{text} in chunks of {chunk_bytes}");
        }
    }
    let empty = Setup::new(JsonLayout::Array).read(b" [ ] ").unwrap();
    assert!(empty.rows().is_empty() && empty.schema.columns.is_empty());
    let scalars = Setup::new(JsonLayout::Array).read(b"[1, 2.5,null]").unwrap();
    assert_eq!(
        scalars.rows(),
        [json!({"value": 1.0}), json!({"value": 2.5}), json!({"value": null})]
    );
}

#[test]
fn documents_may_follow_each_other() {
    for text in [
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1} \n\n{\n\"a\"\n:\n2\n}\n",
        "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}",
    ] {
        for chunk_bytes in [1, 5, 1 << 20] {
            let setup = Setup::new(JsonLayout::Concatenated).chunks_of(chunk_bytes);
            let outcome = setup.read(text.as_bytes()).unwrap();
            assert_eq!(outcome.rows(), [json!({"a": 1}), json!({"a": 2})], "{text}");
        }
    }
    let scalars = Setup::new(JsonLayout::Concatenated).read(b"1 2\n3 null\"x\"[4]{}true").unwrap();
    let values: Vec<_> = scalars.rows().iter().map(|row| row["value"].clone()).collect();
    assert_eq!(
        values,
        [
            json!("1"),
            json!("2"),
            json!("3"),
            json!(null),
            json!("\"x\""),
            json!("[4]"),
            json!("{}"),
            json!("true")
        ]
    );
}

#[test]
fn a_bad_element_of_an_array_is_set_aside_alone() {
    let text = "[{\"a\":1},\n {\"a\":tru, \"b\":[1,2]},\n \"x,y\",\n {\"a\":3}]";
    for chunk_bytes in [1, 15, 1 << 20] {
        let setup =
            Setup::new(JsonLayout::Array).policy(BadRowPolicy::Reject).chunks_of(chunk_bytes);
        let outcome = setup.read(text.as_bytes()).unwrap();
        assert_eq!(outcome.rows(), [json!({"a": 1}), json!({"a": 3})]);
        let rejects = outcome.rejects();
        assert_eq!(rejects.len(), 2);
        assert_eq!((rejects[0].line, rejects[0].byte, rejects[0].record), (2, 11, 2));
        assert_eq!((rejects[1].line, rejects[1].code), (3, DataCode::NotAnObject));
    }
}

#[test]
fn what_is_wrong_between_records_is_refused_with_its_position() {
    for (layout, text, line, byte, message) in [
        (JsonLayout::Array, "[{\"a\":1},\n]", 2, 10, "a comma stands in front of the closing `]`"),
        (JsonLayout::Array, "[{\"a\":1}\n{\"a\":2}]", 2, 9, "expected `,` or `]` behind a record"),
        (
            JsonLayout::Array,
            "[{\"a\":1}]\nx",
            2,
            10,
            "something stands behind the end of the array",
        ),
        (JsonLayout::Array, "[{\"a\":1}][]", 1, 9, "something stands behind the end of the array"),
        (JsonLayout::Array, "[{\"a\":1},,{}]", 1, 9, "expected a value in front of `,`"),
        (JsonLayout::Array, "[,1]", 1, 1, "expected a value in front of `,`"),
        (JsonLayout::Array, "[{\"a\":1},\n", 2, 10, "the text ends in the middle of a document"),
        (JsonLayout::Array, "[{\"a\":1}", 1, 8, "the text ends in the middle of an array"),
        (
            JsonLayout::Array,
            "[{\"a\":1},\n{\"a\":\"x}\n",
            2,
            10,
            "the text ends before the value does: a quote or a bracket is not closed, at line 3 (byte 19)",
        ),
        (
            JsonLayout::Array,
            "[{\"a\":[1},{}]",
            1,
            1,
            "a bracket closes that is not the one that is open, at line 1 (byte 8)",
        ),
        (JsonLayout::Array, "7", 1, 0, "the text is no array and no object"),
        (
            JsonLayout::Concatenated,
            "{\"a\":1},\n{\"a\":2}",
            1,
            7,
            "expected a value; records with commas between them need `[` and `]` around them",
        ),
        (JsonLayout::Concatenated, "{\"a\":1}}", 1, 7, "expected a value"),
        (
            JsonLayout::Concatenated,
            "{\"a\":{\"b\":\n",
            1,
            0,
            "the text ends before the value does: a quote or a bracket is not closed, at line 2 (byte 11)",
        ),
    ] {
        for chunk_bytes in [1, 4, 1 << 20] {
            for policy in [BadRowPolicy::Fail, BadRowPolicy::Reject] {
                let setup = Setup::new(layout).chunks_of(chunk_bytes).policy(policy);
                let error = setup.read(text.as_bytes()).expect_err(text).data();
                assert_eq!(
                    (error.line, error.byte, &*error.message),
                    (line, byte, message),
                    "{text} in chunks of {chunk_bytes}"
                );
            }
        }
    }
}

#[test]
fn a_path_leads_to_the_records_of_a_document() {
    let document = "{\"meta\":{\"items\":[9],\"s\":\"]}\\\"\"},\"data\":{\"n\":[1,{\"x\":2}],\"items\":[{\"a\":1},\n{\"a\":2}],\"z\":null},\"pages\":[{\"rows\":[{\"a\":3}]},{\"rows\":[{\"a\":4},{\"a\":5}]}],\"one\":{\"a\":6},\"none\":null,\"\\u00e9.x\":[{\"a\":7}]}";
    for (path, values) in [
        ("data.items", vec![1, 2]),
        ("$.data.items[*]", vec![1, 2]),
        ("pages[0].rows", vec![3]),
        ("pages[1].rows", vec![4, 5]),
        ("pages[*].rows", vec![3, 4, 5]),
        ("one", vec![6]),
        ("none", vec![]),
        ("['é.x']", vec![7]),
    ] {
        let rows: Vec<_> = values.iter().map(|value| json!({"a": value})).collect();
        for layout in [JsonLayout::Ndjson, JsonLayout::Array, JsonLayout::Concatenated] {
            for chunk_bytes in [1, 7, 40, 1 << 20] {
                let setup = Setup::new(layout).records(path).chunks_of(chunk_bytes);
                let outcome = setup.read(document.as_bytes()).unwrap();
                assert_eq!(outcome.rows(), rows, "{path} in chunks of {chunk_bytes}");
            }
        }
    }
    // The same in each of several documents, with positions that are right.
    let text =
        format!("{document}\n{document}\n{{\"data\":{{\"items\":[{{\"a\":8}},{{\"a\":x}}]}}}}");
    for chunk_bytes in (1..400).chain([1 << 20]) {
        let setup = Setup::ndjson().records("data.items").chunks_of(chunk_bytes);
        let outcome = setup.policy(BadRowPolicy::Reject).read(text.as_bytes()).unwrap();
        let values: Vec<_> = outcome.rows().iter().filter_map(|row| row["a"].as_i64()).collect();
        assert_eq!(values, [1, 2, 1, 2, 8]);
        let error = outcome.rejects()[0];
        assert_eq!((error.line, error.record), (5, 6));
        assert_eq!(&text.as_bytes()[usize::try_from(error.byte).unwrap()..][..7], b"{\"a\":x}");
    }
}

#[test]
fn a_path_that_leads_nowhere_says_how_far_it_leads() {
    let many: String = (0..30).map(|number| format!("\"k{number}\":0,")).collect();
    let many = format!("{{\"a\":{{{many}\"z\":{{\"items\":1}}}}}}");
    for (path, text, says, hint) in [
        (
            "data.rows",
            "{\"meta\":1,\"data\":{\"items\":[],\"n\":{\"rows\":[]},\"items\":0}}",
            "`data` is an object, and there is no `data.rows`",
            "the names in `data` are `items`, `n`",
        ),
        (
            "rows",
            "{\"a\\n\":1}\n{\"b\":[]}",
            "the document is an object, and there is no `rows`",
            "the names in the document are `a\\n`, `b`",
        ),
        ("a.x", "{\"a\":{}}", "`a` is an object without members", ""),
        ("a.x", "{\"a\":\"x\"}", "`a` is a string, and there is no `a.x`", ""),
        ("a.x.y", "{\"a\":null}\n{\"a\":7}", "`a` is null, and there is no `a.x`", ""),
        (
            "a.b",
            "{\"a\":[1]}",
            "`a` is an array, which has no names",
            "point into the array with `a[0]`, or into all of its elements with `a[*]`",
        ),
        ("b", "[{\"b\":[]}]", "the document is an array, which has no names", "`[0]`"),
        (
            "a[2].b",
            "{\"a\":[1,2]}",
            "`a` is an array of 2 elements, and there is no `a[2]`",
            "elements are counted from 0",
        ),
        ("[3]", "[1]", "the document is an array of 1 element, and there is no `[3]`", ""),
        ("[0]", "{\"a\":1}", "the document is an object, and there is no `[0]`", ""),
        (
            "a[*].b.c",
            "{\"a\":[{},{\"b\":{\"d\":1}},{\"e\":1}]}",
            "`a[*].b` is an object, and there is no `a[*].b.c`",
            "the names in `a[*].b` are `d`",
        ),
        ("a.rows", &many, "`a` is an object", "`k19` and others"),
        ("a.z.rows", &many, "`a.z` is an object", "`items`"),
    ] {
        for chunk_bytes in [1, 1 << 20] {
            let setup = Setup::ndjson().records(path).chunks_of(chunk_bytes);
            let failure = setup.read(text.as_bytes()).expect_err(path);
            let Failure::Split(error) = failure else { panic!("not the splitter: {failure:?}") };
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            let message = error.to_string();
            assert!(
                message.starts_with(&format!(
                    "`--records {path}` leads to nothing in `in.json`: {says}"
                )),
                "{message}"
            );
            let hints = error.hints().join("; ");
            assert!(hints.contains(hint), "{path}: {hints}");
        }
    }
    // Where it leads to records once, it may lead to none elsewhere.
    let setup = Setup::ndjson().records("a.b");
    let outcome = setup.read(b"{\"a\":1}\n{\"a\":{\"b\":[{\"x\":1}]}}\n{}\n").unwrap();
    assert_eq!(outcome.rows(), [json!({"x": 1})]);
}

#[test]
fn a_path_that_leads_to_something_else_is_refused() {
    let setup = Setup::ndjson().records("a");
    let error = setup.read(b"{\"a\":5}").expect_err("a scalar").data();
    assert_eq!(error.message, "the path to the records leads to what is no array and no object");
    let error = setup.read(b"{\"a\":[],\"a\":[]}").expect_err("twice").data();
    assert_eq!(error.code, DataCode::BadDocument, "no policy helps");
    let error = setup.read(b"{\"a\":[{}]").expect_err("the end").data();
    assert_eq!(error.message, "the text ends in the middle of a document");
}

#[test]
fn a_million_records_and_a_document_of_many_megabytes_are_read_in_chunks() {
    let count = 1_000_000;
    let mut text = String::from("[");
    for number in 0..count {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&format!("{{\"n\":{number}}}"));
    }
    text.push(']');
    let chunks = Setup::new(JsonLayout::Array).split(text.as_bytes()).unwrap();
    assert_eq!(chunks.iter().map(|chunk| chunk.records).sum::<u64>(), count);
    assert!(chunks.iter().all(|chunk| chunk.bytes.len() <= (1 << 20) + (64 << 10)));
    let document = format!("{{\"items\":{text}}}");
    let chunks = Setup::ndjson().records("items").split(document.as_bytes()).unwrap();
    assert_eq!(chunks.iter().map(|chunk| chunk.records).sum::<u64>(), count);
    let whole = Setup::new(JsonLayout::Concatenated).read(document.as_bytes()).unwrap();
    assert_eq!(whole.types(), "items STRUCT(\"n\" BIGINT)[]");
    assert_eq!(whole.rows()[0]["items"][999_999], json!({"n": 999_999}));
}
