//! What may be where the catalog is to be.

use std::{fs, path::Path};

use rusqlite::Connection;
use tundra_catalog::SqliteCatalog;
use tundra_core::{Catalog, CatalogError, Classify, ErrorKind, Scope};

use super::{add, by_hand, open, place, run};

/// Returns why the file cannot be opened, which must name it and a way out.
async fn refusal(path: &Path) -> CatalogError {
    let error = SqliteCatalog::open(path).await.unwrap_err();
    assert!(error.reason.contains(&format!("`{}`", path.display())), "{error}");
    assert!(!error.hints().is_empty(), "{error}");
    error
}

#[tokio::test]
async fn a_new_catalog_is_for_its_owner_alone() {
    let (directory, _path) = place();
    let path = directory.path().join("new/er/catalog.db");
    let catalog = open(&path).await;
    add(&catalog).await;
    assert!(catalog.sources(&Scope::All, None, 10).await.unwrap().len() == 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
            assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
        }
    }
}

#[tokio::test]
async fn a_catalog_in_the_working_directory_needs_no_more_than_its_name() {
    let name = format!("tundra-test-{}.db", std::process::id());
    let catalog = open(Path::new(&name)).await;
    assert!(Path::new(&catalog.display()).is_absolute());
    let path = catalog.display();
    drop(catalog);
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn one_process_may_open_it_several_times() {
    let (_directory, path) = place();
    let (first, second) = futures::future::join(open(&path), open(&path)).await;
    let source = add(&first).await;
    let version = run(&second, &source).await.unwrap();
    assert_eq!(first.versions(&source, None, 10).await.unwrap(), std::slice::from_ref(&version));
    drop(first);
    assert_eq!(run(&second, &source).await.unwrap().number.get(), 2);
}

#[tokio::test]
async fn an_empty_file_becomes_a_catalog() {
    let (_directory, path) = place();
    fs::write(&path, "").unwrap();
    add(&open(&path).await).await;
}

#[tokio::test]
async fn a_directory_is_refused() {
    let (directory, _path) = place();
    let error = refusal(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.reason.ends_with("is a directory"), "{error}");
}

#[tokio::test]
async fn no_path_at_all_is_refused() {
    assert_eq!(refusal(Path::new("")).await.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_file_in_place_of_the_directory_is_refused() {
    let (_directory, path) = place();
    fs::write(&path, "").unwrap();
    let error = refusal(&path.join("catalog.db")).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_kept() {
    let (_directory, path) = place();
    let text = "id,name\n1,x\n".repeat(1000);
    fs::write(&path, &text).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.reason.ends_with("is no SQLite file"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_kept() {
    let (_directory, path) = place();
    by_hand(&path).execute_batch("CREATE TABLE sources (id TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.reason.ends_with("is an SQLite file of another program"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn the_catalog_of_a_newer_tundra_is_refused_and_kept() {
    let (_directory, path) = place();
    drop(open(&path).await);
    let version = |change: i32| {
        let by_hand = by_hand(&path);
        let now: i32 = by_hand.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        by_hand.pragma_update(None, "user_version", now + change).unwrap();
    };
    version(1);
    let before = fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.reason.contains("written by a newer Tundra"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    version(-1);
    open(&path).await.ping().await.unwrap();
}

#[tokio::test]
async fn a_damaged_catalog_is_said_to_be_damaged() {
    const PAGE: usize = 4096;
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    for _ in 0..100 {
        run(&catalog, &source).await.unwrap();
    }
    drop(catalog);
    let whole = fs::read(&path).unwrap();

    // The first page: what the tables are.
    let mut damaged = whole.clone();
    damaged[100..PAGE].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(error.hints()[0].contains("restore a backup"), "{error:?}");

    // All others: it opens, and says it where it is asked.
    let mut damaged = whole.clone();
    damaged[PAGE..].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let catalog = open(&path).await;
    for error in [
        catalog.source(&Scope::All, source.id).await.unwrap_err(),
        catalog.versions(&source, None, 1000).await.unwrap_err(),
        catalog.reserve(&source, None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(error.hints()[0].contains(".recover"), "{error:?}");
    }
    drop(catalog);

    // Cut off in the middle.
    fs::write(&path, &whole[..2 * PAGE]).unwrap();
    let read = match SqliteCatalog::open(&path).await {
        Ok(catalog) => catalog.source(&Scope::All, source.id).await.map(drop),
        Err(error) => Err(error),
    };
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt);

    fs::write(&path, whole).unwrap();
    let catalog = open(&path).await;
    assert_eq!(catalog.versions(&source, None, 1000).await.unwrap().len(), 100);
}

#[tokio::test]
async fn tables_that_somebody_changed_are_no_riddle() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    by_hand(&path).execute_batch("DROP TABLE source_selections; DROP TABLE sources").unwrap();
    let error = catalog.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert!(error.hints()[0].contains("another program changed the tables"), "{error:?}");
}

#[test]
fn a_catalog_is_a_database_that_other_tools_read() {
    let (_directory, path) = place();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let source = runtime.block_on(async { add(&open(&path).await).await });
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let other = Connection::open_with_flags(&path, flags).unwrap();
    let id: String = other.query_row("SELECT id FROM sources", [], |row| row.get(0)).unwrap();
    assert_eq!(id, source.id.to_string());
}
