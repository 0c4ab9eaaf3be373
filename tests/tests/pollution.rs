//! Damaged files become the tables that their authors meant.

use std::{collections::HashMap, fmt::Write as _};

use tundra_tests::{
    pollution::{Source, files_of, load_all, prices, shipments},
    score::{Board, Score},
};

/// Files that are read at once: each is a run of its own.
const AT_ONCE: usize = 2;

/// Checks the scores of every file that has one of its kind to itself, and of every `nth` other one.
async fn check(source: &Source, nth: usize) {
    let mut files = files_of(source);
    let mut of_kind: HashMap<&str, usize> = HashMap::new();
    for file in &files {
        *of_kind.entry(file.kind).or_default() += 1;
    }
    let mut index = 0;
    files.retain(|file| {
        index += 1;
        of_kind[file.kind] < 50 || index % nth == 0
    });
    let mut board = Board::default();
    let mut refused = String::new();
    for (file, loaded) in load_all(files, AT_ONCE).await.unwrap() {
        let score = loaded.as_ref().map_or(Score::FAILED, |loaded| loaded.score(&file));
        board.add(file.kind, file.weight, &score);
        if let Err(error) = loaded {
            writeln!(refused, "{}: {error:#}", file.name).unwrap();
        }
    }
    assert!(board.simple() > 9.95 && board.weighted() > 9.90, "{board}{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_of_shipments_become_what_was_meant() {
    // The rich table takes twice the time of the plain one.
    check(&shipments(), 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_of_prices_become_what_was_meant() {
    check(&prices(), 1).await;
}
