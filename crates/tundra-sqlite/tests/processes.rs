//! Several processes on one file, and processes that end without warning.

use std::{collections::BTreeSet, path::Path};

use futures::future::join_all;
use tundra_test_services::scenario::{Running, say};

use super::{add, assert_whole, child::PLAYER, numbers, open};

const PROCESSES: usize = 4;
const LINES: usize = 100;
/// How many of them a process writes at once.
const AT_ONCE: usize = 5;

/// Scenario: makes the file, if it is the first, and writes lines, some at once; says their numbers.
pub(super) async fn write_many(directory: &Path) {
    let diary = open(&directory.join("deep/er/diary.db")).await;
    for _ in 0..LINES / AT_ONCE {
        for number in join_all((0..AT_ONCE).map(|_| add(&diary, "again"))).await {
            say(&number.unwrap().to_string());
        }
    }
}

/// Scenario: writes lines, some at once, until it is killed, and says the number of each that it was
/// told to be written.
pub(super) async fn write_forever(directory: &Path) {
    let diary = open(&directory.join("diary.db")).await;
    loop {
        join_all((0..AT_ONCE).map(async |_| {
            say(&add(&diary, "and again").await.unwrap().to_string());
        }))
        .await;
    }
}

#[tokio::test]
async fn processes_that_begin_and_write_at_once_share_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let running: Vec<Running> =
        (0..PROCESSES).map(|_| PLAYER.start("write", directory.path())).collect();
    let mut said = BTreeSet::new();
    for running in running {
        for number in &running.finish() {
            assert!(said.insert(number.parse().unwrap()), "{number} was given twice");
        }
    }
    let last = i64::try_from(PROCESSES * LINES).unwrap();
    assert_eq!(said, (1..=last).collect());
    let diary = open(&directory.path().join("deep/er/diary.db")).await;
    assert_eq!(numbers(&diary).await.unwrap(), (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn whenever_a_process_is_killed_the_file_is_whole_and_what_was_told_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("diary.db");
    // A second process has the file open all the time, as a server has.
    let diary = open(&path).await;
    let mut told = BTreeSet::new();
    for lines in 1..25 {
        let mut process = PLAYER.start("write-forever", directory.path());
        let mut said: Vec<String> = (1..lines).map(|_| process.hear()).collect();
        // What it was doing at that moment was in every state.
        said.extend(process.kill());
        told.extend(said.iter().map(|said| said.parse::<i64>().unwrap()));
        let kept: BTreeSet<i64> = numbers(&diary).await.unwrap().into_iter().collect();
        assert!(kept.is_superset(&told), "{:?}", told.difference(&kept));
        assert!(!kept.contains(&add(&diary, "after that").await.unwrap()));
    }
    drop(diary);
    assert_whole(&path);
}
