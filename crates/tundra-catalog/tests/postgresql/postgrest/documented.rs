//! What the documentation of PostgREST says of the requests that the catalog makes, asked of the server
//! that stands for it. Where the two could differ, the catalog must not mind; that it does not is what
//! the last column of the table in `docs/CATALOG.md` says.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};
use tundra_test_services::PostgRest;

use super::whole;

/// An answer as it came.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

fn ask(server: &PostgRest, method: &str, target: &str, headers: &str, body: &Value) -> Answer {
    let endpoint = server.endpoint();
    let address = endpoint.strip_prefix("http://").unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (key, length) = (server.service_key(), body.len());
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

const ID: &str = "00000000-0000-4000-8000-00000000000a";
const SHOWN: &str = "Prefer: return=representation\r\n";

/// Starts one with a source that has three versions.
fn filled() -> PostgRest {
    let server = whole();
    let sql = format!(
        "INSERT INTO sources (id, org_id, source_type, connector_type)
         VALUES ('{ID}', 'acme', 'file', 'csv');
         INSERT INTO source_versions (source_id, version)
         SELECT '{ID}', number FROM generate_series(1, 3) AS number"
    );
    server.database().run(&sql).unwrap();
    server
}

#[test]
fn a_patch_changes_the_rows_that_its_conditions_choose_and_shows_them() {
    let server = filled();
    let target = format!(
        "/sources?id=eq.{ID}&or=(current_version.is.null,current_version.lt.2)\
         &select=id,current_version"
    );
    let change = json!({"current_version": 2});
    let first = ask(&server, "PATCH", &target, SHOWN, &change);
    assert_eq!(first.header("preference-applied"), Some("return=representation"));
    assert_eq!((first.status, first.body), (200, json!([{"id": ID, "current_version": 2}])));
    let second = ask(&server, "PATCH", &target, SHOWN, &change);
    assert_eq!((second.status, second.body), (200, json!([])));
    let silent = ask(&server, "PATCH", &target, "", &change);
    assert_eq!((silent.status, silent.body), (204, Value::Null));
}

#[test]
fn an_insert_shows_the_row_with_what_the_database_made() {
    let server = filled();
    let row = json!({"source_id": ID, "version": 4});
    let answer = ask(&server, "POST", "/source_versions", SHOWN, &row);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body[0]["status"], "pending");
    assert!(answer.body[0]["created_at"].as_str().unwrap().ends_with("+00:00"));
    assert_eq!(answer.body[0].as_object().unwrap().len(), 14, "{}", answer.body);
}

#[test]
fn conflicts_are_409_with_the_code_of_postgresql() {
    let server = filled();
    let taken = json!({"source_id": ID, "version": 3});
    let answer = ask(&server, "POST", "/source_versions", SHOWN, &taken);
    assert_eq!((answer.status, answer.code()), (409, "23505"));
    let details = answer.body["details"].as_str().unwrap();
    assert!(details.starts_with("Key (source_id, version)="), "{details}");
    let nowhere = json!({"source_id": "00000000-0000-4000-8000-00000000000b", "version": 1});
    let answer = ask(&server, "POST", "/source_versions", SHOWN, &nowhere);
    assert_eq!((answer.status, answer.code()), (409, "23503"));
}

#[test]
fn a_single_row_that_is_not_there_is_406() {
    let server = filled();
    let single = "Accept: application/vnd.pgrst.object+json\r\n";
    let answer = ask(&server, "GET", "/sources?id=is.null", single, &Value::Null);
    assert_eq!((answer.status, answer.code()), (406, "PGRST116"));
    let answer = ask(&server, "GET", "/source_versions", single, &Value::Null);
    assert_eq!((answer.status, answer.code()), (406, "PGRST116"));
    let target = format!("/sources?id=eq.{ID}");
    let answer = ask(&server, "GET", &target, single, &Value::Null);
    assert_eq!((answer.status, &answer.body["id"]), (200, &json!(ID)));
}

#[test]
fn a_range_says_how_many_there_are() {
    let server = filled();
    let ask = |headers: &str| {
        let target = "/source_versions?order=version.desc&select=version";
        ask(&server, "GET", target, headers, &Value::Null)
    };
    let counted = "Prefer: count=exact\r\nRange-Unit: items\r\n";
    let part = ask(&format!("{counted}Range: 0-1\r\n"));
    // PostgREST documents 206 for a part.
    assert_eq!(part.status, 206, "{}", part.head);
    assert_eq!(part.header("content-range"), Some("0-1/3"));
    assert_eq!(part.body, json!([{"version": 3}, {"version": 2}]));
    let whole = ask(&format!("{counted}Range: 0-9\r\n"));
    assert_eq!((whole.status, whole.header("content-range")), (200, Some("0-2/3")));
    let behind = ask(&format!("{counted}Range: 5-9\r\n"));
    assert_eq!((behind.status, behind.code()), (416, "PGRST103"));
    let uncounted = ask("Range-Unit: items\r\nRange: 0-1\r\n");
    assert_eq!((uncounted.status, uncounted.header("content-range")), (200, Some("0-1/*")));
}

#[test]
fn what_is_missing_has_a_code_of_its_own() {
    let server = filled();
    let column = json!({"org_id": "acme", "source_type": "file", "nothing": 1});
    let answer = ask(&server, "POST", "/sources", SHOWN, &column);
    assert_eq!((answer.status, answer.code()), (400, "PGRST204"));
    let message = answer.body["message"].as_str().unwrap();
    assert!(message.contains("'nothing'"), "{message}");
    let answer = ask(&server, "GET", "/sources?nothing=eq.1", "", &Value::Null);
    assert_eq!((answer.status, answer.code()), (400, "42703"));
    let answer = ask(&server, "POST", "/nothing", SHOWN, &json!({}));
    assert_eq!((answer.status, answer.code()), (404, "PGRST205"));
    let answer = ask(&server, "GET", "/sources?id=eq.nothing", "", &Value::Null);
    assert_eq!((answer.status, answer.code()), (400, "22P02"));
}

#[test]
fn a_version_comes_with_its_source() {
    let server = filled();
    let target =
        "/source_versions?select=version,sources!inner(id,org_id)&order=created_at.asc,id.asc";
    let answer = ask(&server, "GET", target, "", &Value::Null);
    assert_eq!(answer.status, 200);
    // One object, because a version has one source.
    assert_eq!(answer.body[0]["sources"], json!({"id": ID, "org_id": "acme"}));
}

#[test]
fn what_is_deleted_is_shown() {
    let server = filled();
    let target = format!("/source_versions?source_id=eq.{ID}&version=gt.1&select=version");
    let answer = ask(&server, "DELETE", &target, SHOWN, &Value::Null);
    let mut versions: Vec<i64> = answer
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["version"].as_i64().unwrap())
        .collect();
    versions.sort_unstable();
    assert_eq!((answer.status, versions), (200, vec![2, 3]));
    let answer = ask(&server, "DELETE", &target, SHOWN, &Value::Null);
    assert_eq!((answer.status, answer.body), (200, json!([])));
}
