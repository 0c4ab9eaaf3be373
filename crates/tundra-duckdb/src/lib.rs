//! DuckDB with Rust's file system under it, in a sandbox.
//!
//! Start at [`Database`]: it opens one in-memory DuckDB whose only files are those of a
//! [`FileSystem`], under `tundra://`, and runs SQL on it. [`Database::register_stream`] feeds it
//! Arrow record batches, [`Interrupter`] stops what runs, and [`quote_identifier`] and
//! [`quote_literal`] build SQL.
//!
//! # The sandbox
//!
//! A database is closed from the moment it is returned, in four independent ways:
//!
//! 1. DuckDB has no file system but the one given to it. Where it expects the machine's, stands one
//!    in which nothing exists. Its spill directory is reachable for its buffer manager alone, under a
//!    name that tells nothing of the real one.
//! 2. Only statements that read and write data run: no `ATTACH`, `INSTALL`, `LOAD`, `SET`, `PRAGMA`,
//!    `EXPORT`, `CREATE SECRET`, no transactions.
//! 3. Only table functions that read data or generate it exist. Those that show or change settings,
//!    secrets, logs, temporary files and extensions are taken out of the catalog, and so are all
//!    pragmas, `current_setting` and `getenv`.
//! 4. DuckDB's own switches: no external access, nothing installed or loaded by itself, no
//!    persistent secrets, configuration locked.
//!
//! # What it refuses to do
//!
//! It knows nothing of what the data means, chooses no settings beyond those of the sandbox, and
//! opens no database files.
//!
//! This is the only crate of the workspace with `unsafe`; its public API is safe.

mod database;
mod error;
mod file_system;
mod interrupt;
mod sql;

mod callbacks;
mod connection;
mod desk;
mod failures;
mod ffi;
mod host;
mod results;
mod stream;
mod worker;

pub use self::database::{Database, Options};
pub use self::error::{BoxError, Class, Error, Operation, Result};
pub use self::file_system::{FileSystem, ReadFile, WriteFile};
pub use self::interrupt::Interrupter;
pub use self::sql::{quote_identifier, quote_literal};
