//! Tables in random dialects come back as they were: any table when the dialect is told, and one
//! that looks like a table of somebody's when it is found out.

mod write;

use std::time::Instant;

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tundra_core::{ConvertOptions, Format, TextHints, TypePolicy};
use tundra_tests::env::fuzz_time;

use self::write::{Dialect, Table};
use super::run::convert;

/// Tables of one ordinary run.
const TABLES: u32 = 40;

#[test]
fn dialects_that_are_told_give_back_any_table() {
    check(any_table(), |dialect| TextHints {
        encoding: Some("utf-8".to_owned()),
        delimiter: Some(dialect.delimiter.to_owned()),
        quote: Some(dialect.quote),
        escape: Some(match dialect.backslash {
            true => Some('\\'),
            false => dialect.quote,
        }),
        header_rows: Some(1),
        preamble: Some(0),
        footer: Some(0),
        comment: Some(None),
        ..TextHints::default()
    });
}

#[test]
fn dialects_that_are_found_give_back_usual_tables() {
    check(usual_table(), |_| TextHints::default());
}

fn check(tables: impl Strategy<Value = (Dialect, Table)>, hints: fn(&Dialect) -> TextHints) {
    let time = fuzz_time();
    let config = Config {
        cases: TABLES,
        failure_persistence: None,
        max_shrink_iters: 4000,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    let mut runner = match time {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let started = Instant::now();
    loop {
        let result = runner.run(&tables, |(dialect, table)| {
            let text = dialect.write(&table);
            let read = read(&text, hints(&dialect)).map_err(TestCaseError::fail)?;
            prop_assert_eq!(read, table, "written as {:?}", text);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{error}");
        }
        if time.is_none_or(|time| started.elapsed() > time) {
            break;
        }
    }
}

fn read(text: &str, hints: TextHints) -> Result<Table, String> {
    let options = ConvertOptions {
        format: Some(Format::Csv),
        text: hints,
        types: TypePolicy::Text,
        ..ConvertOptions::default()
    };
    let done = convert(text.as_bytes(), &options)?
        .map_err(|refusal| format!("refused: {refusal}\nwritten as {text:?}"))?;
    let columns: Vec<_> = done.table.text.values().collect();
    let row = |row: usize| columns.iter().map(|column| column[row].clone()).collect();
    Ok(Table { rows: (0..done.table.rows).map(row).collect(), names: done.table.names })
}

fn dialect(quotes: &'static [Option<char>]) -> impl Strategy<Value = Dialect> {
    (
        select(&[",", ";", "\t", "|", ", ", "||"][..]),
        select(quotes),
        any::<bool>(),
        select(&["\n", "\r\n", "\r"][..]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(delimiter, quote, backslash, newline, ends_with_newline, quotes_all)| {
            Dialect {
                delimiter,
                quote,
                backslash: backslash && quote.is_some(),
                newline,
                ends_with_newline,
                quotes_all,
            }
        })
}

/// What is hard to write or looks like something else.
const PIECES: &[&str] = &[
    "a",
    "Z9",
    " ",
    "  ",
    ",",
    ";",
    "\t",
    "|",
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "#",
    "é",
    "東京",
    "🜨",
    "\u{feff}",
    "\u{a0}",
    "NULL",
    "-1",
    "0.5",
    "\0",
    "long words here ",
];

/// Cells of everything.
fn any_cell() -> impl Strategy<Value = String> {
    let piece = select(PIECES);
    prop_oneof![
        4 => vec(piece, 0..6).prop_map(|pieces| pieces.concat()),
        2 => "[a-z0-9 .-]{0,12}",
        1 => any::<String>(),
        1 => "[a-z,\"' ]{200,400}",
    ]
}

fn any_table() -> impl Strategy<Value = (Dialect, Table)> {
    let table = (1..13_usize, 0..61_usize).prop_flat_map(|(width, height)| {
        (vec(any_cell(), width), vec(vec(option::weighted(0.85, any_cell()), width), height))
    });
    (dialect(&[Some('"'), Some('\''), None]), table).prop_map(|(mut dialect, (names, mut rows))| {
        let width = names.len();
        if width < 2 || rows.len() < 3 {
            // How lines end is found out also here, and nothing shows it.
            dialect.newline = if dialect.newline == "\r" { "\n" } else { dialect.newline };
        }
        // With their numbers they are neither empty nor equal.
        let name = |(index, name): (usize, String)| {
            // A zero byte in a name cannot be kept.
            format!("n{index} {}", dialect.writable(&name).replace('\0', ""))
        };
        let names = names.into_iter().enumerate().map(name).collect();
        for cell in rows.iter_mut().flatten() {
            *cell = cell.take().map(|cell| dialect.writable(&cell));
            if dialect.quote.is_none() && cell.as_deref() == Some("") {
                // Without quotes there is no empty text.
                *cell = None;
            }
            if width == 1 && cell.is_none() {
                // An empty line is no record.
                *cell = Some(if dialect.quote.is_some() { "" } else { "x" }.to_owned());
            }
        }
        (dialect, Table { names, rows })
    })
}

/// A column as people have them: numbers, amounts, days, words, remarks.
fn usual_column(height: usize) -> BoxedStrategy<(String, Vec<String>)> {
    let column = |name: &'static str, cell: BoxedStrategy<String>| {
        vec(cell, height).prop_map(move |cells| (name.to_owned(), cells)).boxed()
    };
    prop_oneof![
        column("count", (0..5000_u32).prop_map(|count| count.to_string()).boxed()),
        column(
            "price",
            (0..99_999_u32).prop_map(|price| format!("{}.{:02}", price / 100, price % 100)).boxed()
        ),
        column(
            "day",
            (1..13_u32, 1..29_u32)
                .prop_map(|(month, day)| format!("2024-{month:02}-{day:02}"))
                .boxed()
        ),
        column(
            "city",
            select(&["Oslo", "Rome", "Łódź", "New York", "São Paulo"][..])
                .prop_map(str::to_owned)
                .boxed()
        ),
        column("name", "[A-Z][a-z]{2,8} [A-Z][a-z]{3,9}".boxed()),
        column(
            "remark",
            "[A-Z][a-z]{2,6}( [a-z]{2,6}){1,4}(, [a-z]{3,5})?( \"[a-z]{3,5}\" [a-z]{2,4})?\\.?"
                .boxed()
        ),
    ]
    .boxed()
}

/// A key, and columns of values and words that are all filled.
fn usual_table() -> impl Strategy<Value = (Dialect, Table)> {
    let columns = (5..61_usize, 1..7_usize)
        .prop_flat_map(|(height, width)| (vec(usual_column(height), width), Just(height)));
    (dialect(&[Some('"'), Some('\''), None]), columns).prop_map(|(dialect, (columns, height))| {
        let mut names = vec!["id".to_owned()];
        let mut rows: Vec<_> = (1..=height).map(|id| vec![Some(id.to_string())]).collect();
        for (index, (name, cells)) in columns.into_iter().enumerate() {
            names.push(format!("{name} {}", ["a", "b", "c", "d", "e", "f"][index]));
            for (row, cell) in rows.iter_mut().zip(cells) {
                let cell = dialect.writable(&cell);
                // A quote in a text without quotes looks like one.
                row.push(Some(if dialect.quote.is_none() { cell.replace('"', "") } else { cell }));
            }
        }
        for name in &mut names {
            *name = dialect.writable(name);
        }
        (dialect, Table { names, rows })
    })
}
