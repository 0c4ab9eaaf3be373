//! Quoted names and values, as DuckDB reads them.

use proptest::prelude::*;
use tundra_duckdb::{Database, quote_identifier, quote_literal};

use crate::support::{MemoryFiles, open, texts};

/// What tries to get out of its quotes.
const NASTY: [&str; 16] = [
    "",
    "plain",
    "it's",
    "'",
    "''",
    "'; DROP TABLE t; --",
    "\"",
    "\"\"",
    "\"; DROP TABLE t; --",
    "\\",
    "\\'",
    "\\\"",
    "new\nline\r\n\ttab",
    "$$dollar$$ E'x' /* comment */ -- end",
    "{curly} ?1 $1 :name @x",
    "\u{feff}\u{2028}é漢字🦆\u{1f468}\u{200d}\u{1f469}",
];

fn check_literal(database: &Database, value: &str) {
    let rows = database.query(&format!("SELECT {} AS value", quote_literal(value))).unwrap();
    assert_eq!(texts(&rows), [value]);
}

fn check_identifier(database: &Database, name: &str) {
    let quoted = quote_identifier(name);
    let rows = database.query(&format!("SELECT 'inside' AS {quoted}")).unwrap();
    assert_eq!(rows[0].schema().field(0).name(), name);
    let inner = format!("SELECT t.{quoted} FROM (SELECT 'inside' AS {quoted}) t");
    assert_eq!(texts(&database.query(&inner).unwrap()), ["inside"]);
}

#[test]
fn nasty_text_stays_inside_its_quotes() {
    let database = open(&MemoryFiles::default());
    for text in NASTY {
        check_literal(&database, text);
        if !text.is_empty() {
            // SQL has no name without characters.
            check_identifier(&database, text);
        }
    }
}

#[test]
fn any_text_stays_inside_its_quotes() {
    let database = open(&MemoryFiles::default());
    proptest!(ProptestConfig::with_cases(500), |(text in "[^\0]{1,40}")| {
        check_literal(&database, &text);
        check_identifier(&database, &text);
    });
}

#[test]
fn quotes_and_backslashes_stay_inside_their_quotes() {
    let database = open(&MemoryFiles::default());
    proptest!(ProptestConfig::with_cases(500), |(text in r#"['"\\;$ -]{1,12}"#)| {
        check_literal(&database, &text);
        check_identifier(&database, &text);
    });
}

#[test]
fn a_nul_never_ends_the_quotes() {
    let database = open(&MemoryFiles::default());
    for text in ["\0", "a\0b", "a\0'; DROP TABLE t; --"] {
        // It is kept or refused, but nothing behind it is read as SQL.
        if let Ok(rows) = database.query(&format!("SELECT {}", quote_literal(text))) {
            assert_eq!(texts(&rows), [text]);
        }
        if let Ok(rows) = database.query(&format!("SELECT 1 AS {}", quote_identifier(text))) {
            assert_eq!(rows[0].num_columns(), 1);
        }
    }
}
