//! Several processes on one file, and processes that end without warning.

use std::{collections::BTreeSet, path::Path};

use futures::future::join_all;
use tundra_core::{Catalog, ErrorKind, Scope, Source, VersionStatus};

use tundra_test_services::scenario::{Running, say};

use super::{by_hand, child::PLAYER, new_source, open, reserve, run};

const PROCESSES: usize = 4;
const RUNS: usize = 50;
/// How many of them a process has at once.
const AT_ONCE: usize = 5;

/// Returns the source that all processes share; one of them adds it.
async fn shared(catalog: &dyn Catalog) -> Source {
    match catalog.add_source(&new_source(Some("shared"))).await {
        Err(error) if error.kind == ErrorKind::AlreadyExists => {
            catalog.source_named(&Scope::All, "shared").await.unwrap()
        }
        added => added.unwrap(),
    }
}

/// Scenario: makes versions of the shared source, some at once, and says their numbers.
pub(super) async fn run_many(directory: &Path) {
    let catalog = open(&directory.join("deep/er/catalog.db")).await;
    let source = shared(&catalog).await;
    for _ in 0..RUNS / AT_ONCE {
        let done = join_all((0..AT_ONCE).map(|_| run(&catalog, &source))).await;
        for version in done {
            say(&version.unwrap().number.get().to_string());
        }
    }
}

/// Scenario: makes versions of the shared source, some at once, until it is killed, and says the
/// number of each that it was told to be active.
pub(super) async fn run_forever(directory: &Path) {
    let catalog = open(&directory.join("catalog.db")).await;
    let source = shared(&catalog).await;
    loop {
        join_all((0..AT_ONCE).map(async |_| {
            let version = run(&catalog, &source).await.unwrap();
            say(&version.number.get().to_string());
        }))
        .await;
    }
}

#[tokio::test]
async fn processes_that_begin_and_run_at_once_share_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let running: Vec<Running> =
        (0..PROCESSES).map(|_| PLAYER.start("run", directory.path())).collect();
    let mut numbers = BTreeSet::new();
    for running in running {
        for said in &running.finish() {
            assert!(numbers.insert(said.parse::<u32>().unwrap()), "{said} was given twice");
        }
    }
    let last = u32::try_from(PROCESSES * RUNS).unwrap();
    assert_eq!(numbers, (1..=last).collect());

    let catalog = open(&directory.path().join("deep/er/catalog.db")).await;
    let source = shared(&catalog).await;
    assert_eq!(source.current_version.unwrap().get(), last);
    let versions = catalog.versions(&source, None, 1000).await.unwrap();
    assert_eq!(versions.len(), PROCESSES * RUNS);
    assert!(versions.iter().all(|version| version.status == VersionStatus::Active));
}

#[tokio::test]
async fn whenever_a_process_is_killed_the_catalog_is_whole_and_what_was_told_is_true() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    // A second process has the file open all the time, as a server has.
    let catalog = open(&path).await;
    let source = shared(&catalog).await;
    let mut told = BTreeSet::new();
    for lines in 1..25 {
        let mut process = PLAYER.start("run-forever", directory.path());
        let mut said: Vec<String> = (1..lines).map(|_| process.hear()).collect();
        // What it was doing at that moment was in every state.
        said.extend(process.kill());
        told.extend(said.iter().map(|said| said.parse::<u32>().unwrap()));

        let versions = catalog.versions(&source, None, 10_000).await.unwrap();
        let active: BTreeSet<u32> = versions
            .iter()
            .filter(|version| version.status == VersionStatus::Active)
            .map(|version| version.number.get())
            .collect();
        assert!(active.is_superset(&told), "{:?}", told.difference(&active));
        let current = catalog.source(&Scope::All, source.id).await.unwrap().current_version;
        assert_eq!(current.map(|number| number.get()), active.last().copied());
        let next = reserve(&catalog, &source).await.unwrap();
        assert!(versions.iter().all(|version| version.number < next.number));
    }
    drop(catalog);
    let check: String =
        by_hand(&path).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
