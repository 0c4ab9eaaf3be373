//! A file of SQLite in which a store keeps what it has: how it is opened, brought up to date, read and
//! written. Start at [`Database`].
//!
//! The store brings a [`Purpose`]: its tables, version by version, and how people call what is in them.
//! It asks with closures over a [`rusqlite::Connection`], which fail with a [`Failure`]; what comes back
//! is an [`Error`] that names the file and a way out, and that the store makes into its own.
//!
//! Several processes may have a file open at once. What was answered is on the disk. A new file is for
//! its owner alone. This crate knows no table and no network: a file on a network file system is for one
//! machine at a time, and better not at all.
//!
//! # Example
//! ```
//! use tundra_sqlite::{Database, Error, Purpose, Words};
//!
//! static NOTES: Purpose = Purpose {
//!     name: "notes",
//!     application: 0x5455_4E00,
//!     steps: &["CREATE TABLE notes (text TEXT NOT NULL) STRICT; PRAGMA application_id = 0x54554E00;"],
//!     accept: None,
//!     words: Words {
//!         content: "notes",
//!         this: "the notes",
//!         any: "notes",
//!         if_not_sqlite: "if these were the notes, restore a backup",
//!         if_damaged: None,
//!     },
//! };
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("notes.db");
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let notes = Database::open(&path, &NOTES).await?;
//! notes.write(|it| Ok(it.execute("INSERT INTO notes VALUES ('buy milk')", [])?)).await?;
//! let count = "SELECT count(*) FROM notes";
//! let kept: i64 = notes.read(move |it| Ok(it.query_row(count, [], |row| row.get(0))?)).await?;
//! assert_eq!(kept, 1);
//! # Ok::<(), Error>(())
//! # }).unwrap();
//! ```

mod database;
mod failure;
mod file;
mod migrations;
mod purpose;
pub mod rows;
mod writer;

pub use self::{
    database::Database,
    failure::{Error, Failure},
    purpose::{Accept, Purpose, Words},
};
