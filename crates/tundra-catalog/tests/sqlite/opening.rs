//! What may be where the catalog is to be. What holds for every file of SQLite is tested in
//! `tundra-sqlite`.

use std::{fs, path::Path};

use rusqlite::Connection;
use tundra_catalog::SqliteCatalog;
use tundra_core::{Catalog, Classify, ErrorKind, Scope};

use super::{add, by_hand, open, place, run};

/// Holds when the file is refused by its name, with this way out.
async fn assert_refused(path: &Path, kind: ErrorKind, hint: &str) {
    let error = SqliteCatalog::open(path).await.unwrap_err();
    assert!(error.reason.contains(&format!("`{}`", path.display())), "{error}");
    assert_eq!((error.operation, error.kind()), ("open its file", kind), "{error:?}");
    assert_eq!(error.hints(), [hint]);
}

#[tokio::test]
async fn what_is_no_catalog_is_refused_in_words_of_catalogs() {
    let (directory, path) = place();
    let hint = "name a file, new or of a catalog";
    assert_refused(directory.path(), ErrorKind::InvalidRequest, hint).await;

    fs::write(&path, "id,name\n1,x\n".repeat(1000)).unwrap();
    let hint = "name another file; if this was the catalog, restore a backup, or move it away to \
                begin with an empty one: the data in storage stays where it is";
    assert_refused(&path, ErrorKind::InvalidRequest, hint).await;

    fs::remove_file(&path).unwrap();
    by_hand(&path).execute_batch("CREATE TABLE sources (id TEXT)").unwrap();
    assert_refused(&path, ErrorKind::InvalidRequest, "name another file").await;

    fs::remove_file(&path).unwrap();
    drop(open(&path).await);
    by_hand(&path).pragma_update(None, "user_version", 99).unwrap();
    let hint = "use the newest Tundra of those that share the catalog";
    assert_refused(&path, ErrorKind::Unsupported, hint).await;
}

#[tokio::test]
async fn a_damaged_catalog_is_said_to_be_damaged() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    for _ in 0..100 {
        run(&catalog, &source).await.unwrap();
    }
    drop(catalog);
    let whole = fs::read(&path).unwrap();

    // All pages but the first, which says what the tables are: it opens, and says it where it is asked.
    let mut damaged = whole.clone();
    damaged[4096..].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let catalog = open(&path).await;
    let hint = format!(
        "restore a backup, or rescue what can be read with `sqlite3 {} .recover | sqlite3 NEW-FILE`; \
         the data in storage stays where it is",
        path.display()
    );
    for error in [
        catalog.source(&Scope::All, source.id).await.unwrap_err(),
        catalog.versions(&source, None, 1000).await.unwrap_err(),
        catalog.reserve(&source, None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert_eq!(error.hints(), std::slice::from_ref(&hint));
    }
    drop(catalog);

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
